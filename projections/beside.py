"""Beside the verdict: other orders and holds that want the opposite, and what was called wrong.

Shown and never settled here: of two orders that cannot both be obeyed each names the other, and a correction
stands beside what it corrects, which goes on counting as it was posted (DOMAIN §3, §5).
"""

from collections.abc import Iterable, Iterator, Set
from typing import Final

from msgspec import Struct

from projections.case import Case
from projections.docket import IssuedOrder
from projections.lives import Copy
from projections.moments import last_second
from projections.order import Obligation
from projections.proceedings import Hold
from projections.scope import reaches
from projections.status import governing, status_at
from projections.verdict import Judgment

# What must go, and what must stay though nobody may use it: nobody can do both to one record.
REMOVING: Final = frozenset({"erase", "erase_derived", "limit_retention"})
KEEPING: Final = frozenset({"restrict"})


class Conflict(Struct, frozen=True):
    """Records that an obligation reaches, and that somebody else wants dealt with the other way.

    `rule`: `conflict.order` (the other is an obligation of another order, `theirs`), or `conflict.hold` (a
    hold, on the basis `theirs`). `stands` is the order's status; of a hold `in_force` or `ended`.
    """

    rule: str
    obligation: str
    other: str
    theirs: str
    by: str
    entry: int
    stands: str
    records: int


class Correction(Struct, frozen=True):
    """Somebody says that entry `corrects` is wrong. `beside` are the rules of the exceptions that name it."""

    index: int
    by: str
    corrects: int
    reason: str
    beside: tuple[str, ...]


class Beside(Struct, frozen=True):
    """What stands beside a verdict."""

    conflicts: tuple[Conflict, ...]
    corrections: tuple[Correction, ...]


def beside(case: Case, judgment: Judgment) -> Beside:
    """What stands beside the judgment on a case, from the entries below its size."""
    return Beside(tuple(_conflicts(case)), tuple(_corrections(case, judgment)))


def _conflicts(case: Case) -> Iterator[Conflict]:
    """Nothing is walked where nobody wants the opposite."""
    others = [case.beside(issued) for issued in _others(case)]
    for obligation in case.order.obligations:
        removes, keeps = obligation.type in REMOVING, obligation.type in KEEPING
        opposite = KEEPING if removes else REMOVING if keeps else frozenset()
        against = [(o, one) for o in others for one in o.order.obligations if one.type in opposite]
        holds = _holds(case) if removes else []
        if not against and not holds:
            continue
        for other, theirs in against:
            both = zip(_reached(case, obligation), _reached(other, theirs), strict=True)
            records = sum(len(ours & others) for ours, others in both)
            if records:
                yield _with_order(obligation, other, theirs, records)
        if holds:
            named = {handle for hold in holds for handle in hold.records}
            reached = frozenset().union(*(part & named for part in _reached(case, obligation)))
            yield from _with_holds(case, obligation, holds, reached)


def _others(case: Case) -> Iterable[IssuedOrder]:
    """The governing version of every other order in the log, whoever signed it."""
    versions: dict[tuple[str, str | None], list[IssuedOrder]] = {}
    for issued in case.docket.orders:
        whose = (issued.order.id, case.docket.posters[issued.by].vkey)
        if issued.index < case.size and issued.order.id != case.order.id:
            versions.setdefault(whose, []).append(issued)
    return [found for one in versions.values() if (found := governing(one, case.as_of))]


def _reached(case: Case, obligation: Obligation) -> Iterator[Set[str]]:
    """Whom it reaches, part by part, where not all are in memory."""
    scope = obligation.scope
    for part in case.population_in_parts(scope):
        yield {
            handle
            for standing, holding, handles in part
            if reaches(standing, scope) and any(_is_there(obligation, *one) for one in case.copies(holding))
            for handle in handles
        }


def _is_there(obligation: Obligation, store: str, copy: Copy) -> bool:
    stores = obligation.scope.stores
    return copy.state != "absent" and (not stores or store in stores)


def _with_order(obligation: Obligation, other: Case, theirs: Obligation, records: int) -> Conflict:
    return Conflict(
        "conflict.order",
        obligation.id,
        other.order.id,
        theirs.id,
        other.name_of(other.issued.by),
        other.issued.index,
        status_at(other),
        records,
    )


def _holds(case: Case) -> list[Hold]:
    """Every hold, whoever placed it: that it relieves of nothing does not make it vanish."""
    return [one for one in case.docket.proceedings.holds if one.index < case.size]


def _with_holds(
    case: Case, obligation: Obligation, holds: list[Hold], reached: Set[str]
) -> Iterator[Conflict]:
    released = {
        (one.by, one.hold): one.index for one in case.docket.proceedings.releases if one.index < case.size
    }
    for hold in holds:
        records = sum(1 for handle in hold.records if handle in reached)
        ended = released.get((hold.by, hold.hold), -1) > hold.index or last_second(hold.until) < case.as_of
        if records:
            stands = "ended" if ended else "in_force"
            said = (hold.hold, hold.basis, case.name_of(hold.by), hold.index, stands, records)
            yield Conflict("conflict.hold", obligation.id, *said)


def _corrections(case: Case, judgment: Judgment) -> Iterator[Correction]:
    rules: dict[int, set[str]] = {}
    for listed in (judgment.irregularities, *(finding.irregularities for finding in judgment.findings)):
        for one in listed:
            rules.setdefault(one.index, set()).add(one.rule)
    for said in case.docket.corrections:
        if said.index < case.size:
            named = tuple(sorted(rules.get(said.corrects, ())))
            yield Correction(said.index, case.name_of(said.by), said.corrects, said.reason, named)
