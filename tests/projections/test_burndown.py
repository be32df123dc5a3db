"""Burn-down: the numbers are those that judging finds where the log is cut there."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.burndown import SLOTS, Burndown, burn_down
from projections.case import Case
from projections.fold import Fold
from projections.holdings import Holding
from projections.order import Order
from projections.verdict import judge
from tests.projections.laws.histories import Steps, histories, tell
from tests.projections.logbuilder import STEP_US
from tests.projections.story import DEADLINE_S, START_S, Story, erase_gb
from tests.projections.test_views_of_histories import DAY_S, SETTINGS, folded, widened


def cut(holding: Holding, size: int) -> Holding:
    """All that was ever said of a record, but for the moves of its copies from an entry on."""
    copies = {
        store: tuple(move for move in moves if move.index < size) for store, moves in holding.copies.items()
    }
    return msgspec.structs.replace(holding, copies={store: moves for store, moves in copies.items() if moves})


def without_moves(fold: Fold, size: int) -> dict[str, Holding]:
    return {handle: cut(holding, size) for handle, holding in fold.holdings.items()}


def live_by_size(told: Burndown, size: int) -> Iterator[int]:
    """The number at each size, from none to all entries."""
    live, points = 0, list(told.points)
    for at in range(size + 1):
        while points and points[0].entry < at:
            live = points.pop(0).live
        yield live


@given(histories())
@SETTINGS
def test_every_number_is_what_judging_finds_with_the_later_moves_undone(history: tuple[Order, Steps]) -> None:
    order, steps = history
    world = tell(widened(order, "erase_derived"), steps)
    fold = folded(world)
    as_of = world.now_us // 1_000_000 + 40 * DAY_S
    issued = fold.docket.orders[0]
    case = Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=world.size)
    erasing = [one for one in issued.order.obligations if one.type in ("erase", "erase_derived")]
    told = {one.id: list(live_by_size(burn_down(case, one), world.size)) for one in erasing}
    for size in range(world.size + 1):
        held = without_moves(fold, size)
        before = Case(held, fold.docket, fold.edges, issued, as_of=as_of, size=world.size)
        found = {one.obligation: one.counts.get("live") for one in judge(before).findings}
        for name, lives in told.items():
            assert lives[size] == found[name], (name, size)


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "collect", "erase", "erase", "wait"]),
        st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True),
    ),
    max_size=14,
)


@given(DEEDS)
@SETTINGS
def test_where_nothing_is_learnt_later_it_is_what_was_judged_then(
    deeds: list[tuple[str, list[int]]],
) -> None:
    story = Story()
    story.order(erase_gb())
    for what, numbers in deeds:
        if what == "wait":
            story.log.now_us += 40 * 3_600_000_000
        else:
            getattr(story, what)(*numbers)
    whole = story.case(60)
    told = list(live_by_size(burn_down(whole, whole.order.obligations[0]), story.log.size))
    for size in range(whole.issued.index + 1, story.log.size + 1):
        (finding,) = judge(story.case(60, size=size)).findings
        assert told[size] == finding.counts["live"]


def burned(story: Story, days: float = 60, **how: Any) -> Burndown:
    case = story.case(days, **how)
    return burn_down(case, case.order.obligations[0])


def test_effective_date_and_deadline_have_their_numbers() -> None:
    story = Story()
    story.hold(1, 2, 3)
    story.hold(4, residency="FR")
    story.order(erase_gb())
    story.log.now_us = (START_S + 3 * DAY_S) * 1_000_000
    story.erase(1)
    story.log.now_us = DEADLINE_S * 1_000_000 - 1_000_000
    story.erase(2)
    story.log.now_us = (DEADLINE_S + DAY_S) * 1_000_000
    story.erase(3)
    told = burned(story)
    assert [one.live for one in told.points] == [3, 2, 1, 0]
    assert (told.at_deadline, told.most, told.changes) == (1, 3, 4)
    assert burned(story, 20).at_deadline is None


def test_the_last_second_in_time_is_in_time() -> None:
    story = Story()
    story.order(erase_gb())
    story.hold(1)
    story.log.now_us = DEADLINE_S * 1_000_000 - STEP_US
    at = story.erase(1)
    told = burned(story)
    assert (told.points[-1].entry, told.points[-1].time_us) == (at, DEADLINE_S * 1_000_000)
    assert told.at_deadline == 0


def test_many_changes_are_thinned_and_the_highest_stays() -> None:
    story = Story()
    story.order(erase_gb())
    for number in range(3 * SLOTS):
        story.hold(number)
    story.log.now_us += 3_600_000_000
    for number in range(3 * SLOTS):
        story.erase(number)
    told = burned(story)
    assert told.changes == 6 * SLOTS
    assert len(told.points) <= SLOTS + 3
    assert max(one.live for one in told.points) == told.most == 3 * SLOTS
    assert told.points[-1].live == 0
    entries = [one.entry for one in told.points]
    assert entries == sorted(set(entries))


def test_nothing_in_scope_has_no_points() -> None:
    story = Story()
    story.hold(1, residency="FR")
    story.order(erase_gb())
    assert burned(story) == Burndown("erase", START_S, DEADLINE_S, (), 0, 0, 0, 0)


def test_other_obligations_have_none() -> None:
    story = Story()
    story.order(erase_gb())
    case = story.case()
    other = msgspec.structs.replace(case.order.obligations[0], type="restrict")
    with pytest.raises(AssertionError):
        burn_down(case, other)
