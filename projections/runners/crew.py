"""Crew: worker processes that read and check chunks of a log, and verify signatures in between.

A worker is given the source, and then only numbers of chunks and lists of signatures: every task is a pure
function of those and of the source's bytes, so that a task's place and order never matter.
"""

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from projections.audit import SignatureCheck, check_signatures
from projections.chunk import Chunk, inspect
from projections.runners.source import Source
from projections.runners.tiles import TileReader
from signing.errors import ProofError
from signing.tiles import WIDTH

CHUNK_TILES = 16
SIGNATURES_PER_TASK = 256
_NICENESS = 10
SMALL_CHUNKS = 2
"""Up to here, starting processes costs more than they save."""


class Crew:
    """Gives the chunks of a log in order, and verifies signatures on the side."""

    def __init__(self, source: Source, size: int, workers: int | None = None) -> None:
        """Work on a log of `size` entries with so many processes: by default one a core, none for a
        small log."""
        self._reader = TileReader(source, size)
        self._count = -(-size // (CHUNK_TILES * WIDTH))
        self._checks: list[SignatureCheck] = []
        self._verifying: deque[Future[None]] = deque()
        wanted = os.cpu_count() or 1 if workers is None else workers
        self._workers = 0 if workers is None and self._count <= SMALL_CHUNKS else wanted
        self._pool: ProcessPoolExecutor | None = None
        if self._workers:
            # Pickled by hand: a forked worker would otherwise share this process's file position.
            given = (pickle.dumps(source), size)
            self._pool = ProcessPoolExecutor(self._workers, initializer=_prepare, initargs=given)

    def chunks(self, *, with_events: bool, first: int = 0) -> Iterator[Chunk]:
        """Every chunk from entry `first` on, where one begins or the log ends, in the order of the log."""
        numbers = range(-(-first // (CHUNK_TILES * WIDTH)), self._count)
        if self._pool is None:
            for number in numbers:
                yield read_chunk(self._reader, number, with_events=with_events)
            return
        waiting: deque[Future[Chunk]] = deque()
        for number in numbers:
            waiting.append(self._pool.submit(_read_chunk, number, with_events))
            # So many may be ahead of the fold: enough to keep all busy, few enough to keep memory small.
            if len(waiting) > 2 * self._workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def verify_later(self, checks: list[SignatureCheck]) -> None:
        """Have signatures verified; ProofError as soon as one is known to be false."""
        self._checks += checks
        while len(self._checks) >= SIGNATURES_PER_TASK:
            self._verify(self._checks[:SIGNATURES_PER_TASK])
            del self._checks[:SIGNATURES_PER_TASK]
        while self._verifying and self._verifying[0].done():
            self._verifying.popleft().result()

    def verify_all(self) -> None:
        """Return once every signature given is known to be true."""
        checks, self._checks = self._checks, []
        self._verify(checks)
        while self._verifying:
            self._verifying.popleft().result()

    @contextmanager
    def signatures_first(self, take_checks: Callable[[], list[SignatureCheck]]) -> Iterator[None]:
        """When something else fails, a false signature that stands before it in the log is told instead."""
        try:
            yield
        except ProofError:
            self._checks += take_checks()
            self.verify_all()
            raise

    def _verify(self, checks: list[SignatureCheck]) -> None:
        if self._pool is None:
            check_signatures(checks)
        else:
            self._verifying.append(self._pool.submit(check_signatures, checks))

    def __enter__(self) -> Self:
        """Use in a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the processes go, whatever they are at."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def read_chunk(reader: TileReader, number: int, *, with_events: bool) -> Chunk:
    """Read and check one chunk."""
    entries: list[bytes] = []
    tiles: list[bytes] = []
    first = number * CHUNK_TILES
    for index in range(first, min(first + CHUNK_TILES, -(-reader.size // WIDTH))):
        entries += reader.entries(index)
        tiles.append(reader.leaves(index))
    return inspect(first * WIDTH, entries, tiles, with_events=with_events)


_readers: list[TileReader] = []
"""The worker process's own, set when it starts."""


def _prepare(source: bytes, size: int) -> None:
    # Ctrl-C reaches everybody at the terminal. Our parent says what there is to say, and lets us go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Our parent's fold is what all wait for: where there are too few cores, who reads ahead of it gives way.
    os.nice(_NICENESS)
    threading.Thread(target=_end_with_parent, name="parent's end", daemon=True).start()
    _readers.append(TileReader(pickle.loads(source), size))  # noqa: S301 - from our own parent


def _end_with_parent() -> None:
    """A killed parent tells nobody, and its workers would wait for the next task for ever.

    The youngest hears of it first: a forked worker keeps the pipes of its elder siblings open.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "workers are started by another process"
    parent.join()
    os._exit(1)


def _read_chunk(number: int, with_events: bool) -> Chunk:
    return read_chunk(_readers[0], number, with_events=with_events)
