"""Shelf: the holdings of a log with more records than memory, in files by the beginning of their handles.

What is folded of a handle is what each stretch of the log says of it, one after another (`holdings.merged`).
So a fold begins afresh whenever it has grown large, and what it has is put away: each time one run of rows
for each of 256 parts. A part is read back, and its runs merged, when somebody walks it. The files are nobody
else's, and gone when the shelf is.
"""

import shutil
import struct
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from projections.docket import Edge
from projections.holdings import PARTS, Holding, Holdings, Parted, decode_row, encode_row, merged

MOST_HELD = 100_000
"""So many records stay in memory."""
_HEAD = struct.Struct(">16sI")


class Shelf(Parted):
    """Holdings that were put away. Read one part at a time."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="writ-holdings-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._written: set[int] = set()
        self._last: tuple[int, Holdings] | None = None
        self._count: int | None = None

    def put_away(self, holdings: Holdings) -> None:
        """Write all rows behind those of an earlier stretch, and leave none."""
        runs = [bytearray() for _ in range(PARTS)]
        last, row = None, b""
        for handle, holding in holdings.items():
            if holding is not last:
                last, row = holding, encode_row(holding)
            runs[int(handle[:2], 16)] += _HEAD.pack(bytes.fromhex(handle), len(row)) + row
        for number, run in enumerate(runs):
            if run:
                self._written.add(number)
                with self._path(number).open("ab") as file:
                    file.write(run)
        holdings.clear()
        self._last = self._count = None

    def parts(self) -> Iterator[Holdings]:
        """See `Parted.parts`."""
        for number in range(PARTS):
            yield self._read(number)

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

    def _read(self, number: int) -> Holdings:
        part: Holdings = {}
        if number not in self._written:
            return part
        with self._path(number).open("rb") as file:
            for handle, holding in _rows(file):
                before = part.get(handle)
                part[handle] = holding if before is None else merged(before, holding)
        return part

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:02x}"


class Shelving:
    """Keeps a fold small while it takes a log's facts."""

    def __init__(self, most_held: int = MOST_HELD) -> None:
        self._most_held = most_held
        self._taken = 0
        self._shelf: Shelf | None = None

    def after_some(self, entries: int, holdings: Holdings) -> None:
        """Put away what a fold holds after so many more entries, if that is much.

        The records of one bulk event share a state: of few entries no many states come.
        """
        self._taken += entries
        if min(len(holdings), self._taken) > self._most_held:
            self._shelf = self._shelf or Shelf()
            self._shelf.put_away(holdings)
            self._taken = 0

    def at_the_end(self, holdings: Holdings, edges: dict[int, Edge]) -> Shelf | None:
        """Where the holdings are; None: all in `holdings`."""
        if self._shelf is None:
            return None
        self._shelf.put_away(holdings)
        if not edges:
            return self._shelf
        # Lineage asks for any record at any time: then all must be at hand.
        holdings.update(self._shelf.take_back())
        return None


def _rows(file: BinaryIO) -> Iterator[tuple[str, Holding]]:
    last, holding = b"", None
    while head := file.read(_HEAD.size):
        handle, size = _HEAD.unpack(head)
        row = file.read(size)
        # Those of one bulk event stand together, and share one state.
        if holding is None or row != last:
            last, holding = row, decode_row(row)
        yield handle.hex(), holding
