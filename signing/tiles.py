"""Tiles: a log's tree as static files (C2SP tlog-tiles).

    tile/0/x001/x234/067          256 leaf hashes, those of entries 1234067·256 and on
    tile/1/000.p/17               17 roots of full level-0 tiles: partial, at the tree's right edge
    tile/entries/x001/x234/067    256 entries, each after its length in two bytes

Every proof is made from the O(log n) tiles of its path, and so are roots. What a tile says counts only once
a proof made from it has been verified against a signed checkpoint.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from signing.encoding import HASH_SIZE
from signing.errors import FormatError, ProofError
from signing.merkle import CompactRange, Growth, grow, leaf_hashes_of, range_of, root_of

WIDTH: Final = 256
ENTRIES: Final = -1
"""The level of entry bundles, which have the indexes and widths of level 0."""

_HEIGHT: Final = 8
_MAX_INDEX: Final = 2**55
_MAX_ENTRY_BYTES: Final = 65_535
_PATH: Final = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


Span = tuple[int, int]
"""Leaves [begin, end) whose subtree root a proof needs; `begin` is aligned to its size."""


class Tile(msgspec.Struct, frozen=True):
    """Which tile: its level (-1 for entries), index in the level, and how many of 256 places are filled."""

    level: int
    index: int
    width: int = WIDTH


def tile_path(tile: Tile) -> str:
    """Write a tile's path below the log's prefix."""
    level = "entries" if tile.level == ENTRIES else str(tile.level)
    groups = [f"{tile.index % 1000:03d}"]
    rest = tile.index // 1000
    while rest:
        groups.insert(0, f"x{rest % 1000:03d}")
        rest //= 1000
    partial = "" if tile.width == WIDTH else f".p/{tile.width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def parse_tile_path(path: str) -> Tile:
    """Parse a tile's path, accepting only what `tile_path` writes."""
    match = _PATH.fullmatch(path) if len(path) <= 100 else None
    if match is None:
        raise FormatError(f"{path[:100]!r} is not the path of a tile")
    level = ENTRIES if match[1] == "entries" else int(match[1])
    index = int(match[2].replace("/", "").replace("x", ""))
    tile = Tile(level, index, int(match[3] or WIDTH))
    # Leading groups of zeroes and the width 256 written out have another spelling, theirs.
    if index >= _MAX_INDEX or tile_path(tile) != path or tile.width > WIDTH:
        raise FormatError(f"{path!r} is not the path of a tile")
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Every hash tile and entry bundle of a tree of this size."""
    for level in (ENTRIES, *range(_levels(size))):
        filled = size >> (_HEIGHT * max(level, 0))
        for index in range(filled // WIDTH):
            yield Tile(level, index)
        if filled % WIDTH:
            yield Tile(level, filled // WIDTH, filled % WIDTH)


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile of a tree of this size, as wide as that tree has it."""
    filled = (size >> (_HEIGHT * max(level, 0))) - index * WIDTH
    if index < 0 or filled <= 0:
        raise FormatError(f"a tree of {size} leaves has no tile {index} at level {level}")
    return Tile(level, index, min(filled, WIDTH))


def tile_root(hashes: bytes) -> bytes:
    """The root over a full tile: what stands for it in the level above."""
    assert len(hashes) == WIDTH * HASH_SIZE
    return root_of(range_of(0, split_hashes(hashes)))


def split_hashes(hashes: bytes) -> list[bytes]:
    """A tile's hashes one by one."""
    return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Write an entry bundle: each entry after its length in two bytes, big-endian."""
    if any(len(entry) > _MAX_ENTRY_BYTES for entry in entries):
        raise FormatError(f"an entry has more than {_MAX_ENTRY_BYTES} bytes")
    return b"".join([part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry)])


def decode_bundle(raw: bytes, count: int) -> list[bytes]:
    """Read an entry bundle of exactly `count` entries."""
    entries: list[bytes] = []
    at = 0
    for _ in range(count):
        begin = at + 2
        at = begin + int.from_bytes(raw[at:begin], "big")
        entries.append(raw[begin:at])
    if at != len(raw):
        raise FormatError(f"entry bundle of {len(raw)} bytes is not exactly {count} entries")
    return entries


class Edge:
    """The open tile of each level: what is needed to complete tiles as a tree grows."""

    def __init__(self, size: int, open_tiles: Sequence[Sequence[bytes]]) -> None:
        """Resume at a size, given the hashes in the partial tile of each level from 0 up (maybe none)."""
        self.size = size
        self._open = [list(hashes) for hashes in open_tiles]
        expected = [(size >> (_HEIGHT * level)) % WIDTH for level in range(len(self._open))]
        if list(map(len, self._open)) != expected or len(expected) < _levels(size):
            raise FormatError(f"open tiles are not those of a tree of {size} leaves")

    @classmethod
    def empty(cls) -> "Edge":
        """The edge of the empty tree."""
        return cls(0, [])

    def copy(self) -> "Edge":
        """An edge of its own, which may grow while this one stays as it is."""
        return Edge(self.size, self._open)

    def frontier(self) -> CompactRange:
        """The tree's frontier, recomputed from the open tiles."""
        nodes = [node for hashes in reversed(self._open) for node in range_of(0, hashes).nodes]
        return CompactRange(0, self.size, tuple(nodes))

    def extend(self, leaf_hashes: Sequence[bytes]) -> list[tuple[Tile, bytes]]:
        """Append leaves; returns the tiles that became full, level by level."""
        return self.follow(grow(self.frontier(), leaf_hashes))

    def follow(self, growth: Growth) -> list[tuple[Tile, bytes]]:
        """Append the leaves of a growth already computed, without hashing anything again."""
        assert growth.old_size == self.size
        tiles: list[tuple[Tile, bytes]] = []
        for level in range(_levels(growth.frontier.end)):
            if level == len(self._open):
                self._open.append([])
            hashes = self._open[level] + growth.completed(_HEIGHT * level)
            index = (self.size >> (_HEIGHT * level)) // WIDTH
            full = len(hashes) - len(hashes) % WIDTH
            for number, begin in enumerate(range(0, full, WIDTH)):
                tiles.append((Tile(level, index + number), b"".join(hashes[begin : begin + WIDTH])))
            self._open[level] = hashes[full:]
        self.size = growth.frontier.end
        return tiles

    def partial(self, level: int, index: int) -> bytes:
        """The hashes so far of the open tile of a level."""
        if level >= len(self._open) or index != (self.size >> (_HEIGHT * level)) // WIDTH:
            raise FormatError(f"tile {index} of level {level} is not open at size {self.size}")
        return b"".join(self._open[level])


def static_tree(entries: Sequence[bytes]) -> dict[str, bytes]:
    """Every tile of a log with these entries, by path: what a plain web server would hand out."""
    edge = Edge.empty()
    full = dict(edge.extend(leaf_hashes_of(entries)))
    files = {}
    for tile in tiles_of(len(entries)):
        if tile.level == ENTRIES:
            begin = tile.index * WIDTH
            files[tile_path(tile)] = encode_bundle(entries[begin : begin + tile.width])
        else:
            files[tile_path(tile)] = full.get(tile) or edge.partial(tile.level, tile.index)
    return files


def tiles_for_inclusion(index: int, size: int) -> list[Tile]:
    """The tiles from which to prove that a leaf is in the tree."""
    return _tiles_for(_inclusion_spans(index, size), size)


def inclusion_from_tiles(index: int, size: int, tiles: Mapping[Tile, bytes]) -> list[bytes]:
    """Make an inclusion proof, leaf's sibling first."""
    return [_subtree_root(span, size, tiles) for span in _inclusion_spans(index, size)]


def tiles_for_consistency(old_size: int, new_size: int) -> list[Tile]:
    """The tiles from which to prove that an old tree is a prefix of a new one."""
    return _tiles_for(_consistency_spans(old_size, new_size), new_size)


def consistency_from_tiles(old_size: int, new_size: int, tiles: Mapping[Tile, bytes]) -> list[bytes]:
    """Make a consistency proof; it is empty for equal sizes, and from size 0 there is none."""
    return [_subtree_root(span, new_size, tiles) for span in _consistency_spans(old_size, new_size)]


def tiles_for_prefix(old_size: int, new_size: int) -> list[Tile]:
    """The tiles from which to prove what root a tree had at an old size."""
    return _tiles_for(_prefix_spans(old_size, new_size), new_size)


def prefix_from_tiles(old_size: int, new_size: int, tiles: Mapping[Tile, bytes]) -> list[bytes]:
    """Make the path for `prefix_root`: a consistency proof that never leaves out its first node."""
    return [_subtree_root(span, new_size, tiles) for span in _prefix_spans(old_size, new_size)]


def tiles_for_root(size: int) -> list[Tile]:
    """The tiles from which to compute the root, and the frontier."""
    return _tiles_for([(0, size)], size)


def root_from_tiles(size: int, tiles: Mapping[Tile, bytes]) -> bytes:
    """Compute the root of the tree of this size."""
    return root_of(frontier_from_tiles(size, tiles))


def frontier_from_tiles(size: int, tiles: Mapping[Tile, bytes]) -> CompactRange:
    """Compute the frontier of the tree of this size."""
    nodes = [_node(height, index, size, tiles) for height, index in _perfect_nodes((0, size))]
    return CompactRange(0, size, tuple(nodes))


def _levels(size: int) -> int:
    """How many levels have any hash at this size."""
    return -(-size.bit_length() // _HEIGHT)


def _inclusion_spans(index: int, size: int) -> list[Span]:
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size} leaves")
    spans: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def _consistency_spans(old_size: int, new_size: int) -> list[Span]:
    # The old root itself is known to the verifier; any other last subtree of the old tree is not.
    first, *rest = _prefix_spans(old_size, new_size)
    return [first, *rest] if first[0] else rest


def _prefix_spans(old_size: int, new_size: int) -> list[Span]:
    # The empty tree is a prefix of every tree and proves nothing: callers settle it themselves.
    if not 0 < old_size <= new_size:
        raise ProofError(f"no consistency proof leads from size {old_size} to size {new_size}")
    spans: list[Span] = []
    begin, end = 0, new_size
    while end != old_size:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    spans.append((begin, end))
    return spans[::-1]


def _split(count: int) -> int:
    """The greatest power of two less than `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _perfect_nodes(span: Span) -> list[tuple[int, int]]:
    """Height and index of the perfect subtrees that make up a span, largest first."""
    begin, end = span
    nodes = []
    while begin < end:
        height = (end - begin).bit_length() - 1
        nodes.append((height, begin >> height))
        begin += 1 << height
    return nodes


def _tiles_for(spans: Sequence[Span], size: int) -> list[Tile]:
    nodes = [node for span in spans for node in _perfect_nodes(span)]
    return list(dict.fromkeys(_place(height, index, size)[0] for height, index in nodes))


def _place(height: int, index: int, size: int) -> tuple[Tile, int, int]:
    """The tile in which a node's leaves-in-the-tile stand, the first of them and their count."""
    level, above = divmod(height, _HEIGHT)
    first = index << above
    return tile_at(level, first // WIDTH, size), first % WIDTH, 1 << above


def _node(height: int, index: int, size: int, tiles: Mapping[Tile, bytes]) -> bytes:
    tile, first, count = _place(height, index, size)
    hashes = tiles.get(tile)
    if hashes is None or len(hashes) != tile.width * HASH_SIZE:
        raise ProofError(f"{tile_path(tile)} is missing or not {tile.width} hashes long")
    return root_of(range_of(0, split_hashes(hashes[first * HASH_SIZE : (first + count) * HASH_SIZE])))


def _subtree_root(span: Span, size: int, tiles: Mapping[Tile, bytes]) -> bytes:
    nodes = [_node(height, index, size, tiles) for height, index in _perfect_nodes(span)]
    return root_of(CompactRange(0, span[1] - span[0], tuple(nodes)))
