"""What grows every day changes no verdict: whoever watches for a change is not woken by it."""

from projections.case import Case
from projections.verdict import judge
from projections.watched import Watch, watched
from tests.projections.conduct import at_day, enquire, fine, obliged, offer
from tests.projections.story import DAY_S, START_S, Story, erase_gb


def next_turn(story: Story, day: float) -> int | None:
    """The next moment after a day at which the judgment says that it may be another."""
    fold = story.fold()
    watch = Watch(START_S + int(day * DAY_S))
    case = Case(
        fold.holdings,
        fold.docket,
        fold.edges,
        fold.docket.orders[-1],
        as_of=watched(watch),
        size=story.log.size,
    )
    judge(case)
    return watch.turn


def test_the_days_of_a_penalty_wake_nobody() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(penalty=fine(7, "day")))
    assert next_turn(story, 10) == START_S + 30 * DAY_S + 1
    assert next_turn(story, 40) is None


def test_nor_do_the_days_that_an_enquiry_is_overdue() -> None:
    story = Story()
    story.order(obliged("answer_subjects"))
    enquire(story, "q-1", due=35)
    assert next_turn(story, 32) == START_S + 35 * DAY_S + 1
    assert next_turn(story, 40) is None


def test_nor_those_on_which_a_service_stands_on_offer() -> None:
    story = at_day(Story(), -20)
    offer(story)
    at_day(story, 1)
    story.order(obliged("cease_offering"))
    assert next_turn(story, 2) == START_S + 30 * DAY_S + 1
    assert next_turn(story, 40) is None


def test_what_recurs_wakes_when_it_is_due() -> None:
    story = Story()
    story.order(obliged("attest", recurrence="P1M"))
    assert next_turn(story, 31) == START_S + (31 + 28 - 1) * DAY_S + 1
