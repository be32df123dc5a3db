"""Laws of verdicts, over generated histories."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from projections import events as ev
from projections.case import Case
from projections.fact import Fact
from projections.fold import Fold
from projections.order import Order
from projections.verdict import Judgment, judge
from tests.projections.laws.histories import TURNS, Step, Steps, histories, moments, oracle_of, tell
from tests.projections.laws.worlds import (
    DEADLINE_S,
    FACES,
    INDEX,
    OTHER_AUTHORITY,
    RECIPIENT,
    VAULT,
    World,
    cease,
    erase,
    handles,
    make_order,
)
from tests.projections.story import ASSESSOR, COMPANY, SHA

CI = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SOAK = settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))


def judge_facts(facts: list[Fact], order: Order, as_of: int, size: int | None = None) -> Judgment:
    fold = Fold.empty()
    for fact in facts:
        fold.take(fact)
    issued = next(one for one in fold.docket.orders if one.order == order)
    end = facts[-1].index + 1 if size is None else size
    return judge(Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=end))


# --- A breach of a prohibition is for good


def stays_breached(order: Order, steps: Steps) -> None:
    world = tell(order, steps)
    at = max(world.now_us // 1_000_000, DEADLINE_S)
    early = [one for one in moments(world) if one < at]
    verdicts = []
    for as_of in (*early, at, at + 86_400, at + 400 * 86_400):
        found = judge_facts(world.facts, order, as_of)
        if found.status == "in_force":
            verdicts.append(found.findings[1].verdict)
    assert "breached" not in verdicts or set(verdicts[verdicts.index("breached") :]) == {"breached"}


@given(histories())
@CI
def test_a_later_moment_mends_no_breach_of_a_prohibition(history: tuple[Order, Steps]) -> None:
    stays_breached(*history)


@given(histories(), st.lists(st.sampled_from((
    Step("erase", ((1, 2, 3, 4), FACES)), Step("finish", (ASSESSOR, "destroy")), Step("wait", (40,)),
    Step("account", (0, 300, "c-1", False, ())),
)), min_size=1, max_size=4))  # fmt: skip
@CI
def test_no_later_act_mends_it(history: tuple[Order, Steps], acts: Steps) -> None:
    """The controller erases, attests and lets be looked into what it likes."""
    order, steps = history
    # Whom a statement on residency is about may change what was collected; these acts say nothing of that.
    before, after = tell(order, steps), tell(order, [*steps, *acts])
    as_of = after.now_us // 1_000_000 + 1
    if judge_facts(before.facts, order, as_of).findings[1].verdict == "breached":
        assert judge_facts(after.facts, order, as_of).findings[1].verdict == "breached"


# --- What is beside the matter changes nothing


def irrelevant(world: World) -> Iterator[Callable[[], Any]]:
    """What another authority says, or what is said of others than residents of GB."""
    records = handles((1, 2))
    other = make_order(erase(), id=f"{OTHER_AUTHORITY}/o-1")
    mine = {"order": world.chosen.id, "instrument_sha256": SHA} if world.chosen else {}
    yield lambda: world.say(OTHER_AUTHORITY, ev.OrderRevoked, effective_at="2026-01-01", **mine)
    yield lambda: world.say(OTHER_AUTHORITY, ev.OrderStayed, effective_at="2026-01-01", **mine)
    yield lambda: world.issue(other, OTHER_AUTHORITY)
    yield lambda: world.say(
        OTHER_AUTHORITY, ev.HoldPlaced, basis="court_order", hold="x", records=records, until="2030-01-01"
    )
    yield lambda: world.say(
        OTHER_AUTHORITY, ev.ExemptionGranted, ground="legal_duty", obligation="erase", records=records,
        order=mine["order"],
    )  # fmt: skip
    yield lambda: world.say(COMPANY, ev.EventCorrected, corrects=3, reason="other")
    yield lambda: world.say(
        COMPANY, ev.DataAccessed, actor="a-1", actor_country="US", purpose="search", records=handles((99,))
    )
    yield lambda: world.fail((1,), FACES)


@given(histories(), st.lists(st.integers(0, 7), min_size=1, max_size=4))
@CI
def test_what_is_beside_the_matter_changes_nothing(history: tuple[Order, Steps], chosen: list[int]) -> None:
    order, steps = history
    world = tell(order, steps)
    before, size = list(world.facts), world.size
    for number in chosen:
        list(irrelevant(world))[number]()
    as_of = world.now_us // 1_000_000 + 1
    for moment in (as_of, max(as_of, DEADLINE_S + 1)):
        found, plain = judge_facts(world.facts, order, moment), judge_facts(before, order, moment)
        assert found.verdict == plain.verdict
        assert [one.counts for one in found.findings] == [one.counts for one in plain.findings]
        # Nor do they, once they stand beyond the size that is judged.
        assert judge_facts(world.facts, order, moment, size) == plain


def test_events_about_another_controller_change_nothing() -> None:
    """One log is one controller's: an order against another is none of its business."""
    world = carried_out()
    assert world.chosen is not None
    found = judge_facts(world.facts, world.chosen, DEADLINE_S + 1)
    world.tell(OTHER_AUTHORITY, msgspec.structs.replace(_order_of(world), controller="another"))
    assert judge_facts(world.facts, world.chosen, DEADLINE_S + 1) == found


def _order_of(world: World) -> ev.OrderIssued:
    order = make_order(erase(), id=f"{OTHER_AUTHORITY}/o-2", controllers=("another",))
    return ev.OrderIssued(
        controller="another", effective_at=order.effective, instrument_sha256=SHA, order=order
    )


# --- A minimal history that is carried out has nothing to spare


def carried_out() -> World:
    """The least that carries out an order to erase and to collect no more."""
    world = World(chosen=make_order(erase(), cease()))
    world.hold((1, 2), FACES)
    world.copy((1,), FACES, VAULT)
    world.derive((101,), (2,))
    world.say(
        COMPANY, ev.DataDisclosed, country="US", disclosure="d-1", public=False, recipient=RECIPIENT,
        records=handles((1,)),
    )  # fmt: skip
    TURNS["order"](world)
    for people, store in (((1,), FACES), ((2,), FACES), ((1,), VAULT), ((101,), INDEX)):
        world.erase(people, store)
    world.say(COMPANY, ev.RecipientNotified, disclosure="d-1")
    world.say(RECIPIENT, ev.RecipientAcknowledged, disclosure="d-1", outcome="erased")
    for store in (FACES, INDEX, VAULT):
        TURNS["look"](world, store, (), ASSESSOR)
    world.wait(48)
    world.stand_still(0, 20)
    world.stand_still(20, 48)
    return world


NECESSARY = (
    ev.DataDeleted,
    ev.InventoryBegun,
    ev.InventoryAttested,
    ev.RecipientNotified,
    ev.RecipientAcknowledged,
    ev.CollectorAttested,
)
AS_OF = DEADLINE_S - 1_000


def necessary(facts: list[Fact]) -> list[int]:
    return [fact.index for fact in facts if isinstance(fact.event.data, NECESSARY)]


def test_the_minimal_history_is_carried_out() -> None:
    world = carried_out()
    assert world.chosen is not None
    assert len(necessary(world.facts)) == 14
    assert judge_facts(world.facts, world.chosen, AS_OF).verdict == "carried_out"


@pytest.mark.parametrize("place", range(14))
def test_nothing_can_be_left_out_of_it(place: int) -> None:
    world = carried_out()
    assert world.chosen is not None
    left = world.facts.copy()
    del left[necessary(world.facts)[place]]
    for as_of, verdict in ((AS_OF, ("outstanding",)), (DEADLINE_S + 1, ("breached", "cannot_be_proved"))):
        assert judge_facts(left, world.chosen, as_of).verdict in verdict


@given(histories())
@CI
def test_what_erases_the_last_live_copy_is_necessary(history: tuple[Order, Steps]) -> None:
    """Of any history with its erasure carried out: without an erasure that ended a copy's life, it isn't."""
    order, steps = history
    world = tell(order, steps)
    as_of = world.now_us // 1_000_000 + 1
    assume(judge_facts(world.facts, order, as_of).findings[0].verdict == "carried_out")
    scope = order.obligations[0].scope
    oracle = oracle_of(world, order)
    ended = {
        copy.erasure.index
        for (handle, store), copy in oracle.copies().items()
        if copy.erasure is not None
        and oracle.reach(handle, scope) == "in"
        and (not scope.stores or store in scope.stores)
        and ("derived" in order.obligations[0].include or not oracle.is_artefact(handle))
    }
    for index in ended:
        left = [fact for fact in world.facts if fact.index != index]
        assert judge_facts(left, order, as_of).findings[0].verdict != "carried_out"


@pytest.mark.soak
@given(histories(most=30))
@SOAK
def test_a_later_moment_mends_no_breach_for_long(history: tuple[Order, Steps]) -> None:
    stays_breached(*history)
