"""Kept sums: whatever is told, and whenever it is asked, they say what a judgment from nothing says."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.case import Case
from projections.docket import IssuedOrder
from projections.fold import Fold
from projections.moments import SECOND_US
from projections.order import Order
from projections.roll import Roll
from projections.running import Running
from projections.verdict import Judgment, judge
from tests.projections.laws import record_histories
from tests.projections.laws.histories import Steps, histories, tell
from tests.projections.laws.wider import wider

CI = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(CI, max_examples=12)
SOAK = settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
DAY_S = 86_400


def afresh(fold: Fold, issued: IssuedOrder, as_of: int, size: int) -> Judgment:
    return judge(Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=size))


def compare(order: Order, steps: Steps, waits: list[int]) -> int:
    """Judge along a history, by kept sums and from nothing; returns how many times."""
    world = tell(order, steps)
    roll = Roll(Fold.empty())
    running, now, judged = Running(roll), 0, 0
    for at, fact in enumerate(world.facts):
        running.touch(roll.take(fact))
        issued = next((one for one in roll.fold.docket.orders if one.order == order), None)
        wait = waits[at % len(waits)]
        if issued is None or wait < 0:
            continue  # Several facts may have been told when it is asked next.
        now = max(now, -(-fact.time_us // SECOND_US) + wait)
        case = running.case(issued, as_of=now, size=at + 1)
        assert case.running is running
        assert judge(case) == afresh(roll.fold, issued, now, at + 1)
        judged += 1
    assert issued is not None, "every history has its order"
    for later in (1, 3 * DAY_S, 40 * DAY_S, 4_000 * DAY_S):
        case = running.case(issued, as_of=now + later, size=world.size)
        assert judge(case) == afresh(roll.fold, issued, now + later, world.size)
    return judged


WAITS = st.lists(st.sampled_from([-1, 0, 1, 3_600, DAY_S, 4 * DAY_S]), min_size=1, max_size=6)


@given(histories(), WAITS)
@CI
def test_kept_sums_are_those_of_a_new_walk(history: tuple[Order, Steps], waits: list[int]) -> None:
    compare(*history, waits)


@given(record_histories.histories(), WAITS)
@FEW
def test_so_are_those_of_uses_restrictions_terms_and_recipients(
    history: tuple[Order, Steps], waits: list[int]
) -> None:
    compare(*history, waits)


@given(wider(histories()), WAITS)
@FEW
def test_so_they_are_whatever_else_is_told(history: tuple[Order, Steps], waits: list[int]) -> None:
    compare(*history, waits)
