"""Erasing goes on while somebody counts: what the look finds is what the ledger has at that very place."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from ledger.config import Database
from ledger.kit.deeds import Grounds, Holding, keep_in
from ledger.kit.outbox_table import DDL
from ledger.kit.rows import erase_rows, guard
from tests.ledger.command_line import running_session
from tests.ledger.inventory.estate import OWNER, Estate, name

PEOPLE = 1_500
SOURCE = f"{OWNER}/outbox"
GROUNDS = Grounds(cause="order", cause_ref="ico.example/en-2022-1", method="clear")
ERASE = "DELETE FROM people WHERE player_id = $1 RETURNING player_id"
LOOK = "SELECT player_id FROM people WHERE player_id = $1"


@pytest.fixture
async def estate(database: Database, empty_database: Database, tmp_path: Path) -> AsyncIterator[Estate]:
    async with running_session(database, tmp_path, public=True) as session:
        made = await Estate.build(session, empty_database, PEOPLE)
        await made.execute(DDL)
        yield made


class Workers:
    """Erase one person after another, several at a time, until they are told to end."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._numbers = count()
        self.erased = 0
        self.ended = asyncio.Event()

    async def work(self) -> None:
        holding = Holding(
            controller="clearview", store="people", namespace="people", source=SOURCE, key=self._estate.key
        )
        keep = keep_in(self._estate.folder / "receipts")
        connection = await asyncpg.connect(self._estate.url)
        try:
            while not self.ended.is_set() and (number := next(self._numbers)) < PEOPLE - 1:
                async with connection.transaction():
                    await erase_rows(connection, holding, GROUNDS, keep, ERASE, LOOK, name(number))
                self.erased += 1
        finally:
            await connection.close()

    async def have_erased(self, more: int) -> None:
        """Return once so many more are gone."""
        wanted = self.erased + more
        async with asyncio.timeout(60):
            while self.erased < wanted:
                await asyncio.sleep(0.01)


async def test_a_look_while_rows_are_erased_agrees_to_the_last_one(estate: Estate) -> None:
    workers = Workers(estate)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(workers.work())
        await workers.have_erased(20)
        words = ("--outbox", "--source", SOURCE, "--namespace", "people")
        await estate.session.writ("inventory", *estate.words("--controller", "clearview", *words))
        await workers.have_erased(20)
        workers.ended.set()
    sent = await estate.session.value(
        "outbox", "box", "send", "--once", "--from", estate.url, key=estate.owner
    )
    assert sent["sent"] == workers.erased + 2

    (attested,) = await estate.told("attested")
    # Neither before the first erasure nor after the last.
    assert PEOPLE - workers.erased < attested["data"]["count"] < PEOPLE
    told = await estate.session.ask("reconcile", "people")
    assert (told["agrees"], told["orphans"], told["missing"]) == (True, [], [])


async def test_who_erases_past_the_kit_is_found_out(estate: Estate) -> None:
    """By the database where it is guarded, and by a look where it is not."""
    await estate.execute(f"DELETE FROM people WHERE player_id = '{name(3)}'")
    connection = await asyncpg.connect(estate.url)
    try:
        await guard(connection, "people")
        with pytest.raises(asyncpg.RaiseError, match="without an event"):
            await connection.execute(f"DELETE FROM people WHERE player_id = '{name(4)}'")
    finally:
        await connection.close()
    await estate.inventory("--quiescent")
    code, told = await estate.reconcile("--no-post")
    assert (code, told["missing"], told["orphans"]) == (1, [estate.handle(3)], [])
