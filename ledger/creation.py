"""The administrator's wish for a log, as a signed note.

    writ/create-log/v1
    ledger.example/clearview             origin
    clearview                            controller
    public                               or `restricted`: who may read
    <empty line>
    — administrator <base64>

It may be sent again: a log that is there as wished for is the answer.
"""

from typing import Final

import msgspec

from ledger.problems import Refused
from signing.errors import FormatError, ProofError
from signing.keys import Signer, VerifierKey
from signing.note import format_note, parse_note, sign_note, verify_note

_MAGIC: Final = "writ/create-log/v1"
_READING: Final = {"public": True, "restricted": False}


class Creation(msgspec.Struct, frozen=True):
    """A log that the administrator wishes for."""

    origin: str
    controller: str
    public_reading: bool


def sign_creation(wish: Creation, administrator: Signer) -> bytes:
    """Write and sign a wish."""
    reading = "public" if wish.public_reading else "restricted"
    text = f"{_MAGIC}\n{wish.origin}\n{wish.controller}\n{reading}\n"
    return format_note(sign_note(text, administrator))


def open_creation(raw: bytes, administrator: VerifierKey) -> Creation | Refused:
    """Parse a wish, and return it only if this administrator signed it."""
    try:
        note = parse_note(raw)
        wish = _parse(note.text)
        verify_note(note, administrator)
    except FormatError as error:
        return Refused(problem="malformed", detail=str(error))
    except ProofError as error:
        return Refused(problem="bad-signature", detail=str(error))
    return wish


def _parse(text: str) -> Creation:
    lines = text.split("\n")
    if len(lines) != 5 or lines[0] != _MAGIC or lines[3] not in _READING:
        raise FormatError(f"the text is not {_MAGIC}, origin, controller and public or restricted")
    return Creation(lines[1], lines[2], _READING[lines[3]])
