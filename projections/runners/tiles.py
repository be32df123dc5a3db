"""Tiles of a source: read as wide as a log of some size has them, from a log that may have grown since."""

from projections.runners.source import Missing, Source
from signing.encoding import HASH_SIZE
from signing.errors import FormatError, ProofError
from signing.tiles import ENTRIES, WIDTH, Tile, decode_bundle, tile_at, tile_path


class TileReader:
    """Reads the tiles of a log of `size` entries. What it reads is not yet proved."""

    def __init__(self, source: Source, size: int) -> None:
        """Read from `source`."""
        self._source = source
        self.size = size

    def read(self, tile: Tile) -> bytes:
        """A hash tile's bytes."""
        try:
            return self._source.read(tile_path(tile))
        except Missing:
            # The log has grown and its tile is full by now: the beginning is what it was.
            if tile.width == WIDTH:
                raise
            return self._source.read(tile_path(Tile(tile.level, tile.index)))[: tile.width * HASH_SIZE]

    def leaves(self, index: int) -> bytes:
        """The level-0 tile at `index`."""
        return self.read(tile_at(0, index, self.size))

    def entries(self, index: int) -> list[bytes]:
        """The entry bundle at `index`."""
        tile = tile_at(ENTRIES, index, self.size)
        path = tile_path(tile)
        try:
            try:
                return decode_bundle(self._source.read(path), tile.width)
            except Missing:
                if tile.width == WIDTH:
                    raise
                path = tile_path(Tile(ENTRIES, index))
                return decode_bundle(self._source.read(path), WIDTH)[: tile.width]
        except FormatError as error:
            first = index * WIDTH
            place = f"entries {first} to {first + tile.width - 1}"
            raise ProofError(f"{path} ({place}): {error}: an entry was cut, dropped or inserted") from error

    def entry(self, index: int) -> bytes:
        """One entry."""
        return self.entries(index // WIDTH)[index % WIDTH]
