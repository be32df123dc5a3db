"""Events of orders and of what speaks for their being carried out: inventories and collectors' coverage."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from projections import vocabulary as v
from projections.moments import rfc3339_us
from projections.order import Order
from projections.vocabulary import Data, FieldError


class OrderIssued(Data, frozen=True, kw_only=True):
    """An authority orders something. The order stands here whole: it is what readers trust.

    `effective_at` and `instrument_sha256` are the order's own, as every event of an order's life states them.
    """

    controller: v.Id
    effective_at: v.Moment
    instrument_sha256: v.Sha256
    order: Order

    def __post_init__(self) -> None:
        if self.effective_at != self.order.effective:
            raise FieldError("effective_at", f"differs from order.effective: give {self.order.effective}")
        if self.instrument_sha256 != self.order.instrument_sha256:
            raise FieldError("instrument_sha256", "differs from order.instrument_sha256: give the same hash")


class InventoryBegun(Data, frozen=True, kw_only=True):
    """The exact place in the log for which an inventory counts.

    Posted through the store's outbox in the transaction that takes the snapshot, or while the store is
    quiescent.
    """

    controller: v.Id
    inventory: v.Id
    store: v.Id


class InventoryAttested(Data, frozen=True, kw_only=True):
    """What a store really held when the inventory began: how many handles, and the digest of their set.

    An auditor without an outbox (method `reconcile`) names the size and root of the log he began at too: of a
    checkpoint that this log never had, the inventory counts for nothing, and is listed as an exception.
    `orphans` were in the store and not in the ledger, `missing` the other way round, where they are known.
    """

    begun_root: v.Hash | UnsetType = UNSET
    begun_size: v.Count | UnsetType = UNSET
    controller: v.Id
    count: v.Count
    digest: v.Hash
    inventory: v.Id
    method: v.InventoryMethod
    missing: v.Handles | UnsetType = UNSET
    orphans: v.Handles | UnsetType = UNSET
    store: v.Id

    def __post_init__(self) -> None:
        place = (self.begun_root is not UNSET) + (self.begun_size is not UNSET)
        if place != (2 if self.method == "reconcile" else 0):
            problem = "`begun_size` and `begun_root` stand where the method is `reconcile`, and nowhere else"
            raise FieldError("begun_size", problem)
        named = 0
        for name in ("missing", "orphans"):
            handles = getattr(self, name)
            if handles is not UNSET:
                v.check_handle_set(handles, name)
                named += len(handles)
        if named > v.MAX_HANDLES:
            raise FieldError("orphans", f"more than {v.MAX_HANDLES:,} handles with `missing`: name fewer")


class CollectorAttested(Data, frozen=True, kw_only=True):
    """What a collector did over a span of time: whether it ran, and which countries it left out.

    A prohibition to collect is proved by coverage without a gap, never by silence.
    """

    collector: v.Id
    config_sha256: v.Sha256
    controller: v.Id
    exclusions: Annotated[
        tuple[v.Country, ...], Meta(max_length=len(v.COUNTRIES), description="countries left out, sorted")
    ]
    from_: v.Timestamp = field(name="from")
    running: bool
    to: v.Timestamp

    def __post_init__(self) -> None:
        v.check_sorted(self.exclusions, "exclusions")
        v.check_time(self.from_, "from")
        v.check_time(self.to, "to")
        if rfc3339_us(self.from_) >= rfc3339_us(self.to):
            raise FieldError("to", "is not after `from`: give a span of time")
