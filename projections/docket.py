"""The docket: the few things that every judgment needs whole, whichever handles it looks at.

Posters, stores, orders, anchors, inventories and collectors' attestations are broadcast to every partition
of the fold; lineage edges are kept by their entry's index, one per event, never expanded into pairs. What may
grow as the log does is a series, to which each step adds; what the controller's stores bound is a dict.
"""

import base64
import binascii
from collections.abc import Callable, Hashable
from typing import Any

import msgspec
from msgspec import Struct, UnsetType

from projections import attested, looks, proceedings, processing, requests, sharing
from projections import events as ev
from projections.attested import Attested
from projections.fact import Fact
from projections.looks import Looks
from projections.moments import first_second, rfc3339_us
from projections.order import Order
from projections.proceedings import Proceedings
from projections.processing import Processing
from projections.registry import Poster
from projections.requests import Requests
from projections.series import Series
from projections.sharing import Sharing
from signing.checkpoint import parse_checkpoint
from signing.errors import FormatError
from signing.note import Note, parse_note

NAME = "docket"
VERSION = 6


class Store(Struct, frozen=True):
    """A data store that the controller declared."""

    index: int
    operator_key: str
    namespace: str
    blinding_commitment: str
    kind: str
    country: str
    versioned: bool
    object_locked: bool
    backup_retention_days: int = 0
    retired: int | None = None


class IssuedOrder(Struct, frozen=True):
    """One version of an order, which governs from `effective_at` on. Whose it is, only the key says."""

    index: int
    time_us: int
    by: int
    order: Order
    effective_at: str

    @property
    def governs_s(self) -> int:
        """Unix seconds from which this version governs."""
        return first_second(self.effective_at)


class Anchor(Struct, frozen=True, omit_defaults=True):
    """A checkpoint posted back into its log (base64): cosigned, or with a time-stamp authority's response."""

    index: int
    time_us: int
    size: int
    raw: str
    response: str = ""

    @property
    def note(self) -> Note:
        return parse_note(base64.b64decode(self.raw))


class Coverage(Struct, frozen=True):
    """What a collector did over a span of time, by its own account. Times in Unix microseconds."""

    index: int
    time_us: int
    by: int
    collector: str
    from_us: int
    to_us: int
    running: bool
    exclusions: tuple[str, ...]


class Compromised(Struct, frozen=True):
    """A key or token revoked at `index`, not to be believed from the recorded time `since_us` on."""

    index: int
    name: str
    vkey: str | None
    since_us: int


class Unblinded(Struct, frozen=True):
    """Somebody calls the blinding key of this commitment destroyed."""

    index: int
    commitment: str


class Correction(Struct, frozen=True):
    """Somebody says that the event at entry `corrects` is wrong."""

    index: int
    by: int
    corrects: int
    reason: str


class Edge(Struct, frozen=True):
    """One derivation: artefacts made from inputs. `each` pairs artefacts with inputs, `all` mixes them.

    Artefacts are kept only where the pairing needs them. No inputs: only a digest of them was posted.
    """

    by: int
    inputs: tuple[str, ...]
    artefacts: tuple[str, ...] = ()
    kind: str = ""
    time_us: int = 0

    def inputs_of(self, artefact: str) -> tuple[str, ...]:
        if not self.artefacts:
            return self.inputs
        return (self.inputs[self.artefacts.index(artefact)],)


class Docket(Struct, frozen=True):
    """Broadcast state after some number of entries. Series are in log order."""

    posters: Series[Poster] = Series()
    stores: dict[str, Store] = {}
    orders: Series[IssuedOrder] = Series()
    anchors: Series[Anchor] = Series()
    looks: Looks = Looks()
    coverage: Series[Coverage] = Series()
    compromised: Series[Compromised] = Series()
    corrections: Series[Correction] = Series()
    unblinded: Series[Unblinded] = Series()
    proceedings: Proceedings = Proceedings()
    sharing: Sharing = Sharing()
    processing: Processing = Processing()
    requests: Requests = Requests()
    attested: Attested = Attested()


EMPTY = Docket()

_encoder = msgspec.json.Encoder(order="deterministic")
_edge_decoder = msgspec.json.Decoder(Edge)


def encode_edge(edge: Edge) -> bytes:
    """The canonical JSON of one lineage edge."""
    return _encoder.encode(edge)


def decode_edge(raw: bytes) -> Edge:
    """Read an edge that `encode_edge` wrote."""
    return _edge_decoder.decode(raw)


def number_poster(docket: Docket, poster: Poster) -> tuple[Docket, int]:
    """The poster's number, given out in order of first appearance."""
    number = docket.posters.last(_itself, poster)
    if number is not None:
        return docket, number
    grown = msgspec.structs.replace(docket, posters=docket.posters.grown(poster))
    return grown, len(docket.posters)


def apply(docket: Docket, fact: Fact, by: int) -> Docket:
    """Fold one fact into the docket. `by` is the poster's number."""
    step = _STEPS.get(type(fact.event.data))
    if step is None:
        return docket
    return step(docket, fact, by)


def edge_of(fact: Fact, by: int) -> Edge | None:
    """The lineage edge that this fact adds, if it is a derivation."""
    data = fact.event.data
    if not isinstance(data, ev.DataDerived):
        return None
    inputs = () if isinstance(data.records, UnsetType) else data.records
    artefacts = data.artefacts if data.lineage == "each" and inputs else ()
    return Edge(by, inputs, artefacts, data.kind, fact.time_us)


def discredited(docket: Docket, size: int) -> dict[int, int]:
    """Posters whose key or token was compromised, as said below `size`: from which recorded time (us) on."""
    told: dict[tuple[str, str | None], int] = {}
    for one in docket.compromised:
        if one.index < size:
            key = (one.name, one.vkey)
            told[key] = min(one.since_us, told.get(key, one.since_us))
    posters = enumerate(docket.posters) if told else ()
    return {n: told[key] for n, poster in posters if (key := (poster.name, poster.vkey)) in told}


def unblinded_at(docket: Docket, commitment: str) -> int | None:
    """The first entry that calls a blinding key destroyed."""
    number = docket.unblinded.first(_commitment, commitment)
    return None if number is None else docket.unblinded[number].index


def _commitment(one: Unblinded) -> Hashable:
    return one.commitment


def _itself(poster: Poster) -> Hashable:
    return poster


def _store_registered(docket: Docket, fact: Fact, by: int) -> Docket:
    data: ev.StoreRegistered = fact.event.data
    store = Store(
        fact.index,
        data.operator_key,
        data.namespace,
        data.blinding_commitment,
        data.kind,
        data.country,
        data.versioned,
        data.object_locked,
        0 if isinstance(data.backup_retention_days, UnsetType) else data.backup_retention_days,
    )
    return msgspec.structs.replace(docket, stores={**docket.stores, data.store: store})


def _store_retired(docket: Docket, fact: Fact, by: int) -> Docket:
    data: ev.StoreRetired = fact.event.data
    store = docket.stores.get(data.store)
    if store is None:
        return docket
    retired = msgspec.structs.replace(store, retired=fact.index)
    return msgspec.structs.replace(docket, stores={**docket.stores, data.store: retired})


def _blinding_destroyed(docket: Docket, fact: Fact, by: int) -> Docket:
    gone = Unblinded(fact.index, fact.event.data.blinding_commitment)
    return msgspec.structs.replace(docket, unblinded=docket.unblinded.grown(gone))


def _order_issued(docket: Docket, fact: Fact, by: int) -> Docket:
    data: ev.OrderIssued | ev.OrderVaried = fact.event.data
    issued = IssuedOrder(fact.index, fact.time_us, by, data.order, data.effective_at)
    return msgspec.structs.replace(docket, orders=docket.orders.grown(issued))


def _anchored(docket: Docket, fact: Fact, by: int) -> Docket:
    data: ev.CheckpointAnchored | ev.CheckpointTimestamped = fact.event.data
    try:
        size = parse_checkpoint(parse_note(base64.b64decode(data.note, validate=True)).text).size
    except (FormatError, binascii.Error):
        return docket  # Proves nothing, so it is nobody's clock.
    if size == 0 or size > fact.index:
        return docket  # A checkpoint can't cover the entry that quotes it.
    anchor = Anchor(fact.index, fact.time_us, size, data.note, getattr(data, "response", ""))
    return msgspec.structs.replace(docket, anchors=docket.anchors.grown(anchor))


def _collector_attested(docket: Docket, fact: Fact, by: int) -> Docket:
    data: ev.CollectorAttested = fact.event.data
    exclusions = tuple(data.exclusions)
    span = Coverage(
        fact.index,
        fact.time_us,
        by,
        data.collector,
        rfc3339_us(data.from_),
        rfc3339_us(data.to),
        data.running,
        exclusions,
    )
    return msgspec.structs.replace(docket, coverage=docket.coverage.grown(span))


def _revoked(docket: Docket, fact: Fact, by: int) -> Docket:
    data: ev.KeyRevoked | ev.TokenRevoked = fact.event.data
    if isinstance(data.compromised_since, UnsetType):
        return docket
    vkey = data.vkey if isinstance(data, ev.KeyRevoked) else None
    since_us = rfc3339_us(data.compromised_since)
    gone = Compromised(fact.index, data.name, vkey, since_us)
    return msgspec.structs.replace(docket, compromised=docket.compromised.grown(gone))


def _corrected(docket: Docket, fact: Fact, by: int) -> Docket:
    data: ev.EventCorrected = fact.event.data
    said = Correction(fact.index, by, data.corrects, data.reason)
    return msgspec.structs.replace(docket, corrections=docket.corrections.grown(said))


_STEPS: dict[type[Any], Callable[[Docket, Fact, int], Docket]] = {
    ev.KeyRevoked: _revoked,
    ev.TokenRevoked: _revoked,
    ev.StoreRegistered: _store_registered,
    ev.StoreRetired: _store_retired,
    ev.BlindingDestroyed: _blinding_destroyed,
    ev.OrderIssued: _order_issued,
    ev.OrderVaried: _order_issued,
    ev.CheckpointAnchored: _anchored,
    ev.CheckpointTimestamped: _anchored,
    ev.CollectorAttested: _collector_attested,
    ev.EventCorrected: _corrected,
}


def _step_of(field: str, step: Callable[[Any, Fact, int], Any]) -> Callable[[Docket, Fact, int], Docket]:
    """A step of one part, as a step of the docket."""

    def apply_to_part(docket: Docket, fact: Fact, by: int) -> Docket:
        return msgspec.structs.replace(docket, **{field: step(getattr(docket, field), fact, by)})

    return apply_to_part


for _module in (proceedings, looks, sharing, processing, requests, attested):
    _field = _module.__name__.rpartition(".")[2]
    assert not _STEPS.keys() & _module.STEPS.keys(), f"{_field}: one part takes each type of event"
    _STEPS.update({kind: _step_of(_field, step) for kind, step in _module.STEPS.items()})
