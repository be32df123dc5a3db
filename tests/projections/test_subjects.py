"""The obligation to answer data subjects, rule by rule (GDPR Art. 12 and 15 to 22)."""

import pytest

from projections.order import Deadline
from projections.verdict import judge
from tests.projections.conduct import (
    PAST,
    abandon,
    answer,
    at_day,
    attest,
    counted,
    day,
    demand,
    enquire,
    extend,
    finding,
    listed,
    obliged,
    rules,
    witnessed,
)
from tests.projections.story import ASSESSOR, Story, replace_scope


def ordered(**how: object) -> Story:
    story = Story()
    story.order(obliged("answer_subjects", **how))
    return story


def test_silence_about_enquiries_shows_nothing() -> None:
    story = ordered()
    assert finding(story, 20).verdict == "outstanding"
    found = finding(story)
    assert (found.verdict, rules(found), found.word) == ("cannot_be_proved", ["enquiry.none_known"], "nobody")
    attest(story, "answer-subjects")
    found = finding(story)
    assert (found.verdict, found.word, found.evidence) == ("carried_out", "controller", "E0")


@pytest.mark.parametrize("outcome", ["fulfilled", "partial", "refused", "no_match"])
def test_any_outcome_is_an_answer(outcome: str) -> None:
    story = ordered()
    enquire(story, "q-1", 1)
    assert finding(story, 20).verdict == "outstanding"
    answer(story, "q-1", outcome)
    assert finding(story, 20).verdict == "carried_out"


def test_in_time_is_what_the_witnesses_prove() -> None:
    story = ordered()
    enquire(story, "q-1")
    answer(story, "q-1")
    assert counted(finding(story)) == {"enquiries": 1, "answered_time_unproved": 1}
    witnessed(story)
    assert counted(finding(story)) == {"enquiries": 1, "answered_in_time": 1}


def test_unanswered_after_the_deadline_is_a_breach_that_an_answer_ends() -> None:
    story = ordered()
    index = enquire(story, "q-1", due=10)
    assert finding(story, 30).verdict == "outstanding"
    found = finding(story)
    assert (found.verdict, counted(found)) == ("breached", {"enquiries": 1, "overdue": 1})
    assert listed(found) == [("enquiry.overdue", index, 10)]
    index = answer(at_day(story, 33), "q-1")
    found = finding(story)
    assert (found.verdict, counted(found)) == ("carried_out", {"enquiries": 1, "answered_late": 1})
    assert listed(found) == [("enquiry.late", index, 4)]


def test_an_earlier_claimed_time_answers_no_sooner() -> None:
    story = ordered()
    enquire(story, "q-1", due=10)
    answer(at_day(story, 33), "q-1", time=day(5))
    assert counted(finding(story))["answered_late"] == 1


def test_a_new_enquiry_has_its_own_time() -> None:
    story = ordered()
    enquire(story, "q-1")
    answer(story, "q-1")
    enquire(at_day(story, 35), "q-2", due=60)
    assert finding(story, 60).verdict == "carried_out"
    assert finding(story, 61).verdict == "breached"


def test_an_extension_counts_when_it_came_in_time() -> None:
    story = ordered()
    enquire(story, "q-1", due=10)
    extend(at_day(story, 9), "q-1", 50)
    found = finding(story)
    assert (found.verdict, counted(found)) == ("carried_out", {"enquiries": 1, "extended": 1, "pending": 1})
    story = ordered()
    enquire(story, "q-1", due=10)
    index = extend(at_day(story, 11), "q-1", 50)
    found = finding(story)
    assert found.verdict == "breached"
    assert ("enquiry.extended_late", index, 0) in listed(found)


def test_an_extension_brings_no_due_date_forward() -> None:
    story = ordered()
    enquire(story, "q-1", due=50)
    extend(story, "q-1", 10)
    assert finding(story).verdict == "carried_out"


@pytest.mark.parametrize("extended", [False, True])
def test_nobody_grants_himself_more_than_three_months(extended: bool) -> None:
    story = ordered()
    enquire(story, "q-1", due=1_000)
    if extended:
        extend(story, "q-1", 2_000)
    assert finding(story, 90).verdict == "carried_out"  # To 1 April.
    assert finding(story, 91).verdict == "breached"


def test_to_receive_it_again_grants_no_time() -> None:
    story = ordered()
    enquire(story, "q-1", due=10)
    enquire(story, "q-1", due=80)
    assert counted(finding(story)) == {"enquiries": 1, "overdue": 1}


def test_given_up_by_the_data_subject() -> None:
    story = ordered()
    enquire(story, "q-1")
    abandon(story, "q-1")
    found = finding(story)
    assert (found.verdict, counted(found)) == ("carried_out", {"enquiries": 1, "abandoned": 1})


def test_given_up_after_a_demand_can_not_be_proved_to_be_his_own_wish() -> None:
    story = ordered()
    enquire(story, "q-1")
    demand(story, "q-1")
    abandon(story, "q-1")
    found = finding(story)
    assert (found.verdict, rules(found)) == ("cannot_be_proved", ["enquiry.abandoned_after_demand"])
    assert counted(found) == {"enquiries": 1, "abandoned_after_demand": 1}
    answer(story, "q-1")
    assert finding(story).verdict == "carried_out"


def test_a_demand_that_he_may_refuse_deters_nobody() -> None:
    story = ordered()
    enquire(story, "q-1")
    demand(story, "q-1", optional=True)
    abandon(story, "q-1")
    assert finding(story).verdict == "carried_out"


def test_answering_what_was_never_received_is_an_orphan() -> None:
    story = ordered()
    enquire(story, "q-1")
    answer(story, "q-1")
    answer(story, "q-2")
    found = finding(story)
    assert (found.verdict, rules(found)) == ("cannot_be_proved", ["enquiry.orphan"])
    enquire(story, "q-2")
    found = finding(story)
    assert (found.verdict, rules(found)) == ("breached", ["enquiry.orphan"])


def test_an_enquiry_about_somebody_out_of_scope_is_not_asked_for() -> None:
    story = ordered()
    story.hold(1)
    story.hold(2, residency="US")
    enquire(story, "q-1", 1)
    answer(story, "q-1")
    enquire(story, "q-2", 2)
    assert counted(finding(story)) == {"enquiries": 1, "answered_time_unproved": 1}
    enquire(story, "q-3", 1, 2)
    assert finding(story).verdict == "breached"


@pytest.mark.parametrize(("setting", "enquiries"), [("in_scope", 1), ("report", 1), ("out_of_scope", 0)])
def test_an_enquiry_about_somebody_unknown(setting: str, enquiries: int) -> None:
    story = ordered(scope=replace_scope(unknown_residency=setting))
    enquire(story, "q-1", 9)
    assert finding(story).counts["enquiries"] == enquiries


def test_somebody_known_to_be_in_scope_where_the_unknown_are_left_out() -> None:
    story = ordered(scope=replace_scope(unknown_residency="out_of_scope"))
    story.hold(1)
    story.hold(2, residency="")
    enquire(story, "q-1", 1)
    enquire(story, "q-2", 2)
    assert finding(story).counts["enquiries"] == 1


def test_a_stolen_key_answers_nothing_and_hides_nothing() -> None:
    story = ordered()
    story.log.register("other.clearview.example", "controller")
    enquire(story, "q-1", by="other.clearview.example")
    answer(story, "q-1", by="other.clearview.example")
    assert finding(story).verdict == "carried_out"
    story.revoke("other.clearview.example", "2025-12-01T00:00:00Z")
    assert finding(story).verdict == "breached"


def test_a_stolen_key_puts_nothing_off() -> None:
    story = ordered()
    story.log.register("other.clearview.example", "controller")
    enquire(story, "q-1", due=10)
    extend(story, "q-1", 50, by="other.clearview.example")
    assert finding(story).verdict == "carried_out"
    story.revoke("other.clearview.example", "2025-12-01T00:00:00Z")
    assert finding(story).verdict == "breached"


def test_what_came_after_the_size_is_not_there() -> None:
    story = ordered()
    received = enquire(story, "q-1")
    answered = answer(story, "q-1")
    verdicts = [judge(story.case(PAST, size=size)).verdict for size in (received, answered, answered + 1)]
    assert verdicts == ["cannot_be_proved", "breached", "carried_out"]


def test_an_assessors_word_raises_the_evidence() -> None:
    story = ordered(independent=True, min_evidence="E1")
    enquire(story, "q-1")
    answer(story, "q-1")
    assert rules(finding(story)) == ["evidence.below_required", "evidence.not_independent"]
    attest(story, "answer-subjects", by=ASSESSOR, log_size=1)
    assert finding(story).evidence == "E0"  # He speaks of a log from before.
    attest(story, "answer-subjects", by=ASSESSOR)
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E3", "assessor")


def test_each_enquiry_is_counted_once() -> None:
    story = ordered(deadline=Deadline(at=day(15)))
    enquire(story, "q-1", due=10)
    answer(story, "q-1")
    witnessed(story)
    enquire(story, "q-2", due=16)
    answer(at_day(story, 12), "q-2")
    enquire(story, "q-3", due=12)
    enquire(story, "q-4", due=70)
    for request in ("q-5", "q-6"):
        enquire(story, request)
    demand(story, "q-6")
    abandon(story, "q-5")
    abandon(story, "q-6")
    enquire(story, "q-7", due=12)
    answer(at_day(story, 20), "q-7")
    counts = finding(story).counts
    assert counts.pop("enquiries") == 7
    assert counts.pop("extended") == 0
    assert set(counts.values()) == {1}


def erasing(answered_first: bool, right: str = "15") -> Story:
    """The order of acts in CNIL v Clearview: pending requests for access first, then erase."""
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order(obliged("answer_subjects", id="answer"), obliged("erase", depends_on=("answer",)))
    enquire(story, "q-1", 1, right=right)
    if answered_first:
        answer(story, "q-1")
    return story


def test_erased_before_a_request_was_answered_is_a_breach_for_good() -> None:
    story = erasing(answered_first=False)
    index = story.erase(1, 2)
    answer(story, "q-1")
    story.look("faces")
    for days in (20, PAST):
        found = finding(story, days, 1)
        assert found.verdict == "breached"
        exceptions = [(one.rule, one.index, one.copies) for one in found.irregularities]
        assert exceptions == [("dependency.order", index, 1)]


def test_answered_first_then_erased() -> None:
    story = erasing(answered_first=True)
    story.erase(1, 2)
    story.look("faces")
    assert finding(story, obligation=1).verdict == "carried_out"


@pytest.mark.parametrize("right", ["16", "17", "21"])
def test_only_access_needs_what_is_erased(right: str) -> None:
    story = erasing(answered_first=False, right=right)
    story.erase(1, 2)
    answer(story, "q-1")
    story.look("faces")
    assert finding(story, obligation=1).verdict == "carried_out"


def test_what_erases_nothing_breaches_no_order_of_acts() -> None:
    story = erasing(answered_first=False)
    story.erase(1, method="soft", irrecoverable=False)
    story.erase(2)
    answer(story, "q-1")
    assert "dependency.order" not in [rule for rule, *_ in listed(finding(story, obligation=1))]


def test_what_was_erased_before_the_order_breaches_none() -> None:
    story = at_day(Story(stores=("faces",)), -5)
    story.hold(1)
    enquire(story, "q-1", 1)
    story.erase(1)
    story.order(obliged("answer_subjects", id="answer"), obliged("erase", depends_on=("answer",)))
    at_day(story, 1)
    answer(story, "q-1")
    story.look("faces")
    assert finding(story, obligation=1).verdict == "carried_out"


def test_without_the_dependency_there_is_no_order_of_acts() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(obliged("answer_subjects", id="answer"), obliged("erase"))
    enquire(story, "q-1", 1)
    story.erase(1)
    story.look("faces")
    assert finding(story, obligation=1).verdict == "carried_out"


def test_a_request_that_came_after_the_erasure_is_none_that_was_pending() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(obliged("answer_subjects", id="answer"), obliged("erase", depends_on=("answer",)))
    story.erase(1)
    enquire(story, "q-1", 1)
    answer(story, "q-1", "no_match")
    story.look("faces")
    assert finding(story, obligation=1).verdict == "carried_out"
