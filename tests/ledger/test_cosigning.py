"""Asking witnesses: real ones on the loopback, and a stub for what only a broken one would answer."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ledger.cosigning import Cosigned, Witnesses, read_size
from ledger.witness import make_app
from ledger.witness_memory import Memory
from signing.cosignature import cosign
from signing.keys import COSIGNATURE, SigningKey
from signing.note import format_signature_line
from signing.policy import Policy, PolicyGroup, PolicyQuorum, PolicyWitness, quorum_time
from signing.tiles import Tile
from tests.ledger.growing_log import GrowingLog

LOG = GrowingLog()
FORK = GrowingLog(history=1)
KEYS = [SigningKey(f"witness.example/w{n}", COSIGNATURE, bytes([n] * 32)) for n in (1, 2)]


class Bench:
    """Two witnesses that run, and a client of them that knows nothing yet."""

    def __init__(self, session: aiohttp.ClientSession, urls: list[str]) -> None:
        self.session = session
        self.policy = policy(*urls)

    async def cosign(self, log: GrowingLog, size: int, witnesses: Witnesses | None = None) -> Cosigned:
        async def read_tiles(tiles: Sequence[Tile], of_size: int) -> Mapping[Tile, bytes]:
            assert of_size == size
            return {tile: log.tile(tile) for tile in tiles}

        asked = witnesses or Witnesses(self.session, self.policy)
        return await asked.cosign(log.checkpoint(size), log.note(size), read_tiles)


def policy(*urls: str | None) -> Policy:
    witnesses = [
        PolicyWitness(f"w{n}", key.verifier, url)
        for n, (key, url) in enumerate(zip(KEYS, urls, strict=False), 1)
    ]
    names = tuple(witness.name for witness in witnesses)
    return Policy((*witnesses, PolicyGroup("both", "all", names), PolicyQuorum("both")))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        urls = []
        for n, key in enumerate(KEYS):
            app = make_app(Memory(tmp_path / f"{n}.sqlite"), [LOG.key.verifier], key)
            server = await stack.enter_async_context(TestServer(app))
            urls.append(str(server.make_url("")))
        yield Bench(await stack.enter_async_context(aiohttp.ClientSession()), urls)


async def test_every_witness_cosigns_and_the_quorum_has_a_time(bench: Bench) -> None:
    witnesses = Witnesses(bench.session, bench.policy)
    for size in (1, 2, 256, 300, 300, 70_000):
        cosigned = await bench.cosign(LOG, size, witnesses)
        assert (cosigned.troubles, cosigned.contradictions) == ((), ())
        assert quorum_time(bench.policy, cosigned.note) is not None
        assert cosigned.note.text == LOG.note(size).text


async def test_the_old_size_is_learned_from_the_witness(bench: Bench) -> None:
    await bench.cosign(LOG, 100)
    newcomer = Witnesses(bench.session, bench.policy)
    assert quorum_time(bench.policy, (await bench.cosign(LOG, 300, newcomer)).note) is not None
    # Another process of ours went on meanwhile; what this one remembers is out of date.
    await bench.cosign(LOG, 400)
    assert quorum_time(bench.policy, (await bench.cosign(LOG, 500, newcomer)).note) is not None


async def test_a_witness_that_saw_more_contradicts(bench: Bench) -> None:
    await bench.cosign(LOG, 300)
    restored = await bench.cosign(LOG, 200)
    assert {(c.witness, c.size) for c in restored.contradictions} == {("w1", 300), ("w2", 300)}
    assert len(restored.note.signatures) == 1


async def test_a_witness_that_saw_another_history_contradicts(bench: Bench) -> None:
    await bench.cosign(LOG, 300)
    for size in (300, 400):
        forked = await bench.cosign(FORK, size)
        assert {(c.witness, c.size) for c in forked.contradictions} == {("w1", 300), ("w2", 300)}
        assert "another tree" in forked.contradictions[0].why
        assert len(forked.note.signatures) == 1


async def test_a_witness_out_of_reach_is_a_trouble_and_the_others_count(bench: Bench) -> None:
    urls = [witness.url for witness in bench.policy.witnesses]
    for bad in ("http://127.0.0.1:1", None):
        witnesses = Witnesses(bench.session, policy(urls[0], bad))
        cosigned = await bench.cosign(LOG, 5, witnesses)
        assert [trouble.witness for trouble in cosigned.troubles] == ["w2"]
        assert [line.name for line in cosigned.note.signatures] == [LOG.key.name, KEYS[0].name]
        assert quorum_time(bench.policy, cosigned.note) is None


async def test_a_log_that_a_witness_does_not_know_is_a_trouble(bench: Bench) -> None:
    cosigned = await bench.cosign(GrowingLog("ledger.example/other"), 5)
    assert ["404" in trouble.why for trouble in cosigned.troubles] == [True, True]
    assert cosigned.contradictions == ()


def forged(text: str) -> str:
    other = SigningKey(KEYS[0].name, COSIGNATURE, bytes([9] * 32))
    return format_signature_line(cosign(text, other, 1_800_000_000))


def of_another_tree(_: str) -> str:
    return format_signature_line(cosign(FORK.note(5).text, KEYS[0], 1_800_000_000))


ANSWERS = {
    "forged": (200, forged, "no line is of"),
    "another tree": (200, of_another_tree, "does not verify"),
    "nothing": (200, lambda _: "", "newline"),
    "rubbish": (200, lambda _: "thanks\n", "signature line"),
    "too long": (200, lambda _: "x" * 70_000, "over 65536"),
    "redirect": (302, lambda _: "elsewhere\n", "302"),
    "no size": (409, lambda _: "12 \n", "not a size"),
    "signed size": (409, lambda _: "+1\n", "not a size"),
    "its own way": (409, lambda _: "3\n", "another size each time"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_a_broken_witness_answers_counts_for_nothing(name: str) -> None:
    status, make, why = ANSWERS[name]

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=make(LOG.note(5).text))

    app = web.Application()
    app.add_routes([web.post("/add-checkpoint", answer)])
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        broken = Bench(session, [str(server.make_url(""))])
        cosigned = await broken.cosign(LOG, 5)
    assert cosigned.note == LOG.note(5)
    assert cosigned.contradictions == ()
    assert why in cosigned.troubles[0].why


def test_a_size_is_read_exactly() -> None:
    assert read_size(b"300\n") == 300
    for wrong in (b"300", b"0300\n", b" 300\n", "٣\n".encode(), b"\n", b"300\n\n"):
        assert isinstance(read_size(wrong), str)
