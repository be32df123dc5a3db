"""Digesting: the digests of a large state, on as many processes as there are cores.

The set digest merges over partitions by handle prefix (docs/spec/set-digest.md). Processes are forked, so
that each sees the folded state where it is; where forking is not to be had, one process does it all.
"""

import multiprocessing
import os
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor

from projections import docket, holdings
from projections.fold import Fold, StateDigest
from signing.setdigest import BucketTree, bucket_hash, bucket_of, digest_of

FEW_ROWS = 50_000
"""Up to here, starting processes costs more than they save."""

Part = tuple[int, dict[int, bytes]]
"""How many rows, and the hashes of their buckets."""


def digests(fold: Fold) -> tuple[StateDigest, ...]:
    """What `fold.digests()` gives, sooner."""
    count = min(os.cpu_count() or 1, 16)
    # On macOS system libraries may not survive a fork.
    if len(fold.holdings) <= FEW_ROWS or count == 1 or sys.platform != "linux":
        return fold.digests()
    rest = digest_of(docket.rows(fold.docket, fold.edges))
    tree, rows = BucketTree(), 0
    for part_rows, hashes in _parts(fold, count):
        rows += part_rows
        tree.update(hashes)
    return (
        StateDigest(docket.NAME, docket.VERSION, rest.count, rest.digest),
        StateDigest(holdings.NAME, holdings.VERSION, rows, tree.digest()),
    )


_folds: list[Fold] = []
"""What the forked processes see."""


def _parts(fold: Fold, count: int) -> list[Part]:
    _folds.append(fold)
    try:
        with ProcessPoolExecutor(count - 1, mp_context=multiprocessing.get_context("fork")) as pool:
            others = [pool.submit(_part, number, count) for number in range(1, count)]
            return [_part(0, count), *(other.result() for other in others)]
    finally:
        _folds.pop()


def _part(number: int, count: int) -> Part:
    """The buckets whose first hex digit, as a number, leaves `number` when divided by `count`."""
    digits = frozenset(f"{digit:x}" for digit in range(16) if digit % count == number)
    buckets: defaultdict[bytes, list[bytes]] = defaultdict(list)
    own = {handle: held for handle, held in _folds[0].holdings.items() if handle[0] in digits}
    for line in holdings.rows(own):
        buckets[line[:4]].append(line)
    hashes = {bucket_of(prefix): bucket_hash(lines) for prefix, lines in buckets.items()}
    return len(own), hashes
