"""Time by anchors."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from projections.clock import Clock, read_clock, time_failures
from signing.keys import ED25519, SigningKey
from tests.projections.logbuilder import START_US
from tests.projections.story import DAY_S, START_S, WITNESS, Story


def times(story: Story) -> dict[int, int]:
    return {index: row.time_us for index, row in enumerate(story.log.rows)}


def story_with_anchor() -> Story:
    story = Story()
    story.order()
    story.log.anchor(WITNESS)
    return story


def test_an_anchor_proves_what_stands_below_its_size() -> None:
    story = story_with_anchor()
    case = story.case()
    (size,) = case.clock.sizes
    assert case.clock.proven(size - 1) == case.clock.times[0] >= START_S
    assert case.clock.proven(size) is None


def test_the_earliest_quorum_above_an_entry_proves_it() -> None:
    clock = Clock((10, 20), (500, 500))
    assert [clock.proven(i) for i in (0, 9, 10, 19, 20)] == [500, 500, 500, 500, None]


@given(st.dictionaries(st.integers(1, 12), st.integers(0, 12)), st.integers(0, 13), st.integers(0, 13))
def test_in_time_is_what_is_proved_by_the_deadline(
    anchors: dict[int, int], index: int, deadline_s: int
) -> None:
    sizes = tuple(sorted(anchors))
    clock = Clock(sizes, tuple(min(anchors[one] for one in sizes if one >= size) for size in sizes))
    proven = clock.proven(index)
    expected = "in_time" if proven is not None and proven <= deadline_s else "time_unproved"
    assert clock.timing(index, deadline_s * 1_000_000, deadline_s) == expected
    assert clock.timing(index, deadline_s * 1_000_000 + 1, deadline_s) == "late"


def test_a_later_anchor_with_an_earlier_time_proves_more() -> None:
    story = Story()
    story.order()
    story.log.anchor(WITNESS, time_s=START_S + 1000)
    story.log.anchor(WITNESS, time_s=START_S + 500)
    case = story.case()
    assert case.clock.times == (START_S + 500, START_S + 500)


def test_entries_count_up_to_the_last_anchor_proved_by_then() -> None:
    story = Story()
    story.order()
    story.log.anchor(WITNESS, time_s=START_S + 100)
    first = story.case().clock.sizes[0]
    story.log.anchor(WITNESS, time_s=START_S + 200)
    clock = story.case().clock
    assert clock.counted_size(START_S + 99) == 0
    assert clock.counted_size(START_S + 100) == first
    assert clock.counted_size(START_S + 200) == clock.sizes[-1]


def test_an_anchor_without_the_quorum_proves_nothing() -> None:
    story = Story()
    story.order()
    story.log.anchor()
    story.log.anchor("stranger.example/w9")
    assert story.case().clock == Clock((), ())
    nobody = msgspec.structs.replace(story.case().order.trust, witnesses=())
    assert read_clock(story.case().docket.anchors, nobody) == Clock((), ())


def test_a_checkpoint_signed_by_another_log_key_is_no_anchor() -> None:
    story = Story()
    story.order()
    story.log.keys[story.log.origin] = SigningKey(story.log.origin, ED25519, b"x" * 32)
    story.log.anchor(WITNESS)
    assert len(story.case().docket.anchors) == 1
    assert story.case().clock == Clock((), ())


def test_an_honest_clock_has_no_failures() -> None:
    story = story_with_anchor()
    case = story.case()
    assert time_failures(case.docket.anchors, case.order.trust, times(story)) == []


def test_the_operators_clock_set_back() -> None:
    story = story_with_anchor()
    case = story.case()
    slow = dict.fromkeys(times(story), START_US - DAY_S * 1000000)
    (failure,) = time_failures(case.docket.anchors, case.order.trust, slow)
    assert (failure.rule, failure.index) == ("time.before_anchor", case.docket.anchors[0].index)


def test_the_operators_clock_set_ahead() -> None:
    story = story_with_anchor()
    case = story.case()
    fast = {index: time + 61_000_000 for index, time in times(story).items()}
    (failure,) = time_failures(case.docket.anchors, case.order.trust, fast)
    assert (failure.rule, failure.index) == ("time.after_proven", case.docket.anchors[0].size - 1)


def test_a_minute_either_way_is_no_failure() -> None:
    story = story_with_anchor()
    case = story.case()
    (anchor,) = case.docket.anchors
    proven_us = case.clock.times[0] * 1_000_000
    ahead = proven_us + 60_000_000 - times(story)[anchor.size - 1]
    back = proven_us - 60_000_000 - times(story)[anchor.index]
    for off_us in (ahead, back):
        moved = {index: time + off_us for index, time in times(story).items()}
        assert time_failures(case.docket.anchors, case.order.trust, moved) == []


def test_a_microsecond_more_is_one() -> None:
    story = story_with_anchor()
    case = story.case()
    (anchor,) = case.docket.anchors
    proven_us = case.clock.times[0] * 1_000_000
    for off_us in (
        proven_us + 60_000_001 - times(story)[anchor.size - 1],
        proven_us - 60_000_001 - times(story)[anchor.index],
    ):
        moved = {index: time + off_us for index, time in times(story).items()}
        assert len(time_failures(case.docket.anchors, case.order.trust, moved)) == 1
