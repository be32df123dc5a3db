"""Probing: whether anything that an order had erased from a store is still there.

What is looked for is what the ledger has as erased at the probe's own entry, all of it: who chose what to
look for would choose what is found. Live handles are looked for in the same pass, some of them drawn by
chance: with another key, or in another table, those would not be found either, and the probe would say
nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from msgspec import Struct

from ledger.control import draw_control
from ledger.failure import Failure
from ledger.inventory.crew import Crew, Match, batches
from ledger.inventory.taking import Told
from ledger.remote import RemoteLog
from ledger.remote_sets import ErasedSet, erased_set
from ledger.stores.source import Source
from projections import events as ev
from signing.encoding import encode_base64


class Sought(Struct, frozen=True):
    """What is looked for: what an order had erased from a store, and some of what is live there."""

    erased: ErasedSet
    control: frozenset[str]

    def rows(self) -> frozenset[bytes]:
        """All of it, as handles are compared."""
        return frozenset(map(bytes.fromhex, (*self.erased.handles, *self.control)))


class Sight(Struct, frozen=True):
    """What was seen of it: how many keys were read, and the native ids by handle. Those that were found in
    other places than the declared one stand apart, with the places; `unsure` has places with numbers that
    may be ids."""

    keys: int
    natives: dict[str, str]
    elsewhere: dict[str, str] = {}
    places: dict[str, tuple[str, ...]] = {}
    unsure: dict[str, int] = {}

    def native(self, handle: str) -> str:
        """The native id behind a handle that was found."""
        return self.natives.get(handle) or self.elsewhere[handle]


class Probed(Struct, frozen=True):
    """What a probe attests to."""

    erased: ErasedSet
    found: tuple[str, ...]
    control_checked: int
    control_found: int

    def data(self, controller: str) -> ev.ProbeAttested:
        """The event's data. Handles that were found are told where the probe ran; the event counts them."""
        return ev.ProbeAttested(
            checked_count=self.erased.seen.count,
            checked_digest=encode_base64(self.erased.seen.digest),
            control_checked=self.control_checked,
            control_found=self.control_found,
            controller=controller,
            found=len(self.found),
            order=self.erased.order,
            store=self.erased.store,
        )


async def seek(log: RemoteLog, order: str, store: str, wish: int, chance: Random) -> Sought:
    """Ask the ledger what to look for: the whole erased set, and about `wish` live handles."""
    erased = await erased_set(log, order, store)
    if not erased.handles:
        raise Failure(
            f"the ledger has nothing as erased from {store} under {order} at size {erased.size:,}",
            f"there is nothing to look for; what the store has, an inventory tells: writ inventory {store}",
        )
    control = await draw_control(log, store, wish, chance, erased.size)
    if not control:
        raise Failure(
            f"the ledger has nothing live in {store}, so nothing would show that this look finds anything",
            f"take an inventory, which counts an empty store, too: writ inventory {store}",
        )
    return Sought(erased, control - set(erased.handles))


def look(source: Source, crew: Crew, told: Told) -> Sight:
    """Read all keys of a store, and see what was looked for among them."""
    keys, natives = 0, {}
    for part in source.parts():
        for count, matched in matches(source.keys(part), crew):
            told(count)
            keys += count
            natives.update({one.handle: one.native for one in matched})
    return Sight(keys, natives)


def judge(sought: Sought, sight: Sight, now: ErasedSet, gone: frozenset[str]) -> Probed | None:
    """What may be attested to at the log's size by now; None where that asks for more than was looked for,
    or for nothing any more. `gone` is what of the control was not found, and is live no more."""
    if not now.handles or not set(now.handles) <= set(sought.erased.handles):
        return None
    found = tuple(one for one in now.handles if one in sight.natives or one in sight.elsewhere)
    control = sought.control - gone
    return Probed(now, found, len(control), sum(handle in sight.natives for handle in control))


def matches(ids: Iterable[Sequence[str]], crew: Crew) -> Iterator[tuple[int, list[Match]]]:
    """How many ids were read at a time, and those among them whose handles are looked for."""
    counts: list[int] = []
    for matched in crew.matches(_counted(batches(ids), counts)):
        yield sum(counts), matched
        counts.clear()


def _counted(batched: Iterable[list[str]], counts: list[int]) -> Iterator[list[str]]:
    for batch in batched:
        counts.append(len(batch))
        yield batch
