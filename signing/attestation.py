"""Attestations: what an assessor who signed a statement did not check, signed by the same key.

    writ/attestation/v1
    ledger.example/clearview           the log
    <base64 SHA-256>                   of the statement's text
    lineage                            what was not checked, sorted, one a line; or nothing more
    store:replica-2

    — auditor.example <base64>

The statement's text is the same for everybody, so it has no room for this. An assessor who checked all that
the vocabulary names signs an attestation without further lines: then a missing one can be told from an empty
one. Format: docs/spec/statement.md.
"""

import re
from hashlib import sha256
from typing import Final

from msgspec import Struct

from signing.encoding import decode_hash, encode_base64
from signing.errors import FormatError, ProofError
from signing.keys import VerifierKey, is_valid_name
from signing.note import Note, verify_note

HEADER: Final = "writ/attestation/v1"
WORDS: Final = frozenset(
    {
        "backups",
        "blinding",
        "collectors",
        "identity",
        "lineage",
        "recipients",
        "residency",
        "stores",
        "undeclared",
    }
)
MAX_ITEMS: Final = 1_000
_STORE: Final = re.compile(r"store:[a-z0-9][a-z0-9._-]{0,63}")


class Attestation(Struct, frozen=True):
    """What its signer left unchecked of the statement whose text has this hash."""

    log: str
    statement: bytes
    unchecked: tuple[str, ...]


def parse_attestation(text: str) -> Attestation:
    """Read a note's text, accepting only what `format_attestation` writes."""
    lines = text.split("\n")
    if lines[0] != HEADER or len(lines) < 4 or lines[-1] != "":
        raise FormatError(f"not an attestation: its first line is not {HEADER!r}, or lines are missing")
    if not is_valid_name(lines[1]):
        raise FormatError(f"attestation: {lines[1][:80]!r} names no log")
    return checked(
        Attestation(lines[1], decode_hash(lines[2], "attestation's statement"), tuple(lines[3:-1]))
    )


def open_attestation(note: Note, key: VerifierKey, statement: bytes) -> Attestation:
    """What a key attests of the statement with this hash; ProofError when it is another's, or of another."""
    attestation = parse_attestation(note.text)
    if len(note.signatures) != 1:
        raise FormatError("an attestation has one signature")
    verify_note(note, key)
    if attestation.statement != statement:
        raise ProofError("an attestation of another statement")
    return attestation


def format_attestation(attestation: Attestation) -> str:
    """Write the text of a note."""
    lines = (HEADER, attestation.log, encode_base64(attestation.statement), *attestation.unchecked)
    return "".join(f"{line}\n" for line in lines)


def checked(attestation: Attestation) -> Attestation:
    """The same, if all that it names is in the vocabulary, and sorted."""
    items = attestation.unchecked
    for item in items:
        if not is_unchecked(item):
            raise FormatError(f"attestation: {item[:80]!r} is none of {', '.join(vocabulary())}")
    if len(items) > MAX_ITEMS or list(items) != sorted(set(items)):
        raise FormatError(f"attestation: it names more than {MAX_ITEMS}, one of them twice, or not sorted")
    return attestation


def is_unchecked(item: str) -> bool:
    """Whether something is what an assessor can say that he did not check."""
    return item in WORDS or _STORE.fullmatch(item) is not None


def vocabulary() -> list[str]:
    """All that can be said; ID stands for a store's."""
    return [*sorted(WORDS), "store:ID"]


def statement_hash(text: str) -> bytes:
    """SHA-256 of a statement's text: by it attestations, and the service, name the statement."""
    return sha256(text.encode()).digest()
