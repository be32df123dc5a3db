"""Rows and the event that says that they are gone: both last, or neither, whatever the database does."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from ledger.config import Database
from ledger.failure import Failure
from ledger.kit.deeds import Grounds, keep_in
from ledger.kit.rows import erase_rows, guard
from projections.events import DataDeleted, decode_event
from tests.ledger.outbox_at_hand import BLINDING_KEY, data_store, holding

PEOPLE = holding("people")
GROUNDS = Grounds(cause="order", cause_ref="ico.example/en-2022-1", method="clear")
ERASE = "DELETE FROM people WHERE id = ANY($1) RETURNING id"
LOOK = "SELECT id FROM people WHERE id = ANY($1)"
PUT_BACK = """
CREATE FUNCTION put_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO people VALUES (OLD.id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER careless AFTER DELETE ON people DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION put_back()
"""
KEEP = """
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER careless BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION keep()
"""
MARK = """
ALTER TABLE people ADD gone boolean NOT NULL DEFAULT false;
CREATE RULE careless AS ON DELETE TO people
    DO INSTEAD UPDATE people SET gone = true WHERE id = OLD.id RETURNING OLD.*
"""


@pytest_asyncio.fixture
async def store(empty_database: Database) -> AsyncIterator[asyncpg.Connection]:
    async with data_store(empty_database.owner_dsn) as made:
        yield await made.connect()


async def erase(store: asyncpg.Connection, folder: Path, *ids: int, undo: bool = False) -> list[str]:
    async with store.transaction():
        handles = await erase_rows(store, PEOPLE, GROUNDS, keep_in(folder), ERASE, LOOK, ids)
        if undo:
            raise KeyError
    return handles


async def told(store: asyncpg.Connection) -> list[DataDeleted]:
    rows = await store.fetch("SELECT line FROM writ_outbox ORDER BY seq")
    return [decode_event(row["line"].encode()).data for row in rows]


async def left(store: asyncpg.Connection) -> list[int]:
    return [row["id"] for row in await store.fetch("SELECT id FROM people ORDER BY id")]


async def test_what_was_there_is_erased_and_told_and_nothing_else(
    store: asyncpg.Connection, tmp_path: Path
) -> None:
    handles = await erase(store, tmp_path, 2, 3, 77)
    assert handles == sorted(map(PEOPLE.handle, (2, 3)))
    (event,) = await told(store)
    assert list(event.records or ()) == handles
    assert (event.store, event.cause_ref) == ("people", "ico.example/en-2022-1")
    assert await left(store) == [1, 4, 5, 6, 7, 8, 9]
    # Again: nobody tells twice of what is gone.
    assert await erase(store, tmp_path, 2, 3, 77) == []
    assert len(await told(store)) == 1


async def test_the_receipt_names_the_transaction_and_is_what_the_event_commits_to(
    store: asyncpg.Connection, tmp_path: Path
) -> None:
    await erase(store, tmp_path, 2)
    with suppress(KeyError):
        await erase(store, tmp_path, 3, undo=True)
    (event,) = await told(store)
    assert isinstance(event.evidence, tuple)
    digest = event.evidence[0].sha256
    assert sha256((tmp_path / f"{digest}.json").read_bytes()).hexdigest() == digest
    receipts = [json.loads(path.read_bytes()) for path in tmp_path.iterdir()]
    status = "SELECT pg_xact_status($1::text::xid8)"
    ends = {one["deleted"][0]: await store.fetchval(status, one["transaction"]) for one in receipts}
    assert ends == {PEOPLE.handle(2): "committed", PEOPLE.handle(3): "aborted"}
    assert len({one["salt"] for one in receipts}) == 2
    assert await left(store) == [1, 3, 4, 5, 6, 7, 8, 9]


async def test_many_rows_are_told_in_as_many_events_as_they_need(
    store: asyncpg.Connection, tmp_path: Path
) -> None:
    await store.execute("INSERT INTO people SELECT generate_series(10, 2500)")
    handles = await erase(store, tmp_path, *range(1, 2501))
    events = await told(store)
    assert [len(event.records or ()) for event in events] == [1000, 1000, 500]
    assert sorted(handle for event in events for handle in event.records or ()) == handles
    assert await left(store) == []


async def test_a_composite_id_is_blinded_as_an_array(store: asyncpg.Connection, tmp_path: Path) -> None:
    await store.execute("CREATE TABLE marks (source text, line integer, PRIMARY KEY (source, line))")
    await store.execute("INSERT INTO marks VALUES ('batting', 7), ('batting', 8)")
    where = "FROM marks WHERE source = $1 AND line = ANY($2)"
    async with store.transaction():
        handles = await erase_rows(
            store, PEOPLE, GROUNDS, keep_in(tmp_path), f"DELETE {where} RETURNING source, line",
            f"SELECT {where}", "batting", [7],
        )  # fmt: skip
    assert handles == [PEOPLE.handle(["batting", 7])]


@pytest.mark.parametrize("careless", [PUT_BACK, KEEP, MARK])
async def test_rows_that_the_database_keeps_or_puts_back_are_not_told_as_gone(
    store: asyncpg.Connection, tmp_path: Path, careless: str
) -> None:
    await store.execute(careless)
    with pytest.raises(Failure, match="1 rows are in people after") as caught:
        await erase(store, tmp_path, 2)
    assert "rule or trigger" in caught.value.remedy
    assert await told(store) == []
    assert len(await left(store)) == 9


async def test_outside_of_a_transaction_nothing_is_erased(store: asyncpg.Connection, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="outside of a transaction"):
        await erase_rows(store, PEOPLE, GROUNDS, keep_in(tmp_path), ERASE, LOOK, [1])
    assert len(await left(store)) == 9


async def test_a_guarded_table_lets_nobody_erase_in_silence(
    store: asyncpg.Connection, tmp_path: Path
) -> None:
    await guard(store, "people")
    for silent in ("DELETE FROM people WHERE id = 1", "TRUNCATE people"):
        with pytest.raises(asyncpg.RaiseError, match="without an event"):
            await store.execute(silent)
    assert len(await erase(store, tmp_path, 1, 2)) == 2

    # The event of an earlier transaction is no excuse; one that was put within a savepoint is.
    with pytest.raises(asyncpg.RaiseError, match="DELETE of people"):
        await store.execute("DELETE FROM people WHERE id = 3")
    async with store.transaction():
        await erase(store, tmp_path, 4)
    assert await left(store) == [3, 5, 6, 7, 8, 9]


def test_a_holding_does_not_show_its_key() -> None:
    shown: list[Any] = [repr(PEOPLE), str(PEOPLE), f"{PEOPLE}"]
    assert not any(BLINDING_KEY.hex() in text or repr(BLINDING_KEY) in text for text in shown)
