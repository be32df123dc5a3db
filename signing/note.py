"""Signed notes: a text and the signatures of one or more keys over it (C2SP signed-note).

    This is an example message.
    <empty line>
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj…

The text is everything before the last empty line, its final newline included.
"""

from typing import Final

import msgspec

from signing.encoding import decode_base64, encode_base64
from signing.errors import FormatError, ProofError
from signing.keys import ED25519, Signer, VerifierKey, is_note_key_name, verify_signature

MAX_SIGNATURES: Final = 100
"""More than any quorum needs (the standard asks for at least 16), few enough to verify."""

_KEY_ID_BYTES: Final = 4
_DASH: Final = "— "


class NoteSignature(msgspec.Struct, frozen=True):
    """One signature line: unverified until a key says so."""

    name: str
    key_id: bytes
    signature: bytes


class Note(msgspec.Struct, frozen=True):
    """A text that ends in a newline, and its signature lines in order: unverified."""

    text: str
    signatures: tuple[NoteSignature, ...]


def parse_note(raw: bytes) -> Note:
    """Parse a note, accepting only the exact bytes `format_note` writes."""
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"note is not UTF-8: {error}") from error
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise FormatError("note is not a text, an empty line and signature lines, each ending in a newline")
    _check_text(text)
    signature_lines = lines[:-1].split("\n")
    if len(signature_lines) > MAX_SIGNATURES:
        raise FormatError(f"note has {len(signature_lines)} signatures: at most {MAX_SIGNATURES}")
    return Note(text + "\n", tuple(map(parse_signature_line, signature_lines)))


def format_note(note: Note) -> bytes:
    """Write a note."""
    # Some implementations sign a text without its newline; what they make, nobody else can read.
    if not note.text.endswith("\n") or not note.signatures:
        raise FormatError("a note's text ends in a newline, and somebody has signed it")
    return (note.text + "\n" + "".join(map(format_signature_line, note.signatures))).encode()


def parse_signature_line(line: str) -> NoteSignature:
    """Parse one signature line, given without its newline."""
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2 or not is_note_key_name(parts[0]):
        raise FormatError(f"signature line {line[:80]!r} is not an em dash, a key name and base64")
    raw = decode_base64(parts[1], f"signature of {parts[0]!r}")
    if len(raw) <= _KEY_ID_BYTES:
        raise FormatError(f"signature of {parts[0]!r} is not a key id of 4 bytes and a signature")
    return NoteSignature(parts[0], raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def format_signature_line(signature: NoteSignature) -> str:
    """Write one signature line with its newline, as a witness answers."""
    return f"{_DASH}{signature.name} {encode_base64(signature.key_id + signature.signature)}\n"


def sign_note(text: str, *signers: Signer) -> Note:
    """Sign a text with each key in turn."""
    return Note(text, tuple(_sign(text, signer) for signer in signers))


def add_signatures(note: Note, *signatures: NoteSignature) -> Note:
    """Append signatures, leaving out those which the note already has."""
    new = tuple(signature for signature in signatures if signature not in note.signatures)
    return Note(note.text, note.signatures + new)


def verify_note(note: Note, key: VerifierKey) -> NoteSignature:
    """Return the key's signature on the note, or raise if it is absent or any of them is false."""
    if key.algorithm != ED25519:
        raise ProofError(f"key of {key.name!r} cosigns checkpoints: it signs no notes")
    mine = signatures_of(note, key)
    if not mine:
        raise ProofError(f"note is not signed by {key.name!r} with key {key.key_id.hex()}")
    for signature in mine:
        verify_signature(key, note.text.encode(), signature.signature)
    return mine[0]


def signatures_of(note: Note, key: VerifierKey) -> tuple[NoteSignature, ...]:
    """The lines that claim to be this key's: both name and key id must match, all others are unknown."""
    key_id = key.key_id
    return tuple(line for line in note.signatures if line.name == key.name and line.key_id == key_id)


def _sign(text: str, signer: Signer) -> NoteSignature:
    key = signer.verifier
    if key.algorithm != ED25519:
        raise FormatError(f"key of {key.name!r} cosigns checkpoints: it signs no notes")
    return NoteSignature(key.name, key.key_id, signer.sign(text.encode()))


def _check_text(text: str) -> None:
    control = next((character for character in text if character < " " and character != "\n"), None)
    if control is not None:
        raise FormatError(f"note has the control character {control!r}: newline alone is allowed")
