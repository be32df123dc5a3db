"""Whether appending stays as fast as the log grows: a long and a short log, each in a Postgres of its own.

Both are pre-filled by the append path's own sealing and COPY (`growing.fill`), vacuumed, and their services
started anew. Then the same run goes to one and the other, in pairs, in turns first.
"""

from statistics import median

import asyncpg
import msgspec

from tests.bench import proving
from tests.bench.appending import Posters, Shape
from tests.bench.figures import Figure
from tests.bench.growing import fill
from tests.bench.place import Place
from tests.bench.service import Run

LASTING_TARGET = 0.9


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    pairs: int
    long: int
    """Entries of the long log."""
    short: int
    run: Shape


FULL = Scale(
    pairs=9,
    long=5_000_000,
    # The runs of all pairs lengthen it by 180,000, so that the middle pair meets it at 100,000 or so.
    short=10_000,
    run=Shape(sources=10, submissions=2, events=1_000, records=1),
)
QUICK = Scale(pairs=1, long=20_000, short=1_000, run=Shape(sources=2, submissions=2, events=100, records=1))


async def measure_proofs(scale: proving.Scale, place: Place) -> list[Figure]:
    """Make a log long enough, and prove entries of it."""
    place.say(f"proving: filling a log with {scale.entries:,} entries")
    await _make(place, "long", scale.entries)
    place.say("proving: entry by entry, four ways")
    async with place.service("long") as service:
        return await proving.measure(scale, service)


async def measure(scale: Scale, place: Place) -> list[Figure]:
    """Compare the rates; goes on with the log that the proofs were made in, if there is one."""
    for name, size in (("long", scale.long), ("short", scale.short)):
        place.say(f"lasting: filling the {name} log to {size:,} entries")
        await _make(place, name, size)
    runs: dict[str, list[Run]] = {"long": [], "short": []}
    async with place.service("long") as long, place.service("short") as short:
        services = {"long": long, "short": short}
        posters = {name: Posters(service, scale.run, 0) for name, service in services.items()}
        for service in services.values():
            await service.drive(Posters(service, QUICK.run, 900).work())
        for number in range(scale.pairs):
            place.say(f"lasting: pair {number + 1} of {scale.pairs}")
            for name in sorted(runs, reverse=number % 2 == 1):
                await services[name].settle()
                runs[name].append(await services[name].drive(posters[name].work()))
                await services[name].settle()
    return _figures(scale, runs)


def _figures(scale: Scale, runs: dict[str, list[Run]]) -> list[Figure]:
    rates = {name: [scale.run.all_events / run.took_s for run in some] for name, some in runs.items()}
    ratios = [long / short for long, short in zip(rates["long"], rates["short"], strict=True)]
    return [
        Figure(
            name=f"append rate after {scale.long:,} entries by after 100,000",
            unit="",
            samples=ratios,
            target=LASTING_TARGET,
            detail={
                "events_per_s": {name: median(some) for name, some in rates.items()},
                "cores": {name: [run.cores for run in some] for name, some in runs.items()},
            },
        )
    ]


async def _make(place: Place, name: str, size: int) -> None:
    """Fill a log, and leave its database at rest."""
    async with place.service(name) as service:
        await fill(service.dsn(), size)
        connection = await asyncpg.connect(service.owner_dsn)
        # What autovacuum would do sooner or later, and then in the middle of a run.
        await connection.execute("VACUUM (ANALYZE)")
        await connection.close()
    # Stopped cleanly, Postgres has written everything: no checkpoint is left to fall into a run.
