"""History: the root that a log really had at each of its sizes.

An honest poster names, in every submission, a checkpoint of the log that it verified. Whether the log ever
had that root is answered from subtree roots over whole tiles (64 bytes for 256 entries) and one level-0 tile.
The same roots are what the hash tiles of level 1 and above must hold.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Final

from signing.encoding import HASH_SIZE
from signing.errors import ProofError
from signing.merkle import CompactRange, merge, range_of, root_of
from signing.tiles import WIDTH, Tile, split_hashes, tile_path, tile_root

_TILE_HEIGHT: Final = 8
_CACHED_TILES: Final = 64
_CACHED_ROOTS: Final = 4096

ReadTile = Callable[[Tile], bytes]


class History:
    """The roots of every subtree over whole level-0 tiles; grows by tiles, and by a last partial one."""

    def __init__(self, read_tile: ReadTile) -> None:
        """Begin with no entries. `read_tile` gives tiles of the log again; what it gives is checked."""
        self._read_tile = read_tile
        self._levels: list[list[bytes]] = [[]]
        self._tail: list[bytes] = []
        self._leaves: dict[int, list[bytes]] = {}
        self._roots: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        """How many entries it covers."""
        return len(self._levels[0]) * WIDTH + len(self._tail)

    def extend(self, tile_roots: list[bytes], tail: list[bytes]) -> None:
        """Add the roots of the next whole level-0 tiles and the leaf hashes after them, which end the log."""
        assert not self._tail, "nothing follows a partial tile"
        self._tail = tail
        added, height = tile_roots, 0
        while added:
            if height == len(self._levels):
                self._levels.append([])
            level = self._levels[height]
            level.extend(added)
            height += 1
            above = len(self._levels[height]) if height < len(self._levels) else 0
            added = _parents(level[2 * above :])

    def range_at(self, size: int) -> CompactRange:
        """The compact range of the first `size` leaves."""
        whole, rest = divmod(size, WIDTH)
        nodes: list[bytes] = []
        done = 0
        for height in reversed(range(whole.bit_length())):
            if whole >> height & 1:
                nodes.append(self._levels[height][done >> height])
                done += 1 << height
        left = CompactRange(0, size - rest, tuple(nodes))
        return merge(left, range_of(size - rest, self._leaves_of(whole)[:rest])) if rest else left

    def root_at(self, size: int) -> bytes:
        """The root that the log had when it held `size` entries."""
        assert size <= self.size
        root = self._roots.get(size)
        if root is None:
            root = self._roots[size] = root_of(self.range_at(size))
            if len(self._roots) > _CACHED_ROOTS:
                del self._roots[next(iter(self._roots))]
        return root

    def leaf_at(self, index: int) -> bytes:
        """The leaf hash of one entry."""
        assert index < self.size
        return self._leaves_of(index // WIDTH)[index % WIDTH]

    def tile(self, tile: Tile) -> bytes:
        """The hashes of a tile, as the entries give them."""
        if tile.level == 0:
            return b"".join(self._leaves_of(tile.index))
        begin = tile.index * WIDTH
        return b"".join(self._levels[_TILE_HEIGHT * (tile.level - 1)][begin : begin + tile.width])

    def compare_upper_tiles(self) -> None:
        """Return only if every hash tile of level 1 and above holds the hashes that the entries give."""
        for tile, expected in self._upper_tiles():
            if self._read_tile(tile) != expected:
                raise ProofError(
                    f"{tile_path(tile)}: not the hashes that the entries give: the tile was altered"
                )

    def _upper_tiles(self) -> Iterator[tuple[Tile, bytes]]:
        for level, height in enumerate(range(0, len(self._levels), _TILE_HEIGHT), 1):
            hashes = self._levels[height]
            for begin in range(0, len(hashes), WIDTH):
                part = hashes[begin : begin + WIDTH]
                yield Tile(level, begin // WIDTH, len(part)), b"".join(part)

    def _leaves_of(self, index: int) -> list[bytes]:
        """The leaf hashes of one level-0 tile, read again and checked against its known root."""
        if index == len(self._levels[0]):
            return self._tail
        leaves = self._leaves.get(index)
        if leaves is None:
            raw = self._read_tile(Tile(0, index, WIDTH))
            if len(raw) != WIDTH * HASH_SIZE or tile_root(raw) != self._levels[0][index]:
                raise ProofError(f"{tile_path(Tile(0, index, WIDTH))}: not the hashes that the entries give")
            leaves = self._leaves[index] = split_hashes(raw)
            if len(self._leaves) > _CACHED_TILES:
                del self._leaves[next(iter(self._leaves))]
        return leaves


def _parents(hashes: list[bytes]) -> list[bytes]:
    """The node hashes over pairs of neighbours; an odd last hash has no parent yet."""
    return [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(hashes[::2], hashes[1::2], strict=False)
    ]
