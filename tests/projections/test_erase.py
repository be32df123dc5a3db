"""The obligation to erase, rule by rule (DOMAIN §5). Each test fails when its rule is taken away."""

from collections.abc import Callable
from typing import Any

import pytest

from projections.events import StoreRetired
from projections.finding import Finding
from projections.verdict import headline
from tests.projections.story import (
    ASSESSOR,
    DAY_S,
    Story,
    erase_gb,
    replace_scope,
)

PAST = 40  # days; the deadline is day 30


def erased(**how: object) -> Story:
    """The least history of an order carried out: held, ordered, erased, looked into."""
    story = Story()
    story.hold(1, 2)
    story.hold(3, residency="US")
    story.order(erase_gb(**how))
    story.erase(1, 2)
    story.look("faces", 3)
    story.look("index")
    return story


def finding(story: Story, days: float = PAST) -> Finding:
    return story.judge(days).findings[0]


def rules(found: Finding) -> set[str]:
    return {gap.rule for gap in found.gaps}


def test_erased_and_looked_into_is_carried_out_on_the_controllers_own_word() -> None:
    judgment = erased().judge(PAST)
    assert judgment.verdict == "carried_out"
    assert (judgment.evidence, judgment.word) == ("E2", "controller")
    assert headline(judgment) == (
        "carried out on the controller's own word, over the 2 stores it declared, "
        "none of them looked into by an assessor, 2 by the controller itself"
    )
    counts = judgment.findings[0].counts
    assert (counts["in_scope"], counts["live"], counts["out_of_scope"]) == (2, 0, 1)


def test_an_assessor_raises_the_evidence() -> None:
    story = erased()
    story.look("faces", 3, by=ASSESSOR)
    assert finding(story).evidence == "E2"
    story.look("index", by=ASSESSOR)
    assert (finding(story).evidence, finding(story).word) == ("E3", "assessor")


def test_an_auditor_whom_the_order_does_not_name_is_the_controllers_own() -> None:
    story = erased()
    story.log.register("friend.example", "auditor")
    story.look("faces", 3, by="friend.example")
    story.look("index", by="friend.example")
    assert finding(story).evidence == "E2"


@pytest.mark.parametrize(("days", "verdict"), [(20, "outstanding"), (PAST, "breached")])
def test_a_live_copy_is_outstanding_then_breached(days: float, verdict: str) -> None:
    story = Story()
    story.hold(1, 2)
    story.order()
    story.erase(1)
    found = finding(story, days)
    assert found.verdict == verdict
    assert (found.counts["live"], found.counts["erased_time_unproved"]) == (1, 1)


@pytest.mark.parametrize(("days", "verdict"), [(20, "outstanding"), (PAST, "cannot_be_proved")])
def test_nobody_looking_is_missing_evidence(days: float, verdict: str) -> None:
    story = Story()
    story.hold(1)
    story.order()
    story.erase(1)
    found = finding(story, days)
    assert found.verdict == verdict
    assert rules(found) == {"inventory.missing"}
    assert "nobody has looked into them" in headline(story.judge(days))


def test_a_store_that_the_order_names_must_be_declared() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(scope=replace_scope(stores=("faces", "hidden"))))
    story.erase(1)
    story.look("faces")
    assert [(gap.rule, gap.subject) for gap in finding(story).gaps] == [("store.not_declared", "hidden")]


def test_what_backups_keep_is_not_erased_yet() -> None:
    """Erased on the first day from a store whose backups live for 35: gone five days after the deadline."""
    story = Story(stores=())
    story.declare("faces", backup_retention_days=35)
    story.hold(1)
    story.order()
    story.erase(1)
    story.look("faces")
    for days, verdict in ((29, "outstanding"), (34, "breached"), (36, "carried_out")):
        assert finding(story, days).verdict == verdict
    found = finding(story, 34)
    assert (found.counts["live"], found.counts["in_backups"]) == (0, 1)
    assert [(gap.rule, gap.subject, gap.copies) for gap in found.gaps] == [("backup.unexpired", "faces", 1)]


def test_backups_can_be_left_out_and_lose_their_key() -> None:
    for include, method in ((("copies",), "purge"), (("backups",), "crypto_erase")):
        story = Story(stores=())
        story.declare("faces", backup_retention_days=35)
        story.hold(1)
        story.order(erase_gb(include=include))
        story.erase(1, method=method)
        story.look("faces")
        assert finding(story, 34).verdict == "carried_out"


@pytest.mark.parametrize(
    "act",
    [
        lambda story: story.erase(1, method="soft", irrecoverable=False),
        lambda story: story.erase(1, irrecoverable=False),
    ],
)
def test_a_recoverable_erasure_is_none(act: Callable[[Story], int]) -> None:
    story = Story()
    story.hold(1)
    story.order()
    act(story)
    found = finding(story)
    assert found.verdict == "breached"
    assert [one.rule for one in found.irregularities] == ["erasure.recoverable"]


@pytest.mark.parametrize(
    ("kind", "method", "live"),
    [
        ({"versioned": True}, "clear", 1),
        ({"versioned": True}, "purge", 0),
        ({"object_locked": True}, "purge", 1),
        ({"object_locked": True}, "crypto_erase", 0),
    ],
)
def test_versions_and_locks_are_copies(kind: dict[str, Any], method: str, live: int) -> None:
    story = Story(stores=())
    story.declare("bucket", **kind)
    story.hold(1, store="bucket")
    story.order()
    story.erase(1, store="bucket", method=method)
    assert finding(story).counts["live"] == live


def test_only_the_stores_operator_erases_from_it() -> None:
    story = Story(stores=())
    story.log.register("processor.example", "processor")
    story.declare("faces", operator="processor.example")
    story.hold(1)
    story.order()
    story.erase(1)
    found = finding(story)
    assert found.verdict == "breached"
    assert [one.rule for one in found.irregularities] == ["erasure.foreign"]
    story.erase(1, by="processor.example")
    assert finding(story).counts["live"] == 0


def test_a_foreign_erasure_of_what_was_never_held_is_listed() -> None:
    story = Story(stores=())
    story.log.register("processor.example", "processor")
    story.declare("faces", operator="processor.example")
    story.residency(9, "GB", "registration")
    story.order()
    story.erase(9)
    found = finding(story)
    assert [one.rule for one in found.irregularities] == ["erasure.foreign"]
    assert (found.counts["in_scope"], found.counts["live"]) == (0, 0)


def test_the_deadlines_last_second_is_not_past_it() -> None:
    story = Story()
    story.hold(1)
    story.order()
    second = 1 / DAY_S
    assert finding(story, 30).verdict == "outstanding"
    assert finding(story, 30 + second).verdict == "breached"


def test_erasing_what_was_never_held_is_an_orphan() -> None:
    story = erased()
    story.residency(9, "GB", "registration")
    story.erase(9)
    story.look("faces", 3)
    found = finding(story)
    assert found.verdict == "cannot_be_proved"
    assert rules(found) == {"erasure.orphan"}


def test_a_weaker_method_than_ordered_is_missing_evidence() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(min_method="destroy"))
    story.erase(1, method="purge")
    story.look("faces")
    assert rules(finding(story)) == {"erasure.below_method"}


@pytest.mark.parametrize(
    ("asked", "method"), [("purge", "crypto_erase"), ("crypto_erase", "purge"), ("destroy", "retrain")]
)
def test_the_method_asked_for_is_enough_and_so_is_its_like(asked: Any, method: str) -> None:
    story = Story(stores=())
    story.declare("faces", kind="model" if method == "retrain" else "live")
    story.hold(1)
    story.order(erase_gb(min_method=asked))
    story.erase(1, method=method)
    story.look("faces")
    assert not finding(story).gaps


def test_evidence_below_what_the_order_asks() -> None:
    story = erased(min_evidence="E3")
    assert rules(finding(story)) == {"evidence.below_required"}
    story.look("faces", 3, by=ASSESSOR)
    story.look("index", by=ASSESSOR)
    assert finding(story).verdict == "carried_out"


def test_an_independent_look_can_be_demanded() -> None:
    story = erased(independent=True)
    assert rules(finding(story)) == {"evidence.not_independent"}
    story.look("faces", 3, by=ASSESSOR)
    story.look("index", by=ASSESSOR)
    assert not finding(story).gaps


def test_an_erasure_with_a_receipt_is_worth_more_than_a_bare_one() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1, evidence=True)
    assert finding(story, 20).evidence == "E1"
    story.erase(2)
    assert finding(story, 20).evidence == "E0"


def test_what_reappears_reopens_the_order() -> None:
    story = erased()
    story.hold(1)
    found = finding(story)
    assert found.verdict == "breached"
    assert found.counts["reopened"] == 1
    story.erase(1)
    assert rules(finding(story)) == {"inventory.missing"}


def test_a_retired_store_has_erased_nothing() -> None:
    story = Story()
    story.hold(1)
    story.order()
    story.post(StoreRetired(controller="clearview", store="faces"))
    assert finding(story).verdict == "breached"


def test_nothing_in_scope_is_no_success_by_itself() -> None:
    story = Story(stores=("faces",))
    story.order()
    assert rules(finding(story)) == {"inventory.missing", "residency.no_method"}
    story.hold(1, residency="US")
    story.look("faces", 1)
    assert finding(story).verdict == "carried_out"


def test_no_declared_store_proves_nothing() -> None:
    story = Story(stores=())
    story.order()
    assert finding(story).verdict == "cannot_be_proved"
    assert "store.none_declared" in rules(finding(story))


def test_a_copy_in_a_store_that_nobody_declared_is_a_gap() -> None:
    story = Story(stores=("faces",))
    story.hold(1, store="hidden")
    story.order()
    assert "store.undeclared" in rules(finding(story))


def test_counts_add_up_to_the_population() -> None:
    story = erased()
    story.hold(*range(100, 120))
    story.erase(*range(100, 110))
    counts = finding(story).counts
    parts = ("live", "erased_in_time", "erased_late", "erased_time_unproved")
    assert counts["in_scope"] == sum(counts[part] for part in parts) == 22
