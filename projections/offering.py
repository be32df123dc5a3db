"""The prohibition to offer services in a territory: never finally carried out, only so far."""

from collections.abc import Iterator

from msgspec import Struct

from projections import status
from projections.case import Case
from projections.conduct import Ground, conclude, days_late, in_force_spans
from projections.finding import Finding, Gap, Irregularity
from projections.moments import SECOND_US
from projections.order import Obligation, Scope, deadline_at
from projections.requests import Offer

COUNTS = ("services", "offered", "withdrawn")


class Stretch(Struct, frozen=True):
    """A service was offered within the scope from one entry on, until another withdrew it."""

    begun: Offer
    ended: Offer | None


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether no service was offered in the territory while the order forbade it.

    Carried out (so far): the controller has said of its services where it offers them, and none is on offer
    in the scope's territory, nor was one offered there anew while the order was in force. Outstanding: one
    offered before is not withdrawn yet, or no service was ever named. Breached, for good: one was offered
    while the order was in force (`offer.prohibited`), or still stood on offer in force at some moment after
    the deadline (`offer.not_withdrawn`). While the order is not in force, one that stands on offer after the
    deadline would be a breach if it were. Cannot be proved: no service named (`service.none_named`) after the
    deadline. It rests on the bare word of the controller; what it does not name, nobody sees.
    """
    deadline = deadline_at(case.order, obligation)
    stretches = list(_stretches(case, obligation.scope))
    listed = [bad for one in stretches if (bad := _breach(case, one, deadline)) is not None]
    offers = _offers(case)
    tally = case.tally()
    tally.add("services", sorted({one.service for one in offers}))
    for one in stretches:
        name = "offered" if one.ended is None else "withdrawn"
        tally.add(name, [one.begun.service], "", one.begun.index)
    return conclude(
        case,
        obligation,
        Ground("E0", "controller") if offers else Ground(),
        tally.counts(COUNTS),
        [] if offers else [Gap("service.none_named")],
        listed,
        broken=bool(listed),
        undone=tally["offered"] > 0,
        last_act=max((one.ended.index for one in stretches if one.ended is not None), default=-1),
    )


def _offers(case: Case) -> list[Offer]:
    return [one for one in case.docket.requests.offers if one.index < case.size]


def _breach(case: Case, stretch: Stretch, deadline: int) -> Irregularity | None:
    """Recorded time counts. While the order was stayed or appealed nothing was forbidden, or late."""
    begun, ended = stretch.begun, stretch.ended
    until_us = case.as_of * SECOND_US if ended is None else ended.time_us
    last_us, rule = begun.time_us, "offer.prohibited" if _in_force(case, begun) else ""
    for start, end in in_force_spans(case):
        # A second is the least by which the deadline can be past, at the moment judged as for a withdrawal.
        if max(start * SECOND_US, deadline * SECOND_US, begun.time_us) < min(end * SECOND_US, until_us):
            rule = rule or "offer.not_withdrawn"
            # A plain number: that it grows by the day is no change of the verdict.
            last_us = int(min(end * SECOND_US, until_us))
    if not rule:
        return None
    late = days_late(last_us, deadline)
    return Irregularity(rule, begun.index, begun.time_us, case.name_of(begun.by), days_late=late)


def _in_force(case: Case, offer: Offer) -> bool:
    return status.in_force_at(case, offer.time_us // SECOND_US)


def _stretches(case: Case, scope: Scope) -> Iterator[Stretch]:
    """Each service's times on offer, place by place. A stolen key's withdrawal ends none."""
    offers = _offers(case)
    for place, begun in enumerate(offers):
        if not begun.offered:
            continue
        for territory in _within(begun.territory, scope):
            ended = next(
                (
                    one
                    for one in offers[place + 1 :]
                    if not one.offered
                    and one.service == begun.service
                    and _covers(one.territory, territory)
                    and case.believes(one.by, one.time_us)
                ),
                None,
            )
            yield Stretch(begun, ended)


def _within(territory: str, scope: Scope) -> set[str]:
    """The places in which an offer meets the scope: of a country and one of its parts, the part."""
    if not scope.residency:
        return {territory}
    return {
        max(territory, own, key=len)
        for own in scope.residency
        if _covers(territory, own) or _covers(own, territory)
    }


def _covers(territory: str, other: str) -> bool:
    """Whether a country or part of one holds another: GB covers GB and GB-SCT."""
    return other == territory or other.startswith(territory + "-")
