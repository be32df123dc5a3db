"""Drawing, from what a log says: the request, the cosignature after it, the population, and so who is drawn.

Whoever asked for a sample and whoever checks it draw by the same code; only the nonce comes from elsewhere.
"""

from collections.abc import Iterable
from hashlib import sha256

from msgspec import UNSET, Struct

from ledger.failure import Failure
from ledger.remote import Dishonest, RemoteLog
from ledger.remote_events import Told, events_of, require_there
from ledger.remote_sets import erased_set
from projections import docket, sampling
from projections import events as ev
from projections import vocabulary as v
from projections.fact import Fact
from projections.order import Trust
from projections.registered import Poster
from signing.encoding import encode_base64


class Request(Struct, frozen=True):
    """A sample as it was asked for, proved to stand in the log."""

    index: int
    source: str
    data: ev.SampleRequested


class Drawn(Struct, frozen=True):
    """Who was drawn, out of how many, by whose cosignature."""

    handles: tuple[str, ...]
    population: int
    cosigned: sampling.Cosigned


class Result(Struct, frozen=True):
    """What its maker says that he found: what failed, and what he looked for and did not find."""

    index: int
    data: ev.SampleAttested
    verified: frozenset[str]


async def find_request(log: RemoteLog, sample: str, after: int = -1) -> Request | None:
    """The first request of a sample of this name: that one counts."""
    async for told in events_of(log, ev.TYPE_OF[ev.SampleRequested], after):
        event = ev.decode_event(told.line)
        if event.data.sample == sample:
            await require_there(log, told)
            return Request(told.index, event.source, event.data)
    return None


async def find_cosignature(log: RemoteLog, request: Request) -> sampling.Cosigned | None:
    """The cosignature that gives the seed, proved to stand in the log; None while there is none."""
    trust = await _trust(log, request)
    state, seen = docket.EMPTY, {}
    async for told in events_of(log, ev.TYPE_OF[ev.CheckpointAnchored], request.index):
        fact = Fact(told.index, told.time_us, Poster("", "operator"), ev.decode_event(told.line))
        state, seen[told.index] = docket.apply(state, fact, 0), told
        found = sampling.first_cosignature(state.anchors, trust, request.index)
        if found is not None:
            await require_there(log, seen[found.anchor])
            return found
    return None


async def draw(log: RemoteLog, request: Request, cosigned: sampling.Cosigned, nonce: bytes) -> Drawn:
    """Draw. Failure: the nonce is not the one, or the population is not the ledger's."""
    data = request.data
    if data.nonce_sha256 is UNSET or data.store is UNSET or data.log_size is UNSET:
        raise Failure(
            f"the sample {data.sample} names no store and size, or commits to no nonce",
            "it can't be drawn again: ask for another",
        )
    if sha256(nonce).hexdigest() != data.nonce_sha256:
        raise Failure(
            f"this is not the nonce that the sample {data.sample} committed to",
            "the draw is worth nothing: he who asked for it may have chosen it afterwards",
        )
    population = await erased_set(log, data.order, str(data.store), int(data.log_size))
    if encode_base64(population.seen.digest) != data.population_digest or int(data.log_size) > request.index:
        raise Failure(
            f"the population of the sample {data.sample} is not what the order had erased from {data.store} "
            f"below entry {data.log_size}",
            "it is a sample of something else: ask for another",
        )
    seed = sampling.seed_of(nonce, cosigned.signature)
    handles = sampling.draw(seed, population.handles, data.n)
    return Drawn(handles, len(population.handles), cosigned)


async def find_result(log: RemoteLog, request: Request) -> Result | None:
    """The last word of whoever asked for the sample; None while there is none."""
    result = None
    async for told in events_of(log, ev.TYPE_OF[ev.SampleAttested], request.index):
        event = ev.decode_event(told.line)
        if (event.data.sample, event.source) == (request.data.sample, request.source):
            result = told, event.data
    if result is None:
        return None
    await require_there(log, result[0])
    verified = await _verified(log, request, result[0])
    return Result(result[0].index, result[1], verified)


async def _verified(log: RemoteLog, request: Request, result: Told) -> frozenset[str]:
    """The handles of which he says, between request and result, that he did not find them in the store."""
    found: set[str] = set()
    async for told in events_of(log, ev.TYPE_OF[ev.DeletionVerified], request.index):
        if told.index > result.index:
            break
        event = ev.decode_event(told.line)
        data: ev.DeletionVerified = event.data
        if (event.source, data.store, data.method) == (request.source, request.data.store, "sample"):
            found.update(() if data.records is UNSET else data.records)
    return frozenset(found)


async def _trust(log: RemoteLog, request: Request) -> Trust:
    """Whom the order, as it stood when the sample was asked for, names: of its versions the highest."""
    versions = []
    for data_type in (ev.OrderIssued, ev.OrderVaried):
        async for told in events_of(log, ev.TYPE_OF[data_type]):
            if told.index > request.index:
                break
            order = ev.decode_event(told.line).data.order
            if order.id == request.data.order:
                versions.append((order.version, told.index, order.trust))
    if not versions:
        raise Failure(
            f"the log has no order {request.data.order}", "see `writ log show` for those that it has"
        )
    trust: Trust = max(versions, key=lambda one: one[:2])[2]
    if not trust.witnesses:
        raise Failure(
            f"the order {request.data.order} names no witnesses, so nobody gives a seed",
            "probe the whole set instead (`writ probe`)",
        )
    return trust


def require_drawn(drawn: Drawn, result: Result) -> None:
    """Return only if exactly those who were drawn were looked for, and live ones found beside them."""
    data, expected = result.data, frozenset(drawn.handles)
    failed = frozenset(_given(data.failed))
    looked_for = result.verified | failed
    # An event names a thousand; of more failures it names so many.
    whole = len(failed) == min(data.failures, v.MAX_HANDLES) and not result.verified & failed
    if not (whole and looked_for <= expected and len(result.verified) + data.failures == len(expected)):
        raise Dishonest(
            f"of the {len(expected):,} that were drawn {len(expected & looked_for):,} were looked for, and "
            f"{len(looked_for - expected):,} others; {data.failures:,} are said to have failed",
            "this sample bounds nothing",
        )
    control = (data.control_checked, data.control_found)
    if not data.failures and (control[0] in (0, UNSET) or control[0] != control[1]):
        raise Failure("not all live handles beside them were found", "this sample bounds nothing: look again")


def _given(handles: Iterable[str] | object) -> Iterable[str]:
    return () if handles is UNSET else handles  # type: ignore[return-value]
