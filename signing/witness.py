"""The rules of a witness: when to cosign a log's next checkpoint (C2SP tlog-witness, add-checkpoint).

    old 20852014
    <base64 hash of the consistency proof, one a line>
    <empty line>
    <signed checkpoint>

A witness keeps the last checkpoint that it cosigned for a log. It stores the next one, atomically with the
check of the old size, before it answers.
"""

from typing import Final

import msgspec

from signing.checkpoint import Checkpoint, read_foreign_checkpoint
from signing.encoding import decode_hash, encode_base64, parse_decimal
from signing.errors import FormatError, ProofError
from signing.keys import VerifierKey
from signing.merkle import EMPTY_ROOT, verify_consistency
from signing.note import Note, format_note, parse_note, signatures_of, verify_note

MAX_PROOF_LINES: Final = 63


class AddCheckpoint(msgspec.Struct, frozen=True):
    """A log's request for a cosignature: unverified."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note


class Watched(msgspec.Struct, frozen=True):
    """A log that a witness watches. While its key is changed there are two."""

    origin: str
    keys: tuple[VerifierKey, ...]


class Cosignable(msgspec.Struct, frozen=True):
    """The checkpoint extends what the witness cosigned last: store it, cosign `note.text`, answer 200."""

    checkpoint: Checkpoint
    note: Note
    is_refresh: bool
    """The same checkpoint was cosigned before: anybody who has it can ask for that again."""


class Refusal(msgspec.Struct, frozen=True):
    """Why not, with the status that tlog-witness lays down; 409 answers the witness's own size."""

    status: int
    reason: str
    size: int | None = None


def parse_add_checkpoint(raw: bytes) -> AddCheckpoint:
    """Parse a request body, accepting only the exact bytes `format_add_checkpoint` writes."""
    head, separator, note = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError(f"request is not ASCII before its checkpoint: {error}") from error
    if not separator or not lines[0].startswith("old "):
        raise FormatError("request is not 'old <size>', proof lines, an empty line and a checkpoint")
    old_size = parse_decimal(lines[0].removeprefix("old "), what="old size")
    if len(lines) - 1 > MAX_PROOF_LINES:
        raise FormatError(f"request has {len(lines) - 1} proof lines: at most {MAX_PROOF_LINES}")
    proof = tuple(decode_hash(line, f"proof line {number}") for number, line in enumerate(lines[1:], 1))
    return AddCheckpoint(old_size, proof, parse_note(note))


def format_add_checkpoint(request: AddCheckpoint) -> bytes:
    """Write a request body."""
    lines = [f"old {request.old_size}", *map(encode_base64, request.proof)]
    return "\n".join(lines).encode() + b"\n\n" + format_note(request.note)


def decide(last: Checkpoint | None, request: AddCheckpoint, log: Watched | None) -> Cosignable | Refusal:
    """Decide on a request, given the last checkpoint cosigned for its origin, and the log watched there."""
    try:
        checkpoint = read_foreign_checkpoint(request.note.text)
    except FormatError as error:
        return Refusal(400, str(error))
    if log is None or checkpoint.origin != log.origin:
        return Refusal(404, f"log {checkpoint.origin!r} is not one that this witness watches")
    try:
        _verify_signed(request.note, log)
    except ProofError as error:
        return Refusal(403, str(error))
    if request.old_size > checkpoint.size:
        return Refusal(400, f"old size {request.old_size} is greater than the checkpoint's {checkpoint.size}")
    known = last or Checkpoint(checkpoint.origin, 0, EMPTY_ROOT)
    if request.old_size != known.size:
        return Refusal(409, f"last checkpoint cosigned has size {known.size}", known.size)
    if 0 < known.size == checkpoint.size and known.root != checkpoint.root:
        return Refusal(422, f"another checkpoint of size {known.size} was cosigned")
    try:
        _verify_extension(known, checkpoint, request.proof)
    except ProofError as error:
        return Refusal(422, str(error))
    return Cosignable(checkpoint, request.note, is_refresh=last is not None and last.size == checkpoint.size)


def _verify_signed(note: Note, log: Watched) -> None:
    """One trusted key has signed, and no line that claims to be of a trusted key is false."""
    named = [key for key in log.keys if signatures_of(note, key)]
    for key in named or log.keys:
        verify_note(note, key)


def _verify_extension(known: Checkpoint, new: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if known.size > 0:
        verify_consistency(known.size, new.size, proof, known.root, new.root)
    elif proof:
        raise ProofError("a proof from size 0 is empty: the empty tree is a prefix of every tree")
    elif new.size == 0 and new.root != EMPTY_ROOT:
        raise ProofError("the root of size 0 is the hash of nothing")
