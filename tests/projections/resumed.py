"""Replays that are interrupted at a place, and gone on with: for tests of `--resume`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from projections.runners.crew import CHUNK_TILES
from projections.runners.offline import Replayed, replay
from projections.runners.resuming import Resuming
from projections.runners.shelf import MOST_HELD
from signing.checkpoint import Checkpoint
from signing.tiles import ENTRIES, WIDTH, parse_tile_path
from tests.projections.deeds import CRAWLER, collected
from tests.projections.logbuilder import LogBuilder, MemorySource

CHUNK = CHUNK_TILES * WIDTH


class Interrupted(Exception):
    """The machine went off."""


@dataclass
class Watched:
    """A source that tells which entries were asked for, and gives none from `until` on."""

    files: dict[str, bytes]
    until: int | None = None
    asked: list[int] = field(default_factory=list)

    def read(self, path: str) -> bytes:
        if path.startswith("tile/entries/"):
            tile = parse_tile_path(path)
            assert tile.level == ENTRIES
            self.asked.append(tile.index * WIDTH)
            if self.until is not None and tile.index * WIDTH >= self.until:
                raise Interrupted
        return MemorySource(self.files).read(path)

    def has(self, path: str) -> bool:
        return path in self.files

    def close(self) -> None:
        """Nothing to let go of."""


def always(ran_s: float, save_s: float) -> float:
    """Save after each chunk."""
    return 0.0


def run(
    source: Any,
    folder: Path,
    *,
    watched: frozenset[str] = frozenset(),
    at: Checkpoint | None = None,
    most_held: int = MOST_HELD,
    pause_s: Callable[[float, float], float] = always,
) -> Replayed:
    """One run in this process; the folder stays."""
    resuming = Resuming(folder, pause_s)
    try:
        done = replay(source, workers=0, watched=watched, at=at, most_held=most_held, resuming=resuming)
        # What is on the shelf is in the folder, which this run is about to let go of.
        if done.fold.put_away is not None:
            done.fold.holdings, done.fold.put_away = dict(done.fold.held), None
        return done
    finally:
        resuming.close()


def interrupted(files: dict[str, bytes], folder: Path, until: int, **how: Any) -> None:
    """Run until the entries from `until` on are asked for."""
    try:
        run(Watched(files, until), folder, **how)
    except Interrupted:
        return
    raise AssertionError("it was not interrupted")


def filled(log: LogBuilder, size: int, *, at_once: int = 1_000, first: int = 1_000) -> LogBuilder:
    """The log, with collections of one record each until it has just so many entries."""
    while log.size < size:
        count = min(at_once, size - log.size - 1)
        assert count > 0, "a submission brings an event"
        log.post(CRAWLER, *(collected(log.size + first + number) for number in range(count)))
    assert log.size == size
    return log
