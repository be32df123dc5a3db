"""Looks: what somebody says he found in a store, and for which place in the log.

A part of the docket. Whether a look agrees with the ledger, and whose counts, is decided where it is judged
(`coverage`).
"""

from collections.abc import Callable, Hashable
from typing import Any

import msgspec
from msgspec import Struct, UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.holdings import given
from projections.series import Series


class Begun(Struct, frozen=True):
    """An inventory's exact place in the log."""

    index: int
    by: int
    store: str
    inventory: str


class Inventory(Struct, frozen=True, omit_defaults=True):
    """What somebody says he found in a store, for the state at `begun`; where he did not announce that and
    names the log's size before he looked, for the state at some size from there to `ended`, his own entry.

    `orphans` he found in the store and not in the ledger, `missing` the other way round, as far as he names
    them.
    """

    index: int
    time_us: int
    by: int
    store: str
    inventory: str
    begun: int
    count: int
    digest: str
    ended: int
    method: str
    orphans: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Misplaced(Struct, frozen=True):
    """An inventory without a place in this log: it names a checkpoint which this log never had (`quotes`), or
    none, and its beginning was never announced. It counts for nothing, and is told."""

    index: int
    time_us: int
    by: int
    store: str
    quotes: bool


class Looks(Struct, frozen=True):
    """State after some number of entries. Series are in log order."""

    begun: Series[Begun] = Series()
    inventories: Series[Inventory] = Series()
    misplaced: Series[Misplaced] = Series()


def _begun_by(one: Begun) -> Hashable:
    return one.by, one.store, one.inventory


def _inventory_begun(part: Looks, fact: Fact, by: int) -> Looks:
    data: ev.InventoryBegun = fact.event.data
    begun = Begun(fact.index, by, data.store, data.inventory)
    return msgspec.structs.replace(part, begun=part.begun.grown(begun))


def _inventory_attested(part: Looks, fact: Fact, by: int) -> Looks:
    """Where he had another log before him it has no place in this one."""
    data: ev.InventoryAttested = fact.event.data
    span = None if fact.misquotes else _span(part, fact, by)
    if span is None:
        misplaced = Misplaced(fact.index, fact.time_us, by, data.store, fact.misquotes)
        return msgspec.structs.replace(part, misplaced=part.misplaced.grown(misplaced))
    who = (fact.index, fact.time_us, by, data.store, data.inventory)
    named = (given(data.orphans), given(data.missing))
    inventory = Inventory(*who, span[0], data.count, data.digest, span[1], data.method, *named)
    return msgspec.structs.replace(part, inventories=part.inventories.grown(inventory))


def _span(part: Looks, fact: Fact, by: int) -> tuple[int, int] | None:
    """It stands where the same poster announced its beginning, else from the size that it names on."""
    data: ev.InventoryAttested = fact.event.data
    number = part.begun.last(_begun_by, (by, data.store, data.inventory))
    if number is not None:
        return part.begun[number].index, part.begun[number].index
    return None if isinstance(data.begun_size, UnsetType) else (data.begun_size, fact.index)


STEPS: dict[type[Any], Callable[[Looks, Fact, int], Looks]] = {
    ev.InventoryBegun: _inventory_begun,
    ev.InventoryAttested: _inventory_attested,
}
