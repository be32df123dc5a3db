"""Obligations that are due again and again, rule by rule."""

from typing import Any

import pytest

from projections.finding import Finding
from projections.moments import first_second, nth_after
from projections.order import Deadline
from projections.vocabulary import FieldError
from tests.projections.conduct import at_day, attest, finding, listed, obliged, reject, rules
from tests.projections.story import ASSESSOR, Story, erase_gb


def yearly(kind: str = "attest", **how: Any) -> Story:
    """Due on 31 January 2026 and every month after it, to be short."""
    story = Story()
    story.order(
        obliged(kind, id="it", deadline=Deadline(at="2026-01-31"), recurrence="P1M", **how),
    )
    return story


def missed(found: Finding) -> list[str]:
    return [gap.subject for gap in found.gaps if gap.rule == "recurrence.missed"]


def test_each_period_takes_an_attestation_of_its_own() -> None:
    story = yearly()
    attest(story, "it")
    assert finding(story, 45).verdict == "carried_out"
    found = finding(story, 95)
    assert (found.verdict, missed(found)) == ("cannot_be_proved", ["2026-02-28", "2026-03-31"])
    attest(at_day(story, 40), "it")
    attest(at_day(story, 41), "it")
    assert missed(finding(story, 95)) == ["2026-03-31"]
    attest(at_day(story, 80), "it")
    assert finding(story, 95).verdict == "carried_out"


def test_the_month_that_runs_is_not_missed_yet() -> None:
    story = yearly()
    attest(story, "it")
    last_second_of_february = 59 - 1 / 86_400
    assert finding(story, last_second_of_february).verdict == "carried_out"
    assert finding(story, 59).verdict == "cannot_be_proved"


def test_late_serves_the_period_missed_and_no_other() -> None:
    story = yearly()
    attest(story, "it")
    index = attest(at_day(story, 61.5), "it")
    found = finding(story, 95)
    assert missed(found) == ["2026-03-31"]
    assert listed(found) == [("recurrence.late", index, 3)]


def test_the_first_period_late_is_not_the_second_too() -> None:
    story = yearly()
    attest(at_day(story, 50), "it")
    found = finding(story, 65)
    assert (rules(found), missed(found)) == (["recurrence.missed"], ["2026-02-28"])


def test_nothing_at_all_is_missed_every_time() -> None:
    found = finding(yearly(), 65)
    assert rules(found) == ["attestation.missing", "recurrence.missed"]


def test_what_is_done_otherwise_is_vouched_for_from_the_second_time_on() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(recurrence="P1M"))
    story.erase(1)
    story.look("faces")
    assert finding(story, 45).verdict == "carried_out"
    assert missed(finding(story, 61)) == ["2026-02-28"]
    attest(at_day(story, 20), "erase")
    assert missed(finding(story, 61)) == ["2026-02-28"]


def test_one_word_is_enough_for_the_second_time() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(recurrence="P1M"))
    story.erase(1)
    story.look("faces")
    attest(at_day(story, 45), "erase")
    assert finding(story, 61).verdict == "carried_out"


def test_with_the_oath_demanded() -> None:
    story = yearly(oath="sworn")
    attest(story, "it", oath="sworn")
    attest(at_day(story, 45), "it", oath="declaration")
    assert missed(finding(story, 61)) == ["2026-02-28"]


def test_an_assessment_each_time() -> None:
    story = yearly("independent_assessment")
    attest(story, "it", by=ASSESSOR)
    attest(at_day(story, 45), "it")
    assert missed(finding(story, 61)) == ["2026-02-28"]
    attest(story, "it", by=ASSESSOR)
    assert finding(story, 61).verdict == "carried_out"


def test_independence_each_time() -> None:
    story = yearly("publish", independent=True)
    attest(story, "it")
    attest(story, "it", by=ASSESSOR)
    attest(at_day(story, 45), "it")
    assert missed(finding(story, 61)) == ["2026-02-28"]
    attest(story, "it", by=ASSESSOR)
    assert not finding(story, 61).gaps


def test_a_later_acceptance_keeps_the_earlier_ones() -> None:
    story = yearly("independent_assessment")
    attest(story, "it", by=ASSESSOR)
    reject(at_day(story, 45), "it")
    attest(story, "it", by=ASSESSOR)
    assert not missed(finding(story, 61))


def test_months_are_counted_from_the_deadline() -> None:
    start = first_second("2026-01-31T12:00:00Z")
    reached = [nth_after(start, "P1M", times) for times in (0, 1, 2, 13)]
    assert reached == [
        first_second(f"{day}T12:00:00Z") for day in ("2026-01-31", "2026-02-28", "2026-03-31", "2027-02-28")
    ]
    assert nth_after(start, "P1W", 3) == start + 21 * 86_400


@pytest.mark.parametrize("recurrence", ["P0D", "PT1S", "PT23H59M"])
def test_recurring_within_a_day_is_refused(recurrence: str) -> None:
    with pytest.raises(FieldError, match="recurrence"):
        obliged("attest", recurrence=recurrence)
    obliged("attest", recurrence="PT24H")


def test_what_was_attested_of_each_obligation_serves_the_first_time() -> None:
    story = Story()
    confirm = obliged(
        "attest", id="it", depends_on=("one",), deadline=Deadline(at="2026-01-31"), recurrence="P1M"
    )
    story.order(obliged("publish", id="one"), confirm)
    attest(story, "one")
    assert finding(story, 45, obligation=1).verdict == "carried_out"
    attest(at_day(story, 40), "it")
    assert finding(story, 80, obligation=1).verdict == "carried_out"
    assert missed(finding(story, 95, obligation=1)) == ["2026-03-31"]
