"""Crew: worker processes that blind ids and digest handles, while their parent reads the store.

A worker gets the key once, and then only ids and handles. Each task is a pure function of those, answers come
in the sequence of their tasks, and few are under way at a time, so that memory stays where it is however many
there are.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from hashlib import sha256
from itertools import islice
from struct import iter_unpack
from types import TracebackType
from typing import Final, Self, TypeVar

from msgspec import Struct

from ledger.stores.blinding import HANDLE_BYTES, Blinder
from signing.setdigest import EMPTY_BUCKET

S = TypeVar("S")
T = TypeVar("T")

RANGES: Final = 256
"""Handles are put away, and digested, by their first byte: 256 buckets of the set digest each."""
BATCH_KEYS: Final = 1 << 15
_ALONE: Final = 4
"""So many batches are blinded before workers are started, which takes as long."""
_ROW: Final = f"{HANDLE_BYTES}s"


class Run(Struct, frozen=True, array_like=True):
    """The handles of some ids, by range: how many there are of each, and all of them, range by range."""

    counts: list[int]
    rows: bytes


class Digested(Struct, frozen=True, array_like=True):
    """One range: its distinct handles in their sequence, the hash of each of its buckets, and how often a
    handle was given again."""

    rows: bytes
    hashes: list[bytes]
    repeated: int


class Match(Struct, frozen=True, array_like=True):
    """An id whose handle was looked for."""

    native: str
    handle: str


class Crew:
    """Works for one store. In this process at first; by workers, one a core, once there is much to do."""

    def __init__(
        self, key: bytes, namespace: str, wanted: frozenset[bytes] = frozenset(), workers: int | None = None
    ) -> None:
        """`wanted`: the handles, 16 bytes each, that `matches` looks for. `workers`: 0 starts none."""
        self._given = (key, namespace, wanted)
        self._desk = Desk(*self._given)
        self._workers = (os.cpu_count() or 1) if workers is None else workers
        self._alone = _ALONE if self._workers else sys.maxsize
        self._pool: ProcessPoolExecutor | None = None

    def blinded(self, batched: Iterable[Sequence[str]]) -> Iterator[Run]:
        """The handles of each batch of ids."""
        return self._each(Desk.blind, batched, alone=self._alone)

    def matches(self, batched: Iterable[Sequence[str]]) -> Iterator[list[Match]]:
        """The ids of each batch whose handles are wanted."""
        return self._each(Desk.match, batched, alone=self._alone)

    def digested(self, ranges: Iterable[bytes]) -> Iterator[Digested]:
        """Each of at most 256 ranges of handles, digested: by workers if there are any."""
        return self._each(Desk.digest, ranges, alone=RANGES)

    def __enter__(self) -> Self:
        """End the workers at the end of a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers; what they have not begun is not done."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _each(self, work: Callable[["Desk", S], T], tasks: Iterable[S], *, alone: int) -> Iterator[T]:
        going = iter(tasks)
        if self._pool is None:
            yield from (work(self._desk, task) for task in islice(going, alone))
        under_way: deque[Future[T]] = deque()
        for task in going:
            if len(under_way) > self._workers:
                yield under_way.popleft().result()
            under_way.append(self._started().submit(_at_desk, work, task))
        while under_way:
            yield under_way.popleft().result()

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Begun afresh, not copied: this process has a connection open, which is nobody else's.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=context, initializer=_begin, initargs=self._given
            )
        return self._pool


class Desk:
    """Where work is done: for the crew's process, and in each worker."""

    def __init__(self, key: bytes, namespace: str, wanted: frozenset[bytes]) -> None:
        self._blinder = Blinder(key, namespace)
        self._wanted = wanted

    def blind(self, ids: Sequence[str]) -> Run:
        """See `Crew.blinded`."""
        runs = [bytearray() for _ in range(RANGES)]
        for (row,) in iter_unpack(_ROW, self._blinder.blind(ids)):
            runs[row[0]] += row
        return Run([len(run) // HANDLE_BYTES for run in runs], b"".join(runs))

    def match(self, ids: Sequence[str]) -> list[Match]:
        """See `Crew.matches`."""
        rows = iter_unpack(_ROW, self._blinder.blind(ids))
        return [
            Match(native, row.hex()) for native, (row,) in zip(ids, rows, strict=True) if row in self._wanted
        ]

    def digest(self, rows: bytes) -> Digested:
        """See `Crew.digested`."""
        buckets = [bytearray() for _ in range(RANGES)]
        for (row,) in iter_unpack(_ROW, rows):
            buckets[row[1]] += row
        ordered = [b"".join(sorted({row for (row,) in iter_unpack(_ROW, bucket)})) for bucket in buckets]
        distinct = b"".join(ordered)
        repeated = (len(rows) - len(distinct)) // HANDLE_BYTES
        return Digested(distinct, list(map(_bucket_hash, ordered)), repeated)


def batches(ids: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    """Ids that come some at a time, as many at a time as are worth a task."""
    batch: list[str] = []
    for some in ids:
        batch += some
        if len(batch) >= BATCH_KEYS:
            rest = len(batch) % BATCH_KEYS
            yield from (batch[at : at + BATCH_KEYS] for at in range(0, len(batch) - rest, BATCH_KEYS))
            batch = batch[len(batch) - rest :]
    if batch:
        yield batch


def _bucket_hash(rows: bytes) -> bytes:
    """What `signing.setdigest.bucket_hash` gives for the sorted, distinct handles of a bucket."""
    lines = rows.hex("\n", HANDLE_BYTES) + "\n"
    return sha256(lines.encode()).digest() if rows else EMPTY_BUCKET


_desk: Desk | None = None


def _begin(key: bytes, namespace: str, wanted: frozenset[bytes]) -> None:
    global _desk
    # Ctrl-C at the terminal is for the parent, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent's end", daemon=True).start()
    _desk = Desk(key, namespace, wanted)


def _end_with_parent() -> None:
    """A killed parent tells nobody, and its workers would wait for the next task for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "workers are started by another process"
    parent.join()
    os._exit(1)


def _at_desk(work: Callable[[Desk, S], T], task: S) -> T:
    assert _desk is not None, "the worker was begun"
    return work(_desk, task)
