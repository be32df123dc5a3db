"""Why a line is not an event: the best reason there is, once the fast path has said no.

Nothing here decides: `decode_event` has refused the line, and this finds words for it. Reasons name the place
(byte, attribute or field) and the remedy.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from projections.vocabulary import MAX_HANDLES, FieldError
from signing.canonical import parse_canonical
from signing.errors import FormatError, TooLargeError
from signing.submission import MAX_EVENT_BYTES

MAX_ECHO: Final = 80

_UNKNOWN_FIELD: Final = re.compile(r"Object contains unknown field `(.*)`")
_MISSING_FIELD: Final = re.compile(r"Object missing required field `(.*)`")
_WRONG_WORD: Final = re.compile(r"Invalid enum value '(.*)'")
_PATTERN: Final = re.compile(r"Expected `str` matching regex '(.*)'")
_LENGTH: Final = re.compile(r"Expected `array` of length (>=|<=) (\d+)")


class EventError(FormatError):
    """Not an event. `field` is the path of the attribute or field at fault, where one is."""

    def __init__(self, problem: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = problem


def diagnose(line: bytes, decoders: Mapping[bytes, msgspec.json.Decoder[Any]]) -> FormatError:
    """The reason why `line` is no event of the types in `decoders`."""
    if len(line) > MAX_EVENT_BYTES:
        size = f"{len(line):,} bytes, and {MAX_EVENT_BYTES:,} are the most"
        return TooLargeError(f"the event has {size}: spread its records over several events")
    try:
        value = parse_canonical(line)
    except FormatError as error:
        return EventError(str(error))
    if not isinstance(value, dict):
        return EventError("an event is a JSON object")
    name = value.get("type")
    if not isinstance(name, str):
        return EventError("missing: say which event this is; `writ events` lists the types", "type")
    decoder = decoders.get(name.encode())
    if decoder is None:
        hint = _closest(name, (known.decode() for known in decoders))
        return EventError(f"{_short(name)} is no type of event{hint}; `writ events` lists the types", "type")
    try:
        event = decoder.decode(line)
    except msgspec.ValidationError as error:
        return _explain(error, value)
    # Canonical, and of the right shape: then a field that has a default was left out.
    written = msgspec.json.decode(msgspec.json.encode(event))
    return EventError(
        "missing: a default is written out, so that an event has one form", _left_out(value, written)
    )


def _explain(error: msgspec.ValidationError, value: Any) -> EventError:
    """Put a decoder's complaint into words, with the field's path in dots as in `data.records[3]`."""
    text, _, place = str(error).partition(" - at `$")
    path = place.rstrip("`").removeprefix(".")
    if isinstance(error.__cause__, FieldError):
        return EventError(error.__cause__.problem, _join(path, error.__cause__.field))
    if match := _UNKNOWN_FIELD.fullmatch(text):
        return EventError(
            "unknown: take it out; `writ events` shows what this type carries", _join(path, match[1])
        )
    if match := _MISSING_FIELD.fullmatch(text):
        return EventError("missing: `writ events` shows what this type carries", _join(path, match[1]))
    if match := _WRONG_WORD.fullmatch(text):
        return EventError(f"{_short(match[1])} is not in the vocabulary; `writ events TYPE` lists it", path)
    if match := _PATTERN.fullmatch(text):
        return EventError(f"does not match {match[1]}", path)
    if match := _LENGTH.fullmatch(text):
        return EventError(_length_problem(value, path, match[1], match[2]), path)
    return EventError(text[:1].lower() + text[1:], path or None)


def _left_out(value: Any, written: Any, path: str = "") -> str | None:
    """The path of the first field that is in `written` and not in `value`."""
    if isinstance(written, dict):
        pairs = [(_join(path, name), name) for name in written]
        missing = next((place for place, name in pairs if name not in value), None)
        return missing or _first(_left_out(value[name], written[name], place) for place, name in pairs)
    if isinstance(written, list):
        return _first(_left_out(value[n], item, f"{path}[{n}]") for n, item in enumerate(written))
    return None


def _first(places: Iterable[str | None]) -> str | None:
    return next(filter(None, places), None)


def _length_problem(value: Any, path: str, relation: str, limit: str) -> str:
    if relation == ">=":
        return f"is empty: give at least {limit}"
    found = value
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    count = f"{len(found):,} items" if isinstance(found, list) else "too many items"
    remedy = "spread them over several events" if int(limit) == MAX_HANDLES else "give fewer"
    return f"{count}, and {int(limit):,} are the most: {remedy}"


def _short(text: str) -> str:
    """Enough of somebody's text to find it by: an answer never echoes 48 KiB."""
    return text if len(text) <= MAX_ECHO else f"{text[:MAX_ECHO]}…"


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _closest(word: str, words: Iterable[str]) -> str:
    matches = get_close_matches(word, list(words), n=1)
    return f": did you mean {matches[0]}?" if matches else ""
