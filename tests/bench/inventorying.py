"""Inventories: keys a second from a table of Postgres to the digest of their handles, by those of reading the
keys alone; what it takes of memory; and what is moved to find three handles among all of them.

python -m tests.bench.inventorying DSN
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec

from ledger.keyfiles import write_key
from ledger.kit.outbox_table import DDL
from ledger.stores import postgres
from ledger.stores.blinding import HANDLE_BYTES, Blinder
from ledger.stores.opening import Where
from projections import events as ev
from signing.encoding import encode_base64
from signing.handle import blinding_commitment
from signing.keys import format_signing_key
from signing.submission import format_submission
from tests.bench.events import CONTROLLER, CRAWLER, TIME
from tests.bench.figures import Figure
from tests.bench.place import Place
from tests.bench.service import LOG, SUBMISSIONS, Service, run_module
from tests.bench.weighing import Weighing
from tests.bench.wire import get, post
from tests.ledger.inventory.estate import counted
from tests.ledger.lab import Poster, seeded_key

RATE_TARGET = 150_000
MEMORY_TARGET_MB = 300
MOVED_TARGET_MB = 5
KEY = bytes(range(32))
FEWER = 3
BULK = 1_000
AT_ONCE = 100
_FILL = "INSERT INTO people SELECT 'person-' || lpad(n::text, 9, '0') FROM generate_series(1, $1) AS n"


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    keys: int
    rounds: int


FULL = Scale(keys=10_000_000, rounds=3)
QUICK = Scale(keys=70_000, rounds=1)


class Run(msgspec.Struct, frozen=True):
    """One inventory."""

    took_s: float
    peak_mb: float
    said: dict[str, object]


async def measure(scale: Scale, place: Place) -> list[Figure]:
    """Fill a store, count it some times, and compare it with the ledger."""
    async with place.service("inventoried") as service:
        place.say(f"inventory: a store of {scale.keys:,} keys")
        dsn = await _fill(service, scale.keys)
        key = place.folder / "blinding.key"
        key.write_text(KEY.hex())
        key.chmod(0o600)
        alone, runs = [], []
        for number in range(scale.rounds):
            place.say(f"inventory: round {number + 1} of {scale.rounds}")
            alone.append(float(await run_module("tests.bench.inventorying", dsn)))
            runs.append(await asyncio.to_thread(inventory, place.folder, dsn, _through_the_outbox()))
            assert runs[-1].said["count"] == scale.keys
        compared = await _reconcile(place, service, dsn, scale.keys)
    return [*_figures(scale, alone, runs), *compared]


def inventory(folder: Path, dsn: str, words: Sequence[str]) -> Run:
    """Run the command; what it took, from its start to its end."""
    command = [sys.executable, "-m", "ledger.cli", "inventory", "people", "--json", "--anew", *words]
    command += ["--from", dsn, "--table", "people", "--columns", "id"]
    command += ["--blinding-key", str(folder / "blinding.key"), "--work", str(folder / "people.inventory")]
    began_s = time.perf_counter()
    process = subprocess.Popen([*command, "--controller", CONTROLLER], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with Weighing(process.pid) as weighing:
        said = process.stdout.read()
        code = process.wait()
        took_s = time.perf_counter() - began_s
    process.stdout.close()
    assert code == 0, said.decode()
    return Run(took_s, weighing.peak_mb, json.loads(said))


def _figures(scale: Scale, alone: list[float], runs: list[Run]) -> list[Figure]:
    rates = [scale.keys / run.took_s for run in runs]
    shares = [took_s / run.took_s for took_s, run in zip(alone, runs, strict=True)]
    memory = [run.peak_mb for run in runs]
    return [
        Figure(
            name=f"writ inventory, {scale.keys:,} keys of Postgres",
            unit="keys/s",
            samples=rates,
            target=RATE_TARGET,
        ),
        Figure(name="· the same keys only read", unit="keys/s", samples=[scale.keys / one for one in alone]),
        Figure(name="· share of only reading", unit="", samples=shares),
        Figure(name="· memory of all its processes", unit="MB", samples=memory, target=MEMORY_TARGET_MB,
               at_most=True),
    ]  # fmt: skip


async def _fill(service: Service, keys: int) -> str:
    """A database of its own beside the ledger's; its DSN."""
    owner = await asyncpg.connect(service.owner_dsn)
    await owner.execute("CREATE DATABASE estate")
    await owner.close()
    dsn = urlsplit(service.owner_dsn)._replace(path="/estate").geturl()
    estate = await asyncpg.connect(dsn)
    await estate.execute(DDL)
    await estate.execute("CREATE TABLE people (id text NOT NULL)")
    await estate.execute(_FILL, keys)
    await estate.execute("VACUUM ANALYZE people")
    await estate.close()
    return dsn


def _through_the_outbox() -> list[str]:
    return ["--outbox", "--source", f"{CRAWLER}/outbox", "--namespace", "people"]


async def _reconcile(place: Place, service: Service, dsn: str, keys: int) -> list[Figure]:
    """Have the ledger hold all but three, and find these."""
    place.say(f"inventory: the ledger holds {keys - FEWER:,} of them")
    await _hold(service, keys - FEWER)
    await service.settle()
    created = await service.ask(get(f"/logs/{LOG}/entries/1"))
    log = msgspec.json.decode(created.partition(b"\n")[2])["data"]["log_vkey"]
    key = place.folder / "poster.key"
    write_key(key, format_signing_key(seeded_key(CRAWLER)))
    words = ["--quiescent", "--url", service.url, "--log", log, "--key", str(key)]
    await asyncio.to_thread(inventory, place.folder, dsn, words)
    place.say("inventory: comparing")
    async with counted(service.url) as wire:
        command = ["reconcile", "people", "--json", "--no-post", "--url", wire.url, "--log", log]
        command += ["--work", str(place.folder / "people.inventory"), "--patience", "600"]
        began_s = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ledger.cli", *command, stdout=subprocess.PIPE
        )
        out, _ = await process.communicate()
        took_s = time.perf_counter() - began_s
    said = json.loads(out)
    assert (len(said["orphans"]), said["missing"]) == (FEWER, []), said
    return [
        Figure(name=f"· moved to find {FEWER} handles of them", unit="MB", samples=[wire.moved / 1e6],
               target=MOVED_TARGET_MB, at_most=True),
        Figure(name="· time to find them", unit="s", samples=[took_s]),
    ]  # fmt: skip


async def _hold(service: Service, keys: int) -> None:
    """Post the copies, a thousand an event."""
    poster = Poster(service.crawler, f"{CRAWLER}/held")
    store = ev.StoreRegistered(
        blinding_commitment=encode_base64(blinding_commitment(KEY)), controller=CONTROLLER, country="US",
        kind="live", namespace="people", object_locked=False, operator_key=CRAWLER, store="people",
        versioned=False,
    )  # fmt: skip
    await _post(service, poster, [store])
    blinder = Blinder(KEY, "people")
    for first in range(1, keys + 1, BULK * AT_ONCE):
        events: list[ev.Data] = []
        for at in range(first, min(first + BULK * AT_ONCE, keys + 1), BULK):
            ids = [f"person-{number:09d}" for number in range(at, min(at + BULK, keys + 1))]
            events.append(_held(blinder.blind(ids)))
        await _post(service, poster, events)


def _held(rows: bytes) -> ev.DataHeld:
    handles = sorted(rows[at : at + HANDLE_BYTES].hex() for at in range(0, len(rows), HANDLE_BYTES))
    return ev.DataHeld(
        as_of=TIME, categories=("user.biometric",), controller=CONTROLLER, minor="unknown",
        records=tuple(handles), special_category=True, store="people",
    )  # fmt: skip


async def _post(service: Service, poster: Poster, events: Sequence[ev.Data]) -> None:
    first = poster.frontier.end
    lines = [
        ev.encode_event(ev.make_event(data, id=f"held-{at}", source=poster.source, time=TIME))
        for at, data in enumerate(events, first)
    ]
    submission, poster.frontier = poster.sign(lines)
    await service.ask(post(SUBMISSIONS, format_submission(submission)))


def read(dsn: str) -> float:
    """Read all keys and do nothing with them; how long it took."""
    began_s = time.perf_counter()
    source = postgres.open(Where(scheme="postgresql", url=dsn, table="people", columns=("id",)))
    for part in source.parts():
        for _ in source.keys(part):
            pass
    source.close()
    return time.perf_counter() - began_s


if __name__ == "__main__":
    print(read(sys.argv[1]))
