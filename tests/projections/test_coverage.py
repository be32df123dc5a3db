"""Who looked into which store, when, and whose look governs (DOMAIN §5)."""

from typing import Any

import msgspec
import pytest

from projections import events as ev
from projections.finding import Finding
from projections.verdict import judge
from signing.checkpoint import Checkpoint
from signing.encoding import encode_base64
from tests.projections.logbuilder import CONTROLLER, ORIGIN
from tests.projections.story import ASSESSOR, Story, erase_gb

PAST = 40  # days; the deadline is day 30


def finding(story: Story) -> Finding:
    return story.judge(PAST).findings[0]


def rules(found: Finding) -> set[str]:
    return {gap.rule for gap in found.gaps}


def test_an_inventory_begun_before_the_last_erasure_looked_too_early() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.look("faces", 1, 2)
    story.erase(1, 2)
    assert rules(finding(story)) == {"inventory.missing"}


def test_an_inventory_that_disagrees_is_no_evidence() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1, 2)
    story.look("faces", 1)
    found = finding(story)
    assert found.verdict == "cannot_be_proved"
    assert rules(found) == {"inventory.disagrees"}
    assert found.evidence == "E0"


def test_an_inventory_counts_from_its_attestation_on() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    story.erase(1)
    story.look("faces")
    attested = story.log.size - 1
    before, after = (judge(story.case(PAST, size=size)).verdict for size in (attested, attested + 1))
    assert (before, after) == ("cannot_be_proved", "carried_out")


def test_an_inventory_posted_without_looking_is_overruled_by_the_assessors() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1, 2)
    story.look("faces")
    assert finding(story).verdict == "carried_out"
    story.look("faces", 2, by=ASSESSOR)
    story.look("faces")
    assert rules(finding(story)) == {"inventory.disagrees"}


def test_revoking_an_assessors_key_silences_nothing_that_he_found() -> None:
    """The administrator, who is the company's, says when a key was stolen; an assessor's too."""
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1, 2)
    story.look("faces", 2, by=ASSESSOR)
    story.look("faces")
    story.revoke(ASSESSOR, "2026-01-01T00:00:00Z", role="auditor")
    assert rules(finding(story)) == {"inventory.disagrees"}


def test_what_a_stolen_assessors_key_vouched_for_is_vouched_for_no_more() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    story.erase(1)
    story.look("faces", by=ASSESSOR)
    story.revoke(ASSESSOR, "2026-01-01T00:00:00Z", role="auditor")
    assert rules(finding(story)) == {"inventory.missing"}


def test_what_an_assessor_found_only_an_assessor_settles() -> None:
    """One more erasure makes his look an old one, and leaves his question unanswered."""
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1)
    story.look("faces", 2, 99, by=ASSESSOR)
    story.erase(2)
    story.look("faces")
    assert rules(finding(story)) == {"inventory.disagrees"}
    story.look("faces", by=ASSESSOR)
    assert rules(finding(story)) == set()


def test_what_came_back_after_an_assessors_look_another_look_tells() -> None:
    """An old dump is restored and nobody says so; the company's own next inventory finds what it brought."""
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1, 2)
    story.look("faces", by=ASSESSOR)
    assert (finding(story).verdict, finding(story).evidence) == ("carried_out", "E3")
    story.look("faces", 2, orphans=(2,))
    found = finding(story)
    assert rules(found) == {"inventory.disagrees", "copy.orphan"}
    assert (found.verdict, found.evidence) == ("breached", "E0")
    story.look("faces")
    assert (finding(story).verdict, finding(story).evidence) == ("carried_out", "E3")


def test_a_look_from_before_the_order_says_nothing_of_it() -> None:
    """The store may have been filled since, and not one copy declared."""
    story = Story()
    story.look("index", by=ASSESSOR)
    story.hold(1)
    story.order()
    story.erase(1)
    story.look("faces", by=ASSESSOR)
    assert [(gap.rule, gap.subject) for gap in finding(story).gaps] == [("inventory.missing", "index")]


def test_an_inventory_under_another_blinding_key_disagrees() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2, residency="US")
    story.hold(3)
    story.order()
    story.erase(3)
    story.look("faces", 901, 902)
    assert rules(finding(story)) == {"inventory.disagrees"}


def test_an_attestation_without_a_beginning_has_no_place_in_the_log() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    begun = story.look("faces", 1, name="inv")
    story.erase(1)
    story.log.rows.pop(begun)  # In the log as it stood, the beginning was never announced.
    found = finding(story)
    assert rules(found) == {"inventory.missing"}
    assert [(one.rule, one.by, one.store) for one in found.irregularities] == [
        ("inventory.unplaced", "systems.clearview.example", "faces")
    ]


@pytest.mark.parametrize("kind", ["erase", "restrict", "limit_retention"])
def test_whatever_asks_for_a_look_lists_those_without_a_place(kind: Any) -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(msgspec.structs.replace(erase_gb(), type=kind))
    size = story.log.size
    story.look("faces", by=ASSESSOR, quotes=Checkpoint(ORIGIN, size, bytes(32)), announced=False)
    story.look("faces", by=ASSESSOR, announced=False)
    told = [one.rule for one in finding(story).irregularities if one.rule.startswith("inventory")]
    assert told == ["inventory.misplaced", "inventory.unplaced"]


def test_nobody_looks_into_a_store_whose_blinding_key_is_gone() -> None:
    """Without it no native id becomes a handle: what was counted then was made up."""
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    story.erase(1)
    before = story.look("faces")
    story.post(ev.BlindingDestroyed(blinding_commitment=encode_base64(bytes(32)), controller=CONTROLLER))
    assert (finding(story).verdict, finding(story).coverage[0].begun) == ("carried_out", before)
    story.look("faces")
    assert finding(story).coverage[0].begun == before
    story.hold(2)
    story.erase(2)
    story.look("faces")
    assert rules(finding(story)) == {"inventory.missing"}


def reconciled(story: Story, size: int, *numbers: int, by: str = ASSESSOR) -> None:
    """Somebody without an outbox looks: he names the log's size before, and announces nothing."""
    story.look("faces", *numbers, by=by, quotes=story.log.checkpoint(size), announced=False)


def traffic() -> tuple[Story, int]:
    """One record is erased as ordered; then two others come and one goes. Returns the size before these."""
    story = Story(stores=("faces",))
    story.hold(1)
    story.hold(2, residency="US")
    story.order()
    story.erase(1)
    size = story.log.size
    story.hold(3, 4, residency="US")
    story.erase(2)
    return story, size


@pytest.mark.parametrize("found", [(2,), (2, 3, 4), (3, 4)])
def test_each_difference_to_the_size_that_a_look_names_is_explained_by_what_came_since(
    found: tuple[int, ...],
) -> None:
    story, size = traffic()
    reconciled(story, size, *found)
    look = finding(story).coverage[0]
    assert (look.looked, look.agrees, look.assessor, look.begun) == (True, True, True, size)
    assert (finding(story).verdict, finding(story).evidence) == ("carried_out", "E3")


@pytest.mark.parametrize("found", [(), (2, 3), (1, 2), (3,), (2, 3, 4, 5), (5,)])
def test_a_difference_that_nothing_explains_is_one(found: tuple[int, ...]) -> None:
    story, size = traffic()
    reconciled(story, size, *found)
    assert rules(finding(story)) == {"inventory.disagrees"}


def test_what_came_after_its_attestation_explains_nothing() -> None:
    story, size = traffic()
    reconciled(story, size, 3, 4, 5)
    story.hold(5, residency="US")
    assert rules(finding(story)) == {"inventory.disagrees"}


def test_what_came_before_the_size_that_it_names_explains_nothing() -> None:
    story, _ = traffic()
    reconciled(story, story.log.size, 2)
    assert rules(finding(story)) == {"inventory.disagrees"}


def test_a_look_that_names_a_size_from_before_the_last_erasure_looked_too_early() -> None:
    """It may have been over before; that nothing is there does not help."""
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    size = story.log.size
    story.erase(1)
    reconciled(story, size)
    assert rules(finding(story)) == {"inventory.missing"}
    reconciled(story, story.log.size)
    assert finding(story).verdict == "carried_out"


def test_an_announced_beginning_is_more_exact_than_a_size() -> None:
    story, size = traffic()
    story.look("faces", 2, by=ASSESSOR, quotes=story.log.checkpoint(size))
    assert rules(finding(story)) == {"inventory.disagrees"}


def test_a_thief_explains_nothing_by_his_erasures() -> None:
    """Said under a key that was stolen: what it erased is there."""
    story, size = traffic()
    reconciled(story, size, 3, 4)
    story.revoke("systems.clearview.example", "2020-01-01T00:00:00Z")
    assert "inventory.disagrees" in rules(finding(story))


def test_an_inventory_that_names_a_root_of_this_log_counts() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    story.erase(1)
    story.look("faces", by=ASSESSOR, quotes=story.log.checkpoint())
    found = finding(story)
    assert (found.verdict, found.evidence, found.irregularities) == ("carried_out", "E3", ())


def test_an_inventory_that_names_a_root_the_log_never_had_counts_for_nothing_and_is_told() -> None:
    story = Story(stores=("faces", "index"))
    story.hold(1)
    story.order()
    story.erase(1)
    story.look("index")
    size = story.log.size
    another, later, none = (
        Checkpoint(ORIGIN, size, bytes(32)),
        Checkpoint(ORIGIN, size + 100, bytes(32)),
        Checkpoint(ORIGIN, 0, bytes(32)),
    )
    for by, quotes in ((ASSESSOR, another), ("systems.clearview.example", later), (ASSESSOR, none)):
        story.look("faces", by=by, quotes=quotes)
    found = finding(story)
    assert (found.verdict, rules(found)) == ("cannot_be_proved", {"inventory.missing"})
    told = [(one.rule, one.by, one.store) for one in found.irregularities]
    assert told == [
        ("inventory.misplaced", ASSESSOR, "faces"),
        ("inventory.misplaced", "systems.clearview.example", "faces"),
        ("inventory.misplaced", ASSESSOR, "faces"),
    ]
    # A difference that he found in another log says nothing of this one either.
    story.look("faces", 1, by=ASSESSOR, quotes=another)
    story.look("faces")
    assert finding(story).verdict == "carried_out"
    # Nor is it told before it is there.
    assert judge(story.case(PAST, size=size)).findings[0].irregularities == ()
