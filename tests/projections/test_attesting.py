"""Obligations that are carried out by saying so, and who may say it, rule by rule."""

from typing import Any

import pytest

from projections.verdict import judge
from signing.keys import ED25519, SigningKey
from tests.projections.conduct import (
    PAST,
    at_day,
    attest,
    counted,
    finding,
    listed,
    obliged,
    reject,
    rules,
    witnessed,
)
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, Story, erase_gb

BY_THE_CONTROLLER = ("appoint_representative", "attest", "publish")
OTHER = "other-auditor.example"


def ordered(kind: str = "attest", **how: Any) -> Story:
    story = Story()
    story.order(obliged(kind, id="it", **how))
    return story


@pytest.mark.parametrize("kind", [*BY_THE_CONTROLLER, "independent_assessment"])
def test_silence_breaches_nothing_and_proves_nothing(kind: str) -> None:
    story = ordered(kind)
    assert finding(story, 30).verdict == "outstanding"
    found = finding(story)
    assert (found.verdict, found.word) == ("cannot_be_proved", "nobody")
    assert rules(found) == [
        "assessment.missing" if kind == "independent_assessment" else "attestation.missing"
    ]


@pytest.mark.parametrize("kind", BY_THE_CONTROLLER)
def test_the_controller_says_so(kind: str) -> None:
    story = ordered(kind)
    attest(story, "it")
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E0", "controller")
    assert counted(found) == {"time_unproved": 1}
    witnessed(story)
    assert counted(finding(story)) == {"in_time": 1}


@pytest.mark.parametrize("kind", BY_THE_CONTROLLER)
def test_a_report_committed_to_is_worth_more(kind: str) -> None:
    story = ordered(kind, min_evidence="E1")
    attest(story, "it")
    assert rules(finding(story)) == ["evidence.below_required"]
    story = ordered(kind, min_evidence="E1")
    attest(story, "it", report=True)
    assert (finding(story).verdict, finding(story).evidence) == ("carried_out", "E1")


@pytest.mark.parametrize("kind", BY_THE_CONTROLLER)
def test_independence_takes_an_assessor(kind: str) -> None:
    story = ordered(kind, independent=True)
    attest(story, "it", report=True)
    assert rules(finding(story)) == ["evidence.not_independent"]
    attest(story, "it", by=ASSESSOR)
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E3", "assessor")


def test_late_is_carried_out_with_the_days() -> None:
    story = at_day(ordered(), 32.5)
    index = attest(story, "it")
    attest(at_day(story, 35), "it")
    found = finding(story)
    assert (found.verdict, listed(found)) == ("carried_out", [("attestation.late", index, 3)])


def test_it_names_the_order_and_the_obligation() -> None:
    story = ordered()
    attest(story, "other")
    attest(story, "it", order=f"{AUTHORITY}/en-2025-7")
    assert finding(story).verdict == "cannot_be_proved"


def test_it_speaks_of_a_log_that_holds_the_order_and_was_there_to_see() -> None:
    story = ordered()
    before = story.log.size - 1  # The order's own entry is not below it.
    attest(story, "it", log_size=before)
    assert rules(finding(story)) == ["attestation.missing"]
    index = attest(story, "it", log_size=story.log.size + 100)
    found = finding(story)
    assert (rules(found), listed(found)) == (
        ["attestation.missing"],
        [("attestation.beyond_log", index, 0)],
    )
    attest(story, "it", log_size=before + 1)
    assert finding(story).verdict == "carried_out"


@pytest.mark.parametrize(("demanded", "given"), [("declaration", "none"), ("sworn", "declaration")])
def test_a_weaker_oath_than_demanded(demanded: str, given: str) -> None:
    story = ordered(oath=demanded)
    attest(story, "it", oath=given)
    assert finding(story).verdict == "cannot_be_proved"
    attest(story, "it", oath="sworn")
    assert finding(story).verdict == "carried_out"


def test_a_stolen_key_vouches_for_nothing() -> None:
    story = ordered()
    story.log.register("other.clearview.example", "controller")
    attest(story, "it", by="other.clearview.example")
    assert finding(story).verdict == "carried_out"
    story.revoke("other.clearview.example", "2026-01-01T00:00:00Z")
    assert finding(story).verdict == "cannot_be_proved"


def test_what_came_after_the_size_is_not_there() -> None:
    story = ordered()
    index = attest(story, "it")
    verdicts = [judge(story.case(PAST, size=size)).verdict for size in (index, index + 1)]
    assert verdicts == ["cannot_be_proved", "carried_out"]


def test_a_processor_does_not_vouch_for_the_controller() -> None:
    story = ordered()
    story.log.register("processor.example", "processor")
    attest(story, "it", by="processor.example")
    assert finding(story).verdict == "cannot_be_proved"


def bound(oath: str = "none") -> Story:
    """Erase, then attest to it."""
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(), obliged("attest", id="confirm", depends_on=("erase",), oath=oath))
    return story


def test_what_is_attested_before_the_act_vouches_for_nothing() -> None:
    story = bound()
    attest(story, "confirm")
    story.erase(1)
    story.look("faces")
    assert rules(finding(story, obligation=1)) == ["attestation.before_act"]
    attest(story, "confirm")
    assert finding(story, obligation=1).verdict == "carried_out"


def test_what_reappeared_and_was_erased_again_is_attested_again() -> None:
    story = bound()
    story.erase(1)
    story.look("faces")
    attest(story, "confirm")
    assert story.judge(PAST).verdict == "carried_out"
    story.hold(1)
    story.erase(1)
    story.look("faces")
    assert rules(finding(story, obligation=1)) == ["attestation.before_act"]


def test_to_attest_to_each_of_the_obligations_is_to_attest() -> None:
    story = bound("sworn")
    story.erase(1)
    story.look("faces")
    attest(story, "erase", oath="declaration")
    assert finding(story, obligation=1).verdict == "cannot_be_proved"
    attest(story, "erase", oath="sworn")
    assert finding(story, obligation=1).verdict == "carried_out"


def test_each_of_them_and_not_some() -> None:
    story = Story()
    story.order(
        obliged("publish", id="a"),
        obliged("publish", id="b"),
        obliged("attest", id="confirm", depends_on=("a", "b")),
    )
    attest(story, "a")
    assert rules(finding(story, obligation=2)) == ["attestation.missing", "dependency.not_carried_out"]
    index = attest(story, "b")
    found = finding(story, obligation=2)
    assert (found.verdict, found.last_act) == ("carried_out", index)


def test_only_assessors_whom_the_order_names_assess() -> None:
    story = ordered("independent_assessment")
    story.log.register(OTHER, "auditor")
    attest(story, "it")
    index = attest(story, "it", by=OTHER)
    found = finding(story)
    assert rules(found) == ["assessment.missing"]
    assert listed(found) == [("attestation.stranger", index, 0)]
    attest(story, "it", by=ASSESSOR)
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E3", "assessor")


def test_an_auditor_whom_the_order_does_not_name_counts_as_the_controllers_own() -> None:
    story = ordered("publish")
    story.log.register(OTHER, "auditor")
    attest(story, "it", by=OTHER)
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E0", "controller")


def test_an_assessor_swears_where_an_oath_is_demanded() -> None:
    story = ordered("independent_assessment", oath="sworn")
    attest(story, "it", by=ASSESSOR)
    attest(story, "it", oath="sworn")
    assert finding(story).verdict == "cannot_be_proved"
    attest(story, "it", by=ASSESSOR, oath="sworn")
    assert finding(story).verdict == "carried_out"


def test_an_assessment_from_before_the_act() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(), obliged("independent_assessment", id="audit", depends_on=("erase",)))
    attest(story, "audit", by=ASSESSOR)
    story.erase(1)
    story.look("faces")
    assert rules(finding(story, obligation=1)) == ["attestation.before_act"]


@pytest.mark.parametrize("by", [ASSESSOR, AUTHORITY])
@pytest.mark.parametrize("kind", [*BY_THE_CONTROLLER, "independent_assessment"])
def test_a_rejection_outweighs_until_an_assessor_attests_again(kind: str, by: str) -> None:
    story = ordered(kind)
    attest(story, "it")
    attest(story, "it", by=ASSESSOR)
    assert finding(story).verdict == "carried_out"
    reject(story, "it", by)
    attest(story, "it")
    found = finding(story)
    assert (found.verdict, rules(found)[-1]) == ("cannot_be_proved", "attestation.rejected")
    assert found.evidence == "E0"
    attest(story, "it", by=ASSESSOR)
    assert finding(story).verdict == "carried_out"


def test_a_rejection_speaks_against_any_obligation() -> None:
    story = bound()
    story.erase(1)
    story.look("faces")
    assert finding(story, obligation=0).verdict == "carried_out"
    reject(story, "erase")
    found = finding(story, obligation=0)
    assert (found.verdict, [(gap.rule, gap.subject) for gap in found.gaps]) == (
        "cannot_be_proved",
        [("attestation.rejected", ASSESSOR)],
    )


@pytest.mark.parametrize("role", ["auditor", "authority"])
def test_a_strangers_rejection_has_no_effect_and_is_listed(role: str) -> None:
    story = ordered()
    attest(story, "it")
    story.log.register(OTHER, role)
    index = reject(story, "it", OTHER)
    found = finding(story)
    assert (found.verdict, listed(found)) == ("carried_out", [("attestation.stranger", index, 0)])


def test_the_authoritys_name_under_another_key_is_a_stranger() -> None:
    story = ordered()
    attest(story, "it")
    story.log.keys[AUTHORITY] = SigningKey(AUTHORITY, ED25519, bytes(range(32)))
    story.log.register(AUTHORITY, "authority")
    story.log.sources.pop(AUTHORITY, None)
    index = reject(story, "it", AUTHORITY)
    found = finding(story)
    assert (found.verdict, listed(found)) == ("carried_out", [("attestation.stranger", index, 0)])


def test_an_assessor_rejects_also_when_his_key_is_called_stolen() -> None:
    story = ordered()
    attest(story, "it")
    reject(story, "it")
    story.revoke(ASSESSOR, "2025-12-01T00:00:00Z", "auditor")
    assert rules(finding(story)) == ["attestation.rejected"]


def test_an_assessors_acceptance_is_worth_nothing_then() -> None:
    story = ordered("independent_assessment")
    attest(story, "it", by=ASSESSOR)
    story.revoke(ASSESSOR, "2025-12-01T00:00:00Z", "auditor")
    assert rules(finding(story)) == ["assessment.missing"]


def test_an_oath_binds_what_is_done_otherwise() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(oath="sworn"))
    attest(story, "erase", oath="sworn")
    story.erase(1)
    story.look("faces")
    assert [(gap.rule, gap.subject) for gap in finding(story).gaps] == [("oath.missing", "sworn")]
    attest(story, "erase", oath="declaration")
    assert finding(story).verdict == "cannot_be_proved"
    attest(story, "erase", oath="sworn", by=ASSESSOR)
    assert finding(story).verdict == "cannot_be_proved"
    attest(story, "erase", oath="sworn", by=COMPANY)
    assert finding(story).verdict == "carried_out"


def test_best_efforts_change_no_verdict() -> None:
    for modality in ("absolute", "best_efforts"):
        story = ordered("publish", modality=modality)
        assert finding(story).verdict == "cannot_be_proved"
        attest(story, "it")
        assert finding(story).verdict == "carried_out"


@pytest.mark.parametrize("kind", BY_THE_CONTROLLER)
def test_a_report_may_follow(kind: str) -> None:
    story = ordered(kind, min_evidence="E1")
    attest(story, "it")
    attest(story, "it", report=True)
    assert (finding(story).verdict, finding(story).evidence) == ("carried_out", "E1")


@pytest.mark.parametrize("reports", [(True, True), (True, False), (False, True)])
def test_a_report_on_each_of_the_obligations(reports: tuple[bool, bool]) -> None:
    story = Story()
    confirm = obliged("attest", id="confirm", depends_on=("one", "two"), min_evidence="E1")
    story.order(obliged("publish", id="one"), obliged("publish", id="two"), confirm)
    attest(story, "one", report=reports[0])
    attest(story, "two", report=reports[1])
    assert rules(finding(story, obligation=2)) == ([] if all(reports) else ["evidence.below_required"])


def test_attested_of_each_in_time_and_of_the_whole_later_is_in_time() -> None:
    story = Story()
    story.order(obliged("publish", id="one"), obliged("attest", id="confirm", depends_on=("one",)))
    attest(story, "one")
    attest(at_day(story, 35), "confirm")
    assert listed(finding(story, obligation=1)) == []


@pytest.mark.parametrize("kind", BY_THE_CONTROLLER)
def test_sworn_late_is_late_where_an_oath_is_demanded(kind: str) -> None:
    story = ordered(kind, oath="sworn")
    attest(story, "it")
    assert rules(finding(story)) == ["attestation.missing"]
    index = attest(at_day(story, 31.5), "it", oath="sworn")
    assert listed(finding(story)) == [("attestation.late", index, 2)]
