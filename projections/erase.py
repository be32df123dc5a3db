"""The obligations to erase, all of it or what was derived (DOMAIN §5). Each rule's name stands where it is
applied: those on copies in `survey`, on recipients in `recipients`, on backups in `backups`.

What was exempted, and what the authority holds, is counted apart and stands in nobody's way. When that ends,
it is due again at once.
"""

from projections import backups, coverage, orphans, recipients
from projections.case import Case
from projections.finding import Finding, Gap, Irregularity, Level, StoreCoverage, Verdict, Word, lowest
from projections.order import Obligation
from projections.survey import Survey, survey_of

COUNTS = (
    "in_scope",
    "live",
    "erased_in_time",
    "erased_late",
    "erased_time_unproved",
    "exempt",
    "held",
    "in_backups",
    "below_method",
    "verified_absent",
    "unknown_residency",
    "derived_live",
    "reopened",
    "orphaned",
    "orphans",
    "reappeared",
    "missing",
    "recipients_silent",
    "out_of_scope",
)


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether everything in scope has been irrecoverably erased, and who says so."""
    return _found(case, survey_of(case, obligation))


def evaluate_derived(case: Case, obligation: Obligation) -> Finding:
    """Whether all that was derived from what is in scope has been: templates, indexes, profiles, models.

    What it was derived from may stay. An artefact is one that a derivation ever made, whatever was said of it
    since, or that is kept in a store declared as an index or a model.
    """
    return _found(case, survey_of(case, obligation, only_derived=True), only_derived=True)


def decide(live: bool, missing: bool, past: bool) -> Verdict:
    """Precedence: breached > (after the deadline) cannot_be_proved > outstanding > carried_out."""
    if live:
        return "breached" if past else "outstanding"
    if missing:
        return "cannot_be_proved" if past else "outstanding"
    return "carried_out"


def _found(case: Case, survey: Survey, *, only_derived: bool = False) -> Finding:
    obligation = survey.obligation
    stores = case.stores_of(obligation.scope)
    doubts = (survey.last_erasure, survey.last_contradiction)
    covered = tuple(coverage.look(case, one, max(at.get(one, -1) for at in doubts)) for one in stores)
    levels = {one.store: level_of(survey, one) for one in covered}
    told = _recipients(case, survey)
    there = orphans.count(survey, covered, only_derived=only_derived)
    gaps = (*_gaps(case, survey, covered, levels), *there, *doubtful(case, survey, covered), *told.gaps)
    counts = survey.counts
    return Finding(
        obligation=obligation.id,
        type=obligation.type,
        verdict=decide(survey.is_amiss, bool(gaps), case.as_of > survey.deadline),
        deadline=survey.deadline,
        evidence=lowest(levels.values()),
        word=word_of(levels),
        counts=counts.counts(COUNTS),
        digests={"erased": survey.erased.digest(), "live": survey.live.digest()},
        coverage=coverage.rated(covered, levels),
        gaps=gaps,
        irregularities=(*survey.listed(), *_without_effect(case, stores), *told.irregularities),
        out_of_scope=survey.out_of_scope(),
        last_act=max(survey.last_erasure.values(), default=-1),
    )


def _recipients(case: Case, survey: Survey) -> recipients.Told:
    if "recipients" not in survey.obligation.include:
        return recipients.NOBODY
    return recipients.ask(case, survey.disclosed, survey.counts)


def _without_effect(case: Case, stores: list[str]) -> list[Irregularity]:
    """What was posted as if it counted, by somebody whose word does not."""
    return [*coverage.exceptions(case, stores), *backups.faults(case, stores)]


def doubtful(case: Case, survey: Survey, covered: tuple[StoreCoverage, ...]) -> list[Gap]:
    """What was erased may be back (`backup.restored`) or was used (`erasure.contradicted`), until somebody
    has looked since."""
    looked = {one.store for one in covered if one.looked}
    return backups.restored(case, survey.last_erasure, looked) + survey.contradicted_gaps(looked)


def level_of(survey: Survey, one: StoreCoverage) -> Level:
    """The evidence behind a store: a look into it, else the weakest assertion of an erasure there.

    E4: an assessor's look, and every erasure attested by a certificate of custody.
    """
    level = coverage.level(one, survey.asserted(one.store))
    return "E4" if level == "E3" and survey.in_custody(one.store) else level


def word_of(levels: dict[str, Level]) -> Word:
    """Whose word a finding rests on that rests on these looks."""
    if not levels:
        return "nobody"
    return "assessor" if lowest(levels.values()) >= "E3" else "controller"


def _gaps(
    case: Case, survey: Survey, covered: tuple[StoreCoverage, ...], levels: dict[str, Level]
) -> list[Gap]:
    """Everything without which erasure is not shown, whatever the copies' states say."""
    obligation, counts = survey.obligation, survey.counts
    gaps = coverage.gaps(case, obligation.scope, covered)
    gaps += survey.undeclared_gaps()
    gaps += survey.backup_gaps()
    if counts["below_method"]:
        gaps.append(Gap("erasure.below_method", obligation.min_method, counts["below_method"]))
    if counts["orphaned"]:
        gaps.append(Gap("erasure.orphan", "", counts["orphaned"]))
    gaps += survey.residency_gaps(counts["unknown_residency"])
    return gaps + weak_evidence(obligation, lowest(levels.values()))


def weak_evidence(obligation: Obligation, level: Level) -> list[Gap]:
    """`evidence.below_required`, and `evidence.not_independent` where an assessor's word is demanded."""
    gaps = []
    if level < obligation.min_evidence:
        gaps.append(Gap("evidence.below_required", obligation.min_evidence))
    if obligation.independent and level < "E3":
        gaps.append(Gap("evidence.not_independent"))
    return gaps
