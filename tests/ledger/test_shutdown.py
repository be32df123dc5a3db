"""The end under load: what is in line is stored and answered, nothing is lost, and the exit code is 0."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

import aiohttp
import asyncpg
import pytest

from signing.keys import VerifierKey
from tests.ledger.lab import Poster
from tests.ledger.load import Load, open_session, under_load
from tests.ledger.processes import (
    Serving,
    many,
    serving,
    wait_gone,
    wait_until_in_line,
    wait_until_refused,
)
from tests.ledger.reckoning import check_projections, reckon

IN_LINE = 24

Way = Callable[[Serving], None]
WAYS: tuple[Way, ...] = (lambda service: service.kill(signal.SIGTERM), Serving.interrupt)


@pytest.mark.parametrize("stops", many(2, 30))
async def test_a_stop_under_load_loses_no_reply(founded_data: Path, log_key: VerifierKey, stops: int) -> None:
    load = await stop_under_load(founded_data, log_key, WAYS, stops)
    # What was not answered had not been taken in: whoever waits for an answer gets it before the end.
    assert load.told.replies_lost == 0


@pytest.mark.parametrize("stops", many(1, 30))
async def test_a_stop_of_all_its_processes_loses_nothing(
    founded_data: Path, log_key: VerifierKey, stops: int
) -> None:
    """Postgres is told to go at the same time: what became of a commit may stay unknown."""
    await stop_under_load(founded_data, log_key, [Serving.terminate_all], stops)


async def stop_under_load(data: Path, log_key: VerifierKey, ways: Sequence[Way], stops: int) -> Load:
    """Stop a service again and again, and see that all it ever told holds."""
    chance = Random(stops)
    async with serving(data) as service:
        load = Load([service.url], log_key, chance)
        async with under_load(load):
            for number in range(stops):
                await load.wait_for_more(5)
                await asyncio.sleep(chance.uniform(0, 0.3))
                postgres = service.postgres_pid
                ways[number % len(ways)](service)
                assert await service.wait() == 0
                assert postgres is not None
                await wait_gone(postgres)
                await service.start()
        async with open_session() as session:
            shown = await reckon(session, service.url, log_key, load.told)
        await check_projections(service.owner_dsn, shown)
    return load


async def test_who_is_in_line_is_answered_before_the_end(founded_data: Path, log_key: VerifierKey) -> None:
    """Another transaction holds the head, so that everybody waits; then the signal comes."""
    async with serving(founded_data) as service, open_session() as session, asyncio.TaskGroup() as tasks:
        owner = await asyncpg.connect(service.owner_dsn)
        await owner.execute("BEGIN; SELECT * FROM heads FOR UPDATE")
        bodies = submissions(log_key)
        url = f"{service.url}/logs/clearview/submissions"
        answers = [tasks.create_task(post(session, url, bodies[1]))]
        await wait_until_in_line(session, service.url, owner, 0)
        answers += [tasks.create_task(post(session, url, body)) for body in bodies[2:]]
        await wait_until_in_line(session, service.url, owner, IN_LINE - 2)
        async with begun_request(service, bodies[0]) as (reader, writer):
            service.kill(signal.SIGTERM)
            await wait_until_refused(service)
            # A body that is on its way is read to its end.
            writer.write(bodies[0][-10:])
            assert service.is_running
            await owner.execute("COMMIT")
            await owner.close()
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        assert [await answer for answer in answers] == [200] * (IN_LINE - 1)
        assert await service.wait() == 0


async def test_a_body_that_does_not_come_holds_nobody_up(founded_data: Path, log_key: VerifierKey) -> None:
    async with (
        serving(founded_data) as service,
        begun_request(service, submissions(log_key)[0]) as (reader, _),
    ):
        service.kill(signal.SIGINT)
        async with asyncio.timeout(20):
            assert await reader.readline() == b"HTTP/1.1 503 Service Unavailable\r\n"
            assert await service.wait() == 0


def submissions(log_key: VerifierKey) -> list[bytes]:
    """The first submissions of many source logs."""
    signer = Load([], log_key, Random(0)).posters[0].signer
    posters = [Poster(signer, f"{signer.verifier.name}/{at}") for at in range(IN_LINE)]
    return [poster.make(poster.events(3))[0] for poster in posters]


async def post(session: aiohttp.ClientSession, url: str, body: bytes) -> int:
    async with session.post(url, data=body) as response:
        await response.read()
        return response.status


@asynccontextmanager
async def begun_request(
    service: Serving, body: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which all of a request has been sent but its last ten bytes, which it waits for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(service.port))
    head = f"POST /logs/clearview/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}Expect: 100-continue\r\n\r\n".encode())
    async with asyncio.timeout(20):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body[:-10])
    await writer.drain()
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
