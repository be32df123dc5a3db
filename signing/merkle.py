"""RFC 6962 Merkle trees: hashes, compact ranges, growth and proofs.

A *compact range* of leaves [begin, end) is the list of the roots of its greatest aligned perfect subtrees,
left to right. It needs no neighbours to be made, so segments are hashed in parallel and merged; that of
[0, size) is a tree's *frontier*: O(log n) hashes from which the root follows and the tree can grow.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from signing.encoding import HASH_SIZE, decode_base64, encode_base64
from signing.errors import FormatError, ProofError

EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry into a leaf (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes_of(entries: Sequence[bytes]) -> list[bytes]:
    """Hash many entries, at little more than the cost of the hash function."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange(msgspec.Struct, frozen=True):
    """The perfect subtree roots of the leaves [begin, end), left to right."""

    begin: int
    end: int
    nodes: tuple[bytes, ...]


EMPTY_RANGE: Final = CompactRange(0, 0, ())


def range_of(begin: int, leaf_hashes: Sequence[bytes]) -> CompactRange:
    """Make the compact range of consecutive leaves, of which the first has index `begin`."""
    left: list[bytes] = []
    right: list[bytes] = []
    level, first = list(leaf_hashes), begin
    while level:
        # A node whose sibling lies outside of the range stays as it is.
        if first & 1:
            left.append(level.pop(0))
            first += 1
        if len(level) & 1:
            right.append(level.pop())
        level, first = _parents(level), first >> 1
    return CompactRange(begin, begin + len(leaf_hashes), (*left, *reversed(right)))


def merge(left: CompactRange, right: CompactRange) -> CompactRange:
    """Join two ranges that touch."""
    if left.end != right.begin:
        raise ProofError(f"range to {left.end} and range from {right.begin} do not touch")
    nodes = list(left.nodes)
    heights = _heights(left.begin, left.end)
    position = right.begin
    for height, node in zip(_heights(right.begin, right.end), right.nodes, strict=True):
        position += 1 << height
        while heights and heights[-1] == height and not (position >> height) & 1:
            node, height = node_hash(nodes.pop(), node), heights.pop() + 1
        nodes.append(node)
        heights.append(height)
    return CompactRange(left.begin, right.end, tuple(nodes))


def root_of(frontier: CompactRange) -> bytes:
    """The root of the tree that the range covers from its first leaf."""
    if frontier.begin != 0:
        raise ProofError(f"range from {frontier.begin} has no root: it does not begin at 0")
    return _fold(frontier.nodes)


def encode_frontier(frontier: CompactRange) -> str:
    """Write a frontier: its perfect subtree roots, largest first, concatenated, in base64."""
    return encode_base64(b"".join(frontier.nodes))


def decode_frontier(size: int, text: str) -> CompactRange:
    """Read the frontier of a tree of `size` leaves, accepting only what `encode_frontier` writes."""
    return unpack_frontier(size, decode_base64(text, "frontier"))


def unpack_frontier(size: int, raw: bytes) -> CompactRange:
    """Read a frontier from its concatenated hashes, as the database stores it."""
    if len(raw) != size.bit_count() * HASH_SIZE:
        raise FormatError(f"frontier of {size} leaves has {size.bit_count()} hashes, not {len(raw)} bytes")
    return CompactRange(0, size, tuple(raw[at : at + HASH_SIZE] for at in range(0, len(raw), HASH_SIZE)))


class Growth(msgspec.Struct, frozen=True):
    """A tree that has just grown by some leaves: its new frontier and root, and proofs for the new leaves."""

    old_size: int
    frontier: CompactRange
    root: bytes
    levels: tuple[tuple[int, list[bytes]], ...]
    """At each height the index of the first node kept and the nodes from there to the right edge."""

    def prove(self, index: int) -> tuple[bytes, ...]:
        """Make the inclusion proof of a new leaf in the tree as grown."""
        if not self.old_size <= index < self.frontier.end:
            raise ProofError(f"leaf {index} is not one of the leaves {self.old_size} to {self.frontier.end}")
        proof = []
        for height, (first, nodes) in enumerate(self.levels):
            sibling = ((index >> height) ^ 1) - first
            # A node at the right edge without a sibling is promoted as it is.
            if sibling < len(nodes):
                proof.append(nodes[sibling])
        return tuple(proof)

    def completed(self, height: int) -> list[bytes]:
        """The perfect subtrees of 2**height leaves that this growth completed, in order."""
        if height >= len(self.levels):
            return []
        first, nodes = self.levels[height]
        return nodes[(self.old_size >> height) - first : (self.frontier.end >> height) - first]


def grow(frontier: CompactRange, leaf_hashes: Sequence[bytes]) -> Growth:
    """Append leaves to a tree known by its frontier."""
    old_size, size = frontier.end, frontier.end + len(leaf_hashes)
    perfect = dict(zip(_heights(0, old_size), frontier.nodes, strict=True))
    levels: list[tuple[int, list[bytes]]] = []
    nodes = list(leaf_hashes)
    for height in range(max(size - 1, 0).bit_length() + 1):
        first = old_size >> height
        if height in perfect:  # the left sibling of the first new node
            nodes.insert(0, perfect[height])
            first -= 1
        levels.append((first, nodes))
        promoted = nodes[-1:] if len(nodes) & 1 else []
        nodes = _parents(nodes) + promoted
    after = CompactRange(0, size, tuple(_edge(levels, size)))
    return Growth(old_size, after, _fold(after.nodes), tuple(levels))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return only if `leaf` is the leaf hash at `index` of the tree (RFC 9162, section 2.1.3.2)."""
    _check_hashes((leaf, root, *proof))
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size} leaves")
    node, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError(f"inclusion proof of leaf {index} is too long")
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            node, last = _skip_promoted(node, last)
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofError(f"inclusion proof of leaf {index} is too short")
    if computed != root:
        raise ProofError(f"leaf {index} is not in the tree of {size} leaves with that root")


def verify_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Return only if the old tree is a prefix of the new one (RFC 9162, section 2.1.4.2)."""
    _check_hashes((old_root, new_root, *proof))
    # The empty tree is a prefix of every tree and proves nothing: callers settle it themselves.
    if not 0 < old_size <= new_size:
        raise ProofError(f"no consistency proof leads from size {old_size} to size {new_size}")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ProofError(f"two roots, or a proof, for one size {old_size}")
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:  # the old root is itself a node of the new tree
        path.insert(0, old_root)
    if not path:
        raise ProofError("consistency proof is empty")
    old_computed, new_computed = _climb(old_size - 1, new_size - 1, path)
    if old_computed != old_root or new_computed != new_root:
        raise ProofError(f"the tree of {old_size} leaves is not a prefix of that of {new_size}")


def prefix_root(old_size: int, new_size: int, path: Sequence[bytes], new_root: bytes) -> bytes:
    """The root of a tree's first `old_size` leaves, proved by a path from `prefix_from_tiles`.

    A consistency proof only says yes. This path says what the root was, and so, of a root that a log signed
    and that isn't it, that the log forked.
    """
    _check_hashes((new_root, *path))
    if not 0 < old_size <= new_size or not path:
        raise ProofError(f"no path leads from size {old_size} to size {new_size}")
    old_computed, new_computed = path[0], path[0]
    if old_size < new_size:
        old_computed, new_computed = _climb(old_size - 1, new_size - 1, path)
    elif len(path) > 1:
        raise ProofError("the path is too long")
    if new_computed != new_root:
        raise ProofError(f"the path does not lead to the root of the tree of {new_size} leaves")
    return old_computed


def _climb(node: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Compute the old and the new root from a consistency path."""
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("consistency proof is too long")
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            node, last = _skip_promoted(node, last)
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofError("consistency proof is too short")
    return old, new


def _skip_promoted(node: int, last: int) -> tuple[int, int]:
    # At the right edge a node without a sibling rises until it is a right child.
    while not node & 1 and node:
        node, last = node >> 1, last >> 1
    return node, last


def _parents(level: list[bytes]) -> list[bytes]:
    """Hash nodes in pairs, leaving out an odd last one: the hot loop of every tree."""
    children = iter(level)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(children, children)]  # noqa: B905


def _heights(begin: int, end: int) -> list[int]:
    """The heights of the greatest aligned perfect subtrees that make up [begin, end)."""
    heights = []
    while begin < end:
        aligned = (begin & -begin).bit_length() - 1 if begin else 63
        height = min(aligned, (end - begin).bit_length() - 1)
        heights.append(height)
        begin += 1 << height
    return heights


def _fold(nodes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees, largest first."""
    if not nodes:
        return EMPTY_ROOT
    root = nodes[-1]
    for node in reversed(nodes[:-1]):
        root = node_hash(node, root)
    return root


def _edge(levels: Sequence[tuple[int, list[bytes]]], size: int) -> list[bytes]:
    """The frontier of a grown tree: the last perfect node at the height of each bit of its size."""
    edge = []
    for height in _heights(0, size):
        first, nodes = levels[height]
        edge.append(nodes[(size >> height) - 1 - first])
    return edge


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(value) != HASH_SIZE for value in hashes):
        raise ProofError(f"a proof's hashes have {HASH_SIZE} bytes each")
