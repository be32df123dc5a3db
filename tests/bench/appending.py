"""Appending over HTTP: signed submissions beside raw COPY, bulk events, single events.

Everything is signed before the clock starts, and acknowledged after the commit is on the disk. The rounds of
all kinds are interleaved, so that whatever else the machine does meets all of them alike.
"""

import time
from statistics import median

import msgspec

from signing.submission import format_submission
from tests.bench.copying import Copied
from tests.bench.events import SourceLog
from tests.bench.figures import Figure, quantile
from tests.bench.load import Work
from tests.bench.place import Place
from tests.bench.service import LOG, SUBMISSIONS, Run, Service, run_module
from tests.bench.wire import post

SIGNED_TARGET = 40_000
COPY_TARGET = 0.30
BULK_TARGET = 400_000
SINGLE_TARGET = 3_000
FOLDED_TARGET = 10_000
FOLDED_RECORDS_TARGET = 50_000
SINGLE_P99_MS = 60


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What one run sends: from each source log, over a connection of its own, one after another."""

    sources: int
    submissions: int
    """Of each source log."""
    events: int
    """Of each submission."""
    records: int
    """Of each event."""

    @property
    def all_events(self) -> int:
        """Of the whole run."""
        return self.sources * self.submissions * self.events


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    rounds: int
    signed: Shape
    bulk: Shape
    single: Shape


FULL = Scale(
    rounds=5,
    signed=Shape(sources=12, submissions=5, events=1_000, records=1),
    bulk=Shape(sources=8, submissions=3, events=100, records=200),
    single=Shape(sources=64, submissions=100, events=1, records=1),
)
QUICK = Scale(
    rounds=1,
    signed=Shape(sources=2, submissions=2, events=100, records=1),
    bulk=Shape(sources=2, submissions=2, events=10, records=200),
    single=Shape(sources=8, submissions=5, events=1, records=1),
)


class Posters:
    """The source logs of one kind of run, which go on from round to round."""

    def __init__(self, service: Service, shape: Shape, first: int) -> None:
        self._shape = shape
        self._sources = [SourceLog(service.crawler, first + number) for number in range(shape.sources)]

    def work(self) -> Work:
        """The next run, made and signed."""
        shape = self._shape
        return [
            [
                post(SUBMISSIONS, format_submission(submission))
                for submission in source.submissions(shape.submissions, shape.events, shape.records)
            ]
            for source in self._sources
        ]


async def measure(scale: Scale, kinds: frozenset[str], place: Place) -> list[Figure]:
    """Measure the kinds `signed`, `bulk` and `single`."""
    rounds = _Rounds()
    place.say("appending: starting the service")
    async with place.service("appending") as service:
        await _warm_up(service)
        signed, bulk, single = (
            Posters(service, shape, 100 * number)
            for number, shape in enumerate((scale.signed, scale.bulk, scale.single))
        )
        for number in range(scale.rounds):
            place.say(f"appending: round {number + 1} of {scale.rounds}")
            if "signed" in kinds:
                before = await service.settle()
                rounds.signed.append(await service.drive(signed.work()))
                after, lag_s = await _settle(service)
                rounds.signed_lag_s.append(lag_s)
                rounds.copied.append(await _copy(service, before, after))
            if "bulk" in kinds:
                rounds.bulk.append(await service.drive(bulk.work()))
                rounds.bulk_lag_s.append((await _settle(service))[1])
            if "single" in kinds:
                rounds.single.append(await service.drive(single.work()))
                await service.settle()
    return rounds.figures(scale)


async def _warm_up(service: Service) -> None:
    """Let the service meet every path before it is timed."""
    for number, shape in enumerate((QUICK.signed, QUICK.bulk, QUICK.single)):
        await service.drive(Posters(service, shape, 900 + 10 * number).work())
    await service.settle()


async def _settle(service: Service) -> tuple[int, float]:
    """The log's size once all of it is folded, and how long that took from now."""
    began_s = time.perf_counter()
    return await service.settle(), time.perf_counter() - began_s


async def _copy(service: Service, begin: int, end: int) -> Copied:
    raw = await run_module("tests.bench.copying", service.owner_dsn, LOG, str(begin), str(end))
    return msgspec.json.decode(raw, type=Copied)


class _Rounds:
    """What the rounds gave."""

    def __init__(self) -> None:
        self.signed: list[Run] = []
        self.copied: list[Copied] = []
        self.signed_lag_s: list[float] = []
        self.bulk: list[Run] = []
        self.bulk_lag_s: list[float] = []
        self.single: list[Run] = []

    def figures(self, scale: Scale) -> list[Figure]:
        figures: list[Figure] = []
        if self.signed:
            figures += _signed_figures(scale.signed, self.signed, self.copied)
            events = scale.signed.all_events
            figures += _folded_figures("events", events, self.signed, self.signed_lag_s, FOLDED_TARGET)
        if self.bulk:
            figures.append(
                Figure(
                    name=f"bulk events of {scale.bulk.records} records",
                    unit="records/s",
                    samples=[scale.bulk.all_events * scale.bulk.records / run.took_s for run in self.bulk],
                    target=BULK_TARGET,
                    detail=_detail(scale.bulk, self.bulk),
                )
            )
            records = scale.bulk.all_events * scale.bulk.records
            figures += _folded_figures("records", records, self.bulk, self.bulk_lag_s, FOLDED_RECORDS_TARGET)
        if self.single:
            figures += _single_figures(scale.single, self.single)
        return figures


def _signed_figures(shape: Shape, runs: list[Run], copied: list[Copied]) -> list[Figure]:
    rates = [shape.all_events / run.took_s for run in runs]
    # Entries by entries: a submission's own entry is stored, and copied, like any other.
    entries = shape.all_events + shape.sources * shape.submissions
    copy_rates = [one.entries / one.took_s for one in copied]
    shares = [entries / run.took_s / copy for run, copy in zip(runs, copy_rates, strict=True)]
    transactions = median(one.transactions for one in copied)
    return [
        Figure(
            name=f"signed submissions of {shape.events:,} events",
            unit="events/s",
            samples=rates,
            target=SIGNED_TARGET,
            detail={**_detail(shape, runs), "transactions": transactions},
        ),
        Figure(
            name="· the same entries by raw COPY",
            unit="entries/s",
            samples=copy_rates,
        ),
        Figure(name="· share of raw COPY", unit="", samples=shares, target=COPY_TARGET),
    ]


def _folded_figures(
    what: str, count: int, runs: list[Run], lags_s: list[float], target: float
) -> list[Figure]:
    """From the first one sent to the last one folded by the live projections."""
    return [
        Figure(
            name=f"· {what} folded behind the appends",
            unit=f"{what}/s",
            samples=[count / (run.took_s + lag_s) for run, lag_s in zip(runs, lags_s, strict=True)],
            target=target,
        ),
        Figure(
            name=f"· {what} folded by appended",
            unit="",
            samples=[run.took_s / (run.took_s + lag_s) for run, lag_s in zip(runs, lags_s, strict=True)],
        ),
    ]


def _single_figures(shape: Shape, runs: list[Run]) -> list[Figure]:
    return [
        Figure(
            name=f"single events, {shape.sources} connections",
            unit="events/s",
            samples=[shape.all_events / run.took_s for run in runs],
            target=SINGLE_TARGET,
            detail=_detail(shape, runs),
        ),
        Figure(
            name="· time to a receipt, p99",
            unit="ms",
            samples=[quantile(run.latencies_ms, 0.99) for run in runs],
            target=SINGLE_P99_MS,
            at_most=True,
            detail={"p50_ms": median(quantile(run.latencies_ms, 0.5) for run in runs)},
        ),
    ]


def _detail(shape: Shape, runs: list[Run]) -> dict[str, object]:
    return {"shape": msgspec.structs.asdict(shape), "cores": [run.cores for run in runs]}
