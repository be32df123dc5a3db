"""Who is alike is judged together as one by one, whatever is told of many, and wherever it is cut."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.case import Case
from projections.docket import IssuedOrder
from projections.fold import Fold
from projections.order import Deadline, Order
from projections.runners.shelf import Shelf
from projections.verdict import judge
from tests.projections.laws import record_histories
from tests.projections.laws.histories import Step, Steps, histories, tell
from tests.projections.laws.wider import ACTS, mixed, wider
from tests.projections.laws.worlds import World
from tests.projections.logbuilder import rfc3339

CI = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(CI, max_examples=20)
SOAK = settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
CROWD = 3


def crowded(steps: Steps) -> Steps:
    """The same history of each person and two more, all three in one leaf, one after another."""
    found: Steps = []
    for step in steps:
        people = step.args[0] if step.args else None
        if step.name in ACTS and isinstance(people, tuple) and all(type(one) is int for one in people):
            each = [person + 0x1000 * n for person in people for n in range(CROWD)]
            found += [Step(step.name, ((person,), *step.args[1:])) for person in each]
        else:
            found.append(step)
    return found


def moved(issued: IssuedOrder, moment_s: int) -> IssuedOrder:
    """The order with its deadlines at this moment."""
    at = Deadline(at=rfc3339(moment_s * 1_000_000))
    order = issued.order
    obligations = tuple(replace(one, deadline=at) for one in order.obligations)
    return replace(issued, order=replace(order, obligations=obligations))


def compare(order: Order, steps: Steps, cuts: list[int], places: list[int]) -> None:
    """Judge at some sizes, and under deadlines at some entries' times, from memory and from a shelf."""
    world = tell(order, steps)
    whole, parts = Fold.empty(), Fold.empty()
    shelf = Shelf()
    ends = {cut % (world.size + 1) for cut in cuts}
    for at, fact in enumerate(world.facts):
        whole.take(fact)
        parts.take(fact)
        if at in ends:
            shelf.put_away(parts.holdings)
    shelf.put_away(parts.holdings)
    parts.put_away = shelf
    issued = next(one for one in whole.docket.orders if one.order == order)
    for place in places:
        at = issued.index + place % (world.size - issued.index)
        deadline_s = world.facts[at].time_us // 1_000_000
        for one, size in ((issued, at + 1), (moved(issued, deadline_s), world.size)):
            for as_of in (deadline_s, world.now_us // 1_000_000 + 4 * 86_400):
                judged = [judge(case_of(fold, one, as_of, size)) for fold in (whole, parts)]
                assert judged[0] == judged[1]


def case_of(fold: Fold, issued: IssuedOrder, as_of: int, size: int) -> Case:
    return Case(fold.held, fold.docket, fold.edges, issued, as_of=as_of, size=size)


CUTS = st.lists(st.integers(0, 1_000), max_size=4)
# Of who is cut from himself wherever anything is told of him, each stretch says one thing: a pattern.
EVERYWHERE = list(range(1_000))
PLACES = st.lists(st.integers(0, 1_000), min_size=1, max_size=3)


@given(histories(), CUTS, PLACES)
@CI
def test_a_crowd_is_judged_as_each_of_it(
    history: tuple[Order, Steps], cuts: list[int], places: list[int]
) -> None:
    order, steps = history
    compare(order, crowded(steps), cuts, places)


@given(record_histories.histories(), CUTS, PLACES)
@FEW
def test_so_it_is_on_what_was_used_restricted_kept_and_disclosed(
    history: tuple[Order, Steps], cuts: list[int], places: list[int]
) -> None:
    order, steps = history
    compare(order, crowded(steps), cuts, places)


WIDER = st.one_of(wider(histories()), wider(histories()), wider(record_histories.histories()))


@given(WIDER, CUTS | st.just(EVERYWHERE), PLACES, st.sampled_from((3, 12)), st.randoms())
@FEW
def test_so_it_is_whatever_else_is_told_and_whosever_turn_it_is(
    history: tuple[Order, Steps], cuts: list[int], places: list[int], size: int, random: Random
) -> None:
    order, steps = history
    compare(order, mixed(steps, size, random), cuts, places)


@pytest.mark.soak
@given(WIDER, CUTS | st.just(EVERYWHERE), PLACES, st.sampled_from((3, 12)), st.randoms())
@SOAK
def test_so_it_is_for_long(
    history: tuple[Order, Steps], cuts: list[int], places: list[int], size: int, random: Random
) -> None:
    order, steps = history
    compare(order, mixed(steps, size, random), cuts, places)


@pytest.mark.soak
@given(histories(), CUTS, PLACES)
@SOAK
def test_a_crowd_is_judged_as_each_of_it_for_long(
    history: tuple[Order, Steps], cuts: list[int], places: list[int]
) -> None:
    order, steps = history
    compare(order, crowded(steps), cuts, places)


def test_a_crowd_is_told_of_one_by_one() -> None:
    steps = crowded([Step("collect", ((1, 2), "faces", "GB")), Step("wait", (3,))])
    assert [step.args for step in steps[:-1]] == [
        ((person,), "faces", "GB") for person in (1, 0x1001, 0x2001, 2, 0x1002, 0x2002)
    ]
    world = World()
    for step in steps:
        step.play(world)
    assert {fact.event.data.records[0][:3] for fact in world.facts[-6:]} == {"001", "002"}
