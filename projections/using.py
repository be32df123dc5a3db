"""The prohibition to use (DOMAIN §5): never finally carried out, only so far.

How silence about uses is evidenced: a use leaves no trace but the event that somebody posts of it. So, as
with every prohibition, silence counts only where somebody accounts for the time: each program that is named
in a `collector.attested` must cover the time in force. The ledger can't tell a program that collects from one
that reads; whoever is named must account for itself. What could still be used is counted beside (`usable`):
copies that are live and not restricted.
"""

from projections import cease, status
from projections.case import Case
from projections.conduct import Ground, conclude
from projections.finding import Finding, Gap
from projections.holdings import USES, Holding, Use
from projections.moments import SECOND_US
from projections.order import Obligation
from projections.restriction import restriction_of
from projections.scope import Standing
from projections.survey import USED_UNKNOWN, Survey, reached, walk

COUNTS = ("used", "usable", "collectors")


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether nothing in scope was accessed, searched or disclosed while the order was in force.

    Carried out (so far): nothing was, and every program named so far accounts for the time in force to a day
    before the moment judged. Outstanding: before the deadline, some of it is not accounted for. Breached, for
    good and before any deadline too: a record in scope was used while the order was in force
    (`use.prohibited`), without leave of an exemption granted before. Cannot be proved: such a gap after the
    deadline. It rests on bare words.
    """
    survey = walk(case, obligation, _visit)
    gaps = cease.unaccounted(case, obligation)
    if survey.counts[USED_UNKNOWN]:
        gaps.append(Gap("residency.unknown", "", survey.counts[USED_UNKNOWN]))
    named = sorted({span.collector for span in case.docket.coverage if span.index < case.size})
    survey.counts.add("collectors", named)
    return conclude(
        case,
        obligation,
        Ground("E0", "controller") if named else Ground(),
        survey.counts.counts(COUNTS),
        gaps,
        survey.listed(),
        broken=survey.counts["used"] > 0,
    )


def in_force(case: Case, use: Use) -> bool:
    """Whether something was done while the order was in force, by recorded time, as far as is known."""
    return use.index < case.size and status.in_force_at(case, use.time_us // SECOND_US)


def _visit(survey: Survey, standing: Standing, holding: Holding, handles: list[str]) -> None:
    one = reached(survey, standing, holding, handles)
    if one is None:
        return
    case = survey.case
    for use in one.uses:
        if use.kind in USES and in_force(case, use):
            survey.breach("use.prohibited", "used", use, one)
    if survey.is_asked_first(standing):
        return
    for store, copy in one.copies:
        if copy.state == "live" and restriction_of(case, holding, store, copy) is None:
            survey.counts.add("usable", handles, store)
