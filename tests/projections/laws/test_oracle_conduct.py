"""The oracle and the evaluators agree on conduct, and on what binds an obligation from outside."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from projections.order import Order
from tests.projections.laws.comparing_conduct import compare
from tests.projections.laws.conduct_histories import THEMES, conduct_histories
from tests.projections.laws.histories import Steps

CI = settings(max_examples=50, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SOAK = settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
# Silence breaches none of these, and neither does a rejection.
HARMLESS = ("appoint_representative", "attest", "independent_assessment", "pay", "publish")
TYPES = {
    "services": ("cease_offering",),
    "enquiries": ("answer_subjects",),
    "words": ("appoint_representative", "publish"),
    "attests": ("attest",),
    "assesses": ("independent_assessment",),
    "money": ("pay",),
    "looks": ("erase",),
}


@pytest.mark.parametrize("theme", THEMES)
def test_the_oracle_agrees_on_conduct(theme: str) -> None:
    """And each type of obligation comes to each verdict that it can have."""
    met: Counter[str] = Counter()

    @given(conduct_histories(theme=theme))
    @CI
    def agree(history: tuple[Order, Steps]) -> None:
        met.update(compare(*history))

    agree()
    for kind in TYPES[theme]:
        verdicts = {said.split(" ")[1] for said in met if said.startswith(f"{kind} ")}
        breached = set() if kind in HARMLESS else {"breached"}
        assert verdicts == {"carried_out", "outstanding", "cannot_be_proved"} | breached, kind


@pytest.mark.soak
@given(conduct_histories(most=30))
@SOAK
def test_the_oracle_agrees_on_conduct_for_long(history: tuple[Order, Steps]) -> None:
    compare(*history)
