"""Probes and samples: what was found where nothing should be, rule by rule."""

from typing import Any

from projections import events as ev
from projections.verdict import judge
from signing.encoding import encode_base64
from tests.projections.conduct import finding, listed, rules
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, Story, erase_gb


def erased() -> Story:
    """Two copies erased, on the controller's own word."""
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.hold(3, residency="US")
    story.order(erase_gb())
    story.erase(1, 2)
    story.look("faces", 3)
    return story


def probe(story: Story, found: int, *, control: int = 5, by: str = ASSESSOR, order: str = ORDER) -> int:
    return story.post(
        ev.ProbeAttested(
            checked_count=10,
            checked_digest=encode_base64(bytes(32)),
            control_checked=5,
            control_found=control,
            controller=CONTROLLER,
            found=found,
            order=order,
            store="faces",
        ),
        by=by,
    )


def sample(story: Story, failures: int, *, by: str = ASSESSOR, name: str = "s-1", **how: Any) -> int:
    ask_for(story, name, **how)
    return draw(story, failures, by, name)


def ask_for(story: Story, name: str, **how: Any) -> None:
    story.post(
        ev.SampleRequested(
            controller=CONTROLLER,
            n=10,
            order=how.get("order", ORDER),
            population_digest=encode_base64(bytes(32)),
            sample=name,
        ),
        by=ASSESSOR,
    )


def draw(story: Story, failures: int, by: str, name: str) -> int:
    return story.post(ev.SampleAttested(controller=CONTROLLER, failures=failures, sample=name), by=by)


def test_a_clean_probe_changes_nothing() -> None:
    story = erased()
    probe(story, 0)
    found = finding(story)
    assert (found.verdict, found.evidence) == ("carried_out", "E2")


def test_what_an_assessor_found_tells_against_it() -> None:
    story = erased()
    probe(story, 3)
    found = finding(story)
    assert found.verdict == "cannot_be_proved"
    assert [(gap.rule, gap.subject, gap.copies) for gap in found.gaps] == [("probe.found", "faces", 3)]
    story.look("faces", 3)
    probe(story, 0, by=COMPANY)
    assert rules(finding(story)) == ["probe.found"]


def test_an_assessors_later_clean_probe_settles_it() -> None:
    story = erased()
    probe(story, 3)
    probe(story, 0)
    assert finding(story).verdict == "carried_out"


def test_an_assessors_later_inventory_settles_it() -> None:
    story = erased()
    story.look("faces", 3, by=ASSESSOR)
    probe(story, 3)
    assert rules(finding(story)) == ["probe.found"]
    story.look("faces", 3, by=ASSESSOR)
    assert finding(story).verdict == "carried_out"


def test_without_a_control_a_probe_says_nothing() -> None:
    story = erased()
    probe(story, 3)
    index = probe(story, 0, control=0)
    found = finding(story)
    assert rules(found) == ["probe.found"]
    assert listed(found) == [("probe.without_control", index, 0)]


def test_what_is_found_is_found_without_a_control_too() -> None:
    story = erased()
    probe(story, 1, control=0)
    assert rules(finding(story)) == ["probe.found"]


def test_what_the_controller_itself_found() -> None:
    story = erased()
    probe(story, 1, by=COMPANY)
    assert rules(finding(story)) == ["probe.found"]
    story.look("faces", 3)
    assert finding(story).verdict == "carried_out"


def test_a_probe_is_about_its_order() -> None:
    story = erased()
    probe(story, 1, order=f"{AUTHORITY}/en-2025-7")
    assert finding(story).verdict == "carried_out"


def test_an_assessors_find_stands_when_his_key_is_called_stolen() -> None:
    story = erased()
    probe(story, 1)
    story.revoke(ASSESSOR, "2025-12-01T00:00:00Z", "auditor")
    assert rules(finding(story)) == ["probe.found"]


def test_his_clean_probe_does_not() -> None:
    story = erased()
    probe(story, 1, by=COMPANY)
    probe(story, 0)
    assert finding(story).verdict == "carried_out"
    story.revoke(ASSESSOR, "2025-12-01T00:00:00Z", "auditor")
    assert rules(finding(story)) == ["probe.found"]


def test_what_failed_in_a_sample() -> None:
    story = erased()
    sample(story, 2)
    found = finding(story)
    assert [(gap.rule, gap.subject, gap.copies) for gap in found.gaps] == [("sample.failed", "s-1", 2)]
    sample(story, 0, by=COMPANY)
    assert rules(finding(story)) == ["sample.failed"]
    sample(story, 0)
    assert finding(story).verdict == "carried_out"


def test_another_clean_sample_does_not_undo_the_first() -> None:
    story = erased()
    sample(story, 2)
    sample(story, 0, name="s-2")
    assert rules(finding(story)) == ["sample.failed"]


def test_a_sample_is_of_what_was_first_asked_for() -> None:
    story = erased()
    sample(story, 0, order=f"{AUTHORITY}/en-2025-7")
    sample(story, 2)
    assert finding(story).verdict == "carried_out"


def test_a_sample_that_nobody_asked_for_says_nothing() -> None:
    story = erased()
    draw(story, 1, ASSESSOR, "s-9")
    assert finding(story).verdict == "carried_out"
    ask_for(story, "s-9")
    assert finding(story).verdict == "carried_out"


def test_what_came_after_the_size_is_not_there() -> None:
    story = erased()
    index = sample(story, 2)
    assert [rules(judge(story.case(size=size)).findings[0]) for size in (index, index + 1)] == [
        [],
        ["sample.failed"],
    ]


def test_what_the_controller_finds_after_an_assessors_clean_probe() -> None:
    """Nobody's earlier look speaks against what was found later."""
    story = erased()
    probe(story, 0)
    probe(story, 2, by=COMPANY)
    assert rules(finding(story)) == ["probe.found"]
    probe(story, 0, by=COMPANY)
    assert finding(story).verdict == "carried_out"


def test_the_controllers_clean_probe_settles_no_assessors_find() -> None:
    story = erased()
    probe(story, 2)
    probe(story, 0, by=COMPANY)
    assert rules(finding(story)) == ["probe.found"]


def test_a_look_that_names_the_size_before_a_probe_settles_nothing_of_it() -> None:
    """Somebody without an outbox may have looked as soon as he had seen that size."""
    story = erased()
    at = probe(story, 3)
    story.look("faces", 3, by=ASSESSOR, quotes=story.log.checkpoint(at), announced=False)
    assert rules(finding(story)) == ["probe.found"]
    story.look("faces", 3, by=ASSESSOR, quotes=story.log.checkpoint(at + 1), announced=False)
    assert rules(finding(story)) == []
