"""Backups: copies with a clock (DOMAIN §5). Each test fails when its rule is taken away."""

import pytest

from projections import events as ev
from projections.finding import Finding
from projections.verdict import judge
from tests.projections.acts import FAR, back_up, day, exempt, expire, place_hold, restore, wait
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import DAY_S, START_S, Story, erase_gb, handle

PAST = 40  # days; the deadline is day 30


def finding(story: Story, days: float = PAST) -> Finding:
    return story.judge(days).findings[0]


def backed_up(expires_at: str = FAR, method: str = "purge") -> Story:
    """Held, backed up, ordered, erased, looked into."""
    story = Story(stores=("faces",))
    story.hold(1)
    back_up(story, day(0.001), expires_at)
    story.order()
    story.erase(1, method=method)
    story.look("faces")
    return story


def test_what_a_backup_holds_is_outstanding_then_breached_until_it_expires() -> None:
    story = backed_up(day(35))
    for days, verdict in ((29, "outstanding"), (34, "breached"), (35, "carried_out")):
        assert finding(story, days).verdict == verdict
    found = finding(story, 34)
    assert (found.counts["live"], found.counts["in_backups"]) == (0, 1)
    assert [(gap.rule, gap.subject, gap.copies, gap.until) for gap in found.gaps] == [
        ("backup.unexpired", "faces", 1, START_S + 35 * DAY_S)
    ]


def test_a_backup_that_expired_by_an_event_holds_nothing() -> None:
    story = backed_up()
    expire(story, name="b-2")
    expire(story, store="index")
    assert finding(story).counts["in_backups"] == 1
    before = story.log.size
    expire(story)
    assert finding(story).verdict == "carried_out"
    assert judge(story.case(PAST, size=before)).findings[0].counts["in_backups"] == 1


def test_a_backup_made_again_under_its_name_is_there_again() -> None:
    story = backed_up()
    expire(story)
    back_up(story, day(0.0001), FAR)
    assert finding(story).counts["in_backups"] == 1


def test_only_the_stores_operator_lets_its_backups_expire() -> None:
    story = backed_up()
    story.log.register("processor.example", "processor")
    expire(story, by="processor.example")
    found = finding(story)
    assert found.verdict == "breached"
    assert [one.rule for one in found.irregularities] == ["backup.foreign"]


def test_an_expiry_under_a_stolen_key_has_no_effect() -> None:
    story = backed_up()
    wait(story, 5)
    expire(story)
    story.revoke("systems.clearview.example", day(4))
    assert [one.rule for one in finding(story).irregularities] == ["backup.compromised"]
    assert finding(story).counts["in_backups"] == 1


def test_backups_are_asked_about_where_the_order_includes_them() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    back_up(story, day(0.0001), FAR)
    story.order(erase_gb(include=("copies",)))
    story.erase(1)
    story.look("faces")
    assert finding(story).verdict == "carried_out"


def test_without_its_key_a_backup_holds_nothing() -> None:
    assert finding(backed_up(method="crypto_erase")).verdict == "carried_out"


def test_a_backup_of_another_store_or_of_later_holds_nothing() -> None:
    story = Story(stores=("faces", "index"))
    story.hold(1)
    back_up(story, day(0.0001), FAR, store="index")
    story.order()
    story.erase(1)
    wait(story, 2)
    back_up(story, day(1), FAR, name="b-2")
    for store in story.stores:
        story.look(store)
    assert finding(story).verdict == "carried_out"


def test_when_a_backup_was_taken_is_its_makers_claim() -> None:
    """Said to be from before the collection, and posted while the copy was there: it may hold it. And what
    was held when the ledger began was in every backup made before."""
    story = Story(stores=("faces",))
    back_up(story, "2020-01-01T00:00:00Z", FAR, name="older")
    story.collect(1)
    story.order()
    story.erase(1)
    story.look("faces")
    assert finding(story).counts["in_backups"] == 0
    story = Story(stores=("faces",))
    story.collect(1)
    back_up(story, "2020-01-01T00:00:00Z", FAR)
    story.order()
    story.erase(1)
    story.look("faces")
    assert finding(story).counts["in_backups"] == 1
    story = Story(stores=("faces",))
    back_up(story, "2020-01-01T00:00:00Z", FAR)
    story.hold(1)
    story.order()
    story.erase(1)
    story.look("faces")
    assert finding(story).counts["in_backups"] == 1


def test_a_backup_of_an_earlier_life_holds_it_still() -> None:
    story = backed_up()
    story.collect(1)
    wait(story, 1)
    story.erase(1)
    story.look("faces")
    assert finding(story).counts["in_backups"] == 1


@pytest.mark.parametrize("relieve", [exempt, place_hold])
def test_what_the_authority_lets_stay_may_stay_in_backups(relieve: object) -> None:
    story = backed_up()
    relieve(story, 1)  # type: ignore[operator]
    assert finding(story).verdict == "carried_out"


def test_a_restore_without_the_erasures_needs_a_look_of_its_own() -> None:
    story = backed_up(day(20))
    restore(story, reapplied=False)
    found = finding(story)
    assert found.verdict == "cannot_be_proved"
    assert {gap.rule for gap in found.gaps} == {"inventory.missing", "backup.restored"}
    story.look("faces")
    assert finding(story).verdict == "carried_out"


def test_who_restored_and_says_that_he_erased_again_is_looked_at_again() -> None:
    story = backed_up(day(20))
    restore(story, reapplied=True)
    found = finding(story)
    assert (found.verdict, [gap.rule for gap in found.gaps]) == ("cannot_be_proved", ["inventory.missing"])
    story.look("faces")
    assert finding(story).verdict == "carried_out"


@pytest.mark.parametrize("reapplied", [True, False])
def test_what_a_restore_brings_into_another_store_nobody_has_seen(reapplied: bool) -> None:
    """Nothing was ever erased from there, and somebody has looked into it before."""
    story = Story(stores=("faces", "index"))
    story.hold(1)
    back_up(story, day(0.0001), day(20), store="faces")
    story.order()
    story.erase(1)
    story.look("faces")
    story.look("index")
    wait(story, 25)
    assert finding(story).verdict == "carried_out"
    restore(story, reapplied=reapplied, store="index")
    found = finding(story)
    assert [(gap.rule, gap.subject) for gap in found.gaps] == [("inventory.missing", "index")]
    story.look("index")
    assert finding(story).verdict == "carried_out"


def test_a_backup_that_is_restored_had_not_expired() -> None:
    story = backed_up()
    gone = expire(story)
    assert finding(story).counts["in_backups"] == 0
    restore(story, reapplied=True, store="index")
    story.look("faces")
    found = finding(story)
    assert (found.verdict, found.counts["in_backups"]) == ("breached", 1)
    assert [(one.rule, one.index) for one in found.irregularities] == [("backup.survived", gone)]
    expire(story)
    assert finding(story).counts["in_backups"] == 0


def test_another_backup_of_the_name_says_nothing_of_the_first() -> None:
    story = backed_up()
    expire(story)
    back_up(story, day(50), FAR)
    restore(story, reapplied=True)
    story.look("faces")
    found = finding(story)
    assert (found.counts["in_backups"], found.irregularities) == (0, ())


def test_what_a_restore_brought_back_is_live() -> None:
    story = backed_up(day(20))
    restore(story, reapplied=False)
    story.post(ev.DataReappeared(cause="restore", controller=CONTROLLER, records=(handle(1),), store="faces"))
    found = finding(story)
    assert (found.verdict, found.counts["reopened"]) == ("breached", 1)
