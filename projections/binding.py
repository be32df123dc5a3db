"""What binds an obligation from outside: others it depends on, oaths, rejections, recurrence, penalties."""

import msgspec

from projections import attesting, paying, probing, recurring, relief, status, vouching
from projections.case import Case
from projections.erase import decide
from projections.finding import Finding, Gap, Irregularity, worst
from projections.holdings import Holding
from projections.moments import SECOND_US
from projections.order import Obligation
from projections.requests import Enquiry
from projections.scope import reaches
from projections.subjects import enquiries, follow

ERASURES = ("erase", "erase_derived")


def bind(case: Case, obligation: Obligation, finding: Finding, found: dict[str, Finding]) -> Finding:
    """Add what binds an obligation from outside. `found` are the findings on all that stand before it.

    A gap found here counts like any other; an act done before what it depends on is a breach, for good.
    """
    missed, tardy = recurring.periods(case, obligation)
    covered = finding.coverage
    gaps = [
        *_dependencies(obligation, found),
        *_oath(case, obligation, finding, found),
        *_rejected(case, obligation),
        *missed,
    ]
    disordered = _disorder(case, obligation, found)
    listed = [
        *disordered,
        *tardy,
        *vouching.strangers(case, obligation.id),
        *relief.foreign_exemptions(case, obligation.id),
    ]
    if obligation.type in ERASURES:
        gaps += probing.findings_against(case, obligation, finding.coverage)
        listed += probing.without_effect(case)
        covered = probing.beside_looks(case, covered)
    verdict = finding.verdict
    if gaps:
        verdict = worst([verdict, decide(False, True, case.as_of > finding.deadline)])
    if disordered:
        verdict = "breached"
    bound = msgspec.structs.replace(
        finding,
        verdict=verdict,
        coverage=covered,
        gaps=(*finding.gaps, *gaps),
        irregularities=(*finding.irregularities, *listed),
    )
    return msgspec.structs.replace(bound, counts=bound.counts | paying.accrued(case, obligation, bound))


def _dependencies(obligation: Obligation, found: dict[str, Finding]) -> list[Gap]:
    """`dependency.not_carried_out`: it counts with all that binds it in turn."""
    return [
        Gap("dependency.not_carried_out", other)
        for other in obligation.depends_on
        if found[other].verdict != "carried_out"
    ]


def _oath(case: Case, obligation: Obligation, finding: Finding, found: dict[str, Finding]) -> list[Gap]:
    """`oath.missing`: the controller has not sworn, as strongly as demanded, to a log that holds the acts.
    `attestation.before_act`: an attestation was posted, and what it vouches for was done only afterwards.

    What is carried out by attestation takes none without the oath, and says so itself.
    """
    if obligation.type in ("attest", "independent_assessment"):
        words = attesting.said if obligation.type == "attest" else attesting.assessed
        acts = max((_act(found[other]) for other in obligation.depends_on), default=-1)
        if not words(case, obligation, case.first_issued):
            return []  # The finding says so itself.
        covering = words(case, obligation, max(acts, case.first_issued))
        return [] if covering else [Gap("attestation.before_act")]
    if obligation.oath == "none" or obligation.type in recurring.BY_WORD:
        return []  # What is carried out by attestation takes none but with that oath.
    sworn = vouching.own(case, obligation.id, obligation.oath, max(_act(finding), case.first_issued))
    return [] if sworn else [Gap("oath.missing", obligation.oath)]


def _act(finding: Finding) -> int:
    """What was done last; of what is carried out by attestation nothing was, but that."""
    return -1 if finding.type in recurring.BY_WORD else finding.last_act


def _rejected(case: Case, obligation: Obligation) -> list[Gap]:
    """`attestation.rejected`: by an assessor or the authority, and no assessor attested since."""
    rejection = vouching.rejection(case, obligation.id)
    return [] if rejection is None else [Gap("attestation.rejected", case.name_of(rejection.by))]


def _disorder(case: Case, obligation: Obligation, found: dict[str, Finding]) -> list[Irregularity]:
    """`dependency.order`: records were erased while somebody's request for access to them (Art. 15) was
    pending, where the order says to answer first. What is gone can't be shown to him any more.
    """
    first = [
        one
        for one in case.order.obligations
        if one.id in obligation.depends_on and one.type == "answer_subjects"
    ]
    if obligation.type not in ERASURES or not first:
        return []
    asked: dict[str, list[Enquiry]] = {}
    for one in first:
        for enquiry in enquiries(case, one).values():
            for handle in enquiry.records if enquiry.right == "15" else ():
                asked.setdefault(handle, []).append(enquiry)
    listed: dict[tuple[int, str], Irregularity] = {}
    for standing, holding, handles in case.population(obligation.scope):
        for handle in asked.keys() & set(handles) if reaches(standing, obligation.scope) else ():
            for early in _early(case, obligation, holding, asked[handle]):
                before = listed.get((early.index, early.store), early)
                copies = before.copies + (0 if before is early else early.copies)
                listed[early.index, early.store] = msgspec.structs.replace(early, copies=copies)
    return [listed[key] for key in sorted(listed)]


def _early(case: Case, obligation: Obligation, holding: Holding, asked: list[Enquiry]) -> list[Irregularity]:
    """The erasures of one record that came while a request about it was pending and the order in force."""
    stores = obligation.scope.stores
    listed = []
    for store, copy in case.copies(holding):
        idle = {move.index for _, move in copy.misfits}
        for move in holding.copies[store] if not stores or store in stores else ():
            if move.kind != "erased" or move.index >= case.size or move.index in idle:
                continue
            pending = any(_is_pending(case, one, move.index) for one in asked)
            if pending and status.in_force_at(case, move.time_us // SECOND_US):
                by = case.name_of(move.by)
                listed.append(Irregularity("dependency.order", move.index, move.time_us, by, store, 1))
    return listed


def _is_pending(case: Case, enquiry: Enquiry, index: int) -> bool:
    ended = follow(case, enquiry).ended
    return enquiry.index < index and (ended is None or ended.index > index)
