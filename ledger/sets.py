"""Sets: what the ledger itself has for a store, and what an order had erased there, for whoever compares.

Everything here runs in the projector's process, over the state that it keeps.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from ledger.children import report
from ledger.judging import Asked, case_of
from ledger.kept import KeptLog, keep
from ledger.set_wire import MAX_LINES, StoreLine
from projections.case import Groups, grouped
from projections.docket import Store, discredited
from projections.erased import erased_in
from projections.lines import DIGITS, FANOUT, LEAVES
from projections.reconciling import live_lines
from signing.setdigest import BUCKETS, EMPTY_BUCKET, BucketTree, digest_of, hash_buckets


class StoreSet(Struct, frozen=True):
    """The handles of the live copies in a store at `size`: how many, their digest, and the hash of each
    bucket, one after another."""

    size: int
    count: int
    digest: bytes
    hashes: bytes


class TooMany(Struct, frozen=True):
    """More lines than one answer holds."""

    lines: int


class NoStore(Struct, frozen=True):
    """No such store was declared."""


class ErasedPage(Struct, frozen=True):
    """Some of the handles that an order's obligations had erased from a store at `size`, sorted. `count` and
    `digest` are of all of them."""

    size: int
    count: int
    digest: bytes
    handles: tuple[str, ...]
    is_last: bool


def stores(dsn: str, log: str) -> list[StoreLine]:
    """The stores that were declared in a log."""
    declared = keep(dsn, log).fold.docket.stores
    return [_line(name, declared[name]) for name in sorted(declared)]


def store_set(dsn: str, log: str, store: str, size: int) -> StoreSet | None:
    """The ledger's own set for a store; None when no such store was declared."""
    kept = keep(dsn, log)
    if store not in kept.fold.docket.stores:
        return None
    live, count = _live_at(kept, store, size), 0
    found: dict[int, bytes] = {}
    for leaf, groups in enumerate(_leaves(kept, range(LEAVES))):
        lines, hashes = hash_buckets(live(groups))
        count += lines
        found.update(hashes)
        report("judging", leaf + 1, LEAVES)
    tree = BucketTree()
    tree.update(found)
    joined = b"".join(found.get(bucket, EMPTY_BUCKET) for bucket in range(BUCKETS))
    return StoreSet(size, count, tree.digest(), joined)


def set_lines(dsn: str, log: str, store: str, size: int, buckets: tuple[int, ...]) -> bytes | TooMany | None:
    """The lines of some buckets of that set, sorted, each with its newline."""
    kept = keep(dsn, log)
    if store not in kept.fold.docket.stores:
        return None
    live, wanted = _live_at(kept, store, size), {b"%04x" % bucket for bucket in buckets}
    found: list[bytes] = []
    for groups in _leaves(kept, sorted({bucket // FANOUT for bucket in buckets})):
        found += (line for line in live(groups) if line[: DIGITS + 1] in wanted)
        if len(found) > MAX_LINES and len(buckets) > 1:
            return TooMany(len(found))
    return b"".join(line + b"\n" for line in sorted(found))


def erased(
    dsn: str, log: str, order: str, store: str, asked: Asked, after: str, limit: int
) -> ErasedPage | NoStore | None:
    """A page of what an order's obligations had erased from a store; None when the log has no such order."""
    case = case_of(dsn, log, order, asked)
    if case is None:
        return None
    if store not in case.docket.stores:
        return NoStore()
    key = (log, case.issued.index, case.docket.stores.get(store), store, case.size)
    if key not in _erased:
        handles = erased_in(case, store)
        _erased.clear()
        _erased[key] = (handles, digest_of(handle.encode() for handle in handles).digest)
    handles, digest = _erased[key]
    begin = bisect_right(handles, after)
    page = tuple(handles[begin : begin + limit])
    return ErasedPage(case.size, len(handles), digest, page, begin + limit >= len(handles))


# Between calls: the last such set, of which pages are asked for one after another.
_erased: dict[tuple[object, ...], tuple[list[str], bytes]] = {}


def _live_at(kept: KeptLog, store: str, size: int) -> Callable[[Groups], Iterator[bytes]]:
    """The live copies among some records. Whose word counts is what the whole log says of it by now, as where
    an inventory of that place is judged."""
    docket = kept.fold.docket
    place, gone = (store, docket.stores[store]), discredited(docket, kept.size)
    return lambda groups: live_lines(groups, place, docket, gone, size)


def _leaves(kept: KeptLog, numbers: Iterable[int]) -> Iterator[Groups]:
    """The records of some leaves, one leaf at a time."""
    held = kept.fold.holdings
    for number in numbers:
        yield grouped((handle, held[handle]) for handle in kept.handles_of(number))


def _line(name: str, declared: Store) -> StoreLine:
    return StoreLine(
        store=name,
        entry=declared.index,
        operator_key=declared.operator_key,
        namespace=declared.namespace,
        blinding_commitment=declared.blinding_commitment,
        kind=declared.kind,
        country=declared.country,
        versioned=declared.versioned,
        object_locked=declared.object_locked,
        backup_retention_days=declared.backup_retention_days,
        retired=declared.retired,
    )
