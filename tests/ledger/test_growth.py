"""What a log's next checkpoint is to its last, where the whole runs of a mirror do not reach."""

import pytest

from ledger.growth import MAX_NOTE_BYTES, join_signatures, open_signed
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.errors import ProofError
from signing.note import MAX_SIGNATURES, Note, NoteSignature, format_note, parse_note
from tests.ledger.static_log import KEY, StaticLog

LOG = StaticLog(3)


def lines(count: int, size_bytes: int = 76) -> tuple[NoteSignature, ...]:
    return tuple(NoteSignature(f"w{number}", bytes(4), bytes(size_bytes)) for number in range(count))


def test_strangers_lines_of_any_length_do_not_swell_what_is_kept() -> None:
    note = parse_note(LOG.checkpoint(3))
    few, long = (Note(note.text, (*lines(20, size), *note.signatures)) for size in (76, 9_000))
    assert open_signed(format_note(few), KEY.verifier).note == few
    kept = open_signed(format_note(long), KEY.verifier)
    assert kept.note == note
    assert len(kept.raw) < MAX_NOTE_BYTES


def test_the_empty_tree_has_one_root() -> None:
    raw = format_note(sign_checkpoint(Checkpoint(KEY.name, 0, bytes(32)), KEY))
    with pytest.raises(ProofError, match="size 0"):
        open_signed(raw, KEY.verifier)


def test_signatures_are_joined_and_ours_come_first() -> None:
    note = parse_note(LOG.checkpoint(3))
    more = Note(note.text, (*lines(1), *note.signatures))
    assert join_signatures(note, more).signatures == (*note.signatures, *lines(1))
    assert join_signatures(note, note) == note
    flood = join_signatures(note, Note(note.text, lines(MAX_SIGNATURES)))
    assert len(flood.signatures) == MAX_SIGNATURES
    assert flood.signatures[:1] == note.signatures
