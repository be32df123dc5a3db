"""What contradicts an erasure, or the word that it was looked for: `erasure.contradicted`,
`verification.contradicted`; and what such a look is worth."""

from collections.abc import Callable
from typing import Any

import pytest

from projections import events as ev
from projections.finding import Finding
from signing.encoding import encode_base64
from tests.projections.acts import access, disclose, match, verify_gone
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import ASSESSOR, COMPANY, Story, erase_gb, replace_scope

PAST = 40  # days; the deadline is day 30
WITHOUT_RECIPIENTS = ("backups", "copies", "derived")


def finding(story: Story, days: float = PAST) -> Finding:
    return story.judge(days).findings[0]


def contradictions(found: Finding) -> list[tuple[int, str, str, int]]:
    return [
        (one.index, one.by, one.store, one.copies)
        for one in found.irregularities
        if one.rule == "erasure.contradicted"
    ]


def gap(found: Finding) -> list[tuple[str, int]]:
    return [(one.subject, one.copies) for one in found.gaps if one.rule == "erasure.contradicted"]


def erased(*stores: str) -> Story:
    """Two records of residents of GB, erased from each of these stores, and looked for."""
    story = Story(stores=stores or ("faces",))
    for store in story.stores:
        story.hold(1, 2, store=store)
    story.order(erase_gb(include=WITHOUT_RECIPIENTS))
    for store in story.stores:
        story.erase(1, 2, store=store)
        story.look(store)
    return story


@pytest.mark.parametrize("use", [access, match, disclose])
def test_a_use_after_the_erasure_takes_a_later_look_into_the_store(use: Callable[..., int]) -> None:
    story = erased()
    assert finding(story).verdict == "carried_out"
    used = use(story, 1)
    found = finding(story)
    assert (found.verdict, finding(story, 20).verdict) == ("cannot_be_proved", "outstanding")
    assert contradictions(found) == [(used, COMPANY, "faces", 1)]
    assert gap(found) == [("faces", 1)]
    story.look("faces")
    found = finding(story)
    assert (found.verdict, gap(found)) == ("carried_out", [])
    assert contradictions(found) == [(used, COMPANY, "faces", 1)], "it stays listed"


def test_only_a_look_begun_after_the_use_settles_it() -> None:
    story = erased()
    story.look("faces", by=ASSESSOR)
    access(story, 1, 2)
    assert gap(finding(story)) == [("faces", 2)]
    story.look("faces", 1)
    found = finding(story)
    assert (found.verdict, gap(found)) == ("cannot_be_proved", [])
    assert "inventory.disagrees" in {one.rule for one in found.gaps}


def test_every_store_that_it_was_erased_from_is_in_doubt() -> None:
    story = erased("faces", "index")
    access(story, 1)
    access(story, 1)
    assert gap(finding(story)) == [("faces", 1), ("index", 1)]
    story.look("faces")
    assert gap(finding(story)) == [("index", 1)]


@pytest.mark.parametrize("where", ["before", "elsewhere", "again", "never", "out"])
def test_what_contradicts_nothing(where: str) -> None:
    """Used before the erasure, while a copy stands elsewhere, after it was held anew, though it was never on
    record, or out of scope."""
    story = Story(stores=("faces", "index"))
    story.hold(1, residency="US" if where == "out" else "GB")
    if where == "elsewhere":
        story.hold(1, store="index")
    scope: Any = replace_scope(stores=("faces",))
    story.order(erase_gb(include=WITHOUT_RECIPIENTS, scope=scope))
    if where == "before":
        access(story, 1)
    story.erase(1)
    if where == "again":
        story.hold(1)
    if where != "before":
        access(story, 9 if where == "never" else 1)
    assert contradictions(finding(story)) == []


def test_what_came_back_after_the_use_is_listed_all_the_same() -> None:
    story = erased()
    used = access(story, 1)
    story.hold(1)
    assert finding(story).verdict == "breached"
    story.erase(1)
    story.look("faces")
    assert (finding(story).verdict, contradictions(finding(story))) == (
        "carried_out",
        [(used, COMPANY, "faces", 1)],
    )


def test_an_erasure_without_effect_is_contradicted_by_nothing() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    story.erase(1, method="soft", irrecoverable=False)
    access(story, 1)
    assert contradictions(finding(story)) == []


# Looks for what is said to be gone.


@pytest.mark.parametrize("by", [COMPANY, ASSESSOR])
def test_what_was_looked_for_and_not_found_is_counted_and_stands_in_for_no_look(by: str) -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1, 2)
    before = finding(story)
    verify_gone(story, 2, by=by)
    verify_gone(story, 2, by=by)
    found = finding(story)
    assert (before.counts["verified_absent"], found.counts["verified_absent"]) == (0, 1)
    assert (found.verdict, found.evidence, found.gaps) == ("cannot_be_proved", "E0", before.gaps)
    assert found.irregularities == ()


def test_what_is_verified_by_a_digest_or_for_another_store_or_life_or_by_a_thief_is_not_counted() -> None:
    story = erased("faces", "index")
    digest = encode_base64(bytes(32))
    story.post(
        ev.DeletionVerified(controller=CONTROLLER, digest=digest, method="negative_read", store="faces")
    )
    verify_gone(story, 1, store="attic")
    assert finding(story).counts["verified_absent"] == 0
    verify_gone(story, 1)
    assert finding(story).counts["verified_absent"] == 1
    story.hold(1)
    story.erase(1)
    assert finding(story).counts["verified_absent"] == 0
    verify_gone(story, 1, by=ASSESSOR)
    story.revoke(ASSESSOR, "2026-01-01T00:00:00Z", role="auditor")
    assert finding(story).counts["verified_absent"] == 0


def test_a_look_that_misses_what_is_there_is_listed() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(2)
    missed = verify_gone(story, 1, 2)
    found = finding(story)
    assert (found.counts["verified_absent"], found.counts["live"]) == (1, 1)
    assert [(one.rule, one.index, one.store, one.copies) for one in found.irregularities] == [
        ("verification.contradicted", missed, "faces", 1)
    ]
    story.erase(1)
    assert [one.index for one in finding(story).irregularities] == [missed], "it was not gone then"
