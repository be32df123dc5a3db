"""Time, and whose word counts, in the obligation to erase (DESIGN §3 Time, DOMAIN §5)."""

from projections.verdict import judge
from signing.setdigest import digest_of
from tests.projections.logbuilder import STEP_US, rfc3339
from tests.projections.story import ASSESSOR, COMPANY, DAY_S, DEADLINE_S, START_S, WITNESS, Story, handle
from tests.projections.test_erase import erased, finding


def test_only_a_quorum_proves_that_an_erasure_was_in_time() -> None:
    story = erased()
    assert finding(story).counts["erased_time_unproved"] == 2
    story.log.anchor(WITNESS)
    assert finding(story).counts["erased_in_time"] == 2


def test_an_anchor_after_the_deadline_proves_nothing_in_time() -> None:
    story = erased()
    story.log.anchor(WITNESS, time_s=START_S + 31 * DAY_S)
    assert finding(story).counts["erased_time_unproved"] == 2


def test_to_the_second_in_time_and_to_the_microsecond_late() -> None:
    deadline_us = DEADLINE_S * 1_000_000
    for recorded_us, proven_s, counted in (
        (deadline_us, DEADLINE_S, "erased_in_time"),
        (deadline_us, DEADLINE_S + 1, "erased_time_unproved"),
        (deadline_us + 1, DEADLINE_S, "erased_late"),
    ):
        story = Story(stores=("faces",))
        story.hold(1)
        story.order()
        story.log.now_us = recorded_us - STEP_US
        story.erase(1)
        story.log.anchor(WITNESS, time_s=proven_s)
        assert finding(story).counts[counted] == 1


def test_late_success_is_carried_out_with_the_days_late() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    story.log.now_us += 33 * DAY_S * 1_000_000
    story.erase(1)
    story.look("faces")
    found = finding(story)
    assert (found.verdict, found.counts["erased_late"]) == ("carried_out", 1)
    assert [(one.rule, one.days_late) for one in found.irregularities] == [("erasure.late", 4)]


def test_a_claimed_time_never_rescues_a_deadline() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    story.log.now_us += 33 * DAY_S * 1_000_000
    story.erase(1, time="2026-01-02T00:00:00Z")
    story.look("faces")
    found = finding(story)
    assert found.counts["erased_late"] == 1
    assert [one.rule for one in found.irregularities] == ["erasure.backdated"]


def test_a_claim_to_the_deadlines_very_second_is_backdated_too() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    story.log.now_us += 33 * DAY_S * 1_000_000
    story.erase(1, time=rfc3339(DEADLINE_S * 1_000_000))
    story.erase(1, time=rfc3339((DEADLINE_S + 1) * 1_000_000))
    assert [one.rule for one in finding(story).irregularities] == ["erasure.backdated"]


def test_the_digests_are_those_of_the_copies() -> None:
    story = erased()
    story.hold(7)
    digests = finding(story).digests
    assert digests["live"] == digest_of([f"{handle(7)} faces".encode()]).digest
    assert digests["erased"] == digest_of([f"{handle(n)} faces".encode() for n in (1, 2)]).digest


def test_what_a_stolen_key_erased_is_not_erased() -> None:
    story = erased()
    story.revoke(COMPANY, "2026-01-01T00:00:00Z")
    found = finding(story)
    assert found.verdict == "breached"
    assert {one.rule for one in found.irregularities} == {"erasure.compromised"}


def test_a_size_counts_the_entries_below_it() -> None:
    story = Story()
    story.hold(1)
    story.order()
    erasure = story.erase(1)
    assert judge(story.case(size=erasure)).findings[0].counts["live"] == 1
    assert judge(story.case(size=erasure + 1)).findings[0].counts["live"] == 0


def test_a_key_is_compromised_from_the_very_moment_said() -> None:
    story = erased()
    at_us = next(row.time_us for row in reversed(story.log.rows) if b"data.deleted" in row.body)
    for since_us, verdict in ((at_us + 1_000_000, "carried_out"), (at_us, "breached")):
        told = erased()
        told.revoke(COMPANY, rfc3339(since_us))
        told.look("faces", 3, by=ASSESSOR)
        told.look("index", by=ASSESSOR)
        assert finding(told).verdict == verdict
