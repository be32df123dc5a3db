"""Releasing a commit: record its checkpoint outside the database, sign it, answer whoever waited for it.

Nothing here happens before the commit is durable, and nothing is signed before the record is.
"""

import asyncio
from typing import TypeAlias

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
    """Signs the checkpoints of one log, in their order."""

    def __init__(self, log: str, signer: Signer, record: Record, metrics: Metrics) -> None:
        self.last: Released | None = None
        self._log = log
        self._signer = signer
        self._record = record
        self._metrics = metrics

    async def release(self, commit: Commit) -> None:
        """Release a commit's checkpoint and answer; where that fails, have the same bytes sent again."""
        try:
            released = await self._release(commit.checkpoint)
        except Forked:
            raise
        except (OSError, Failure) as error:
            _log.error("release_failed", log=self._log, size=commit.checkpoint.size, error=str(error))
            detail = "stored, but its checkpoint cannot be released yet: send the same bytes again"
            for ticket in commit.tickets:
                refused = ticket.outcome if isinstance(ticket.outcome, Refused) else None
                ticket.waiting.resolve(refused or Refused(problem="unavailable", detail=detail))
            return
        for ticket in commit.tickets:
            ticket.waiting.resolve(_answer(ticket.outcome, commit, released))

    async def sign(self, checkpoint: Checkpoint) -> Note:
        """Sign a checkpoint that is no newer than one released already."""
        if isinstance(self._signer, SigningKey):
            return sign_checkpoint(checkpoint, self._signer)
        return await asyncio.to_thread(sign_checkpoint, checkpoint, self._signer)

    async def _release(self, checkpoint: Checkpoint) -> Released | None:
        if checkpoint.size == 0 or (self.last is not None and self.last.checkpoint == checkpoint):
            return self.last
        # In this thread on purpose: two fsyncs of a small file take less time than a busy event loop takes to
        # let another thread go on after each of its system calls.
        self._record.advance(checkpoint)
        note = await self.sign(checkpoint)
        released = Released(checkpoint, note, format_note(note))
        self.last = released
        self._metrics.released_size.labels(self._log).set(checkpoint.size)
        return released


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
