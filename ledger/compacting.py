"""Compacting: of a whole log, the order, the attestations and the exceptions, each with all that "
"proves it."""

import asyncpg

from ledger import store
from projections.docket import Docket, IssuedOrder
from projections.runners.offline import Replayed
from projections.stating import Stated
from signing.entry import Entry, format_entry
from signing.errors import ProofError
from signing.merkle import EMPTY_RANGE, CompactRange, leaf_hashes_of
from signing.note import parse_note
from signing.submission import SubmissionText, parse_submission_text, prove_line
from signing.tiles import inclusion_from_tiles, tiles_for_inclusion
from signing.tlog_proof import TlogProof, format_proof


async def compact_members(
    dsn: str, log: str, replayed: Replayed, issued: IssuedOrder, stated: Stated
) -> dict[str, bytes]:
    """The members of a compact bundle that prove events: `proof/<index>/…`."""
    connection = await asyncpg.connect(dsn)
    try:
        prover = _Prover(connection, log, replayed)
        members: dict[str, bytes] = {}
        for index in indexes(replayed.fold.docket, issued, stated):
            members |= await prover.prove(index)
        return members
    finally:
        await connection.close()


def indexes(docket: Docket, issued: IssuedOrder, stated: Stated) -> list[int]:
    """The entries that a compact bundle proves: every order, its life, inventory and collector's word, and
    every exception."""
    life = docket.proceedings
    attested = [
        *(one.index for one in docket.orders),
        *(one.index for one in life.turns),
        *(one.index for one in life.exemptions),
        *(one.index for one in life.holds),
        *(one.index for one in life.releases),
        *(one.index for one in docket.begun),
        *(one.index for one in docket.inventories),
        *(one.index for one in docket.coverage),
    ]
    excepted = [one.index for one in stated.judgment.listed]
    return sorted({issued.index, *attested, *excepted})


class _Prover:
    """Makes the proofs of one log's events."""

    def __init__(self, connection: asyncpg.Connection, log: str, replayed: Replayed) -> None:
        self._connection = connection
        self._log = log
        self._replayed = replayed

    async def prove(self, index: int) -> dict[str, bytes]:
        row = await store.read_submission_of(self._connection, self._log, index)
        assert row is not None, "every event has its submission"
        event, submission = self._replayed.entry(index), self._replayed.entry(row.entry_index)
        note = parse_note(submission.body)
        text = parse_submission_text(note.text)
        lines = [self._replayed.entry(row.entry_index + 1 + at).body for at in range(text.size - text.base)]
        before = await self._frontier(text)
        source = prove_line(note, before, leaf_hashes_of(lines), index - row.entry_index - 1)
        return {
            f"proof/{index}/event": format_entry(event),
            f"proof/{index}/event.tlog-proof": self._inclusion(event),
            f"proof/{index}/submission": format_entry(submission),
            f"proof/{index}/submission.tlog-proof": self._inclusion(submission),
            f"proof/{index}/source.tlog-proof": format_proof(source),
        }

    def _inclusion(self, entry: Entry) -> bytes:
        size = self._replayed.audited.checkpoint.size
        tiles = {tile: self._replayed.tiles.read(tile) for tile in tiles_for_inclusion(entry.index, size)}
        hashes = inclusion_from_tiles(entry.index, size, tiles)
        return format_proof(TlogProof(entry.index, tuple(hashes), self._replayed.note))

    async def _frontier(self, text: SubmissionText) -> CompactRange:
        """The source log's frontier before a submission: that after the one before it."""
        if text.base == 0:
            return EMPTY_RANGE
        before = await store.read_submission(self._connection, self._log, text.origin, text.base)
        if before is None:
            raise ProofError(f"the source log {text.origin} has no submission that ends at {text.base}")
        return before.frontier
