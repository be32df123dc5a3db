"""The witness: the standard's answers, and a memory that neither a crash nor a race makes go back."""

import asyncio
import random
import signal
import sqlite3
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from ledger.failure import Failure
from ledger.witness import make_app
from ledger.witness_logs import Watch, logs_of_keys
from ledger.witness_memory import Memory
from signing.cosignature import verify_cosignature
from signing.keys import (
    ED25519,
    SigningKey,
    format_vkey,
    parse_vkey,
)
from signing.note import NoteSignature, parse_note, parse_signature_line, verify_note
from tests.ledger.growing_log import GrowingLog
from tests.ledger.witness_process import WITNESS, started

VECTORS = Path(__file__).parent.parent / "vectors" / "c2sp"
VECTOR_LOG = parse_vkey("ledger.example/tenant-1+fc6bee99+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
LOG = GrowingLog()
FORK = GrowingLog(history=1)


class Client:
    """What a log does with a witness."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def add(self, body: bytes) -> tuple[int, str, str]:
        async with self.session.post(f"{self.url}/add-checkpoint", data=body) as response:
            return response.status, response.content_type, await response.text()

    async def shown(self, origin: str) -> tuple[int, bytes]:
        async with self.session.get(
            f"{self.url}/{sha256(origin.encode()).hexdigest()}/checkpoint"
        ) as response:
            return response.status, await response.read()


@pytest.fixture
async def witness(tmp_path: Path) -> AsyncIterator[Client]:
    app = make_app(Memory(tmp_path / "w.sqlite"), [VECTOR_LOG, LOG.key.verifier], WITNESS)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Client(session, str(server.make_url("")).rstrip("/"))


def cosignature(body: str) -> NoteSignature:
    assert body.endswith("\n")
    return parse_signature_line(body[:-1])


async def test_the_standards_exchanges_get_the_standards_answers(witness: Client) -> None:
    def vector(name: str) -> bytes:
        return (VECTORS / "witness" / f"{name}.req").read_bytes()

    for name in ("add-checkpoint0", "add-checkpoint"):
        status, _, body = await witness.add(vector(name))
        assert status == 200
        text = parse_note(vector(name).split(b"\n\n", 1)[1]).text
        assert verify_cosignature(text, cosignature(body), WITNESS.verifier) > 1_767_225_600
    assert await witness.add(vector("add-checkpoint")) == (409, "text/x.tlog.size", "300\n")
    assert (await witness.add(vector("refresh")))[0] == 200
    assert (await witness.add(vector("badproof")))[0] == 422
    assert (await witness.add(vector("nosig")))[0] == 403


async def test_each_way_of_being_wrong_has_its_status(witness: Client) -> None:
    unknown = GrowingLog("ledger.example/unknown")
    assert (await witness.add(unknown.request(0, 5)))[0] == 404
    assert (await witness.add(b"old 0\n\nnot a note\n"))[0] == 400
    assert (await witness.add(LOG.request(0, 5).replace(b"old 0", b"old 00")))[0] == 400
    assert (await witness.add(LOG.request(0, 5).replace(b"old 0", b"old 6")))[0] == 400
    forged = LOG.request(0, 5).replace(b"\n5\n", b"\n6\n")
    assert (await witness.add(forged))[0] == 403
    needless_proof = LOG.request(0, 5).replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n")
    assert (await witness.add(needless_proof))[0] == 422
    assert (await witness.add(b"old 0\n\n" + b"x" * 70_000))[0] == 413
    # After all that nothing was remembered.
    assert (await witness.shown(LOG.key.name))[0] == 404
    assert (await witness.add(LOG.request(0, 5)))[0] == 200


async def test_a_fork_is_refused_at_every_size(witness: Client) -> None:
    assert (await witness.add(LOG.request(0, 100)))[0] == 200
    assert (await witness.add(FORK.request(100, 300)))[0] == 422
    assert (await witness.add(FORK.request(100, 100)))[0] == 422
    assert (await witness.add(FORK.request(0, 50)))[2] == "100\n"
    assert (await witness.add(LOG.request(100, 300)))[0] == 200


async def test_what_was_cosigned_is_shown_with_both_signatures(witness: Client) -> None:
    await witness.add(LOG.request(0, 7))
    status, raw = await witness.shown(LOG.key.name)
    note = parse_note(raw)
    assert status == 200
    verify_note(note, LOG.key.verifier)
    assert verify_cosignature(note.text, note.signatures[-1], WITNESS.verifier) > 0


async def test_two_logs_do_not_mix(witness: Client) -> None:
    vector = (VECTORS / "witness" / "add-checkpoint0.req").read_bytes()
    assert (await witness.add(vector))[0] == 200
    assert (await witness.add(LOG.request(0, 9)))[0] == 200
    assert (await witness.add(LOG.request(9, 12)))[0] == 200


async def test_of_racing_requests_from_one_size_exactly_one_is_cosigned(witness: Client) -> None:
    await witness.add(LOG.request(0, 10))
    answers = await asyncio.gather(*(witness.add(LOG.request(10, 10 + n)) for n in range(1, 20)))
    won = [index + 11 for index, (status, _, _) in enumerate(answers) if status == 200]
    assert len(won) == 1
    assert {body for status, _, body in answers if status == 409} == {f"{won[0]}\n"}


def test_the_memory_outlives_the_process_and_the_clock_never_goes_back(tmp_path: Path) -> None:
    logs = Watch(logs_of_keys([LOG.key.verifier]))
    memory = Memory(tmp_path / "w.sqlite")
    memory.add_checkpoint(LOG.request(0, 5), logs, WITNESS, 2_000_000_000)
    memory.close()
    memory = Memory(tmp_path / "w.sqlite")
    assert memory.add_checkpoint(LOG.request(0, 6), logs, WITNESS, 1_900_000_000).body == b"5\n"
    reply = memory.add_checkpoint(LOG.request(5, 6), logs, WITNESS, 1_900_000_000)
    signed = cosignature(reply.body.decode())
    assert verify_cosignature(LOG.note(6).text, signed, WITNESS.verifier) == 2_000_000_000
    memory.close()


def test_a_failed_commit_gives_no_cosignature_and_leaves_the_witness_usable(tmp_path: Path) -> None:
    logs = Watch(logs_of_keys([LOG.key.verifier]))
    memory = Memory(tmp_path / "w.sqlite")
    reader = sqlite3.connect(tmp_path / "w.sqlite", isolation_level=None)
    memory._db.execute("PRAGMA busy_timeout = 10")
    reader.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        memory.add_checkpoint(LOG.request(0, 5), logs, WITNESS, 2_000_000_000)
    reader.execute("ROLLBACK")
    assert memory.add_checkpoint(LOG.request(0, 5), logs, WITNESS, 2_000_000_000).status == 200
    reader.close()
    memory.close()


def test_a_file_that_is_no_memory_and_a_key_that_is_no_witnesss_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.sqlite").write_bytes(b"not a database, and long enough to be looked at" * 100)
    with pytest.raises(Failure, match="not a witness's memory"):
        Memory(tmp_path / "w.sqlite")
    with pytest.raises(Failure, match="not a witness's key"):
        make_app(Memory(tmp_path / "v.sqlite"), [], SigningKey("w.example", ED25519, bytes(32)))


@pytest.mark.parametrize("kills", [4, pytest.param(300, marks=pytest.mark.soak)])
async def test_killed_at_any_moment_it_never_cosigns_less_than_it_once_did(
    tmp_path: Path, kills: int
) -> None:
    chance = random.Random(7)
    cosigned: dict[int, str] = {}
    size = 0
    for _ in range(kills):
        async with (
            started(tmp_path, "--log", format_vkey(LOG.key.verifier)) as (process, url),
            aiohttp.ClientSession() as session,
        ):
            client = Client(session, url)
            # The witness may know of one size more than the reply that the kill cut off.
            status, _, body = await client.add(LOG.request(0, 1))
            known = int(body) if status == 409 else 1
            assert known >= size, "it forgot a size whose cosignature it had given"
            size = known
            assert (await client.add(FORK.request(size, size + 1)))[0] == 422
            asyncio.get_running_loop().call_later(chance.uniform(0.02, 0.2), process.kill)
            try:
                while True:
                    status, _, body = await client.add(LOG.request(size, size + 1))
                    assert status == 200
                    size += 1
                    assert cosigned.setdefault(size, LOG.note(size).text) == LOG.note(size).text
                    verify_cosignature(LOG.note(size).text, cosignature(body), WITNESS.verifier)
            except (aiohttp.ClientError, ConnectionError):
                pass
            assert await process.wait() == -signal.SIGKILL
    assert len(cosigned) > 5


async def test_it_stops_when_asked_to(tmp_path: Path) -> None:
    async with started(tmp_path, "--log", format_vkey(LOG.key.verifier)) as (process, _):
        process.terminate()
        assert await process.wait() == 0
