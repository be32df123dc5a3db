"""Probes and samples: what was found where nothing should be, rule by rule."""

from typing import Any

import pytest

from projections import events as ev
from projections.order import Scope
from projections.verdict import judge
from signing.encoding import encode_base64
from signing.setdigest import digest_of
from tests.projections.conduct import finding, listed, obliged, rules
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, Story, erase_gb, handle


def erased() -> Story:
    """Two copies erased, on the controller's own word."""
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.hold(3, residency="US")
    story.order(erase_gb())
    story.erase(1, 2)
    story.look("faces", 3)
    return story


def probe(
    story: Story,
    found: int,
    *,
    control: int = 5,
    by: str = ASSESSOR,
    order: str = ORDER,
    checked: tuple[int, ...] = (1, 2),
    count: int | None = None,
    store: str = "faces",
) -> int:
    """Somebody looks for these records in a store."""
    seen = digest_of(handle(number).encode() for number in checked)
    return story.post(
        ev.ProbeAttested(
            checked_count=len(checked) if count is None else count,
            checked_digest=encode_base64(seen.digest),
            control_checked=5,
            control_found=control,
            controller=CONTROLLER,
            found=found,
            order=order,
            store=store,
        ),
        by=by,
    )


def sample(story: Story, failures: int, *, by: str = ASSESSOR, name: str = "s-1", **how: Any) -> int:
    ask_for(story, name, **how)
    return draw(story, failures, by, name)


def ask_for(story: Story, name: str, **how: Any) -> int:
    return story.post(
        ev.SampleRequested(
            controller=CONTROLLER,
            n=10,
            order=how.get("order", ORDER),
            population_digest=encode_base64(bytes(32)),
            sample=name,
        ),
        by=ASSESSOR,
    )


def draw(story: Story, failures: int, by: str, name: str, control: int | None = 2) -> int:
    how: dict[str, Any] = {} if control is None else {"control_checked": 2, "control_found": control}
    data = ev.SampleAttested(controller=CONTROLLER, failures=failures, sample=name, **how)
    return story.post(data, by=by)


def test_a_clean_probe_changes_nothing() -> None:
    story = erased()
    probe(story, 0)
    found = finding(story)
    assert (found.verdict, found.evidence) == ("carried_out", "E2")


def test_what_an_assessor_found_tells_against_it() -> None:
    story = erased()
    probe(story, 2)
    found = finding(story)
    assert found.verdict == "cannot_be_proved"
    assert [(gap.rule, gap.subject, gap.copies) for gap in found.gaps] == [("probe.found", "faces", 2)]
    story.look("faces", 3)
    probe(story, 0, by=COMPANY)
    assert rules(finding(story)) == ["probe.found"]


def test_an_assessors_later_clean_probe_settles_it() -> None:
    story = erased()
    probe(story, 2)
    probe(story, 0)
    assert finding(story).verdict == "carried_out"


def test_an_assessors_later_inventory_settles_it() -> None:
    story = erased()
    story.look("faces", 3, by=ASSESSOR)
    probe(story, 2)
    assert rules(finding(story)) == ["probe.found"]
    story.look("faces", 3, by=ASSESSOR)
    assert finding(story).verdict == "carried_out"


@pytest.mark.parametrize("control", [0, 4])
def test_without_its_whole_control_a_probe_says_nothing(control: int) -> None:
    story = erased()
    probe(story, 2)
    index = probe(story, 0, control=control)
    found = finding(story)
    assert rules(found) == ["probe.found"]
    assert listed(found) == [("probe.control_missed", index, 0)]


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


@pytest.mark.parametrize("control", [0, 1, None])
def test_a_sample_that_did_not_find_all_that_is_live_says_nothing(control: int | None) -> None:
    story = erased()
    sample(story, 2)
    index = draw(story, 0, ASSESSOR, "s-1", control)
    found = finding(story)
    assert rules(found) == ["sample.failed"]
    assert listed(found) == [("sample.control_missed", index, 0)]
    # What was found was found.
    draw(story, 1, ASSESSOR, "s-1", control)
    assert listed(finding(story)) == [("sample.control_missed", index, 0)]


def test_who_asks_for_many_samples_and_tells_of_one_is_listed() -> None:
    story = erased()
    asked = [ask_for(story, f"s-{number}") for number in range(3)]
    draw(story, 0, ASSESSOR, "s-1")
    draw(story, 0, COMPANY, "s-2")
    found = finding(story)
    assert found.verdict == "carried_out"
    assert listed(found) == [("sample.unanswered", index, 0) for index in (asked[0], asked[2])]
    assert [one.by for one in found.irregularities] == [ASSESSOR] * 2


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
    at = probe(story, 2)
    story.look("faces", 3, by=ASSESSOR, quotes=story.log.checkpoint(at), announced=False)
    assert rules(finding(story)) == ["probe.found"]
    story.look("faces", 3, by=ASSESSOR, quotes=story.log.checkpoint(at + 1), announced=False)
    assert rules(finding(story)) == []


OTHER_SETS: dict[str, dict[str, Any]] = {
    "nothing at all": {"checked": ()},
    "less than was erased": {"checked": (1,)},
    "more than was erased": {"checked": (1, 2, 3)},
    "the right ones, and says that they were fewer": {"count": 1},
}


@pytest.mark.parametrize("how", OTHER_SETS.values(), ids=OTHER_SETS)
def test_nothing_found_of_another_set_says_nothing(how: dict[str, Any]) -> None:
    story = erased()
    probe(story, 1)
    index = probe(story, 0, **how)
    found = finding(story)
    assert rules(found) == ["probe.found"]
    assert listed(found) == [("probe.other_set", index, 0)]


def test_what_was_found_of_another_set_was_found() -> None:
    """Whoever is probed could post an erasure while he is, and the set is another one."""
    story = erased()
    index = probe(story, 1, checked=(1, 2, 3))
    found = finding(story)
    assert rules(found) == ["probe.found"]
    assert listed(found) == [("probe.other_set", index, 0)]


def test_the_set_is_that_of_the_probes_own_entry() -> None:
    story = erased()
    story.hold(4)
    story.erase(4)
    story.look("faces", 3)
    probe(story, 1, checked=(1, 2, 4))
    assert rules(finding(story)) == ["probe.found"]
    # Yesterday's set.
    stale = probe(story, 0)
    assert rules(finding(story)) == ["probe.found"]
    assert listed(finding(story)) == [("probe.other_set", stale, 0)]
    probe(story, 0, checked=(1, 2, 4))
    assert rules(finding(story)) == []
    # What came later takes nothing from it.
    story.hold(5)
    story.erase(5)
    story.look("faces", 3)
    assert (rules(finding(story)), len(listed(finding(story)))) == ([], 1)


def test_what_is_back_is_erased_no_more() -> None:
    story = erased()
    probe(story, 1)
    story.hold(2)
    index = probe(story, 0, checked=(1, 2))
    assert ("probe.other_set", index, 0) in listed(finding(story))
    story = erased()
    probe(story, 1)
    story.hold(2)
    probe(story, 0, checked=(1,))
    assert "probe.found" not in rules(finding(story))


def test_whom_the_order_does_not_reach_is_not_among_those_looked_for() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.hold(2, residency="US")
    story.order(erase_gb())
    story.erase(1, 2)
    story.look("faces")
    probe(story, 0, checked=(1,))
    assert listed(finding(story)) == []
    index = probe(story, 0, checked=(1, 2))
    assert listed(finding(story)) == [("probe.other_set", index, 0)]


def test_the_obligations_to_erase_are_asked_about_together() -> None:
    """Images of people in GB, and what was derived from anybody in FR."""
    story = Story(stores=("faces",))
    story.hold(1)
    story.hold(2, residency="FR")
    story.derive([101], [2], store="faces")
    derived = obliged("erase_derived", id="derived", scope=Scope(residency=("FR",)))
    story.order(erase_gb(), derived)
    story.erase(1, 2, 101)
    story.look("faces")
    probe(story, 0, checked=(1, 101))
    assert listed(finding(story)) == []
    index = probe(story, 0, checked=(1, 2, 101))
    assert listed(finding(story)) == [("probe.other_set", index, 0)]


def test_a_store_that_the_order_does_not_reach_has_no_such_set() -> None:
    story = Story()
    story.hold(1)
    story.hold(1, store="index")
    story.order(erase_gb(scope=Scope(residency=("GB",), stores=("faces",))))
    story.erase(1)
    story.erase(1, store="index")
    story.look("faces")
    probe(story, 0, checked=(1,))
    index = probe(story, 0, checked=(1,), store="index")
    assert listed(finding(story)) == [("probe.other_set", index, 0)]


def test_what_a_stolen_key_erased_by_then_is_the_set_of_then() -> None:
    """That a key was stolen is said later: nobody could have looked for another set."""
    story = erased()
    probe(story, 0)
    story.revoke(COMPANY, "2025-12-01T00:00:00Z")
    assert "probe.other_set" not in {one.rule for one in finding(story).irregularities}
