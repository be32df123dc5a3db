"""Canonical JSON: RFC 8785 for the values that events may have.

    {"a":1,"b":["x",true,null]}

Strings are ASCII without quote, backslash or control characters, numbers integers within ±(2^53−1). Within
these bounds keys sort bytewise, nothing is ever escaped, and one value has one text.
"""

import json
from typing import Final, TypeAlias

import msgspec

from signing.errors import FormatError

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 32

_encoder: Final = msgspec.json.Encoder(order="sorted")
_decoder: Final = msgspec.json.Decoder()
_ALLOWED: Final = bytes(code for code in range(0x20, 0x7F) if code != ord("\\"))

_Path: TypeAlias = "tuple[()] | tuple[_Path, str | int]"
"""Where a value stands: the path of its parent, and its key or position there."""


def canonicalise(value: object) -> bytes:
    """Write a value of dicts, lists, strings, integers, booleans and None."""
    _check_values(value)
    try:
        raw = _encoder.encode(value)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise FormatError(f"not to be written as JSON: {error}") from error
    _check_characters(raw)
    return raw


def parse_canonical(raw: bytes) -> object:
    """Parse canonical JSON, accepting only the exact bytes `canonicalise` writes."""
    _check_characters(raw)
    try:
        value: object = _decoder.decode(raw)
        # Integers only, before anything is compared: a float has many spellings.
        _check_values(value)
        canonical = _encoder.encode(value)
    except FormatError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}") from error
    if canonical != raw:
        raise FormatError(explain_difference(raw, canonical))
    return value


def explain_difference(raw: bytes, canonical: bytes) -> str:
    """Say why JSON that was read is not the canonical text of its value."""
    try:
        json.loads(raw, object_pairs_hook=_refuse_duplicates)
    except (ValueError, RecursionError) as error:
        return str(error)
    pairs = zip(raw, canonical, strict=False)
    at = next(
        (at for at, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(raw), len(canonical))
    )
    found, wanted = raw[at : at + 20].decode(), canonical[at : at + 20].decode()
    return f"not canonical at byte {at}: {found!r} is written {wanted!r} (no spaces, keys sorted, RFC 8785)"


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise FormatError(f"duplicate key {key!r}")
        found[key] = value
    return found


def _check_characters(raw: bytes) -> None:
    # Whatever must be escaped in JSON shows as a backslash in its text.
    forbidden = raw.translate(None, _ALLOWED)
    if not forbidden:
        return
    at = raw.index(forbidden[:1])
    if forbidden[:1] == b"\\":
        raise FormatError(f"backslash at byte {at}: strings hold no quotes, backslashes or controls")
    raise FormatError(f"byte 0x{forbidden[:1].hex()} at {at}: only printable ASCII, and no line breaks")


def _check_values(value: object) -> None:
    """Refuse floats, great integers, depth and foreign types, naming the place."""
    waiting: list[tuple[object, _Path]] = [(value, ())]
    while waiting:
        item, path = waiting.pop()
        if item is None or isinstance(item, str | bool):
            continue
        if isinstance(item, dict):
            waiting.extend((child, (path, key)) for key, child in item.items())
        elif isinstance(item, list | tuple):
            waiting.extend((child, (path, n)) for n, child in enumerate(item) if type(child) is not str)
        else:
            _check_integer(item, path)
        _check_depth(path)


def _check_integer(item: object, path: "_Path") -> None:
    if not isinstance(item, int):
        raise FormatError(f"{_place(path)} is a {type(item).__name__}: numbers are integers")
    if abs(item) > MAX_INTEGER:
        raise FormatError(f"{_place(path)} is greater than an integer of ±(2^53−1)")


def _check_depth(path: "_Path") -> None:
    depth = 0
    while path:
        path, depth = path[0], depth + 1
    if depth > MAX_DEPTH:
        raise FormatError(f"nested deeper than {MAX_DEPTH} levels")


def _place(path: "_Path") -> str:
    """Write a path only once it is needed: a long key over a long list costs its product otherwise."""
    parts = []
    while path:
        path, key = path
        parts.append(f"[{key}]" if isinstance(key, int) else f".{key[:40]}")
    return "$" + "".join(reversed(parts))
