"""Vouching: whose word that an obligation is carried out counts, and for how much.

Attestations count for the order and the obligation that they name, under a key that was nobody else's by
then, and for a log that was there to look at: nobody vouches for entries that came after his own. What an
auditor says whom the order does not name counts as the controller's own word.
"""

from collections.abc import Iterator, Sequence

from projections.attested import Vouched
from projections.case import Case
from projections.conduct import Ground
from projections.finding import Irregularity
from projections.order import Obligation

OATH_RANK = {"none": 0, "declaration": 1, "sworn": 2}


def own(case: Case, obligation: str, oath: str = "none", after: int = -1) -> list[Vouched]:
    """The controller's attestations under this obligation's id, with this oath or a stronger one, over a log
    that reached beyond entry `after`."""
    return [
        one
        for one in _accepted(case, obligation, oath, after)
        if case.docket.posters[one.by].role == "controller" or _is_unnamed(case, one)
    ]


def assessed(case: Case, obligation: str, oath: str = "none", after: int = -1) -> list[Vouched]:
    """Attestations by assessors whom the order names; none while a rejection stands."""
    if rejection(case, obligation) is not None:
        return []
    return [
        one
        for one in _accepted(case, obligation, oath, max(after, case.first_issued))
        if one.by in case.assessors
    ]


def rejection(case: Case, obligation: str) -> Vouched | None:
    """The rejection that stands: the last one, unless an assessor attested later.

    An assessor's or the authority's own word. What an assessor rejected stays rejected when the company's
    administrator says that his key was stolen.
    """
    last = max(_rejections(case, obligation), key=lambda one: one.index, default=None)
    if last is None:
        return None
    lifted = any(
        one.by in case.assessors and one.index > last.index
        for one in _accepted(case, obligation, "none", case.first_issued)
    )
    return None if lifted else last


def ground(case: Case, obligation: Obligation, said: Sequence[Vouched], after: int) -> Ground:
    """What words are worth, the best of them: E3 by an assessor, E1 with a report committed to, else E0."""
    if assessed(case, obligation.id, after=after):
        return Ground("E3", "assessor")
    if not said:
        return Ground()
    return Ground("E1" if any(one.report for one in said) else "E0", "controller")


def strangers(case: Case, obligation: str) -> list[Irregularity]:
    """`attestation.stranger`: said under the name of an authority or auditor, and not under a key that the
    order knows; `attestation.beyond_log`: about entries that were not there yet."""
    listed = []
    for one in _named(case, obligation):
        rule = ""
        if case.docket.posters[one.by].role in ("authority", "auditor") and one.by not in _judges(case):
            rule = "attestation.stranger"
        elif one.accepted and one.log_size > one.index:
            rule = "attestation.beyond_log"
        if rule:
            listed.append(Irregularity(rule, one.index, one.time_us, case.name_of(one.by)))
    return listed


def _named(case: Case, obligation: str) -> Iterator[Vouched]:
    """All that was said of the obligation, by whomever."""
    for one in case.docket.attested.vouched:
        if one.index < case.size and (one.order, one.obligation) == (case.order.id, obligation):
            yield one


def _accepted(case: Case, obligation: str, oath: str, after: int) -> Iterator[Vouched]:
    for one in _named(case, obligation):
        sworn = OATH_RANK[one.oath] >= OATH_RANK[oath]
        if (
            one.accepted
            and sworn
            and after < one.log_size <= one.index
            and case.believes(one.by, one.time_us)
        ):
            yield one


def _rejections(case: Case, obligation: str) -> list[Vouched]:
    return [one for one in _named(case, obligation) if not one.accepted and one.by in _judges(case)]


def _judges(case: Case) -> frozenset[int]:
    return case.authority | case.assessors


def _is_unnamed(case: Case, said: Vouched) -> bool:
    return case.docket.posters[said.by].role == "auditor" and said.by not in case.assessors
