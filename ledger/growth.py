"""Growth: whether what a log shows now continues what it signed before. Needs PyNaCl and msgspec alone.

There are four answers: it does; it forked, which is proved to anybody; it shows less than before; or what it
hands out proves nothing, and then the newer checkpoint counts for nothing.
"""

from typing import Final, NamedTuple

from ledger.failure import Failure
from projections.runners.tiles import TileReader
from signing.checkpoint import Checkpoint, open_checkpoint
from signing.errors import FormatError, ProofError
from signing.fork import Fork
from signing.keys import VerifierKey
from signing.merkle import EMPTY_ROOT, prefix_root
from signing.note import MAX_SIGNATURES, Note, format_note, signatures_of
from signing.tiles import prefix_from_tiles, tiles_for_prefix

MAX_NOTE_BYTES: Final = 64 * 1024
"""What is kept of a checkpoint with the lines of many witnesses."""


class Signed(NamedTuple):
    """A checkpoint that the log signed, and the note that says so."""

    checkpoint: Checkpoint
    note: Note

    @property
    def raw(self) -> bytes:
        """The note as it is written."""
        return format_note(self.note)

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        return self.checkpoint.size


class Refuted(Failure, ProofError):
    """What the log shows can't stand beside what it signed before. The message says where both are kept."""


def open_signed(raw: bytes, key: VerifierKey) -> Signed:
    """Read a checkpoint that the log with this key signed. ProofError, FormatError when it didn't."""
    checkpoint, note = open_checkpoint(raw, key)
    if len(raw) > MAX_NOTE_BYTES:
        # Strangers' lines of any length: two notes must fit into a file of evidence.
        note = Note(note.text, signatures_of(note, key)[:1])
    signed = Signed(checkpoint, note)
    if signed.size == 0 and signed.checkpoint.root != EMPTY_ROOT:
        raise ProofError("the root of size 0 is the hash of nothing")
    return signed


def find_fork(tiles: TileReader, older: Signed, newer: Signed) -> Fork | None:
    """None when the newer tree continues the older one, else the proof that it does not.

    `tiles` are those of the newer tree, unbelieved: ProofError when they prove neither. No size is smaller
    than the older's.
    """
    if older.size == newer.size:
        same = older.checkpoint.root == newer.checkpoint.root
        return None if same else Fork(older.note, newer.note, ())
    if older.size == 0:
        return None
    try:
        found = {tile: tiles.read(tile) for tile in tiles_for_prefix(older.size, newer.size)}
    except FormatError as error:
        raise ProofError(str(error)) from error
    path = prefix_from_tiles(older.size, newer.size, found)
    root = prefix_root(older.size, newer.size, path, newer.checkpoint.root)
    return None if root == older.checkpoint.root else Fork(older.note, newer.note, tuple(path))


def join_signatures(note: Note, more: Note) -> Note:
    """A note with what another of the same text adds. Nobody has verified cosignatures here."""
    assert note.text == more.text
    new = tuple(line for line in more.signatures if line not in note.signatures)
    return Note(note.text, (note.signatures + new)[:MAX_SIGNATURES])
