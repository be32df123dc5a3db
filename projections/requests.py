"""Requests: what data subjects asked for and were told, and which services were offered where.

A part of the docket. Receipts and steps are kept as they were posted, each with its place in the log, and are
joined where they are read. Whether an answer came in time, and whose word it is, is decided there too
(`subjects.py`, `offering.py`). What no order is judged by (consents, objections, suppressions) is not here.
"""

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any, Literal

import msgspec
from msgspec import Struct, UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.moments import rfc3339_us
from projections.series import Series

StepKind = Literal["demanded", "extended", "answered", "abandoned"]


class Step(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What was done about a request at one entry. `word` is an answer's outcome, else the ground given.

    Only an extension has a `due_us` (Unix microseconds), only a demand `items`, which the data subject was
    free to withhold if it was `optional`.
    """

    index: int
    time_us: int
    by: int
    request: str
    kind: StepKind
    word: str = ""
    due_us: int = 0
    items: tuple[str, ...] = ()
    optional: bool = False


class Received(Struct, frozen=True, array_like=True, omit_defaults=True):
    """Somebody says that a data subject exercised a right of Art. 15 to 22. No records: nobody said about
    whom."""

    index: int
    time_us: int
    by: int
    request: str
    right: str
    due_us: int
    records: tuple[str, ...] = ()


class Enquiry(Struct, frozen=True):
    """What a data subject asked, by its first receipt, and the steps that came after that, in log order."""

    index: int
    time_us: int
    by: int
    right: str
    due_us: int
    records: tuple[str, ...]
    steps: tuple[Step, ...]


class Offer(Struct, frozen=True, array_like=True):
    """A service was offered in a territory, or withdrawn from it."""

    index: int
    time_us: int
    by: int
    service: str
    territory: str
    offered: bool


class Requests(Struct, frozen=True):
    """State after some number of entries. Series are in log order."""

    received: Series[Received] = Series()
    steps: Series[Step] = Series()
    offers: Series[Offer] = Series()


def read_enquiries(part: Requests, size: int) -> dict[str, Enquiry]:
    """The enquiries below `size`, by their request, in log order."""
    first = _first_receipts(part, size)
    steps: dict[str, list[Step]] = {request: [] for request in first}
    for step in _steps_below(part, size):
        if _is_received(first, step):
            steps[step.request].append(step)
    return {request: _joined(one, steps[request]) for request, one in first.items()}


def read_unreceived(part: Requests, size: int) -> set[str]:
    """Requests about which something was done before a receipt had been posted, below `size`: the ledger is
    incomplete."""
    first = _first_receipts(part, size)
    return {step.request for step in _steps_below(part, size) if not _is_received(first, step)}


def _joined(one: Received, steps: list[Step]) -> Enquiry:
    return Enquiry(one.index, one.time_us, one.by, one.right, one.due_us, one.records, tuple(steps))


def _first_receipts(part: Requests, size: int) -> dict[str, Received]:
    """The first receipt counts: to receive it again would be a way to grant oneself time."""
    first: dict[str, Received] = {}
    for one in takewhile(lambda one: one.index < size, part.received):
        first.setdefault(one.request, one)
    return first


def _steps_below(part: Requests, size: int) -> Iterator[Step]:
    return takewhile(lambda step: step.index < size, part.steps)


def _is_received(first: dict[str, Received], step: Step) -> bool:
    return step.request in first and first[step.request].index < step.index


def _received(part: Requests, fact: Fact, by: int) -> Requests:
    data: ev.EnquiryReceived = fact.event.data
    one = Received(
        fact.index,
        fact.time_us,
        by,
        data.request,
        data.right,
        rfc3339_us(data.due_at),
        () if isinstance(data.records, UnsetType) else data.records,
    )
    return msgspec.structs.replace(part, received=part.received.grown(one))


def _stepped(part: Requests, step: Step) -> Requests:
    return msgspec.structs.replace(part, steps=part.steps.grown(step))


def _demanded(part: Requests, fact: Fact, by: int) -> Requests:
    data: ev.EnquiryIdentityDemanded = fact.event.data
    items = tuple(data.items)
    step = _step(fact, by, "demanded", data.ground)
    return _stepped(part, msgspec.structs.replace(step, items=items, optional=data.optional))


def _extended(part: Requests, fact: Fact, by: int) -> Requests:
    data: ev.EnquiryExtended = fact.event.data
    return _stepped(part, _step(fact, by, "extended", data.ground, rfc3339_us(data.due_at)))


def _answered(part: Requests, fact: Fact, by: int) -> Requests:
    return _stepped(part, _step(fact, by, "answered", fact.event.data.outcome))


def _abandoned(part: Requests, fact: Fact, by: int) -> Requests:
    return _stepped(part, _step(fact, by, "abandoned"))


def _step(fact: Fact, by: int, kind: StepKind, word: str = "", due_us: int = 0) -> Step:
    return Step(fact.index, fact.time_us, by, fact.event.data.request, kind, word, due_us)


def _offered(part: Requests, fact: Fact, by: int) -> Requests:
    data: ev.ServiceOffered | ev.ServiceWithdrawn = fact.event.data
    offered = isinstance(data, ev.ServiceOffered)
    offer = Offer(fact.index, fact.time_us, by, data.service, data.territory, offered)
    return msgspec.structs.replace(part, offers=part.offers.grown(offer))


STEPS: dict[type[Any], Callable[[Requests, Fact, int], Requests]] = {
    ev.EnquiryReceived: _received,
    ev.EnquiryIdentityDemanded: _demanded,
    ev.EnquiryExtended: _extended,
    ev.EnquiryAnswered: _answered,
    ev.EnquiryAbandoned: _abandoned,
    ev.ServiceOffered: _offered,
    ev.ServiceWithdrawn: _offered,
}
