"""Releasing a commit: record its checkpoint outside the database, sign it, answer whoever waited for it.

Nothing here happens before the commit is durable, and nothing is signed before the record is.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec
import structlog

from ledger.failure import Failure
from ledger.gateway import Placed
from ledger.intake import Answer, Stored, Waiting
from ledger.metrics import Metrics
from ledger.problems import Refused
from ledger.released import Forked, Record
from ledger.sealing import Sealed
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.entry import header_of
from signing.keys import Signer, SigningKey
from signing.note import Note, format_note
from signing.tlog_proof import TlogProof, format_proof

_MAX_UNRELEASED: Final = 16

_log = structlog.get_logger(__name__)


class InDoor(msgspec.Struct, frozen=True):
    """Where the events of a post stand which the service signed for, and its submission, if any are new."""

    placed: Placed
    index: int | None


Outcome: TypeAlias = int | InDoor | Refused | None
"""The index of a submission's entry; a post at the service's own door; nothing to write; or why not."""


class Ticket(msgspec.Struct, frozen=True):
    """Somebody who waits, and what the transaction made of his work."""

    waiting: Waiting
    outcome: Outcome


class Commit(msgspec.Struct, frozen=True):
    """What one transaction did. `sealed` is None when it wrote nothing."""

    checkpoint: Checkpoint
    sealed: Sealed | None
    tickets: list[Ticket]


class Released(msgspec.Struct, frozen=True):
    """A checkpoint that was handed out."""

    checkpoint: Checkpoint
    note: Note
    raw: bytes


class Releaser:
    """Signs the checkpoints of one log, in their order, while the writer is at its next transaction."""

    def __init__(
        self, log: str, signer: Signer, record: Record, metrics: Metrics, freeze: Callable[[str], None]
    ) -> None:
        self.last: Released | None = None
        self._log = log
        self._signer = signer
        self._record = record
        self._metrics = metrics
        self._freeze = freeze
        self._commits: asyncio.Queue[Commit | None] = asyncio.Queue(_MAX_UNRELEASED)

    async def put(self, commit: Commit) -> None:
        """Have a durable commit released; waits only when the disk falls behind."""
        await self._commits.put(commit)

    async def close(self) -> None:
        """Let `run` return once all that was put is released."""
        await self._commits.put(None)

    async def run(self) -> None:
        """Release what comes, as much at once as has come."""
        while True:
            commits = [await self._commits.get()]
            while not self._commits.empty():
                commits.append(self._commits.get_nowait())
            durable = [commit for commit in commits if commit is not None]
            try:
                if durable:
                    await self._release(durable)
            except BaseException:
                _refuse(durable, Refused(problem="failed", detail="the log's writer has stopped"))
                raise
            if commits[-1] is None:
                return

    async def sign(self, checkpoint: Checkpoint) -> Note:
        """Sign a checkpoint that is no newer than one released already."""
        if isinstance(self._signer, SigningKey):
            return sign_checkpoint(checkpoint, self._signer)
        return await asyncio.to_thread(sign_checkpoint, checkpoint, self._signer)

    async def _release(self, commits: list[Commit]) -> None:
        """Release commits and answer; where that fails, have the same bytes sent again."""
        try:
            newest = commits[-1].checkpoint
            if newest.size and (self.last is None or self.last.checkpoint != newest):
                await self._record.advance(newest)
            for commit in commits:
                released = await self._sign_next(commit.checkpoint)
                for ticket in commit.tickets:
                    ticket.waiting.resolve(_answer(ticket.outcome, commit, released))
        except (OSError, Failure) as error:
            _log.error("release_failed", log=self._log, size=commits[-1].checkpoint.size, error=str(error))
            detail = "stored, but its checkpoint cannot be released now: send the same bytes again"
            refused = Refused(problem="unavailable", detail=detail)
            if isinstance(error, Forked):
                self._freeze(f"{error}: {error.remedy}")
                refused = Refused(problem="frozen", detail=f"{error}: {error.remedy}")
            _refuse(commits, refused)

    async def _sign_next(self, checkpoint: Checkpoint) -> Released | None:
        if checkpoint.size and (self.last is None or self.last.checkpoint != checkpoint):
            note = await self.sign(checkpoint)
            self.last = Released(checkpoint, note, format_note(note))
            self._metrics.released_size.labels(self._log).set(checkpoint.size)
        return self.last


def _refuse(commits: list[Commit], refused: Refused) -> None:
    """Answer those who still wait: a refusal of their own stands."""
    for ticket in (ticket for commit in commits for ticket in commit.tickets):
        ticket.waiting.resolve(ticket.outcome if isinstance(ticket.outcome, Refused) else refused)


def _answer(outcome: Outcome, commit: Commit, released: Released | None) -> Answer:
    if isinstance(outcome, Refused):
        return outcome
    placed = outcome.placed if isinstance(outcome, InDoor) else None
    index = outcome.index if isinstance(outcome, InDoor) else outcome
    receipt = None
    if index is not None and commit.sealed is not None and released is not None:
        header = header_of(commit.sealed.entries[index - commit.sealed.before.size])
        receipt = format_proof(TlogProof(index, commit.sealed.growth.prove(index), released.note, header))
    return Stored(size=commit.checkpoint.size, index=index, receipt=receipt, placed=placed)
