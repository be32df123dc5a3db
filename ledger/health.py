"""Whether a log is well: its checkpoint is what its entries give, and not older than they are."""

from typing import TYPE_CHECKING

from ledger import store
from ledger.problems import Refused
from ledger.sealing import LogState
from ledger.store import Pool
from signing.encoding import HASH_SIZE
from signing.merkle import leaf_hashes_of
from signing.tiles import WIDTH, Tile, tile_root

if TYPE_CHECKING:
    from ledger.openlog import Log


async def check_log(log: "Log", pool: Pool) -> str | None:
    """What is wrong with a log, or None.

    Looked at each time is what appends touch: the head, its checkpoint, the last entries, the last full tile.
    The other tiles take turns, one a check, so that in time every entry is hashed again.
    """
    if not log.is_running:
        return "its writer has stopped: see the service's log, and start the service again"
    stored = await store.read_head(pool, log.name)
    refused = await log.writer.refresh()
    if isinstance(refused, Refused):
        return _stale(log, stored.size) + refused.detail
    state = log.writer.state
    if state is None or log.released is None:
        return None if stored.size == 0 else "none of its checkpoints is released"
    wrong = await _check_end(log.name, state, pool) or await _check_next(log, state, pool)
    return wrong or log.hold()


def _stale(log: "Log", stored: int) -> str:
    """What to say first where the checkpoint that is shown does not cover what is stored."""
    if log.released is None or log.released.checkpoint.size >= stored:
        return ""
    return f"its checkpoint is stale: released at size {log.released.checkpoint.size}, stored {stored}: "


async def _check_next(log: "Log", state: LogState, pool: Pool) -> str | None:
    full = state.head.size // WIDTH
    if full == 0:
        return None
    index = log.tile_in_turn % full
    wrong = await _check_tile(log.name, index, state, pool)
    # Where something is wrong, the next checks stay. Another one may have gone on meanwhile.
    if wrong is None and log.tile_in_turn % full == index:
        log.tile_in_turn = index + 1
    return wrong


async def _check_end(log: str, state: LogState, pool: Pool) -> str | None:
    size = state.head.size
    begin = size - size % WIDTH
    leaf_hashes = leaf_hashes_of(await store.read_entries(pool, log, begin, size))
    roots = await store.read_roots(pool, log, [size])
    if roots.get(size) != state.head.root:
        return f"its stored checkpoint of size {size} is not the root of its entries"
    if leaf_hashes and b"".join(leaf_hashes) != state.edge.partial(0, size // WIDTH):
        return _entries_differ(begin)
    return await _check_tile(log, begin // WIDTH - 1, state, pool) if begin else None


async def _check_tile(log: str, index: int, state: LogState, pool: Pool) -> str | None:
    """What is wrong with a full tile of leaf hashes: with its entries, or on its way up to the open edge."""
    way = _way_up(index, state)
    tiles = await store.read_tiles(pool, log, way)
    for tile in way:
        above = Tile(tile.level + 1, tile.index // WIDTH)
        hashes = tiles.get(above, b"") if above in way else state.edge.partial(above.level, above.index)
        place = tile.index % WIDTH * HASH_SIZE
        if tile not in tiles or tile_root(tiles[tile]) != hashes[place : place + HASH_SIZE]:
            return f"its tile {tile.index} of level {tile.level} is not the one that its checkpoint covers"
    entries = await store.read_entries(pool, log, index * WIDTH, (index + 1) * WIDTH)
    return None if b"".join(leaf_hashes_of(entries)) == tiles[way[0]] else _entries_differ(index * WIDTH)


def _way_up(index: int, state: LogState) -> list[Tile]:
    """The full tiles above each other, from one of leaf hashes to below the open edge."""
    way: list[Tile] = []
    while (index + 1) * WIDTH <= state.head.size >> (8 * len(way)):
        way.append(Tile(len(way), index))
        index //= WIDTH
    return way


def _entries_differ(begin: int) -> str:
    return f"its entries from {begin} are not those that its checkpoint covers"
