"""The JSON Schema of every event, and the reference page drawn from them."""

import inspect
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from projections.events import EVENT_TYPES, Event, encode_event
from projections.examples import EXAMPLES
from projections.roles import ROLES
from projections.vocabulary import CATEGORIES, COUNTRIES, Data

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_LONG_LISTS: Final = {COUNTRIES: "country, ISO 3166-1 alpha-2", CATEGORIES: "category of data"}
_BAR: Final = "\\|"
# Types stand by subject, one module each.
_CHAPTERS: Final = {
    "events_log": "The log, its posters and stores",
    "events_data": "Records and their erasure",
    "events_sharing": "Recipients, backups and services",
    "events_subject": "Data subjects' rights",
    "events_order": "Orders",
    "events_proof": "What speaks for it",
    "events_evidence": "Evidence outside the ledger",
}

_INTRODUCTION: Final = """\
# Events

    {example}

An event is CloudEvents 1.0 in structured JSON, on one line. It is *canonical*: RFC 8785, so keys are sorted
and there is no white space. A line MUST be the exact bytes that encoding its value again gives.

- A line is at most 49,152 bytes, without its newline.
- Strings are ASCII without quote, backslash or control characters, and each has a pattern: it is a handle, a
  word of a closed list, or a registered id. There is no free text.
- Numbers are integers within ±(2^53−1).
- An event names 1 to 1,000 handles in all. Lists that are sets are sorted bytewise, without repeats.
- Attributes and fields that are not listed here are refused.
- A field in [brackets] may be left out. Every other field is written, even where a reader could guess it.
- Times are UTC. A leap second, or a day that the calendar lacks, is refused.

This page is drawn from the code; `writ events TYPE --schema` prints a type's JSON Schema. What a schema can't
say (order, pairs, one field or the other) stands in the text beside it.

## What the log checks

- The poster's role may post the type, as listed with it. An event that comes through the gateway is posted in
  the role of the token that its `source` names.
- `data.controller` is the log's controller, in every event: a controller's logs are added up, never mixed.
- Names of keys, tokens and the log's origin are one space. No name is a path prefix of another; the log's own
  `<origin>/operator` and `<origin>/gateway` are the exceptions. A key may be registered under a name in use
  only in that name's role (rotation by overlap). No key is registered twice, nor is the log's own.
- Operators and gateways are registered only under those two names. The last administrator's key can't be
  revoked. A revocation may be repeated only to date a compromise earlier.
- A store's id is used once. Its `operator_key` names a key or token of a controller, processor or recipient
  that is valid by then: a name that nobody holds could later be given to anybody, who would then erase there.
- An order, issued or varied: its id begins with the name of the authority's key that posts it; it lists the
  log's controller, and names the log's key in `trust`.

All else is let in as it is said. Whose word counts, for which order and from when, is judged by who reads it.

## What is checked of codes

A word that is not in its closed list is refused. So is a country that is not in ISO 3166-1 alpha-2. The UK is
`GB`; Guernsey (`GG`), the Isle of Man (`IM`) and Jersey (`JE`) are not. Of a subdivision, as `GB-SCT`, the
form and the country before the hyphen are checked, and *not* whether ISO 3166-2 has it: that list changes
every year, and a verifier with another year's list would call a stored line no event. A currency has the form
of ISO 4217, and is not looked up either.

## Versions

The number at the end of a type is its version. A published type never changes, neither in its fields nor in
its words, for lines of it stand in logs, signed. What it lacks comes as a new type with the next number. The
older one may still be posted, by whom it says below, and is read as the newer, by a function beside the table
of types (`UPCASTERS`): a projection knows the newest alone.

## Dates in orders

A date begins with its first second and, as a deadline, ends with its last, both in UTC: an order that is
effective on 18 May 2022 is in force from 00:00:00 that day, and one to be carried out within three months of
15 June is in time until 23:59:59 on 15 September. Months clip to the month's end (31 January and `P1M`: 28 or
29 February). Years and months are added first, then weeks and days, then hours, minutes and seconds.
"""


def json_schema(event_type: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one type of event. What it refuses, the decoder refuses too."""
    data = EVENT_TYPES[event_type]
    schema = msgspec.json.schema(Event[data])  # type: ignore[valid-type]
    definitions: dict[str, Any] = schema["$defs"]
    envelope = definitions.pop(schema["$ref"].rpartition("/")[2])
    envelope["properties"]["type"] = {"const": event_type}
    envelope["title"] = event_type
    for definition in (envelope, *definitions.values()):
        _require_defaults(definition)
    return {"$schema": _DIALECT, "$id": f"urn:writ:event:{event_type}", **envelope, "$defs": definitions}


def chapters() -> dict[str, list[str]]:
    """The types of events by subject."""
    by_subject: dict[str, list[str]] = {title: [] for title in _CHAPTERS.values()}
    for event_type, data in EVENT_TYPES.items():
        by_subject[_CHAPTERS[data.__module__.rpartition(".")[2]]].append(event_type)
    return by_subject


def summary(data: type[Data]) -> str:
    """What a type of event says, in a line."""
    return inspect.cleandoc(data.__doc__ or "").partition("\n")[0]


def fields(event_type: str) -> dict[str, list[tuple[str, str]]]:
    """What a type's `data` carries, and then what its parts do: each field's name, and what it may hold."""
    definitions = json_schema(event_type)["$defs"]
    own = EVENT_TYPES[event_type].__name__
    return {name: list(_rows(definitions[name])) for name in sorted(definitions, key=lambda one: one != own)}


def render_reference() -> str:
    """The reference page of all events, in Markdown."""
    schemas = {event_type: json_schema(event_type) for event_type in EVENT_TYPES}
    first = next(iter(schemas.values()))
    parts = [_INTRODUCTION.format(example=encode_event(EXAMPLES["writ.store.retired.v1"]).decode())]
    parts.append(_render_envelope(first))
    parts.append(_render_contents())
    structs: dict[str, Any] = {}
    for event_type, schema in schemas.items():
        structs.update(schema["$defs"])
        parts.extend(_render_event(event_type, structs.pop(EVENT_TYPES[event_type].__name__)))
    parts.append("## Parts\n")
    parts.extend(
        f"### {name}\n\n{struct['description']}\n\n{_table(struct)}" for name, struct in structs.items()
    )
    parts.append("## Strings\n\n| string | pattern |\n|---|---|")
    patterns = {text: pattern for schema in schemas.values() for text, pattern in _patterns(schema)}
    parts.extend(f"| {text} | `{pattern.replace('|', _BAR)}` |" for text, pattern in sorted(patterns.items()))
    parts.append(f"\nCountries: {_words(COUNTRIES)}\n")
    parts.append(f"Categories, those of fideslang 3.1; one covers those below it: {_words(CATEGORIES)}\n")
    return "\n".join(parts)


def _patterns(schema: Any) -> Iterator[tuple[str, str]]:
    """Every kind of string in a schema, by its description."""
    if isinstance(schema, dict):
        if "pattern" in schema:
            yield schema["description"], schema["pattern"]
        for item in schema.values():
            yield from _patterns(item)


def _require_defaults(definition: dict[str, Any]) -> None:
    """Mark fields with a default as required: on the wire nothing is implied."""
    properties = definition["properties"]
    written = {name for name, field in properties.items() if field.pop("default", None) is not None}
    definition["required"] = sorted(written.union(definition.get("required", ())))
    definition["description"] = inspect.cleandoc(definition["description"])


def _render_envelope(schema: dict[str, Any]) -> str:
    shown = {**schema, "properties": {**schema["properties"]}}
    shown["properties"]["data"] = {"description": "what the type says, below"}
    shown["properties"]["type"] = {"description": "one of the types below"}
    return f"## Attributes\n\n{schema['description']}\n\n{_table(shown)}"


def _render_contents() -> str:
    lines = ["## Types\n"]
    for title, event_types in chapters().items():
        lines += [f"{title}:\n", "| type | what it says | posted by |", "|---|---|---|"]
        lines += [
            f"| [{name}](#{name.replace('.', '')}) | {summary(EVENT_TYPES[name])} | {_posters(name)} |"
            for name in event_types
        ]
        lines.append("")
    return "\n".join(lines)


def _render_event(event_type: str, data: dict[str, Any]) -> Iterator[str]:
    yield f"## {event_type}\n"
    yield f"{data['description']}\n"
    yield f"Posted by: {_posters(event_type)}.\n"
    yield _table(data)
    yield f"    {encode_event(EXAMPLES[event_type]).decode()}\n"


def _posters(event_type: str) -> str:
    return ", ".join(sorted(ROLES[event_type]))


def _table(struct: dict[str, Any]) -> str:
    rows = ["| field | value |", "|---|---|"]
    rows += [f"| {name} | {value} |" for name, value in _rows(struct)]
    return "\n".join(rows) + "\n"


def _rows(struct: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in struct["properties"].items():
        yield f"`{name}`" if name in struct["required"] else f"[`{name}`]", _describe(field)


def _describe(field: dict[str, Any]) -> str:
    """What may stand in a field, in a few words."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in field:
        words = frozenset(field["enum"])
        return _LONG_LISTS.get(words) or _words(words)
    if field.get("type") == "array":
        items = field.get("description") or f"sorted list of: {_describe(field['items'])}"
        return f"{items} ({field.get('minItems', 0):,} to {field['maxItems']:,})"
    if field.get("type") == "integer":
        return f"integer, {field['minimum']:,} to {field['maximum']:,}"
    return "`true` or `false`" if field.get("type") == "boolean" else str(field["description"])


def _words(words: Iterable[str]) -> str:
    return " · ".join(f"`{word}`" for word in sorted(words))
