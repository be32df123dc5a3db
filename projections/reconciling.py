"""Reconciling: whether a store's set was, at some size of a span of the log, the one that somebody found.

An auditor without an outbox knows the log's size before he looked, and not the moment of his look in it. What
he finds differs from the ledger at that size by what came and went meanwhile, and that is on record: each
difference is explained where his set is the ledger's at some size between there and his attestation.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from projections.docket import Docket, Store
from projections.holdings import Holding
from projections.lives import is_live
from signing.setdigest import BucketDigest, SetDigest

Groups = Iterable[tuple[Holding, Sequence[str]]]


def live_lines(
    groups: Groups, store: tuple[str, Store | None], docket: Docket, gone: Mapping[int, int], size: int
) -> Iterator[bytes]:
    """The ledger's own set for a store at `size`: the handles of its live copies.

    `gone` are the discredited posters (`docket.discredited`).
    """
    name, declared = store
    for holding, handles in groups:
        moves = holding.copies.get(name)
        if moves is not None and is_live(moves, declared, docket, gone, size):
            for handle in handles:
                yield handle.encode()


def was_ever(
    seen: SetDigest,
    groups: Groups,
    store: tuple[str, Store | None],
    docket: Docket,
    gone: Mapping[int, int],
    span: tuple[int, int],
) -> bool:
    """Whether the ledger's own set for a store was `seen` at any size of the span, both ends included.

    `gone` are the discredited posters (`docket.discredited`). One pass over the store's rows; then as much as
    has changed in the span.
    """
    (name, declared), (first, last) = store, span
    began: list[bytes] = []
    changes: defaultdict[int, list[tuple[bytes, bool]]] = defaultdict(list)
    for holding, handles in groups:
        moves = holding.copies.get(name, ())
        live = bool(moves) and is_live(moves, declared, docket, gone, first)
        lines = [handle.encode() for handle in handles]
        if live:
            began += lines
        for move in moves:
            if first <= move.index < last:
                before, live = live, is_live(moves, declared, docket, gone, move.index + 1)
                if live != before:
                    changes[move.index] += [(line, live) for line in lines]
    return _was_ever(seen, BucketDigest(began), [changes[index] for index in sorted(changes)])


def _was_ever(seen: SetDigest, kept: BucketDigest, changes: Sequence[list[tuple[bytes, bool]]]) -> bool:
    """Whether a set is `seen`, as it stands or after any of the changes, made one after another."""
    if _is(kept, seen):
        return True
    for change in changes:
        for line, comes in change:
            (kept.add if comes else kept.remove)(line)
        if _is(kept, seen):
            return True
    return False


def _is(kept: BucketDigest, seen: SetDigest) -> bool:
    # Most are told apart by their count, which costs nothing.
    return kept.count == seen.count and kept.digest() == seen
