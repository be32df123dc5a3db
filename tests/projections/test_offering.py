"""The prohibition to offer services in a territory, rule by rule (DOMAIN §5)."""

import pytest

from projections import events as ev
from projections.case import Case
from projections.order import Scope
from projections.verdict import judge
from projections.watched import Watch, watched
from tests.projections.conduct import (
    PAST,
    at_day,
    attest,
    counted,
    finding,
    fine,
    listed,
    obliged,
    offer,
    rules,
    turn,
    withdraw,
)
from tests.projections.story import COMPANY, DAY_S, START_S, Story


def ordered(**how: object) -> Story:
    story = Story()
    story.order(obliged("cease_offering", **how))
    return story


def offered_before(territory: str = "GB", **how: object) -> Story:
    """A service offered before the order took effect."""
    story = at_day(Story(), -20)
    offer(story, territory)
    at_day(story, 1)
    story.order(obliged("cease_offering", **how))
    return story


def test_no_service_named_shows_nothing() -> None:
    story = ordered()
    assert finding(story, 20).verdict == "outstanding"
    found = finding(story)
    assert (found.verdict, rules(found), found.word) == ("cannot_be_proved", ["service.none_named"], "nobody")


def test_a_service_offered_elsewhere_only() -> None:
    story = ordered()
    offer(story, "US")
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E0", "controller")
    assert counted(found) == {"services": 1}


def test_withdrawn_before_the_deadline() -> None:
    story = at_day(offered_before(), 10)
    assert finding(story, 20).verdict == "outstanding"
    withdraw(story)
    assert finding(story, 20).verdict == "carried_out"
    assert counted(finding(story)) == {"services": 1, "withdrawn": 1}


def test_still_on_offer_after_the_deadline_breaches_for_good() -> None:
    story = offered_before()
    assert finding(story, 30).verdict == "outstanding"
    found = finding(story, 30 + 1 / DAY_S)
    assert (found.verdict, [rule for rule, *_ in listed(found)]) == ("breached", ["offer.not_withdrawn"])
    withdraw(at_day(story, 33))
    found = finding(story)
    assert (found.verdict, listed(found)[0][2]) == ("breached", 4)


def test_offering_anew_while_in_force_breaches_for_good() -> None:
    story = at_day(ordered(), 5)
    index = offer(story)
    withdraw(story)
    for days in (6, PAST):
        found = finding(story, days)
        assert (found.verdict, listed(found)) == ("breached", [("offer.prohibited", index, 0)])


def test_a_daily_penalty_is_for_the_days_on_offer() -> None:
    story = at_day(ordered(penalty=fine(7, "day")), 32.5)
    index = offer(story)
    assert finding(story, 33.2).counts["penalty_days"] == 2
    withdraw(at_day(story, 35.5))
    found = finding(story)
    assert listed(found) == [("offer.prohibited", index, 6)]
    assert (found.counts["penalty_days"], found.counts["penalty_minor"]) == (4, 28)


def test_no_daily_penalty_for_the_days_of_a_stay() -> None:
    story = at_day(ordered(penalty=fine(7, "day")), 32.5)
    offer(story)
    turn(story, ev.OrderStayed, 33)
    turn(at_day(story, 39), ev.OrderStayLifted, 39)
    assert finding(story, 40).counts["penalty_days"] == 2


def test_what_the_stay_let_happen_breaches_nothing() -> None:
    story = at_day(ordered(), 5)
    turn(story, ev.OrderStayed, 5)
    offer(at_day(story, 10))
    withdraw(story)
    turn(at_day(story, 35), ev.OrderStayLifted, 35)
    found = finding(story)
    assert (found.verdict, listed(found)) == ("carried_out", [])


def test_on_offer_when_the_stay_is_lifted_after_the_deadline() -> None:
    story = offered_before()
    turn(at_day(story, 5), ev.OrderStayed, 5)
    turn(at_day(story, 35), ev.OrderStayLifted, 35)
    withdraw(at_day(story, 34.9), by=COMPANY)
    assert finding(story).verdict == "carried_out"
    story = offered_before()
    turn(at_day(story, 5), ev.OrderStayed, 5)
    turn(at_day(story, 35), ev.OrderStayLifted, 35)
    withdraw(at_day(story, 35.5))
    assert finding(story).verdict == "breached"


@pytest.mark.parametrize(
    ("scope", "offered", "withdrawn", "verdict"),
    [
        (("GB",), "GB-SCT", "GB-SCT", "carried_out"),
        (("GB",), "GB-SCT", "GB", "carried_out"),
        (("GB",), "GB", "GB-SCT", "breached"),
        (("GB-SCT",), "GB", "GB-SCT", "carried_out"),
        (("GB-SCT",), "GB", "GB-WLS", "breached"),
        (("GB-SCT",), "GB-WLS", "US", "carried_out"),
        (("FR", "GB"), "FR", "GB", "breached"),
        ((), "US", "US", "carried_out"),
        ((), "US", "GB", "breached"),
    ],
)
def test_a_withdrawal_covers_the_territory_or_not(
    scope: tuple[str, ...], offered: str, withdrawn: str, verdict: str
) -> None:
    story = at_day(offered_before(offered, scope=Scope(residency=scope)), 10)
    withdraw(story, withdrawn)
    assert finding(story).verdict == verdict


def test_another_service_is_not_withdrawn() -> None:
    story = at_day(offered_before(), 10)
    withdraw(story, service="alerts")
    assert finding(story).verdict == "breached"


def test_a_stolen_key_withdraws_nothing() -> None:
    story = at_day(Story(), -20)
    story.log.register("other.clearview.example", "controller")
    offer(story)
    at_day(story, 1)
    story.order(obliged("cease_offering"))
    withdraw(at_day(story, 10), by="other.clearview.example")
    assert finding(story).verdict == "carried_out"
    story.revoke("other.clearview.example", "2026-01-05T00:00:00Z")
    assert finding(story).verdict == "breached"


def test_an_earlier_claimed_time_excuses_no_offer() -> None:
    story = at_day(ordered(), 5)
    offer(story, time="2025-06-01T00:00:00Z")
    assert finding(story, 6).verdict == "breached"


def test_only_entries_below_the_size_count() -> None:
    story = at_day(ordered(), 5)
    offer(story, "US")
    size = story.log.size
    offer(story)
    assert judge(story.case(PAST, size=size)).verdict == "carried_out"
    assert judge(story.case(PAST)).verdict == "breached"


def test_what_stands_on_offer_during_a_stay_would_be_a_breach() -> None:
    story = offered_before()
    turn(at_day(story, 10), ev.OrderStayed, 10)
    judgment = judge(story.case(PAST))
    found = judgment.findings[0]
    assert (judgment.status, found.verdict, listed(found)) == ("stayed", "breached", [])
    withdraw(at_day(story, 35))
    assert finding(story).verdict == "carried_out"


def test_offered_and_withdrawn_during_a_stay_after_the_deadline() -> None:
    story = ordered()
    offer(story, "US")
    turn(at_day(story, 35), ev.OrderStayed, 35)
    offer(at_day(story, 36))
    withdraw(at_day(story, 37))
    turn(at_day(story, 39), ev.OrderStayLifted, 39)
    assert finding(story).verdict == "carried_out"


def test_the_day_on_which_a_stay_is_lifted_counts_alone() -> None:
    story = offered_before(penalty=fine(100, "day"))
    turn(at_day(story, 20), ev.OrderStayed, 20)
    turn(at_day(story, 33), ev.OrderStayLifted, 33)
    withdraw(at_day(story, 33.75))
    found = finding(story)
    assert (found.verdict, found.counts["penalty_days"]) == ("breached", 1)
    assert [late for _, _, late in listed(found)] == [4]


def test_days_late_for_another_reason_are_no_days_on_offer() -> None:
    story = ordered(penalty=fine(100, "day"), recurrence="P1D", id="it")
    offer(at_day(story, 20))
    withdraw(at_day(story, 20.5))
    for number in range(5):
        attest(at_day(story, 34 + number), "it")
    found = finding(story, 35)
    assert (found.verdict, rules(found)) == ("breached", [])
    assert "recurrence.late" in [rule for rule, _, _ in listed(found)]
    assert found.counts["penalty_days"] == 0


@pytest.mark.parametrize("territory", ["GB", "US"])
def test_that_the_days_grow_is_no_turn(territory: str) -> None:
    """Whoever watches for a change need not look again each day: the verdict stays what it is."""
    story = offered_before(territory, penalty=fine(100, "day"))
    fold, watch = story.fold(), Watch(START_S + PAST * DAY_S)
    issued = fold.docket.orders[-1]
    judge(
        Case(
            fold.holdings,
            fold.docket,
            fold.edges,
            issued,
            as_of=watched(watch),
            size=story.log.size,
        )
    )
    assert watch.turn is None
    found, later = finding(story), finding(story, 400)
    assert (found.verdict, rules(found)) == (later.verdict, rules(later))
    assert (found.counts["penalty_days"] < later.counts["penalty_days"]) == (territory == "GB")
