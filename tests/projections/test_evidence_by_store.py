"""Store by store: who looked, when, how, what stands behind what is said of it; and what an order demands."""

import msgspec
import pytest

from projections import events as ev
from projections.finding import Finding, Level
from projections.order import Penalty, Scope
from projections.runners.wording import store_line, unproven_lines
from projections.statement import StoreLook, StoreProbe, format_statement, parse_statement
from projections.verdict import EVALUATORS, headline, judge
from projections.vocabulary import Evidence
from tests.projections.conduct import at_day, obliged, rules
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import ASSESSOR, COMPANY, ORDER, SHA, START_S, Story, erase_gb, handle
from tests.projections.test_probing import probe
from tests.projections.test_statement import statement

PAST = 40
NAMES = ("bare", "receipts", "own", "assessed", "custody")
STRANGER = "auditor2.example"


def burn(story: Story, number: int, store: str) -> None:
    """Destroy a copy's key before witnesses."""
    story.post(
        ev.DataDeleted(
            cause="order",
            controller=CONTROLLER,
            evidence=(Evidence(kind="custody", sha256=SHA),),
            irrecoverable=True,
            method="crypto_erase",
            records=(handle(number),),
            store=store,
        )
    )


def five() -> Story:
    """Five stores with a copy each, erased; behind each stands more than behind the one before."""
    story = Story(stores=NAMES)
    for number, store in enumerate(NAMES, 1):
        story.hold(number, store=store)
    story.order()
    for number, store in enumerate(NAMES[:4], 1):
        story.erase(number, store=store, evidence=store == "receipts")
    burn(story, 5, "custody")
    at_day(story, 3)
    story.look("own")
    story.look("assessed", by=ASSESSOR)
    story.look("custody", by=ASSESSOR, quotes=story.log.checkpoint(), announced=False)
    return story


def by_store(story: Story) -> dict[str, StoreLook]:
    said = statement(story, days=PAST)
    assert parse_statement(format_statement(said)) == said
    return {one.store: one for one in said.obligations[0].stores}


def test_each_store_has_the_level_of_what_stands_behind_it() -> None:
    stores = by_store(five())
    assert {name: stores[name].evidence for name in NAMES} == {
        "bare": "E0",
        "receipts": "E1",
        "own": "E2",
        "assessed": "E3",
        "custody": "E4",
    }
    assert [name for name in NAMES if not stores[name].looked] == ["bare", "receipts"]


def test_each_look_says_who_when_and_how() -> None:
    story = five()
    stores = by_store(story)
    assert [(one.by, one.level, one.method) for one in stores.values() if one.looked] == [
        (ASSESSOR, "E3", "quiescent"),
        (ASSESSOR, "E3", "reconcile"),
        (COMPANY, "E2", "quiescent"),
    ]
    for one in stores.values():
        if one.looked:
            assert isinstance(one.at, int)
            assert 0 <= one.at - (START_S + 3 * 86_400) < 60
            assert one.attested == one.begun + (1 if one.method == "reconcile" else 2)  # type: ignore[operator]
    said = store_line(stores["custody"])
    assert f"{ASSESSOR} (an assessor of the order) counted beside a store in use" in said
    assert said.endswith("as the ledger says; evidence E4")


def test_a_store_that_nobody_looked_into_is_named_wherever_the_verdict_is() -> None:
    story = five()
    said = statement(story, days=PAST)
    assert headline(judge(story.case(PAST))).endswith(
        "over the 5 stores it declared, 2 of them looked into by an assessor, 1 by the controller itself"
    )
    assert unproven_lines(said)[:2] == [
        "what is in bare, receipts: nobody has looked since the last erasure there",
        "what is in own, but by the controller's own word",
    ]
    missing = [gap.subject for gap in said.obligations[0].gaps if gap.rule == "inventory.missing"]
    assert missing == ["bare", "receipts"]
    assert store_line(by_store(story)["bare"]) == (
        "bare: nobody has looked into it since its last erasure; evidence E0"
    )


def test_a_look_that_disagrees_is_no_evidence_and_says_by_how_much() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1, 2, evidence=True)
    story.look("faces", 2, 77, by=ASSESSOR, orphans=(2, 77))
    one = by_store(story)["faces"]
    assert (one.agrees, one.evidence, one.level) == (False, "E1", "E3")
    assert (one.count, one.ledger_count, one.orphans, one.missing) == (2, 0, 2, msgspec.UNSET)
    assert "where the ledger says 0: 2 orphans" in store_line(one)


def probed(story: Story) -> StoreProbe | msgspec.UnsetType:
    return by_store(story)["faces"].probe


def test_a_probe_stands_beside_the_look_and_in_for_none() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.hold(3, residency="US")
    story.order(erase_gb(independent=True))
    story.erase(1, 2)
    assert probed(story) is msgspec.UNSET
    at = probe(story, 0)
    one = by_store(story)["faces"]
    assert isinstance(one.probe, StoreProbe)
    assert (one.probe.by, one.probe.level, one.probe.entry) == (ASSESSOR, "E3", at)
    assert (one.probe.checked, one.probe.found, one.probe.control) == (2, 0, 5)
    assert (one.looked, one.evidence) == (False, "E0")
    assert "looked for the 2 erased copies" in store_line(one)
    story.look("faces", 3)
    one = by_store(story)["faces"]
    assert (one.looked, one.evidence, isinstance(one.probe, StoreProbe)) == (True, "E2", True)
    assert rules(story.judge(PAST).findings[0]) == ["evidence.not_independent"]


def test_the_probe_that_is_told_is_the_last_that_counts_an_assessors_first() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1, 2)
    probe(story, 0, checked=(1,))
    probe(story, 0, control=0)
    assert probed(story) is msgspec.UNSET
    own = probe(story, 0, by=COMPANY)
    assert getattr(probed(story), "entry", None) == own
    first = probe(story, 0)
    probe(story, 0, by=COMPANY)
    assert getattr(probed(story), "entry", None) == first
    last = probe(story, 1, checked=(1,))
    assert (getattr(probed(story), "entry", None), getattr(probed(story), "found", None)) == (last, 1)


@pytest.mark.parametrize("kind", EVALUATORS)
def test_what_an_order_demands_of_evidence_holds_of_every_type(kind: str) -> None:
    """Nothing but the company's own word is there."""
    how = {"penalty": Penalty(amount_minor=1, currency="GBP", per="once")} if kind == "pay" else {}
    found: dict[bool, Finding] = {}
    for demands in (False, True):
        story = Story(stores=("faces",))
        story.hold(1, residency="GB")
        strict = {"min_evidence": "E4", "independent": True} if demands else {}
        story.order(obliged(kind, **how, **strict))
        story.erase(1)
        story.look("faces")
        found[demands] = story.judge(PAST).findings[0]
    weak = {"evidence.below_required", "evidence.not_independent"}
    assert set(rules(found[True])) & weak == weak
    assert set(rules(found[False])) & weak == set()
    assert found[True].verdict != "carried_out"


LEVELS: tuple[Level, ...] = ("E0", "E1", "E2", "E3", "E4")


@pytest.mark.parametrize("demanded", LEVELS)
@pytest.mark.parametrize("there", LEVELS)
def test_less_than_the_level_demanded_is_missing_and_no_less(demanded: Level, there: Level) -> None:
    """Of one store, whatever else is missing of it."""
    store = NAMES[LEVELS.index(there)]
    story = five()
    scope = Scope(residency=("GB",), stores=(store,))
    story.order(erase_gb(scope=scope, min_evidence=demanded, independent=demanded >= "E3"), version=2)
    # The order is the same one, so the looks came after it was first issued.
    found = story.judge(PAST).findings[0]
    assert found.evidence == there
    assert ("evidence.below_required" in rules(found)) == (there < demanded)
    assert ("evidence.not_independent" in rules(found)) == (demanded >= "E3" > there)


def test_an_unnamed_auditors_look_is_the_controllers_own() -> None:
    story = Story(stores=("faces",))
    story.log.register(STRANGER, "auditor")
    story.hold(1)
    story.order(erase_gb(independent=True))
    story.erase(1)
    story.look("faces", by=STRANGER)
    one = by_store(story)["faces"]
    assert (one.by, one.level, one.evidence) == (STRANGER, "E2", "E2")
    assert "no assessor of the order" in store_line(one)
    assert story.case(PAST).order.id == ORDER
    assert rules(story.judge(PAST).findings[0]) == ["evidence.not_independent"]
