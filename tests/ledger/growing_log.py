"""A log of bare leaves for the tests of witnesses: it can show any of its sizes, and be forked."""

from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.keys import ED25519, SigningKey
from signing.merkle import leaf_hash, range_of, root_of
from signing.note import Note
from signing.tiles import WIDTH, Tile, consistency_from_tiles, tiles_for_consistency
from signing.witness import AddCheckpoint, format_add_checkpoint


class GrowingLog:
    """A log whose leaves are numbers; `history` picks what they are, so that two logs of one key differ."""

    def __init__(self, name: str = "ledger.example/growing", history: int = 0) -> None:
        self.key = SigningKey(name, ED25519, bytes(range(32)))
        self._history = history

    def checkpoint(self, size: int) -> Checkpoint:
        """The tree head at a size."""
        return Checkpoint(self.key.name, size, root_of(range_of(0, self._leaves(0, size))))

    def note(self, size: int) -> Note:
        """The signed checkpoint at a size."""
        return sign_checkpoint(self.checkpoint(size), self.key)

    def tile(self, tile: Tile) -> bytes:
        """A hash tile."""
        span = WIDTH**tile.level
        first = tile.index * WIDTH
        hashes = []
        for index in range(first, first + tile.width):
            leaves = self._leaves(index * span, (index + 1) * span)
            hashes.append(root_of(range_of(0, leaves)))
        return b"".join(hashes)

    def proof(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """The consistency proof between two sizes."""
        if old_size in (0, new_size):
            return ()
        tiles = {tile: self.tile(tile) for tile in tiles_for_consistency(old_size, new_size)}
        return tuple(consistency_from_tiles(old_size, new_size, tiles))

    def request(self, old_size: int, new_size: int) -> bytes:
        """The body with which a log asks a witness for the next cosignature."""
        return format_add_checkpoint(
            AddCheckpoint(old_size, self.proof(old_size, new_size), self.note(new_size))
        )

    def _leaves(self, begin: int, end: int) -> list[bytes]:
        return [leaf_hash(f"{self._history} {number}".encode()) for number in range(begin, end)]
