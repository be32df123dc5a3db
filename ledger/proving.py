"""Proving: single events of a log with all that shows where they stand, as members of a bundle."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from ledger import store
from ledger.sealing import SubmissionRow
from ledger.store import Connection
from signing.entry import Entry, format_entry
from signing.errors import ProofError
from signing.merkle import EMPTY_RANGE, CompactRange, Growth, grow, leaf_hashes_of
from signing.note import parse_note
from signing.submission import SubmissionText, parse_submission_text
from signing.tlog_proof import TlogProof, format_proof


class Shown(Protocol):
    """A log whose entries and hash tiles can be read."""

    async def entries(self, begin: int, end: int) -> Sequence[Entry]:
        """The entries [begin, end), all of them."""
        ...

    async def inclusion(self, index: int) -> bytes:
        """The proof that an entry stands in the log, under the bundle's checkpoint."""
        ...


class Prover:
    """Makes the proofs of one log's events. Asked in the log's sequence, it hashes each submission once."""

    def __init__(self, connection: Connection, log: str, shown: Shown) -> None:
        self._connection = connection
        self._log = log
        self._shown = shown
        self._last: tuple[SubmissionRow, Growth] | None = None

    async def members(self, indexes: Iterable[int]) -> AsyncIterator[tuple[str, bytes]]:
        """`proof/<index>/…` of each event, one event at a time."""
        for index in indexes:
            for name, content in (await self.prove(index)).items():
                yield name, content

    async def prove(self, index: int) -> dict[str, bytes]:
        """The members that prove one event."""
        row, growth = await self._submission_of(index)
        (event,), (submission,) = (
            await self._shown.entries(index, index + 1),
            await self._shown.entries(row.entry_index, row.entry_index + 1),
        )
        at = row.base + index - row.entry_index - 1
        return {
            f"proof/{index}/event": format_entry(event),
            f"proof/{index}/event.tlog-proof": await self._shown.inclusion(index),
            f"proof/{index}/submission": format_entry(submission),
            f"proof/{index}/submission.tlog-proof": await self._shown.inclusion(row.entry_index),
            f"proof/{index}/source.tlog-proof": format_proof(
                TlogProof(at, growth.prove(at), parse_note(submission.body))
            ),
        }

    async def _submission_of(self, index: int) -> tuple[SubmissionRow, Growth]:
        """The submission that an event belongs to, and its source log grown by it."""
        if self._last is not None:
            row, _ = self._last
            if row.entry_index < index <= row.entry_index + row.size - row.base:
                return self._last
        found = await store.read_submission_of(self._connection, self._log, index)
        assert found is not None, "every event has its submission"
        text = parse_submission_text(parse_note(found.note).text)
        first = found.entry_index + 1
        lines = [entry.body for entry in await self._shown.entries(first, first + text.size - text.base)]
        self._last = found, grow(await self._frontier(text), leaf_hashes_of(lines))
        return self._last

    async def _frontier(self, text: SubmissionText) -> CompactRange:
        """The source log's frontier before a submission: that after the one before it."""
        if text.base == 0:
            return EMPTY_RANGE
        before = await store.read_submission(self._connection, self._log, text.origin, text.base)
        if before is None:
            raise ProofError(f"the source log {text.origin} has no submission that ends at {text.base}")
        return before.frontier
