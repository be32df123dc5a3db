"""A series: what was said on one matter, in log order. A value that grows at its end.

    said = Series(["a"])
    more = said.grown("b")          said is still ["a"]

A tuple is copied whole each time that it grows, so a fold of n facts would take n² steps. A series and those
grown from it share one list, of which each sees the beginning: to grow takes one step. Only where somebody
else has grown the same series already is it copied. One thread grows a series and all that came from it.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class _Shared(Generic[T]):
    """What series share: their elements, and where those of a key stand, as far as anybody has asked."""

    __slots__ = ("items", "places")

    def __init__(self, items: list[T]) -> None:
        self.items = items
        self.places: dict[Callable[[T], Hashable], _Places] = {}


class _Places:
    """The numbers of the first `size` elements, by one key."""

    __slots__ = ("numbers", "size")

    def __init__(self) -> None:
        self.numbers: dict[Hashable, list[int]] = {}
        self.size = 0


class Series(Sequence[T]):
    """A sequence that nobody can change. Equal to another series of equal elements."""

    __slots__ = ("_shared", "_size")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._shared = _Shared(list(items))
        self._size = len(self._shared.items)

    def grown(self, one: T) -> "Series[T]":
        """This series and one element more."""
        shared = self._shared
        # The empty one is everybody's: to grow in it would keep what the first fold said for good.
        if not self._size or len(shared.items) != self._size:
            shared = _Shared(shared.items[: self._size])
        shared.items.append(one)
        return _first(shared, self._size + 1)

    def first(self, key: Callable[[T], Hashable], wanted: Hashable) -> int | None:
        """The number of the first element that has this key, if one has. `key` is always the same function:
        what it gave is remembered under it."""
        numbers = self._numbers(key, wanted)
        return numbers[0] if numbers and numbers[0] < self._size else None

    def last(self, key: Callable[[T], Hashable], wanted: Hashable) -> int | None:
        """The number of the last element that has this key, if one has."""
        numbers = self._numbers(key, wanted)
        at = bisect_left(numbers, self._size)
        return numbers[at - 1] if at else None

    def _numbers(self, key: Callable[[T], Hashable], wanted: Hashable) -> Sequence[int]:
        """Of all elements, also those by which another series has grown further."""
        places = self._shared.places.get(key)
        if places is None:
            places = self._shared.places[key] = _Places()
        for number in range(places.size, self._size):
            places.numbers.setdefault(key(self._shared.items[number]), []).append(number)
        places.size = max(places.size, self._size)
        return places.numbers.get(wanted, ())

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T]:
        return islice(self._shared.items, self._size)

    def __reversed__(self) -> Iterator[T]:
        return map(self._shared.items.__getitem__, range(self._size - 1, -1, -1))

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> "Series[T]": ...
    def __getitem__(self, at: int | slice) -> "T | Series[T]":
        if isinstance(at, slice):
            begin, end, step = at.indices(self._size)
            if (begin, step) == (0, 1):
                return _first(self._shared, end)
            return Series(map(self._shared.items.__getitem__, range(begin, end, step)))
        if not -self._size <= at < self._size:
            raise IndexError(f"{at} of {self._size}")
        return self._shared.items[at if at >= 0 else self._size + at]

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Series):
            return NotImplemented
        if self._size != other._size:
            return False
        return (
            self._shared is other._shared
            or self._shared.items[: self._size] == other._shared.items[: self._size]
        )

    def __repr__(self) -> str:
        return f"Series({list(self)!r})"


def _first(shared: _Shared[T], size: int) -> Series[T]:
    series: Series[T] = Series.__new__(Series)
    series._shared, series._size = shared, size
    return series
