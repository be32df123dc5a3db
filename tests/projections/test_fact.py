"""What an event names."""

from typing import Any

import pytest

from projections.events import EVENT_TYPES
from projections.examples import EXAMPLES
from projections.fact import named
from projections.schema import json_schema


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_field_of_handles_names_them(event_type: str) -> None:
    """By the schema, so that a field of handles in a new type is not overlooked."""
    data = json_schema(event_type)["$defs"][EVENT_TYPES[event_type].__name__]
    expected: set[str] = set()
    for name, field in data["properties"].items():
        value: Any = getattr(EXAMPLES[event_type].data, name.replace("from", "from_"), ())
        if field.get("description") == "handle":
            expected.add(value)
        elif field.get("items", {}).get("description") == "handle" and isinstance(value, tuple):
            expected.update(value)
    assert named(EXAMPLES[event_type]) == expected


def test_tokens_probes_and_orphans_are_handles() -> None:
    for event_type in ("suppression.hit", "data.matched", "inventory.attested", "data.deleted"):
        assert named(EXAMPLES[f"writ.{event_type}.v1"]), event_type
    assert len(named(EXAMPLES["writ.data.matched.v1"])) == 3
    assert named(EXAMPLES["writ.enquiry.abandoned.v1"]) == set()
