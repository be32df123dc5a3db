"""The SQL of live projections: rows, lineage, docket and the cursor that moves in their transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

from asyncpg import Connection, Pool, Record

from projections import docket, docket_rows, holdings
from projections.docket import Docket, Edge

# Batches end where commits ended, so that every size folded is one that the log had, root and all.
NEXT_SIZE = """
    WITH lengths AS (
        SELECT index, sum(octet_length(entry)) OVER (ORDER BY index) AS bytes FROM entries
        WHERE log = $1 AND index >= $2 AND index < $3
    ), reach AS (SELECT coalesce(max(index) + 1, $2) AS size FROM lengths WHERE bytes <= $4)
    SELECT coalesce(
        (SELECT max(c.size) FROM checkpoints c, reach r WHERE log = $1 AND c.size > $2 AND c.size <= r.size),
        (SELECT min(c.size) FROM checkpoints c, reach r WHERE log = $1 AND c.size > r.size),
        $2)
"""
SIZE_AT = "SELECT max(size) FROM checkpoints WHERE log = $1 AND time_us <= $2 AND size <= $3"
ROOT_AT = "SELECT root FROM checkpoints WHERE log = $1 AND size = $2"
ORIGIN = "SELECT origin FROM logs WHERE log = $1"
TILES = """
    SELECT hashes FROM tiles WHERE log = $1 AND level = $2 AND index >= $3 AND index < $4 ORDER BY index
"""
ENTRIES = "SELECT index, entry FROM entries WHERE log = $1 AND index >= $2 AND index < $3 ORDER BY index"
REGISTRATIONS = """
    SELECT e.entry, s.note FROM registrations r
    JOIN entries e ON e.log = r.log AND e.index = r.index
    JOIN LATERAL (
        SELECT note FROM submissions WHERE log = r.log AND entry_index < r.index
        ORDER BY entry_index DESC LIMIT 1
    ) s ON true
    WHERE r.log = $1 AND r.index < $2 ORDER BY r.index
"""
MAKE_CURSOR = """
    INSERT INTO projection_cursors (log, projection, version, size, state) VALUES ($1, $2, $3, 0, $4)
    ON CONFLICT DO NOTHING
"""
UNHURRIED = "SET LOCAL idle_in_transaction_session_timeout = 0"
LOCK_CURSOR = """
    SELECT size FROM projection_cursors WHERE log = $1 AND projection = $2 AND version = $3 FOR UPDATE
"""
STORES = "SELECT state FROM projection_cursors WHERE log = $1 AND projection = $2 AND version = $3"
FOLDED_SIZE = "SELECT size FROM projection_cursors WHERE log = $1 AND projection = $2 AND version = $3"
MOVE_CURSOR = "UPDATE projection_cursors SET size = $4 WHERE log = $1 AND projection = $2 AND version = $3"
WRITE_STORES = "UPDATE projection_cursors SET state = $4 WHERE log = $1 AND projection = $2 AND version = $3"
DOCKET_ROWS = """
    SELECT series, number, row FROM docket WHERE log = $1 AND version = $2 ORDER BY series, number
"""
ROWS_OF = """
    SELECT encode(handle, 'hex') AS handle, row FROM holdings
    WHERE log = $1 AND version = $2 AND handle = ANY($3::bytea[])
"""
ALL_ROWS = """
    SELECT encode(handle, 'hex') AS handle, row FROM holdings WHERE log = $1 AND version = $2 ORDER BY handle
"""
ROW_COUNT = "SELECT count(*) FROM holdings WHERE log = $1 AND version = $2"
UPDATE_ROWS = """
    UPDATE holdings h SET row = n.row FROM unnest($3::bytea[], $4::bytea[]) AS n(handle, row)
    WHERE h.log = $1 AND h.version = $2 AND h.handle = n.handle
"""
# Which entries name a handle, every version says alike: the one furthest on has written it.
NAMED_SIZE = "SELECT max(size) FROM projection_cursors WHERE log = $1"
ALL_EDGES = "SELECT index, edge FROM lineage WHERE log = $1 AND version = $2 ORDER BY index"

_NAME = f"{docket.NAME}+{holdings.NAME}"
# Rows and docket are written together, so either's version renews both.
VERSION = 100 * docket.VERSION + holdings.VERSION


async def next_size(conn: Connection, log: str, size: int, most: int, most_bytes: int) -> int:
    """A size that the log had beyond `size`, with at most `most` entries and `most_bytes` between the two, or
    one commit; `size` itself when there are none."""
    found: int = await conn.fetchval(NEXT_SIZE, log, size, size + most, most_bytes)
    return found


async def size_at(conn: Connection, log: str, time_us: int, folded: int) -> int:
    """How many of the entries folded were recorded by then."""
    size: int | None = await conn.fetchval(SIZE_AT, log, time_us, folded)
    return size or 0


async def identity(conn: Connection, log: str, size: int) -> tuple[str, bytes]:
    """The log's origin, and the root that it had at `size`."""
    return await conn.fetchval(ORIGIN, log), await conn.fetchval(ROOT_AT, log, size)


async def entries(conn: Connection, log: str, begin: int, end: int) -> list[Record]:
    """The entries [begin, end), each as (index, entry)."""
    found: list[Record] = await conn.fetch(ENTRIES, log, begin, end)
    return found


async def full_tiles(conn: Connection, log: str, level: int, begin: int, end: int) -> list[bytes]:
    """The full hash tiles [begin, end) of a level."""
    return [row["hashes"] for row in await conn.fetch(TILES, log, level, begin, end)]


async def make_cursor(conn: Connection, log: str) -> None:
    """See that the log's cursor exists; a new one stands at 0."""
    await conn.execute(MAKE_CURSOR, log, _NAME, VERSION, docket_rows.encode_stores(docket.EMPTY))


async def lock_cursor(conn: Connection, log: str) -> int:
    """The size folded so far. Another process that folds this log waits here."""
    # A batch of bulk events is worked on for longer than a session may otherwise be idle. It would be ended
    # in the middle, and so would each later attempt at the same batch.
    await conn.execute(UNHURRIED)
    size: int | None = await conn.fetchval(LOCK_CURSOR, log, _NAME, VERSION)
    assert size is not None, "make_cursor has made it"
    return size


async def folded_size(conn: "Connection | Pool[Record]", log: str) -> int:
    """How many entries of the log are folded, by a committed batch."""
    size: int | None = await conn.fetchval(FOLDED_SIZE, log, _NAME, VERSION)
    return size or 0


async def move_cursor(conn: Connection, log: str, size: int) -> None:
    """Say what has been folded, in the transaction that wrote it."""
    await conn.execute(MOVE_CURSOR, log, _NAME, VERSION, size)


async def read_docket(conn: Connection, log: str) -> Docket:
    """The docket where the cursor stands, in a transaction that sees both alike."""
    stores: bytes | None = await conn.fetchval(STORES, log, _NAME, VERSION)
    if stores is None:
        return docket.EMPTY
    series: dict[str, list[Any]] = {}
    async for record in conn.cursor(DOCKET_ROWS, log, VERSION, prefetch=5_000):
        elements = series.setdefault(record["series"], [])
        assert record["number"] == len(elements), "a batch writes the numbers that come next"
        elements.append(docket_rows.decode_row(record["series"], record["row"]))
    return docket_rows.make_docket(stores, series)


async def write_docket(conn: Connection, log: str, before: Docket, after: Docket) -> None:
    """Write what a batch did to the docket: a row for each element more, and the stores if they changed."""
    await conn.copy_records_to_table(
        "docket",
        records=[(log, VERSION, *row) for row in docket_rows.added_rows(before, after)],
        columns=("log", "version", "series", "number", "row"),
    )
    if after.stores is not before.stores:
        await conn.execute(WRITE_STORES, log, _NAME, VERSION, docket_rows.encode_stores(after))


async def rows_of(conn: Connection, log: str, handles: Iterable[str]) -> list[Record]:
    """The state rows of these handles, each as (handle, row)."""
    found: list[Record] = await conn.fetch(ROWS_OF, log, VERSION, [bytes.fromhex(one) for one in handles])
    return found


async def insert_rows(conn: Connection, log: str, rows: Iterable[tuple[str, bytes]]) -> None:
    """Write the rows of handles that had none."""
    await conn.copy_records_to_table(
        "holdings",
        records=[(log, VERSION, bytes.fromhex(handle), row) for handle, row in rows],
        columns=("log", "version", "handle", "row"),
    )


async def update_rows(conn: Connection, log: str, rows: Sequence[tuple[str, bytes]]) -> None:
    """Replace the rows of handles that had one."""
    handles = [bytes.fromhex(handle) for handle, _ in rows]
    await conn.execute(UPDATE_ROWS, log, VERSION, handles, [row for _, row in rows])


async def insert_edges(conn: Connection, log: str, edges: dict[int, Edge]) -> None:
    """Write the lineage edges of one batch."""
    await conn.copy_records_to_table(
        "lineage",
        records=[(log, VERSION, index, docket.encode_edge(edge)) for index, edge in edges.items()],
        columns=("log", "version", "index", "edge"),
    )


async def insert_record_entries(conn: Connection, log: str, named: Iterable[tuple[str, int]]) -> None:
    """Remember which entries name which handle, where no other version has."""
    known: int = await conn.fetchval(NAMED_SIZE, log)
    await conn.copy_records_to_table(
        "record_entries",
        records=[(log, bytes.fromhex(handle), index) for handle, index in named if index >= known],
        columns=("log", "handle", "index"),
    )
