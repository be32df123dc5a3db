"""The law's table of edges (DOMAIN §5), as far as it concerns copies: for each row a test that fails without
its rule, told as short as it can be, and where the rule is tried from more sides.

| edge | test here (`test_…`) | more in |
|---|---|---|
| residency unknown | residency_unknown_is_in_scope_by_default… | test_scope |
| residency asserted on a weak basis | a_weak_basis_takes_no_copy_out | test_scope |
| residency changes | a_move_out_after_the_order_is_unknown… | test_scope |
| ledger begun after the order | an_opening_balance_posted_after_the_order… | test_cease, test_scope |
| collected after the order | collected_after_the_order_makes_two_findings | test_cease |
| erased, then collected again | erased_then_collected_again… | test_lives, test_erase |
| soft delete, versioned or locked store | what_can_be_brought_back_is_not_erased | test_erase |
| store retired | retiring_a_store_erases_nothing | test_erase |
| derived data, model | a_model_lives_until_it_is_destroyed… | test_relieved, test_lives, test_scope |
| processor's copy | the_controller_answers_for_its_processors_copy | test_relieved, test_erase |
| recipient silent | a_silent_recipient_is_outstanding… | test_recipients |
| backup not yet expired | a_backup_that_outlasts_the_deadline… | test_backups |
| legal hold | a_legal_hold_is_the_authoritys_and_ends | test_relieved, test_relief |
| erased without evidence where required | erased_without_the_evidence… | test_erase |
| erasure of a record never held or collected | erasing_a_record_that_was_never_held… | test_erase |
| record in the store, never logged | a_record_that_was_never_logged… | test_coverage |
| nothing in scope | nothing_in_scope_needs_a_look_and_a_method | test_erase |
| key revoked | a_key_is_believed_up_to_where_it_was_compromised | test_timeliness |
| a name under another key | an_authoritys_or_assessors_name_under_another_key… | test_relieved |

The other rows are of an order's life (test_status), of what two orders want, and of pending access requests.
"""

from typing import Any

import msgspec
import pytest

from projections import events as ev
from projections.finding import Finding
from projections.order import Scope
from signing.keys import ED25519, SigningKey
from tests.projections.acts import FAR, POLICE, back_up, day, disclose, exempt, place_hold
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import (
    ASSESSOR,
    AUTHORITY,
    COMPANY,
    Story,
    cease_gb,
    erase_gb,
    replace_scope,
)

PAST = 40  # days; the deadline is day 30


def told(*records: int, stores: tuple[str, ...] = ("faces",)) -> Story:
    """These records of residents of GB, and the order to erase them."""
    story = Story(stores=stores)
    story.hold(*records)
    story.order()
    return story


def finding(story: Story, days: float = PAST, at: int = 0) -> Finding:
    return story.judge(days).findings[at]


def rules(found: Finding) -> set[str]:
    return {gap.rule for gap in found.gaps}


def listed(found: Finding) -> set[str]:
    return {one.rule for one in found.irregularities}


def test_residency_unknown_is_in_scope_by_default_and_reported_with_its_count() -> None:
    story = Story(stores=("faces",))
    story.hold(1, residency="")
    story.order()
    assert finding(story).counts["live"] == 1
    story.order(erase_gb(scope=replace_scope(unknown_residency="report")))
    assert (finding(story).verdict, finding(story).counts["live"]) == ("cannot_be_proved", 1)
    story.erase(1)
    story.look("faces")
    found = finding(story)
    assert found.verdict == "cannot_be_proved"
    assert [(gap.rule, gap.copies) for gap in found.gaps] == [("residency.unknown", 1)]


def test_a_weak_basis_takes_no_copy_out() -> None:
    story = Story(stores=("faces",))
    story.hold(1, residency="US", basis="ip")
    story.hold(2, residency="US", basis="declared")
    story.order()
    assert (finding(story).counts["in_scope"], finding(story).counts["out_of_scope"]) == (1, 1)


def test_a_move_out_after_the_order_is_unknown_until_an_authority_or_assessor_asserts_it() -> None:
    for by, unknown in ((COMPANY, 1), (AUTHORITY, 0), (ASSESSOR, 0)):
        story = Story(stores=("faces",))
        story.hold(1)
        story.order(erase_gb(scope=replace_scope(residency_when="at_order")))
        story.residency(1, "US", "registration", by=by)
        assert finding(story).counts["unknown_residency"] == unknown
        story.order(erase_gb())
        assert finding(story).counts["in_scope"] == 1, "ever sticks"


def test_an_opening_balance_posted_after_the_order_is_no_collection_and_is_to_be_erased() -> None:
    story = Story(stores=("faces",))
    story.order(erase_gb(), cease_gb())
    story.hold(1)
    assert (finding(story).verdict, finding(story, at=1).counts["collected"]) == ("breached", 0)


def test_collected_after_the_order_makes_two_findings() -> None:
    story = Story(stores=("faces",))
    story.order(erase_gb(), cease_gb())
    story.collect(1)
    assert (finding(story, 20).verdict, finding(story, 20, at=1).verdict) == ("outstanding", "breached")
    assert finding(story).verdict == "breached"


def test_erased_then_collected_again_is_a_new_life_and_a_breach() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(), cease_gb())
    story.erase(1)
    story.look("faces")
    story.collect(1)
    assert (finding(story).counts["live"], finding(story).counts["reopened"]) == (1, 1)
    assert finding(story, at=1).verdict == "breached"


@pytest.mark.parametrize(
    ("kind", "method"),
    [({}, "soft"), ({"versioned": True}, "clear"), ({"object_locked": True}, "purge")],
)
def test_what_can_be_brought_back_is_not_erased(kind: dict[str, Any], method: str) -> None:
    story = Story(stores=())
    story.declare("faces", **kind)
    story.hold(1)
    story.order()
    story.erase(1, method=method, irrecoverable=method != "soft")
    found = finding(story)
    assert (found.verdict, listed(found)) == ("breached", {"erasure.recoverable"})


def test_retiring_a_store_erases_nothing() -> None:
    story = told(1)
    story.post(ev.StoreRetired(controller=CONTROLLER, store="faces"))
    assert (finding(story).verdict, finding(story).coverage[0].store) == ("breached", "faces")


def test_a_model_lives_until_it_is_destroyed_or_retrained() -> None:
    for method in ("destroy", "retrain"):
        story = Story(stores=("faces",))
        story.declare("model", kind="model")
        story.hold(1)
        story.derive([11], [1], store="model")
        story.order()
        story.erase(1)
        assert finding(story).counts["derived_live"] == 1
        story.erase(11, store="model", method=method)
        assert finding(story).counts["derived_live"] == 0


def test_the_controller_answers_for_its_processors_copy() -> None:
    story = Story(stores=())
    story.log.register("host.example", "processor")
    story.declare("faces", operator="host.example")
    story.hold(1)
    story.order(erase_gb(min_evidence="E1"))
    story.erase(1)
    assert (finding(story).verdict, listed(finding(story))) == ("breached", {"erasure.foreign"})
    story.erase(1, by="host.example")
    assert (finding(story).counts["live"], finding(story).evidence) == (0, "E1")


def test_a_silent_recipient_is_outstanding_and_then_cannot_be_proved() -> None:
    story = told(1)
    disclose(story, 1)
    story.erase(1)
    story.look("faces")
    assert (finding(story, 20).verdict, finding(story).verdict) == ("outstanding", "cannot_be_proved")
    assert [(gap.rule, gap.subject) for gap in finding(story).gaps][-1] == ("recipient.silent", POLICE)


@pytest.mark.parametrize(("relieved", "verdict"), [(False, "breached"), (True, "carried_out")])
def test_a_backup_that_outlasts_the_deadline_breaches_unless_exempt(relieved: bool, verdict: str) -> None:
    story = told(1)
    back_up(story, day(0), FAR)
    story.erase(1)
    story.look("faces")
    if relieved:
        exempt(story, 1)
    assert finding(story).verdict == verdict
    assert finding(story, 20).counts["in_backups"] == (0 if relieved else 1)


@pytest.mark.parametrize(
    ("by", "early", "late"),
    [(COMPANY, "outstanding", "breached"), (AUTHORITY, "carried_out", "carried_out")],
)
def test_a_legal_hold_is_the_authoritys_and_ends(by: str, early: str, late: str) -> None:
    story = told(1)
    story.look("faces", 1)
    place_hold(story, 1, until="2026-02-10", by=by)
    assert (finding(story, 20).verdict, finding(story).verdict) == (early, late)
    assert listed(finding(story)) == ({"hold.own"} if by == COMPANY else set())
    assert finding(story, 50).verdict == "breached", "due again"


def test_erased_without_the_evidence_that_is_required_cannot_be_proved() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(min_evidence="E3"))
    story.erase(1)
    story.look("faces")
    assert (finding(story).verdict, rules(finding(story))) == (
        "cannot_be_proved", {"evidence.below_required"},
    )  # fmt: skip


def test_erasing_a_record_that_was_never_held_shows_that_the_ledger_is_incomplete() -> None:
    story = told(1)
    story.residency(9, "GB", "registration")
    story.erase(1, 9)
    story.look("faces")
    assert (finding(story).counts["orphaned"], rules(finding(story))) == (1, {"erasure.orphan"})


def test_a_record_that_was_never_logged_is_found_by_an_inventory_alone() -> None:
    story = told(1)
    story.erase(1)
    assert rules(finding(story)) == {"inventory.missing"}
    story.look("faces", 77)
    assert (finding(story).verdict, rules(finding(story))) == ("cannot_be_proved", {"inventory.disagrees"})


def test_nothing_in_scope_needs_a_look_and_a_method() -> None:
    story = Story(stores=("faces",))
    story.order()
    assert rules(finding(story)) == {"inventory.missing", "residency.no_method"}
    story.hold(1, residency="FR")
    story.look("faces", 1)
    assert finding(story).verdict == "carried_out"


@pytest.mark.parametrize("kind", ["erase", "erase_derived", "limit_retention", "restrict"])
def test_where_no_residency_decides_nothing_in_scope_needs_a_look_alone(kind: Any) -> None:
    for scope, missing in ((replace_scope(), {"residency.no_method"}), (Scope(), set())):
        story = Story(stores=("faces",))
        story.order(msgspec.structs.replace(erase_gb(scope=scope), type=kind))
        assert rules(finding(story)) == {"inventory.missing"} | missing
        story.look("faces")
        assert rules(finding(story)) == missing


def test_a_key_is_believed_up_to_where_it_was_compromised() -> None:
    story = told(1, 2)
    story.erase(1)
    at_us = story.log.now_us
    story.erase(2)
    story.revoke(COMPANY, ev_time(at_us + 1_000_000))
    assert (finding(story).counts["live"], listed(finding(story))) == (1, {"erasure.compromised"})


def ev_time(time_us: int) -> str:
    return day((time_us / 1_000_000 - 1_767_225_600) / 86_400)


@pytest.mark.parametrize(
    ("authority", "auditor"), [(AUTHORITY, ASSESSOR), ("other.example", "friend.example")]
)
def test_an_authoritys_or_assessors_name_under_another_key_has_no_effect_and_is_listed(
    authority: str, auditor: str
) -> None:
    story = told(1, 2)
    for name, role in ((authority, "authority"), (auditor, "auditor")):
        story.log.keys[name] = SigningKey(name, ED25519, bytes(32))
        story.log.register(name, role)
    exempt(story, 1, by=authority)
    place_hold(story, 2, by=authority)
    story.erase(1)
    story.look("faces", 2, by=auditor)
    found = finding(story)
    assert (found.counts["live"], found.counts["exempt"], found.counts["held"]) == (1, 0, 0)
    assert not found.coverage[0].assessor
    assert {"assessor.unnamed", "exemption.foreign", "hold.foreign"} == listed(found)
