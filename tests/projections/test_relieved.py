"""What an authority lets stay, whose erasure counts how much, and what was derived (DOMAIN §5)."""

import msgspec
import pytest

from projections import events as ev
from projections.finding import Finding
from projections.order import Obligation
from projections.vocabulary import Evidence
from tests.projections.acts import FAR, back_up, day, exempt, place_hold
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, SHA, Story, erase_gb, handle

PAST = 40  # days; the deadline is day 30


def derived_gb(**how: object) -> Obligation:
    return msgspec.structs.replace(erase_gb(**how), type="erase_derived")


def finding(story: Story, days: float = PAST) -> Finding:
    return story.judge(days).findings[0]


def kept(*obligations: Obligation) -> Story:
    """Two in scope, one of them erased."""
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order(*obligations)
    story.erase(1)
    story.look("faces", 2)
    return story


def test_what_is_exempt_is_counted_apart_and_stands_in_nobodys_way() -> None:
    story = kept()
    assert finding(story).verdict == "breached"
    exempt(story, 2)
    found = finding(story)
    assert (found.verdict, found.counts["exempt"], found.counts["live"]) == ("carried_out", 1, 0)
    assert found.counts["in_scope"] == 2


@pytest.mark.parametrize(
    ("category_class", "verdict"), [("user.content", "carried_out"), ("user.biometric", "breached")]
)
def test_an_exemption_for_a_class(category_class: str, verdict: str) -> None:
    story = kept()
    exempt(story, category_class=category_class)
    assert finding(story).verdict == verdict


def test_an_exemption_from_another_obligation_is_none_from_this() -> None:
    story = kept()
    exempt(story, 2, obligation="other")
    assert finding(story).verdict == "breached"


def test_what_the_authority_holds_is_due_again_when_the_hold_ends() -> None:
    story = kept()
    place_hold(story, 2, until="2026-02-10")
    found = finding(story, 40)
    assert (found.verdict, found.counts["held"]) == ("carried_out", 1)
    assert finding(story, 41).verdict == "breached"


def test_the_controllers_own_hold_changes_nothing() -> None:
    story = kept()
    place_hold(story, 2, by=COMPANY)
    assert (finding(story, 20).verdict, finding(story).verdict) == ("outstanding", "breached")
    assert finding(story).counts["held"] == 0


def test_another_authoritys_exemption_and_hold_change_nothing() -> None:
    story = kept()
    story.log.register("other.example", "authority")
    exempt(story, 2, by="other.example")
    place_hold(story, 2, by="other.example")
    assert finding(story).verdict == "breached"


def relief_without_effect(story: Story) -> list[tuple[str, int, str, str, int]]:
    return [
        (one.rule, one.index, one.by, one.store, one.copies)
        for one in finding(story).irregularities
        if one.rule.startswith(("hold.", "exemption."))
    ]


def test_a_hold_that_keeps_nothing_is_listed_with_the_copies_that_are_due() -> None:
    story = kept()
    own = place_hold(story, 1, 2, 3, by=COMPANY)
    story.log.register("other.example", "authority")
    other = place_hold(story, 2, by="other.example")
    assert relief_without_effect(story) == [
        ("hold.own", own, COMPANY, "faces", 1),
        ("hold.foreign", other, "other.example", "faces", 1),
    ]
    place_hold(story, 2)
    assert relief_without_effect(story) == [], "nothing is due that they would have kept"


def test_a_hold_that_keeps_nothing_in_backups_is_listed_too() -> None:
    story = kept()
    own = place_hold(story, 1, by=COMPANY)
    assert relief_without_effect(story) == []
    back_up(story, day(0), FAR)
    assert relief_without_effect(story) == [("hold.own", own, COMPANY, "faces", 1)]


def test_an_exemption_by_anybody_else_is_listed_with_the_obligation_that_it_names() -> None:
    story = kept(erase_gb(), derived_gb(id="derived"))
    story.log.register("other.example", "authority")
    granted = exempt(story, 2, by="other.example")
    exempt(story, 2)
    assert relief_without_effect(story) == [("exemption.foreign", granted, "other.example", "", 0)]
    assert finding(story).counts["exempt"] == 1
    assert story.judge(PAST).findings[1].irregularities == ()


def test_an_exemption_or_a_hold_under_a_stolen_key_is_listed() -> None:
    story = kept()
    place_hold(story, 2)
    exempt(story, 2)
    story.revoke(AUTHORITY, "2026-01-01T00:00:00Z", role="authority")
    assert [one[0] for one in relief_without_effect(story)] == ["hold.foreign", "exemption.foreign"]


# Whose word an erasure is.


def test_a_processors_own_signature_is_worth_more_than_the_controllers() -> None:
    for role, level in (("processor", "E1"), ("controller", "E0")):
        story = Story(stores=())
        story.log.register("host.example", role)
        story.declare("faces", operator="host.example")
        story.hold(1)
        story.order()
        story.erase(1, by="host.example")
        assert finding(story, 20).evidence == level


@pytest.mark.parametrize(
    ("method", "kind", "level"),
    [("crypto_erase", "custody", "E4"), ("crypto_erase", "receipt", "E3"), ("purge", "custody", "E3")],
)
def test_attested_custody_and_an_assessors_look(method: str, kind: str, level: str) -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order(erase_gb(min_evidence=level))
    story.post(
        msgspec.convert(
            {
                "cause": "order",
                "controller": CONTROLLER,
                "evidence": (Evidence(kind=kind, sha256=SHA),),  # type: ignore[arg-type]
                "irrecoverable": True,
                "method": method,
                "records": (handle(1),),
                "store": "faces",
            },
            ev.DataDeleted,
        )
    )
    story.look("faces")
    assert finding(story).evidence == "E2"
    story.look("faces", by=ASSESSOR)
    assert (finding(story).evidence, finding(story).verdict) == (level, "carried_out")


def test_a_look_under_another_key_than_the_orders_is_listed() -> None:
    story = kept()
    story.log.register("friend.example", "auditor")
    story.look("faces", 2, by="friend.example")
    assert [(one.rule, one.by) for one in finding(story).irregularities] == [
        ("assessor.unnamed", "friend.example")
    ]


# Derived data by itself.


def test_derived_data_is_erased_and_its_image_may_stay() -> None:
    story = Story()
    story.hold(1)
    story.derive([11], [1], store="faces")
    story.order(derived_gb())
    assert (finding(story, 20).verdict, finding(story).verdict) == ("outstanding", "breached")
    story.erase(11, method="destroy")
    story.look("faces", 1)
    story.look("index")
    found = finding(story)
    assert (found.verdict, found.counts["in_scope"]) == ("carried_out", 1)


def test_an_artefact_that_is_held_again_is_derived_data_still() -> None:
    story = Story()
    story.hold(1)
    story.derive([11], [1], store="faces")
    story.hold(11)
    story.order(derived_gb())
    assert finding(story).counts["live"] == 1


@pytest.mark.parametrize(("kind", "live"), [("index", 1), ("model", 1), ("live", 0)])
def test_an_opening_balance_of_an_index_is_derived_data(kind: str, live: int) -> None:
    story = Story(stores=())
    story.declare("faces", kind=kind)
    story.hold(1)
    story.order(derived_gb())
    assert finding(story).counts["live"] == live


def test_artefacts_of_others_stay() -> None:
    story = Story()
    story.hold(2, residency="US")
    story.derive([21], [2])
    story.order(derived_gb())
    assert (finding(story).counts["in_scope"], finding(story).counts["out_of_scope"]) == (0, 1)
