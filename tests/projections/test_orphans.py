"""What a look names as an orphan, or as missing: when it is believed, and what it does to an order."""

from projections import events as ev
from projections.finding import Finding
from projections.members import list_members
from projections.order import Scope
from projections.tally import Member
from projections.verdict import judge
from tests.projections.conduct import at_day, obliged, rules
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, Story, erase_gb, handle

PAST, BEFORE = 40, 10  # days; the deadline is day 30
DIFFERS = ["inventory.disagrees", "copy.orphan"]


def finding(story: Story, days: float = PAST, obligation: int = 0) -> Finding:
    return story.judge(days).findings[obligation]


def erased(*obligations: object, **how: object) -> Story:
    """Of three people one resides in the US; the other two are erased from the only store."""
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.hold(3, residency="US")
    story.order(*obligations, **how)  # type: ignore[arg-type]
    story.erase(1, 2)
    return story


def counted(found: Finding) -> dict[str, int]:
    names = ("orphans", "reappeared", "missing")
    return {name: found.counts[name] for name in names if found.counts[name]}


def listed(found: Finding) -> list[tuple[str, int, int]]:
    return [(one.rule, one.index, one.copies) for one in found.irregularities]


def members(story: Story, count: str) -> list[Member]:
    case = story.case(PAST)
    judge(case)
    return list_members(case, case.order.obligations[0], count, None, 100).members()


def test_what_was_never_gone_is_named_and_breaches() -> None:
    story = erased()
    at = story.look("faces", 2, 3, by=ASSESSOR, orphans=(2,)) + 2
    found = finding(story)
    assert (found.verdict, rules(found)) == ("breached", DIFFERS)
    assert listed(found) == [("copy.orphan", at, 1)]
    assert counted(found) == {"orphans": 1, "reappeared": 1}
    assert members(story, "orphans") == members(story, "reappeared") == [Member(handle(2), "faces")]
    assert finding(story, BEFORE).verdict == "outstanding"


def test_the_difference_without_names_is_only_evidence_missing() -> None:
    story = erased()
    story.look("faces", 2, 3, by=ASSESSOR)
    found = finding(story)
    assert (found.verdict, rules(found)) == ("cannot_be_proved", ["inventory.disagrees"])
    assert (listed(found), counted(found)) == ([], {})


def test_names_that_are_not_the_difference_are_worth_nothing() -> None:
    """Not the right ones, not all, more than all, and those that are where they should be."""
    wrong = (
        {"orphans": (1,)},
        {"orphans": (2, 3)},
        {"orphans": (1, 2)},
        {"missing": (3,)},
        {"missing": (2,)},
        {"orphans": (2,), "missing": (3,)},
        {"orphans": (9,)},
    )
    for names in wrong:
        story = erased()
        at = story.look("faces", 2, 3, by=ASSESSOR, **names) + 2
        found = finding(story)
        assert (found.verdict, rules(found)) == ("cannot_be_proved", ["inventory.disagrees"]), names
        many = sum(map(len, names.values()))
        assert listed(found) == [("inventory.unexplained", at, many)], names
        assert counted(found) == {}, names


def test_who_agrees_and_names_a_difference_contradicts_himself() -> None:
    story = erased()
    story.look("faces", 3, by=ASSESSOR, orphans=(2,))
    found = finding(story)
    assert (found.verdict, [one.rule for one in found.irregularities]) == (
        "carried_out",
        ["inventory.unexplained"],
    )


def test_what_the_controller_names_itself_is_there_too() -> None:
    story = erased()
    story.look("faces", 2, 3, orphans=(2,))
    assert finding(story).verdict == "breached"


def test_a_record_that_was_never_logged_is_of_unknown_residency() -> None:
    """As the scope says of those: in scope, reported, or left out."""
    verdicts = {"in_scope": "breached", "report": "cannot_be_proved", "out_of_scope": "cannot_be_proved"}
    for unknown, verdict in verdicts.items():
        scope = Scope(residency=("GB",), unknown_residency=unknown)  # type: ignore[arg-type]
        story = erased(erase_gb(scope=scope))
        story.look("faces", 3, 99, by=ASSESSOR, orphans=(99,))
        found = finding(story)
        assert (found.verdict, counted(found)) == (verdict, {"orphans": 1}), unknown
        assert ("copy.orphan" in rules(found)) == (unknown != "out_of_scope"), unknown


def test_somebody_elses_copy_is_a_difference_and_no_breach() -> None:
    story = Story(stores=("faces", "index"))
    story.hold(1)
    story.hold(3, residency="US")
    story.order()
    story.erase(1)
    story.look("faces", 3)
    story.look("index", 3, by=ASSESSOR, orphans=(3,))
    found = finding(story)
    assert (found.verdict, rules(found)) == ("cannot_be_proved", ["inventory.disagrees"])
    assert counted(found) == {"orphans": 1}


def test_what_is_missing_is_listed_and_counts_as_the_ledger_has_it() -> None:
    story = erased()
    story.hold(4, 5)
    story.look("faces", 3, 4, by=ASSESSOR, missing=(5,))
    found = finding(story)
    assert rules(found) == ["inventory.disagrees"]
    assert members(story, "missing") == [Member(handle(5), "faces")]
    # Once it is erased on record too, only the look is an old one.
    story.erase(4, 5)
    assert (counted(finding(story)), finding(story).verdict) == ({}, "cannot_be_proved")
    story.look("faces", 3, by=ASSESSOR)
    assert finding(story).verdict == "carried_out"


def test_after_a_restore_the_next_look_opens_the_order_again() -> None:
    """An old dump is put back, and nobody says a word of it."""
    story = erased()
    story.look("faces", 3, by=ASSESSOR)
    assert finding(story).verdict == "carried_out"
    story.post(ev.BackupRestored(backup="b-1", controller=CONTROLLER, erasures_reapplied=True, store="faces"))
    story.look("faces", 1, 2, 3, by=ASSESSOR, orphans=(1, 2))
    found = finding(story)
    assert (found.verdict, counted(found)) == ("breached", {"orphans": 2, "reappeared": 2})


def test_who_owns_up_and_erases_again_waits_for_the_next_look() -> None:
    story = erased()
    story.look("faces", 2, 3, by=ASSESSOR, orphans=(2,))
    story.post(ev.DataReappeared(cause="unknown", controller=CONTROLLER, records=(handle(2),), store="faces"))
    # Known by now: counted as a live copy and no more as an orphan.
    found = finding(story)
    assert (found.verdict, found.counts["live"], found.counts["reopened"]) == ("breached", 1, 1)
    assert (rules(found), counted(found)) == (["inventory.disagrees"], {})
    story.erase(2)
    found = finding(story)
    assert (found.verdict, rules(found), counted(found)) == ("cannot_be_proved", ["inventory.disagrees"], {})
    story.look("faces", 3)
    assert finding(story).verdict == "cannot_be_proved"
    story.look("faces", 3, by=ASSESSOR)
    assert finding(story).verdict == "carried_out"


def test_one_more_word_that_it_was_erased_needs_no_reappearance() -> None:
    """Erased again, and said so: what the look found was before."""
    story = erased()
    story.look("faces", 2, 3, by=ASSESSOR, orphans=(2,))
    story.erase(2)
    found = finding(story)
    # The ledger knew it as erased, so the word changes nothing of it, and the copy was there.
    assert (found.verdict, counted(found)) == ("breached", {"orphans": 1, "reappeared": 1})


def test_an_assessors_names_outlive_the_controllers_look() -> None:
    story = erased()
    story.look("faces", 2, 3, by=ASSESSOR, orphans=(2,))
    story.look("faces", 3)
    assert finding(story).verdict == "breached"


def test_what_the_authority_exempts_or_holds_may_be_there() -> None:
    for said in (
        ev.ExemptionGranted(
            controller=CONTROLLER,
            ground="legal_claims",
            obligation="erase",
            order=ORDER,
            records=(handle(2),),
        ),
        ev.HoldPlaced(
            basis="legal_claims", controller=CONTROLLER, hold="h-1", records=(handle(2),), until="2027-01-01"
        ),
    ):
        story = erased()
        story.post(said, by=AUTHORITY)
        story.look("faces", 2, 3, by=ASSESSOR, orphans=(2,))
        found = finding(story)
        assert (found.verdict, rules(found)) == ("cannot_be_proved", ["inventory.disagrees"])
        assert counted(found) == {"orphans": 1, "reappeared": 1}


def test_only_what_was_derived_where_only_that_is_asked_about() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.derive([101], [1], store="faces")
    story.order(erase_gb(include=()), obliged("erase_derived"))
    story.erase(1, 101)
    story.look("faces", 101, by=ASSESSOR, orphans=(101,))
    plain, derived = story.judge(PAST).findings
    assert (plain.verdict, rules(plain)) == ("cannot_be_proved", ["inventory.disagrees"])
    assert (derived.verdict, rules(derived)) == ("breached", DIFFERS)
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(obliged("erase_derived"))
    story.erase(1)
    story.look("faces", 1, by=ASSESSOR, orphans=(1,))
    assert finding(story).verdict == "cannot_be_proved"


def test_whoever_has_no_outbox_names_what_no_event_explains() -> None:
    """His set is the ledger's at some size of his span, but for what he names."""
    story = erased()
    before = story.log.checkpoint(story.log.size)
    story.hold(4, residency="US")
    story.hold(5, residency="US")
    # He saw the fourth, and not the fifth yet.
    story.look("faces", 2, 3, 4, by=ASSESSOR, quotes=before, announced=False, orphans=(2,))
    found = finding(story)
    assert (found.verdict, counted(found)) == ("breached", {"orphans": 1, "reappeared": 1})
    # What an event explains is no orphan.
    story = erased()
    before = story.log.checkpoint(story.log.size)
    story.hold(4, residency="US")
    story.hold(5, residency="US")
    story.look("faces", 2, 4, 3, by=ASSESSOR, quotes=before, announced=False, orphans=(2, 4, 5))
    assert [one.rule for one in finding(story).irregularities] == ["inventory.unexplained"]


def test_an_erasure_within_the_span_of_a_look_answers_nothing() -> None:
    """He may have looked after it."""
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1)
    before = story.log.checkpoint(story.log.size)
    story.erase(2)
    story.look("faces", 2, by=ASSESSOR, quotes=before, announced=False)
    assert finding(story).verdict == "cannot_be_proved"  # Too early: the last erasure is in the span.
    story.look("faces", 2, by=ASSESSOR, orphans=(2,))
    assert finding(story).verdict == "breached"


def test_a_stolen_key_names_nothing_and_an_assessors_find_stands() -> None:
    story = erased()
    story.look("faces", 2, 3, by=ASSESSOR, orphans=(2,))
    story.revoke(ASSESSOR, "2025-12-01T00:00:00Z", "auditor")
    assert finding(story).verdict == "breached"
    story = erased()
    at_day(story, 5)
    story.look("faces", 2, 3, orphans=(2,))
    story.revoke(COMPANY, "2026-01-05T00:00:00Z")
    assert listed(finding(story)) == []


def test_restriction_and_retention_list_what_a_look_names() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(obliged("restrict"), obliged("limit_retention"))
    story.look("faces", 1, 2, by=ASSESSOR, orphans=(2,))
    for found in story.judge(PAST).findings:
        assert "copy.orphan" in {one.rule for one in found.irregularities}
        assert "inventory.disagrees" in rules(found)
