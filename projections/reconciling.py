"""Reconciling: whether a store's set was, at some size of a span of the log, the one that somebody found.

An auditor without an outbox knows the log's size before he looked, and not the moment of his look in it. What
he finds differs from the ledger at that size by what came and went meanwhile, and that is on record:
each difference is explained where his set is the ledger's at some size between there and his attestation.

What is not on record, he may name by its handles. He has named all of it, and nothing else, where the
ledger's set with what he names gives the digest of what he found.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from projections.docket import Docket, Store
from projections.holdings import Holding, Move
from projections.lives import is_live
from signing.setdigest import BucketDigest, SetDigest, hash_buckets

Groups = Iterable[tuple[Holding, Sequence[str]]]
_PREFIX = 4
"""Lines that begin with the same digits stand in one bucket."""


class Named(Struct, frozen=True):
    """What somebody says that he found beyond the ledger's set, and that he found missing of it."""

    orphans: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.orphans or self.missing)

    @property
    def lines(self) -> tuple[list[bytes], list[bytes]]:
        """Both, as lines of a set."""
        return [one.encode() for one in self.orphans], [one.encode() for one in self.missing]


NOTHING = Named()


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
    parts: Iterable[Groups],
    store: tuple[str, Store | None],
    docket: Docket,
    gone: Mapping[int, int],
    span: tuple[int, int],
    named: Named = NOTHING,
) -> bool:
    """Whether the ledger's own set for a store, with what is named, was `seen` at any size of the span, both
    ends included.

    `parts`: all records, of which each bucket belongs to one part alone. `gone` are the discredited posters
    (`docket.discredited`). One pass over the store's rows, of which those stay whose buckets change; then as
    much as has changed in the span.
    """
    began = _Beginning(store, docket, gone, span, named)
    for groups in parts:
        began.take(groups)
    changes = [began.changes[index] for index in sorted(began.changes)]
    return _was_ever(seen, BucketDigest(began.lines, (began.count, began.hashes)), changes, named)


class _Beginning:
    """The ledger's own set at the first size of a span: the lines of each bucket that changes in it or that
    something is named of, and the hashes of the others."""

    def __init__(
        self,
        store: tuple[str, Store | None],
        docket: Docket,
        gone: Mapping[int, int],
        span: tuple[int, int],
        named: Named,
    ) -> None:
        self.lines: list[bytes] = []
        self.count = 0
        self.hashes: dict[int, bytes] = {}
        self.changes: defaultdict[int, list[tuple[bytes, bool]]] = defaultdict(list)
        """By entry: what came (true) or went."""
        self._open = {line[:_PREFIX] for lines in named.lines for line in lines}
        self._name, self._declared = store
        self._docket, self._gone, self._span = docket, gone, span

    def take(self, groups: Groups) -> None:
        """Add a part of the records."""
        began: list[bytes] = []
        for holding, handles in groups:
            moves = holding.copies.get(self._name)
            if moves is None:
                continue
            lines = [handle.encode() for handle in handles]
            live = self._is_live(moves, self._span[0])
            if live:
                began += lines
            self._follow(moves, live, lines)
        self.lines += (line for line in began if line[:_PREFIX] in self._open)
        count, hashes = hash_buckets(line for line in began if line[:_PREFIX] not in self._open)
        self.count += count
        self.hashes.update(hashes)

    def _follow(self, moves: tuple[Move, ...], live: bool, lines: list[bytes]) -> None:
        first, last = self._span
        for move in moves:
            if first <= move.index < last:
                before, live = live, self._is_live(moves, move.index + 1)
                if live != before:
                    self.changes[move.index] += [(line, live) for line in lines]
                    self._open.update(line[:_PREFIX] for line in lines)

    def _is_live(self, moves: tuple[Move, ...], size: int) -> bool:
        return is_live(moves, self._declared, self._docket, self._gone, size)


def _was_ever(
    seen: SetDigest, kept: BucketDigest, changes: Sequence[list[tuple[bytes, bool]]], named: Named
) -> bool:
    """Whether a set is `seen`, as it stands or after any of the changes, made one after another."""
    if _is(kept, seen, named):
        return True
    for change in changes:
        for line, comes in change:
            (kept.add if comes else kept.remove)(line)
        if _is(kept, seen, named):
            return True
    return False


def _is(kept: BucketDigest, seen: SetDigest, named: Named) -> bool:
    # Most are told apart by their count, which costs nothing.
    if kept.count + len(named.orphans) - len(named.missing) != seen.count:
        return False
    orphans, missing = named.lines
    if any(line in kept for line in orphans) or not all(line in kept for line in missing):
        return False
    _swap(kept, orphans, missing)
    is_seen = kept.digest() == seen
    _swap(kept, missing, orphans)
    return is_seen


def _swap(kept: BucketDigest, comes: Sequence[bytes], goes: Sequence[bytes]) -> None:
    for line in comes:
        kept.add(line)
    for line in goes:
        kept.remove(line)
