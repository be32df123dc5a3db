"""Reading a log: tiles, entries, proofs, from full tiles in the database and the open edge in memory.

Full tiles never change and are kept; the edge is that of a state that is durable. A proof takes O(log n)
tiles. Nothing here scans a table or holds a transaction open.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from ledger import store
from ledger.resume import Inconsistent
from ledger.sealing import LogState, SubmissionRow
from ledger.store import Connection, Pool
from projections import store as projected
from signing.checkpoint import Checkpoint
from signing.encoding import HASH_SIZE
from signing.entry import parse_entry
from signing.note import Note
from signing.tiles import (
    ENTRIES,
    WIDTH,
    Tile,
    encode_bundle,
    inclusion_from_tiles,
    root_from_tiles,
    tiles_for_inclusion,
    tiles_for_root,
)
from signing.tlog_proof import TlogProof, format_proof

MAX_CACHED_TILES: Final = 4_096
"""8 KiB each."""
MAX_SCANNED: Final = 10_000
MAX_PAGE: Final = 1_000
_MAX_PAGE_BYTES: Final = 4 << 20


class TileCache:
    """The full tiles of one log that were asked for last."""

    def __init__(self, capacity: int = MAX_CACHED_TILES) -> None:
        self._tiles: OrderedDict[Tile, bytes] = OrderedDict()
        self._capacity = capacity

    def get(self, tile: Tile) -> bytes | None:
        """A tile's hashes, if they are here."""
        if tile in self._tiles:
            self._tiles.move_to_end(tile)
        return self._tiles.get(tile)

    def put(self, tile: Tile, hashes: bytes) -> None:
        """Keep a full tile, and let go of the one that nobody asked for the longest."""
        self._tiles[tile] = hashes
        if len(self._tiles) > self._capacity:
            self._tiles.popitem(last=False)


async def read_hash_tiles(
    connection: Connection, log: str, tiles: Iterable[Tile], state: LogState, cache: TileCache | None = None
) -> dict[Tile, bytes]:
    """The hashes of tiles, leaving out those which the state's tree does not have, or not as wide."""
    cache = cache or TileCache()
    wanted = list(tiles)
    full = {tile: Tile(tile.level, tile.index) for tile in wanted if _is_full(tile, state)}
    if missing := {tile for tile in full.values() if cache.get(tile) is None}:
        for tile, hashes in (await store.read_tiles(connection, log, missing)).items():
            cache.put(tile, hashes)
    found: dict[Tile, bytes] = {}
    for tile in wanted:
        whole = cache.get(full[tile]) if tile in full else _open_tile(tile, state)
        if whole is not None and len(whole) >= tile.width * HASH_SIZE:
            found[tile] = whole[: tile.width * HASH_SIZE]
    return found


class EventLine(msgspec.Struct, frozen=True):
    """One event as it stands in the log."""

    index: int
    time_us: int
    line: bytes


class Page(msgspec.Struct, frozen=True):
    """Some events in order, and the index to go on after; None at the log's end."""

    events: list[EventLine]
    next_after: int | None
    folded_size: int | None = None
    """How many entries the projection had folded that answers for one record; entries from there on are not
    looked at. None where the log itself is read."""


class Lag(msgspec.Struct, frozen=True):
    """How far the projections are behind the log: in entries, and by how long ago the first of them was
    recorded."""

    size: int
    folded_size: int
    behind_entries: int
    behind_seconds: float


class Reader:
    """Reads one log from a pool of connections."""

    def __init__(self, pool: Pool, log: str, origin: str) -> None:
        self._pool = pool
        self._log = log
        self._origin = origin
        self._cache = TileCache()

    async def tile(self, tile: Tile, state: LogState) -> bytes | None:
        """A hash tile or entry bundle as a file, or None when the log is not that long."""
        if tile.level == ENTRIES:
            first = tile.index * WIDTH
            entries = await self._entries(first, min(first + tile.width, state.head.size))
            return encode_bundle(entries) if len(entries) == tile.width else None
        return (await self.hash_tiles([tile], state)).get(tile)

    async def hash_tiles(self, tiles: Sequence[Tile], state: LogState) -> dict[Tile, bytes]:
        """Those of these hash tiles which the log has, as wide as they are asked for."""
        return await read_hash_tiles(self._pool, self._log, tiles, state, self._cache)

    async def entry(self, index: int) -> bytes | None:
        """One entry."""
        return next(iter(await self._entries(index, index + 1)), None)

    async def prove(
        self, index: int, checkpoint: Note, size: int, state: LogState, extra: bytes | None = None
    ) -> bytes:
        """The proof of an entry against a signed checkpoint of this size, which the state is at or beyond."""
        tiles = await self.hash_tiles(tiles_for_inclusion(index, size), state)
        hashes = inclusion_from_tiles(index, size, tiles)
        return format_proof(TlogProof(index, tuple(hashes), checkpoint, extra))

    async def checkpoint_at(self, size: int, state: LogState) -> Checkpoint:
        """The checkpoint that the log had at a size."""
        if size == state.head.size:
            return Checkpoint(self._origin, size, state.head.root)
        tiles = await self.hash_tiles(tiles_for_root(size), state)
        return Checkpoint(self._origin, size, root_from_tiles(size, tiles))

    async def submission(self, source: str, size: int) -> SubmissionRow | None:
        """The submission that brought a source log to a size."""
        return await store.read_submission(self._pool, self._log, source, size)

    async def last_submission(self, source: str) -> SubmissionRow | None:
        """The last submission to a source log."""
        return await store.read_last_submission(self._pool, self._log, source)

    async def submission_of(self, index: int) -> SubmissionRow | None:
        """The submission that an entry belongs to."""
        return await store.read_submission_of(self._pool, self._log, index)

    async def events(self, after: int, event_type: str | None, limit: int, size: int) -> Page:
        """The events after an index and below `size`, of one type if given, as far as one page goes.

        Inconsistent when the log has not all of these: what is left out would look as if it never was.
        """
        ending = None if event_type is None else b'"type":"' + event_type.encode() + b'"}'
        found: list[EventLine] = []
        page_bytes, position = 0, after + 1
        last = min(size, position + MAX_SCANNED)
        while position < last and len(found) < limit and page_bytes < _MAX_PAGE_BYTES:
            entries = await self._all_entries(position, min(position + WIDTH, last))
            for index, entry in enumerate(entries, position):
                event = open_event(index, entry)
                position = index + 1
                if event is not None and (ending is None or event.line.endswith(ending)):
                    found.append(event)
                    page_bytes += len(event.line)
                    if len(found) == limit:
                        break
        return Page(found, position - 1 if position < size else None)

    async def record_events(self, handle: bytes, after: int, event_type: str | None, limit: int) -> Page:
        """The events about one record after an index, as far as the projection has got; and how far."""
        # Read first: what is folded meanwhile is in the page and not claimed by it.
        folded = await projected.folded_size(self._pool, self._log)
        indexes = await store.read_record_entries(self._pool, self._log, handle, after + 1, limit + 1)
        entries = await store.read_entries_at(self._pool, self._log, indexes[:limit])
        if missing := [index for index in indexes[:limit] if index not in entries]:
            raise Inconsistent(self._log, f"entry {missing[0]}, which names the record, is missing")
        ending = b"" if event_type is None else b'"type":"' + event_type.encode() + b'"}'
        events = [open_event(index, entry) for index, entry in entries.items()]
        found = [event for event in events if event is not None and event.line.endswith(ending)]
        return Page(found, indexes[limit - 1] if len(indexes) > limit else None, folded)

    async def lag(self, size: int, now_us: int) -> Lag:
        """How far the projections are behind a log of this size."""
        folded = await projected.folded_size(self._pool, self._log)
        raw = await self.entry(folded) if folded < size else None
        waited_us = 0 if raw is None else max(0, now_us - parse_entry(raw).time_us)
        return Lag(size, folded, max(0, size - folded), waited_us / 1_000_000)

    async def _all_entries(self, begin: int, end: int) -> Sequence[bytes]:
        entries = await self._entries(begin, end)
        if len(entries) != end - begin:
            missing = end - begin - len(entries)
            raise Inconsistent(self._log, f"{missing} of its entries from {begin} to {end - 1} are missing")
        return entries

    async def _entries(self, begin: int, end: int) -> Sequence[bytes]:
        return await store.read_entries(self._pool, self._log, begin, end)


def open_event(index: int, entry: bytes) -> EventLine | None:
    """An event of the log, or None for a submission's entry."""
    header, _, line = entry.partition(b"\n")
    kind, _, time_us, _ = header.split(b" ")
    return EventLine(index, int(time_us), line) if kind == b"event" else None


def _is_full(tile: Tile, state: LogState) -> bool:
    return (tile.index + 1) * WIDTH <= state.head.size >> (8 * tile.level)


def _open_tile(tile: Tile, state: LogState) -> bytes | None:
    if tile.index != (state.head.size >> (8 * tile.level)) // WIDTH or not state.head.size >> (
        8 * tile.level
    ):
        return None
    return state.edge.partial(tile.level, tile.index)
