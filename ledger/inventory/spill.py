"""Spill: handles put away in a file as they come, and read back range by range.

A block is a table of how many handles each of the 256 ranges has, then those handles. Any number of blocks
stand one behind another; a range is read by reading its run in each.
"""

import os
import struct
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final

from ledger.inventory.crew import RANGES, Run
from ledger.stores.blinding import HANDLE_BYTES
from projections.runners.shelf import read_at
from signing.errors import FormatError

_TABLE: Final = struct.Struct(f">{RANGES}I")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """What the system says of a file within the block names it: a disk that is full, above all."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


class Spill:
    """A file of blocks, which this process alone writes."""

    def __init__(self, path: Path, keep: int = 0) -> None:
        """Go on behind the first `keep` bytes; what stands after them was never told of, and goes."""
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, keep)
        self.size = keep
        """Where the next block begins."""

    def append(self, run: Run) -> int:
        """Put a block behind the others; returns where it begins."""
        begin = self.size
        view = memoryview(_TABLE.pack(*run.counts) + run.rows)
        with named(self._path):
            while view:
                written = os.pwrite(self._file, view, self.size)
                view, self.size = view[written:], self.size + written
        return begin

    def block(self, begin: int) -> "Block":
        """The block that begins there; `FormatError` where there is none."""
        if begin + _TABLE.size > self.size:
            raise FormatError(f"no block begins at byte {begin} of {self.size}")
        counts = _TABLE.unpack(read_at(self._file, begin, _TABLE.size))
        block = Block(begin + _TABLE.size, counts)
        if block.end > self.size:
            raise FormatError(f"the block at byte {begin} goes on behind the end")
        return block

    def read(self, block: "Block", number: int) -> bytes:
        """A block's handles of one range."""
        begin, end = block.places[number], block.places[number + 1]
        return read_at(self._file, begin, end - begin) if begin < end else b""

    def run(self, block: "Block") -> Run:
        """A whole block, as it was put."""
        begin, end = block.places[0], block.end
        return Run(block.counts, read_at(self._file, begin, end - begin) if begin < end else b"")

    def sync(self) -> None:
        """Return once all blocks are on the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


class Block:
    """Where the run of each range stands in a file."""

    def __init__(self, begin: int, counts: Iterable[int]) -> None:
        sizes = (count * HANDLE_BYTES for count in counts)
        self.places = array("Q", accumulate(sizes, initial=begin))
        """Of each range, where its run begins; and where the last one ends."""

    @property
    def end(self) -> int:
        """Where the next block begins."""
        return self.places[-1]

    @property
    def size_bytes(self) -> int:
        """How much of the file it takes, its table included."""
        return self.places[-1] - self.places[0] + _TABLE.size

    @property
    def counts(self) -> list[int]:
        """How many handles each range has."""
        return [(end - begin) // HANDLE_BYTES for begin, end in pairwise(self.places)]

    @property
    def count(self) -> int:
        """How many handles it has."""
        return (self.places[-1] - self.places[0]) // HANDLE_BYTES


def ranges(spills: Iterable[tuple[Spill, list[Block]]]) -> Iterator[bytes]:
    """The handles of each range in turn, over blocks of several files."""
    whole = list(spills)
    for number in range(RANGES):
        yield b"".join(spill.read(block, number) for spill, blocks in whole for block in blocks)
