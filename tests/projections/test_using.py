"""The prohibition to use, and the duty to restrict (DOMAIN §5). Each test fails when its rule is removed."""

from collections.abc import Callable

import msgspec
import pytest

from projections import events as ev
from projections.finding import Finding
from projections.order import Obligation
from tests.projections.acts import (
    access,
    day,
    disclose,
    exempt,
    match,
    place_hold,
    restrict,
    unrestrict,
    wait,
)
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import AUTHORITY, ORDER, SHA, Story, cease_gb, erase_gb, handle, replace_scope

PAST = 40  # days; the deadline is day 30


def using_gb(**how: object) -> Obligation:
    return msgspec.structs.replace(cease_gb(**how), type="cease_using")


def restrict_gb(**how: object) -> Obligation:
    return msgspec.structs.replace(erase_gb(id="restrict", **how), type="restrict")


def told(*obligations: Obligation) -> Story:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.hold(3, residency="US")
    story.order(*obligations)
    return story


def finding(story: Story, days: float = PAST) -> Finding:
    return story.judge(days).findings[0]


def rules(found: Finding) -> set[str]:
    return {gap.rule for gap in found.gaps}


def accounted(story: Story) -> Story:
    """Some days pass, and the one program that is named accounts for them."""
    wait(story, 41)
    story.attest(day(0), day(41))
    return story


def turn(story: Story, kind: type[ev.Data], at: float) -> None:
    story.post(
        kind(controller=CONTROLLER, effective_at=day(at), instrument_sha256=SHA, order=ORDER), by=AUTHORITY
    )


# cease_using


def test_silence_about_uses_counts_where_somebody_accounts_for_the_time() -> None:
    story = told(using_gb())
    assert rules(finding(story)) == {"collector.none_named"}
    assert (finding(story, 20).verdict, finding(story).verdict) == ("outstanding", "cannot_be_proved")
    accounted(story)
    found = finding(story)
    assert (found.verdict, found.evidence, found.word) == ("carried_out", "E0", "controller")
    assert (found.counts["used"], found.counts["usable"]) == (0, 2)
    restrict(story, 1)
    story.erase(2)
    assert finding(story).counts["usable"] == 0


@pytest.mark.parametrize("use", [access, match, disclose])
def test_a_use_while_in_force_breaches_for_good(use: Callable[..., int]) -> None:
    story = accounted(told(using_gb()))
    use(story, 3)
    assert finding(story).verdict == "carried_out"
    index = use(story, 1, 2)
    story.erase(1, 2)
    found = finding(story, 400)
    assert found.verdict == "breached"
    assert [(one.rule, one.index, one.copies) for one in found.irregularities] == [
        ("use.prohibited", index, 2)
    ]
    assert found.counts["used"] == 2


def test_a_use_before_the_order_took_effect_breaches_nothing() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    access(story, 1)
    story.order(using_gb(), effective="2026-01-02")
    assert finding(accounted(story)).verdict == "carried_out"


def test_a_use_while_the_order_was_stayed_breaches_nothing() -> None:
    for stayed, used in ((5, 0), (15, 1)):
        story = told(using_gb())
        wait(story, 1)
        turn(story, ev.OrderStayed, stayed)
        wait(story, 9)
        access(story, 1)
        turn(story, ev.OrderStayLifted, 20)
        assert finding(story).counts["used"] == used


def test_an_exemption_allows_the_uses_after_it_only() -> None:
    story = accounted(told(using_gb()))
    exempt(story, 1, obligation="cease")
    access(story, 1)
    assert finding(story).counts["used"] == 0
    access(story, 2)
    exempt(story, 2, obligation="cease")
    assert finding(story).verdict == "breached"


def test_a_hold_keeps_and_allows_no_use() -> None:
    story = told(using_gb())
    place_hold(story, 1)
    access(story, 1)
    assert finding(story).verdict == "breached"


def test_a_use_counts_from_its_own_entry_on() -> None:
    story = accounted(told(using_gb()))
    size = story.log.size
    access(story, 1)
    from projections.verdict import judge

    assert judge(story.case(PAST, size=size)).verdict == "carried_out"


@pytest.mark.parametrize(
    ("setting", "verdict"),
    [("in_scope", "breached"), ("report", "cannot_be_proved"), ("out_of_scope", "carried_out")],
)
def test_using_those_of_unknown_residency(setting: str, verdict: str) -> None:
    story = Story(stores=("faces",))
    story.hold(1, residency="")
    story.order(using_gb(scope=replace_scope(unknown_residency=setting)))
    access(accounted(story), 1)
    assert finding(story).verdict == verdict


# restrict


def restricted() -> Story:
    story = told(restrict_gb())
    restrict(story, 1, 2)
    story.look("faces", 1, 2, 3)
    return story


def test_every_live_copy_is_restricted() -> None:
    story = told(restrict_gb())
    restrict(story, 1)
    story.look("faces", 1, 2, 3)
    assert (finding(story, 20).verdict, finding(story).verdict) == ("outstanding", "breached")
    assert finding(story).counts["unrestricted"] == 1
    restrict(story, 2)
    found = finding(story)
    assert (found.verdict, found.evidence, found.counts["in_scope"]) == ("carried_out", "E0", 2)
    story.erase(1)
    assert finding(story).counts["in_scope"] == 1, "what is gone needs no restriction"


def test_each_copy_is_restricted_by_itself_and_each_life_anew() -> None:
    story = restricted()
    story.post(
        ev.DataCopied(controller=CONTROLLER, from_store="faces", records=(handle(1),), to_store="hidden")
    )
    assert finding(story).counts["unrestricted"] == 1
    story = restricted()
    story.erase(1)
    story.collect(1)
    assert finding(story).counts["unrestricted"] == 1


def test_only_the_stores_operator_restricts() -> None:
    story = told(restrict_gb())
    story.log.register("host.example", "processor")
    restrict(story, 1, 2, by="host.example")
    found = finding(story)
    assert found.counts["unrestricted"] == 2
    assert [(one.rule, one.copies) for one in found.irregularities] == [("restriction.foreign", 2)]


@pytest.mark.parametrize("use", [access, match, disclose])
def test_a_use_after_the_restriction_breaches_for_good(use: Callable[..., int]) -> None:
    story = told(restrict_gb())
    story.look("faces", 1, 2, 3)
    use(story, 1)
    restrict(story, 1, 2)
    assert finding(story).verdict == "carried_out", "before it a record may be used"
    index = use(story, 2)
    found = finding(story, 20)
    assert found.verdict == "breached"
    assert [(one.rule, one.index) for one in found.irregularities] == [("use.restricted", index)]


def test_a_use_after_the_deadline_breaches_whatever_is_restricted_then() -> None:
    story = told(restrict_gb())
    wait(story, 31)
    access(story, 1)
    restrict(story, 1, 2)
    story.look("faces", 1, 2, 3)
    assert finding(story).verdict == "breached"


def test_setting_free_breaches_for_good() -> None:
    story = restricted()
    index = unrestrict(story, 1)
    restrict(story, 1)
    found = finding(story)
    assert (found.verdict, found.counts["lifted"]) == ("breached", 1)
    assert [(one.rule, one.index) for one in found.irregularities] == [("restriction.lifted", index)]


def test_what_was_set_free_before_the_order_may_be_used_until_it_is_restricted() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    restrict(story, 1)
    unrestrict(story, 1)
    story.order(restrict_gb(), effective="2026-01-02")
    wait(story, 2)
    access(story, 1)
    found = finding(story, 20)
    assert (found.verdict, found.counts["unrestricted"]) == ("outstanding", 1)


def test_without_a_look_nobody_knows_that_all_copies_are_restricted() -> None:
    story = told(restrict_gb())
    restrict(story, 1, 2)
    found = finding(story)
    assert (found.verdict, rules(found)) == ("cannot_be_proved", {"inventory.missing"})


def test_a_late_restriction_is_listed_with_its_days() -> None:
    for time, rule in ((None, "restriction.late"), (day(5), "restriction.backdated")):
        story = told(restrict_gb())
        wait(story, 33)
        restrict(story, 1, 2, time=time)
        story.look("faces", 1, 2, 3)
        found = finding(story)
        assert (found.verdict, found.counts["restricted_late"]) == ("carried_out", 2)
        assert [(one.rule, one.copies, one.days_late) for one in found.irregularities] == [(rule, 2, 4)]


def test_a_restriction_is_no_better_evidence_than_a_word() -> None:
    story = told(restrict_gb(min_evidence="E1"))
    restrict(story, 1, 2)
    story.look("faces", 1, 2, 3)
    assert rules(finding(story)) == {"evidence.below_required"}


def test_what_is_exempt_need_not_be_restricted_and_what_is_held_must() -> None:
    story = told(restrict_gb())
    exempt(story, 1, obligation="restrict")
    place_hold(story, 2)
    found = finding(story)
    assert (found.counts["exempt"], found.counts["unrestricted"]) == (1, 1)


def test_a_restriction_ends_with_the_life_of_what_it_restricts() -> None:
    for again, count in ((False, "used"), (True, "used"), (False, "lifted"), (True, "lifted")):
        story = restricted()
        if again:
            story.erase(1)
            story.collect(1)
        access(story, 1) if count == "used" else unrestrict(story, 1)
        assert finding(story, 20).counts[count] == (0 if again else 1)


def test_what_is_not_there_is_not_restricted() -> None:
    story = told(restrict_gb())
    restrict(story, 4)
    story.hold(4)
    access(story, 4)
    assert (finding(story, 20).counts["used"], finding(story, 20).counts["unrestricted"]) == (0, 3)


def test_nobody_can_look_into_a_store_that_nobody_declared() -> None:
    story = restricted()
    story.post(
        ev.DataCopied(controller=CONTROLLER, from_store="faces", records=(handle(1),), to_store="hidden")
    )
    exempt(story, 1, obligation="restrict")
    assert (finding(story).verdict, rules(finding(story))) == ("cannot_be_proved", {"store.undeclared"})


def test_what_was_restricted_and_is_gone_was_in_scope() -> None:
    story = Story(stores=("faces",))
    story.hold(1, residency=None)
    story.order(restrict_gb())
    story.erase(1)
    story.look("faces")
    assert (finding(story).verdict, rules(finding(story))) == ("carried_out", set())


def test_a_use_that_was_allowed_needs_nobodys_residency() -> None:
    story = Story(stores=("faces",))
    story.hold(1, residency="")
    story.order(using_gb(scope=replace_scope(unknown_residency="report")))
    exempt(story, 1, obligation="cease")
    access(accounted(story), 1)
    assert (finding(story).verdict, rules(finding(story))) == ("carried_out", set())


@pytest.mark.parametrize(("setting", "verdict"), [("in_scope", "breached"), ("report", "cannot_be_proved")])
def test_a_use_of_those_whose_residency_is_to_be_known_first(setting: str, verdict: str) -> None:
    story = Story(stores=("faces",))
    story.hold(1, residency="")
    story.order(restrict_gb(scope=replace_scope(unknown_residency=setting)))
    restrict(story, 1)
    access(story, 1)
    unrestrict(story, 1)
    story.erase(1)
    story.look("faces")
    found = finding(story)
    assert (found.verdict, "residency.unknown" in rules(found)) == (verdict, setting == "report")
