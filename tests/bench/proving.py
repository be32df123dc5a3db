"""Inclusion proofs in a long log: made by the service over HTTP, and in process, from cold and warm tiles.

Cold: no tile was read since the service (or the reader) was started. Warm: every tile was read before.
"""

import random
import time
from statistics import median

import asyncpg
import msgspec

from ledger import store
from ledger.reading import Reader
from ledger.resume import resume
from signing.merkle import leaf_hash, verify_inclusion
from signing.note import parse_note
from signing.tiles import WIDTH
from signing.tlog_proof import parse_proof
from tests.bench.events import ORIGIN
from tests.bench.figures import Figure, quantile
from tests.bench.service import LOG, Service
from tests.bench.wire import Connection, get

PROOF_TARGET_MS = 5


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    entries: int
    proofs: int


FULL = Scale(entries=1_000_000, proofs=2_000)
QUICK = Scale(entries=10_000, proofs=20)


async def measure(scale: Scale, service: Service) -> list[Figure]:
    """Prove entries of different tiles, twice each. The service has just been started."""
    size = (await service.checkpoint()).size
    # Each in a tile of its own, as long as there are any.
    tiles = random.Random(size).sample(range(size // WIDTH), min(scale.proofs, size // WIDTH))
    indexes = [tile * WIDTH + tile % WIDTH for tile in tiles]
    cold_ms = await _over_http(service, indexes)
    warm_ms = await _over_http(service, indexes)
    cold_own_ms, warm_own_ms = await _in_process(service, indexes)
    return [
        _figure(f"inclusion proof over HTTP, {size:,} entries", cold_ms, PROOF_TARGET_MS),
        _worst("· p99", cold_ms, PROOF_TARGET_MS),
        _figure("· tiles read before", warm_ms, None),
        _figure("· in process", cold_own_ms, None),
        _figure("· in process, tiles read before", warm_own_ms, None),
    ]


def _figure(name: str, taken_ms: list[float], target: float | None) -> Figure:
    return Figure(
        name=name,
        unit="ms",
        samples=[median(taken_ms)],
        target=target,
        at_most=True,
        detail={"p99_ms": quantile(taken_ms, 0.99), "proofs": len(taken_ms)},
    )


def _worst(name: str, taken_ms: list[float], target: float) -> Figure:
    return Figure(name=name, unit="ms", samples=[quantile(taken_ms, 0.99)], target=target, at_most=True)


async def _over_http(service: Service, indexes: list[int]) -> list[float]:
    """Milliseconds from asking to having each proof; one of them is verified."""
    connection = await Connection.open(service.url)
    taken_ms: list[float] = []
    for index in indexes:
        began_s = time.perf_counter()
        answer = await connection.send(get(f"/logs/{LOG}/entries/{index}/proof"))
        taken_ms.append((time.perf_counter() - began_s) * 1_000)
        assert answer.status == 200, answer
    entry = (await connection.send(get(f"/logs/{LOG}/entries/{indexes[-1]}"))).body
    connection.close()
    proof, checkpoint = parse_proof(answer.body), await service.checkpoint()
    verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return taken_ms


async def _in_process(service: Service, indexes: list[int]) -> tuple[list[float], list[float]]:
    """The same by a reader of our own, without HTTP: cold, then warm."""
    note = parse_note(await service.ask(get(f"/logs/{LOG}/checkpoint")))
    async with asyncpg.create_pool(service.dsn(), min_size=1, max_size=1) as pool:
        state = await resume(pool, LOG, ORIGIN, await store.read_head(pool, LOG))
        reader = Reader(pool, LOG, ORIGIN)
        passes: list[list[float]] = []
        for _ in range(2):
            passes.append([])
            for index in indexes:
                began_s = time.perf_counter()
                await reader.prove(index, note, state.head.size, state)
                passes[-1].append((time.perf_counter() - began_s) * 1_000)
    return passes[0], passes[1]
