"""The oracle and the evaluators agree on what was derived, used, restricted, kept and disclosed."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from projections.order import Order
from tests.projections.laws.comparing import compare
from tests.projections.laws.histories import Steps
from tests.projections.laws.record_histories import TYPES, histories

CI = settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SOAK = settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
VERDICTS = ("carried_out", "outstanding", "breached", "cannot_be_proved")


@pytest.mark.parametrize("type", TYPES)
def test_the_oracle_agrees_and_every_verdict_is_given(type: str) -> None:
    seen: Counter[str] = Counter()

    @given(histories(first=type))
    @CI
    def agrees(history: tuple[Order, Steps]) -> None:
        seen.update(compare(*history))

    agrees()
    given_verdicts = {verdict for verdict in VERDICTS if seen[f"{type} {verdict}"]}
    # Silence is no breach.
    assert given_verdicts == set(VERDICTS) - ({"breached"} if type == "notify_recipients" else set())


@pytest.mark.soak
@given(histories(most=30))
@SOAK
def test_the_oracle_agrees_for_long(history: tuple[Order, Steps]) -> None:
    compare(*history)
