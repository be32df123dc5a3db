"""The oracle's rulings on conduct: services and payments, and all its rulings on conduct by type."""

from collections import Counter
from collections.abc import Callable

from msgspec import UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.order import Obligation, Penalty, Scope
from tests.projections.laws.oracle import BREACHED, SECOND_US, Oracle
from tests.projections.laws.oracle_enquiries import answer_subjects
from tests.projections.laws.oracle_life import in_force, spans_in_force
from tests.projections.laws.oracle_ruling import Ruling, due_us, overdue, settle, times_due
from tests.projections.laws.oracle_words import attest, by_controller, independent_assessment

# --- Services


def cease_offering(oracle: Oracle, obligation: Obligation) -> Ruling:
    """No service is on offer in the territory, and none was offered there anew."""
    said = list(oracle.told(ev.ServiceOffered, ev.ServiceWithdrawn))
    ruling = Ruling("", Counter(services=len({fact.event.data.service for fact in said})))
    due = due_us(oracle, obligation)
    for offer in said:
        if isinstance(offer.event.data, ev.ServiceOffered):
            for place in met(offer.event.data.territory, obligation.scope):
                _offered(oracle, due, offer, withdrawal(oracle, offer, place), ruling)
    if not said:
        ruling.missing.append("service.none_named")
    undone = ruling.counts["offered"] > 0
    return settle(oracle, obligation, "E0", ruling, undone=undone)


def _offered(oracle: Oracle, due: int, offer: Fact, gone: Fact | None, ruling: Ruling) -> None:
    end_us = oracle.as_of * SECOND_US if gone is None else gone.time_us
    ruling.counts["offered" if gone is None else "withdrawn"] += 1
    ruling.act = max(ruling.act, -1 if gone is None else gone.index)
    anew = in_force(oracle, offer.time_us)
    kept_on = [span for span in spans_in_force(oracle, due, end_us) if span[1] > offer.time_us]
    if not anew and not kept_on:
        return
    ruling.listed.append("offer.prohibited" if anew else "offer.not_withdrawn")
    ruling.verdict = BREACHED
    ruling.broken += [(max(start, offer.time_us), end) for start, end in kept_on]
    if anew and offer.time_us > due:
        ruling.broken.append(
            (offer.time_us, offer.time_us)
        )  # Withdrawn at once, it was offered all the same.


def met(territory: str, scope: Scope) -> set[str]:
    """Where an offer meets the scope: a country and a part of it meet in the part."""
    if not scope.residency:
        return {territory}
    return {
        min(territory, own, key=lambda one: -len(one))
        for own in scope.residency
        if holds(own, territory) or holds(territory, own)
    }


def holds(country: str, place: str) -> bool:
    """Whether the place is, or is a part of, this one."""
    return country in (place, place.partition("-")[0])


def withdrawal(oracle: Oracle, offer: Fact, place: str) -> Fact | None:
    """What ended an offer in a place."""
    for fact in oracle.told(ev.ServiceWithdrawn):
        data = fact.event.data
        same = data.service == offer.event.data.service and holds(data.territory, place)
        if same and fact.index > offer.index and oracle.believed(fact):
            return fact
    return None


# --- Payments


def pay(oracle: Oracle, obligation: Obligation) -> Ruling:
    """The penalty was paid, by the controller's word or by the authority's."""
    penalty = fine(obligation)
    before, due = 0, penalty.amount_minor * times_due(oracle, obligation)
    for other in oracle.order.obligations:
        if other.id == obligation.id:
            break
        if other.type == "pay" and fine(other).currency == penalty.currency:
            before += fine(other).amount_minor * times_due(oracle, other)
    paid = [
        fact
        for fact in oracle.told(ev.PenaltyPaid)
        if (fact.event.data.order, fact.event.data.currency) == (oracle.order.id, penalty.currency)
        and oracle.believed(fact)
    ]
    confirmed = [fact for fact in paid if fact.poster.vkey == oracle.authority.vkey]
    own = [fact for fact in paid if fact.poster.role == "controller"]
    settled = sum(fact.event.data.amount_minor for fact in confirmed) >= before + due
    counted = confirmed if settled else own
    total = max(sum(fact.event.data.amount_minor for fact in some) for some in (confirmed, own))
    ruling = Ruling(
        "", Counter(payments=len(counted), due_minor=due, paid_minor=min(max(total - before, 0), due))
    )
    act = _reached(counted, before + due)
    if act is None:
        ruling.missing.append("payment.missing")
    else:
        ruling.act = act.index
        overdue(ruling, "payment.late", due_us(oracle, obligation), act)
    return settle(oracle, obligation, "E3" if settled else "E0", ruling)


def fine(obligation: Obligation) -> Penalty:
    """What is to be paid."""
    assert not isinstance(obligation.penalty, UnsetType), "an order without an amount is refused"
    return obligation.penalty


def _reached(payments: list[Fact], amount: int) -> Fact | None:
    total = 0
    for fact in payments:
        total += fact.event.data.amount_minor
        if total >= amount:
            return fact
    return None


CONDUCT: dict[str, Callable[[Oracle, Obligation], Ruling]] = {
    "answer_subjects": answer_subjects,
    "appoint_representative": by_controller,
    "attest": attest,
    "cease_offering": cease_offering,
    "independent_assessment": independent_assessment,
    "pay": pay,
    "publish": by_controller,
}
