"""The JSON Schemas against the decoder, and the reference page against the code."""

import json
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from projections.events import EVENT_TYPES, decode_event, encode_event
from projections.examples import EXAMPLES
from projections.schema import json_schema, render_reference
from signing.canonical import canonicalise
from signing.errors import FormatError

PAGE = Path(__file__).parents[2] / "docs" / "spec" / "events.md"
PUBLISHED = Path(__file__).parents[1] / "golden" / "event_types.txt"


@cache
def validator(event_type: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(event_type))


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_examples_validate(event_type: str) -> None:
    Draft202012Validator.check_schema(json_schema(event_type))
    validator(event_type).validate(json.loads(encode_event(EXAMPLES[event_type])))


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_schemas_tell_types_apart_and_are_closed(event_type: str) -> None:
    for other in EVENT_TYPES:
        example = json.loads(encode_event(EXAMPLES[other]))
        assert validator(event_type).is_valid(example) == (other == event_type)
    example = json.loads(encode_event(EXAMPLES[event_type]))
    assert not validator(event_type).is_valid(example | {"extra": "x"})
    assert not validator(event_type).is_valid(example | {"data": example["data"] | {"note_to_self": "x"}})


@settings(max_examples=300)
@given(st.sampled_from(sorted(EVENT_TYPES)), st.data())
def test_what_a_schema_refuses_the_decoder_refuses(event_type: str, data: st.DataObject) -> None:
    value = json.loads(encode_event(EXAMPLES[event_type]))
    holder, name = data.draw(st.sampled_from(list(_places(value))))
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[name]
    else:
        holder[name] = data.draw(
            st.sampled_from([None, True, 0, -1, 1001, "", "a", "GB", "x" * 400, [], ["a"], {}])
        )
    if not validator(event_type).is_valid(value):
        with pytest.raises(FormatError):
            decode_event(canonicalise(value))


def _places(value: Any) -> Any:
    """Every (container, key or position) within a JSON value."""
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, name
        if isinstance(item, dict | list):
            yield from _places(item)


def test_nothing_is_implied() -> None:
    """Fields with a default are written out, so that a schema names them as required."""
    schema = json_schema("writ.order.issued.v1")
    assert "specversion" in schema["required"]
    assert set(schema["$defs"]["Scope"]["properties"]) - set(schema["$defs"]["Scope"]["required"]) == {
        "collected_from",
        "collected_to",
    }


def test_the_reference_page_is_current() -> None:
    assert PAGE.read_text() == render_reference(), "draw it again: python -m tests.projections.test_schema"


def test_the_reference_page_shows_everything() -> None:
    page = PAGE.read_text()
    for event_type, event in EXAMPLES.items():
        assert f"\n## {event_type}\n" in page
        assert f"\n    {encode_event(event).decode()}\n" in page


def fingerprints() -> Iterator[str]:
    """A line for each type: its name, and the hash of what may stand in it. Only wording may change."""
    for event_type in EVENT_TYPES:
        bare = json.dumps(_without_wording(json_schema(event_type)), sort_keys=True)
        yield f"{event_type} {sha256(bare.encode()).hexdigest()}\n"


def _without_wording(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_wording(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    wording = {"description", "title"}
    return {
        name: _without_wording(item)
        for name, item in schema.items()
        if name not in wording or not isinstance(item, str)
    }


def test_a_published_type_never_changes() -> None:
    """Lines of it stand in logs: make a new type with the next number, and an upcaster.

    A new type is added to the list with `python -m tests.projections.test_schema`. Until the first release
    that may be said of a changed one too.
    """
    assert "".join(fingerprints()).splitlines() == PUBLISHED.read_text().splitlines()


if __name__ == "__main__":
    PUBLISHED.write_text("".join(fingerprints()))
    PAGE.write_text(render_reference())
