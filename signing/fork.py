"""Fork: two signed checkpoints of one log that can't both be true, as a file that convinces anybody.

    writ/fork/v1
    <base64 hash of the path, one a line>
    <empty line>
    <the checkpoint of the smaller size, a signed note>
    <empty line>
    <the checkpoint of the greater size, a signed note>

The path leads from the greater tree's root down to what its first leaves give (`prefix_root`). That is
another root than the log signed for them. Of two checkpoints of one size no path is needed.
"""

from typing import Final

import msgspec

from signing.checkpoint import Checkpoint, verify_checkpoint
from signing.encoding import decode_hash, encode_base64
from signing.errors import FormatError, ProofError
from signing.keys import VerifierKey
from signing.merkle import prefix_root
from signing.note import Note, format_note, parse_note

MAX_FORK_BYTES: Final = 256 * 1024

_HEADER: Final = "writ/fork/v1"
_MAX_PATH: Final = 64
_PARTS: Final = 5


class Fork(msgspec.Struct, frozen=True):
    """Two checkpoints and the path between them: unverified."""

    older: Note
    newer: Note
    path: tuple[bytes, ...]


def parse_fork(raw: bytes) -> Fork:
    """Parse the evidence of a fork, accepting only what `format_fork` writes."""
    if len(raw) > MAX_FORK_BYTES:
        raise FormatError(f"evidence of a fork has at most {MAX_FORK_BYTES} bytes")
    head, *notes = raw.split(b"\n\n")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError(f"evidence is not ASCII before its checkpoints: {error}") from error
    if header != _HEADER or len(notes) != _PARTS - 1:
        raise FormatError(f"evidence is not {_HEADER!r}, a path and two checkpoints, apart by empty lines")
    if len(lines) > _MAX_PATH:
        raise FormatError(f"the path has {len(lines)} hashes: at most {_MAX_PATH}")
    path = tuple(decode_hash(line, f"path line {number}") for number, line in enumerate(lines, 1))
    older = parse_note(notes[0] + b"\n\n" + notes[1] + b"\n")
    fork = Fork(older, parse_note(notes[2] + b"\n\n" + notes[3]), path)
    if format_fork(fork) != raw:
        raise FormatError("evidence is not written as it should be")
    return fork


def format_fork(fork: Fork) -> bytes:
    """Write the evidence of a fork."""
    head = "\n".join([_HEADER, *map(encode_base64, fork.path)])
    return head.encode() + b"\n\n" + format_note(fork.older) + b"\n" + format_note(fork.newer)


def verify_fork(fork: Fork, key: VerifierKey) -> tuple[Checkpoint, Checkpoint]:
    """Return the two checkpoints only if the log with this key signed both and they can't both be true."""
    older, newer = verify_checkpoint(fork.older, key), verify_checkpoint(fork.newer, key)
    if older.size > newer.size:
        raise ProofError("the checkpoints are in the wrong order: the smaller size comes first")
    if older.size == newer.size:
        if fork.path:
            raise ProofError("two checkpoints of one size take no path")
        proved = newer.root
    else:
        proved = prefix_root(older.size, newer.size, fork.path, newer.root)
    if proved == older.root:
        raise ProofError(f"no fork: the tree of {newer.size} leaves continues that of {older.size}")
    return older, newer
