"""The ledger's SQL: every statement of the append path and of reading, as a constant above its function."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from ledger.attesting import AttestationRow, StatementRow
from ledger.sealing import Head, Sealed, SubmissionRow, TokenRow
from signing.checkpoint import Checkpoint
from signing.merkle import CompactRange, unpack_frontier
from signing.tiles import Tile

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record] | Pool"
"""Whatever runs a statement; outside of a transaction a pool will do."""


class LogRow(msgspec.Struct, frozen=True):
    """A log that this database holds."""

    log: str
    origin: str


class Registration(msgspec.Struct, frozen=True):
    """An entry that changed the registry, with the submission that it stands in."""

    index: int
    entry: bytes
    submission_index: int
    note: bytes


# Logs and their heads.

INSERT_LOG = "INSERT INTO logs (log, origin, created_us) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
INSERT_HEAD = """
INSERT INTO heads (log, size, root, last_leaf, last_time_us, frontier)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""
READ_LOGS = "SELECT log, origin FROM logs ORDER BY log"
READ_LOG = "SELECT log, origin FROM logs WHERE log = $1"
READ_HEAD = "SELECT size, root, last_leaf, last_time_us, frontier FROM heads WHERE log = $1"
LOCK_HEAD = READ_HEAD + " FOR UPDATE"
ADD_PARTITIONS = "SELECT writ_add_partitions($1)"


async def insert_log(connection: Connection, row: LogRow, head: Head, now_us: int) -> None:
    """Give a new log its row and an empty head; one that is there stays as it is."""
    await connection.execute(INSERT_LOG, row.log, row.origin, now_us)
    await connection.execute(INSERT_HEAD, row.log, *_head_columns(head))


async def read_logs(connection: Connection) -> list[LogRow]:
    """Every log of this database."""
    return [LogRow(*row) for row in await connection.fetch(READ_LOGS)]


async def read_log(connection: Connection, log: str) -> LogRow | None:
    """The log of this name."""
    row = await connection.fetchrow(READ_LOG, log)
    return None if row is None else LogRow(*row)


async def lock_head(connection: Connection, log: str) -> Head:
    """Lock the log for appending until the transaction ends, and return where it ends now."""
    return _head(await connection.fetchrow(LOCK_HEAD, log))


async def read_head(connection: Connection, log: str) -> Head:
    """Where the log ends now."""
    return _head(await connection.fetchrow(READ_HEAD, log))


async def add_partitions(connection: Connection, upto: int) -> int:
    """Make room for entries below `upto`; returns the first index without room."""
    return int(await connection.fetchval(ADD_PARTITIONS, upto))


# Appending: in one statement all that a commit writes, or nothing when the head is not where it grew from.

WRITE_COMMIT = """
WITH head AS (
    UPDATE heads SET size = $2, root = $3, last_leaf = $4, last_time_us = $5, frontier = $6
    WHERE log = $1 AND size = $21 AND root = $22 RETURNING true
), entry AS (
    INSERT INTO entries (log, index, entry)
    SELECT $1, $21 + place - 1, entry FROM head, unnest($23::bytea[]) WITH ORDINALITY AS given (entry, place)
), checkpoint AS (
    INSERT INTO checkpoints (log, size, root, time_us)
    SELECT $1::text, $2::bigint, $3::bytea, $5::bigint FROM head
), tile AS (
    INSERT INTO tiles (log, level, index, hashes)
    SELECT $1, given.* FROM head, unnest($7::smallint[], $8::bigint[], $9::bytea[]) AS given
), registration AS (
    INSERT INTO registrations (log, index) SELECT $1, given FROM head, unnest($10::bigint[]) AS given
), token_event AS (
    INSERT INTO token_events (log, source, id, digest, entry_index)
    SELECT $1, given.* FROM head, unnest($11::text[], $12::text[], $13::bytea[], $14::bigint[]) AS given
), submission AS (
    INSERT INTO submissions (log, commit_size, source, size, base, entry_index, note, frontier)
    SELECT $1, $2, given.* FROM head,
    unnest($15::text[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bytea[], $20::bytea[]) AS given
)
SELECT true FROM head
"""


async def copy_commit(connection: "asyncpg.Connection[asyncpg.Record]", log: str, sealed: Sealed) -> None:
    """Write every row of a commit, in the transaction that holds the head's lock.

    Until that transaction commits, nobody sees any of it, and a failure anywhere leaves nothing.
    """
    records = [(log, index, entry) for index, entry in enumerate(sealed.entries, sealed.before.size)]
    await connection.copy_records_to_table("entries", records=records, columns=("log", "index", "entry"))
    moved = await _write_commit(connection, log, sealed, [])
    assert moved, "nobody moves a head that is locked"


async def insert_commit(connection: "asyncpg.Connection[asyncpg.Record]", log: str, sealed: Sealed) -> bool:
    """Write every row of a commit in one round trip, a transaction of its own; returns once it is durable.

    False: the head has moved since, and nothing was written. For many entries `copy_commit` is quicker.
    """
    return await _write_commit(connection, log, sealed, sealed.entries)


async def _write_commit(
    connection: "asyncpg.Connection[asyncpg.Record]", log: str, sealed: Sealed, entries: Sequence[bytes]
) -> bool:
    moved = await connection.fetch(
        WRITE_COMMIT,
        log,
        *_head_columns(sealed.after.head),
        *_columns([(tile.level, tile.index, hashes) for tile, hashes in sealed.tiles], 3),
        sealed.registrations,
        *_columns([(row.source, row.id, row.digest, row.entry_index) for row in sealed.token_rows], 4),
        *_columns([_submission_columns(row) for row in sealed.submissions], 6),
        sealed.before.size,
        sealed.before.root,
        entries,
    )
    return len(moved) == 1


# What admission needs to know.

READ_SOURCES = """
SELECT source, size, frontier FROM unnest($2::text[]) AS wanted (source)
CROSS JOIN LATERAL (
    SELECT size, frontier FROM submissions s WHERE s.log = $1 AND s.source = wanted.source
    ORDER BY size DESC LIMIT 1
) AS last
"""
READ_ROOTS = "SELECT size, root FROM checkpoints WHERE log = $1 AND size = ANY($2::bigint[])"
READ_DOOR_ROWS = """
SELECT t.source, t.id, t.digest, t.entry_index
FROM unnest($2::text[], $3::text[]) AS wanted (source, id)
JOIN token_events t ON t.log = $1 AND t.source = wanted.source AND t.id = wanted.id
"""
READ_REGISTRATIONS = """
SELECT r.index, e.entry, s.entry_index, s.note
FROM registrations r
JOIN entries e ON e.log = r.log AND e.index = r.index
CROSS JOIN LATERAL (
    SELECT entry_index, note FROM submissions
    WHERE log = r.log AND entry_index <= r.index ORDER BY entry_index DESC LIMIT 1
) AS s
WHERE r.log = $1 AND r.index >= $2 ORDER BY r.index
"""


async def read_sources(connection: Connection, log: str, sources: Iterable[str]) -> dict[str, CompactRange]:
    """The frontiers of those source logs which have one."""
    rows = await connection.fetch(READ_SOURCES, log, list(sources))
    return {row["source"]: unpack_frontier(row["size"], row["frontier"]) for row in rows}


async def read_roots(connection: Connection, log: str, sizes: Iterable[int]) -> dict[int, bytes]:
    """The roots of those checkpoints which the log had."""
    return {row[0]: row[1] for row in await connection.fetch(READ_ROOTS, log, list(sizes))}


async def read_token_events(
    connection: Connection, log: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], TokenRow]:
    """What the token door remembers of these events."""
    rows = await connection.fetch(READ_DOOR_ROWS, log, [k[0] for k in keys], [k[1] for k in keys])
    return {(row["source"], row["id"]): TokenRow(*row) for row in rows}


async def read_registrations(connection: Connection, log: str, first: int) -> list[Registration]:
    """The entries from index `first` that changed the registry, in order."""
    return [Registration(*row) for row in await connection.fetch(READ_REGISTRATIONS, log, first)]


# Reading.

READ_ENTRIES = "SELECT entry FROM entries WHERE log = $1 AND index >= $2 AND index < $3 ORDER BY index"
READ_ENTRIES_AT = (
    "SELECT index, entry FROM entries WHERE log = $1 AND index = ANY($2::bigint[]) ORDER BY index"
)
READ_TILES = """
SELECT t.level, t.index, t.hashes FROM unnest($2::smallint[], $3::bigint[]) AS wanted (level, index)
JOIN tiles t ON t.log = $1 AND t.level = wanted.level AND t.index = wanted.index
"""
_SUBMISSION = (
    "SELECT source, size, base, entry_index, commit_size, note, frontier FROM submissions WHERE log = $1"
)
READ_SUBMISSION = _SUBMISSION + " AND source = $2 AND size = $3"
READ_LAST_SUBMISSION = _SUBMISSION + " AND source = $2 ORDER BY size DESC LIMIT 1"
READ_SUBMISSION_OF = _SUBMISSION + " AND entry_index <= $2 ORDER BY entry_index DESC LIMIT 1"
READ_RECORD_ENTRIES = """
SELECT index FROM record_entries WHERE log = $1 AND handle = $2 AND index >= $3 ORDER BY index LIMIT $4
"""


async def read_entries(connection: Connection, log: str, begin: int, end: int) -> list[bytes]:
    """The entries from `begin` to before `end`, as many of them as there are."""
    return [row[0] for row in await connection.fetch(READ_ENTRIES, log, begin, end)]


async def read_entries_at(connection: Connection, log: str, indexes: Sequence[int]) -> dict[int, bytes]:
    """The entries at these indexes."""
    return {row[0]: row[1] for row in await connection.fetch(READ_ENTRIES_AT, log, indexes)}


async def read_tiles(connection: Connection, log: str, tiles: Iterable[Tile]) -> Mapping[Tile, bytes]:
    """The full tiles among these that are stored."""
    wanted = list(tiles)
    rows = await connection.fetch(READ_TILES, log, [t.level for t in wanted], [t.index for t in wanted])
    return {Tile(row["level"], row["index"]): row["hashes"] for row in rows}


async def read_submission(connection: Connection, log: str, source: str, size: int) -> SubmissionRow | None:
    """The submission that brought a source log to this size."""
    return _submission(await connection.fetchrow(READ_SUBMISSION, log, source, size))


async def read_last_submission(connection: Connection, log: str, source: str) -> SubmissionRow | None:
    """The last submission to a source log."""
    return _submission(await connection.fetchrow(READ_LAST_SUBMISSION, log, source))


async def read_submission_of(connection: Connection, log: str, index: int) -> SubmissionRow | None:
    """The submission that an entry belongs to."""
    return _submission(await connection.fetchrow(READ_SUBMISSION_OF, log, index))


async def read_record_entries(
    connection: Connection, log: str, handle: bytes, first: int, limit: int
) -> list[int]:
    """The indexes from `first` of entries about a record, as far as the projection has got."""
    return [row[0] for row in await connection.fetch(READ_RECORD_ENTRIES, log, handle, first, limit)]


async def has_checkpoint(connection: Connection, log: str, checkpoint: Checkpoint) -> bool:
    """Whether the log had this checkpoint."""
    return (await read_roots(connection, log, [checkpoint.size])).get(checkpoint.size) == checkpoint.root


# Statements that assessors attested.

INSERT_STATEMENT = """
INSERT INTO statements (log, hash, order_id, size, as_of, text, time_us) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
"""
INSERT_ATTESTATION = """
INSERT INTO attestations (log, hash, name, key_id, signature, attestation, checkpoint, time_us)
SELECT $1, $2, $3, $4, $5, $6, $7, $8
WHERE $9 > (SELECT count(*) FROM attestations WHERE log = $1 AND hash = $2)
ON CONFLICT DO NOTHING
"""
READ_STATEMENT = "SELECT hash, order_id, size, as_of, text FROM statements WHERE log = $1 AND hash = $2"
READ_STATEMENTS = """
SELECT hash, order_id, size, as_of, text FROM statements WHERE log = $1 AND order_id = $2
ORDER BY time_us DESC, hash LIMIT $3
"""
READ_ATTESTATIONS = """
SELECT hash, name, key_id, signature, attestation, checkpoint FROM attestations
WHERE log = $1 AND hash = ANY($2::bytea[]) ORDER BY hash, name, key_id
"""


async def insert_attestation(
    pool: Pool, log: str, statement: StatementRow, attestation: AttestationRow, now_us: int, most: int
) -> None:
    """Keep an assessor's signature on a statement, unless his key has one there, or `most` others have."""
    async with pool.acquire() as connection, connection.transaction():
        said = (statement.hash, statement.order, statement.size, statement.as_of, statement.text.encode())
        await connection.execute(INSERT_STATEMENT, log, *said, now_us)
        row = msgspec.structs.astuple(attestation)
        await connection.execute(INSERT_ATTESTATION, log, *row, now_us, most)


async def read_statement(connection: Connection, log: str, hash: bytes) -> StatementRow | None:
    """The attested statement whose text has this hash."""
    row = await connection.fetchrow(READ_STATEMENT, log, hash)
    return None if row is None else _statement(row)


async def read_statements(connection: Connection, log: str, order: str, limit: int) -> list[StatementRow]:
    """The attested statements on an order, the newest first."""
    return [_statement(row) for row in await connection.fetch(READ_STATEMENTS, log, order, limit)]


async def read_attestations(
    connection: Connection, log: str, hashes: Sequence[bytes]
) -> dict[bytes, list[AttestationRow]]:
    """Who signed these statements, sorted by name and key."""
    found: dict[bytes, list[AttestationRow]] = {hash: [] for hash in hashes}
    for row in await connection.fetch(READ_ATTESTATIONS, log, list(hashes)):
        found[row["hash"]].append(AttestationRow(**dict(row)))
    return found


def _statement(row: asyncpg.Record) -> StatementRow:
    return StatementRow(
        hash=row["hash"],
        order=row["order_id"],
        size=row["size"],
        as_of=row["as_of"],
        text=row["text"].decode(),
    )


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[Sequence[object]]:
    """Rows as the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _submission_columns(row: SubmissionRow) -> tuple[object, ...]:
    frontier = b"".join(row.frontier.nodes)
    return row.source, row.size, row.base, row.entry_index, row.note, frontier


def _head_columns(head: Head) -> tuple[int, bytes, bytes, int, bytes]:
    return head.size, head.root, head.last_leaf, head.last_time_us, b"".join(head.frontier.nodes)


def _head(row: asyncpg.Record | None) -> Head:
    assert row is not None, "a log has a head from its creation on"
    frontier = unpack_frontier(row["size"], row["frontier"])
    return Head(row["size"], row["root"], row["last_leaf"], row["last_time_us"], frontier)


def _submission(row: asyncpg.Record | None) -> SubmissionRow | None:
    if row is None:
        return None
    return SubmissionRow(
        source=row["source"],
        size=row["size"],
        base=row["base"],
        entry_index=row["entry_index"],
        commit_size=row["commit_size"],
        note=row["note"],
        frontier=unpack_frontier(row["size"], row["frontier"]),
    )
