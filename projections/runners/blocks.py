"""Blocks: what a fold holds, put away in one piece that is read part by part.

rows, size of the patterns, and of each of 256 parts the sizes of its two runs
patterns  each with its length before it
of each part, its handles beginning with that byte:
  a run of handles with the number of a pattern and a place: most rows
  a run of handles with rows as they are; length 0: the same row as the one before
"""

import struct
from array import array
from collections.abc import Callable, Hashable, Iterator
from itertools import accumulate
from typing import Final

from msgspec import Struct

from projections.holdings import PARTS, Holding
from projections.patterns import Pattern, Place, kind_of, split
from signing.errors import FormatError

Stretch = tuple[Pattern, Place] | bytes
"""What one stretch of a log says of a record: by a pattern, or its row."""
Read = Callable[[int, int], bytes]
"""So many bytes from a place on."""

MOST_PATTERNS: Final = 4_096
"""Of one shelf. Rows of others are kept as they are."""
_TABLE: Final = struct.Struct(f">QQ{2 * PARTS}Q")
_LENGTH: Final = struct.Struct(">I")
_ALIKE: Final = struct.Struct(">16sIqqq")
_HEAD: Final = struct.Struct(">16sI")
_SAME: Final = bytes(_LENGTH.size)


class PatternSet:
    """The patterns of a shelf, each once: records of several blocks are known to be of one."""

    def __init__(self) -> None:
        self._known: dict[bytes, Pattern] = {}
        self._met: set[bytes] = set()

    def find(self, text: bytes) -> Pattern | None:
        """The pattern with this text; None where it is none."""
        found = self._known.get(text) or _pattern(text)
        if found is not None:
            self._known[text] = found
        return found

    def meet(self, text: bytes) -> Pattern | None:
        """The same of a row that is to be kept. Most rows that are of no pattern never come again, nor do
        those with a time of their own, and must not fill the memory: so None where a text is met first."""
        found = self._known.get(text)
        if found is not None or len(self._known) >= MOST_PATTERNS:
            return found
        if text in self._met:
            return self.find(text)
        if len(self._met) >= MOST_PATTERNS:
            self._met.clear()
        self._met.add(text)
        return None


class Block:
    """The rows of one block, as they come."""

    def __init__(self, patterns: PatternSet) -> None:
        self.rows = 0
        self.size = 0
        self._patterns = patterns
        self._numbers: dict[bytes, int] = {}
        self._kinds: dict[Hashable, int] = {}
        self._alike = [bytearray() for _ in range(PARTS)]
        self._others = [bytearray() for _ in range(PARTS)]
        self._lasts: list[Holding | None] = [None] * PARTS
        self._last: Holding | None = None
        self._row = b""
        self._number: int | None = None
        self._place: Place = (0, 0, 0)

    def add(self, handle: str, holding: Holding) -> None:
        """Add a row. Those of one bulk event come together, and share one state."""
        raw = bytes.fromhex(handle)
        if self._last is not holding:
            self._last = holding
            self._see(holding)
        self.rows += 1
        if self._number is None:
            self._add_row(raw, holding)
        else:
            self._alike[raw[0]] += _ALIKE.pack(raw, self._number, *self._place)
            self.size += _ALIKE.size

    def pieces(self) -> list[bytes]:
        """The block, to be written one piece behind the other."""
        texts = b"".join(_LENGTH.pack(len(text)) + text for text in self._numbers)
        runs = [run for both in zip(self._alike, self._others, strict=True) for run in both]
        return [_TABLE.pack(self.rows, len(texts), *map(len, runs)), texts, *map(bytes, runs)]

    def _see(self, holding: Holding) -> None:
        """Find out how to keep the rows of this state."""
        kind, place = kind_of(holding) or (None, None)
        self._number = self._kinds.get(kind)
        if place is not None and self._number is not None:
            self._place = place
            return
        self._row, text, place = split(holding)
        if place is not None:
            self._number, self._place = self._number_of(text), place
            if kind is not None and self._number is not None:
                self._kinds[kind] = self._number

    def _number_of(self, text: bytes) -> int | None:
        number = self._numbers.get(text)
        if number is None and self._patterns.meet(text) is not None:
            number = self._numbers[text] = len(self._numbers)
            self.size += _LENGTH.size + len(text)
        return number

    def _add_row(self, raw: bytes, holding: Holding) -> None:
        run, number = self._others[raw[0]], raw[0]
        if self._lasts[number] is holding:
            run += raw + _SAME
            self.size += _HEAD.size
            return
        self._lasts[number] = holding
        run += _HEAD.pack(raw, len(self._row)) + self._row
        self.size += _HEAD.size + len(self._row)


class Placed(Struct, frozen=True):
    """A block that was written: its patterns by their numbers, and where the runs begin, two of each part,
    and the last one ends."""

    rows: int
    patterns: list[Pattern]
    runs: "array[int]"

    def part(self, number: int, read: Read) -> Iterator[tuple[bytes, Stretch]]:
        """The handles of a part, each with what the block says of it."""
        begin, middle, end = self.runs[2 * number : 2 * number + 3]
        if begin == end:
            return
        runs = read(begin, end - begin)
        patterns = self.patterns
        for raw, at, index, time_us, claimed_us in _ALIKE.iter_unpack(runs[: middle - begin]):
            yield raw, (patterns[at], (index, time_us, claimed_us))
        yield from _rows(runs[middle - begin :])


def placed(begin: int, size: int, read: Read, patterns: PatternSet) -> Placed:
    """The block that was written at a place; FormatError where there is none."""
    if size < _TABLE.size:
        raise FormatError("a block without its table")
    rows, length, *sizes = _TABLE.unpack(read(begin, _TABLE.size))
    if length + sum(sizes) != size - _TABLE.size:
        raise FormatError("a block of another length than its table says")
    found = [patterns.find(text) for text in _texts(read(begin + _TABLE.size, length))]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        raise FormatError("a block with a pattern that is none")
    first = begin + _TABLE.size + length
    return Placed(rows, known, array("Q", accumulate(sizes, initial=first)))


def _pattern(text: bytes) -> Pattern | None:
    try:
        return Pattern(text)
    except (ValueError, RecursionError):
        return None


def _texts(raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        begin = at + _LENGTH.size
        if begin > len(raw):
            raise FormatError("a block whose patterns are cut off")
        (size,) = _LENGTH.unpack_from(raw, at)
        at = begin + size
        yield raw[begin:at]


def _rows(run: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The handles and rows of a run."""
    row, at = b"", 0
    while at < len(run):
        handle, size = _HEAD.unpack_from(run, at)
        at += _HEAD.size + size
        if size:
            row = run[at - size : at]
        yield handle, row
