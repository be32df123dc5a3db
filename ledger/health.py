"""Whether a log is well: its checkpoint is what its entries give, and not older than they are."""

from typing import TYPE_CHECKING

from ledger import store
from ledger.problems import Refused
from ledger.sealing import LogState
from ledger.store import Pool
from signing.merkle import leaf_hashes_of
from signing.tiles import WIDTH, Tile, tile_root

if TYPE_CHECKING:
    from ledger.openlog import Log


async def check_log(log: "Log", pool: Pool) -> str | None:
    """What is wrong with a log, or None.

    The upper levels of the tree were recomputed when the log was opened; looked at here is what an append
    touches: the last entries, the last full tile, the head and the checkpoint.
    """
    if not log.is_running:
        return "its writer has stopped: see the service's log, and start the service again"
    stored = await store.read_head(pool, log.name)
    refused = await log.writer.refresh()
    if isinstance(refused, Refused):
        return refused.detail
    state, released = log.writer.state, log.released
    if state is None or released is None:
        return None if stored.size == 0 else "none of its checkpoints is released"
    if released.checkpoint.size < stored.size:
        return f"its checkpoint is stale: released at size {released.checkpoint.size}, stored {stored.size}"
    return await _check_entries(log.name, state, pool)


async def _check_entries(log: str, state: LogState, pool: Pool) -> str | None:
    size = state.head.size
    begin = size - size % WIDTH
    leaf_hashes = leaf_hashes_of(await store.read_entries(pool, log, begin, size))
    roots = await store.read_roots(pool, log, [size])
    last_tile = Tile(0, size // WIDTH - 1)
    tiles = await store.read_tiles(pool, log, [last_tile] if last_tile.index >= 0 else [])
    if roots.get(size) != state.head.root:
        return f"its stored checkpoint of size {size} is not the root of its entries"
    if leaf_hashes and b"".join(leaf_hashes) != state.edge.partial(0, size // WIDTH):
        return f"its entries from {begin} are not those that its checkpoint covers"
    if last_tile.index >= 0 and not _is_in_tree(tiles.get(last_tile), last_tile, state):
        return f"its tile {last_tile.index} is not the one that its checkpoint covers"
    return None


def _is_in_tree(hashes: bytes | None, tile: Tile, state: LogState) -> bool:
    """Whether a full level-0 tile has the root that stands for it in the level above."""
    if hashes is None:
        return False
    place = tile.index % WIDTH
    if place == WIDTH - 1:  # it completed the tile above, which is stored and no longer on the edge
        return True
    above = state.edge.partial(1, tile.index // WIDTH)
    return tile_root(hashes) == above[place * 32 : place * 32 + 32]
