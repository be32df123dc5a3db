"""An order's status in words, line by line, for people with a terminal of 100 columns."""

import textwrap
from collections.abc import Iterator
from typing import Final

from ledger.judging import OrderStatus
from projections.beside import Conflict, Correction
from projections.finding import Irregularity
from projections.rulebook import explain
from projections.runners.wording import moment, store_line
from projections.statement import ObligationStatement, Reason

LISTED: Final = 10
WIDTH: Final = 100

Line = tuple[bool, str]
"""Whether it is printed bold, and the line."""


def lines(status: OrderStatus) -> Iterator[Line]:
    """The headline first, then each obligation with its counts, gaps and exceptions, then what is beside."""
    statement = status.statement
    yield (
        True,
        f"{statement.order.id}, version {statement.order.version}, {statement.status.replace('_', ' ')}",
    )
    yield from ((True, line) for line in _wrapped(status.headline))
    yield from _plain(
        f"as of {moment(statement.as_of)}, {statement.counted:,} entries, provisional: counts what no "
        "witness has cosigned yet"
    )
    exceptions = dict(status.exceptions)
    told: set[str] = set()
    yield from _exceptions(exceptions.get("", ()), status.corrections, told)
    for one in statement.obligations:
        yield False, ""
        yield from _obligation(one, told)
        yield from _exceptions(exceptions.get(one.id, ()), status.corrections, told)
    yield from _beside(status, told)


def _obligation(one: ObligationStatement, told: set[str]) -> Iterator[Line]:
    so_far = " so far" if one.type.startswith("cease_") and one.verdict == "carried_out" else ""
    whose = "nobody's word" if one.word == "nobody" else f"the word of the {one.word}"
    yield True, f"{one.id} ({one.type}): {one.verdict.replace('_', ' ')}{so_far}"
    yield False, f"  by {moment(one.deadline)}; evidence {one.evidence}, on {whose}"
    counts = [f"{name.replace('_', ' ')} {number:,}" for name, number in one.counts.items() if number]
    yield from _plain(f"counts: {', '.join(counts) or 'none'}", "  ")
    for store in one.stores:
        yield from _plain(f"store {store_line(store)}", "  ")
    for gap in one.gaps:
        yield from _plain(f"missing {gap.rule}: {_gap(gap)}", "  ")
        yield from _explained(gap.rule, told)


def _gap(gap: Reason) -> str:
    copies = f", {gap.copies:,} copies" if gap.copies else ""
    return f"{gap.subject or 'the whole obligation'}{copies}"


def _exceptions(
    listed: tuple[Irregularity, ...], corrections: tuple[Correction, ...], told: set[str]
) -> Iterator[Line]:
    for one in listed[:LISTED]:
        late = f", {one.days_late:,} {'day' if one.days_late == 1 else 'days'} late" if one.days_late else ""
        copies = f", {one.copies:,} {'copy' if one.copies == 1 else 'copies'}" if one.copies else ""
        where = f" in {one.store}" if one.store else ""
        recorded = moment(one.time_us // 1_000_000)
        said = f"exception {one.rule}: entry {one.index:,} of {one.by}, {recorded}{copies}{where}{late}"
        yield from _plain(said, "  ")
        yield from _explained(one.rule, told)
        for correction in corrections:
            if correction.corrects == one.index:
                yield from _plain(_correction(correction), "    ")
    if len(listed) > LISTED:
        yield False, f"  … and {len(listed) - LISTED:,} more exceptions (--json lists them all)"


def _beside(status: OrderStatus, told: set[str]) -> Iterator[Line]:
    rest = [one for one in status.corrections if not one.beside]
    if status.conflicts or rest:
        yield False, ""
    for conflict in status.conflicts[:LISTED]:
        yield from _plain(_conflict(conflict))
        yield from _explained(conflict.rule, told)
    if len(status.conflicts) > LISTED:
        yield False, f"… and {len(status.conflicts) - LISTED:,} more conflicts (--json lists them all)"
    for correction in rest[:LISTED]:
        yield from _plain(_correction(correction))
    if len(rest) > LISTED:
        yield False, f"… and {len(rest) - LISTED:,} more corrections (--json lists them all)"


def _conflict(one: Conflict) -> str:
    records = f"{one.records:,} {'record' if one.records == 1 else 'records'} of {one.obligation}"
    if one.rule == "conflict.hold":
        held = f"held as {one.other} ({one.theirs}) by {one.by}, entry {one.entry:,}"
        return f"{one.rule}: {records} {held}, {one.stands.replace('_', ' ')}"
    other = f"{one.other} ({one.theirs}) of {one.by}, entry {one.entry:,}"
    return f"{one.rule}: {records} also under {other}, {one.stands.replace('_', ' ')}"


def _correction(one: Correction) -> str:
    return (
        f"correction, entry {one.index:,}: {one.by} says that entry {one.corrects:,} is wrong ({one.reason})"
    )


def _explained(rule: str, told: set[str]) -> Iterator[Line]:
    """What the rule says, where it is named first."""
    if rule not in told:
        told.add(rule)
        yield from _plain(explain(rule), "      ", "      ")


def _plain(text: str, indent: str = "", following: str | None = None) -> Iterator[Line]:
    yield from ((False, line) for line in _wrapped(text, indent, following))


def _wrapped(text: str, indent: str = "", following: str | None = None) -> list[str]:
    """Long names are left whole: whoever reads a pipe looks for them. Lines that follow stand two further in,
    if not told otherwise."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  " if following is None else following,
        break_long_words=False,
        break_on_hyphens=False,
    )
