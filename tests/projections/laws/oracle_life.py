"""The oracle on an order's life: what is to be called its status, and when it was in force."""

from collections.abc import Iterator
from itertools import pairwise

from msgspec import UNSET

from projections import events as ev
from projections.fact import Fact
from projections.moments import first_second, last_second
from tests.projections.laws.oracle import SECOND_US, Oracle

# From which states, and to which; an order that nothing keeps out of force is in none.
TURNS: dict[type[ev.Data], tuple[tuple[str, ...], str]] = {
    ev.OrderAppealed: (("", "stayed"), "appealed"),
    ev.OrderStayed: (("", "appealed"), "stayed"),
    ev.OrderStayLifted: (("stayed", "appealed"), ""),
    ev.OrderSetAside: (("", "stayed", "appealed"), "set_aside"),
    ev.OrderReinstated: (("stayed", "appealed", "set_aside"), ""),
    ev.OrderRevoked: (("", "stayed", "appealed", "set_aside"), "revoked"),
    ev.OrderDischarged: (("", "stayed", "appealed", "set_aside"), "discharged"),
}


def by_authority(oracle: Oracle, fact: Fact) -> bool:
    """Whether the authority that signed the order said it."""
    return fact.poster.vkey == oracle.authority.vkey and oracle.believed(fact)


def status(oracle: Oracle) -> str:
    """What is to be called the order's status at this moment."""
    held = suspended(oracle, oracle.as_of * SECOND_US)
    if held or oracle.as_of >= first_second(oracle.order.effective):
        return held or "in_force"
    return "served" if _is_served(oracle) else "issued"


def _is_served(oracle: Oracle) -> bool:
    """By the order's own account, or by an event."""
    said = [] if oracle.order.served is UNSET else [oracle.order.served]
    for fact in oracle.told(ev.OrderServed):
        if fact.event.data.order == oracle.order.id and by_authority(oracle, fact):
            said.append(fact.event.data.effective_at)
    return any(first_second(moment) <= oracle.as_of for moment in said)


def in_force(oracle: Oracle, time_us: int) -> bool:
    """Whether the order was in force at a recorded time, as far as is known by now."""
    return time_us >= first_second(oracle.order.effective) * SECOND_US and not suspended(oracle, time_us)


def suspended(oracle: Oracle, time_us: int) -> str:
    """What keeps the order out of force then; nothing does if this is empty."""
    turns = [
        (first_second(f.event.data.effective_at) * SECOND_US, f.index, type(f.event.data))
        for f in oracle.told(*TURNS)
        if f.event.data.order == oracle.order.id and by_authority(oracle, f)
    ]
    state = ""
    for from_us, _, kind in sorted([*turns, *own_appeals(oracle)], key=lambda turn: turn[:2]):
        if from_us <= time_us and state in TURNS[kind][0]:
            state = TURNS[kind][1]
    return state


def own_appeals(oracle: Oracle) -> Iterator[tuple[int, int, type[ev.Data]]]:
    """The controller's word that it appealed, where witnesses prove that it came in time."""
    expires = oracle.order.appeal_expires
    for fact in oracle.told(ev.OrderAppealed):
        data = fact.event.data
        if data.order != oracle.order.id or fact.poster.role != "controller" or expires is UNSET:
            continue
        if oracle.believed(fact) and oracle.timing(fact, last_second(expires)) == "in_time":
            yield max(first_second(data.effective_at) * SECOND_US, fact.time_us), fact.index, type(data)


def spans_in_force(oracle: Oracle, start_us: int, end_us: int) -> list[tuple[int, int]]:
    """The time between two moments in which the order was in force, cut at every turn of its life."""
    within = sorted(edge for edge in (edges(oracle) | {start_us, end_us}) if start_us <= edge <= end_us)
    return [(left, right) for left, right in pairwise(within) if in_force(oracle, left)]


def edges(oracle: Oracle) -> set[int]:
    """Every moment at which the order may have come into force or gone out of it."""
    found = {first_second(oracle.order.effective) * SECOND_US}
    for fact in oracle.told(*TURNS):
        found |= {first_second(fact.event.data.effective_at) * SECOND_US, fact.time_us}
    return found
