"""Checkpoints: a log's origin, size and root as the text of a signed note (C2SP tlog-checkpoint).

    ledger.example/clearview
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

Extension lines, which the standard allows, are refused on the ledger's own checkpoints. Those of other logs
may have them: a witness cosigns the text as it is.
"""

import msgspec

from signing.encoding import decode_hash, encode_base64, parse_decimal
from signing.errors import FormatError, ProofError
from signing.keys import Signer, VerifierKey
from signing.note import Note, parse_note, sign_note, verify_note


class Checkpoint(msgspec.Struct, frozen=True):
    """A tree head: which log, how many leaves, which root. Nobody has signed it yet."""

    origin: str
    size: int
    root: bytes


def parse_checkpoint(text: str) -> Checkpoint:
    """Parse a checkpoint's text, accepting only what `format_checkpoint` writes: no extension lines."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] != "":
        raise FormatError("checkpoint is not the three lines origin, size and root")
    # An origin is opaque to the standard; that it names our key is checked where the key is known.
    if not lines[0].isprintable() or lines[0] == "":
        raise FormatError(f"checkpoint origin {lines[0]!r} is empty or has control characters")
    size = parse_decimal(lines[1], what="checkpoint size")
    return Checkpoint(lines[0], size, decode_hash(lines[2], "checkpoint root"))


def read_foreign_checkpoint(text: str) -> Checkpoint:
    """The tree head in any log's checkpoint; extension lines are opaque, and left out."""
    head, extensions = text.split("\n")[:3], text.split("\n")[3:]
    # The last line ends in a newline, so an empty one stands behind it, and nowhere else.
    if not extensions or extensions[-1] != "" or "" in extensions[:-1]:
        raise FormatError("checkpoint is not origin, size, root and perhaps lines of extensions, none empty")
    return parse_checkpoint("\n".join([*head, ""]))


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Write a checkpoint's text."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{encode_base64(checkpoint.root)}\n"


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> Note:
    """Sign a checkpoint with its log's key. The caller has made the tree durable first."""
    if signer.verifier.name != checkpoint.origin:
        raise FormatError(f"key {signer.verifier.name!r} does not sign checkpoints of {checkpoint.origin!r}")
    return sign_note(format_checkpoint(checkpoint), signer)


def open_checkpoint(raw: bytes, key: VerifierKey) -> tuple[Checkpoint, Note]:
    """Parse a signed checkpoint and return it only if the log with this key signed it."""
    note = parse_note(raw)
    return verify_checkpoint(note, key), note


def verify_checkpoint(note: Note, key: VerifierKey) -> Checkpoint:
    """Return a note's checkpoint only if the log with this key signed it."""
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != key.name:
        raise ProofError(f"checkpoint is of {checkpoint.origin!r}, not of the log {key.name!r}")
    verify_note(note, key)
    return checkpoint
