"""The obligation to restrict (DOMAIN §5, GDPR Art. 18): keep the records, and leave them alone."""

from projections import coverage
from projections.case import Case
from projections.erase import decide, weak_evidence
from projections.finding import Finding, Gap
from projections.holdings import USES, Holding, Use
from projections.moments import DAY_US, SECOND_US
from projections.order import Obligation
from projections.restriction import restriction_of, restricts
from projections.scope import Standing
from projections.survey import USED_UNKNOWN, Reached, Survey, reached, walk
from projections.using import in_force

COUNTS = (
    "in_scope",
    "restricted_in_time",
    "restricted_late",
    "restricted_time_unproved",
    "unrestricted",
    "exempt",
    "used",
    "lifted",
    "unknown_residency",
    "out_of_scope",
)


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether every live copy in scope is restricted, and none was used or set free since.

    Carried out: the last word on each live copy is its store's operator's `data.restricted`, and every store
    in scope was looked into since the order, so that there are no copies of which nobody spoke. Outstanding:
    before the deadline something of that is missing. Breached: after the deadline a live copy is not
    restricted; or, for good, while the order was in force a record was used after its restriction or after
    the deadline (`use.restricted`), or a restriction was lifted (`restriction.lifted`). Cannot be proved: a
    look is missing or disagrees after the deadline.

    Nobody who looks into a store sees that its records are left alone, so this rests on bare words (E0). An
    exemption granted before a use allows it; a legal hold keeps records and allows no use of them.
    """
    survey = walk(case, obligation, _visit)
    stores = case.stores_of(obligation.scope)
    covered = tuple(coverage.look(case, store, -1) for store in stores)
    gaps = (*coverage.gaps(case, obligation.scope, covered), *_gaps(survey))
    counts = survey.counts
    broken = counts["used"] + counts["lifted"] > 0
    past = case.as_of > survey.deadline
    return Finding(
        obligation=obligation.id,
        type=obligation.type,
        verdict="breached" if broken else decide(survey.is_amiss, bool(gaps), past),
        deadline=survey.deadline,
        evidence="E0",
        word="controller" if covered else "nobody",
        counts=counts.counts(COUNTS),
        digests={"unrestricted": survey.live.digest()},
        coverage=covered,
        gaps=gaps,
        irregularities=(*survey.listed(), *coverage.exceptions(case, stores)),
        out_of_scope=survey.out_of_scope(),
        last_act=survey.last_act,
    )


def _visit(survey: Survey, standing: Standing, holding: Holding, handles: list[str]) -> None:
    one = reached(survey, standing, holding, handles)
    if one is not None:
        _count_copies(survey, one)
        _count_breaches(survey, one)


def _count_copies(survey: Survey, one: Reached) -> None:
    counts, case = survey.counts, survey.case
    _note_foreign(survey, one)
    for store, copy in one.copies:
        if copy.state != "live":
            continue
        counts.add("in_scope", one.handles, store)
        if one.standing.reach == "unknown":
            counts.add("unknown_residency", one.handles, store)
        restriction = restriction_of(case, one.holding, store, copy)
        if restriction is not None:
            _count_restricted(survey, restriction, one.handles)
            continue
        due, exempt, held = survey.due(one.handles, one.holding)
        counts.add("exempt", exempt, store)
        counts.add("unrestricted", due + held, store)
        survey.count_amiss(one.standing, len(due) + len(held))
        survey.live.add(due + held, store)


def _note_foreign(survey: Survey, one: Reached) -> None:
    """`restriction.foreign`: not by the store's own operator, or under a stolen key. No effect."""
    for use in one.holding.uses:
        if use.kind == "restricted" and use.index < survey.case.size and not restricts(survey.case, use):
            survey.note("restriction.foreign", use, use.store, len(one.handles))


def _count_restricted(survey: Survey, restriction: Use, handles: list[str]) -> None:
    """`restriction.late`; `restriction.backdated` where it is said to have been in time."""
    timing = survey.timing(restriction)
    survey.counts.add(f"restricted_{timing}", handles, restriction.store)
    survey.last_act = max(survey.last_act, restriction.index)
    if timing == "late":
        deadline_us = survey.deadline * SECOND_US
        rule = "restriction.backdated" if restriction.claimed_us <= deadline_us else "restriction.late"
        days_late = -(-(restriction.time_us - deadline_us) // DAY_US)
        survey.note(rule, restriction, restriction.store, len(handles), days_late)


def _count_breaches(survey: Survey, one: Reached) -> None:
    """A restriction ends with the life of the copy that it restricts."""
    case, copies = survey.case, dict(one.copies)
    restricted: dict[str, int] = {}  # Store by store, the life that is.
    for use in (use for use in one.uses if use.index < case.size):
        life = copies[use.store].life_at(use.index) if use.store in copies else -1
        if use.kind == "restricted" and life >= 0 and restricts(case, use):
            restricted[use.store] = life
        elif (
            use.kind == "unrestricted" and restricted.pop(use.store, -1) == life >= 0 and in_force(case, use)
        ):
            survey.breach("restriction.lifted", "lifted", use, one)
        elif use.kind in USES and in_force(case, use):
            late = use.time_us > survey.deadline * SECOND_US
            if late or any(copies[name].life_at(use.index) == at for name, at in restricted.items()):
                survey.breach("use.restricted", "used", use, one)


def _gaps(survey: Survey) -> list[Gap]:
    obligation, counts = survey.obligation, survey.counts
    gaps = survey.undeclared_gaps()
    unknown = counts["unknown_residency"] + counts[USED_UNKNOWN]
    gaps += survey.residency_gaps(unknown)
    return gaps + weak_evidence(obligation, "E0")
