"""Kills on either side while events are put: the log has all of them, in their sequence, and each once."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from random import Random

import asyncpg
import pytest

from ledger.keyfiles import write_key
from ledger.outbox.store import Outbox, OutboxFull
from signing.entry import parse_entry
from signing.keys import VerifierKey, format_signing_key, format_vkey
from tests.check_ledger import check_ledger
from tests.ledger.erasable import KEY
from tests.ledger.lab import ORIGIN, collected
from tests.ledger.processes import Serving, many, serving, start_writ

SOURCE = f"{KEY.verifier.name}/outbox"
MOST_WAITING = 5_000
ENTRIES = "SELECT entry FROM entries WHERE log = $1 ORDER BY index"


class Sending:
    """`writ outbox DIR send`, killed and started again."""

    def __init__(self, folder: Path, url: str, log: VerifierKey) -> None:
        self._words = ("outbox", str(folder / "box"), "send", "--url", url, "--patience", "1",
                       "--log", format_vkey(log), "--key", str(folder / "poster.key"))  # fmt: skip
        self._says = folder / "sending.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await start_writ(*self._words, says=self._says)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        assert await self._process.wait() == -signal.SIGKILL, self._says.read_text()


class Putting:
    """Puts events, some at a time, and some of them twice, until it is told to end."""

    def __init__(self, box: Outbox, chance: Random) -> None:
        self.count = 0
        self._box = box
        self._chance = chance
        self._enough = False

    async def go_on(self) -> None:
        while not self._enough:
            first = max(0, self.count - self._chance.randint(0, 3))
            end = self.count + self._chance.randint(1, 60)
            # While the service is away for long it is full, and who puts has to wait.
            with suppress(OutboxFull):
                self._box.put([collected(SOURCE, number) for number in range(first, end)])
                self.count = end
            await asyncio.sleep(0.02)

    def end(self) -> None:
        self._enough = True


@pytest.mark.parametrize("kills", many(4, 60))
async def test_events_survive_the_death_of_either_side(
    founded_data: Path, log_key: VerifierKey, tmp_path: Path, kills: int
) -> None:
    chance = Random(kills)
    write_key(tmp_path / "poster.key", format_signing_key(KEY))
    box = Outbox.create(tmp_path / "box", format_vkey(log_key), SOURCE)
    box.limit(MOST_WAITING)
    async with serving(founded_data) as service:
        sending = Sending(tmp_path, service.url, log_key)
        await sending.start()
        putting = Putting(box, chance)
        task = asyncio.create_task(putting.go_on())
        for number in range(kills):
            await wait_for_more(box)
            await asyncio.sleep(chance.uniform(0, 0.2))
            await (kill_service(service) if number % 2 else kill_sender(sending))
        putting.end()
        await task
        await wait_for_all(box, putting.count)
        await sending.kill()
        assert await lines_in_log(service) == [collected(SOURCE, n) for n in range(putting.count)]
        await check_ledger(service.owner_dsn, ORIGIN.rpartition("/")[2])
    box.close()


async def kill_service(service: Serving) -> None:
    service.kill()
    await service.wait()
    await service.start()


async def kill_sender(sending: Sending) -> None:
    await sending.kill()
    await sending.start()


async def wait_for_more(box: Outbox) -> None:
    """Return once more has got in than had."""
    before = box.status().in_log
    async with asyncio.timeout(120):
        while box.status().in_log == before:
            await asyncio.sleep(0.01)


async def wait_for_all(box: Outbox, count: int) -> None:
    """Return once everything is in."""
    async with asyncio.timeout(120):
        while box.status().in_log < count:
            await asyncio.sleep(0.05)
    assert box.status().waiting == 0
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            while box.status().troubles:
                await asyncio.sleep(0.05)
    assert box.status().troubles == ()


async def lines_in_log(service: Serving) -> list[bytes]:
    """The events of the outbox, as the log has them."""
    connection = await asyncpg.connect(service.owner_dsn)
    try:
        rows = await connection.fetch(ENTRIES, ORIGIN.rpartition("/")[2])
    finally:
        await connection.close()
    bodies = [parse_entry(row["entry"]) for row in rows]
    source = f'"source":"{SOURCE}"'.encode()
    return [one.body for one in bodies if one.kind == "event" and source in one.body]
