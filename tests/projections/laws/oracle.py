"""An oracle: what the law says of a small history, worked out slowly, from its events alone.

Nothing here is shared with the folds or the evaluators: no state is kept, every question reads the whole
history again. Where this and `judge` disagree, one of them misreads the law.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET, UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.moments import rfc3339_us
from projections.order import Order, Scope
from projections.registry import Poster

SECOND_US = 1_000_000
BREACHED, UNPROVED, OUTSTANDING, DONE = "breached", "cannot_be_proved", "outstanding", "carried_out"


@dataclass
class Copy:
    """One record in one store, and what has become of it."""

    live: bool = False
    lives: int = 0
    erasure: Fact | None = None
    spans: list[list[float]] = field(default_factory=list)
    orphaned: int = 0
    derived: bool = False


@dataclass(frozen=True)
class Answer:
    """A verdict, the counts behind it, and what is missing."""

    verdict: str
    counts: Mapping[str, int]
    missing: tuple[str, ...]


class Oracle:
    """Knows everything that was said, which handles stand behind a digest (`found`), and what witnesses saw:
    `proved` has (size, Unix seconds) for each anchor."""

    def __init__(
        self,
        facts: Sequence[Fact],
        order: Order,
        as_of: int,
        *,
        found: Mapping[str, frozenset[str]],
        proved: Sequence[tuple[int, int]],
    ) -> None:
        self.facts = facts
        self.order = order
        self.as_of = as_of
        self.found = found
        self.proved = proved  # By hindsight too: a witness seen later proves what was before.
        self.stores = {fact.event.data.store: fact.event.data for fact in self.told(ev.StoreRegistered)}

    @property
    def authority(self) -> Poster:
        """Whoever signed this version of the order."""
        return [f.poster for f in self._orders() if f.event.data.order == self.order][-1]

    @property
    def ordered(self) -> int:
        """Where the order was first issued under that key."""
        return min(f.index for f in self._orders() if f.poster == self.authority)

    def _orders(self) -> list[Fact]:
        orders = self.told(ev.OrderIssued, ev.OrderVaried)
        return [fact for fact in orders if fact.event.data.order.id == self.order.id]

    def told(self, *kinds: type[Any]) -> Iterator[Fact]:
        """Everything of these kinds that was said."""
        return (fact for fact in self.facts if isinstance(fact.event.data, kinds))

    def believed(self, fact: Fact) -> bool:
        """A key tells nothing from the moment on at which it was stolen."""
        for one in self.told(ev.KeyRevoked):
            data = one.event.data
            stolen = data.compromised_since is not UNSET and data.vkey == fact.poster.vkey
            if stolen and fact.time_us >= rfc3339_us(data.compromised_since):
                return False
        return True

    def is_assessor(self, poster: Poster) -> bool:
        """Only keys that the order names are assessors'."""
        return poster.vkey in self.order.trust.assessors

    # --- Copies

    def copies(self, size: int | None = None) -> dict[tuple[str, str], Copy]:
        """Every (record, store) that anybody spoke of with effect, after the first `size` facts."""
        copies: dict[tuple[str, str], Copy] = {}
        for fact in self.facts[:size]:
            data = fact.event.data
            for handle in self._arrivals(data):
                store = data.to_store if isinstance(data, ev.DataCopied) else data.store
                self._arrive(copies.setdefault((handle, store), Copy()), fact)
            if isinstance(data, ev.DataDeleted) and self._erases(fact):
                for handle in _erased(data):
                    self._leave(copies.setdefault((handle, data.store), Copy()), fact)
        return copies

    @staticmethod
    def _arrivals(data: Any) -> tuple[str, ...]:
        if isinstance(data, ev.DataDerived):
            return data.artefacts
        arriving = ev.DataHeld | ev.DataCollected | ev.DataCopied | ev.DataReappeared
        return data.records if isinstance(data, arriving) else ()

    @staticmethod
    def _arrive(copy: Copy, fact: Fact) -> None:
        if not copy.live:
            # What was there when the ledger began may have been there for ever.
            opening = isinstance(fact.event.data, ev.DataHeld) and not copy.lives
            copy.spans.append([float("-inf") if opening else fact.time_us, float("inf")])
            copy.lives += 1
        copy.live, copy.erasure = True, None

    @staticmethod
    def _leave(copy: Copy, fact: Fact) -> None:
        if copy.live:
            copy.spans[-1][1] = fact.time_us
            copy.live, copy.erasure = False, fact
        elif copy.erasure is None:
            # Erased without ever having been there: the ledger is incomplete.
            copy.erasure = fact
            copy.orphaned += 1

    def _erases(self, fact: Fact) -> bool:
        """Only the store's operator erases from it, and only for good."""
        data = fact.event.data
        store = self.stores.get(data.store)
        if store is None or fact.poster.name != store.operator_key or not self.believed(fact):
            return False
        if not data.irrecoverable or data.method == "soft":
            return False
        if data.method == "retrain":
            return bool(store.kind == "model")
        if store.object_locked and data.method not in ("crypto_erase", "destroy"):
            return False
        return not (store.versioned and data.method == "clear")

    def live_in(self, store: str, size: int | None = None) -> frozenset[str]:
        """The ledger's own set for a store."""
        return frozenset(h for (h, s), copy in self.copies(size).items() if s == store and copy.live)

    # --- Scope

    def reach(self, handle: str, scope: Scope, before: int | None = None) -> str:
        """in, out or unknown: by what was said of the record itself, and of what it was derived from."""
        own = self._own(handle, scope)
        made = [
            f for f in self.told(ev.DataDerived)
            if handle in f.event.data.artefacts and (before is None or f.index < before)
        ]  # fmt: skip
        if not made or own == "in":
            return own or "unknown"
        given = [reach for f in made for reach in self._given(handle, f, scope)]
        if not self.is_artefact(handle):
            given.append(own or "unknown")
        return next(reach for reach in ("in", "unknown", "out") if reach in given)

    def _given(self, handle: str, made: Fact, scope: Scope) -> Iterator[str]:
        data = made.event.data
        if data.records is UNSET:
            yield "in" if scope.unknown_residency == "out_of_scope" else "unknown"
            return
        inputs = data.records
        if data.lineage == "each":
            inputs = [one for at, one in enumerate(inputs) if data.artefacts[at] == handle]
        for one in inputs:
            reach = self.reach(one, scope, made.index)
            yield "unknown" if reach == "out" and not self.believed(made) else reach

    def is_artefact(self, handle: str) -> bool:
        """Nothing but derived: nobody ever had it before, held it or collected it."""
        for fact in self.facts:
            data = fact.event.data
            if isinstance(data, ev.DataDerived) and handle in data.artefacts:
                break
            if isinstance(data, ev.DataDeleted) and handle in _erased(data):
                return False
            if isinstance(data, _MOVES) and handle in data.records:
                return False
        else:
            return False
        return not any(handle in f.event.data.records for f in self.told(ev.DataHeld, ev.DataCollected))

    def _own(self, handle: str, scope: Scope) -> str | None:
        if not scope.residency:
            return "in"
        said = list(self._said_of(handle))
        if not said:
            return None
        if scope.residency_when == "at_collection":
            traits = [f for f in self.told(ev.DataHeld, ev.DataCollected) if handle in f.event.data.records]
            first = traits[0].index if traits else said[0][0].index
            said = [one for one in said if one[0].index <= first] or said[:1]
        if scope.residency_when == "ever" and any(self._names(codes, scope) for _, codes, _ in said):
            return "in"
        reach, was_in = "unknown", False
        for fact, codes, basis in said:
            if self._names(codes, scope):
                reach, was_in = "in", True
            elif not self._takes_out(fact, codes, basis, scope):
                reach = "in" if reach == "in" else "unknown"
            else:
                late = was_in and fact.index > self.ordered
                trusted = fact.poster.vkey == self.authority.vkey or self.is_assessor(fact.poster)
                reach = "unknown" if late and not trusted else "out"
        return reach

    def _said_of(self, handle: str) -> Iterator[tuple[Fact, tuple[str, ...], str]]:
        for fact in self.told(ev.DataHeld, ev.DataCollected, ev.ResidencyAsserted):
            data = fact.event.data
            if handle in data.records and data.residency is not UNSET:
                asserted = isinstance(data, ev.ResidencyAsserted)
                yield fact, data.residency, data.basis if asserted else data.residency_basis

    @staticmethod
    def _names(codes: tuple[str, ...], scope: Scope) -> bool:
        return any(code == own or code.startswith(f"{own}-") for code in codes for own in scope.residency)

    def _takes_out(self, fact: Fact, codes: tuple[str, ...], basis: str, scope: Scope) -> bool:
        """Another place, on a basis that the order accepts, from somebody who may be believed."""
        if not codes or not self.believed(fact) or basis not in scope.residency_bases:
            return False
        if any(own.startswith(f"{code}-") for code in codes for own in scope.residency):
            return False  # The whole of a country of which the order reaches a part.
        return basis != "authority" or fact.poster.vkey == self.authority.vkey

    def reaches(self, handle: str, scope: Scope) -> bool:
        """Records of unknown residency are in, unless the order leaves them out."""
        reach = self.reach(handle, scope)
        return reach == "in" or (reach == "unknown" and scope.unknown_residency != "out_of_scope")

    # --- Looks

    def agrees(self, store: str, after: int) -> tuple[bool, bool] | None:
        """Whether the look that governs a store agrees, and is an assessor's; None without one."""
        look = self.governing(store, after)
        return None if look is None else (self._same(*look), self.is_assessor(look[1].poster))

    def governing(self, store: str, after: int) -> tuple[int, Fact] | None:
        """The look that governs a store, and where it begins."""
        looks = sorted((begun, f.index, f) for begun, f in self._looks(store))
        assessed = [one for one in looks if self.is_assessor(one[2].poster)]
        later = [one for one in looks if one[0] > after]
        if assessed and not self._same(*assessed[-1][::2]):
            return assessed[-1][0], assessed[-1][2]
        # Whoever finds a difference after him knows what he could not.
        if assessed and assessed[-1][0] > after and self._same(*later[-1][::2]):
            return assessed[-1][0], assessed[-1][2]
        return (later[-1][0], later[-1][2]) if later else None

    def differs(self, begun: int, look: Fact) -> tuple[frozenset[str], frozenset[str]]:
        """Who was in the store alone and who in the ledger alone, where the look names all of them."""
        data = look.event.data
        came = frozenset(() if data.orphans is UNSET else data.orphans)
        went = frozenset(() if data.missing is UNSET else data.missing)
        seen = self.found[data.digest]
        if data.count == len(seen) and not self._same(begun, look):
            for size in self._sizes(begun, look):
                ledger = self.live_in(data.store, size)
                if (seen - ledger, ledger - seen) == (came, went):
                    return came, went
        return frozenset(), frozenset()

    def last_size(self, begun: int, look: Fact) -> int:
        """The last size of the log at which he may have looked."""
        return self._sizes(begun, look)[-1]

    def _looks(self, store: str) -> Iterator[tuple[int, Fact]]:
        for fact in self.told(ev.InventoryAttested):
            data = fact.event.data
            if data.store != store:
                continue
            announced = self._announced(fact)
            if not announced and data.begun_size is UNSET:
                continue
            begun = announced[-1] if announced else data.begun_size
            # What an assessor found missing stands, whatever is said of his key.
            stands = self.is_assessor(fact.poster) and not self._same(begun, fact)
            if stands or self.believed(fact):
                yield begun, fact

    def _announced(self, look: Fact) -> list[int]:
        said = look.event.data
        return [
            f.index for f in self.told(ev.InventoryBegun)
            if f.index < look.index and f.poster == look.poster
            and (f.event.data.store, f.event.data.inventory) == (said.store, said.inventory)
        ]  # fmt: skip

    def _same(self, begun: int, fact: Fact) -> bool:
        """At the place announced; else at any size from the one named to the look's own entry."""
        data = fact.event.data
        seen, sizes = self.found[data.digest], self._sizes(begun, fact)
        return data.count == len(seen) and any(seen == self.live_in(data.store, size) for size in sizes)

    def _sizes(self, begun: int, look: Fact) -> Sequence[int]:
        return [begun] if self._announced(look) else range(begun, look.index + 1)

    # --- Time

    def timing(self, fact: Fact, deadline: int) -> str:
        """late, in_time or time_unproved: nothing but witnesses proves that something was in time."""
        if fact.time_us > deadline * SECOND_US:
            return "late"
        seen = [time_s for size, time_s in self.proved if size > fact.index]
        return "in_time" if seen and min(seen) <= deadline else "time_unproved"


def verdict_of(live: bool, missing: bool, past: bool) -> str:
    """Breached before what cannot be proved, before what is outstanding, before what is carried out."""
    if live and past:
        return BREACHED
    if missing and past:
        return UNPROVED
    return OUTSTANDING if live or missing else DONE


def _erased(data: ev.DataDeleted) -> tuple[str, ...]:
    named = data.artefacts if isinstance(data.records, UnsetType) else data.records
    assert not isinstance(named, UnsetType), "an erasure names one of the two"
    return named


_MOVES = (ev.DataHeld, ev.DataCollected, ev.DataCopied, ev.DataReappeared, ev.DeletionFailed)
