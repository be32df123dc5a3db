"""Earlier: a log as it was at an earlier size, read from a source that has grown since.

What is read is proved by the tree's root at that size, and that root by its consistency with the checkpoint
that the log signs now.
"""

from projections.runners.source import Missing, Source
from projections.runners.tiles import TileReader
from signing.checkpoint import Checkpoint
from signing.encoding import HASH_SIZE
from signing.errors import FormatError, ProofError
from signing.merkle import verify_consistency
from signing.tiles import (
    ENTRIES,
    Tile,
    consistency_from_tiles,
    decode_bundle,
    encode_bundle,
    parse_tile_path,
    tile_at,
    tile_path,
    tiles_for_consistency,
)


class Earlier:
    """A source of `size` entries, of which a reader takes fewer: tiles that have grown are cut."""

    def __init__(self, source: Source, size: int) -> None:
        """Read from `source`."""
        self._source = source
        self._size = size

    def read(self, path: str) -> bytes:
        """See Source.read."""
        try:
            return self._source.read(path)
        except Missing:
            tile = _tile(path)
            grown = None if tile is None else _grown(tile, self._size)
            if tile is None or grown is None:
                raise
            return _cut(self._source.read(tile_path(grown)), grown, tile.width)

    def has(self, path: str) -> bool:
        """See Source.has."""
        return self._source.has(path)

    def close(self) -> None:
        """See Source.close."""
        self._source.close()


def require_growth(source: Source, old: Checkpoint, new: Checkpoint) -> None:
    """Return only if `old`, which a statement is about, is what the log of `new` was: proved from the
    source's tiles."""
    if old.origin != new.origin:
        raise ProofError(f"the statement is about the log {old.origin}, and this is {new.origin}")
    if old.size > new.size:
        here = f"here are {new.size:,}: copy the log again"
        raise ProofError(f"the statement is about {old.size:,} entries; {here}")
    try:
        verify_consistency(old.size, new.size, _proof(source, old.size, new.size), old.root, new.root)
    except ProofError as error:
        raise ProofError(
            f"{old.origin} never had the root that the statement names at {old.size:,} entries: {error}"
        ) from error


def _proof(source: Source, old_size: int, new_size: int) -> list[bytes]:
    if old_size == new_size or old_size == 0:
        return []
    reader = TileReader(source, new_size)
    tiles = {tile: reader.read(tile) for tile in tiles_for_consistency(old_size, new_size)}
    return consistency_from_tiles(old_size, new_size, tiles)


def _tile(path: str) -> Tile | None:
    try:
        return parse_tile_path(path)
    except FormatError:
        return None


def _grown(tile: Tile, size: int) -> Tile | None:
    """The tile as wide as a log of this size has it, if that is wider."""
    try:
        grown = tile_at(tile.level, tile.index, size)
    except FormatError:
        return None
    return grown if grown.width > tile.width else None


def _cut(raw: bytes, tile: Tile, width: int) -> bytes:
    if tile.level == ENTRIES:
        return encode_bundle(decode_bundle(raw, tile.width)[:width])
    return raw[: width * HASH_SIZE]
