"""The live runner: folds a log's entries into Postgres, behind the appends and never in their way.

A batch of entries, the rows they change and the cursor are one transaction, so each entry is folded exactly
once, however often a process dies. A crash before the commit leaves the batch to be folded again. A batch
writes what it adds or changes, and no more; the docket is read where a runner begins, and then kept.
"""

from collections.abc import Callable, Iterable
from operator import itemgetter

import msgspec
from asyncpg import Connection

from projections import docket, holdings, store
from projections.docket import Docket
from projections.fact import Fact, named, quoted
from projections.fold import Fold
from projections.holdings import Holding, Holdings
from projections.reading import FactReader
from projections.registry import Registry
from signing.merkle import leaf_hashes_of
from signing.note import parse_note
from signing.tiles import WIDTH, Tile, root_from_tiles, tile_root, tiles_for_root

BATCH_ENTRIES = 2_000
BATCH_BYTES = 8 << 20
"""So many records of bulk events as they take 0.1 GB of memory while they are folded."""
NOWHERE = -1
FETCH_ROWS = 5_000


class Kept:
    """What the runner of a log keeps between batches, and may keep between calls. It is good for the batch
    that begins at `size`."""

    def __init__(self) -> None:
        self.size = 0
        self.docket = docket.EMPTY
        self.reader = FactReader(Registry.empty())


async def catch_up(conn: Connection, log: str, kept: Kept | None = None) -> int:
    """Fold everything that the log holds by now. Returns the size reached."""
    kept = Kept() if kept is None else kept
    await store.make_cursor(conn, log)
    while True:
        async with conn.transaction():
            begin = await store.lock_cursor(conn, log)
            end = await next_size(conn, log, begin)
            if end == begin:
                return begin
            stands, kept.size = kept.size == begin, NOWHERE
            if not stands:
                kept.docket = await store.read_docket(conn, log)
                kept.reader = await reader_at(conn, log, begin)
            # The reader reads on: what is kept stands nowhere until the batch is committed.
            after = await _fold(conn, log, kept, begin, end)
        kept.size, kept.docket = end, after


async def load(
    conn: Connection, log: str, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[Fold, int]:
    """The whole folded state in memory, and the size it stands at: what a judgment needs. `progress` is told
    how many rows of how many have been read."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        size, state = await store.folded_size(conn, log), await store.read_docket(conn, log)
        held: Holdings = {}
        intern = _Interner()
        total = await conn.fetchval(store.ROW_COUNT, log, store.VERSION)
        rows = await conn.cursor(store.ALL_ROWS, log, store.VERSION)
        while records := await rows.fetch(FETCH_ROWS):
            for record in records:
                held[record["handle"]] = intern.holding(record["row"])
            progress(len(held), total)
        edges = {
            record["index"]: docket.decode_edge(record["edge"])
            for record in await conn.fetch(store.ALL_EDGES, log, store.VERSION)
        }
    return Fold(state, edges, held), size


async def _fold(conn: Connection, log: str, kept: Kept, begin: int, end: int) -> Docket:
    facts = await read_facts(conn, log, kept.reader, begin, end)
    prior = await _holdings_of(conn, log, facts)
    fold = Fold(kept.docket, {}, dict(prior))
    for fact in facts:
        fold.take(fact)
    await _write_rows(conn, log, prior, fold.holdings)
    await store.insert_edges(conn, log, fold.edges)
    entries = [(handle, fact.index) for fact in facts for handle in named(fact.event)]
    await store.insert_record_entries(conn, log, sorted(entries, key=itemgetter(0)))
    await store.write_docket(conn, log, kept.docket, fold.docket)
    await store.move_cursor(conn, log, end)
    return fold.docket


async def next_size(conn: Connection, log: str, size: int) -> int:
    """Where a batch that begins at `size` ends: at a size that the log had; `size` itself at its end."""
    return await store.next_size(conn, log, size, BATCH_ENTRIES, BATCH_BYTES)


async def read_facts(conn: Connection, log: str, reader: FactReader, begin: int, end: int) -> list[Fact]:
    """The facts of the entries [begin, end), before which the reader stands."""
    read = [fact for _, raw in await store.entries(conn, log, begin, end) if (fact := reader.read(raw))]
    return [await _compared(conn, log, fact) for fact in read]


async def _compared(conn: Connection, log: str, fact: Fact) -> Fact:
    """The fact, with the checkpoint that it names compared with the log's own."""
    named = quoted(fact.event)
    if named is None:
        return fact
    size, root = named
    misquotes = not 0 < size <= fact.index or await root_at(conn, log, size) != root
    return msgspec.structs.replace(fact, misquotes=misquotes)


async def root_at(conn: Connection, log: str, size: int) -> bytes:
    """The root over the first `size` entries, at least one, whether a commit ended there or not."""
    return root_from_tiles(size, {tile: await _tile(conn, log, tile) for tile in tiles_for_root(size)})


async def _tile(conn: Connection, log: str, tile: Tile) -> bytes:
    """A tile, made from what is below it: a partial one is stored nowhere."""
    begin, end = tile.index * WIDTH, tile.index * WIDTH + tile.width
    if tile.level == 0:
        return b"".join(leaf_hashes_of([row["entry"] for row in await store.entries(conn, log, begin, end)]))
    below = await store.full_tiles(conn, log, tile.level - 1, begin, end)
    return b"".join(map(tile_root, below))


async def reader_at(conn: Connection, log: str, size: int) -> FactReader:
    """A reader that stands before entry `size`, where a submission begins."""
    reader = FactReader(Registry.empty())
    for record in await conn.fetch(store.REGISTRATIONS, log, size):
        reader.begin(parse_note(record["note"]))
        reader.read(record["entry"])
    return reader


async def _holdings_of(conn: Connection, log: str, facts: Iterable[Fact]) -> Holdings:
    touched = {handle for fact in facts for handle in holdings.keys(fact.event)}
    intern = _Interner()
    records = await store.rows_of(conn, log, touched)
    return {record["handle"]: intern.holding(record["row"]) for record in records}


async def _write_rows(conn: Connection, log: str, prior: Holdings, after: Holdings) -> None:
    rows = _Encoder()
    # In the order of their index: a page of it is visited once a batch, not once a row.
    added = sorted(handle for handle in after if handle not in prior)
    await store.insert_rows(conn, log, ((handle, rows.row(after[handle])) for handle in added))
    changed = sorted(handle for handle, held in prior.items() if after[handle] is not held)
    await store.update_rows(conn, log, [(handle, rows.row(after[handle])) for handle in changed])


class _Interner:
    """Gives equal rows one holding, as the fold does: see the note in `holdings`."""

    def __init__(self) -> None:
        self._known: dict[bytes, Holding] = {}

    def holding(self, row: bytes) -> Holding:
        known = self._known.get(row)
        if known is None:
            known = self._known[row] = holdings.decode_row(row)
        return known


class _Encoder:
    """Writes each shared holding once."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def row(self, holding: Holding) -> bytes:
        row = self._known.get(id(holding))
        if row is None:
            row = self._known[id(holding)] = holdings.encode_row(holding)
        return row
