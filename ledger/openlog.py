"""One open log: its writer, its reader, and the answers that need both."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog

from ledger.admission import Arrival
from ledger.append import Writer
from ledger.gateway import OwnPost, TokenPost
from ledger.intake import Answer, Stored
from ledger.keyfiles import LogKeys
from ledger.problems import Refused
from ledger.reading import Reader
from ledger.releasing import Released
from ledger.sealing import LogState, SubmissionRow
from projections.events import Data, encode_event, make_event
from projections.registry import Registry
from signing.entry import header_of
from signing.errors import ProofError
from signing.merkle import EMPTY_RANGE, encode_frontier
from signing.note import parse_note
from signing.submission import check_root

# How old may be what this process shows of a log that other processes append to as well.
FRESH_FOR_S: Final = 1.0
# Refusals after which it is worth looking whether the very same submission was stored before.
_NOT_LOOKED_AT: Final = frozenset({"busy", "frozen", "unavailable", "failed"})

_log = structlog.get_logger(__name__)


class DoorAnswer(msgspec.Struct, frozen=True):
    """What became of a token's post: for each event its place, and the receipts of their submissions."""

    indexes: tuple[int, ...]
    repeated: tuple[bool, ...]
    submissions: tuple[int, ...]
    """For each event the index of the submission that carries it."""
    receipts: dict[int, bytes]
    """By the index of the submission."""


class SourceState(msgspec.Struct, frozen=True):
    """Where a source log stands in this log: what its poster goes on from."""

    size: int
    note: bytes
    frontier: str


class Log:
    """A log of this service."""

    def __init__(self, name: str, keys: LogKeys, writer: Writer, reader: Reader) -> None:
        self.name = name
        self.origin = keys.log.verifier.name
        self.keys = keys
        self.writer = writer
        self.reader = reader
        self.tile_in_turn = 0
        """The full tile that the next check of the log's health looks at."""
        self.hold: Callable[[], str | None] = _nothing
        """Why nothing may be taken in, if so."""
        self._task: asyncio.Task[None] | None = None
        self._refreshed_at = float("-inf")
        self._refreshing = asyncio.Lock()

    async def start(self) -> Answer:
        """Begin writing, and come up to the stored head."""
        self._task = asyncio.create_task(self.writer.run(), name=f"writer of {self.name}")
        self._task.add_done_callback(_report)
        return await self.writer.refresh()

    async def stop(self) -> None:
        """Take in nothing more, and answer everybody who waits."""
        self.writer.close()
        if self._task is not None:
            await self._task

    @property
    def is_running(self) -> bool:
        """Whether the writer does its work."""
        return self._task is not None and not self._task.done()

    @property
    def registry(self) -> Registry:
        """The registrations at the last size that this process knows."""
        return Registry.empty() if self.writer.state is None else self.writer.state.registry

    @property
    def released(self) -> Released | None:
        """The last checkpoint that this process handed out."""
        return self.writer.releaser.last

    async def submit(self, arrival: Arrival) -> Answer:
        """Store a submission and return its receipt; the same note text again gets the same receipt."""
        outcome = self._held() or await self.writer.put(arrival)
        if isinstance(outcome, Stored) or outcome.problem in _NOT_LOOKED_AT:
            return outcome
        repeat = await self._repeat(arrival)
        if repeat is not None:
            return repeat
        return await self._explain_conflict(outcome, arrival.submission.text.origin)

    async def post(self, post: TokenPost) -> DoorAnswer | Refused:
        """Store a token's events; those that were posted before keep their places and receipts."""
        outcome = self._held() or await self.writer.put(post)
        if isinstance(outcome, Refused):
            return outcome
        placed = outcome.placed
        assert placed is not None, "the door answers with places"
        submissions: list[int] = []
        receipts: dict[int, bytes] = {}
        if outcome.index is not None and outcome.receipt is not None:
            receipts[outcome.index] = outcome.receipt
        for index in placed.indexes:
            if outcome.index is not None and index > outcome.index:
                submissions.append(outcome.index)
                continue
            row = await self.reader.submission_of(index)
            assert row is not None, "an event has a submission"
            submissions.append(row.entry_index)
            if row.entry_index not in receipts:
                receipt = await self._receipt(row)
                if isinstance(receipt, Refused):
                    return receipt
                receipts[row.entry_index] = receipt
        return DoorAnswer(placed.indexes, placed.repeated, tuple(submissions), receipts)

    async def post_own(self, data: Data, name: str) -> Answer:
        """Say something as the operator, in the source log that its key's name is. `name` begins the id."""
        now = datetime.now(UTC)
        event = make_event(
            data,
            id=f"{name}-{int(now.timestamp())}",
            source=self.keys.operator.verifier.name,
            time=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        return await self.writer.put(OwnPost(encode_event(event), event))

    async def refresh(self) -> Refused | None:
        """See that what is shown is not older than what another process may just have shown."""
        loop = asyncio.get_running_loop()
        async with self._refreshing:
            if loop.time() - self._refreshed_at < FRESH_FOR_S and self.writer.frozen is None:
                return None
            outcome = await self.writer.refresh()
            if isinstance(outcome, Refused):
                return outcome
            self._refreshed_at = loop.time()
            return None

    async def checkpoint(self) -> Released | Refused:
        """The newest checkpoint, signed."""
        refused = await self.refresh()
        if refused is not None:
            return refused
        return self.released or Refused(problem="not-found", detail=f"{self.name} has no entries yet")

    async def prove(self, index: int) -> bytes | Refused:
        """The proof of an entry against the newest checkpoint."""
        released = await self.checkpoint()
        if isinstance(released, Refused):
            return released
        if index >= released.checkpoint.size:
            return Refused(problem="not-found", detail=f"{self.name} has {released.checkpoint.size} entries")
        return await self.reader.prove(index, released.note, released.checkpoint.size, self._state())

    async def source(self, origin: str) -> SourceState | None:
        """Where a source log stands."""
        row = await self.reader.last_submission(origin)
        return None if row is None else SourceState(row.size, row.note, encode_frontier(row.frontier))

    def _held(self) -> Refused | None:
        """What was stored before is answered all the same; the operator's own anchors go in."""
        why = None if self.writer.frozen is not None else self.hold()
        return None if why is None else Refused(problem="no-quorum", detail=why)

    async def _repeat(self, arrival: Arrival) -> Answer | None:
        """The answer that this very submission got before, if it did."""
        note, text = arrival.submission.note, arrival.submission.text
        row = await self.reader.submission(text.origin, text.size)
        if row is None or parse_note(row.note).text != note.text:
            return None
        before = await self.reader.submission(text.origin, text.base) if text.base else None
        try:
            check_root(text, before.frontier if before else EMPTY_RANGE, arrival.added)
        except ProofError as error:
            return Refused(problem="wrong-root", detail=str(error), line=3, field="root")
        receipt = await self._receipt(row)
        if isinstance(receipt, Refused):
            return receipt
        return Stored(size=row.commit_size, index=row.entry_index, receipt=receipt)

    async def _receipt(self, row: SubmissionRow) -> bytes | Refused:
        """The receipt of a stored submission, the same bytes as at first."""
        if self.released is None or self.released.checkpoint.size < row.commit_size:
            outcome = await self.writer.refresh()
            if isinstance(outcome, Refused):
                return outcome
        if self.writer.frozen is not None:
            return Refused(problem="frozen", detail=self.writer.frozen)
        state = self._state()
        checkpoint = await self.reader.checkpoint_at(row.commit_size, state)
        note = await self.writer.releaser.sign(checkpoint)
        entry = await self.reader.entry(row.entry_index)
        assert entry is not None, "a stored submission has its entry"
        header = header_of(entry)
        return await self.reader.prove(row.entry_index, note, row.commit_size, state, header)

    async def _explain_conflict(self, outcome: Refused, origin: str) -> Refused:
        """Give with a size conflict what an honest poster can go on from."""
        state = await self.source(origin) if outcome.problem == "size-conflict" else None
        if state is None:
            return outcome
        return msgspec.structs.replace(
            outcome, size=state.size, note=state.note.decode(), frontier=state.frontier
        )

    def _state(self) -> LogState:
        assert self.writer.state is not None, "a released checkpoint has a state behind it"
        return self.writer.state


def _report(task: "asyncio.Task[None]") -> None:
    """Say it when a writer ends by a bug of ours; `/health` fails from then on."""
    if not task.cancelled() and task.exception() is not None:
        _log.critical("writer_died", task=task.get_name(), exc_info=task.exception())


def _nothing() -> None:
    """Nothing is in the way."""
