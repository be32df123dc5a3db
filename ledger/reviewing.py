"""Reviewing: what a lawyer may get wrong in an order that is well-formed all the same.

A *grave* concern defeats the order or a part of it: it can never be shown carried out, or reaches nobody. The
others are choices that ought to be made on purpose. Pure: the same order gives the same concerns.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct, UnsetType

from ledger.explaining import ABOUT_RECORDS, ERASURES, day
from ledger.order_templates import NO_INSTRUMENT
from projections.moments import first_second, last_second
from projections.order import Obligation, Order, Scope, deadline_at
from signing.errors import FormatError
from signing.timestamp import is_root

WEAK: Final = frozenset({"inference", "ip", "metadata"})
PROHIBITIONS: Final = frozenset({"cease_collecting", "cease_using", "cease_offering"})
LONG_S: Final = 30 * 86_400


class Concern(Struct, frozen=True):
    """Something about a field of the order. `rule` names it for good."""

    rule: str
    field: str
    grave: bool
    says: str


def review(order: Order) -> list[Concern]:
    """All concerns about an order, in its own sequence."""
    found = [*_whole(order), *_trust(order)]
    for place, one in enumerate(order.obligations):
        field = f"obligations[{place}]"
        found += _deadline(order, one, field)
        found += _evidence(order, one, field)
        if one.type in ABOUT_RECORDS:
            found += _scope(one.scope, f"{field}.scope")
        if one.type in ERASURES:
            found += _included(one, f"{field}.include")
        if one.type == "limit_retention" and isinstance(one.retention_days, UnsetType):
            says = "sets no days of its own: the controller alone says how long records may be kept"
            found.append(Concern("retention.own_term", f"{field}.retention_days", False, says))
    return found


def _whole(order: Order) -> Iterator[Concern]:
    if order.instrument_sha256 == NO_INSTRUMENT:
        says = "is all zeros: it commits to no document. Give the SHA-256 of the signed notice"
        yield Concern("instrument.none", "instrument_sha256", True, says)
    issued_s = first_second(order.issued)
    for name in ("effective", "served", "appeal_expires"):
        moment = getattr(order, name)
        if not isinstance(moment, UnsetType) and last_second(moment) < issued_s:
            says = f"{day(moment)} is before the order was issued, {day(order.issued)}"
            yield Concern(f"{name}.before_issued", name, True, says)
    served, expires = order.served, order.appeal_expires
    if isinstance(expires, UnsetType):
        says = (
            "is missing: the controller's own appeal will never suspend the order, only the authority's "
            "word that there is one"
        )
        yield Concern("appeal_expires.none", "appeal_expires", False, says)
    elif not isinstance(served, UnsetType) and last_second(expires) < first_second(served):
        says = f"the appeal period is over on {day(expires)}, before the order is served"
        yield Concern("appeal_expires.before_served", "appeal_expires", True, says)


def _trust(order: Order) -> Iterator[Concern]:
    trust = order.trust
    witnesses = [line for line in trust.witnesses if line.startswith("witness ")]
    if trust.policy().quorum == "none":
        yield _no_witnesses(stamped=bool(trust.roots))
    elif len(witnesses) == 1:
        says = "a single witness: whoever holds its key and the log's can invent times. Name three"
        yield Concern("trust.one_witness", "trust.witnesses", False, says)
    for place, root in enumerate(trust.roots):
        if (wrong := _no_root(root)) is not None:
            yield Concern("trust.no_root", f"trust.timestamp_roots[{place}]", True, wrong)
    if not trust.assessors:
        says = "no assessor: whatever is carried out will be so on the controller's own word"
        yield Concern("trust.no_assessors", "trust.assessors", False, says)
    if trust.max_statement_age_s > LONG_S:
        says = f"{trust.max_statement_age}: what happened within that time may be missing from a statement"
        yield Concern("trust.old_statements", "trust.max_statement_age", False, says)


def _no_witnesses(*, stamped: bool) -> Concern:
    says = (
        "no witnesses, or no quorum of them: no time can be proved, so nothing is ever shown to have "
        "been done before a deadline"
    )
    if stamped:
        says = (
            "no witnesses, or no quorum of them: time-stamps prove times, and nobody proves that the log "
            "shows everybody the same history"
        )
    return Concern("trust.no_witnesses", "trust.witnesses", not stamped, says)


def _no_root(certificate: bytes) -> str | None:
    try:
        return None if is_root(certificate) else "does not sign itself: name the root that it leads to"
    except FormatError as error:
        return f"{error}: give the DER of a root certificate in base64"


def _deadline(order: Order, one: Obligation, field: str) -> Iterator[Concern]:
    end_s, where = deadline_at(order, one), f"{field}.deadline"
    if end_s < order.effective_s:
        says = "ends before the order takes effect: it is late from the first moment"
        yield Concern("deadline.before_effective", where, True, says)
    expires = order.appeal_expires
    if one.type not in PROHIBITIONS and not isinstance(expires, UnsetType) and end_s < last_second(expires):
        says = "ends while the order may still be appealed"
        yield Concern("deadline.before_appeal_expires", where, False, says)
    for name in one.depends_on:
        other = next(other for other in order.obligations if other.id == name)
        if deadline_at(order, other) > end_s:
            says = f"ends before that of {name}, which must be done first"
            yield Concern("deadline.before_dependency", where, True, says)
    anchor, duration = one.deadline.anchor, one.deadline.duration
    if isinstance(anchor, UnsetType) or isinstance(duration, UnsetType):
        return
    start: str = getattr(order, anchor)
    if _clipped(start, duration, end_s):
        says = f"{duration} from {day(start)} ends with its month: there is no day {int(start[8:10])} in it"
        yield Concern("deadline.clipped", where, False, says)


def _clipped(start: str, duration: str, end_s: int) -> bool:
    """Whether years and months alone led to a month too short for the day of the start."""
    if any(unit in duration for unit in "WDT"):
        return False
    return datetime.fromtimestamp(end_s, UTC).day != int(start[8:10])


def _evidence(order: Order, one: Obligation, field: str) -> Iterator[Concern]:
    demanded = one.min_evidence >= "E3" or one.independent or one.type == "independent_assessment"
    if demanded and not order.trust.assessors:
        says = (
            "asks for an assessor, and the order names none: it can never be shown carried out. Name one in "
            "trust.assessors"
        )
        yield Concern("evidence.no_assessor", f"{field}.min_evidence", True, says)
    if one.min_evidence == "E4" and one.type not in ERASURES:
        says = "E4 is custody of destroyed keys: only an erasure reaches it"
        yield Concern("evidence.no_custody", f"{field}.min_evidence", True, says)
    if one.type in PROHIBITIONS and (one.min_evidence > "E0" or one.independent):
        says = "a prohibition rests on the controller's word alone (E0): asking more, it is never shown kept"
        yield Concern("evidence.of_a_word", f"{field}.min_evidence", True, says)


def _scope(scope: Scope, field: str) -> Iterator[Concern]:
    narrowed = (scope.categories, scope.residency, scope.source_kinds, scope.stores)
    begin, end = scope.collected_from, scope.collected_to
    spans = [one for one in (begin, end) if not isinstance(one, UnsetType)]
    if not any(narrowed) and scope.minors == "any" and not spans:
        says = "is empty: it reaches everybody and everything"
        yield Concern("scope.everybody", field, False, says)
    if len(spans) == 2 and first_second(spans[0]) > last_second(spans[1]):
        says = f"{day(spans[0])} is after {day(spans[1])}: it reaches nothing"
        yield Concern("scope.nobody", f"{field}.collected_from", True, says)
    if not scope.residency:
        return
    if scope.unknown_residency == "out_of_scope":
        says = "leaves alone whoever's residency nobody records: a controller that asks nobody erases nothing"
        yield Concern("scope.unknown_left_alone", f"{field}.unknown_residency", False, says)
    if scope.unknown_residency == "report":
        says = "one record of unknown residency stands in the way of everything"
        yield Concern("scope.unknown_reported", f"{field}.unknown_residency", False, says)
    weak = sorted(WEAK & set(scope.residency_bases))
    if weak:
        says = f"lets the controller take records out of scope by {' and '.join(weak)}"
        yield Concern("scope.weak_basis", f"{field}.residency_bases", False, says)


def _included(one: Obligation, field: str) -> Iterator[Concern]:
    if one.type == "erase" and "derived" not in one.include:
        says = "leaves templates and models alone: they find a person without the image"
        yield Concern("include.no_derived", field, False, says)
    if "backups" not in one.include:
        says = "leaves backups alone: what they hold may come back"
        yield Concern("include.no_backups", field, False, says)
    if "recipients" not in one.include and one.type == "erase":
        says = "leaves alone what was disclosed: no recipient need be told"
        yield Concern("include.no_recipients", field, False, says)
