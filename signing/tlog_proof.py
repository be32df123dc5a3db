"""Proofs that carry all they need: index, inclusion proof and signed checkpoint (C2SP tlog-proof).

    c2sp.org/tlog-proof@v1
    index 7
    <base64 hash, from the leaf's sibling up>
    <empty line>
    <signed checkpoint>

A receipt is one of these, and so is the proof of an event under its poster's signature.
"""

from typing import Final

import msgspec

from signing.checkpoint import Checkpoint, verify_checkpoint
from signing.encoding import decode_base64, decode_hash, encode_base64, parse_decimal
from signing.errors import FormatError
from signing.keys import VerifierKey
from signing.merkle import verify_inclusion
from signing.note import Note, format_note, parse_note

MAX_HASHES: Final = 63
_MAGIC: Final = "c2sp.org/tlog-proof@v1"


class TlogProof(msgspec.Struct, frozen=True):
    """An unverified proof that some leaf stands at `index` of the tree that `checkpoint` signs."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes | None = None


def parse_proof(raw: bytes) -> TlogProof:
    """Parse a proof, accepting only the exact bytes `format_proof` writes."""
    head, separator, note = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError(f"proof is not ASCII before its checkpoint: {error}") from error
    if not separator or lines.pop(0) != _MAGIC:
        raise FormatError(f"proof is not {_MAGIC!r}, an index, hashes, an empty line and a checkpoint")
    extra = _extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise FormatError("proof has no line 'index <number>' where it belongs")
    index = parse_decimal(lines.pop(0).removeprefix("index "), what="proof index")
    if len(lines) > MAX_HASHES:
        raise FormatError(f"proof has {len(lines)} hashes: at most {MAX_HASHES}")
    hashes = tuple(decode_hash(line, f"proof hash {number}") for number, line in enumerate(lines))
    return TlogProof(index, hashes, parse_note(note), extra)


def format_proof(proof: TlogProof) -> bytes:
    """Write a proof."""
    lines = [_MAGIC]
    if proof.extra is not None:
        if proof.extra == b"":
            raise FormatError("a proof's extra data is left out, not empty")
        lines.append(f"extra {encode_base64(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines.extend(map(encode_base64, proof.hashes))
    return "\n".join(lines).encode() + b"\n\n" + format_note(proof.checkpoint)


def verify_proof(proof: TlogProof, leaf: bytes, log_key: VerifierKey) -> Checkpoint:
    """Return the log's checkpoint only if it signed it and the leaf hash stands at the index in its tree."""
    checkpoint = verify_checkpoint(proof.checkpoint, log_key)
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return checkpoint


def _extra(line: str) -> bytes:
    extra = decode_base64(line.removeprefix("extra "), "proof extra data")
    if extra == b"":
        raise FormatError("a proof's extra data is left out, not empty")
    return extra
