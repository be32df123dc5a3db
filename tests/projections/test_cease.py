"""The prohibition to collect, rule by rule (DOMAIN §5)."""

from typing import get_args

import pytest

from projections import events as ev
from projections.finding import Finding
from projections.order import Scope
from projections.verdict import EVALUATORS, judge
from projections.vocabulary import ObligationType
from tests.projections.conduct import at_day, day, fine, rules, turn
from tests.projections.logbuilder import CONTROLLER, rfc3339
from tests.projections.story import COMPANY, DAY_S, Story, cease_gb, erase_gb, handle, replace_scope

FROM, LATER, DAY_39, DAY_41 = (f"2026-{day}T00:00:00Z" for day in ("01-01", "01-20", "02-09", "02-11"))
PAST = 40


def ordered() -> Story:
    story = Story()
    story.order(cease_gb())
    return story


def finding(story: Story, days: float = PAST) -> Finding:
    return story.judge(days).findings[0]


def late(story: Story, days: int = 41) -> Story:
    """Let time pass: nobody can attest to what has not happened yet."""
    story.log.now_us += days * 86_400_000_000
    return story


def test_a_collector_that_stood_still_all_the_time() -> None:
    story = late(ordered())
    story.attest(FROM, DAY_41)
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E0", "controller")


def test_a_day_of_grace_before_the_moment_judged() -> None:
    story = late(ordered())
    story.attest(FROM, DAY_39)
    assert finding(story, 40).verdict == "carried_out"
    assert finding(story, 40.01).verdict == "cannot_be_proved"


@pytest.mark.parametrize(
    ("running", "exclusions", "verdict"),
    [
        (True, (), "cannot_be_proved"),
        (True, ("FR",), "cannot_be_proved"),
        (True, ("FR", "GB"), "carried_out"),
    ],
)
def test_a_running_collector_must_leave_the_territory_out(
    running: bool, exclusions: tuple[str, ...], verdict: str
) -> None:
    story = late(ordered())
    story.attest(FROM, DAY_41, running=running, exclusions=exclusions)
    assert finding(story).verdict == verdict


def test_excluding_countries_is_no_answer_to_a_scope_without_territory() -> None:
    story = Story()
    story.order(
        cease_gb().__class__(deadline=cease_gb().deadline, id="cease", scope=Scope(), type="cease_collecting")
    )
    late(story)
    story.attest(FROM, DAY_41, running=True, exclusions=("GB",))
    assert [gap.rule for gap in finding(story).gaps] == ["collector.gap"]


def test_a_gap_in_coverage() -> None:
    story = late(ordered())
    story.attest(FROM, LATER)
    story.attest("2026-01-21T00:00:00Z", DAY_41)
    found = finding(story)
    assert found.verdict == "cannot_be_proved"
    assert [(gap.rule, gap.subject) for gap in found.gaps] == [("collector.gap", "collector-1")]
    story.attest("2026-01-19T00:00:00Z", "2026-01-22T00:00:00Z")
    assert finding(story).verdict == "carried_out"


def test_nobody_attests_to_the_future() -> None:
    story = ordered()
    story.attest(FROM, DAY_41)
    assert [gap.rule for gap in finding(story).gaps] == ["collector.gap"]


def test_no_collector_named_is_no_coverage() -> None:
    assert finding(ordered(), 20).verdict == "outstanding"
    assert finding(ordered()).verdict == "cannot_be_proved"


def test_a_prohibited_collection_breaches_for_good() -> None:
    story = late(ordered())
    story.attest(FROM, DAY_41)
    index = story.collect(1)
    story.erase(1)
    found = finding(story)
    assert found.verdict == "breached"
    assert [(one.rule, one.index, one.copies) for one in found.irregularities] == [
        ("collection.prohibited", index, 1)
    ]
    assert finding(story, 20).verdict == "breached"


def test_collecting_elsewhere_is_not_prohibited() -> None:
    story = late(ordered())
    story.attest(FROM, DAY_41)
    story.collect(1, residency="US")
    assert finding(story).verdict == "carried_out"


def test_an_earlier_claimed_time_does_not_excuse_a_collection() -> None:
    story = ordered()
    story.collect(1, time="2025-06-01T00:00:00Z")
    assert finding(story).verdict == "breached"


def test_an_opening_balance_is_no_collection() -> None:
    story = late(ordered())
    story.attest(FROM, DAY_41)
    story.hold(1)
    assert finding(story).verdict == "carried_out"


def test_collected_after_the_order_is_two_findings() -> None:
    story = Story()
    story.order(erase_gb(), cease_gb())
    story.collect(1)
    erase, cease = story.judge(PAST).findings
    assert (erase.verdict, cease.verdict) == ("breached", "breached")
    assert story.judge(PAST).verdict == "breached"


def test_the_order_takes_the_worst_of_its_obligations() -> None:
    story = late(ordered())
    story.attest(FROM, DAY_41)
    story.order(erase_gb(), cease_gb())
    judgment = story.judge(PAST)
    assert [one.verdict for one in judgment.findings] == ["cannot_be_proved", "carried_out"]
    assert judgment.verdict == "cannot_be_proved"


def test_dependencies_and_oaths_bind() -> None:
    story = late(Story())
    story.attest(FROM, DAY_41)
    story.order(erase_gb(), cease_gb(depends_on=("erase",), oath="sworn"))
    found = story.judge(PAST).findings[1]
    assert found.verdict == "cannot_be_proved"
    assert [gap.rule for gap in found.gaps] == ["dependency.not_carried_out", "oath.missing"]
    story.log.now_us -= 11 * DAY_S * 1_000_000
    assert story.judge(30).findings[1].verdict == "outstanding"


def test_every_type_of_obligation_is_evaluated() -> None:
    assert EVALUATORS.keys() == set(get_args(ObligationType))


def test_what_rules_do_not_read_is_never_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(EVALUATORS, "restrict")  # Rules of a day on which nobody judged it.
    story = Story()
    other = cease_gb().__class__(deadline=cease_gb().deadline, id="p", type="restrict")
    story.order(other)
    found = finding(story)
    assert (found.verdict, found.gaps[0].rule) == ("cannot_be_proved", "obligation.not_evaluated")
    assert finding(story, 30).verdict == "outstanding"


def test_a_collectors_word_is_bare_whatever_the_order_asks() -> None:
    story = late(Story())
    story.order(cease_gb(min_evidence="E1", independent=True))
    story.attest(FROM, DAY_41)
    assert [gap.rule for gap in finding(story).gaps] == [
        "evidence.below_required",
        "evidence.not_independent",
    ]


def test_coverage_counts_from_its_own_entry_on_and_not_under_a_stolen_key() -> None:
    story = late(ordered())
    attested = story.attest(FROM, DAY_41)
    before, after = (judge(story.case(PAST, size=size)).verdict for size in (attested, attested + 1))
    assert (before, after) == ("cannot_be_proved", "carried_out")
    story.revoke(COMPANY, "2026-02-01T00:00:00Z")
    assert finding(story).verdict == "cannot_be_proved"


def test_the_deadlines_last_second_is_not_past_it() -> None:
    second = 1 / DAY_S
    assert finding(ordered(), 30).verdict == "outstanding"
    assert finding(ordered(), 30 + second).verdict == "cannot_be_proved"


@pytest.mark.parametrize(
    ("setting", "verdict"),
    [("in_scope", "breached"), ("report", "cannot_be_proved"), ("out_of_scope", "carried_out")],
)
def test_collecting_those_of_unknown_residency(setting: str, verdict: str) -> None:
    story = late(Story())
    story.order(cease_gb(scope=replace_scope(unknown_residency=setting)))
    story.attest(FROM, DAY_41)
    story.collect(1, residency="")
    assert finding(story).verdict == verdict


def test_recollecting_is_collecting() -> None:
    story = late(Story())
    story.hold(1)
    story.order(cease_gb())
    story.erase(1)
    story.attest(FROM, DAY_41)
    story.post(
        ev.DataReappeared(cause="recollected", controller=CONTROLLER, records=(handle(1),), store="faces")
    )
    assert finding(story).verdict == "breached"


def test_an_admission_is_not_talked_over() -> None:
    """A collector that ran without leaving the territory out did, whatever is attested beside it."""
    story = late(ordered())
    story.attest(LATER, DAY_39, running=True)
    story.attest(FROM, DAY_41)
    assert [gap.rule for gap in finding(story).gaps] == ["collector.gap"]


def test_an_admission_from_before_the_order_is_none() -> None:
    story = late(ordered())
    story.attest("2025-12-01T00:00:00Z", FROM, running=True)
    story.attest(FROM, DAY_41)
    assert finding(story).verdict == "carried_out"


def test_a_collector_does_not_vanish_with_the_key_that_named_it() -> None:
    story = late(ordered())
    story.log.register("other.clearview.example", "controller")
    story.attest(FROM, DAY_41)
    story.attest(FROM, DAY_41, collector="collector-2", by="other.clearview.example")
    assert finding(story).verdict == "carried_out"
    story.revoke("other.clearview.example", "2026-01-01T00:00:00Z")
    assert [(gap.rule, gap.subject) for gap in finding(story).gaps] == [("collector.gap", "collector-2")]


def test_a_dependency_is_carried_out_with_all_that_binds_it() -> None:
    story = late(Story())
    story.order(cease_gb(id="first", oath="sworn"), cease_gb(depends_on=("first",)))
    story.attest(FROM, DAY_41)
    assert [gap.rule for gap in story.judge(PAST).findings[1].gaps] == ["dependency.not_carried_out"]


def test_a_prohibition_can_be_for_some_stores() -> None:
    story = late(Story())
    story.order(cease_gb(scope=replace_scope(stores=("index",))))
    story.attest(FROM, DAY_41)
    story.collect(1, store="faces")
    assert finding(story).verdict == "carried_out"
    story.collect(1, store="index")
    assert finding(story).verdict == "breached"


def test_the_prohibition_begins_with_the_moment_of_effect() -> None:
    story = Story()
    index = story.collect(1)
    at_us = story.log.rows[index].time_us
    for effective_us, collected in ((at_us, 1), (at_us + 1_000_000, 0)):
        story.order(cease_gb(), effective=rfc3339(effective_us))
        assert finding(story).counts["collected"] == collected


def test_an_order_not_yet_in_force_has_no_verdict_of_its_own() -> None:
    story = ordered()
    assert story.judge(-1).status == "issued"
    assert story.judge(0).status == "in_force"


def test_a_daily_penalty_is_for_the_days_of_collecting() -> None:
    story = Story()
    story.order(cease_gb(penalty=fine(7, "day")))
    for number in (20, 31, 31.1, 35):
        at_day(story, number)
        story.collect(1)
    at_day(story, 41)
    assert finding(story).counts["penalty_days"] == 10  # Nothing accounts for all the others either.
    story.attest(FROM, DAY_41)
    assert finding(story).counts["penalty_days"] == 2


def stayed(first: float, until: float) -> Story:
    """An order that a stay suspended from one day to another."""
    story = ordered()
    turn(story, ev.OrderStayed, first)
    turn(story, ev.OrderStayLifted, until)
    return story


def test_what_was_collected_while_the_order_was_stayed_breaches_nothing() -> None:
    story = stayed(5, 15)
    story.attest(FROM, "2026-01-01T00:00:01Z")
    at_day(story, 10)
    story.collect(1)
    at_day(story, 41)
    story.attest(FROM, DAY_41)
    assert finding(story).verdict == "carried_out"
    at_day(story, 16)
    story.collect(2)
    assert finding(story).verdict == "breached"


def test_nobody_accounts_for_the_time_of_a_stay() -> None:
    story = at_day(stayed(5, 15), 41)
    story.attest(FROM, day(5))
    story.attest(day(15), DAY_41)
    assert finding(story).verdict == "carried_out"
    story = at_day(stayed(5, 14), 41)
    story.attest(FROM, day(5))
    story.attest(day(15), DAY_41)
    assert rules(finding(story)) == ["collector.gap"]


def test_an_admission_of_the_time_of_a_stay_is_none() -> None:
    story = at_day(stayed(5, 15), 41)
    story.attest(day(6), day(14), running=True)
    story.attest(FROM, DAY_41)
    assert finding(story).verdict == "carried_out"
    story.attest(day(14), day(16), running=True)
    assert rules(finding(story)) == ["collector.gap"]
