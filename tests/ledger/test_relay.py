"""From a store's own outbox into the client's: nothing passed over, nothing twice, the sequence kept."""

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
from ledger.kit.relay import PostgresFeed, relay
from ledger.outbox.store import Outbox
from tests.ledger.lab import collected
from tests.ledger.outbox_at_hand import SOURCE, Store, data_store, outbox_in

TOUCH = "UPDATE people SET id = id WHERE id = 1"
LEFT = "SELECT id FROM writ_outbox ORDER BY seq"


@pytest_asyncio.fixture
async def store(empty_database: Database) -> AsyncIterator[Store]:
    async with data_store(empty_database.owner_dsn) as made:
        yield made


async def put(connection: asyncpg.Connection, *numbers: int, source: str = SOURCE) -> None:
    async with connection.transaction():
        for number in numbers:
            await outbox_table.put(connection, collected(source, number))


def waiting(outbox: Outbox) -> list[bytes]:
    return outbox.next_lines(0, 10_000)


async def test_rows_go_over_in_their_sequence_and_leave(store: Store, tmp_path: Path) -> None:
    connection = await store.connect()
    await put(connection, *range(2, 1_300))
    await put(connection, 1)
    with outbox_in(tmp_path) as outbox:
        assert await relay(connection, outbox) == 1_299
        assert waiting(outbox) == [collected(SOURCE, number) for number in [*range(2, 1_300), 1]]
        assert await connection.fetch(LEFT) == []
        assert await relay(connection, outbox) == 0


async def test_what_was_put_and_not_removed_is_known(store: Store, tmp_path: Path) -> None:
    """So it stands after a kill between the two steps; or two relays ran at once."""
    connection = await store.connect()
    await put(connection, 1, 2, 3)
    with outbox_in(tmp_path) as outbox:
        outbox.put([collected(SOURCE, 1), collected(SOURCE, 2)])
        assert await relay(connection, outbox) == 3
        assert waiting(outbox) == [collected(SOURCE, number) for number in (1, 2, 3)]


async def test_a_row_that_was_committed_late_is_not_passed_over(store: Store, tmp_path: Path) -> None:
    slow, quick = await store.connect(), await store.connect()
    transaction = slow.transaction()
    await transaction.start()
    await outbox_table.put(slow, collected(SOURCE, 1))
    await put(quick, 2)
    with outbox_in(tmp_path) as outbox:
        assert await relay(quick, outbox) == 1
        await transaction.commit()
        assert await relay(quick, outbox) == 1
        assert waiting(outbox) == [collected(SOURCE, 2), collected(SOURCE, 1)]


async def test_deeds_on_the_same_data_go_over_in_their_sequence(store: Store, tmp_path: Path) -> None:
    """The later one waits for the row, so that the event it puts last stands behind, whoever looks when."""
    first, second = await store.connect(), await store.connect()

    async def change(connection: asyncpg.Connection, event: int) -> None:
        async with connection.transaction():
            await connection.execute(TOUCH)
            await outbox_table.put(connection, collected(SOURCE, event))

    with outbox_in(tmp_path) as outbox:
        transaction = first.transaction()
        await transaction.start()
        await first.execute(TOUCH)
        later = asyncio.create_task(change(second, 2))
        looker = await store.connect()
        async with asyncio.timeout(20):
            while not await looker.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await relay(looker, outbox)
        await outbox_table.put(first, collected(SOURCE, 1))
        await transaction.commit()
        await later
        await relay(looker, outbox)
        assert waiting(outbox) == [collected(SOURCE, 1), collected(SOURCE, 2)]


async def test_a_row_that_no_outbox_takes_holds_up_those_behind_it_alone(
    store: Store, tmp_path: Path
) -> None:
    connection = await store.connect()
    await put(connection, 1, 2)
    await put(connection, 3, source="another.example")
    await put(connection, 4)
    with outbox_in(tmp_path) as outbox:
        with pytest.raises(Failure, match="row 3 of writ_outbox: event event-00000003 is of another"):
            await relay(connection, outbox)
        assert waiting(outbox) == [collected(SOURCE, 1), collected(SOURCE, 2)]
        assert len(await connection.fetch(LEFT)) == 2


async def test_a_row_that_is_no_event_is_named(store: Store, tmp_path: Path) -> None:
    """Written by hand, say: it must not end whoever relays."""
    connection = await store.connect()
    await put(connection, 1)
    await connection.execute("INSERT INTO writ_outbox (id, line) VALUES ('by-hand', '{\"no\": \"event\"}')")
    with outbox_in(tmp_path) as outbox:
        with pytest.raises(Failure, match="row 2 of writ_outbox: ") as caught:
            await relay(connection, outbox)
        assert "remove it" in caught.value.remedy
        assert waiting(outbox) == [collected(SOURCE, 1)]


async def test_while_the_outbox_is_full_rows_wait_in_the_store(store: Store, tmp_path: Path) -> None:
    connection = await store.connect()
    await put(connection, 1, 2, 3)
    with outbox_in(tmp_path, most_waiting=2) as outbox:
        with pytest.raises(Failure, match="2 may"):
            await relay(connection, outbox)
        assert waiting(outbox) == [collected(SOURCE, 1), collected(SOURCE, 2)]
    assert len(await connection.fetch(LEFT)) == 1


async def test_a_store_that_was_away_is_asked_again(store: Store, tmp_path: Path) -> None:
    connection = await store.connect()
    feed = PostgresFeed(store.dsn)
    assert "@" not in feed.name, "no password is shown"
    with outbox_in(tmp_path) as outbox:
        await put(connection, 1)
        assert await feed.take(outbox) == 1
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        await connection.execute(f"{others} AND pid <> pg_backend_pid()")
        await put(connection, 2)
        async with asyncio.timeout(20):
            while waiting(outbox) != [collected(SOURCE, 1), collected(SOURCE, 2)]:
                with suppress(Failure):
                    await feed.take(outbox)
        await connection.execute("DROP TABLE writ_outbox")
        with pytest.raises(Failure, match="can't be read") as caught:
            await feed.take(outbox)
        assert "SELECT and DELETE" in caught.value.remedy
    await feed.close()
