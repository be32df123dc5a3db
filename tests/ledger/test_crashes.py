"""Kills in the middle of load: whatever dies, and whenever, nothing acknowledged is lost or stored twice.

Here each kind of death is met a few times; `make soak` meets each many times in a row.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final, TypeAlias, TypeVar

import aiohttp
import asyncpg
import pytest

from ledger.append import AWAY
from ledger.config import Database
from ledger.keyfiles import write_key
from signing.keys import COSIGNATURE, SigningKey, VerifierKey, format_signing_key, format_vkey
from tests.check_ledger import check_ledger
from tests.ledger.founding import found_log, short_folder
from tests.ledger.growing_log import GrowingLog
from tests.ledger.load import Load, Unanswered, open_session, under_load
from tests.ledger.processes import Serving, copy_folder, health, many, serving, wait_gone, witnessing
from tests.ledger.reckoning import check_projections, reckon

RETRIED: Final = 100
"""How many of the acknowledged submissions, and of the token's batches, are sent again in the end."""

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Moment = Callable[[Serving, Random], Awaitable[None]]
"""Returns when it is time to kill."""


async def any_moment(_: Serving, chance: Random) -> None:
    """Whenever it happens to be."""
    await asyncio.sleep(chance.uniform(0.05, 0.6))


async def a_commit(service: Serving, chance: Random) -> None:
    """Right after a commit: its submissions are stored, and hardly anybody has been told."""
    await asyncio.sleep(chance.uniform(0.05, 0.3))

    async def see_one(connection: Connection) -> bool:
        before = await connection.fetchval("SELECT size FROM heads")
        while await connection.fetchval("SELECT size FROM heads") == before:
            pass
        return True

    await ask_until(service, see_one)


async def ask_until(service: Serving, question: Callable[[Connection], Awaitable[T | None]]) -> T:
    """The answer, as soon as there is one: what was killed before may still be coming back."""
    async with asyncio.timeout(60):
        while True:
            with suppress(*AWAY):
                connection = await asyncpg.connect(service.owner_dsn)
                try:
                    if answer := await question(connection):
                        return answer
                finally:
                    connection.terminate()
            await asyncio.sleep(0.01)


MOMENTS: Final[tuple[Moment, ...]] = (any_moment, a_commit)


async def reckon_up(load: Load, key: VerifierKey, *services: Serving) -> None:
    """The services are well, and all that they ever told holds."""
    async with open_session() as session:
        await load.repeat(session, RETRIED)
        for service in services:
            shown = await reckon(session, service.url, key, load.told)
            assert await health(session, service.url) == (200, {})
    await check_ledger(services[0].owner_dsn, "clearview")
    await check_projections(services[0].owner_dsn, shown)
    told = load.told
    print(
        f"{len(told.receipts)} submissions, {len(told.door)} batches, {len(told.checkpoints)} checkpoints, "
        f"{shown.checkpoint.size} entries; {told.cut_off} cut off, {told.replies_lost} replies lost"
    )


@pytest.mark.parametrize("kills", many(3, 60))
async def test_the_service_is_killed(founded_data: Path, log_key: VerifierKey, kills: int) -> None:
    chance = Random(kills)
    async with serving(founded_data) as service:
        load = Load([service.url], log_key, chance)
        async with under_load(load):
            for number in range(kills):
                await load.wait_for_more()
                await MOMENTS[number % 2](service, chance)
                helpers = service.helper_pids
                service.kill()
                assert await service.wait() == -signal.SIGKILL
                if number % 6 == 5:
                    await kill_while_starting(service, chance)
                await service.start()
                # Nor is anything of the killed one left behind.
                for helper in helpers:
                    await wait_gone(helper)
        await reckon_up(load, log_key, service)
    # Of the submissions that were on their way when the service died, some had been committed: in a long run.
    assert load.told.replies_lost > 0 or kills < 10


async def kill_while_starting(service: Serving, chance: Random) -> None:
    """Kill it once more before it is up: while it imports, stops the orphan, recovers or reads its logs."""
    await service.launch()
    await asyncio.sleep(chance.uniform(0.1, 3.0))
    service.kill()
    await service.wait()


@pytest.mark.parametrize("kills", many(3, 60))
async def test_postgres_is_killed(founded_data: Path, log_key: VerifierKey, kills: int) -> None:
    chance = Random(kills)
    async with serving(founded_data) as service:
        load = Load([service.url], log_key, chance)
        started = service.pid
        async with under_load(load):
            for number in range(kills):
                await load.wait_for_more(5)
                await MOMENTS[number // 2 % 2](service, chance)
                await kill_postgres(
                    service, (signal.SIGQUIT, signal.SIGKILL)[number % 2], again=number % 3 == 2
                )
        await reckon_up(load, log_key, service)
        # It comes back by itself, and the service has gone on.
        assert service.said("postgres_restarted") >= kills
        assert service.is_running
        assert service.pid == started


async def kill_postgres(service: Serving, number: signal.Signals, *, again: bool) -> None:
    """Kill the first process of the embedded Postgres, perhaps the next one too while that is starting."""
    for _ in range(2 if again else 1):
        before = service.postgres_pid
        assert before is not None
        os.kill(before, number)
        async with asyncio.timeout(60):
            while service.postgres_pid in (None, before):
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("kills", many(2, 40))
async def test_the_appending_backend_is_killed(founded_data: Path, log_key: VerifierKey, kills: int) -> None:
    """Postgres recovers by itself when one of its backends dies; the service only has to ask again."""
    chance = Random(kills)
    async with serving(founded_data) as service:
        load = Load([service.url], log_key, chance)
        async with under_load(load):
            for number in range(kills):
                await load.wait_for_more(5)
                await MOMENTS[number % 2](service, chance)
                await kill_backend(service, (signal.SIGKILL, signal.SIGTERM)[number // 2 % 2])
        await reckon_up(load, log_key, service)
        assert service.said("postgres_died") == 0


async def kill_backend(service: Serving, number: signal.Signals) -> None:
    """Kill the process that appends for the service; after the last death there may be none yet."""
    backends = "SELECT pid FROM pg_stat_activity WHERE application_name = 'writ append'"

    async def kill(connection: Connection) -> bool:
        with suppress(ProcessLookupError):
            pid = await connection.fetchval(backends)
            if pid is not None:
                os.kill(pid, number)
                return True
        return False

    await ask_until(service, kill)


@pytest.mark.parametrize(
    ("shared", "kills"),
    [
        pytest.param(True, 2),
        pytest.param(True, 40, marks=pytest.mark.soak),
        pytest.param(False, 40, marks=pytest.mark.soak),
    ],
)
async def test_one_of_two_services_on_one_database_is_killed(
    database: Database, shared: bool, kills: int
) -> None:
    chance = Random(kills)
    with short_folder() as folder:
        async with serving(folder / "data", database) as first:
            key = await found_log(first.url, first.data)
            if not shared:
                copy_folder(folder / "data", folder / "copy")
            async with serving(folder / ("data" if shared else "copy"), database) as second:
                load = Load([first.url, second.url], key, chance)
                async with under_load(load):
                    for number in range(kills):
                        await load.wait_for_more(10)
                        victim = (first, second)[number // 2 % 2]
                        await MOMENTS[number % 2](victim, chance)
                        victim.kill()
                        await victim.wait()
                        # The other one goes on alone.
                        await load.wait_for_more(5)
                        await victim.start()
                    await load.wait_for_more(10)
                await reckon_up(load, key, first, second)


@pytest.mark.soak
async def test_one_of_two_services_hangs_with_the_lock(database: Database) -> None:
    """Postgres ends its transaction after half a minute, and the other one goes on."""
    with short_folder() as folder:
        async with serving(folder / "data", database) as first:
            key = await found_log(first.url, first.data)
            async with serving(folder / "data", database) as second:
                load = Load([first.url, second.url], key, Random(1), answer_s=3)
                async with under_load(load):
                    await stop_with_the_lock(first)
                    await load.wait_for_more(10)
                    first.kill(signal.SIGCONT)
                    await load.wait_for_more(10)
                await reckon_up(load, key, first, second)


async def stop_with_the_lock(service: Serving) -> None:
    """Stop a process in the middle of a transaction."""
    connection = await asyncpg.connect(service.owner_dsn)
    try:
        while True:
            if await is_locked(connection):
                service.kill(signal.SIGSTOP)
                await asyncio.sleep(0.2)
                if await is_locked(connection) and await is_locked(connection, wait_s=5):
                    return
                service.kill(signal.SIGCONT)
            await asyncio.sleep(0.001)
    finally:
        await connection.close()


async def is_locked(connection: Connection, wait_s: float = 0) -> bool:
    """Whether somebody is in a transaction that appends, and stays in it so long."""
    how = f"SET lock_timeout = '{wait_s}s'" if wait_s else "SET lock_timeout = '1ms'"
    try:
        await connection.execute(f"{how}; SELECT FROM heads FOR UPDATE")
    except asyncpg.LockNotAvailableError:
        return True
    return False


@pytest.mark.parametrize("kills", [pytest.param(30, marks=pytest.mark.soak)])
async def test_the_service_is_killed_while_everything_begins(kills: int) -> None:
    """Its keys, its Postgres, its tables and its log are made once, however often that is broken off."""
    chance = Random(kills)
    for _ in range(kills):
        with short_folder() as folder:
            service = Serving(folder / "data")
            await kill_while_starting(service, chance)
            await kill_while_starting(service, chance)
            async with serving(folder / "data") as service:
                founding = asyncio.create_task(found_log(service.url, service.data))
                await asyncio.sleep(chance.uniform(0, 0.2))
                service.kill()
                await service.wait()
                await asyncio.gather(founding, return_exceptions=True)
                await service.start()
                load = Load([service.url], await found_log(service.url, service.data), chance)
                async with under_load(load):
                    await load.wait_for_more(3)
                await reckon_up(load, load.key, service)


@pytest.mark.parametrize("kills", many(2, 40))
async def test_its_helpers_are_killed(founded_data: Path, log_key: VerifierKey, kills: int) -> None:
    """Who folds comes back and goes on where it was."""
    chance = Random(kills)
    async with serving(founded_data) as service:
        load = Load([service.url], log_key, chance)
        async with under_load(load):
            for _ in range(kills):
                await load.wait_for_more(10)
                await asyncio.sleep(chance.uniform(0, 1))
                await kill_helpers(service)
        await reckon_up(load, log_key, service)


async def kill_helpers(service: Serving) -> None:
    """Kill all that there are, as soon as there is one."""
    async with asyncio.timeout(60):
        while not (helpers := service.helper_pids):
            await asyncio.sleep(0.01)
    for helper in helpers:
        with suppress(ProcessLookupError):
            os.kill(helper, signal.SIGKILL)


@pytest.mark.parametrize("kills", [pytest.param(60, marks=pytest.mark.soak)])
async def test_a_witness_is_killed(tmp_path: Path, kills: int) -> None:
    """Its log, a fork of it and impatient copies race; once it has cosigned a size it never cosigns less."""
    chance = Random(kills)
    key = tmp_path / "witness.key"
    write_key(key, format_signing_key(SigningKey("witness.example/w1", COSIGNATURE, bytes(range(32, 64)))))
    race = Race(chance)
    for _ in range(kills):
        async with (
            witnessing(tmp_path / "witness", key, format_vkey(race.log.key.verifier)) as witness,
            open_session() as session,
        ):
            before = race.highest
            runners = [asyncio.create_task(race.run(session, witness.url)) for _ in range(4)]
            async with asyncio.timeout(30):
                while race.highest < before + 3:
                    await asyncio.sleep(0.001)
            await asyncio.sleep(chance.uniform(0, 0.1))
            witness.process.kill()
            for outcome in await asyncio.gather(*runners, return_exceptions=True):
                assert isinstance(outcome, Unanswered), outcome
    print(f"{race.cosigned} cosigned, {race.refused} refused, the largest at {race.highest}")


class Race:
    """Requests for cosignatures that get in each other's way, and what came of them."""

    def __init__(self, chance: Random) -> None:
        self.log, self.fork = GrowingLog(), GrowingLog(history=1)
        self.highest = self.cosigned = self.refused = 0
        self._chance = chance

    async def run(self, session: aiohttp.ClientSession, url: str) -> None:
        """Ask until nobody answers any more."""
        while True:
            highest = self.highest
            log = self.fork if highest and self._chance.random() < 0.2 else self.log
            old = max(0, highest - self._chance.choice((0, 0, 0, 1, 2)))
            new = max(1, old, highest + self._chance.randint(-2, 2))
            async with session.post(f"{url}/add-checkpoint", data=log.request(old, new)) as response:
                status, body = response.status, await response.read()
            if status == 200:
                assert log is self.log, "it cosigned a fork"
                assert new >= highest, f"it cosigned size {new} after size {highest}"
                self.highest = max(self.highest, new)
                self.cosigned += 1
            else:
                assert status in (409, 422), body
                self.refused += 1
                if status == 409:
                    # It knows of one whose cosignature the kill cut off, but never of less than was had.
                    assert int(body) >= highest, f"it forgot size {highest}"
                    self.highest = max(self.highest, int(body))
