"""The oracle and the evaluators agree on every generated history, at every moment of it."""

import pytest
from hypothesis import HealthCheck, given, settings

from projections.order import Order
from tests.projections.laws.comparing import compare
from tests.projections.laws.histories import Steps, histories

CI = settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SOAK = settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))


@given(histories())
@CI
def test_the_oracle_agrees(history: tuple[Order, Steps]) -> None:
    compare(*history)


@pytest.mark.soak
@given(histories(most=30))
@SOAK
def test_the_oracle_agrees_for_long(history: tuple[Order, Steps]) -> None:
    compare(*history)
