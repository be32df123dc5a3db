"""Text encodings with exactly one spelling for each value.

Base64 of Python skips what it does not know and `int` takes `+5`, `1_000` and `٥`. A format that is
signed must not have such twins, so every reader here accepts only what the writer next to it writes.
"""

import re
from binascii import a2b_base64, b2a_base64
from typing import Final

from signing.errors import FormatError

HASH_SIZE: Final = 32
MAX_SIZE: Final = 2**63 - 1
"""The greatest tree size, index or time: what a signed 64-bit column holds."""

_DECIMAL: Final = re.compile("0|[1-9][0-9]*", re.ASCII)


def encode_base64(raw: bytes) -> str:
    """Write standard padded base64 (RFC 4648, section 4) without line breaks."""
    return b2a_base64(raw, newline=False).decode("ascii")


def decode_base64(text: str, what: str = "value") -> bytes:
    """Read base64, accepting only the exact text that `encode_base64` writes."""
    try:
        raw = a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError as error:
        raise FormatError(f"{what} is not base64: {error}") from error
    # Left-over bits of the last character are ignored by the decoder: two texts, one value.
    if encode_base64(raw) != text:
        raise FormatError(f"{what} is not canonical base64: write {encode_base64(raw)!r}")
    return raw


def decode_hash(text: str, what: str = "hash") -> bytes:
    """Read the base64 of one SHA-256 hash."""
    raw = decode_base64(text, what)
    if len(raw) != HASH_SIZE:
        raise FormatError(f"{what} has {len(raw)} bytes: a SHA-256 hash has {HASH_SIZE}")
    return raw


def parse_decimal(text: str, maximum: int = MAX_SIZE, what: str = "number") -> int:
    """Read a non-negative decimal number without sign, leading zero or separator."""
    # The length is bounded before conversion: int() of a long text is slow.
    if len(text) > 20 or not _DECIMAL.fullmatch(text):
        raise FormatError(f"{what} {text[:40]!r} is not a decimal number without leading zeroes")
    value = int(text)
    if value > maximum:
        raise FormatError(f"{what} {value} is greater than {maximum}")
    return value
