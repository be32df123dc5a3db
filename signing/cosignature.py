"""Cosignatures: a witness's word that it saw no fork, and when (C2SP tlog-cosignature, type 0x04).

A witness signs, over a log's checkpoint text,

    cosignature/v1
    time 1767225600
    <checkpoint text>

and its signature line carries the time, eight bytes big-endian, before the Ed25519 signature.
"""

from typing import Final

from signing.encoding import MAX_SIZE
from signing.errors import FormatError, ProofError
from signing.keys import COSIGNATURE, Signer, VerifierKey, verify_signature
from signing.note import NoteSignature

_TIME_BYTES: Final = 8


def cosign(checkpoint_text: str, signer: Signer, time_s: int) -> NoteSignature:
    """Cosign a checkpoint's text as of a time in Unix seconds."""
    key = signer.verifier
    if key.algorithm != COSIGNATURE:
        raise FormatError(f"key of {key.name!r} is not a cosignature key")
    if not 0 < time_s <= MAX_SIZE:
        raise FormatError(f"cosignature time {time_s} is not a time after 1970")
    signature = signer.sign(_message(checkpoint_text, time_s))
    return NoteSignature(key.name, key.key_id, time_s.to_bytes(_TIME_BYTES, "big") + signature)


def verify_cosignature(checkpoint_text: str, signature: NoteSignature, key: VerifierKey) -> int:
    """Return the time in Unix seconds only if the witness with this key cosigned the text then."""
    if key.algorithm != COSIGNATURE:
        raise ProofError(f"key of {key.name!r} is not a cosignature key")
    if signature.name != key.name or signature.key_id != key.key_id:
        raise ProofError(f"signature line of {signature.name!r} is not of witness {key.name!r}")
    time_s = int.from_bytes(signature.signature[:_TIME_BYTES], "big")
    # Time 0 means "no statement about time" in the standard: it cannot serve as a clock.
    if not 0 < time_s <= MAX_SIZE:
        raise ProofError(f"cosignature of {key.name!r} states no time")
    verify_signature(key, _message(checkpoint_text, time_s), signature.signature[_TIME_BYTES:])
    return time_s


def _message(checkpoint_text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{checkpoint_text}".encode()
