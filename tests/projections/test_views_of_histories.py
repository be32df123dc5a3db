"""Views over generated histories: every count of every kind of obligation has its members, and a timeline has
every change that judging after each entry, and between entries, finds."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from projections.case import Case
from projections.docket import IssuedOrder
from projections.events import encode_event
from projections.fold import Fold
from projections.members import list_members
from projections.order import Order
from projections.status import governing
from projections.timeline import Change, Place, Seen, Step, see, step_of, walk
from projections.verdict import EVALUATORS, judge
from projections.watched import Watch, watched
from tests.projections.laws.histories import Steps, histories, tell
from tests.projections.laws.worlds import World

SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
DAY_S = 86_400
# What pays needs an amount, and is counted in money.
KINDS = sorted(EVALUATORS.keys() - {"pay", "erase", "cease_collecting"})


def widened(order: Order, *kinds: str) -> Order:
    """The order, with an obligation of each of these kinds over the same scope."""
    first, *_ = order.obligations
    more = tuple(
        msgspec.structs.replace(first, id=kind.replace("_", "-"), type=kind, include=()) for kind in kinds
    )
    return msgspec.structs.replace(order, obligations=(*order.obligations, *more))


def folded(world: World) -> Fold:
    fold = Fold.empty()
    for fact in world.facts:
        fold.take(fact)
    return fold


@given(histories())
@SETTINGS
def test_every_count_of_every_kind_has_its_members(history: tuple[Order, Steps]) -> None:
    order, steps = history
    world = tell(widened(order, *KINDS), steps)
    fold = folded(world)
    as_of = world.now_us // 1_000_000 + 40 * DAY_S
    for issued in fold.docket.orders[:1]:
        case = Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=world.size)
        for obligation, finding in zip(issued.order.obligations, judge(case).findings, strict=True):
            for name, count in finding.counts.items():
                if not name.endswith("_minor"):
                    found = list_members(case, obligation, name, None, 10_000)
                    assert len(found.members()) == count, (obligation.id, name)


def governed(fold: Fold, first: IssuedOrder, place: Place, as_of: int) -> IssuedOrder:
    """The version that governs, as the service finds it."""
    same = [one for one in fold.docket.orders if one.order.id == first.order.id]
    found = governing([one for one in same if one.index < place.size] or same, as_of)
    assert found is not None
    return found


def looker(fold: Fold, first: IssuedOrder) -> Callable[[Place], Seen]:
    def look(place: Place) -> Seen:
        watch = Watch(place.as_of)
        as_of = watched(watch)
        issued = governed(fold, first, place, as_of)
        case = Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=place.size)
        return see(judge(case), issued.order.version, watch)

    return look


def told_at(changes: tuple[Change, ...], place: Place) -> tuple[Any, ...]:
    last = [one for one in changes if (one.as_of, one.size) <= (place.as_of, place.size)]
    obligations: dict[str, str] = {}
    for one in last:
        obligations |= one.obligations
    return last[-1].status, last[-1].version, last[-1].verdict, obligations


def check(order: Order, steps_told: Steps) -> None:
    world = tell(order, steps_told)
    fold = folded(world)
    first = min(fold.docket.orders, key=lambda one: one.index)
    end = world.now_us // 1_000_000 + 60 * DAY_S
    steps: list[Step] = [step_of(one.index, one.time_us, encode_event(one.event)) for one in world.facts]
    cause, *after = steps[first.index :]
    begin = Place(cause.as_of, cause.index + 1)
    look = looker(fold, first)
    changes = walk(look, after, begin, end, cause=cause).changes
    places = [Place(one.as_of, one.index + 1) for one in steps[first.index :]]
    for place, following in zip(places, [*places[1:], Place(end + 1, 0)], strict=True):
        times = range(place.as_of, following.as_of, 9 * 3_600)
        for as_of in {place.as_of, *times, max(place.as_of, following.as_of - 1)}:
            at = Place(as_of, place.size)
            seen = look(at)
            said = (seen.status, seen.version, seen.verdict, dict(seen.obligations))
            assert told_at(changes, at) == said, at


@given(histories(most=8))
@SETTINGS
def test_a_timeline_has_every_change(history: tuple[Order, Steps]) -> None:
    check(*history)


@pytest.mark.parametrize("kinds", [KINDS[:4], KINDS[4:8], KINDS[8:]])
@given(histories(most=6))
@settings(SETTINGS, max_examples=8)
def test_so_it_has_with_other_kinds_of_obligation(kinds: list[str], history: tuple[Order, Steps]) -> None:
    order, steps = history
    check(widened(order, *kinds), steps)
