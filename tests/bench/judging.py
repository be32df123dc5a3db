"""What it costs to judge an order over many holdings: one that is new, and one about which one more erasure
was posted. Through the service, as whoever asks meets it; the long and the short log each in a Postgres of
its own."""

import time
from statistics import median

import asyncpg
import msgspec

from ledger.keyfiles import read_key
from projections import events as ev
from projections.order import Deadline, Obligation, Order, Scope, Trust
from signing.merkle import decode_frontier
from signing.submission import format_submission
from tests.bench.events import CONTROLLER, CRAWLER
from tests.bench.figures import Figure, quantile
from tests.bench.growing import fill
from tests.bench.place import Place
from tests.bench.service import LOG, SUBMISSIONS, Service
from tests.bench.wire import get, post
from tests.ledger.lab import Poster, registered, seeded_key

RATIO_TARGET = 1.5
NEW_ORDER_TARGET_S = 15
AUTHORITY = "authority.example"
TIME = "2026-01-01T00:00:00Z"
SHA = "0" * 64


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    long: int
    """Holdings of the long log, each collected by an event of its own."""
    short: int
    erasures: int
    rounds: int


FULL = Scale(long=1_000_000, short=10_000, erasures=25, rounds=5)
QUICK = Scale(long=600, short=200, erasures=3, rounds=2)


class Taken(msgspec.Struct):
    """Seconds that it took, log by log: a first order (the holdings have to be loaded), a second one, and
    the median from posting an erasure to having the verdict, round by round."""

    first_s: float
    second_s: float
    again_s: list[float]


async def measure(scale: Scale, place: Place) -> list[Figure]:
    """Both logs, in turns."""
    sizes = {"judged-long": scale.long, "judged-short": scale.short}
    for name, size in sizes.items():
        place.say(f"judging: filling a log with {size:,} holdings, and folding them")
        async with place.service(name) as service:
            await fill(service.dsn(), size, folded=False)
            await service.settle()
    taken: dict[str, Taken] = {}
    for name in sizes:
        async with place.service(name) as service:
            place.say(f"judging: two new orders over the {name.partition('-')[2]} log")
            case = await Case.begun(service)
            taken[name] = Taken(await case.judge_new(1), await case.judge_new(2), [])
    async with place.service("judged-long") as long, place.service("judged-short") as short:
        cases = {"judged-long": await Case.begun(long), "judged-short": await Case.begun(short)}
        for case in cases.values():
            await case.judge()  # which loads the holdings
        for number in range(scale.rounds):
            place.say(f"judging: round {number + 1} of {scale.rounds} of single erasures")
            for name in sorted(sizes, reverse=number % 2 == 1):
                taken[name].again_s.append(median([await cases[name].erase() for _ in range(scale.erasures)]))
    return _figures(scale, taken["judged-long"], taken["judged-short"])


def _figures(scale: Scale, long: Taken, short: Taken) -> list[Figure]:
    ratios = [one / other for one, other in zip(long.again_s, short.again_s, strict=True)]
    milliseconds = {
        "long": [1_000 * one for one in long.again_s],
        "short": [1_000 * one for one in short.again_s],
    }
    return [
        Figure(
            name=f"one more erasure judged: {scale.long:,} holdings by {scale.short:,}",
            unit="",
            samples=ratios,
            target=RATIO_TARGET,
            at_most=True,
            detail={"ms": milliseconds},
        ),
        Figure(
            name=f"· from posting it to the verdict, {scale.long:,} holdings",
            unit="ms",
            samples=milliseconds["long"],
            detail={"worst_ms": quantile(milliseconds["long"], 1.0)},
        ),
        Figure(
            name=f"a new order over {scale.long:,} holdings",
            unit="s",
            samples=[long.second_s],
            target=NEW_ORDER_TARGET_S,
            at_most=True,
        ),
        Figure(name="· the first of a new process, which loads them", unit="s", samples=[long.first_s]),
    ]


class Case:
    """An authority with its orders, and the company that erases."""

    def __init__(self, service: Service, crawler: Poster, authority: Poster, handles: list[str]) -> None:
        self._service = service
        self._crawler = crawler
        self._authority = authority
        self._handles = handles
        self._order = f"{AUTHORITY}/en-1"

    @classmethod
    async def begun(cls, service: Service) -> "Case":
        """Register who posts, unless that is done; go on from where their source logs stand."""
        administrator = Poster(read_key(service.data / "keys" / "administrator.key"))
        crawler, authority = Poster(seeded_key(CRAWLER), f"{CRAWLER}/judged"), Poster(seeded_key(AUTHORITY))
        for poster in (administrator, crawler, authority):
            await _adopt(service, poster)
        if authority.frontier.end == 0:
            line = registered(seeded_key(AUTHORITY), "authority", administrator.source)
            await _post(service, administrator, line)
            await _say(service, crawler, "store", declared())
        connection = await asyncpg.connect(service.dsn())
        rows = await connection.fetch(
            "SELECT encode(handle, 'hex') AS handle FROM holdings ORDER BY handle DESC LIMIT 2000"
        )
        await connection.close()
        return cls(service, crawler, authority, [row["handle"] for row in rows])

    async def judge_new(self, number: int) -> float:
        """Issue an order, and have it judged; seconds for the verdict."""
        await self.issue(number)
        await self._service.settle()
        began_s = time.perf_counter()
        await self.judge()
        return time.perf_counter() - began_s

    async def issue(self, number: int) -> str:
        """Issue an order; returns its id."""
        self._order = f"{AUTHORITY}/en-{number}"
        created = await self._service.ask(get(f"/logs/{LOG}/entries/1"))
        log_vkey = msgspec.json.decode(created.partition(b"\n")[2])["data"]["log_vkey"]
        order = ordered(self._order, log_vkey)
        issued = ev.OrderIssued(
            controller=CONTROLLER, effective_at=order.effective, instrument_sha256=SHA, order=order
        )
        await _say(self._service, self._authority, f"order-{number}", issued)
        return self._order

    async def erase(self) -> float:
        """Erase one record; seconds from posting that to having the verdict."""
        handle = self._handles.pop()
        erased = ev.DataDeleted(
            cause="order",
            controller=CONTROLLER,
            irrecoverable=True,
            method="purge",
            records=(handle,),
            store="images",
        )
        began_s = time.perf_counter()
        await _say(self._service, self._crawler, f"erased-{handle}", erased)
        await self.judge()
        return time.perf_counter() - began_s

    async def judge(self) -> None:
        """Ask for the verdict."""
        await self._service.ask(get(f"/logs/{LOG}/orders/{self._order.replace('/', '%2F')}"))


async def _adopt(service: Service, poster: Poster) -> None:
    try:
        raw = await service.ask(get(f"/logs/{LOG}/sources/{poster.source}"))
    except RuntimeError:
        return  # nobody has posted there yet
    state = msgspec.json.decode(raw)
    poster.frontier = decode_frontier(state["size"], state["frontier"])


async def _say(service: Service, poster: Poster, id: str, data: ev.Data) -> None:
    event = ev.make_event(data, id=id, source=poster.source, time=TIME)
    await _post(service, poster, ev.encode_event(event))


async def _post(service: Service, poster: Poster, line: bytes) -> None:
    submission, after = poster.sign([line])
    await service.ask(post(SUBMISSIONS, format_submission(submission)))
    poster.frontier = after


def declared() -> ev.StoreRegistered:
    return ev.StoreRegistered(
        blinding_commitment="A" * 43 + "=",
        controller=CONTROLLER,
        country="US",
        kind="live",
        namespace="images",
        object_locked=False,
        operator_key=CRAWLER,
        store="images",
        versioned=False,
    )


def ordered(id: str, log_vkey: str, witnesses: tuple[str, ...] = ()) -> Order:
    """Erase, and collect no more."""

    def obligation(id: str, type: str) -> Obligation:
        scope = Scope(residency=("GB",))
        return Obligation(deadline=Deadline(at="2099-06-01T00:00:00Z"), id=id, scope=scope, type=type)  # type: ignore[arg-type]

    return Order(
        controllers=(CONTROLLER,),
        country="GB",
        effective="2099-01-01",  # else each collection would be an exception to list
        id=id,
        instrument_sha256=SHA,
        issued="2026-01-01",
        legal_basis="gdpr.58.2",
        obligations=(obligation("erase", "erase"), obligation("cease", "cease_collecting")),
        trust=Trust(log_vkey=log_vkey, witnesses=witnesses),
    )
