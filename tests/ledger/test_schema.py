"""What the database itself enforces: append-only tables, partitions included, and few rights."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from ledger.config import Database

APPEND_ONLY = (
    "logs",
    "entries",
    "tiles",
    "submissions",
    "checkpoints",
    "registrations",
    "token_events",
    "statements",
    "attestations",
)

PARTITIONS = (
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = ANY($1::regclass[]) ORDER BY 1"
)

HASH = bytes(32)
INSERTS = {
    "logs": ("INSERT INTO logs VALUES ('l', 'o/l', 0)",),
    "entries": (
        "INSERT INTO entries VALUES ('l', 0, 'a')",
        "INSERT INTO entries VALUES ('l', 10000000, 'a')",
        "INSERT INTO entries VALUES ('l', 20000000, 'a')",
    ),
    "tiles": ("INSERT INTO tiles VALUES ('l', 0, 0, decode(repeat('00', 8192), 'hex'))",),
    "submissions": ("INSERT INTO submissions VALUES ('l', 's', 2, 0, 5, 8, 'n', '')",),
    "checkpoints": ("INSERT INTO checkpoints VALUES ('l', 1, decode(repeat('00', 32), 'hex'), 0)",),
    "registrations": ("INSERT INTO registrations VALUES ('l', 0)",),
    "statements": ("INSERT INTO statements VALUES ('l', sha256('t'), 'a/o', 1, 0, 't', 0)",),
    "attestations": (
        "INSERT INTO attestations VALUES ('l', sha256('t'), 'a', 'abcd', decode(repeat('00', 64), 'hex'), '',"
        " '', 0)",
    ),
    "token_events": tuple(
        f"INSERT INTO token_events VALUES ('l', 's', '{number}', decode(repeat('00', 32), 'hex'), 0)"
        for number in range(40)
    ),
}


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner_dsn)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def service(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.service_dsn)
    yield connection
    await connection.close()


async def fill(service: asyncpg.Connection) -> None:
    """Add a further partition, then insert rows into every partition of every append-only table."""
    assert await service.fetchval("SELECT writ_add_partitions(20000001)") == 30_000_000
    for table in APPEND_ONLY:
        for statement in INSERTS[table]:
            await service.execute(statement)


async def append_only_relations(connection: asyncpg.Connection) -> list[str]:
    partitions = [row[0] for row in await connection.fetch(PARTITIONS, ["entries", "token_events"])]
    assert {"entries_00000", "entries_00001", "entries_00002", "token_events_7"} <= set(partitions)
    return [*APPEND_ONLY, *partitions]


def changes(relation: str) -> tuple[str, ...]:
    return (f"UPDATE {relation} SET log = 'x'", f"DELETE FROM {relation}", f"TRUNCATE {relation} CASCADE")


async def test_every_partition_holds_a_row(owner: asyncpg.Connection, service: asyncpg.Connection) -> None:
    await fill(service)
    for relation in await append_only_relations(owner):
        assert await owner.fetchval(f"SELECT count(*) FROM {relation}") > 0, relation


async def test_service_cannot_change_what_is_appended(
    owner: asyncpg.Connection, service: asyncpg.Connection
) -> None:
    await fill(service)
    for relation in await append_only_relations(owner):
        for statement in changes(relation):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await service.execute(statement)


async def test_owner_is_stopped_by_the_triggers(
    owner: asyncpg.Connection, service: asyncpg.Connection
) -> None:
    await fill(service)
    for relation in await append_only_relations(owner):
        for statement in changes(relation):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="the ledger is append-only"):
                await owner.execute(statement)


async def test_insert_on_conflict_cannot_change_a_row(
    owner: asyncpg.Connection, service: asyncpg.Connection
) -> None:
    await fill(service)
    statement = "INSERT INTO entries VALUES ('l', 0, 'b') ON CONFLICT (log, index) DO UPDATE SET entry = 'b'"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute(statement)


async def test_a_partition_attached_by_hand_refuses_changes_of_rows(owner: asyncpg.Connection) -> None:
    await owner.execute("CREATE TABLE by_hand (LIKE entries INCLUDING ALL)")
    await owner.execute(
        "ALTER TABLE entries ATTACH PARTITION by_hand FOR VALUES FROM (90000000) TO (90000001)"
    )
    await owner.execute("INSERT INTO by_hand VALUES ('l', 90000000, 'a')")
    for statement in changes("by_hand")[:2]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(statement)
