"""Events that speak for an order's being carried out: inventories, probes, samples, collectors' coverage."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from projections import vocabulary as v
from projections.moments import rfc3339_us
from projections.vocabulary import Data, FieldError


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

    An auditor without an outbox (method `reconcile`) names the size and root of the log he began at. Unless
    he announced his beginning, that is the inventory's place: what he found must be the ledger's set at some
    size from there to this entry. One that names a checkpoint which this log never had, or that has no place
    at all, counts for nothing, and is listed as an exception.
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


class ProbeAttested(Data, frozen=True, kw_only=True):
    """A store was searched for what an order erased: how many of the set were looked for, and how many found.

    The positive control shows that the search finds: of so many known to be there, so many were found.
    """

    checked_count: v.Count
    checked_digest: v.Hash
    control_checked: v.Count
    control_found: v.Count
    controller: v.Id
    found: v.Count
    order: v.OrderId
    store: v.Id

    def __post_init__(self) -> None:
        if self.found > self.checked_count:
            raise FieldError("found", "is more than `checked_count`: give how many of those were found")
        if self.control_found > self.control_checked:
            raise FieldError("control_found", "is more than `control_checked`: give how many were found")


class SampleRequested(Data, frozen=True, kw_only=True):
    """So many of a population, which the digest fixes first, are to be drawn at random and looked for.

    The population is what the order erased from `store`, as of the ledger's first `log_size` entries. The
    hash commits to a nonce that nobody else knows until the result is told: with it comes the seed from the
    first witness's cosignature after this event (docs/spec/sample.md).
    """

    controller: v.Id
    log_size: v.Count | UnsetType = UNSET
    n: v.SampleSize
    nonce_sha256: v.Sha256 | UnsetType = UNSET
    order: v.OrderId
    population_digest: v.Hash
    sample: v.Id
    store: v.Id | UnsetType = UNSET


class SampleAttested(Data, frozen=True, kw_only=True):
    """How many of a sample failed: they were found where none should be. `n` is how many were looked for.

    `failed` names those; that the others were not found, `deletion.verified` says of each. The
    positive control is as a probe's. `nonce` is the one that the request committed to: with it anybody can
    draw the sample again.
    """

    control_checked: v.Count | UnsetType = UNSET
    control_found: v.Count | UnsetType = UNSET
    controller: v.Id
    failed: v.Handles | UnsetType = UNSET
    failures: v.Count
    n: v.SampleSize | UnsetType = UNSET
    nonce: v.Nonce | UnsetType = UNSET
    sample: v.Id

    def __post_init__(self) -> None:
        if not isinstance(self.n, UnsetType) and self.failures > self.n:
            raise FieldError("failures", "is more than `n`: give how many of the sample failed")
        if not isinstance(self.failed, UnsetType):
            v.check_handle_set(self.failed, "failed")
            if len(self.failed) > self.failures:
                raise FieldError("failed", "names more than `failures`: give those of the sample that failed")
        checked, found = self.control_checked, self.control_found
        if isinstance(checked, UnsetType) or isinstance(found, UnsetType):
            if checked is not found:
                raise FieldError("control_found", "comes with `control_checked`: give both or neither")
        elif found > checked:
            raise FieldError("control_found", "is more than `control_checked`: give how many were found")
