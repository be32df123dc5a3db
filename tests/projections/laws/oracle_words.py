"""The oracle's rulings on what is carried out by attestation, and on whose word counts."""

from collections import Counter
from collections.abc import Iterable

from msgspec import UNSET

from projections import events as ev
from projections.fact import Fact
from projections.order import Obligation, deadline_at
from tests.projections.laws.oracle import SECOND_US, Oracle
from tests.projections.laws.oracle_ruling import Ruling, overdue, settle

OATHS = ("none", "declaration", "sworn")


def attestations(oracle: Oracle, obligation: str, oath: str, after: int, *, own: bool) -> list[Fact]:
    """Who vouched for an obligation so strongly, over a log that holds the entry `after`.

    `own`: the controller, for which an auditor whom the order does not name counts too. Else: an assessor.
    """
    return [
        fact
        for fact in oracle.told(ev.ComplianceAttested)
        if (fact.event.data.order, fact.event.data.obligation) == (oracle.order.id, obligation)
        and OATHS.index(fact.event.data.oath) >= OATHS.index(oath)
        and max(after, oracle.ordered) < fact.event.data.log_size <= fact.index
        and fact.poster.role in ("controller", "auditor")
        and oracle.is_assessor(fact.poster) != own
        and oracle.believed(fact)
    ]


def accepted(oracle: Oracle, obligation: str, oath: str, after: int) -> list[Fact]:
    """What assessors attested; nothing while a rejection stands."""
    return [] if rejected(oracle, obligation) else attestations(oracle, obligation, oath, after, own=False)


def rejected(oracle: Oracle, obligation: str) -> bool:
    """Whether an assessor or the authority did not accept it, and no assessor has attested since.

    No word on his key takes back what an assessor rejected.
    """
    rejections = [
        fact.index
        for fact in oracle.told(ev.ComplianceRejected)
        if (fact.event.data.order, fact.event.data.obligation) == (oracle.order.id, obligation)
        and (oracle.is_assessor(fact.poster) or fact.poster.vkey == oracle.authority.vkey)
    ]
    since = attestations(oracle, obligation, "none", -1, own=False)
    return bool(rejections) and not any(fact.index > max(rejections) for fact in since)


def level_of(oracle: Oracle, obligation: Obligation, own: Iterable[list[Fact]], after: int) -> str:
    """An assessor's word is worth E3; else the best that the controller said of each thing counts, and of
    several things the weakest."""
    if accepted(oracle, obligation.id, "none", after):
        return "E3"
    reports = [any(fact.event.data.report_sha256 is not UNSET for fact in words) for words in own]
    return "E1" if reports and all(reports) else "E0"


def attest(oracle: Oracle, obligation: Obligation) -> Ruling:
    """The controller vouches for it, or for each obligation that it is about."""
    ways = [[obligation.id], list(obligation.depends_on)]
    return by_word(oracle, obligation, "attestation.missing", ways, own=True)


def by_controller(oracle: Oracle, obligation: Obligation) -> Ruling:
    """An appointment or a publication: the controller vouches for it."""
    return by_word(oracle, obligation, "attestation.missing", [[obligation.id]], own=True)


def independent_assessment(oracle: Oracle, obligation: Obligation) -> Ruling:
    """An assessor whom the order names vouches for it."""
    return by_word(oracle, obligation, "assessment.missing", [[obligation.id]], own=False)


def by_word(
    oracle: Oracle, obligation: Obligation, rule: str, ways: Iterable[list[str]], *, own: bool
) -> Ruling:
    """Of the ways to attest, the one that was complete first."""
    found = [[_said(oracle, name, obligation.oath, own=own) for name in names] for names in ways if names]
    whole = [way for way in found if all(way)]
    ruling = Ruling("", Counter())
    if not whole:
        ruling.missing.append(rule)
        return settle(oracle, obligation, level_of(oracle, obligation, [], -1), ruling)
    way = min(whole, key=lambda way: max(words[0].index for words in way))
    act = max((words[0] for words in way), key=lambda fact: fact.index)
    deadline = deadline_at(oracle.order, obligation)
    ruling.counts[oracle.timing(act, deadline)] += 1
    ruling.act = act.index
    overdue(ruling, "attestation.late", deadline * SECOND_US, act)
    level = max(level_of(oracle, obligation, way, -1) for way in whole)
    return settle(oracle, obligation, level, ruling)


def _said(oracle: Oracle, name: str, oath: str, *, own: bool) -> list[Fact]:
    return attestations(oracle, name, oath, -1, own=True) if own else accepted(oracle, name, oath, -1)
