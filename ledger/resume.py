"""Resuming: a log's state read back from the database, whole at a start, by the difference later on.

Every root is recomputed on the way: a head that does not match its entries and tiles is not resumed from.
"""

from collections.abc import Sequence

from ledger import store
from ledger.failure import Failure
from ledger.sealing import Head, LogState
from ledger.store import Connection, Registration
from projections import registry as rules
from projections.events import LogCreated, decode_event
from projections.refused import Refused
from projections.registry import Registry
from signing.entry import NO_PREVIOUS, parse_entry
from signing.merkle import grow, leaf_hash, leaf_hashes_of, root_of
from signing.note import parse_note
from signing.submission import parse_submission_text
from signing.tiles import WIDTH, Edge, Tile, tile_root

_TILE_HEIGHT = 8
# Beyond this, reading tiles is cheaper than hashing what came since.
_LONGEST_CATCH_UP = 20_000


class Inconsistent(Failure):
    """What the database holds of a log does not fit together."""

    def __init__(self, log: str, what: str) -> None:
        super().__init__(
            f"{log}: {what}",
            "the database was altered or restored in part: bring back one that is whole, and start again",
        )


async def resume(connection: Connection, log: str, origin: str, head: Head) -> LogState:
    """Read a log's state at its head."""
    edge = await read_edge(connection, log, head.size)
    registry = replay_registrations(Registry.empty(), await store.read_registrations(connection, log, 0))
    await check_head(connection, log, head, edge)
    return LogState(origin, head, edge, registry)


async def catch_up(connection: Connection, log: str, state: LogState, head: Head) -> LogState:
    """Bring a state to a later head, which another process wrote."""
    begin, end = state.head.size, head.size
    if end - begin > _LONGEST_CATCH_UP:
        return await resume(connection, log, state.origin, head)
    entries = await store.read_entries(connection, log, begin, end)
    growth = grow(state.head.frontier, leaf_hashes_of(entries))
    if growth.frontier.end != end or growth.root != head.root:
        raise Inconsistent(log, f"its entries from {begin} do not give the root of its head at size {end}")
    edge = state.edge.copy()
    edge.follow(growth)
    registrations = await store.read_registrations(connection, log, begin)
    return LogState(state.origin, head, edge, replay_registrations(state.registry, registrations))


async def check_head(connection: Connection, log: str, head: Head, edge: Edge) -> None:
    """Return only if the stored head is what tiles and entries give."""
    frontier = edge.frontier()
    if frontier != head.frontier or root_of(frontier) != head.root:
        raise Inconsistent(log, f"its tiles and entries do not give the root of its head at size {head.size}")
    last = await store.read_entries(connection, log, head.size - 1, head.size)
    if (leaf_hash(last[0]) if last else NO_PREVIOUS) != head.last_leaf:
        raise Inconsistent(log, f"its head at size {head.size} does not name its last entry")


def replay_registrations(registry: Registry, registrations: Sequence[Registration]) -> Registry:
    """The registry after further registrations, which were admitted when they were stored."""
    for registration in registrations:
        note = parse_note(registration.note)
        event = decode_event(parse_entry(registration.entry).body)
        signature = note.signatures[0]
        if isinstance(event.data, LogCreated):
            key = rules.founding_key(event.data)
        else:
            key = registry.keys[signature.name, signature.key_id]
        poster = rules.poster_of(registry, key, parse_submission_text(note.text).origin, event)
        assert not isinstance(poster, Refused), "admission let it in under this poster"
        registry = rules.apply(registry, registration.index, poster, event)
    return registry


async def read_edge(connection: Connection, log: str, size: int) -> Edge:
    """Read the tile of each level that was open at a size, from the full tiles below it and from the last
    entries."""
    open_tiles = [leaf_hashes_of(await _tail(connection, log, size))]
    level = 1
    while count := size >> (_TILE_HEIGHT * level):
        below = [Tile(level - 1, index) for index in range(count - count % WIDTH, count)]
        stored = await store.read_tiles(connection, log, below)
        if len(stored) < len(below):
            missing = next(tile for tile in below if tile not in stored)
            raise Inconsistent(log, f"its tile {missing.index} of level {missing.level} is missing")
        open_tiles.append([tile_root(stored[tile]) for tile in below])
        level += 1
    return Edge(size, open_tiles)


async def _tail(connection: Connection, log: str, size: int) -> list[bytes]:
    begin = size - size % WIDTH
    entries = await store.read_entries(connection, log, begin, size)
    if len(entries) != size - begin:
        raise Inconsistent(log, f"{size - begin - len(entries)} entries from {begin} are missing")
    return entries
