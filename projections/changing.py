"""Changing: a set of handles at many sizes of a log, each with its digest, from one pass over the records.

A part of the records holds whole 256ths of a set: all handles that begin with the same two digits. So it
tells what is over each of them at each size, and no more; the parts' answers together give the digests.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from signing.setdigest import BucketTree, SetDigest, bucket_hash, bucket_of, joined_root

Nodes = dict[int, bytes]
"""What is over the lines that begin with the same two digits, by those digits."""
Step = tuple[int, int, Nodes]
"""A size (or what stands for one), how many lines more there are than before, and the nodes that are new."""

_HEIGHT: Final = 8
"""Of a node over the buckets."""
_BUCKET: Final = 4
"""So many digits name a bucket."""


class Changing:
    """The set of one part, as lines come and go."""

    def __init__(self) -> None:
        self._buckets: defaultdict[bytes, set[bytes]] = defaultdict(set)
        self._trees: defaultdict[int, BucketTree] = defaultdict(lambda: BucketTree(height=_HEIGHT))

    def __contains__(self, line: bytes) -> bool:
        return line in self._buckets.get(line[:_BUCKET], ())

    def change(self, lines: Iterable[bytes]) -> tuple[int, Nodes]:
        """Those that are there go, the others come: how many more there are, and what is new."""
        more = 0
        touched: defaultdict[bytes, list[bytes]] = defaultdict(list)
        hashes: defaultdict[int, dict[int, bytes]] = defaultdict(dict)
        for line in lines:
            touched[line[:_BUCKET]].append(line)
        for prefix, some in touched.items():
            members = self._buckets[prefix]
            before = len(members)
            members.symmetric_difference_update(some)
            more += len(members) - before
            tree, place = divmod(bucket_of(prefix), 1 << _HEIGHT)
            hashes[tree][place] = bucket_hash(members)
        for tree, new in hashes.items():
            self._trees[tree].update(new)
        return more, {tree: self._trees[tree].digest() for tree in hashes}

    def with_difference(self, comes: list[bytes], goes: list[bytes]) -> Nodes | None:
        """What would be new if these came and those went; None where one that comes is there, or one that
        goes is not."""
        if any(line in self for line in comes) or not all(line in self for line in goes):
            return None
        _, found = self.change([*comes, *goes])
        self.change([*comes, *goes])
        return found


class Joined:
    """The sets of all parts together."""

    def __init__(self) -> None:
        self.count = 0
        self._nodes: list[bytes | None] = [None] * (1 << _HEIGHT)

    def take(self, more: int, new: Nodes) -> None:
        """A step of one of the parts."""
        self.count += more
        for at, node in new.items():
            self._nodes[at] = node

    def digest(self, instead: Mapping[int, bytes] = {}) -> bytes:
        """The digest of the set; or of the one that has these nodes instead."""
        nodes = [instead.get(at, node) for at, node in enumerate(self._nodes)] if instead else self._nodes
        return joined_root(nodes, _HEIGHT)

    @property
    def seen(self) -> SetDigest:
        """Count and digest."""
        return SetDigest(self.count, self.digest())
