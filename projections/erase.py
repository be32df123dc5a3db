"""The obligation to erase (DOMAIN §5). Each rule's name stands where it is applied."""

from collections import Counter
from collections.abc import Sequence

from projections import coverage
from projections.case import Case
from projections.finding import (
    Finding,
    Gap,
    Irregularity,
    Level,
    OutOfScope,
    StoreCoverage,
    Verdict,
    Word,
    lowest,
)
from projections.holdings import Move
from projections.lives import METHOD_RANK, Copy
from projections.order import Obligation, deadline_at
from projections.scope import Standing, is_artefact
from signing.setdigest import digest_of

DAY_US = 86_400_000_000
SECOND_US = 1_000_000

COUNTS = (
    "in_scope",
    "live",
    "erased_in_time",
    "erased_late",
    "erased_time_unproved",
    "in_backups",
    "below_method",
    "unknown_residency",
    "derived_live",
    "reopened",
    "orphaned",
    "out_of_scope",
)


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether everything in scope has been irrecoverably erased, and who says so."""
    survey = _survey(case, obligation)
    stores = case.stores_of(obligation.scope)
    covered = tuple(coverage.look(case, store, survey.last_erasure.get(store, -1)) for store in stores)
    levels = _levels(survey, covered)
    gaps = tuple(_gaps(case, obligation, survey, covered, levels))
    evidence = lowest(levels.values())
    return Finding(
        obligation=obligation.id,
        type=obligation.type,
        verdict=decide(
            survey.counts["live"] > 0 or survey.counts["in_backups"] > 0,
            bool(gaps),
            case.as_of > survey.deadline,
        ),
        deadline=survey.deadline,
        evidence=evidence,
        word=_word(levels),
        counts=survey.counts.counts(COUNTS),
        digests={
            "erased": digest_of(survey.erased).digest,
            "live": digest_of(survey.live).digest,
        },
        coverage=covered,
        gaps=gaps,
        irregularities=(*survey.listed(), *coverage.misplaced(case, stores)),
        out_of_scope=tuple(sorted(OutOfScope(*key, n) for key, n in survey.out.items())),
        last_act=max(survey.last_erasure.values(), default=-1),
    )


def decide(live: bool, missing: bool, past: bool) -> Verdict:
    """Precedence: breached > (after the deadline) cannot_be_proved > outstanding > carried_out."""
    if live:
        return "breached" if past else "outstanding"
    if missing:
        return "cannot_be_proved" if past else "outstanding"
    return "carried_out"


class _Survey:
    """Running totals over the population of one obligation."""

    def __init__(self, case: Case, obligation: Obligation) -> None:
        self.case = case
        self.obligation = obligation
        self.deadline = deadline_at(case.order, obligation)
        self.counts = case.tally()
        self.out: Counter[tuple[str, str]] = Counter()
        self.undeclared: Counter[str] = Counter()
        self.backed_up: Counter[str] = Counter()
        self.erased: list[bytes] = []
        self.live: list[bytes] = []
        self.last_erasure: dict[str, int] = {}
        self.asserted: dict[str, Level] = {}
        self.residency_said = False
        self._listed: dict[tuple[str, int, str], Irregularity] = {}

    def listed(self) -> list[Irregularity]:
        return sorted(self._listed.values(), key=lambda one: (one.index, one.rule, one.store))

    def note(self, rule: str, move: Move, store: str, copies: int, days_late: int = 0) -> None:
        """List a move once for all the copies that it concerns."""
        key = (rule, move.index, store)
        before = self._listed[key].copies if key in self._listed else 0
        self._listed[key] = Irregularity(
            rule, move.index, move.time_us, self.case.name_of(move.by), store, before + copies, days_late
        )


def _survey(case: Case, obligation: Obligation) -> _Survey:
    survey = _Survey(case, obligation)
    scope = obligation.scope
    for standing, holding, handles in case.population(scope):
        survey.residency_said = survey.residency_said or any(
            fact.codes and fact.index < case.size for fact in holding.residency
        )
        derived_only = "derived" not in obligation.include and is_artefact(holding, case.size)
        for store, copy in case.copies(holding):
            if copy.state == "absent" and not copy.misfits:
                continue
            if scope.stores and store not in scope.stores:
                continue
            if not _reaches(standing, scope.unknown_residency) or derived_only:
                key = (standing.basis, case.name_of(standing.by) if standing.by >= 0 else "")
                survey.out[key] += len(handles)
                survey.counts.add("out_of_scope", handles, store)
                continue
            _count(survey, standing, store, copy, handles, derived=bool(holding.derived))
    return survey


def _reaches(standing: Standing, unknown_residency: str) -> bool:
    """`out_of_scope` is the only word that leaves records of unknown residency alone."""
    return standing.reach == "in" or (standing.reach == "unknown" and unknown_residency != "out_of_scope")


def _count(
    survey: _Survey, standing: Standing, store: str, copy: Copy, handles: list[str], *, derived: bool
) -> None:
    counts, n = survey.counts, len(handles)
    for rule, move in copy.misfits:
        survey.note(rule, move, store, n)
        if rule == "erasure.orphan":
            counts.add("orphaned", handles, store)
    if copy.state == "absent":
        return  # A stranger's word for an erasure makes no copy.
    counts.add("in_scope", handles, store)
    if standing.reach == "unknown":
        counts.add("unknown_residency", handles, store)
    if copy.lives > 1:
        counts.add("reopened", handles, store)
    if store not in survey.case.stores:
        survey.undeclared[store] += n
    lines = [f"{handle} {store}".encode() for handle in handles]
    if copy.erasure is None:
        counts.add("live", handles, store)
        if derived:
            counts.add("derived_live", handles, store)
        survey.live += lines
        return
    survey.erased += lines
    _count_erased(survey, store, copy.erasure, handles)


def _count_erased(survey: _Survey, store: str, erasure: Move, handles: Sequence[str]) -> None:
    survey.last_erasure[store] = max(erasure.index, survey.last_erasure.get(store, -1))
    said: Level = "E1" if erasure.evidence else "E0"
    survey.asserted[store] = lowest([said, survey.asserted.get(store, said)])
    if METHOD_RANK[erasure.method] < METHOD_RANK[survey.obligation.min_method]:
        survey.counts.add("below_method", handles, store)
    survey.counts.add(_timeliness(survey, store, erasure, len(handles)), handles, store)
    if _outlives(survey, store, erasure):
        survey.counts.add("in_backups", handles, store)
        survey.backed_up[store] += len(handles)


def _outlives(survey: _Survey, store: str, erasure: Move) -> bool:
    """Whether backups of the store, kept as long as it was declared, still hold what was erased.

    By recorded time: an earlier claimed one would shorten the wait. Without its key a backup holds nothing.
    """
    if "backups" not in survey.obligation.include or erasure.method == "crypto_erase":
        return False
    kept_us = survey.case.stores[store].backup_retention_days * DAY_US
    return survey.case.as_of * SECOND_US < erasure.time_us + kept_us


def _timeliness(survey: _Survey, store: str, erasure: Move, copies: int) -> str:
    """An act is in time only if the witnesses prove it; the operator's clock alone proves nothing.

    `erasure.late`: recorded after the deadline. `erasure.backdated`: late, but claimed to have been in time.
    """
    deadline_us = survey.deadline * SECOND_US
    if erasure.time_us > deadline_us:
        days_late = -(-(erasure.time_us - deadline_us) // DAY_US)
        rule = "erasure.backdated" if erasure.claimed_us <= deadline_us else "erasure.late"
        survey.note(rule, erasure, store, copies, days_late)
        return "erased_late"
    proven = survey.case.clock.proven(erasure.index)
    return "erased_in_time" if proven is not None and proven <= survey.deadline else "erased_time_unproved"


def _levels(survey: _Survey, covered: tuple[StoreCoverage, ...]) -> dict[str, Level]:
    """The evidence behind each store: a look into it, else the weakest assertion of an erasure there."""
    return {one.store: coverage.level(one, survey.asserted.get(one.store, "E0")) for one in covered}


def _word(levels: dict[str, Level]) -> Word:
    if not levels:
        return "nobody"
    return "assessor" if lowest(levels.values()) >= "E3" else "controller"


def _gaps(
    case: Case,
    obligation: Obligation,
    survey: _Survey,
    covered: tuple[StoreCoverage, ...],
    levels: dict[str, Level],
) -> list[Gap]:
    """Everything without which erasure is not shown, whatever the copies' states say."""
    counts = survey.counts
    gaps = [gap for one in covered if (gap := coverage.gap_of(one))]
    if not covered:
        gaps.append(Gap("store.none_declared"))
    gaps += [Gap("store.undeclared", store, n) for store, n in sorted(survey.undeclared.items())]
    gaps += [Gap("store.not_declared", name) for name in obligation.scope.stores if name not in case.stores]
    gaps += [Gap("backup.unexpired", store, n) for store, n in sorted(survey.backed_up.items())]
    if counts["below_method"]:
        gaps.append(Gap("erasure.below_method", obligation.min_method, counts["below_method"]))
    if counts["orphaned"]:
        gaps.append(Gap("erasure.orphan", "", counts["orphaned"]))
    if counts["unknown_residency"] and obligation.scope.unknown_residency == "report":
        gaps.append(Gap("residency.unknown", "", counts["unknown_residency"]))
    if not counts["in_scope"] and not survey.residency_said:
        # Nothing in scope is no success while nobody has said where anyone resides.
        gaps.append(Gap("residency.no_method"))
    if lowest(levels.values()) < obligation.min_evidence:
        gaps.append(Gap("evidence.below_required", obligation.min_evidence))
    if obligation.independent and lowest(levels.values()) < "E3":
        gaps.append(Gap("evidence.not_independent"))
    return gaps
