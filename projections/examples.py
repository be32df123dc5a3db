"""One documented example of every event, whole: as it would stand in a log. Tests post every one of them."""

from typing import Any, Final

from projections import events as ev
from projections import (
    examples_data,
    examples_evidence,
    examples_log,
    examples_order,
    examples_proof,
    examples_sharing,
    examples_subject,
)
from projections.specimens import (
    ADMIN,
    AUDITOR,
    AUTHORITY,
    CONTROLLER,
    ORIGIN,
    RECIPIENT,
    TIME,
    WITNESS,
    example_order,
    signing_key,
    vkey,
)

__all__ = [
    "ADMIN",
    "AUDITOR",
    "AUTHORITY",
    "CONTROLLER",
    "EXAMPLES",
    "ORIGIN",
    "RECIPIENT",
    "WITNESS",
    "example_order",
    "signing_key",
    "vkey",
]


def _example(poster: str, data: ev.Data) -> ev.Event[Any]:
    name = ev.TYPE_OF[type(data)].split(".")
    return ev.make_event(data, id=f"{name[1]}-{name[2]}-1", source=poster, time=TIME)


EXAMPLES: Final[dict[str, ev.Event[Any]]] = {
    ev.TYPE_OF[type(data)]: _example(poster, data)
    for poster, data in (
        *examples_log.DATA,
        *examples_data.DATA,
        *examples_subject.DATA,
        *examples_sharing.DATA,
        *examples_order.DATA,
        *examples_proof.DATA,
        *examples_evidence.DATA,
    )
}
assert EXAMPLES.keys() == ev.EVENT_TYPES.keys(), "every type of event has its example"
