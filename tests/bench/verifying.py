"""What verifying takes, and exporting: of a log with millions of events in time and memory; of an order over
a million copies, in time. `writ verify` is run as its reader runs it, start of the process and all."""

import asyncio
import subprocess
import sys
import time
from urllib.parse import quote

import msgspec
import psutil

from tests.bench import bundles
from tests.bench.bundles import Bundle
from tests.bench.figures import Figure
from tests.bench.growing import fill
from tests.bench.judging import Case
from tests.bench.place import Place
from tests.bench.service import LOG
from tests.bench.weighing import Weighing, with_children
from tests.bench.wire import get
from tests.projections.logbuilder import rfc3339

RATE_TARGET = 80_000
MEMORY_TARGET_MB = 300
COMPACT_TARGET_S = 2
CARRIED_OUT, NOT_CARRIED_OUT = 0, 3


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    rounds: int
    entries: int
    """Of the full bundle."""
    copies: int
    """Under the order of the compact bundle."""
    compact_rounds: int
    exported: int
    """Entries of the log that is exported."""


FULL = Scale(rounds=1, entries=5_000_000, copies=1_000_000, compact_rounds=5, exported=1_000_000)
QUICK = Scale(rounds=1, entries=15_000, copies=3_000, compact_rounds=1, exported=2_000)


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the command."""

    took_s: float
    peak_mb: float
    """Of the verifier and its workers together."""
    largest_mb: float
    """Of the largest of these processes alone, what it shares with others included."""


async def measure(scale: Scale, place: Place) -> list[Figure]:
    """Make the bundles, verify them, and export a log."""
    place.say(f"verifying: making a full bundle of {scale.entries:,} entries")
    bundle = await asyncio.to_thread(bundles.full, place.folder, scale.entries)
    runs = []
    for number in range(scale.rounds):
        place.say(f"verifying: round {number + 1} of {scale.rounds}")
        runs.append(await asyncio.to_thread(verify, bundle, NOT_CARRIED_OUT))
    bundle.path.unlink()
    place.say(f"verifying: a compact bundle of an order over {scale.copies:,} copies")
    small = await asyncio.to_thread(bundles.compact, place.folder, scale.copies)
    short = [await asyncio.to_thread(verify, small, CARRIED_OUT) for _ in range(scale.compact_rounds)]
    place.say(f"verifying: exporting a log of {scale.exported:,} entries")
    return [
        Figure(
            name=f"writ verify, full bundle of {scale.entries:,} entries",
            unit="events/s",
            samples=[bundle.size / run.took_s for run in runs],
            target=RATE_TARGET,
        ),
        _memory("· memory of verifier and workers", [run.peak_mb for run in runs], MEMORY_TARGET_MB),
        _memory("· memory of the largest process", [run.largest_mb for run in runs], None),
        Figure(
            name=f"writ verify, compact, {scale.copies:,} copies",
            unit="s",
            samples=[run.took_s for run in short],
            target=COMPACT_TARGET_S,
            at_most=True,
        ),
        *await _export(scale, place),
    ]


def command_of(bundle: Bundle) -> list[str]:
    """How its reader verifies it."""
    now = rfc3339(bundle.now * 1_000_000)
    command = [sys.executable, "-m", "ledger.cli", "verify", str(bundle.path), "--json", "--now", now]
    return [*command, "--authority", bundle.authority]


def verify(bundle: Bundle, expected: int) -> Verified:
    """Run the command; it must end with the code expected."""
    began_s = time.perf_counter()
    process = subprocess.Popen(command_of(bundle), stdout=subprocess.PIPE)
    assert process.stdout is not None
    with Weighing(process.pid) as weighing:
        said = process.stdout.read()
        code = process.wait()
        took_s = time.perf_counter() - began_s
    process.stdout.close()
    assert code == expected, said.decode()
    return Verified(took_s=took_s, peak_mb=weighing.peak_mb, largest_mb=weighing.largest_mb)


async def _export(scale: Scale, place: Place) -> list[Figure]:
    """Have a service export an order over a log, and weigh the process that it starts for that."""
    async with place.service("exported") as service:
        await fill(service.dsn(), scale.exported)
        order = await (await Case.begun(service)).issue(1)
        await service.settle()
        others = frozenset(with_children(psutil.Process(service.pid)))
        began_s = time.perf_counter()
        with Weighing(service.pid, others) as weighing:
            raw = await service.ask(get(f"/logs/{LOG}/orders/{quote(order, safe='')}/bundle"))
        took_s = time.perf_counter() - began_s
    assert raw.startswith(b"PK")
    name = f"export of a log of {scale.exported:,} entries"
    return [
        Figure(name=name, unit="s", samples=[took_s], detail={"bundle_mb": len(raw) / 1e6}),
        _memory("· memory of the process that makes it", [weighing.peak_mb], MEMORY_TARGET_MB),
    ]


def _memory(name: str, samples: list[float], target: float | None) -> Figure:
    return Figure(name=name, unit="MB", samples=samples, target=target, at_most=True)
