"""Restating: a statement that somebody brings, reached again from a log at the size that it names.

The log may have grown since: only the entries that the statement is about are replayed, and that they are the
beginning of what the log signs now is proved.
"""

import zipfile
from pathlib import Path

from msgspec import Struct

from projections.docket import IssuedOrder
from projections.fold import StateDigest
from projections.runners import trust
from projections.runners.earlier import Earlier, require_growth
from projections.runners.full import restate
from projections.runners.offline import Replayed, replay
from projections.runners.progress import Progress
from projections.runners.resuming import Resuming
from projections.runners.rules import rules_hash
from projections.runners.shelf import MOST_HELD
from projections.runners.source import Source, ZipSource
from projections.statement import Statement, parse_statement
from projections.stating import Stated, counted_size, find_order, state
from signing.checkpoint import Checkpoint, parse_checkpoint
from signing.encoding import decode_hash
from signing.errors import ProofError
from signing.note import Note, parse_note


class Brought(Struct, frozen=True):
    """A statement as its reader has it: a note, and the checkpoint that came with it, if one did."""

    note: Note
    statement: Statement
    checkpoint: Note | None = None

    @property
    def log(self) -> Checkpoint:
        """The log that it is about, as it was then."""
        said = self.statement.log
        return Checkpoint(said.origin, said.size, decode_hash(said.root, "the statement's root"))


class Restated(Struct, frozen=True):
    """The log, the order found in it, and what they give: the statement that was brought."""

    replayed: Replayed
    issued: IssuedOrder
    stated: Stated


def read_statement(path: Path) -> Brought:
    """A statement from a file: the note alone, or the one of a bundle. OSError when there is no such file."""
    if zipfile.is_zipfile(path):
        with ZipSource(path) as source:
            return statement_in(source)
    note = parse_note(path.read_bytes())
    return Brought(note, parse_statement(note.text))


def statement_in(source: Source) -> Brought:
    """The statement of a bundle, with its checkpoint."""
    note = parse_note(source.read("statement"))
    return Brought(note, parse_statement(note.text), parse_note(source.read("checkpoint")))


def replay_to(
    source: Source,
    brought: Brought,
    progress: Progress | None = None,
    resuming: Resuming | None = None,
) -> Replayed:
    """Check and fold the log behind a source as far as the statement goes."""
    now = parse_checkpoint(parse_note(source.read("checkpoint")).text)
    require_growth(source, brought.log, now)
    earlier = Earlier(source, now.size)
    return replay(earlier, progress=progress, at=brought.log, most_held=MOST_HELD, resuming=resuming)


def reach(replayed: Replayed, brought: Brought, authority: str | None) -> Restated:
    """The statement from the log itself, byte for byte; ProofError names what differs."""
    issued = trust.find_issued(replayed.fold.docket, brought.statement, authority)
    return Restated(replayed, issued, restate(brought.statement, issued, replayed))


def state_order(replayed: Replayed, order: str, authority: str | None, as_of: int | None) -> Restated:
    """The statement on an order over all that was replayed; by default as of when its last entry was made."""
    moment = end_of(replayed) if as_of is None else as_of
    issued = find_order(replayed.fold, order, None, authority, as_of=moment)
    if issued is None:
        raise ProofError(f"there is no order {order} in this log" + (f" by {authority}" if authority else ""))
    return Restated(replayed, issued, state_end(replayed, issued, moment)[0])


def state_end(
    replayed: Replayed, issued: IssuedOrder, as_of: int, states: tuple[StateDigest, ...] | None = None
) -> tuple[Stated, bool]:
    """The statement over all that was replayed, and whether witnesses vouch for it: else it's provisional."""
    fold, head, rules = replayed.fold, replayed.audited.checkpoint, rules_hash()
    vouched = counted_size(fold, issued, as_of) > issued.index
    recorded = None if vouched else replayed.recorded_by(as_of)
    return state(fold, head, issued, as_of=as_of, rules=rules, recorded=recorded, states=states), vouched


def end_of(replayed: Replayed) -> int:
    """The second that has passed when the last entry was recorded."""
    return -(-replayed.entry(replayed.audited.checkpoint.size - 1).time_us // 1_000_000)
