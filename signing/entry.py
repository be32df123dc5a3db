"""Entries: what stands in the ledger, one header line and the exact bytes that were posted.

    event 42 1767225600123456 <base64 leaf hash of entry 41>
    {"data":…}

The previous leaf hash chains the entries with the same hash that puts them into the tree.
"""

from binascii import b2a_base64
from typing import Final, Literal

import msgspec

from signing.encoding import HASH_SIZE, decode_hash, parse_decimal
from signing.errors import FormatError, TooLargeError

MAX_ENTRY_BYTES: Final = 65_535
"""What the two-byte length of an entry bundle holds."""

NO_PREVIOUS: Final = bytes(HASH_SIZE)
"""What entry 0 names as the leaf hash before it."""

Kind = Literal["submission", "event"]


class Entry(msgspec.Struct, frozen=True):
    """One entry: a submission's signed note, or one event line without its newline."""

    kind: Kind
    index: int
    time_us: int
    previous: bytes
    body: bytes


def parse_entry(raw: bytes) -> Entry:
    """Parse an entry, accepting only the exact bytes `format_entry` writes."""
    if len(raw) > MAX_ENTRY_BYTES:
        raise TooLargeError(f"entry has {len(raw)} bytes: at most {MAX_ENTRY_BYTES}")
    header, newline, body = raw.partition(b"\n")
    try:
        parts = header.decode("ascii").split(" ")
    except UnicodeDecodeError as error:
        raise FormatError(f"entry header is not ASCII: {error}") from error
    if not newline or len(parts) != 4:
        raise FormatError("entry has no header line of kind, index, time and previous leaf hash")
    index = parse_decimal(parts[1], what="entry index")
    time_us = parse_decimal(parts[2], what="entry time")
    previous = decode_hash(parts[3], "previous leaf hash")
    return _checked(Entry(_kind(parts[0]), index, time_us, previous, body))


def format_entry(entry: Entry) -> bytes:
    """Write an entry."""
    _checked(entry)
    raw = header_bytes(entry.kind, entry.index, entry.time_us, entry.previous) + entry.body
    if len(raw) > MAX_ENTRY_BYTES:
        raise TooLargeError(f"entry has {len(raw)} bytes: at most {MAX_ENTRY_BYTES}")
    return raw


def header_bytes(kind: Kind, index: int, time_us: int, previous: bytes) -> bytes:
    """Write a header line with its newline; the caller answers for the body and the size."""
    return f"{kind} {index} {time_us} ".encode() + b2a_base64(previous)


def header_of(entry: bytes) -> bytes:
    """The header line of an entry, its newline included: what makes the entry from the poster's own note."""
    return entry[: entry.index(b"\n") + 1]


def _kind(text: str) -> Kind:
    if text == "submission":
        return "submission"
    if text == "event":
        return "event"
    raise FormatError(f"entry kind {text[:40]!r} is neither 'submission' nor 'event'")


def _checked(entry: Entry) -> Entry:
    if entry.body == b"":
        raise FormatError(f"entry {entry.index} has no body")
    if entry.kind == "event" and b"\n" in entry.body:
        raise FormatError(f"event entry {entry.index} has more than one line")
    if entry.index == 0 and entry.previous != NO_PREVIOUS:
        raise FormatError("entry 0 names a leaf hash before it: it begins the log")
    return entry
