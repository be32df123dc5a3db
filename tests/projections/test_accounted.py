"""Accounted: a collector has a gap exactly where the prohibition says so."""

from hypothesis import given

from projections.accounted import accounts
from projections.case import Case
from projections.cease import unaccounted
from projections.order import Order
from tests.projections.laws.histories import Steps, histories, tell
from tests.projections.story import DAY_S, START_S, Story, cease_gb
from tests.projections.test_views_of_histories import SETTINGS, folded, widened


@given(histories())
@SETTINGS
def test_a_gap_is_a_stretch_that_is_not_accounted_for(history: tuple[Order, Steps]) -> None:
    order, steps = history
    world = tell(widened(order, "cease_using"), steps)
    fold = folded(world)
    for days in (0, 1, 2, 4, 40):
        as_of = START_S + days * DAY_S + 7
        case = Case(
            fold.holdings, fold.docket, fold.edges, fold.docket.orders[0], as_of=as_of, size=world.size
        )
        for obligation in case.order.obligations:
            found = accounts(case, obligation)
            gaps = [gap.subject for gap in unaccounted(case, obligation) if gap.rule == "collector.gap"]
            assert [one.collector for one in found if not one.is_whole] == gaps
            for one in found:
                for before, after in zip(one.stretches, one.stretches[1:], strict=False):
                    assert before.to_us <= after.from_us
                    assert before.said != after.said or before.to_us < after.from_us


def test_what_a_collector_says_is_told_apart() -> None:
    story = Story()
    story.order(cease_gb())
    story.log.now_us = (START_S + 9 * DAY_S) * 1_000_000
    story.attest("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z")
    story.attest("2026-01-04T00:00:00Z", "2026-01-05T00:00:00Z")
    story.attest("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", running=True)
    story.attest("2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z", running=True, exclusions=("GB",))
    case = story.case(8)
    (account,) = accounts(case, case.order.obligations[0])
    day_us = DAY_S * 1_000_000
    said = [((one.from_us - START_S * 1_000_000) / day_us, one.said) for one in account.stretches]
    assert said == [
        (0, "accounted"),
        (2, "open"),
        (3, "accounted"),
        (4, "against"),
        (5, "accounted"),
        (6, "open"),
    ]
    assert account.stretches[-1].to_us == (START_S + 7 * DAY_S) * 1_000_000


def test_nobody_accounts_for_what_has_not_happened_yet() -> None:
    story = Story()
    story.order(cease_gb())
    story.log.now_us = (START_S + 4 * DAY_S) * 1_000_000
    story.attest("2026-01-01T00:00:00Z", "2026-01-20T00:00:00Z")
    case = story.case(8)
    (account,) = accounts(case, case.order.obligations[0])
    assert [one.said for one in account.stretches] == ["accounted", "open"]
    assert account.stretches[0].to_us == story.log.now_us
