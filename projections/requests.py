"""Requests: what data subjects asked for and were told, and which services were offered where.

A part of the docket: one state row. Steps are kept as they were posted, each with its place in the log;
whether an answer came in time, and whose word it is, is decided where they are read (`subjects.py`,
`offering.py`). What no order is judged by (consents, objections, suppressions) is not kept here.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import Struct, UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.moments import rfc3339_us

StepKind = Literal["demanded", "extended", "answered", "abandoned"]


class Step(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What happened to an enquiry at one entry. `word` is an answer's outcome, else the ground given.

    Only an extension has a `due_us` (Unix microseconds), only a demand `items`, which the data subject was
    free to withhold if it was `optional`.
    """

    index: int
    time_us: int
    by: int
    kind: StepKind
    word: str = ""
    due_us: int = 0
    items: tuple[str, ...] = ()
    optional: bool = False


class Enquiry(Struct, frozen=True, omit_defaults=True):
    """A data subject exercised a right of Art. 15 to 22. No records: nobody said whom it is about."""

    index: int
    time_us: int
    by: int
    right: str
    due_us: int
    records: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


class Unreceived(Struct, frozen=True, array_like=True):
    """Something was done about a request of which no receipt had been posted: the ledger is incomplete."""

    index: int
    time_us: int
    by: int
    request: str


class Offer(Struct, frozen=True, array_like=True):
    """A service was offered in a territory, or withdrawn from it."""

    index: int
    time_us: int
    by: int
    service: str
    territory: str
    offered: bool


class Requests(Struct, frozen=True):
    """State after some number of entries. Tuples are in log order; enquiries stand under their request."""

    enquiries: dict[str, Enquiry] = {}
    unreceived: tuple[Unreceived, ...] = ()
    offers: tuple[Offer, ...] = ()


def _received(part: Requests, fact: Fact, by: int) -> Requests:
    """The first receipt counts: to receive it again would be a way to grant oneself time."""
    data: ev.EnquiryReceived = fact.event.data
    if data.request in part.enquiries:
        return part
    enquiry = Enquiry(
        fact.index,
        fact.time_us,
        by,
        data.right,
        rfc3339_us(data.due_at),
        () if isinstance(data.records, UnsetType) else data.records,
    )
    return msgspec.structs.replace(part, enquiries={**part.enquiries, data.request: enquiry})


def _stepped(part: Requests, fact: Fact, request: str, step: Step) -> Requests:
    enquiry = part.enquiries.get(request)
    if enquiry is None:
        stray = Unreceived(fact.index, fact.time_us, step.by, request)
        return msgspec.structs.replace(part, unreceived=(*part.unreceived, stray))
    grown = msgspec.structs.replace(enquiry, steps=(*enquiry.steps, step))
    return msgspec.structs.replace(part, enquiries={**part.enquiries, request: grown})


def _demanded(part: Requests, fact: Fact, by: int) -> Requests:
    data: ev.EnquiryIdentityDemanded = fact.event.data
    items = tuple(data.items)
    step = Step(fact.index, fact.time_us, by, "demanded", data.ground, items=items, optional=data.optional)
    return _stepped(part, fact, data.request, step)


def _extended(part: Requests, fact: Fact, by: int) -> Requests:
    data: ev.EnquiryExtended = fact.event.data
    due_us = rfc3339_us(data.due_at)
    return _stepped(
        part, fact, data.request, Step(fact.index, fact.time_us, by, "extended", data.ground, due_us)
    )


def _answered(part: Requests, fact: Fact, by: int) -> Requests:
    data: ev.EnquiryAnswered = fact.event.data
    step = Step(fact.index, fact.time_us, by, "answered", data.outcome)
    return _stepped(part, fact, data.request, step)


def _abandoned(part: Requests, fact: Fact, by: int) -> Requests:
    data: ev.EnquiryAbandoned = fact.event.data
    return _stepped(part, fact, data.request, Step(fact.index, fact.time_us, by, "abandoned"))


def _offered(part: Requests, fact: Fact, by: int) -> Requests:
    data: ev.ServiceOffered | ev.ServiceWithdrawn = fact.event.data
    offered = isinstance(data, ev.ServiceOffered)
    offer = Offer(fact.index, fact.time_us, by, data.service, data.territory, offered)
    return msgspec.structs.replace(part, offers=(*part.offers, offer))


STEPS: dict[type[Any], Callable[[Requests, Fact, int], Requests]] = {
    ev.EnquiryReceived: _received,
    ev.EnquiryIdentityDemanded: _demanded,
    ev.EnquiryExtended: _extended,
    ev.EnquiryAnswered: _answered,
    ev.EnquiryAbandoned: _abandoned,
    ev.ServiceOffered: _offered,
    ev.ServiceWithdrawn: _offered,
}
