"""Rules between the fields of evidence and of samples."""

from typing import Any

import pytest

from projections import events as ev
from projections.diagnosis import EventError
from tests.projections.test_events import handles, line, refusal

_1, _2 = handles(2)
_PIECES = [{"kind": "report", "sha256": one * 64} for one in "ab"]


@pytest.mark.parametrize(
    ("event_type", "changes", "field"),
    [
        ("sample.attested", {"failed": [_2, _1], "failures": 2}, "data.failed[1]"),
        ("sample.attested", {"failed": [_1, _2]}, "data.failed"),
        ("sample.attested", {"control_found": 21}, "data.control_found"),
        ("sample.attested", {"control_found": None}, "data.control_found"),
        ("sample.attested", {"control_checked": None}, "data.control_found"),
        ("sample.attested", {"nonce": "00"}, "data.nonce"),
        ("evidence.kept", {"records": [_1]}, "data.records"),
        ("evidence.kept", {"order": None}, "data.records"),
        ("evidence.kept", {"order": None, "records": [_2, _1]}, "data.records[1]"),
        ("evidence.kept", {"evidence": _PIECES[::-1]}, "data.evidence[1]"),
        ("evidence.erasure_requested", {"evidence": _PIECES[::-1]}, "data.evidence[1]"),
        ("evidence.erased", {"evidence": _PIECES[::-1]}, "data.evidence[1]"),
    ],
)
def test_rules_between_fields(event_type: str, changes: dict[str, Any], field: str) -> None:
    error = refusal(line(event_type, **changes))
    assert isinstance(error, EventError)
    assert error.field == field


@pytest.mark.parametrize(
    ("event_type", "changes"),
    [
        ("sample.attested", {"control_checked": None, "control_found": None, "nonce": None}),
        ("sample.attested", {"failed": None, "failures": 2}),
        # As samples were requested before they could name a place and commit to a nonce.
        ("sample.requested", {"log_size": None, "nonce_sha256": None, "store": None}),
        ("evidence.kept", {"order": None, "records": [_1, _2]}),
        ("evidence.erasure_requested", {"cause_ref": None}),
    ],
)
def test_what_the_rules_leave_free(event_type: str, changes: dict[str, Any]) -> None:
    ev.decode_event(line(event_type, **changes))
