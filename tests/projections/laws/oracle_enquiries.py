"""The oracle's rulings on what data subjects asked, and whether they were answered."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import UNSET

from projections import events as ev
from projections.fact import Fact
from projections.moments import last_second_after, rfc3339_us
from projections.order import Obligation
from tests.projections.laws.oracle import BREACHED, SECOND_US, Oracle
from tests.projections.laws.oracle_ruling import Ruling, due_us, overdue, past, settle
from tests.projections.laws.oracle_words import attestations, level_of
from tests.projections.logbuilder import rfc3339


@dataclass
class Enquiry:
    """What became of one request."""

    received: Fact
    due_us: int
    end: Fact | None = None
    demanded: bool = False
    extended: bool = False
    extended_late: bool = False


def answer_subjects(oracle: Oracle, obligation: Obligation) -> Ruling:
    """Everybody in scope who asked was answered."""
    counts: Counter[str] = Counter()
    ruling = Ruling("", counts)
    found = list(enquiries(oracle, obligation))
    for enquiry in found:
        due = max(enquiry.due_us, due_us(oracle, obligation))
        counts["enquiries"] += 1
        counts["extended"] += enquiry.extended
        counts[_outcome(oracle, enquiry, due)] += 1
        if enquiry.end is not None:
            ruling.act = max(ruling.act, enquiry.end.index)
        if enquiry.end is not None and isinstance(enquiry.end.event.data, ev.EnquiryAnswered):
            overdue(ruling, "enquiry.late", due, enquiry.end)
        ruling.listed += ["enquiry.extended_late"] if enquiry.extended_late else []
    if counts["overdue"]:
        ruling.verdict = BREACHED
        ruling.listed.append("enquiry.overdue")
    words = attestations(oracle, obligation.id, "none", oracle.ordered, own=True)
    if not found and not words:
        ruling.missing.append("enquiry.none_known")
    if counts["abandoned_after_demand"]:
        ruling.missing.append("enquiry.abandoned_after_demand")
    if _strays(oracle):
        ruling.missing.append("enquiry.orphan")
    undone = counts["pending"] > 0 and not past(oracle, obligation)
    level = level_of(oracle, obligation, [words], max(ruling.act, oracle.ordered))
    return settle(oracle, obligation, level, ruling, undone=undone)


def enquiries(oracle: Oracle, obligation: Obligation) -> Iterator[Enquiry]:
    """Those about somebody in scope, and those of which nobody says whom they are about."""
    known = set()
    for fact in oracle.told(ev.EnquiryReceived):
        data = fact.event.data
        if data.request in known:
            continue
        known.add(data.request)
        if data.records is UNSET or any(oracle.reaches(one, obligation.scope) for one in data.records):
            yield follow(oracle, fact)


def follow(oracle: Oracle, received: Fact) -> Enquiry:
    """A request's course: three months are the longest that anybody may be kept waiting."""
    longest = last_second_after(rfc3339(received.time_us), "P3M") * SECOND_US
    enquiry = Enquiry(received, min(rfc3339_us(received.event.data.due_at), longest))
    for fact in oracle.told(*_STEPS):
        data = fact.event.data
        if fact.index < received.index or data.request != received.event.data.request:
            continue
        if isinstance(data, ev.EnquiryIdentityDemanded):
            enquiry.demanded |= not data.optional
        elif not oracle.believed(fact):
            continue
        elif isinstance(data, ev.EnquiryExtended):
            if enquiry.end is None:
                _extend(enquiry, fact, longest)
        elif enquiry.end is None or (_is(enquiry.end, ev.EnquiryAbandoned) and _is(fact, ev.EnquiryAnswered)):
            enquiry.end = fact
    return enquiry


def _extend(enquiry: Enquiry, fact: Fact, longest: int) -> None:
    if fact.time_us > enquiry.due_us:
        enquiry.extended_late = True
        return
    enquiry.extended = True
    enquiry.due_us = min(max(enquiry.due_us, rfc3339_us(fact.event.data.due_at)), longest)


_STEPS = (ev.EnquiryIdentityDemanded, ev.EnquiryExtended, ev.EnquiryAnswered, ev.EnquiryAbandoned)


def _is(fact: Fact, kind: type[ev.Data]) -> bool:
    return isinstance(fact.event.data, kind)


def _outcome(oracle: Oracle, enquiry: Enquiry, due: int) -> str:
    if enquiry.end is None:
        return "overdue" if oracle.as_of * SECOND_US > due else "pending"
    if _is(enquiry.end, ev.EnquiryAbandoned):
        return "abandoned_after_demand" if enquiry.demanded else "abandoned"
    return f"answered_{oracle.timing(enquiry.end, due // SECOND_US)}"


def _strays(oracle: Oracle) -> bool:
    """Whether something was done about a request that nobody had received by then."""
    known = set()
    for fact in oracle.told(ev.EnquiryReceived, *_STEPS):
        if isinstance(fact.event.data, ev.EnquiryReceived):
            known.add(fact.event.data.request)
        elif fact.event.data.request not in known:
            return True
    return False
