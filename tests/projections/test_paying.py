"""The obligation to pay, and daily penalties, rule by rule."""

from projections import events as ev
from projections.order import Deadline
from tests.projections.conduct import (
    PAST,
    at_day,
    day,
    finding,
    fine,
    listed,
    obliged,
    pay,
    rules,
    turn,
)
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import AUTHORITY, DAY_S, ORDER, Story, erase_gb

FINE = 755_280_000  # £7,552,800 in pence


def ordered(**how: object) -> Story:
    story = Story()
    story.order(obliged("pay", penalty=fine(FINE), **how))
    return story


def test_silence_about_money_proves_nothing() -> None:
    story = ordered()
    assert finding(story, 30).verdict == "outstanding"
    found = finding(story)
    assert (found.verdict, rules(found), found.word) == ("cannot_be_proved", ["payment.missing"], "nobody")
    assert found.counts == {"payments": 0, "due_minor": FINE, "paid_minor": 0}


def test_paid_up_to_the_amount_in_parts() -> None:
    story = ordered()
    pay(story, FINE - 1)
    assert (finding(story).verdict, finding(story).counts["paid_minor"]) == ("cannot_be_proved", FINE - 1)
    pay(story, 5)
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E0", "controller")
    assert found.counts == {"payments": 2, "due_minor": FINE, "paid_minor": FINE}


def test_the_authority_confirms_what_it_got() -> None:
    story = ordered(independent=True)
    pay(story, FINE)
    assert rules(finding(story)) == ["evidence.not_independent"]
    pay(story, FINE, by=AUTHORITY)
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E3", "authority")
    assert found.counts["paid_minor"] == FINE


def test_what_both_say_is_not_added_up() -> None:
    story = ordered()
    pay(story, FINE // 2)
    pay(story, FINE // 2, by=AUTHORITY)
    found = finding(story)
    assert (found.verdict, found.counts["paid_minor"]) == ("cannot_be_proved", FINE // 2)


def test_paid_late() -> None:
    story = ordered()
    pay(story, FINE - 1)
    index = pay(at_day(story, 31.5), 1)
    found = finding(story)
    assert (found.verdict, listed(found)) == ("carried_out", [("payment.late", index, 2)])


def test_other_money_does_not_count() -> None:
    story = ordered()
    story.log.register("other-authority.example", "authority")
    pay(story, FINE, currency="EUR")
    pay(story, FINE, order=f"{AUTHORITY}/en-2025-7")
    pay(story, FINE, by="other-authority.example")
    assert finding(story).counts["paid_minor"] == 0


def test_what_is_paid_under_a_stolen_key() -> None:
    story = ordered()
    story.log.register("other.clearview.example", "controller")
    pay(story, FINE, by="other.clearview.example")
    story.revoke("other.clearview.example", "2025-12-01T00:00:00Z")
    assert finding(story).verdict == "cannot_be_proved"


def test_of_several_the_first_is_paid_first() -> None:
    story = Story()
    story.order(
        obliged("pay", id="a", penalty=fine(100)),
        obliged("pay", id="eur", penalty=fine(100, currency="EUR")),
        obliged("pay", id="b", penalty=fine(50)),
    )
    pay(story, 120)
    paid = [one.counts["paid_minor"] for one in story.judge(PAST).findings]
    assert paid == [100, 0, 20]
    assert [one.verdict for one in story.judge(PAST).findings] == [
        "carried_out",
        "cannot_be_proved",
        "cannot_be_proved",
    ]
    pay(story, 30)
    pay(story, 120, by=AUTHORITY)
    last = story.judge(PAST).findings[2]
    assert (last.verdict, last.word) == ("carried_out", "controller")
    pay(story, 30, by=AUTHORITY)
    assert story.judge(PAST).findings[2].word == "authority"


def test_due_again_every_month() -> None:
    story = Story()
    story.order(obliged("pay", penalty=fine(100), recurrence="P1M"))
    pay(story, 100)
    assert finding(story, 57).counts["due_minor"] == 100
    assert (finding(story, 60).counts["due_minor"], finding(story, 60).verdict) == (200, "cannot_be_proved")
    pay(story, 100)
    assert finding(story, 60).verdict == "carried_out"


def daily() -> Story:
    """€100,000 for each day after the deadline."""
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(penalty=fine(10_000_000, "day", "EUR")))
    return story


def test_52_days_at_100_000_euros_are_5_2_million() -> None:
    story = Story(stores=("faces",))
    story.order(erase_gb(penalty=fine(10_000_000, "day", "EUR")))
    found = finding(story, 30 + 52)
    assert (found.verdict, found.counts["penalty_days"]) == ("cannot_be_proved", 52)
    assert found.counts["penalty_minor"] == 520_000_000


def test_a_daily_penalty_begins_after_the_deadline() -> None:
    days = [finding(daily(), when).counts["penalty_days"] for when in (10, 30, 30 + 1 / DAY_S, 31, 31.5)]
    assert days == [0, 0, 1, 1, 2]


def test_it_accrues_for_what_is_there_though_everybody_agrees_that_it_is() -> None:
    story = daily()
    story.look("faces", 1)
    found = finding(story, 35)
    assert (found.verdict, rules(found), found.counts["penalty_days"]) == ("breached", [], 5)


def test_it_ends_when_it_is_carried_out_late() -> None:
    story = at_day(daily(), 32.5)
    story.erase(1)
    story.look("faces")
    found = finding(story, 100)
    assert (found.verdict, found.counts["penalty_days"]) == ("carried_out", 3)


def test_nothing_accrues_where_it_was_carried_out_in_time() -> None:
    story = daily()
    story.erase(1)
    story.look("faces")
    assert finding(story, 100).counts["penalty_days"] == 0


def test_nothing_accrues_while_the_order_is_not_in_force() -> None:
    story = daily()
    turn(at_day(story, 35), ev.OrderStayed, 35)
    turn(at_day(story, 45), ev.OrderStayLifted, 45)
    assert finding(story, 40).counts["penalty_days"] == 5
    assert finding(story, 50).counts["penalty_days"] == 10


def test_what_the_authority_called_in_stands_beside_it() -> None:
    story = daily()
    called = ev.PenaltyAccrued(
        amount_minor=300,
        controller=CONTROLLER,
        currency="EUR",
        from_="2026-02-01",
        order=ORDER,
        to="2026-02-04",
    )
    at_day(story, 35)
    story.post(called, by=AUTHORITY)
    story.log.register("other-authority.example", "authority")
    story.post(called, by="other-authority.example")
    counts = finding(story, 40).counts
    assert (counts["called_minor"], counts["penalty_minor"]) == (300, 100_000_000)


def test_a_penalty_once_does_not_accrue() -> None:
    story = Story()
    story.order(erase_gb(penalty=fine(5)))
    assert "penalty_days" not in finding(story).counts


def test_the_day_of_a_deadline_by_date_is_not_a_day_of_penalty() -> None:
    story = Story()
    story.order(
        obliged("publish", deadline=Deadline(at="2026-01-31"), penalty=fine(7, "day")),
    )
    assert day(31) == "2026-02-01T00:00:00Z"
    assert finding(story, 31 - 1 / DAY_S).counts["penalty_days"] == 0
    assert finding(story, 31).counts["penalty_days"] == 1


def test_late_days_of_a_stay_cost_nothing() -> None:
    story = daily()
    turn(at_day(story, 30.5), ev.OrderStayed, 30.5)
    turn(at_day(story, 45), ev.OrderStayLifted, 45)
    story.erase(1)
    story.look("faces")
    found = finding(at_day(story, 46), 50)
    assert (found.verdict, found.counts["penalty_days"]) == ("carried_out", 1)
