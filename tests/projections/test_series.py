"""A series is a tuple that grows in one step."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.series import Series


def grown(*items: int) -> Series[int]:
    series: Series[int] = Series()
    for item in items:
        series = series.grown(item)
    return series


class Counted(int):
    """A number that counts how often a key is asked of it."""

    asked = 0

    def parity(self) -> int:
        Counted.asked += 1
        return self % 2


# Which of the series there are is grown, and by what.
growths = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), max_size=30)


@given(growths, st.lists(st.integers(0, 4), max_size=3))
def test_it_is_what_a_tuple_would_be(steps: list[tuple[int, int]], first: list[int]) -> None:
    """Whichever series is grown, and grown again, each stays what it was."""
    pairs: list[tuple[Series[int], tuple[int, ...]]] = [(Series(first), tuple(first))]
    for which, item in steps:
        series, model = pairs[which % len(pairs)]
        assert series.last(abs, item) == last_of(model, item)
        assert series.first(abs, item) == first_of(model, item)
        pairs.append((series.grown(item), (*model, item)))
    for series, model in pairs:
        assert tuple(series) == model
        assert tuple(reversed(series)) == model[::-1]
        assert len(series) == len(model)
        assert bool(series) == bool(model)
        for item in range(5):
            assert series.last(abs, item) == last_of(model, item)
            assert series.first(abs, item) == first_of(model, item)
            assert (item in series, series.count(item)) == (item in model, model.count(item))


def first_of(model: tuple[int, ...], item: int) -> int | None:
    return model.index(item) if item in model else None


def last_of(model: tuple[int, ...], item: int) -> int | None:
    return max((number for number, one in enumerate(model) if one == item), default=None)


numbers = st.integers(-8, 8)


@given(st.lists(st.integers(), max_size=6), numbers, numbers, st.sampled_from([-2, 1, 3]))
def test_it_is_indexed_and_sliced_like_a_tuple(items: list[int], begin: int, end: int, step: int) -> None:
    # More stands in the list that it shares.
    series, model = Series(items), tuple(items)
    series.grown(99)
    assert tuple(series[begin:end:step]) == model[begin:end:step]
    assert series[:end] == Series(model[:end])
    assert outcome(lambda: series[begin]) == outcome(lambda: model[begin])


def outcome(look: Callable[[], int]) -> int | type[IndexError]:
    try:
        return look()
    except IndexError:
        return IndexError


@given(st.lists(st.integers(0, 2), max_size=4), st.lists(st.integers(0, 2), max_size=4))
def test_it_is_equal_to_a_series_of_equal_elements(one: list[int], other: list[int]) -> None:
    assert (grown(*one) == Series(other)) == (one == other)
    assert Series(one) != tuple(one)


def test_to_grow_copies_nothing() -> None:
    """Counted, not timed: the elements of all series that came from one stand in one list."""
    series = [grown(0)]
    for item in range(1, 1_000):
        series.append(series[-1].grown(item))
    assert len({id(one._shared.items) for one in series}) == 1
    fork = series[499].grown(-1)
    assert fork._shared.items is not series[499]._shared.items
    assert (series[500][-1], fork[-1], len(series[999])) == (500, -1, 1_000)
    assert series[999][:500]._shared is series[0]._shared


def test_the_empty_series_keeps_nothing_of_what_grew_from_it() -> None:
    empty: Series[int] = Series()
    empty.grown(1).grown(2)
    assert empty._shared.items == []


def test_a_key_is_asked_of_each_element_once() -> None:
    Counted.asked = 0
    series: Series[Counted] = Series()
    for number in range(1_000):
        series = series.grown(Counted(number))
        assert series.last(Counted.parity, number % 2) == number
    assert Counted.asked == 1_000


def test_it_has_no_hash_and_says_what_is_in_it() -> None:
    with pytest.raises(TypeError):
        hash(grown(1))
    shown: Any = repr(grown(1, 2).grown(3))
    assert shown == "Series([1, 2, 3])"
