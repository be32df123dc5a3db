"""Differences: by which handles a store is not what the ledger says, found without moving either set.

The hashes of all buckets are 2 MB; of the buckets that differ, and of these alone, the ledger's handles are
fetched. What the service answers is checked against its own digest, and that by whoever replays the log.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from ledger.failure import Failure
from ledger.inventory.findings import KeptHandles, Look
from ledger.remote import RemoteLog
from ledger.remote_events import events_of, require_there
from ledger.remote_sets import ledger_lines, ledger_set
from projections import events as ev
from signing.setdigest import differing_buckets

MOST: Final = 100_000
"""So many handles are told. Whoever differs by more has another problem than these."""
_BUCKETS_AT_ONCE: Final = 256


class Differences(Struct, frozen=True, kw_only=True):
    """Handles of the store that the ledger has not, and the other way round, at one size of the log."""

    size: int
    ledger_count: int
    orphans: tuple[str, ...]
    missing: tuple[str, ...]
    is_whole: bool = True
    """Whether these are all."""

    @property
    def count(self) -> int:
        """How many handles are told."""
        return len(self.orphans) + len(self.missing)


class Compared(Struct, frozen=True, kw_only=True):
    """A look compared with the ledger where it has its place."""

    differences: Differences
    explained: tuple[str, ...] = ()
    """Handles that differ at one end of the look's span and not at the other, for an event meanwhile."""

    @property
    def may_be_named(self) -> bool:
        """Whether these handles, and no others, make the difference on record."""
        return self.differences.is_whole and not self.explained


async def compare(log: RemoteLog, kept: KeptHandles, look: Look) -> Compared:
    """By what a look differs from the ledger at its place.

    An auditor's place is a span of the log. What differs at both of its ends differs; what differs at one
    alone, the log itself explains.
    """
    if look.method != "reconcile":
        return Compared(differences=await differences(log, kept, look.store, await begun_at(log, look)))
    assert look.begun_size is not None, "an auditor names the size before he looked"
    first = await differences(log, kept, look.store, look.begun_size)
    if not first.count:
        return Compared(differences=first)
    last = await differences(log, kept, look.store, await attested_at(log, look))
    return over_span(first, last)


def over_span(first: Differences, last: Differences) -> Compared:
    """What differs over a span of the log, by what differs at its ends."""
    nearest, other = (first, last) if first.count <= last.count else (last, first)
    both = msgspec.structs.replace(
        nearest,
        orphans=_common(nearest.orphans, other.orphans),
        missing=_common(nearest.missing, other.missing),
        is_whole=nearest.is_whole and other.is_whole,
    )
    explained = {*nearest.orphans, *nearest.missing} - {*both.orphans, *both.missing}
    return Compared(differences=both, explained=tuple(sorted(explained)))


async def differences(log: RemoteLog, kept: KeptHandles, store: str, size: int) -> Differences:
    """By what the handles kept differ from the ledger's at a size of the log."""
    ours = await ledger_set(log, store, size)
    unequal = differing_buckets(kept.hashes(), ours.hashes)
    orphans: list[str] = []
    missing: list[str] = []
    looked = 0
    while looked < len(unequal) and len(orphans) + len(missing) < MOST:
        some = unequal[looked : looked + _BUCKETS_AT_ONCE]
        looked += len(some)
        for bucket, lines in (await ledger_lines(log, ours, some)).items():
            here, there = set(kept.bucket(bucket)), {line.decode() for line in lines}
            orphans += here - there
            missing += there - here
    return Differences(
        size=ours.size,
        ledger_count=ours.seen.count,
        orphans=tuple(sorted(orphans)),
        missing=tuple(sorted(missing)),
        is_whole=looked == len(unequal),
    )


async def begun_at(log: RemoteLog, look: Look) -> int:
    """The entry that announced a look: the ledger's set is the one below it."""
    if look.begun_index is not None:
        return look.begun_index
    return await _entry_of(log, look, ev.InventoryBegun)


async def attested_at(log: RemoteLog, look: Look) -> int:
    """The entry that attests to a look, the first of them."""
    return await _entry_of(log, look, ev.InventoryAttested)


async def _entry_of(log: RemoteLog, look: Look, kind: type[ev.InventoryBegun | ev.InventoryAttested]) -> int:
    """Where the event of a look stands. Another poster may have used the same name for something else."""
    after = -1 if look.begun_size is None else look.begun_size - 1
    async for told in events_of(log, ev.TYPE_OF[kind], after):
        event: ev.Event[ev.Data] = ev.decode_event(told.line)
        assert isinstance(event.data, ev.InventoryBegun | ev.InventoryAttested), "of that type"
        if (event.source, event.data.inventory) == (look.source, look.inventory):
            await require_there(log, told)
            return told.index
    raise Failure(
        f"{ev.TYPE_OF[kind]} of {look.inventory} is not in the log",
        "see that the store's outbox is being sent: writ outbox DIR status",
    )


def _common(some: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({*some} & {*others}))
