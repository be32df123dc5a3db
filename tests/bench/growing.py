"""Logs grown without a service, by the append path's own sealing: as valid as any, and made faster.

What is left out is what cannot change the outcome: events are decoded only when they found the log, and
signatures of our own are not verified.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import asyncpg

from ledger import store
from ledger.admission import Admitted, Arrival, decode_lines, hash_lines
from ledger.problems import Refused
from ledger.resume import resume
from ledger.sealing import EMPTY_HEAD, Draft, LogState, Memory, Sealed
from projections import store as projection_store
from projections.events import LogCreated, encode_event, make_event
from projections.registry import Registry
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.keys import SigningKey, format_vkey
from signing.merkle import EMPTY_RANGE, CompactRange, leaf_hashes_of, merge, range_of
from signing.note import format_note
from signing.submission import Submission, make_submission
from signing.tiles import ENTRIES, WIDTH, Edge, Tile, encode_bundle, tile_path
from tests.bench.events import CONTROLLER, CRAWLER, ORIGIN, TIME, SourceLog
from tests.bench.service import LOG
from tests.ledger.lab import registered, seeded_key

EVENTS = 1_000
"""Of one submission."""
SUBMISSIONS = 9
"""Of one commit: about as many entries as the service puts into one."""
ADMINISTRATOR = "administrator"


def _now_us() -> int:
    return time.time_ns() // 1_000


def seal(state: LogState, sources: dict[str, CompactRange], submissions: Iterable[Submission]) -> Sealed:
    """One commit of submissions that continue their source logs, whose frontiers it carries on."""
    draft = Draft(state, Memory(sources, {}), _now_us())
    for submission in submissions:
        text = submission.text
        added = range_of(text.base, leaf_hashes_of(submission.lines))
        arrival = Arrival(submission, format_note(submission.note), (), added)
        after = merge(draft.source(text.origin), added)
        draft.take(Admitted(arrival, after, state.registry, ()))
    sealed = draft.seal()
    sources |= sealed.sources
    return sealed


def found() -> Sealed:
    """The first commit of a log: its creation, and the registration of the key that posts."""
    administrator, crawler = seeded_key(ADMINISTRATOR), seeded_key(CRAWLER)
    created = LogCreated(
        admin_vkey=format_vkey(administrator.verifier),
        controller=CONTROLLER,
        gateway_vkey=format_vkey(seeded_key(f"{ORIGIN}/gateway").verifier),
        log_vkey=format_vkey(seeded_key(ORIGIN).verifier),
        operator_vkey=format_vkey(seeded_key(f"{ORIGIN}/operator").verifier),
        origin=ORIGIN,
        public_reading=True,
    )
    founded = encode_event(make_event(created, id="log-created", source=ADMINISTRATOR, time=TIME))
    lines = [founded, registered(crawler, "controller", ADMINISTRATOR)]
    submission, _ = make_submission(administrator, ADMINISTRATOR, EMPTY_RANGE, ORIGIN, None, lines)
    events = decode_lines(lines)
    assert not isinstance(events, Refused), events
    draft = Draft(LogState(ORIGIN, EMPTY_HEAD, Edge.empty(), Registry.empty()), Memory({}, {}), _now_us())
    outcome = draft.add(hash_lines(submission, events))
    assert not isinstance(outcome, Refused), outcome
    return draft.seal()


class Tree:
    """A log being written as a directory of tiles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bundle: list[bytes] = []
        self._size = 0

    def write(self, sealed: Sealed) -> None:
        """Write what a commit completes."""
        for tile, hashes in sealed.tiles:
            self._write(tile, hashes)
        self._bundle += sealed.entries
        self._size += len(sealed.entries)
        while len(self._bundle) >= WIDTH:
            index = (self._size - len(self._bundle)) // WIDTH
            self._write(Tile(ENTRIES, index), encode_bundle(self._bundle[:WIDTH]))
            del self._bundle[:WIDTH]

    def finish(self, state: LogState, key: SigningKey) -> None:
        """Write the partial tiles and the signed checkpoint."""
        head, level = state.head, 0
        while filled := head.size >> (8 * level):
            index, width = divmod(filled, WIDTH)
            if width:
                self._write(Tile(level, index, width), state.edge.partial(level, index))
            level += 1
        if self._bundle:
            last = Tile(ENTRIES, head.size // WIDTH, len(self._bundle))
            self._write(last, encode_bundle(self._bundle))
        note = sign_checkpoint(Checkpoint(ORIGIN, head.size, head.root), key)
        (self.folder / "checkpoint").write_bytes(format_note(note))

    def _write(self, tile: Tile, raw: bytes) -> None:
        path = self.folder / tile_path(tile)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)


class Grown:
    """A log that grows in a directory of tiles. No service has it, and no database."""

    def __init__(self, folder: Path) -> None:
        self._tree, self._sealed = Tree(folder), found()
        self._tree.write(self._sealed)
        self._sources = dict(self._sealed.sources)

    @property
    def checkpoint(self) -> Checkpoint:
        """The log as it stands."""
        head = self._sealed.after.head
        return Checkpoint(ORIGIN, head.size, head.root)

    def post(self, name: str, *lines: bytes) -> None:
        """Post lines under the key of this name, in its own source log."""
        before = self._sources.get(name, EMPTY_RANGE)
        submission, _ = make_submission(seeded_key(name), name, before, ORIGIN, None, lines)
        self._take([submission])

    def grow(self, size: int) -> None:
        """Let it have at least so many entries: collections of one record each."""
        for submissions in _commits(0):
            if self.checkpoint.size >= size:
                break
            self._take(submissions)

    def finish(self) -> None:
        """Write the partial tiles and the signed checkpoint."""
        self._tree.finish(self._sealed.after, seeded_key(ORIGIN))

    def _take(self, submissions: Iterable[Submission]) -> None:
        self._sealed = seal(self._sealed.after, self._sources, submissions)
        self._tree.write(self._sealed)


def write_tree(folder: Path, size: int) -> None:
    """Write a log of at least `size` entries as a directory of tiles."""
    log = Grown(folder)
    log.grow(size)
    log.finish()


async def fill(dsn: str, size: int, *, folded: bool = True) -> None:
    """Grow the log in a database to about `size` entries, as a second process of the service would.

    `folded`: the projections' cursor is set to the log's end, as if they had folded it, and their tables stay
    empty.
    """
    connection = await asyncpg.connect(dsn, server_settings={"synchronous_commit": "off"})
    try:
        state = await resume(connection, LOG, ORIGIN, await store.read_head(connection, LOG))
        sources: dict[str, CompactRange] = {}
        # Source logs of their own for each call: no state of theirs need be read back.
        for submissions in _commits(state.head.size):
            if state.head.size >= size:
                break
            sealed = seal(state, sources, submissions)
            async with connection.transaction():
                head = await store.lock_head(connection, LOG)
                assert head == state.head, "nobody else writes meanwhile"
                await store.copy_commit(connection, LOG, sealed)
            state = sealed.after
        if folded:
            async with connection.transaction():
                await projection_store.lock_cursor(connection, LOG)
                await projection_store.move_cursor(connection, LOG, state.head.size)
    finally:
        await connection.close()


def _commits(first: int) -> Iterator[list[Submission]]:
    """Submissions for one commit after another, from source logs that nobody else uses."""
    crawler = seeded_key(CRAWLER)
    sources = [SourceLog(crawler, 1_000 + first + number) for number in range(SUBMISSIONS)]
    while True:
        yield [source.submit(EVENTS) for source in sources]
