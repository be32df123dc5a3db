"""Handles: the keyed, opaque names under which records appear in the ledger.

    HMAC-SHA-256(key, "writ/handle/v1\\n" ‖ namespace ‖ "\\n" ‖ native id), its first 16 bytes in hex

Who has the key can blind native ids again and compare; who has not learns nothing from a handle.
"""

import hmac
import json
import re
from hashlib import sha256
from typing import Final

from signing.canonical import MAX_INTEGER
from signing.errors import FormatError

KEY_BYTES: Final = 32
NativeId = str | int | list[str | int]

_NAMESPACE: Final = re.compile("[a-z0-9][a-z0-9._-]{0,63}")
_HANDLE: Final = re.compile("[0-9a-f]{32}")


def handle(key: bytes, namespace: str, native_id: NativeId) -> str:
    """Blind a store's native id; equal ids of two namespaces get different handles."""
    _check_key(key)
    if not _NAMESPACE.fullmatch(namespace):
        raise FormatError(f"namespace {namespace!r} does not match {_NAMESPACE.pattern}")
    try:
        message = f"writ/handle/v1\n{namespace}\n{native_text(native_id)}".encode()
    except UnicodeEncodeError as error:
        raise FormatError(f"native id is not Unicode text: {error}") from error
    return hmac.digest(key, message, "sha256")[:16].hex()


def is_handle(text: str) -> bool:
    """Whether this has the form of a handle: a lint, since form does not make it opaque."""
    return _HANDLE.fullmatch(text) is not None


def native_text(native_id: NativeId) -> str:
    """Write a native id as it is blinded: text as is, integers in decimal, composites as a JSON array."""
    if isinstance(native_id, str):
        return native_id
    if isinstance(native_id, list):
        for part in native_id:
            if not isinstance(part, str):
                _check_integer(part)
        # RFC 8785 and Python agree on how strings and integers are written, non-ASCII text included.
        return json.dumps(native_id, ensure_ascii=False, separators=(",", ":"))
    _check_integer(native_id)
    return str(native_id)


def blinding_commitment(key: bytes) -> bytes:
    """Commit to a blinding key: whoever is handed the key later can tell that it is the one."""
    _check_key(key)
    return sha256(b"writ/blind/v1\n" + key).digest()


def _check_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise FormatError(f"blinding key has {len(key)} bytes, not {KEY_BYTES}")


def _check_integer(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FormatError(f"native id {value!r} is neither text nor an integer")
    # JSON readers disagree about greater numbers: write them as text.
    if abs(value) > MAX_INTEGER:
        raise FormatError(f"native id {value} lies outside of ±(2^53−1): give it as text")
