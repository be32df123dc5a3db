"""Offline: a whole log read from a source, checked and folded, on as many processes as there are cores.

Worker processes read, hash and decode runs of entries (`projections.chunk`); this process joins them in order
(`projections.audit`) and folds. What passes between them are plain values.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from projections.audit import Audit, Audited
from projections.chunk import Chunk
from projections.events import decode_event
from projections.fold import Fold
from projections.repeats import Repeats
from projections.runners.crew import Crew
from projections.runners.progress import Progress, untold
from projections.runners.resuming import Resuming
from projections.runners.shelf import Shelving
from projections.runners.source import Source
from projections.runners.tiles import TileReader
from signing.checkpoint import Checkpoint, parse_checkpoint
from signing.entry import Entry, parse_entry
from signing.errors import ProofError
from signing.merkle import leaf_hash
from signing.note import Note, parse_note
from signing.tiles import ENTRIES, WIDTH, Tile, encode_bundle

MAX_LISTED = 1_000


class Replayed(Struct):
    """A log that was checked, and what its events amount to."""

    audit: Audit
    audited: Audited
    note: Note
    tiles: TileReader
    fold: Fold
    repeats: list[tuple[int, int]]
    """Entries whose source and id stood in an earlier entry, which is given first; at most a thousand."""
    begun: int = 0
    """So many entries, from the first on, were checked by an earlier run (`resuming`)."""

    def entry(self, index: int) -> Entry:
        """An entry of the checked log, read again and compared with the hash that was checked."""
        return self._same(index, self.tiles.entry(index))

    def entries(self, begin: int, end: int) -> Iterator[Entry]:
        """The entries [begin, end), as `entry` reads them one by one."""
        for bundle in range(begin // WIDTH, -(-end // WIDTH)):
            first = bundle * WIDTH
            for index, raw in enumerate(self.tiles.entries(bundle), first):
                if begin <= index < end:
                    yield self._same(index, raw)

    def tile(self, tile: Tile) -> bytes:
        """A tile of the checked log, read again where it is too large to be kept, and the same as then."""
        if tile.level != ENTRIES:
            return self.audit.history.tile(tile)
        entries = self.tiles.entries(tile.index)
        for index, raw in enumerate(entries, tile.index * WIDTH):
            self._compare(index, raw)
        return encode_bundle(entries)

    def recorded_by(self, as_of: int) -> int:
        """How many entries were recorded at or before a moment. Recorded times never decrease."""
        low, high = 0, self.audited.checkpoint.size
        while low < high:
            middle = (low + high) // 2
            if self.entry(middle).time_us <= as_of * 1_000_000:
                low = middle + 1
            else:
                high = middle
        return low

    def _same(self, index: int, raw: bytes) -> Entry:
        self._compare(index, raw)
        return parse_entry(raw)

    def _compare(self, index: int, raw: bytes) -> None:
        if leaf_hash(raw) != self.audit.history.leaf_at(index):
            raise ProofError(f"entry {index}: not what was read before: the source has changed since")


def replay(
    source: Source,
    *,
    fold: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
    watched: frozenset[str] = frozenset(),
    at: Checkpoint | None = None,
    most_held: int | None = None,
    folder: Path | None = None,
    resuming: Resuming | None = None,
) -> Replayed:
    """Check the whole log behind a source and fold it. ProofError, FormatError or OSError says what failed.

    Whose signature the checkpoint must bear, the caller knows: it is returned unchecked. With `at` only what
    the log was then is checked and folded; that it is an earlier state of this log, the caller sees to. With
    `most_held`, holdings beyond so many are put away (`shelf`), in a file under `folder` if it is given: then
    only a judgment can read them. With `resuming`, of a fold, it goes on from what an earlier run has kept,
    and keeps there what it proves.
    """
    note = parse_note(source.read("checkpoint"))
    claim = parse_checkpoint(note.text) if at is None else at
    if claim.size == 0:
        raise ProofError("the log is empty: its checkpoint counts 0 entries")
    tiles = TileReader(source, claim.size)
    audit, state, repeats = Audit(claim, tiles.read, watched), Fold.empty(), Repeats()
    shelving = None if most_held is None else Shelving(most_held, folder, halved=workers != 0)
    keeping = _Keeping(audit, state, shelving, resuming)
    begun = keeping.begin(claim, watched, repeats)
    progress = progress or untold
    with Crew(source, claim.size, workers) as crew, _collector_off():
        progress(begun, claim.size)
        for chunk in _joined(crew, audit, first=begun, with_events=fold):
            repeats.add(chunk.id_hashes)
            for fact in audit.facts(chunk):
                state.take(fact)
                if shelving is not None:
                    shelving.after_one(state.holdings)
            keeping.after(chunk, crew)
            progress(chunk.first_index + chunk.count, claim.size)
        with crew.signatures_first(audit.take_checks):
            audited = audit.finish()
        crew.verify_all()
    keeping.end()
    replayed = Replayed(audit, audited, note, tiles, state, [], begun)
    replayed.repeats = _confirm(repeats.candidates()[:MAX_LISTED], replayed)
    return replayed


def _joined(crew: Crew, audit: Audit, *, first: int, with_events: bool) -> Iterator[Chunk]:
    """The chunks from an entry on, each once the audit has taken it."""
    for chunk in crew.chunks(with_events=with_events, first=first):
        with crew.signatures_first(audit.take_checks):
            audit.take(chunk)
        crew.verify_later(audit.take_checks())
        yield chunk


class _Keeping:
    """What a replay keeps of what it has proved, for another run; nothing, unless that is asked for."""

    def __init__(
        self, audit: Audit, state: Fold, shelving: Shelving | None, resuming: Resuming | None
    ) -> None:
        self._audit = audit
        self._state = state
        self._resuming = resuming
        self._shelving = shelving

    def begin(self, claim: Checkpoint, watched: frozenset[str], repeats: Repeats) -> int:
        """Bring audit and fold to where an earlier run has kept them; returns how many entries that is."""
        if self._resuming is None:
            return 0
        assert self._shelving is not None, "what is kept is put away"
        self._shelving.use(self._resuming.begin(claim, watched))
        return self._resuming.restore(self._audit, self._state, repeats)

    def after(self, chunk: Chunk, crew: Crew) -> None:
        """Keep what is proved, when that is due."""
        if self._resuming is not None:
            self._resuming.took(chunk)
            if self._resuming.is_due():
                crew.verify_all()
                self._save()

    def end(self) -> None:
        """All is proved: keep that, and say where what is folded can be read."""
        if self._resuming is not None:
            self._save()
        if self._shelving is not None:
            self._state.put_away = self._shelving.at_the_end(self._state.holdings, self._state.edges)

    def _save(self) -> None:
        assert self._resuming is not None
        assert self._shelving is not None
        self._resuming.save(self._audit, self._state, self._shelving)


@contextmanager
def _collector_off() -> Iterator[None]:
    """State grows by millions of values among which there are no cycles: looking for some takes as long as
    folding. They are freed all the same when nobody holds them; the collector is told to leave them out."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def _confirm(candidates: list[tuple[int, int]], replayed: Replayed) -> list[tuple[int, int]]:
    """Those whose source and id are really equal, and not only their hashes."""
    return [(first, again) for first, again in candidates if _name(replayed, first) == _name(replayed, again)]


def _name(replayed: Replayed, index: int) -> tuple[str, str]:
    event = decode_event(replayed.entry(index).body)
    return event.source, event.id
