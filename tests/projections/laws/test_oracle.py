"""The oracle and the evaluators agree on every generated history, at every moment of it."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from projections.case import Case
from projections.docket import IssuedOrder
from projections.finding import Finding
from projections.fold import Fold
from projections.order import Order
from projections.status import status_at
from projections.verdict import EVALUATORS
from tests.projections.laws.histories import Steps, histories, moments, oracle_of, tell
from tests.projections.laws.oracle import Answer
from tests.projections.laws.rulings import RULINGS, status
from tests.projections.laws.worlds import World

CI = settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SOAK = settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))


def folded(world: World) -> Fold:
    fold = Fold.empty()
    for fact in world.facts:
        fold.take(fact)
    return fold


def case_of(fold: Fold, issued: IssuedOrder, world: World, as_of: int) -> Case:
    return Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=world.size_at(as_of))


def compare(order: Order, steps: Steps) -> Counter[str]:
    """Judge at several moments, once by each; returns how often which verdict was given."""
    world = tell(order, steps)
    fold = folded(world)
    issued = next(one for one in fold.docket.orders if one.order == order)
    verdicts: Counter[str] = Counter()
    for as_of in moments(world):
        if issued.index >= world.size_at(as_of):
            continue
        case, oracle = case_of(fold, issued, world, as_of), oracle_of(world, order, as_of)
        assert status_at(case) == status(oracle)
        for obligation in order.obligations:
            finding = EVALUATORS[obligation.type](case, obligation)
            answer = RULINGS[obligation.type](oracle, obligation)
            theirs = {name: answer.counts[name] for name in finding.counts if name in answer.counts}
            ours = {name: finding.counts[name] for name in theirs}
            assert (finding.verdict, ours) == (answer.verdict, theirs), explained(finding, answer, as_of)
            assert adds_up(finding)
            verdicts[f"{obligation.type} {finding.verdict}"] += 1
    return verdicts


def explained(finding: Finding, answer: Answer, as_of: int) -> str:
    ours = f"{finding.verdict} {finding.counts}\n{[gap.rule for gap in finding.gaps]}"
    return f"at {as_of}: {ours}\nthe oracle: {answer.verdict} {dict(answer.counts)}\n{answer.missing}"


def adds_up(finding: Finding) -> bool:
    """Every copy in scope is counted once, as live, erased, exempt or held."""
    counts = finding.counts
    parts = ("live", "erased_in_time", "erased_late", "erased_time_unproved", "exempt", "held")
    return "in_scope" not in counts or counts["in_scope"] == sum(counts[name] for name in parts)


@given(histories())
@CI
def test_the_oracle_agrees(history: tuple[Order, Steps]) -> None:
    compare(*history)


@pytest.mark.soak
@given(histories(most=30))
@SOAK
def test_the_oracle_agrees_for_long(history: tuple[Order, Steps]) -> None:
    compare(*history)
