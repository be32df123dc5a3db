"""Shelf: the holdings of a log with more records than memory, in a file, by the beginning of their handles.

What is folded of a handle is what each stretch of the log says of it, one after another (`holdings.merged`).
So a fold begins afresh whenever it has grown large, and what it has is put away as a block (`blocks`). A part
is read back from all of them, and what they say of each handle merged, when somebody walks it.
"""

import errno
import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from pathlib import Path
from typing import Protocol, TypeVar

from projections.alike import Alike, Member, Numbers, Patterns
from projections.docket import Edge
from projections.holdings import PARTS, Holding, Holdings, Parted, decode_row, encode_row, merged
from projections.lines import FANOUT
from projections.runners.blocks import Block, PatternSet, Placed, Stretch, placed
from projections.runners.halves import in_halves
from projections.runners.progress import untold

T = TypeVar("T")

MOST_HELD = 50_000
"""So many records stay in memory."""
# What a record takes in memory, and what a state does that records share: roughly, by measurement.
_HANDLE_BYTES = 200
_STATE_BYTES = 900
_BLOCK_BYTES = 8 << 20


class Blocks(Protocol):
    """Where blocks are put, one behind another."""

    def append(self, pieces: list[bytes]) -> int:
        """Put a block behind the others; returns the place of its first byte."""
        ...

    def read(self, begin: int, size: int) -> bytes:
        """So many bytes from a place on."""
        ...


class Scratch:
    """A temporary file, which is nobody else's and gone with this process."""

    def __init__(self, folder: Path | None = None) -> None:
        """Make it under a folder; by default where temporary files are."""
        # Without a buffer: one that finds no room would be flushed once more when it is closed.
        self._file = tempfile.TemporaryFile(buffering=0, prefix="writ-", dir=folder)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._where = folder or tempfile.gettempdir()

    def append(self, pieces: list[bytes]) -> int:
        """See Blocks.append."""
        begin = self._file.seek(0, os.SEEK_END)
        try:
            for piece in pieces:
                self._write(piece)
        except OSError as error:
            # It has no name, and it's not what the reader named that is full.
            raise OSError(error.errno, error.strerror, f"a file in {self._where}") from error
        return begin

    def read(self, begin: int, size: int) -> bytes:
        """See Blocks.read."""
        return read_at(self._file.fileno(), begin, size)

    def _write(self, piece: bytes) -> None:
        view, done = memoryview(piece), 0
        while done < len(view):
            done += self._file.write(view[done:])


def read_at(descriptor: int, begin: int, size: int) -> bytes:
    """So many bytes of a file, without its position: that is shared with processes forked from this one."""
    raw = _piece(descriptor, begin, size)
    while len(raw) < size:
        more = _piece(descriptor, begin + len(raw), size - len(raw))
        if not more:
            raise OSError(errno.EIO, "a file of what was put away has been cut off meanwhile")
        raw += more
    return raw


def _piece(descriptor: int, begin: int, size: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, begin)
    # Windows has no such call, and no forked processes.
    os.lseek(descriptor, begin, os.SEEK_SET)
    return os.read(descriptor, size)


class Shelf(Parted):
    """Holdings that were put away. Read one part at a time."""

    def __init__(self, blocks: Blocks | None = None) -> None:
        self._blocks = Scratch() if blocks is None else blocks
        self._placed: list[Placed] = []
        self._patterns = PatternSet()
        self._last: tuple[int, Holdings] | None = None
        self._count: int | None = None
        self.rows = 0
        """How many rows were put away: at least as many as there are records."""
        self.halved = False
        """Whether a copy of this process may work on half of the parts."""

    def put_away(self, holdings: Holdings) -> None:
        """Write all rows behind those of an earlier stretch, and leave none."""
        block = Block(self._patterns)
        for handle, holding in holdings.items():
            block.add(handle, holding)
            if block.size > _BLOCK_BYTES:
                self._write(block)
                block = Block(self._patterns)
        self._write(block)
        holdings.clear()
        self._last = self._count = None

    def adopt(self, begin: int, size: int) -> None:
        """Take up a block that an earlier shelf has put there; FormatError where it is none."""
        self._take(begin, size)

    def parts(self) -> Iterator[Holdings]:
        """See `Parted.parts`."""
        for number in range(PARTS):
            yield self._read(number)

    def each(self, work: Callable[[Holdings], T]) -> Iterator[T]:
        """See `Parted.each`."""
        return self._each(lambda number: work(self._read(number)))

    def each_rows(self, work: Callable[[Iterable[bytes]], T]) -> Iterator[T]:
        """See `Parted.each_rows`."""
        return self._each(lambda number: work(self._lines(number)))

    def each_alike(self, work: Callable[[list[list[Alike]], Holdings], T]) -> Iterator[T]:
        """See `Parted.each_alike`."""
        return self._each(lambda number: work(*self._alike(number)))

    def take_back(self) -> Holdings:
        """All of them, in memory."""
        return {handle: holding for part in self.parts() for handle, holding in part.items()}

    def __getitem__(self, handle: str) -> Holding:
        """One holding, for which its part is read, unless it is the one read last."""
        number = int(handle[:2], 16)
        if self._last is None or self._last[0] != number:
            self._last = number, self._read(number)
        return self._last[1][handle]

    def __iter__(self) -> Iterator[str]:
        """The handles."""
        return (handle for part in self.parts() for handle in part)

    def __len__(self) -> int:
        """How many there are."""
        if self._count is None:
            self._count = sum(map(len, self.parts()))
        return self._count

    def _write(self, block: Block) -> None:
        if block.rows:
            pieces = block.pieces()
            self._take(self._blocks.append(pieces), sum(map(len, pieces)))

    def _take(self, begin: int, size: int) -> None:
        block = placed(begin, size, self._blocks.read, self._patterns)
        self._placed.append(block)
        self.rows += block.rows
        self._last = self._count = None

    def _each(self, work: Callable[[int], T]) -> Iterator[T]:
        numbers = range(PARTS)
        return in_halves(work, numbers, untold, worth=0) if self.halved else map(work, numbers)

    def _lines(self, number: int) -> Iterator[bytes]:
        """The rows of a part. Only what stands in more than one block is read."""
        joined: dict[tuple[Stretch, ...], bytes] = {}
        for raw, stretches in self._stretches(number).items():
            if len(stretches) == 1:
                row = _row(stretches[0])
            else:
                found = joined.get(stretches)
                row = joined[stretches] = encode_row(_holding(stretches)) if found is None else found
            yield b"%b %b" % (raw.hex().encode(), row)

    def _stretches(self, number: int) -> dict[bytes, tuple[Stretch, ...]]:
        """What the blocks say of each handle of a part, one after another."""
        found: dict[bytes, tuple[Stretch, ...]] = {}
        for block in self._placed:
            for raw, stretch in block.part(number, self._blocks.read):
                before = found.get(raw)
                found[raw] = (stretch,) if before is None else (*before, stretch)
        return found

    def _alike(self, number: int) -> tuple[list[list[Alike]], Holdings]:
        """Those of a part who are alike, leaf by leaf, and all others."""
        alike: list[dict[Patterns, list[Member]]] = [{} for _ in range(FANOUT)]
        others: dict[bytes, tuple[Stretch, ...]] = {}
        for raw, stretches in self._stretches(number).items():
            patterns: Patterns = ()
            numbers: Numbers = ()
            for stretch in stretches:
                if isinstance(stretch, bytes) or not stretch[0].shares:
                    others[raw] = stretches
                    break
                patterns, numbers = (*patterns, stretch[0]), numbers + stretch[1]
            else:
                # The third digit of the handle: its leaf (`lines.leaf_of`) in this part.
                alike[raw[1] >> 4].setdefault(patterns, []).append((numbers, raw.hex()))
        found = [[Alike(*one) for one in leaf.items()] for leaf in alike]
        return found, _holdings(others)

    def _read(self, number: int) -> Holdings:
        return _holdings(self._stretches(number))


class Shelving:
    """Keeps a fold small while it takes a log's facts."""

    def __init__(
        self, most_held: int = MOST_HELD, folder: Path | None = None, *, halved: bool = False
    ) -> None:
        """`halved`: a copy of this process may work on half of what was put away."""
        self._halved = halved
        self._most_held = most_held
        self._most_bytes = most_held * (_HANDLE_BYTES + _STATE_BYTES)
        self._folder = folder
        self._taken = 0
        self._shelf: Shelf | None = None

    def use(self, shelf: Shelf) -> None:
        """Put away on this shelf, on which something may be already, and not on a new one."""
        self._shelf = shelf

    def after_one(self, holdings: Holdings) -> None:
        """Put away what a fold holds after one more entry, if that is much.

        The records of one bulk event share a state: of few entries no many states come. And what is told of
        one record again and again is put away before it is long: it is copied with each entry.
        """
        self._taken += 1
        held = len(holdings)
        size_bytes = held * _HANDLE_BYTES + min(held, self._taken) * _STATE_BYTES
        if size_bytes > self._most_bytes or self._taken > self._most_held:
            self.put_away(holdings)

    def put_away(self, holdings: Holdings) -> None:
        """Put away what a fold holds."""
        if self._shelf is None:
            self._shelf = Shelf(Scratch(self._folder))
        self._shelf.put_away(holdings)
        self._taken = 0

    def at_the_end(self, holdings: Holdings, edges: dict[int, Edge]) -> Shelf | None:
        """Where the holdings are; None: all in `holdings`."""
        if self._shelf is None:
            return None
        self._shelf.put_away(holdings)
        # Lineage asks for any record at any time: then all must be at hand.
        if not edges and self._shelf.rows > self._most_held:
            self._shelf.halved = self._halved
            return self._shelf
        holdings.update(self._shelf.take_back())
        return None


def _holdings(said: dict[bytes, tuple[Stretch, ...]]) -> Holdings:
    # Who stood alike in each stretch stands alike, and shares one object, as if all were folded at once.
    known: dict[tuple[Stretch, ...], Holding] = {}
    part: Holdings = {}
    for raw, stretches in said.items():
        holding = known.get(stretches)
        if holding is None:
            holding = known[stretches] = _holding(stretches)
        part[raw.hex()] = holding
    return part


def _row(stretch: Stretch) -> bytes:
    return stretch if isinstance(stretch, bytes) else stretch[0].row(stretch[1])


def _holding(stretches: tuple[Stretch, ...]) -> Holding:
    said = (decode_row(one) if isinstance(one, bytes) else one[0].holding(one[1]) for one in stretches)
    return reduce(merged, said)
