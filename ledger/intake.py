"""What waits to be written, bounded: a busy service says so at once and does not sink under its queue."""

import asyncio
from collections import deque
from typing import TypeAlias

import msgspec

from ledger.admission import Arrival
from ledger.gateway import OwnPost, Placed, TokenPost
from ledger.problems import Refused


class Refresh(msgspec.Struct, frozen=True):
    """Nothing to write: read on to the stored head, and release its checkpoint."""


class Stored(msgspec.Struct, frozen=True):
    """Something is durable in the log, and the checkpoint that covers it is released."""

    size: int
    index: int | None = None
    """The index of the submission's entry."""
    receipt: bytes | None = None
    """The proof of that entry against the checkpoint of its commit."""
    placed: Placed | None = None
    """Where the events of a token's post stand."""


Work: TypeAlias = Arrival | TokenPost | OwnPost | Refresh
Answer: TypeAlias = Stored | Refused


class Waiting(msgspec.Struct):
    """Something to write, and where its answer goes."""

    work: Work
    answer: asyncio.Future[Answer]

    @property
    def entries(self) -> int:
        """How many entries it makes at most, its submission's included."""
        return 0 if isinstance(self.work, Refresh) else 1 + len(lines_of(self.work))

    @property
    def size_bytes(self) -> int:
        """About how many bytes it brings."""
        return sum(map(len, lines_of(self.work)))

    def resolve(self, answer: Answer) -> None:
        """Give the answer, unless whoever asked has gone."""
        if not self.answer.done():
            self.answer.set_result(answer)


class Intake:
    """A queue that refuses what it can't hold, and gives what waits in batches that make a good commit."""

    def __init__(self, *, max_waiting: int, max_entries: int, max_bytes: int) -> None:
        self._max_waiting = max_waiting
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._waiting: deque[Waiting] = deque()
        self._filled = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    async def put(self, work: Work) -> Answer:
        """Wait in line with something to write, and return what became of it."""
        if self._closed:
            return Refused(problem="busy", detail="the service is shutting down: send it again in a moment")
        if len(self._waiting) >= self._max_waiting:
            detail = f"{len(self._waiting)} submissions wait already: send it again in a moment"
            return Refused(problem="busy", detail=detail)
        waiting = Waiting(work, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._filled.set()
        return await waiting.answer

    async def take(self) -> list[Waiting]:
        """Everything that waits, as far as one commit should hold it; empty once closed and drained."""
        while not self._waiting and not self._closed:
            self._filled.clear()
            await self._filled.wait()
        batch: list[Waiting] = []
        entries = size_bytes = 0
        while self._waiting:
            entries += self._waiting[0].entries
            size_bytes += self._waiting[0].size_bytes
            if batch and (entries > self._max_entries or size_bytes > self._max_bytes):
                break
            batch.append(self._waiting.popleft())
        return batch

    def take_rest(self) -> list[Waiting]:
        """Everything that still waits."""
        rest = list(self._waiting)
        self._waiting.clear()
        return rest

    def close(self) -> None:
        """Take in nothing more; what waits is still given out."""
        self._closed = True
        self._filled.set()


def lines_of(work: Work) -> tuple[bytes, ...]:
    """The event lines of a piece of work."""
    if isinstance(work, Arrival):
        return work.submission.lines
    if isinstance(work, TokenPost):
        return work.lines
    return (work.line,) if isinstance(work, OwnPost) else ()
