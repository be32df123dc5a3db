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

from projections.docket import Edge
from projections.holdings import PARTS, Holding, Holdings, Parted, decode_row, encode_row, merged

MOST_HELD = 100_000
"""So many records stay in memory."""
_HEAD = struct.Struct(">16sI")
# What a record takes in memory, and what a state does that records share: roughly, by measurement.
_HANDLE_BYTES = 200
_STATE_BYTES = 900


class Shelf(Parted):
    """Holdings that were put away. Read one part at a time."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep the files under a folder; by default where temporary files are."""
        self._folder = Path(tempfile.mkdtemp(prefix="writ-holdings-", dir=folder))
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
        # Who stood alike before and after stands alike in all, as where it was folded at one time. What is
        # joined is kept meanwhile: nothing else can take its identity.
        joined: dict[tuple[int, int], tuple[Holding, Holding, Holding]] = {}
        for handle, holding in _rows(self._path(number).read_bytes()):
            before = part.get(handle)
            if before is None:
                part[handle] = holding
                continue
            both = (id(before), id(holding))
            if both not in joined:
                joined[both] = before, holding, merged(before, holding)
            part[handle] = joined[both][2]
        return part

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:02x}"


class Shelving:
    """Keeps a fold small while it takes a log's facts."""

    def __init__(self, most_held: int = MOST_HELD, folder: Path | None = None) -> None:
        self._most_bytes = most_held * (_HANDLE_BYTES + _STATE_BYTES)
        self._folder = folder
        self._taken = 0
        self._shelf: Shelf | None = None

    def after_one(self, holdings: Holdings) -> None:
        """Put away what a fold holds after one more entry, if that is much.

        The records of one bulk event share a state: of few entries no many states come.
        """
        self._taken += 1
        held = len(holdings)
        if held * _HANDLE_BYTES + min(held, self._taken) * _STATE_BYTES > self._most_bytes:
            self._shelf = self._shelf or Shelf(self._folder)
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


def _rows(raw: bytes) -> Iterator[tuple[str, Holding]]:
    # Those of one bulk event share one state.
    known: dict[bytes, Holding] = {}
    at, end = 0, len(raw)
    while at < end:
        handle, size = _HEAD.unpack_from(raw, at)
        at += _HEAD.size + size
        row = raw[at - size : at]
        holding = known.get(row)
        if holding is None:
            holding = known[row] = decode_row(row)
        yield handle.hex(), holding
