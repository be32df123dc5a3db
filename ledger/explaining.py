"""Explaining: an order in plain sentences, as somebody reads it before signing.

    Clearview must, by 15 December 2022 and if no appeal is lodged, erase what is about residents of GB …

Every setting that decides something is said, defaults too. Pure: the same order gives the same sentences.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import UnsetType

from projections.moments import first_second
from projections.order import Obligation, Order, Scope, deadline_at, name_in

DOES: Final = {
    "erase": "erase irrecoverably {what}",
    "erase_derived": "erase irrecoverably the templates, indexes, profiles and models made of {what}",
    "cease_collecting": "collect no more {what}",
    "cease_using": "make no more use of {what}: neither match nor disclose nor read it",
    "cease_offering": "offer its services no more in {where}",
    "restrict": "restrict {what}: keep it, and do nothing else with it",
    "answer_subjects": "answer the requests of data subjects about {what}",
    "notify_recipients": "tell everybody to whom it disclosed {what}",
    "limit_retention": "keep {what} no longer than its retention period",
    "attest": "sign for it that this order was carried out",
    "independent_assessment": "have an assessor named below report on it",
    "appoint_representative": "appoint a representative",
    "pay": "pay {amount}",
    "publish": "publish what the order says",
}
ABOUT_RECORDS: Final = frozenset(name for name, does in DOES.items() if "{what}" in does)
ERASURES: Final = frozenset({"erase", "erase_derived"})
EVIDENCE: Final = {
    "E0": "the controller's bare word is enough evidence",
    "E1": "as evidence a system's receipt, or better, is required (E1)",
    "E2": "as evidence the holder must have looked into the store since (E2)",
    "E3": "as evidence an assessor must have looked into the store since (E3)",
    "E4": "as evidence an assessor, and custody of the destroyed keys, are required (E4)",
}
METHODS: Final = {
    "clear": "overwriting is enough",
    "purge": "by purging or stronger",
    "crypto_erase": "by destroying the key or stronger",
    "destroy": "by destroying what it is stored on",
}
UNKNOWN: Final = {
    "in_scope": "records of unknown residency count as in scope",
    "report": "records of unknown residency stand in the way until their residency is known",
    "out_of_scope": "records of unknown residency are left alone",
}
WHEN: Final = {
    "ever": "whoever was ever known to reside there counts",
    "at_collection": "where somebody resided when the data was collected decides",
    "at_order": "where somebody resided when the order was issued decides",
}
BASES: Final = {
    "authority": "an authority's word",
    "declared": "the person's own declaration",
    "inference": "inference",
    "ip": "IP addresses",
    "metadata": "metadata",
    "registration": "registration",
}
INCLUDED: Final = {
    "derived": "what is derived from it",
    "copies": "its copies",
    "recipients": "what recipients hold",
    "backups": "backups",
}
ANCHORS: Final = {
    "served": "service",
    "appeal_expires": "the end of the appeal period",
    "effective": "the day the order takes effect",
}

UNITS: Final = {
    "Y": "year", "M": "month", "W": "week", "D": "day", "H": "hour", "m": "minute", "S": "second"
}  # fmt: skip
# Currencies whose hundredth is their smallest unit. Of others the number is said as it is written.
HUNDREDTHS: Final = frozenset(
    ("AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "NOK", "NZD", "PLN", "SEK", "USD")
)


def explain(order: Order) -> list[str]:
    """The sentences: what the order is, each obligation, whom a reader may believe."""
    return [
        _identity(order),
        *(_obligation(order, one) for one in order.obligations),
        _believed(order),
    ]


def day(moment: str) -> str:
    """A moment as people write it: 15 December 2022."""
    return _date(first_second(moment), whole=len(moment) == len("2022-12-15"))


def _identity(order: Order) -> str:
    parts = [
        f"{order.id}, version {order.version}, issued on {day(order.issued)} in {order.country} under "
        f"{order.legal_basis}",
        f"in force from {day(order.effective)}",
    ]
    if not isinstance(order.served, UnsetType):
        parts.append(f"served on {day(order.served)}")
    if not isinstance(order.appeal_expires, UnsetType):
        parts.append(f"may be appealed to the end of {day(order.appeal_expires)}; an appeal suspends it")
    return f"{'; '.join(parts)}."


def _obligation(order: Order, one: Obligation) -> str:
    who = _listed(name[:1].upper() + name[1:] for name in order.controllers)
    unless = "" if isinstance(order.appeal_expires, UnsetType) else " and if no appeal is lodged"
    does = DOES[one.type].format(
        what=_what(one.scope),
        where=_listed(one.scope.residency) or "any country",
        amount=_amount(one) if one.type == "pay" else "",
    )
    details = "; ".join(_details(order, one))
    return f"{one.id}: {who} must, by {_due(order, one)}{unless}, {does}{'; ' if details else ''}{details}."


def _due(order: Order, one: Obligation) -> str:
    end_s = deadline_at(order, one)
    deadline = one.deadline
    written = deadline.at if not isinstance(deadline.at, UnsetType) else ""
    if isinstance(deadline.anchor, UnsetType) or isinstance(deadline.duration, UnsetType):
        return _date(end_s, whole=len(written) == len("2022-12-15"))
    anchor: str = getattr(order, deadline.anchor)
    whole = len(anchor) == len("2022-12-15") and end_s % 86_400 == 86_399
    period = f"{_period(deadline.duration)} from {ANCHORS[deadline.anchor]}, {day(anchor)}"
    return f"{_date(end_s, whole=whole)} ({period})"


def _details(order: Order, one: Obligation) -> Iterator[str]:
    if not isinstance(one.retention_days, UnsetType):
        days = f"{one.retention_days:,} day{'' if one.retention_days == 1 else 's'}"
        yield f"at most {days} from its collection or, where none is on record, from the first word of it"
    if one.type in ABOUT_RECORDS and one.scope.residency:
        yield UNKNOWN[one.scope.unknown_residency]
        yield WHEN[one.scope.residency_when]
        bases = _listed((BASES[name] for name in one.scope.residency_bases), "or")
        yield f"a record leaves the scope only on {bases or 'nothing at all'}"
    if one.type in ERASURES:
        included = [text for name, text in INCLUDED.items() if name in one.include]
        left = [text for name, text in INCLUDED.items() if name not in one.include]
        yield f"with it go {_listed(included)}" if included else "the records alone"
        if left:
            yield f"left alone are {_listed(left)}"
        yield METHODS[one.min_method]
    if one.depends_on:
        yield f"only after {_listed(one.depends_on)}"
    if one.type != "pay":
        yield EVIDENCE[one.min_evidence]
    if one.independent:
        yield "what shows it must not be the controller's own"
    if one.oath != "none":
        yield "under oath" if one.oath == "sworn" else "with a signed declaration"
    if not isinstance(one.recurrence, UnsetType):
        yield f"and again every {_period(one.recurrence)}"
    if one.modality == "best_efforts":
        yield "by its best efforts"
    if not isinstance(one.penalty, UnsetType) and one.type != "pay":
        every = " for every day that it is late" if one.penalty.per == "day" else ""
        yield f"on penalty of {_amount(one)}{every}"


def _what(scope: Scope) -> str:
    kind = f"the categories {_listed(scope.categories)}" if scope.categories else "any category"
    whose = "children" if scope.minors == "only" else ("residents" if scope.residency else "anybody")
    where = f" of {_listed(scope.residency, 'or')}" if scope.residency else ""
    return "".join([f"personal data of {kind} about {whose}{where}", *_narrowed(scope)])


def _narrowed(scope: Scope) -> Iterator[str]:
    if scope.source_kinds:
        yield f" from the sources {_listed(scope.source_kinds)}"
    if scope.stores:
        yield f" in the stores {_listed(scope.stores)}"
    begin, end = scope.collected_from, scope.collected_to
    if not isinstance(begin, UnsetType):
        yield f" collected from {day(begin)} on"
    if not isinstance(end, UnsetType):
        yield f"{' collected' if isinstance(begin, UnsetType) else ' and'} to the end of {day(end)}"


def _believed(order: Order) -> str:
    trust = order.trust
    witnesses = [line.split(" ")[2].split("+")[0] for line in trust.witnesses if line.startswith("witness ")]
    assessors = sorted({name_in(vkey) for vkey in trust.assessors})
    needed = trust.quorum_of_assessors
    quorum_said = f" ({needed} of them must sign a statement without the log)" if needed > 1 else ""
    quorum = next((line.split(" ")[1] for line in trust.witnesses if line.startswith("quorum ")), "none")
    days = trust.max_statement_age_s / 86_400
    return (
        f"Believed are the log {trust.log_vkey.split('+')[0]}; "
        f"{f'the witnesses {_listed(witnesses)} (quorum: {quorum})' if witnesses else 'no witnesses'}; "
        f"{_authorities(trust.roots)}"
        f"{f'the assessors {_listed(assessors)}' if assessors else 'no assessors'}{quorum_said}. "
        f"A statement on it may be {days:g} days old at most."
    )


def _authorities(roots: Sequence[bytes]) -> str:
    """Known by the hash that a person can compare, for a certificate's name is whatever its maker wrote."""
    marks = [hashlib.sha256(root).hexdigest()[:16] for root in roots]
    ends = "root whose SHA-256 begins" if len(marks) == 1 else "roots whose SHA-256 begin"
    return f"time-stamps by authorities under the {ends} with {_listed(marks)}; " if marks else ""


def _amount(one: Obligation) -> str:
    assert not isinstance(one.penalty, UnsetType), "an obligation to pay says how much"
    whole, rest = divmod(one.penalty.amount_minor, 100)
    if one.penalty.currency in HUNDREDTHS:
        return f"{whole:,}.{rest:02} {one.penalty.currency}"
    return f"{one.penalty.amount_minor:,} of the smallest unit of {one.penalty.currency}"


def _date(seconds: int, *, whole: bool) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    text = f"{moment.day} {moment:%B %Y}"
    return text if whole else f"{text}, {moment:%H:%M:%S} UTC"


def _period(duration: str) -> str:
    """A duration as people write it: P1Y6M is 1 year and 6 months."""
    days, _, clock = duration.partition("T")
    # M is months before the T and minutes after it.
    parts = re.findall(r"(\d+)(\w)", days) + re.findall(r"(\d+)(\w)", clock.replace("M", "m"))
    return _listed(f"{int(number)} {UNITS[unit]}{'' if int(number) == 1 else 's'}" for number, unit in parts)


def _listed(words: Iterable[str], last: str = "and") -> str:
    *some, end = [*words] or [""]
    return f"{', '.join(some)} {last} {end}" if some else end
