"""A log in the database as its static tree: a `Source` for whoever replays it here.

Read over one connection, a page at a time: no transaction is held open, and no more is in memory than a page
of entries and one of hash tiles of each level. Nothing read is believed: what replays it, proves it.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from typing import Any, Final, Self, TypeVar

import asyncpg

from ledger import store
from ledger.resume import Inconsistent, read_edge
from projections.runners.source import Missing
from signing.checkpoint import parse_checkpoint
from signing.errors import FormatError, ProofError
from signing.note import parse_note
from signing.tiles import ENTRIES, WIDTH, Edge, Tile, encode_bundle, parse_tile_path, tile_at

PAGE_TILES: Final = 16
"""So many tiles are read at once by whoever reads one after another."""

T = TypeVar("T")


class LogSource:
    """A log up to one of its checkpoints, which may have grown since."""

    def __init__(self, dsn: str, log: str, checkpoint: bytes) -> None:
        """`checkpoint`: the signed note, which is read under the same name."""
        self._log = log
        self._checkpoint = checkpoint
        self._size = parse_checkpoint(parse_note(checkpoint).text).size
        self._pages: dict[int, Mapping[int, bytes]] = {}
        self._edge: Edge | None = None
        # Whoever reads may be in an event loop, where nothing else can be waited for.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"reads {log}", daemon=True)
        self._thread.start()
        try:
            self._connection = self._run(asyncpg.connect(dsn))
        except BaseException:
            self._end()
            raise

    def read(self, path: str) -> bytes:
        """See `Source.read`."""
        if path == "checkpoint":
            return self._checkpoint
        tile = parse_tile_path(path)
        if not self._has(tile):
            raise Missing(f"{path} is missing")
        if tile.level != ENTRIES and tile.width < WIDTH:
            return self._open_tiles().partial(tile.level, tile.index)
        page = self._pages.get(tile.level, {})
        if tile.index not in page:
            follows = tile.index == max(page, default=-1) + 1
            page = self._pages[tile.level] = self._run(self._page(tile, PAGE_TILES if follows else 1))
        if tile.index not in page:
            raise Missing(f"{path} is missing")
        return page[tile.index]

    def has(self, path: str) -> bool:
        """See `Source.has`."""
        try:
            return path == "checkpoint" or self._has(parse_tile_path(path))
        except FormatError:
            return False

    def close(self) -> None:
        """See `Source.close`."""
        try:
            self._run(self._connection.close())
        finally:
            self._end()

    def __enter__(self) -> Self:
        """Close at the end of a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _has(self, tile: Tile) -> bool:
        """Whether a tree of this size has the tile, just as wide."""
        try:
            return tile == tile_at(tile.level, tile.index, self._size)
        except FormatError:
            return False

    async def _page(self, first: Tile, count: int) -> Mapping[int, bytes]:
        """The tile, and as many behind it as there are of its level, up to `count` in all."""
        if first.level == ENTRIES:
            return await self._entries(first.index, count)
        full = (self._size >> (8 * first.level)) // WIDTH
        wanted = [Tile(first.level, index) for index in range(first.index, min(first.index + count, full))]
        stored = await store.read_tiles(self._connection, self._log, wanted)
        return {tile.index: hashes for tile, hashes in stored.items()}

    async def _entries(self, first: int, count: int) -> Mapping[int, bytes]:
        begin, end = first * WIDTH, min((first + count) * WIDTH, self._size)
        entries = await store.read_entries(self._connection, self._log, begin, end)
        return {
            first + at // WIDTH: encode_bundle(entries[at : at + WIDTH])
            for at in range(0, len(entries), WIDTH)
        }

    def _open_tiles(self) -> Edge:
        """The tiles that the log had not filled at this size; it may have by now."""
        if self._edge is None:
            try:
                self._edge = self._run(read_edge(self._connection, self._log, self._size))
            except Inconsistent as error:
                raise ProofError(str(error)) from error
        return self._edge

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
