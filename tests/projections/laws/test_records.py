"""The oracle and the evaluators agree on what was derived, used, restricted, kept and disclosed."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from projections.order import Order
from tests.projections.laws.comparing import compare
from tests.projections.laws.histories import Steps
from tests.projections.laws.record_histories import TYPES, histories

CI = settings(max_examples=120, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SOAK = settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
VERDICTS = {
    f"{type} {verdict}"
    for type in TYPES
    for verdict in ("carried_out", "outstanding", "breached", "cannot_be_proved")
} - {"notify_recipients breached"}  # Silence is no breach.


def test_the_oracle_agrees_and_every_verdict_is_given() -> None:
    seen: Counter[str] = Counter()

    @given(histories())
    @CI
    def agrees(history: tuple[Order, Steps]) -> None:
        seen.update(compare(*history))

    agrees()
    assert seen.keys() >= VERDICTS
    assert "notify_recipients breached" not in seen


@pytest.mark.soak
@given(histories(most=30))
@SOAK
def test_the_oracle_agrees_for_long(history: tuple[Order, Steps]) -> None:
    compare(*history)
