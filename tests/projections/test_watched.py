"""Watched moments: up to the turn that is told, nothing that was asked comes out otherwise."""

from bisect import bisect_right
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from projections.watched import Watch, watched

NUMBERS = st.integers(-50, 50)
Question = Callable[[int, int], object]

QUESTIONS: dict[str, Question] = {
    "after": lambda moment, at: moment > at,
    "not after": lambda moment, at: moment <= at,
    "before": lambda moment, at: moment < at,
    "not before": lambda moment, at: at <= moment,
    "at": lambda moment, at: moment == at,
    "not at": lambda moment, at: at != moment,
    "in microseconds": lambda moment, at: moment * 7 < at,
    "a day before": lambda moment, at: (moment - 3) * 2 >= at,
    "counted down": lambda moment, at: at - moment > 0,
    "twice counted down": lambda moment, at: 5 - 2 * moment <= at,
    "later": lambda moment, at: max(moment, at) == at,
    "days": lambda moment, at: (moment - at) // 7,
    "days begun": lambda moment, at: -((at - moment) // 7),
    "rest": lambda moment, at: (moment - at) % 5,
    "both": lambda moment, at: (moment + at, (moment + 1) - moment > at),
    "a place in a list": lambda moment, at: bisect_right([at - 9, at, at, at + 4], moment),
    "sorted": lambda moment, at: sorted([at, moment + 0, at + 3]).index(at),
    "true": lambda moment, at: bool(moment - at),
    "half": lambda moment, at: (moment - at) / 2 > 3,
    "square": lambda moment, at: (moment - at) * (moment + at) > 9,
    "whole": lambda moment, at: divmod(moment, 6),
    "other things": lambda moment, at: moment < at + 0.5,
}
# What a question tells that is a watched number itself is not compared: it changes with the moment.
PLAIN = {name: question for name, question in QUESTIONS.items() if name != "both"}


@given(st.sampled_from(sorted(PLAIN)), NUMBERS, NUMBERS)
def test_no_answer_changes_before_the_turn(name: str, moment: int, at: int) -> None:
    watch = Watch(moment)
    said = PLAIN[name](watched(watch), at)
    assert said == PLAIN[name](moment, at)
    upto = moment + 200 if watch.turn is None else watch.turn
    assert watch.turn is None or watch.turn > moment
    assert all(PLAIN[name](later, at) == said for later in range(moment, upto))


@given(st.sampled_from(["after", "not before", "in microseconds", "counted down", "days"]), NUMBERS, NUMBERS)
def test_the_turn_is_where_the_answer_changes(name: str, moment: int, at: int) -> None:
    watch = Watch(moment)
    said = PLAIN[name](watched(watch), at)
    if watch.turn is not None:
        assert PLAIN[name](watch.turn, at) != said


def test_the_first_of_several_turns_is_told() -> None:
    watch = Watch(10)
    moment = watched(watch)
    assert (moment > 30, moment > 20, moment < 5, moment * 10 >= 150) == (False, False, False, False)
    assert watch.turn == 15
    assert QUESTIONS["both"](moment, 0) == (10, True)
    assert moment in {10}


BOTH: dict[str, Question] = {
    "which is first": lambda one, other: one < other,
    "alike": lambda one, other: one == other,
    "sum": lambda one, other: one + other,
    "how far apart": lambda one, other: other - one,
    "product": lambda one, other: one * other,
    "how often": lambda one, other: one // (other or 1),
    "rest": lambda one, other: one % (other or 1),
    "the higher": lambda one, other: max(one, other) * 1,
}


@given(st.sampled_from(sorted(BOTH)), NUMBERS, NUMBERS)
def test_of_two_that_are_watched_nothing_is_known_of_any_other(name: str, one: int, other: int) -> None:
    watches = Watch(one), Watch(other)
    said = BOTH[name](*map(watched, watches))
    assert said == BOTH[name](one, other)
    assert [watch.turn for watch in watches] == [one + 1, other + 1]


@given(st.integers(0, 40), st.integers(1, 9))
def test_what_is_made_of_it_otherwise_is_known_of_it_alone(moment: int, other: int) -> None:
    made: list[Callable[[int], object]] = [
        hash, abs, float, round, str, lambda n: f"{n:x}", lambda n: ~n, lambda n: n & other,
        lambda n: other | n, lambda n: n**2, lambda n: 2**n, lambda n: n << other, lambda n: n >> other,
        lambda n: other ^ n, lambda n: other // (n + 1), lambda n: other % (n + 1),
        lambda n: other / (n + 1), lambda n: n in {other}, lambda n: {other: 1}.get(n),
        lambda n: divmod(other, n + 1), lambda n: n.bit_length(),
    ]  # fmt: skip
    for make in made:
        watch = Watch(moment)
        assert make(watched(watch)) == make(moment)
        assert watch.turn == moment + 1
