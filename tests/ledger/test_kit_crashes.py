"""Kills between any two steps of erasing and sending: nothing is lost, nothing claimed that was not done.

The processes are real, and so are the service that they send to and its Postgres. Here each kind of store
meets a few of the deaths; `make soak` lets it meet each of them, and a second one while it is coming back.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import aiohttp
import msgspec
import pytest

from ledger.config import Database
from ledger.keyfiles import write_key
from ledger.kit.intents import unfinished
from ledger.outbox.store import Outbox
from projections.events import decode_event
from signing.canonical import canonicalise
from signing.keys import VerifierKey, format_signing_key
from tests.check_ledger import check_ledger
from tests.examples.s3_at_hand import S3
from tests.ledger.erasable import BUILD, IDS, KEPT, KEY, Estate, Ground, build, records
from tests.ledger.lab import ORIGIN
from tests.ledger.mortal import End, Task
from tests.ledger.outbox_at_hand import BLINDING_KEY
from tests.ledger.processes import many, serving
from tests.ledger.stores.private_servers import s3_service

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
async def mortals(env: Mapping[str, str]) -> AsyncIterator[Mortals]:
    """Processes to kill."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.ledger.mortal",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
        env={**os.environ, **env},
    )  # fmt: skip
    try:
        yield Mortals(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@pytest.mark.parametrize("deaths", many(4, 10_000))
async def test_between_any_two_steps_nothing_is_lost_or_claimed_in_vain(
    founded_data: Path, log_key: VerifierKey, empty_database: Database, tmp_path: Path, deaths: int
) -> None:
    write_key(tmp_path / "poster.key", format_signing_key(KEY))
    write_key(tmp_path / "blinding.key", BLINDING_KEY.hex())
    async with AsyncExitStack() as stack:
        s3 = S3(stack.enter_context(s3_service()))
        service = await stack.enter_async_context(serving(founded_data))
        some = await stack.enter_async_context(mortals(s3.env))
        ground = Ground(tmp_path, service.url, log_key, empty_database.owner_dsn, s3)
        estates: list[Estate] = []

        async def make(work: str, name: str) -> Estate:
            estates.append(await build(work, f"{work}-{name}", ground))
            return estates[-1]

        for work in BUILD:
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
    there = await estate.store.there()
    assert KEPT in there
    assert await estate.claimed() & there == set()


async def all_is_done_and_told(estate: Estate) -> None:
    """The store has what was to stay, and nothing is on its way any more."""
    assert await estate.store.there() == {KEPT}
    assert await estate.store.on_the_way() == []
    with Outbox.open(Path(estate.task.outbox)) as outbox:
        assert unfinished(outbox) == []
        assert outbox.status().waiting == 0
        assert outbox.next_lines(0, 1) == []


async def each_is_told_once(url: str, estates: Sequence[Estate]) -> None:
    """The log has each erasure of each store, and has it once."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/{EVENTS}") as response:
        events = [decode_event(encode(line)) for line in (await response.text()).splitlines()]
    told = Counter((event.source, handle) for event in events for handle in records(event.data))
    assert told == {(one.holding.source, one.handle(id)): 1 for one in estates for id in IDS}


def encode(line: str) -> bytes:
    """An event's own line, from a page of events."""
    return canonicalise(json.loads(line)["event"])
