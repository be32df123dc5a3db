"""Vouching: the report's section on who signed the statement, and who vouches for when.

What an assessor did not check stands beside his signature. The operator's clock says what it likes: beside
each moment that matters stands by when others had seen the log with that entry in it, and who they were.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from ledger.looks import Look
from projections.burndown import Burndown
from projections.case import Case
from projections.clock import proved_anchors, what_stamps_lack
from projections.docket import Anchor
from projections.moments import SECOND_US
from projections.order import Order
from projections.runners import wording
from projections.runners.assessed import quorum_line, tell_assessors
from projections.runners.offline import Replayed
from projections.runners.outcome import Outcome
from projections.runners.source import Missing
from signing.note import Note
from signing.policy import cosigned_at, quorum_time

Proof = tuple[int, int, Anchor | None]
"""By when (Unix seconds) the log of some size had been seen, and the anchor that shows it; None: the head."""

STAMPED: Final = "a time-stamp authority under a root that the order names"


class Signed(Struct, frozen=True):
    """An assessor who signed the statement, and what he left unchecked."""

    name: str
    unchecked: str


class Signers(Struct, frozen=True):
    """Who signed the statement. `quorum`: how many of the assessors did, and how many it takes."""

    operator: str
    assessors: tuple[Signed, ...]
    quorum: str
    unproven: tuple[str, ...]


class Dated(Struct, frozen=True):
    """Something that matters, when the operator's clock has it, and by when others had seen it: who."""

    what: str
    entry: int
    recorded: str
    by: str = ""
    whom: str = ""


class Clocks(Struct, frozen=True):
    """Who vouches for when. `cosigned`, `stamped`: how many anchors prove a time, by whom; `lacking`: the
    time-stamps that prove nothing, each with the reason."""

    rows: tuple[Dated, ...]
    cosigned: int
    stamped: int
    lacking: tuple[str, ...]


def signers(order: Order, note: Note, members: Mapping[str, bytes]) -> Signers:
    """Who signed the statement's note, from what stands beside it in the bundle (`attestation/…`)."""
    outcome = Outcome(bundle="")
    signed = tell_assessors(outcome, order, note, _Members(members))
    return Signers(
        note.signatures[0].name if note.signatures else "",
        tuple(Signed(one.name, _left(one.unchecked)) for one in outcome.assessors),
        quorum_line(order, len(signed)),
        tuple(outcome.not_proven),
    )


def clocks(case: Case, replayed: Replayed, burned: Iterable[Burndown], looks: Iterable[Look]) -> Clocks:
    """By when others had seen the order, the last acts, what was found in the stores, and all that counts."""
    trust = case.order.trust
    found = list(proved_anchors(case.docket.anchors, trust))
    proved: list[Proof] = [(seen.by_s, anchor.size, anchor) for anchor, seen in found]
    head_s = quorum_time(trust.policy(), replayed.note)
    if head_s is not None:
        proved.append((head_s, replayed.audited.checkpoint.size, None))
    # Of all that cover an entry the earliest moment is the one that proves most.
    proved.sort(key=lambda one: one[:2])
    return Clocks(
        tuple(
            _dated(what, entry, proved, case, replayed)
            for what, entry in _matters(case, replayed, burned, looks)
        ),
        sum(1 for anchor, _ in found if not anchor.response),
        sum(1 for anchor, _ in found if anchor.response),
        tuple(
            f"entry {index:,}: a time-stamp that proves nothing: {why}"
            for index, why in what_stamps_lack(case.docket.anchors, trust)
        ),
    )


def _matters(
    case: Case, replayed: Replayed, burned: Iterable[Burndown], looks: Iterable[Look]
) -> Iterator[tuple[str, int]]:
    yield "the order", case.issued.index
    for told in burned:
        if told.points:
            yield f"the last change in what is outstanding under {told.obligation}", told.points[-1].entry
    for look in looks:
        if look.looked:
            yield f"the look into {look.store} by {look.by}", look.entry
    if case.size > 0:
        yield "the last entry that counts", case.size - 1
    yield "the log's last entry", replayed.audited.checkpoint.size - 1


def _dated(what: str, entry: int, proved: Iterable[Proof], case: Case, replayed: Replayed) -> Dated:
    recorded = wording.moment(replayed.entry(entry).time_us // SECOND_US)
    for by_s, size, anchor in proved:
        if size > entry:
            note = replayed.note if anchor is None else anchor.note
            whom = STAMPED if anchor is not None and anchor.response else _cosigners(note, case.order)
            where = "on the checkpoint" if anchor is None else f"in entry {anchor.index:,}"
            return Dated(what, entry, recorded, wording.moment(by_s), f"{whom}, {where}")
    return Dated(what, entry, recorded)


def _cosigners(note: Note, order: Order) -> str:
    names = [one.key.name for one in order.trust.policy().witnesses if cosigned_at(note, one.key) is not None]
    return f"{'witness' if len(names) == 1 else 'witnesses'} {', '.join(names)}"


def _left(unchecked: list[str] | None) -> str:
    if unchecked is None:
        return "there is no word of his on it here"
    return wording.unchecked_names(unchecked) if unchecked else "nothing that he names"


class _Members:
    """What stands beside the statement, as a verifier reads it."""

    def __init__(self, members: Mapping[str, bytes]) -> None:
        self._members = members

    def read(self, path: str) -> bytes:
        if path not in self._members:
            raise Missing(f"{path} is missing")
        return self._members[path]

    def has(self, path: str) -> bool:
        return path in self._members

    def close(self) -> None:
        """Nothing to let go of."""
