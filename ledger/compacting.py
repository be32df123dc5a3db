"""Compacting: of a whole log, the order, the attestations and the exceptions, each with all that proves
it."""

from collections.abc import Sequence

from projections.docket import Docket, IssuedOrder
from projections.runners.offline import Replayed
from projections.stating import Stated
from signing.entry import Entry
from signing.tiles import inclusion_from_tiles, tiles_for_inclusion
from signing.tlog_proof import TlogProof, format_proof


def indexes(docket: Docket, issued: IssuedOrder, stated: Stated) -> list[int]:
    """The entries that a compact bundle proves: every order, its life, inventory, probe and collector's word,
    and every exception."""
    life = docket.proceedings
    attested = [
        *(one.index for one in docket.orders),
        *(one.index for one in life.turns),
        *(one.index for one in life.exemptions),
        *(one.index for one in life.holds),
        *(one.index for one in life.releases),
        *(one.index for one in docket.looks.begun),
        *(one.index for one in docket.looks.inventories),
        *(one.index for one in docket.attested.probes),
        *(one.index for one in docket.coverage),
    ]
    excepted = [one.index for one in stated.judgment.listed]
    return sorted({issued.index, *attested, *excepted})


class Verified:
    """A log that was replayed just now, as a prover reads it."""

    def __init__(self, replayed: Replayed) -> None:
        self._replayed = replayed

    async def entries(self, begin: int, end: int) -> Sequence[Entry]:
        """See `proving.Shown`."""
        return [self._replayed.entry(index) for index in range(begin, end)]

    async def inclusion(self, index: int) -> bytes:
        """See `proving.Shown`."""
        size = self._replayed.audited.checkpoint.size
        tiles = {tile: self._replayed.tiles.read(tile) for tile in tiles_for_inclusion(index, size)}
        hashes = inclusion_from_tiles(index, size, tiles)
        return format_proof(TlogProof(index, tuple(hashes), self._replayed.note))
