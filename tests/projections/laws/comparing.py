"""Both judgments side by side: what `judge` finds of a world, and what the oracle says of it."""

from collections import Counter
from collections.abc import Iterable

from projections.case import Case
from projections.docket import IssuedOrder
from projections.finding import Finding
from projections.fold import Fold
from projections.order import Order
from projections.status import status_at
from projections.verdict import EVALUATORS
from tests.projections.laws import oracle_records, rulings
from tests.projections.laws.histories import Steps, moments, oracle_of, tell
from tests.projections.laws.oracle import Answer
from tests.projections.laws.oracle_life import status
from tests.projections.laws.worlds import World

RULINGS = {**rulings.RULINGS, **oracle_records.RULINGS}


def folded(world: World) -> Fold:
    """The fold of all that was said."""
    fold = Fold.empty()
    for fact in world.facts:
        fold.take(fact)
    return fold


def case_of(fold: Fold, issued: IssuedOrder, world: World, as_of: int) -> Case:
    """What is judged of a world at a moment."""
    return Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=world.size_at(as_of))


def compare(order: Order, steps: Steps, later: Iterable[int] = ()) -> Counter[str]:
    """Judge at several moments, once by each; returns how often which verdict was given, and how often
    which count was not 0."""
    world = tell(order, steps)
    fold = folded(world)
    issued = next(one for one in fold.docket.orders if one.order == order)
    seen: Counter[str] = Counter()
    for as_of in (*moments(world), *later):
        if issued.index >= world.size_at(as_of):
            continue
        case, oracle = case_of(fold, issued, world, as_of), oracle_of(world, order, as_of)
        assert status_at(case) == status(oracle)
        for obligation in order.obligations:
            finding = EVALUATORS[obligation.type](case, obligation)
            answer = RULINGS[obligation.type](oracle, obligation)
            assert both(finding) == (answer.verdict, counts_of(finding, answer), set(answer.missing)), (
                explained(finding, answer, as_of)
            )
            assert adds_up(finding)
            seen[f"{obligation.type} {finding.verdict}"] += 1
            seen.update(f"{obligation.type} {name}" for name, n in finding.counts.items() if n)
            seen.update({f"{obligation.type} {gap.rule}" for gap in finding.gaps})
    return seen


def both(finding: Finding) -> tuple[str, dict[str, int], set[str]]:
    """All that the two must agree on."""
    return finding.verdict, finding.counts, {gap.rule for gap in finding.gaps}


def counts_of(finding: Finding, answer: Answer) -> dict[str, int]:
    """The oracle's own numbers for everything that was counted."""
    return {name: answer.counts.get(name, 0) for name in finding.counts}


def explained(finding: Finding, answer: Answer, as_of: int) -> str:
    """Both, to be read one above the other."""
    ours = f"{finding.verdict} {finding.counts}\n{[gap.rule for gap in finding.gaps]}"
    return f"at {as_of}: {ours}\nthe oracle: {answer.verdict} {dict(answer.counts)}\n{answer.missing}"


def adds_up(finding: Finding) -> bool:
    """Every copy in scope is counted once, as live, erased, exempt or held."""
    counts = finding.counts
    parts = ("live", "erased_in_time", "erased_late", "erased_time_unproved", "exempt", "held")
    return "live" not in counts or counts["in_scope"] == sum(counts[name] for name in parts)
