"""Kills between any two steps of erasing and sending: nothing is lost, nothing claimed that was not done.

The processes are real, and so are the service that they send to and its Postgres. Here each kind of store
meets a few of the deaths; `make soak` lets it meet each of them, and a second one while it is coming back.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import aiohttp
import asyncpg
import msgspec
import pytest

from ledger.config import Database
from ledger.keyfiles import write_key
from ledger.kit import outbox_table
from ledger.kit.deeds import Holding
from ledger.kit.intents import unfinished
from ledger.outbox.store import Outbox
from projections.events import DataDeleted, decode_event
from signing.canonical import canonicalise
from signing.keys import VerifierKey, format_signing_key, format_vkey
from tests.check_ledger import check_ledger
from tests.examples.erasing import CONTROLLER
from tests.examples.erasing_index import Index
from tests.examples.erasing_keys import Keys
from tests.ledger.lab import ORIGIN, seeded_key
from tests.ledger.load import posters
from tests.ledger.mortal import End, Task
from tests.ledger.processes import many, serving

KEY: Final = seeded_key(posters()[0].source)
BLINDING_KEY: Final = bytes(range(32))
IDS: Final = ("3", "4", "5")
KEPT: Final = "6"
STORES: Final = {"files": "images", "keys": "vault", "index": "index", "rows": "people"}
SIGKILL: Final = 9
EVENTS: Final = f"logs/{ORIGIN.rpartition('/')[2]}/events?type=writ.data.deleted.v1&limit=1000"


class Mortals:
    """The process whose copies are killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def live(self, task: Task, die_at: int = 0) -> End:
        """Let a copy carry out a task."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = msgspec.json.encode(msgspec.structs.replace(task, die_at=die_at))
        self._process.stdin.write(line + b"\n")
        async with asyncio.timeout(120):
            return msgspec.json.decode(await self._process.stdout.readline(), type=End)


@asynccontextmanager
async def mortals() -> AsyncIterator[Mortals]:
    """Processes to kill."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.ledger.mortal",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        yield Mortals(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


class Estate(NamedTuple):
    """One data store, its outbox, and how to see what is in both."""

    task: Task
    holding: Holding
    there: Callable[[], Awaitable[set[str]]]
    on_the_way: Callable[[], Awaitable[list[bytes]]]
    """The events that wait within the store itself."""

    async def claimed(self) -> set[str]:
        """The ids of which an event that waits anywhere says that they are gone."""
        with Outbox.open(Path(self.task.outbox)) as outbox:
            lines = outbox.next_lines(0, 1_000)
        names = {self.handle(id): id for id in (*IDS, KEPT)}
        gone = [decode_event(line).data for line in (*lines, *await self.on_the_way())]
        return {names[handle] for data in gone for handle in records(data)}

    def handle(self, id: str) -> str:
        """A record's name in the ledger."""
        return self.holding.handle(int(id) if self.task.work == "rows" else id)


def records(data: object) -> tuple[str, ...]:
    """The handles that an erasure names."""
    assert isinstance(data, DataDeleted)
    assert isinstance(data.records, tuple)
    return data.records


async def nothing() -> list[bytes]:
    return []


async def build(work: str, folder: Path, log: VerifierKey, url: str, dsn: str) -> Estate:
    """A store with three records that are to go and one that is not, and an empty outbox."""
    folder.mkdir()
    source = f"{KEY.verifier.name}/{folder.name}"
    Outbox.create(folder / "outbox", format_vkey(log), source).close()
    where = folder / "store"
    there, on_the_way = await FILL[work](where, dsn)
    task = Task(
        work=work, outbox=str(folder / "outbox"), blinding_key=str(folder.parent / "blinding.key"),
        where=dsn if work == "rows" else str(where), ids=IDS, log=format_vkey(log), url=url,
        key=str(folder.parent / "poster.key"),
    )  # fmt: skip
    name = STORES[work]
    holding = Holding(controller=CONTROLLER, store=name, namespace=name, source=source, key=BLINDING_KEY)
    return Estate(task, holding, there, on_the_way)


Views = tuple[Callable[[], Awaitable[set[str]]], Callable[[], Awaitable[list[bytes]]]]


async def fill_files(where: Path, _: str) -> Views:
    where.mkdir()
    for id in (*IDS, KEPT):
        (where / id).write_text(f"photo {id}")

    async def there() -> set[str]:
        return {path.name for path in where.iterdir()}

    return there, nothing


async def fill_keys(where: Path, _: str) -> Views:
    where.mkdir()
    encrypted = {id: Keys(where).encrypt(id, f"about {id}".encode()) for id in (*IDS, KEPT)}

    async def there() -> set[str]:
        keys = Keys(where)
        return {id for id in keys.look(list(encrypted)) if keys.decrypt(id, encrypted[id])}

    return there, nothing


async def fill_index(where: Path, _: str) -> Views:
    index = Index(where)
    for id in (*IDS, KEPT):
        index.add(id, f"face word{id}")
    index.close()

    async def there() -> set[str]:
        index = Index(where)
        try:
            return set(index.find("face"))
        finally:
            index.close()

    return there, nothing


async def fill_rows(_: Path, dsn: str) -> Views:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(outbox_table.DDL)
        await connection.execute("CREATE TABLE IF NOT EXISTS people (id integer PRIMARY KEY)")
        await connection.execute("DELETE FROM people")
        await connection.executemany("INSERT INTO people VALUES ($1)", [(int(id),) for id in (*IDS, KEPT)])
    finally:
        await connection.close()

    async def ask(query: str) -> list[str]:
        connection = await asyncpg.connect(dsn)
        try:
            return [row[0] for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def there() -> set[str]:
        return set(await ask("SELECT id::text FROM people"))

    async def on_the_way() -> list[bytes]:
        return [line.encode() for line in await ask("SELECT line FROM writ_outbox")]

    return there, on_the_way


FILL: Final = {"files": fill_files, "keys": fill_keys, "index": fill_index, "rows": fill_rows}


@pytest.mark.parametrize("deaths", many(4, 10_000))
async def test_between_any_two_steps_nothing_is_lost_or_claimed_in_vain(
    founded_data: Path, log_key: VerifierKey, empty_database: Database, tmp_path: Path, deaths: int
) -> None:
    write_key(tmp_path / "poster.key", format_signing_key(KEY))
    write_key(tmp_path / "blinding.key", BLINDING_KEY.hex())
    async with serving(founded_data) as service, mortals() as some:
        estates: list[Estate] = []

        async def make(work: str, name: str) -> Estate:
            folder = tmp_path / f"{work}-{name}"
            estates.append(await build(work, folder, log_key, service.url, empty_database.owner_dsn))
            return estates[-1]

        for work in STORES:
            await die_often(some, partial(make, work), deaths, Random(work))
        await each_is_told_once(service.url, estates)
        await check_ledger(service.owner_dsn, ORIGIN.rpartition("/")[2])


async def die_often(
    some: Mortals, make: Callable[[str], Awaitable[Estate]], deaths: int, chance: Random
) -> None:
    """Let the work on one kind of store be killed at so many of its steps, and be done all the same."""
    unharmed = await make("unharmed")
    end = await some.live(unharmed.task)
    assert (end.signal, end.code) == (0, 0)
    numbers = range(1, end.steps + 1)
    for number in sorted(chance.sample(numbers, min(deaths, len(numbers)))):
        estate = await make(f"step-{number}")
        assert (await some.live(estate.task, number)).signal == SIGKILL
        await nothing_is_claimed_in_vain(estate)
        if deaths > len(numbers):
            # Coming back it does less, and may be done before that number.
            await some.live(estate.task, chance.choice(numbers))
            await nothing_is_claimed_in_vain(estate)
        again = await some.live(estate.task)
        assert (again.signal, again.code) == (0, 0)
        await all_is_done_and_told(estate)
    print(f"{unharmed.task.work}: killed at {min(deaths, len(numbers))} of {end.steps} steps")


async def nothing_is_claimed_in_vain(estate: Estate) -> None:
    """Whatever an event says is gone is gone; and what was to stay is there."""
    there = await estate.there()
    assert KEPT in there
    assert await estate.claimed() & there == set()


async def all_is_done_and_told(estate: Estate) -> None:
    """The store has what was to stay, and nothing is on its way any more."""
    assert await estate.there() == {KEPT}
    assert await estate.on_the_way() == []
    with Outbox.open(Path(estate.task.outbox)) as outbox:
        assert unfinished(outbox) == []
        assert outbox.status().waiting == 0


async def each_is_told_once(url: str, estates: Sequence[Estate]) -> None:
    """The log has each erasure of each store, and has it once."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/{EVENTS}") as response:
        events = [decode_event(encode(line)) for line in (await response.text()).splitlines()]
    told = Counter((event.source, handle) for event in events for handle in records(event.data))
    assert told == {(one.holding.source, one.handle(id)): 1 for one in estates for id in IDS}


def encode(line: str) -> bytes:
    """An event's own line, from a page of events."""
    return canonicalise(json.loads(line)["event"])
