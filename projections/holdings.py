"""Holdings: what the ledger says of each record, copy by copy.

The unit of proof is a copy: one record in one store. A `Holding` keeps, for one handle, the moves of its
copies in log order; nothing is judged here, so that one fold serves every order and every earlier size.
Who may move a copy, and whether an erasure counts, is decided where the moves are read (`lives.py`).

States are immutable and shared: the thousand records of one bulk event that stood alike before it stand
alike after it, so they point at one `Holding`. That keeps bulk folding, memory and judging cheap.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from projections import events as ev
from projections.fact import Fact

if TYPE_CHECKING:
    from projections.alike import Alike

NAME = "holdings"
VERSION = 3

MoveKind = Literal["held", "collected", "copied", "derived", "erased", "failed", "reappeared"]
UseKind = Literal[
    "accessed", "matched", "disclosed", "restricted", "unrestricted", "consented", "withdrew", "enquired",
    "objected", "upheld", "refused", "expired", "verified",
]  # fmt: skip

# What nobody does who has no copy any more.
USES: Final[frozenset[UseKind]] = frozenset({"accessed", "matched", "disclosed"})


# Leaves of a state refer to nothing that could refer back: the garbage collector need not walk them.
class Move(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One step in the life of a copy. `by` is the poster's number in the docket.

    Only erasures fill the last five: method, whether said to be irrecoverable, how many pieces of evidence
    were committed to, the time the poster claims (Unix microseconds), and whether one piece attests custody.
    """

    index: int
    time_us: int
    kind: MoveKind
    by: int
    method: str = ""
    irrecoverable: bool = False
    evidence: int = 0
    claimed_us: int = 0
    custody: bool = False


class Use(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """What was done with a record, or asked about it, that makes and ends no copy.

    `store` stands where the event names one, `ref` is what it refers to (an activity, request, rule or
    disclosure), `country` the actor's or recipient's, `claimed_us` the poster's time where an earlier one
    would help him.
    """

    index: int
    time_us: int
    kind: UseKind
    by: int
    store: str = ""
    ref: str = ""
    country: str = ""
    claimed_us: int = 0


class ResidencyFact(Struct, frozen=True, array_like=True):
    """Somebody said, at `index`, where the data subject resides. No codes: unknown."""

    index: int
    time_us: int
    by: int
    basis: str
    codes: tuple[str, ...]


class Trait(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """What was said of the data when it was held or collected.

    Only a collection has a `source_kind`, an `activity`, and perhaps a time (`retention_us`, 0: none) from
    which it is no longer to be kept.
    """

    index: int
    time_us: int
    categories: tuple[str, ...]
    special_category: bool
    minor: str
    source_kind: str = ""
    activity: str = ""
    retention_us: int = 0


class Holding(Struct, frozen=True, omit_defaults=True):
    """All that the log says of one handle, in log order. `derived` holds the lineage edges it came from."""

    copies: dict[str, tuple[Move, ...]] = {}
    derived: tuple[int, ...] = ()
    residency: tuple[ResidencyFact, ...] = ()
    traits: tuple[Trait, ...] = ()
    uses: tuple[Use, ...] = ()


EMPTY = Holding()

T = TypeVar("T")
Change = Callable[[Holding], Holding]
Holdings = dict[str, Holding]
"""What a fold grows."""
Held = Mapping[str, Holding]
"""What a judgment reads."""


class Parted(Held):
    """The holdings of a large log, of which only a part is in memory at any time."""

    @abstractmethod
    def parts(self) -> Iterator[Holdings]:
        """All of them, in parts of those whose handles begin with the same two digits, in the digits' order
        (`PARTS` of them, empty ones too)."""

    def each(self, work: Callable[[Holdings], T]) -> Iterator[T]:
        """Work on each part, in the same order, perhaps in a copy of this process: nothing but what is
        returned comes back."""
        return map(work, self.parts())

    def each_rows(self, work: Callable[[Iterable[bytes]], T]) -> Iterator[T]:
        """The same on the `rows` of each part."""
        return self.each(lambda part: work(rows(part)))

    def each_alike(self, work: "Callable[[list[list[Alike]], Holdings], T]") -> Iterator[T]:
        """The same on those who are alike, leaf by leaf, and on all others."""
        return self.each(lambda part: work([], part))


PARTS: Final = 256


def parts_of(held: Held) -> Iterator[Held]:
    """The holdings, part by part where not all are in memory. What is read of a part ends with it."""
    if isinstance(held, Parted):
        yield from held.parts()
    else:
        yield held


def merged(before: Holding, after: Holding) -> Holding:
    """What a log says of a handle, from what an earlier and a later stretch of it say."""
    copies = dict(before.copies)
    for store, moves in after.copies.items():
        copies[store] = copies.get(store, ()) + moves
    return Holding(
        copies,
        before.derived + after.derived,
        before.residency + after.residency,
        before.traits + after.traits,
        before.uses + after.uses,
    )


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Holding)


def encode_row(holding: Holding) -> bytes:
    """The canonical JSON of one state row."""
    return _encoder.encode(holding)


def decode_row(row: bytes) -> Holding:
    """Read a state row that `encode_row` wrote."""
    return _decoder.decode(row)


def keys(event: ev.Event[Any]) -> tuple[str, ...]:
    """The handles whose state this event changes."""
    step = _STEPS.get(type(event.data))
    return () if step is None else step.keys(event.data)


def apply(holdings: Holdings, fact: Fact, by: int) -> None:
    """Fold one fact into the handles that it names. `by` is the poster's number in the docket."""
    data = fact.event.data
    step = _STEPS.get(type(data))
    if step is None:
        return
    change = step.change(data, fact, by)
    handles = step.keys(data)
    if len(handles) == 1:
        holdings[handles[0]] = change(holdings.get(handles[0], EMPTY))
        return
    # Keyed by identity: equal states of one event are one object (see the module's note). The prior state
    # is kept beside its successor so that its identity can't be taken by a new object meanwhile.
    seen: dict[int, tuple[Holding, Holding]] = {}
    for handle in handles:
        prior = holdings.get(handle, EMPTY)
        known = seen.get(id(prior))
        if known is None:
            known = seen[id(prior)] = (prior, change(prior))
        holdings[handle] = known[1]


def rows(holdings: Held) -> Iterator[bytes]:
    """The state's lines for its digest: handle, space, canonical JSON. Unordered."""
    encode = _encoder.encode
    last, row = None, b""
    for handle, holding in holdings.items():
        # Those of one bulk event stand together, and share one object.
        if holding is not last:
            last, row = holding, encode(holding)
        yield b"%b %b" % (handle.encode(), row)


def given(value: tuple[str, ...] | UnsetType) -> tuple[str, ...]:
    """An optional list's members; none when it was left out."""
    return () if isinstance(value, UnsetType) else value


class _Step(NamedTuple):
    """Which handles a type of event changes, and how."""

    keys: Callable[[Any], tuple[str, ...]]
    change: Callable[[Any, Fact, int], Change]


def _derived(data: ev.DataDerived, fact: Fact, by: int) -> Change:
    move = Move(fact.index, fact.time_us, "derived", by)
    return lambda prior: _moved(prior, data.store, move, derived=(fact.index,))


def _copied(data: ev.DataCopied, fact: Fact, by: int) -> Change:
    return _move(data.to_store, Move(fact.index, fact.time_us, "copied", by))


def _reappeared(data: ev.DataReappeared, fact: Fact, by: int) -> Change:
    # What was collected again was collected, under whatever name it is owned up to.
    kind: MoveKind = "collected" if data.cause == "recollected" else "reappeared"
    return _move(data.store, Move(fact.index, fact.time_us, kind, by))


def _failed(data: ev.DeletionFailed, fact: Fact, by: int) -> Change:
    return _move(data.store, Move(fact.index, fact.time_us, "failed", by))


def _asserted(data: ev.ResidencyAsserted, fact: Fact, by: int) -> Change:
    said = ResidencyFact(fact.index, fact.time_us, by, data.basis, data.residency)
    return lambda prior: _moved(prior, residency=(said,))


def _presence(data: ev.DataHeld | ev.DataCollected, fact: Fact, by: int) -> Change:
    """A record is there: its copy, what it is, and where its subject is said to reside."""
    index, time_us = fact.index, fact.time_us
    categories, special, minor = tuple(data.categories), data.special_category, data.minor
    # Spelled out, not unpacked: most events of a log are collections.
    if isinstance(data, ev.DataCollected):
        until_us = 0 if data.retention_until is UNSET else ev.rfc3339_us(data.retention_until)
        move = Move(index, time_us, "collected", by)
        trait = Trait(index, time_us, categories, special, minor, data.source_kind, data.activity, until_us)
    else:
        move = Move(index, time_us, "held", by)
        trait = Trait(index, time_us, categories, special, minor)
    residency: tuple[ResidencyFact, ...] = ()
    if data.residency is not UNSET and data.residency_basis is not UNSET:
        residency = (ResidencyFact(fact.index, fact.time_us, by, data.residency_basis, data.residency),)
    return lambda prior: _moved(prior, data.store, move, residency=residency, traits=(trait,))


def _erased(data: ev.DataDeleted, fact: Fact, by: int) -> Change:
    evidence = () if data.evidence is UNSET else data.evidence
    move = Move(
        fact.index,
        fact.time_us,
        "erased",
        by,
        data.method,
        data.irrecoverable,
        len(evidence),
        ev.time_us(fact.event),
        any(piece.kind == "custody" for piece in evidence),
    )
    return _move(data.store, move)


def _used(kind: UseKind, ref: str = "", country: str = "", *, helps: bool = False) -> "_Step":
    """A step that adds a use: which fields its event has, and whether an earlier time helps its poster."""

    def change(data: Any, fact: Fact, by: int) -> Change:
        use = Use(
            fact.index,
            fact.time_us,
            kind,
            by,
            getattr(data, "store", ""),
            getattr(data, ref) if ref else "",
            getattr(data, country) if country else "",
            ev.time_us(fact.event) if helps else 0,
        )
        return lambda prior: Holding(
            prior.copies, prior.derived, prior.residency, prior.traits, (*prior.uses, use)
        )

    return _Step(lambda data: given(data.records), change)


def _move(store: str, move: Move) -> Change:
    return lambda prior: _moved(prior, store, move)


def _moved(
    prior: Holding,
    store: str = "",
    move: Move | None = None,
    *,
    derived: tuple[int, ...] = (),
    residency: tuple[ResidencyFact, ...] = (),
    traits: tuple[Trait, ...] = (),
) -> Holding:
    if prior is EMPTY and move is not None:
        return Holding({store: (move,)}, derived, residency, traits)
    copies = prior.copies
    if move is not None:
        copies = {**copies, store: (*copies.get(store, ()), move)}
    return Holding(
        copies, prior.derived + derived, prior.residency + residency, prior.traits + traits, prior.uses
    )


_records: Callable[[Any], tuple[str, ...]] = attrgetter("records")
_STEPS: dict[type[Any], _Step] = {
    ev.DataHeld: _Step(_records, _presence),
    ev.DataCollected: _Step(_records, _presence),
    ev.DataCopied: _Step(_records, _copied),
    ev.DataDerived: _Step(attrgetter("artefacts"), _derived),
    ev.DataDeleted: _Step(lambda data: given(data.records) or given(data.artefacts), _erased),
    ev.DataReappeared: _Step(_records, _reappeared),
    ev.DeletionFailed: _Step(_records, _failed),
    ev.ResidencyAsserted: _Step(_records, _asserted),
    # A digest says of no record that it was looked for.
    ev.DeletionVerified: _used("verified"),
    ev.DataAccessed: _used("accessed", country="actor_country"),
    ev.DataMatched: _used("matched", country="actor_country"),
    ev.DataDisclosed: _used("disclosed", "disclosure", "country"),
    ev.DataRestricted: _used("restricted", helps=True),
    ev.DataUnrestricted: _used("unrestricted"),
    ev.ConsentGiven: _used("consented", "activity", helps=True),
    ev.ConsentWithdrawn: _used("withdrew", "activity"),
    ev.EnquiryReceived: _used("enquired", "request"),
    ev.ObjectionRaised: _used("objected", "request"),
    ev.ObjectionUpheld: _used("upheld", "request"),
    ev.ObjectionRefused: _used("refused", "request"),
    ev.RetentionExpired: _used("expired", "rule"),
}
