"""No verdict on conduct changes by time alone before the moment that its watch tells of."""

import pytest
from hypothesis import HealthCheck, given, settings

from projections.case import Case
from projections.docket import IssuedOrder
from projections.fold import Fold
from projections.order import Order, deadline_at
from projections.timeline import Seen, see
from projections.verdict import judge
from projections.watched import Watch, watched
from tests.projections.laws.comparing import folded
from tests.projections.laws.conduct_histories import THEMES, conduct_histories, conduct_moments
from tests.projections.laws.histories import Steps, tell
from tests.projections.laws.worlds import World

CI = settings(max_examples=8, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
DAY_S = 86_400


def seen(fold: Fold, issued: IssuedOrder, world: World, as_of: int) -> Seen:
    watch = Watch(as_of)
    case = Case(
        fold.holdings, fold.docket, fold.edges, issued, as_of=watched(watch), size=world.size_at(as_of)
    )
    return see(judge(case), issued.order.version, watch)


def later_moments(order: Order, world: World, after: int, before: int) -> list[int]:
    """Each second of a few days that a rule may count from, and the last one that may not differ."""
    begins = {deadline_at(order, one) for one in order.obligations}
    found = {begin + day * DAY_S + more for begin in begins for day in range(12) for more in (0, 1)}
    found |= {before - 1, after + 1, *conduct_moments(world)}
    return sorted(moment for moment in found if after < moment < before)


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_changes_before_the_turn(theme: str) -> None:
    @given(conduct_histories(theme=theme))
    @CI
    def stays(history: tuple[Order, Steps]) -> None:
        order, steps = history
        world = tell(order, steps)
        fold = folded(world)
        issued = next(one for one in fold.docket.orders if one.order == order)
        entries = [-(-fact.time_us // 1_000_000) for fact in world.facts]
        for as_of in conduct_moments(world)[:4]:
            if issued.index >= world.size_at(as_of):
                continue
            now = seen(fold, issued, world, as_of)
            coming = [one for one in (*entries, now.turn) if one is not None and one > as_of]
            end = min(coming, default=as_of + 60 * DAY_S)
            for later in later_moments(order, world, as_of, end):
                assert seen(fold, issued, world, later).words == now.words, (as_of, later, now.turn)

    stays()
