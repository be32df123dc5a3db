"""A witness of many logs: lists read again while it answers, allowances, limits, what it shows of itself."""

import asyncio
import gzip
import json
import random
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from ledger import witness as witness_module
from ledger.allowance import MIN_BURST, Allowance
from ledger.failure import Failure
from ledger.witness import Witness
from ledger.witness_logs import Watch, load_log_list, logs_of_keys
from ledger.witness_memory import Memory
from signing.cosignature import verify_cosignature
from signing.keys import ED25519, SigningKey
from signing.log_list import ListedLog, format_log_list
from signing.note import parse_signature_line, sign_note
from signing.witness import AddCheckpoint, format_add_checkpoint
from tests.ledger.growing_log import GrowingLog
from tests.ledger.witness_process import WITNESS, started
from tests.signing.mutating import nearly

LOGS = [GrowingLog(f"ledger.example/log{number}") for number in range(12)]
LOG, OTHER = LOGS[:2]


def listed(log: GrowingLog, qpd: int = 86_400) -> ListedLog:
    return ListedLog(log.key.verifier, log.key.name, qpd, "operator@ledger.example")


async def add(session: aiohttp.ClientSession, url: str, body: bytes) -> tuple[int, str, str | None]:
    async with session.post(f"{url}/add-checkpoint", data=body) as response:
        return response.status, await response.text(), response.headers.get("Retry-After")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@asynccontextmanager
async def here(folder: Path, watch: Watch, **more: float) -> AsyncIterator[tuple[Witness, str]]:
    """A witness in this process."""
    witness = Witness(Memory(folder / "w.sqlite"), watch, WITNESS, **more)
    async with TestServer(witness.application()) as server:
        yield witness, str(server.make_url("")).rstrip("/")


def written(path: Path, logs: Iterable[ListedLog]) -> Path:
    path.write_text(format_log_list(tuple(logs)))
    return path


def test_an_allowance_fills_up_over_the_day() -> None:
    allowance = Allowance(24, 0.0)
    assert [allowance.take(0.0) for _ in range(MIN_BURST)] == [0] * MIN_BURST
    assert allowance.take(0.0) == 3_600
    assert allowance.take(1_800.0) == 1_800
    assert allowance.take(3_600.0) == 0
    assert allowance.take(3_600.0) == 3_600
    rested = [allowance.take(1_000_000.0) for _ in range(MIN_BURST + 1)]
    assert rested == [0] * MIN_BURST + [3_600]


def test_no_day_has_more_than_the_days_number_and_one_burst() -> None:
    for per_day in (1, 5, 288, 86_400):
        allowance = Allowance(per_day, 0.0)
        taken = sum(allowance.take(float(second)) == 0 for second in range(0, 86_400, 1))
        assert taken <= per_day + allowance.burst


async def test_a_log_that_asks_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    clock = Clock()
    watch = Watch([listed(LOG, qpd=4), listed(OTHER)], clock)
    async with here(tmp_path, watch) as (witness, url), aiohttp.ClientSession() as session:
        for size in range(4):
            assert (await add(session, url, LOG.request(size, size + 1)))[0] == 200
        status, why, after = await add(session, url, LOG.request(4, 5))
        assert (status, after) == (429, "21600")
        assert "asked too often" in why
        assert (await add(session, url, OTHER.request(0, 5)))[0] == 200
        clock.now_s = 21_600.0
        assert (await add(session, url, LOG.request(4, 5)))[0] == 200
        shown = witness.metrics.exposition().decode()
    assert f'writ_witness_requests_total{{log="{LOG.key.name}",outcome="limited"}} 1.0' in shown
    assert f'writ_witness_requests_total{{log="{LOG.key.name}",outcome="cosigned"}} 5.0' in shown


async def test_strangers_cannot_use_up_a_logs_allowance(tmp_path: Path) -> None:
    watch = Watch([listed(LOG, qpd=3)], Clock())
    forged = LOG.request(0, 5).replace(b"\n5\n", b"\n6\n")
    async with here(tmp_path, watch) as (_, url), aiohttp.ClientSession() as session:
        assert (await add(session, url, LOG.request(0, 1)))[0] == 200
        # Its own checkpoint, seen on the way and sent again; and what it never signed.
        replayed = [(await add(session, url, LOG.request(1, 1)))[0] for _ in range(5)]
        assert replayed == [200, 200, 200, 429, 429]
        assert (await add(session, url, LOG.request(0, 1)))[0] == 429
        assert [(await add(session, url, forged))[0] for _ in range(9)] == [403] * 9
        assert (await add(session, url, LOG.request(1, 2)))[0] == 200


async def test_the_list_is_read_again_and_no_request_is_lost(tmp_path: Path) -> None:
    config = written(tmp_path / "logs", map(listed, LOGS[:6]))
    async with (
        started(tmp_path, "--config", str(config)) as (process, url),
        aiohttp.ClientSession() as session,
    ):
        sizes = dict.fromkeys(range(6), 0)

        async def grow(number: int) -> None:
            for size in range(40):
                answer = await add(session, url, LOGS[number].request(size, size + 1))
                assert answer[0] == 200, answer
                sizes[number] = size + 1

        growing = asyncio.gather(*map(grow, range(6)))
        for count in (7, 9, 12):
            await asyncio.sleep(0.1)
            written(config, map(listed, LOGS[:count]))
            process.send_signal(signal.SIGHUP)
        await growing
        assert set(sizes.values()) == {40}
        # A signal takes a moment, and the requests may be through before it.
        async with asyncio.timeout(30):
            while (answer := await add(session, url, LOGS[11].request(0, 3)))[0] == 404:
                await asyncio.sleep(0.05)
        assert answer[0] == 200
        # A log that is taken off is unknown, and comes back with all that was cosigned.
        written(config, map(listed, LOGS[1:]))
        process.send_signal(signal.SIGHUP)
        await until(lambda: add(session, url, LOG.request(40, 41)), 404)
        written(config, map(listed, LOGS))
        process.send_signal(signal.SIGHUP)
        await until(lambda: add(session, url, LOG.request(0, 41)), 409)
        assert (await add(session, url, LOG.request(40, 41)))[0] == 200


async def test_a_bad_list_leaves_the_good_one_in_force_and_says_which_line(tmp_path: Path) -> None:
    config = written(tmp_path / "logs", [listed(LOG)])
    async with (
        started(tmp_path, "--config", str(config)) as (process, url),
        aiohttp.ClientSession() as session,
    ):
        config.write_text(config.read_text() + "\nvkey nonsense\nqpd 1\ncontact c\n")
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        said = json.loads(await process.stderr.readline())
        assert said["event"] == "logs_not_reloaded"
        assert "line 7" in said["error"]
        assert "copy the log's verifier key" in said["remedy"]
        assert (await add(session, url, LOG.request(0, 5)))[0] == 200
        async with session.get(f"{url}/metrics") as response:
            shown = await response.text()
        assert 'writ_witness_reloads_total{result="failed"} 1.0' in shown
        assert f'writ_witness_size{{log="{LOG.key.name}"}} 5.0' in shown
        line = json.loads(await process.stderr.readline())
        assert (line["outcome"], line["origin"], line["size"]) == ("cosigned", LOG.key.name, 5)
        process.terminate()
        assert await process.wait() == 0


async def test_without_a_usable_list_it_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("vkey x\n")
    with pytest.raises(Failure, match="line 1: the list does not begin with 'logs/v0'"):
        load_log_list(tmp_path / "logs")
    with pytest.raises(Failure, match="can't be read"):
        load_log_list(tmp_path / "nothing")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ledger.cli", "witness", "--key", "k", stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode != 0
    assert b"--config FILE" in said


async def test_a_slow_a_large_and_a_swollen_body_end_soon(tmp_path: Path) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"old 0\n"
            await asyncio.sleep(0.1)

    watch = Watch([listed(LOG)])
    async with (
        here(tmp_path, watch, body_timeout_s=0.3) as (witness, url),
        aiohttp.ClientSession() as session,
    ):
        async with session.post(f"{url}/add-checkpoint", data=drip()) as response:
            assert response.status == 408
        assert (await add(session, url, b"old 0\n" * 20_000))[0] == 413
        swollen, headers = gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}
        async with session.post(f"{url}/add-checkpoint", data=swollen, headers=headers) as response:
            assert response.status in (400, 413)
        assert (await add(session, url, LOG.request(0, 5)))[0] == 200
        shown = witness.metrics.exposition().decode()
    assert 'writ_witness_requests_total{log="",outcome="too-slow"} 1.0' in shown


async def test_a_line_that_is_too_long_is_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_module, "MAX_WAITING", 2)
    async with here(tmp_path, Watch([listed(LOG)])) as (_, url), aiohttp.ClientSession() as session:
        asked = [add(session, url, LOG.request(0, 50)) for _ in range(30)]
        answers = await asyncio.gather(*asked)
        assert {status for status, _, _ in answers} == {200, 409, 503}
        assert {after for status, _, after in answers if status == 503} == {"1"}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    memory = Memory(tmp_path_factory.mktemp("fuzzed") / "w.sqlite")
    memory.add_checkpoint(LOG.request(0, 7), Watch([listed(LOG)]), WITNESS, 1_800_000_000)
    yield memory
    memory.close()


@given(data=st.data())
def test_whatever_is_sent_has_an_answer_and_only_the_log_moves_on(
    fuzzed: Memory, data: st.DataObject
) -> None:
    watch = Watch([listed(LOG)])
    raw = data.draw(st.one_of(st.binary(), nearly(LOG.request(7, 9)), nearly(LOG.request(7, 7))))
    reply = fuzzed.add_checkpoint(raw, watch, WITNESS, 1_800_000_000)
    known = {size for origin, size, _ in fuzzed.cosigned(WITNESS)}
    assert known <= {7, 9}
    assert reply.status in (200, 400, 403, 404, 409, 422)
    assert (reply.status == 200) == (reply.size in (7, 9))


async def test_its_health_is_that_of_its_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with here(tmp_path, Watch([listed(LOG)])) as (_, url), aiohttp.ClientSession() as session:
        assert (await add(session, url, LOG.request(0, 5)))[0] == 200
        async with session.get(f"{url}/health") as response:
            assert (response.status, (await response.json())["wrong"]) == (200, None)
        monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
        async with session.get(f"{url}/health") as response:
            assert response.status == 503
            assert "the clock is" in (await response.json())["wrong"]


async def test_what_it_shows_of_itself_outlives_a_restart(tmp_path: Path) -> None:
    watch = Watch(logs_of_keys([LOG.key.verifier]))
    async with here(tmp_path, watch) as (_, url), aiohttp.ClientSession() as session:
        await add(session, url, LOG.request(0, 5))
    async with here(tmp_path, watch) as (witness, _):
        shown = witness.metrics.exposition().decode()
    assert f'writ_witness_size{{log="{LOG.key.name}"}} 5.0' in shown
    assert f'writ_witness_cosigned_time_seconds{{log="{LOG.key.name}"}} 1.' in shown


async def test_other_peoples_logs_are_cosigned_as_they_are(tmp_path: Path) -> None:
    """An origin that is not the key's name, lines of extensions, and a key that is being changed."""
    old, new = (SigningKey("Sumdb-Key", ED25519, bytes([n] * 32)) for n in (1, 2))
    logs = [ListedLog(key.verifier, "go.sum database tree", 100, "c") for key in (old, new)]

    def request(before: int, size: int, *keys: SigningKey) -> tuple[str, bytes]:
        head = LOG.note(size).text.split("\n", 1)[1]
        note = sign_note(f"go.sum database tree\n{head}extension 1\nextension 2\n", *keys)
        return note.text, format_add_checkpoint(AddCheckpoint(before, LOG.proof(before, size), note))

    async with here(tmp_path, Watch(logs)) as (_, url), aiohttp.ClientSession() as session:
        for before, size, keys in ((0, 3, [old]), (3, 5, [old, new]), (5, 9, [new])):
            text, body = request(before, size, *keys)
            status, line, _ = await add(session, url, body)
            assert status == 200, line
            verify_cosignature(text, parse_signature_line(line[:-1]), WITNESS.verifier)
        hashed = sha256(b"go.sum database tree").hexdigest()
        async with session.get(f"{url}/{hashed}/checkpoint") as response:
            shown = await response.text()
        assert [shown.count(name) for name in ("extension", "— Sumdb-Key", "— witness.example/w1")] == [
            2,
            1,
            1,
        ]


async def until(ask, status: int) -> None:  # type: ignore[no-untyped-def]
    """Ask until the answer is this: a signal arrives when it does."""
    async with asyncio.timeout(10):
        while (await ask())[0] != status:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kills", [3, pytest.param(150, marks=pytest.mark.soak)])
async def test_killed_at_any_moment_it_forgets_none_of_its_logs(tmp_path: Path, kills: int) -> None:
    chance = random.Random(11)
    forks = [GrowingLog(log.key.name, history=1) for log in LOGS]
    config = written(tmp_path / "logs", map(listed, LOGS))
    sizes = [0] * len(LOGS)
    for _ in range(kills):
        async with (
            started(tmp_path, "--config", str(config)) as (process, url),
            aiohttp.ClientSession() as session,
        ):
            for number, log in enumerate(LOGS):
                status, body, _ = await add(session, url, log.request(0, 1))
                known = int(body) if status == 409 else 1
                assert known >= sizes[number], "it forgot a size whose cosignature it had given"
                sizes[number] = known
                assert (await add(session, url, forks[number].request(known, known + 1)))[0] == 422

            async def grow(number: int, session: aiohttp.ClientSession = session, url: str = url) -> None:
                while True:
                    size = sizes[number]
                    answer = await add(session, url, LOGS[number].request(size, size + 1))
                    if answer[0] == 429:
                        await asyncio.sleep(0.1)
                        continue
                    assert answer[0] == 200, answer
                    sizes[number] = size + 1

            loop = asyncio.get_running_loop()
            loop.call_later(chance.uniform(0.02, 0.3), process.kill)
            for delay in (0.01, 0.05, 0.1):
                loop.call_later(delay, hang_up, process)
            ends = await asyncio.gather(*map(grow, range(len(LOGS))), return_exceptions=True)
            assert all(isinstance(end, aiohttp.ClientError | ConnectionError) for end in ends), ends
            assert await process.wait() == -signal.SIGKILL
    assert sum(sizes) > len(LOGS)


def hang_up(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGHUP)
