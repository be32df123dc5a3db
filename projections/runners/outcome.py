"""Outcome: what a verification found, in words and as an exit code."""

from typing import Any

from msgspec import UNSET, Struct

from projections.runners import wording
from projections.runners.fields import fields
from projections.statement import Statement

CARRIED_OUT, NOT_SOUND, NOT_CARRIED_OUT, ONE_WORD = 0, 1, 3, 4
"""Exit codes; of those that apply, in the order 1, 4, 3, 0, the first is given. 2 is `usage.USAGE`."""


class Assessor(Struct, frozen=True):
    """One whom the order names and who signed the statement. `unchecked`: what he says that he did not check;
    None where the bundle has no word of his on it."""

    name: str
    vkey: str
    unchecked: list[str] | None


class Told(Struct, frozen=True):
    """What one entry says of a record, and who answers for it: no key id where it came in by a token."""

    index: int
    time_us: int
    type: str
    by: str
    role: str
    key_id: str | None
    data: dict[str, Any]


class Outcome(Struct, kw_only=True):
    """Filled in as a verification goes on, so that where it fails, what held before can still be told."""

    bundle: str
    kind: str = "full"
    failure: str | None = None
    order: str | None = None
    statement: Statement | None = None
    authority: str | None = None
    record: str | None = None
    log: str | None = None
    told: list[Told] = []
    untold: int = 0
    witnessed: bool = False
    age_s: int | None = None
    assessors: list[Assessor] = []
    assessors_needed: int = 1
    checked: list[str] = []
    keys: list[str] = []
    attested: list[str] = []
    exceptions: list[str] = []
    not_proven: list[str] = []

    @property
    def code(self) -> int:
        """The exit code."""
        if self.failure is None and self.record is not None:
            return ONE_WORD if self.log is None or not self.witnessed else CARRIED_OUT
        if self.failure is not None or self.statement is None:
            return NOT_SOUND
        if not self.witnessed or self.authority is None:
            return ONE_WORD
        return CARRIED_OUT if self.statement.verdict == "carried_out" else NOT_CARRIED_OUT


def prose(outcome: Outcome) -> str:
    """The report, exceptions first."""
    lines = [_title(outcome), ""]
    if outcome.failure is not None:
        lines += _section("What is wrong", [outcome.failure])
    lines += _section("Exceptions", outcome.exceptions)
    if outcome.statement is not None and outcome.failure is None:
        for one in outcome.statement.obligations:
            said = [
                *wording.count_lines(one),
                *(wording.store_line(store) for store in one.stores),
                *(f"missing: {wording.gap_line(gap)}" for gap in one.gaps),
                *(
                    f"out of scope by {out.basis}, said by {out.by}: {out.copies:,}"
                    for out in one.out_of_scope
                ),
            ]
            lines += _section(wording.obligation_line(one), said)
    if outcome.record is not None and outcome.failure is None:
        more = [f"and {outcome.untold:,} more"] if outcome.untold else []
        lines += _section("What the log says of this record", [*map(told_line, outcome.told), *more])
    if outcome.failure is not None:
        lines += _section("What held until then", outcome.checked)
    else:
        lines += _section("Checked", outcome.checked)
        lines += _section("Against these keys", outcome.keys)
        lines += _section("The rest is attested by", outcome.attested)
        lines += _section("Not proven", outcome.not_proven)
    return "\n".join(lines).rstrip() + "\n"


def told_line(one: Told) -> str:
    """An entry about a record, in one line: JSON has it whole."""
    whose = f"key id {one.key_id}" if one.key_id is not None else "a token's, not signed by its bearer"
    kind = one.type.removeprefix("writ.").removesuffix(".v1")
    return (
        f"entry {one.index}, {wording.moment(one.time_us // 1_000_000)}, by {one.by} ({one.role}, {whose}): "
        f"{kind} {' '.join(fields(one.data))}"
    )


def as_json(outcome: Outcome) -> dict[str, object]:
    """The report for programs."""
    statement = outcome.statement
    verdict = None
    if statement is not None and outcome.failure is None and statement.verdict is not UNSET:
        verdict = statement.verdict
    return {
        "bundle": outcome.bundle,
        "kind": outcome.kind,
        "sound": outcome.failure is None,
        "exit_code": outcome.code,
        "failure": outcome.failure,
        "headline": None if statement is None or outcome.failure else wording.headline(statement),
        "order": outcome.order,
        "verdict": verdict,
        "authority": outcome.authority,
        "record": outcome.record,
        "log": outcome.log,
        "told": outcome.told if outcome.failure is None else [],
        "untold": outcome.untold,
        "witnessed": outcome.witnessed,
        "age_s": outcome.age_s,
        "assessors": outcome.assessors,
        "assessors_needed": outcome.assessors_needed,
        "exceptions": outcome.exceptions,
        "checked": outcome.checked,
        "keys": outcome.keys,
        "attested": outcome.attested,
        "not_proven": outcome.not_proven,
        "statement": statement,
    }


def _title(outcome: Outcome) -> str:
    if outcome.failure is None and outcome.record is not None:
        count = len(outcome.told) + outcome.untold
        title = f"{outcome.record}: {count:,} {'entry' if count == 1 else 'entries'} about this record"
    elif outcome.failure is None and outcome.statement is not None:
        title = f"{outcome.order}: {wording.headline(outcome.statement)}"
    else:
        return f"NOT SOUND: {outcome.bundle}"
    if outcome.code == ONE_WORD:
        title += "\nThis rests on the operator's word alone."
    return title


def _section(title: str, lines: list[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines), ""] if lines else []
