"""Who else has the data, and whether he was told and answered (DOMAIN §5, GDPR Art. 19)."""

import msgspec
import pytest

from projections.finding import Finding
from projections.order import Obligation
from tests.projections.acts import POLICE, acknowledge, day, disclose, give_up, notify, wait
from tests.projections.story import COMPANY, WITNESS, Story, erase_gb, replace_scope

PAST = 40  # days; the deadline is day 30


def notify_gb(**how: object) -> Obligation:
    return msgspec.structs.replace(erase_gb(id="notify", **how), type="notify_recipients")


def disclosed(*obligations: Obligation, recipient: str = POLICE) -> Story:
    """Erased and looked into; one of two records in scope was disclosed before."""
    story = Story(stores=("faces",))
    story.log.register(POLICE, "recipient")
    story.hold(1, 2)
    disclose(story, 1, recipient=recipient)
    story.order(*obligations)
    story.erase(1, 2)
    story.look("faces")
    return story


def finding(story: Story, days: float = PAST) -> Finding:
    return story.judge(days).findings[0]


def gaps(found: Finding) -> list[tuple[str, str, int]]:
    return [(gap.rule, gap.subject, gap.copies) for gap in found.gaps]


@pytest.mark.parametrize(("days", "verdict"), [(20, "outstanding"), (PAST, "cannot_be_proved")])
def test_a_silent_recipient_is_outstanding_then_cannot_be_proved(days: float, verdict: str) -> None:
    story = disclosed()
    found = finding(story, days)
    assert found.verdict == verdict
    assert gaps(found) == [("recipient.not_notified", POLICE, 1), ("recipient.silent", POLICE, 1)]
    assert found.counts["recipients_silent"] == 1
    notify(story)
    assert gaps(finding(story)) == [("recipient.silent", POLICE, 1)]
    acknowledge(story, outcome="erased")
    assert (finding(story).verdict, finding(story).counts["recipients_silent"]) == ("carried_out", 0)


def test_an_acknowledgement_without_a_notice_is_not_enough() -> None:
    story = disclosed()
    acknowledge(story)
    assert gaps(finding(story)) == [("recipient.not_notified", POLICE, 1)]


def test_recipients_can_be_left_out() -> None:
    assert finding(disclosed(erase_gb(include=("copies",)))).verdict == "carried_out"


def test_a_justification_stands_in_for_notice_and_answer() -> None:
    story = disclosed()
    give_up(story)
    assert len(gaps(finding(story))) == 2
    give_up(story, justification="dissolved")
    assert finding(story).verdict == "carried_out"


def test_a_recipient_may_justify_keeping_it() -> None:
    story = disclosed()
    acknowledge(story, justification="legal_duty", outcome="refused")
    assert finding(story).verdict == "carried_out"


def test_only_the_recipient_acknowledges() -> None:
    story = disclosed()
    story.log.register("friend.example", "recipient")
    notify(story)
    acknowledge(story, by="friend.example", justification="legal_duty")
    found = finding(story)
    assert gaps(found) == [("recipient.silent", POLICE, 1)]
    assert [(one.rule, one.by) for one in found.irregularities] == [
        ("acknowledgement.foreign", "friend.example")
    ]


def test_what_was_said_before_the_order_or_the_disclosure_says_nothing_of_it() -> None:
    story = Story(stores=("faces",))
    story.log.register(POLICE, "recipient")
    story.hold(1)
    disclose(story, 1)
    notify(story)
    acknowledge(story)
    story.order()
    story.erase(1)
    story.look("faces")
    assert len(gaps(finding(story))) == 2
    notify(story)
    acknowledge(story)
    assert gaps(finding(story)) == []
    disclose(story, 1)
    story.look("faces")
    assert len(gaps(finding(story))) == 2


def test_a_stolen_keys_word_settles_nothing() -> None:
    story = disclosed()
    story.log.register("other.clearview.example", "controller")
    notify(story, by="other.clearview.example")
    acknowledge(story)
    assert gaps(finding(story)) == []
    story.revoke("other.clearview.example", "2026-01-01T00:00:00Z")
    assert gaps(finding(story)) == [("recipient.not_notified", POLICE, 1)]
    story.revoke(POLICE, "2026-01-01T00:00:00Z", role="recipient")
    assert len(gaps(finding(story))) == 2


def test_disclosures_of_others_records_are_not_asked_about() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.hold(2, residency="US")
    disclose(story, 2)
    story.order()
    story.erase(1)
    story.look("faces", 2)
    assert finding(story).verdict == "carried_out"


def test_a_disclosure_counts_from_its_own_entry_on() -> None:
    story = disclosed()
    notify(story)
    acknowledge(story)
    size = story.log.size
    disclose(story, 2, name="d-2")
    assert story.judge(PAST).verdict == "cannot_be_proved"
    case = story.case(PAST, size=size)
    from projections.verdict import judge

    assert judge(case).verdict == "carried_out"


# The obligation to notify, by itself.


def test_notified_and_acknowledged_is_carried_out_on_the_recipients_signature() -> None:
    story = disclosed(notify_gb())
    assert (finding(story, 20).verdict, finding(story).verdict) == ("outstanding", "cannot_be_proved")
    index = notify(story)
    story.log.anchor(WITNESS)
    acknowledge(story)
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E1", "controller")
    assert (found.counts["disclosures"], found.counts["notified_in_time"]) == (1, 1)
    assert found.last_act == index


def test_a_justified_silence_is_the_controllers_bare_word() -> None:
    story = disclosed(notify_gb())
    give_up(story, justification="impossible")
    assert (finding(story).verdict, finding(story).evidence) == ("carried_out", "E0")


def test_a_late_notice_is_listed_with_its_days_and_a_backdated_one_as_such() -> None:
    for time, rule in ((None, "notice.late"), (day(5), "notice.backdated")):
        story = disclosed(notify_gb())
        wait(story, 33)
        notify(story, time=time)
        acknowledge(story)
        found = finding(story)
        assert (found.verdict, found.counts["notified_late"]) == ("carried_out", 1)
        assert [(one.rule, one.copies, one.days_late) for one in found.irregularities] == [(rule, 1, 4)]


def test_no_disclosure_on_record_is_no_success_by_itself() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(notify_gb())
    assert gaps(finding(story)) == [("disclosure.none_declared", "", 0)]
    assert finding(story).word == "nobody"


def test_the_scope_decides_whose_disclosures_count() -> None:
    story = disclosed(notify_gb(scope=replace_scope(residency=("FR",))))
    assert gaps(finding(story)) == [("disclosure.none_declared", "", 0)]
    assert finding(story).counts["out_of_scope"] == 2


def test_a_large_disclosure_takes_several_events() -> None:
    story = disclosed(notify_gb())
    disclose(story, 2)
    notify(story)
    acknowledge(story, by=POLICE)
    found = finding(story)
    assert (found.verdict, found.counts["disclosures"]) == ("carried_out", 2)
    assert COMPANY != POLICE


def test_whoever_answers_after_he_was_given_up_signs_for_himself() -> None:
    story = disclosed(notify_gb())
    give_up(story, justification="dissolved")
    assert (finding(story).verdict, finding(story).evidence) == ("carried_out", "E0")
    acknowledge(story)
    assert (finding(story).verdict, finding(story).evidence) == ("carried_out", "E1")


def test_a_strangers_word_for_an_erasure_puts_nothing_into_a_store() -> None:
    scope = replace_scope(stores=("faces",))
    story = Story(stores=("faces", "vault"))
    story.hold(1, store="vault")
    disclose(story, 1)
    story.order(notify_gb(scope=scope))
    story.log.register("host.example", "processor")
    for by, count in (("host.example", 0), (COMPANY, 1)):
        story.erase(1, store="faces", by=by)
        assert finding(story).counts["disclosures"] == count
