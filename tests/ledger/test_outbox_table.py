"""The table beside a store's data: what leaves with a transaction, and who waits for whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from ledger.config import Database
from ledger.failure import Failure
from ledger.kit import outbox_table
from signing.errors import FormatError
from tests.ledger.lab import collected
from tests.ledger.outbox_at_hand import SOURCE, Store, data_store

WAITING = "SELECT id, line FROM writ_outbox ORDER BY seq"


class Undone(Exception):
    """Ends a transaction."""


@pytest_asyncio.fixture
async def store(empty_database: Database) -> AsyncIterator[Store]:
    async with data_store(empty_database.owner_dsn) as made:
        yield made


def test_the_page_shows_the_table_as_it_is() -> None:
    page = Path(__file__).parents[2] / "docs" / "deleting.md"
    assert outbox_table.DDL in page.read_text()


async def test_an_event_leaves_with_its_transaction_or_not_at_all(store: Store) -> None:
    connection = await store.connect()
    kept, lost = collected(SOURCE, 1), collected(SOURCE, 2)
    async with connection.transaction():
        await outbox_table.put(connection, kept)
    with suppress(Undone):
        async with connection.transaction():
            await outbox_table.put(connection, lost)
            raise Undone
    assert [tuple(row) for row in await connection.fetch(WAITING)] == [("event-00000001", kept.decode())]
    # The table may be made again: nothing that waits is lost.
    await connection.execute(outbox_table.DDL)
    assert len(await connection.fetch(WAITING)) == 1


async def test_an_event_outside_of_a_transaction_is_refused(store: Store) -> None:
    connection = await store.connect()
    for act in (outbox_table.put(connection, collected(SOURCE, 1)), outbox_table.hold_writers(connection)):
        with pytest.raises(Failure, match="outside of a transaction") as caught:
            await act
        assert "connection.transaction()" in caught.value.remedy
    assert await connection.fetch(WAITING) == []


async def test_what_the_ledger_would_not_take_undoes_the_change(store: Store) -> None:
    connection = await store.connect()

    async def erase() -> None:
        async with connection.transaction():
            await connection.execute("DELETE FROM people WHERE id = 1")
            await outbox_table.put(connection, b'{"data":{}}')

    with pytest.raises(FormatError):
        await erase()
    assert await connection.fetchval("SELECT count(*) FROM people") == 9


async def test_an_id_is_put_once(store: Store) -> None:
    connection = await store.connect()
    for number in range(2):
        try:
            async with connection.transaction():
                await connection.execute("DELETE FROM people WHERE id = $1", number + 1)
                await outbox_table.put(connection, collected(SOURCE, 1, records=number + 1))
        except asyncpg.UniqueViolationError:
            assert number == 1
    assert await connection.fetchval("SELECT count(*) FROM people") == 8
    assert len(await connection.fetch(WAITING)) == 1


async def test_a_snapshot_under_the_lock_holds_exactly_what_the_rows_before_tell(store: Store) -> None:
    """One writer has put his event and not committed, another has changed data and not put his."""
    early, late, holder, reader = [await store.connect() for _ in range(4)]
    first, second = early.transaction(), late.transaction()
    await first.start()
    await early.execute("DELETE FROM people WHERE id = 1")
    await outbox_table.put(early, collected(SOURCE, 1))
    await second.start()
    await late.execute("DELETE FROM people WHERE id = 2")

    async with holder.transaction():
        holding = asyncio.create_task(outbox_table.hold_writers(holder))
        await wait_until_waiting(reader, 1)
        await first.commit()
        await holding
        putting = asyncio.create_task(outbox_table.put(late, collected(SOURCE, 2)))
        await wait_until_waiting(reader, 1)
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            seen = await reader.fetch("SELECT id FROM people")
        await outbox_table.put(holder, collected(SOURCE, 3))
    await putting
    await second.commit()

    assert {row["id"] for row in seen} == set(range(2, 10))
    # The one whose deed is in the snapshot stands before, the other behind.
    order = [row["id"] for row in await reader.fetch(WAITING)]
    assert order == ["event-00000001", "event-00000003", "event-00000002"]


async def wait_until_waiting(connection: asyncpg.Connection, number: int) -> None:
    """Return once so many transactions wait for a lock on the table."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'writ_outbox'::regclass"
    async with asyncio.timeout(20):
        while await connection.fetchval(waiting) != number:
            await asyncio.sleep(0.01)
