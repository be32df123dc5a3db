import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from ledger.config import Database
from ledger.verifying import Verifier
from signing.keys import COSIGNATURE, VerifierKey
from signing.note import NoteSignature, format_signature_line
from tests.ledger.lab import running_lab, seeded_key

KEY = seeded_key("crawler.clearview.example")


@pytest_asyncio.fixture
async def verifier() -> AsyncIterator[Verifier]:
    running = Verifier()
    await running.start()
    yield running
    await running.stop()


async def test_each_signature_gets_its_own_answer(verifier: Verifier) -> None:
    other = seeded_key("other.example")
    asked = []
    for number in range(200):
        message = b"message %d" % number * (1 + number % 7)
        signer = (KEY, other)[number % 3 == 0]
        asked.append(verifier.is_good(KEY.verifier, message, signer.sign(message)))
    assert await asyncio.gather(*asked) == [number % 3 != 0 for number in range(200)]
    assert await verifier.is_good(KEY.verifier, b"", KEY.sign(b""))


async def test_what_is_no_signature_is_not_good(verifier: Verifier) -> None:
    assert not await verifier.is_good(KEY.verifier, b"x", b"short")
    witness = VerifierKey(KEY.name, COSIGNATURE, KEY.verifier.public)
    assert not await verifier.is_good(witness, b"x", KEY.sign(b"x"))


async def test_a_dead_process_leaves_nobody_waiting(verifier: Verifier) -> None:
    assert verifier.pid is not None
    os.kill(verifier.pid, signal.SIGSTOP)
    asked = [asyncio.create_task(verifier.is_good(KEY.verifier, b"x", KEY.sign(b"x"))) for _ in range(5)]
    await asyncio.sleep(0.05)
    os.kill(verifier.pid, signal.SIGKILL)
    assert await asyncio.gather(*asked) == [False] * 5
    assert has_gone(verifier)
    assert not await verifier.is_good(KEY.verifier, b"x", KEY.sign(b"x"))


async def test_without_it_submissions_are_verified_all_the_same(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register(KEY.name)
        await lab.post(poster, poster.events(1))
        assert lab.service.verifier.pid is not None
        os.kill(lab.service.verifier.pid, signal.SIGKILL)
        await lab.post(poster, poster.events(1))
        await lab.post(poster, poster.events(1))
        stranger = seeded_key("stranger.example")
        forged = poster.make(poster.events(1))[0]
        good = forged.split(b"\n")[7]
        bad = stranger.sign(forged.partition(b"\n\n")[0] + b"\n")
        status, answer = await lab.send(forged.replace(good, signature_line(bad)))
        assert (status, b"bad-signature" in answer) == (401, True)


def has_gone(verifier: Verifier) -> bool:
    return verifier.pid is None


def signature_line(signature: bytes) -> bytes:
    return (
        format_signature_line(NoteSignature(KEY.name, KEY.verifier.key_id, signature)).encode().rstrip(b"\n")
    )
