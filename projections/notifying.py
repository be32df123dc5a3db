"""The obligation to notify recipients (GDPR Art. 17(2), 19; DOMAIN §5)."""

from projections import recipients
from projections.case import Case
from projections.conduct import TIMINGS, Ground, conclude
from projections.finding import Finding, Gap
from projections.holdings import Holding
from projections.order import Obligation
from projections.scope import Standing
from projections.survey import Survey, reached, walk

COUNTS = ("disclosures", *(f"notified_{timing}" for timing in TIMINGS), "recipients_silent", "out_of_scope")


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether everybody to whom a record in scope was disclosed was told of the order, and answered.

    Carried out: each disclosure was notified after the order and acknowledged by its recipient, or it is
    justified that it was not; late notices with the days late. Outstanding: before the deadline somebody was
    not told (`recipient.not_notified`) or keeps silent (`recipient.silent`). Cannot be proved: so after the
    deadline, or where no disclosure was ever declared (`disclosure.none_declared`). Never breached: that
    nobody answered is no proof that nobody was told.

    Where every recipient answered under its own key, the evidence is its signature (E1).
    """
    survey = walk(case, obligation, _count_disclosed)
    counts, records = survey.counts, survey.disclosed
    for disclosure in case.docket.sharing.disclosures:
        if disclosure.index in records:
            counts.add("disclosures", [disclosure.disclosure], "", disclosure.index)
    told = recipients.ask(case, records, counts)
    late, last_act = recipients.time_notices(case, records, survey.deadline, counts)
    gaps = list(told.gaps) if records else [Gap("disclosure.none_declared")]
    ground = Ground("E1" if told.signed else "E0", "controller") if records else Ground()
    return conclude(
        case,
        obligation,
        ground,
        counts.counts(COUNTS),
        gaps,
        [*told.irregularities, *late],
        last_act=last_act,
    )


def _count_disclosed(survey: Survey, standing: Standing, holding: Holding, handles: list[str]) -> None:
    one = reached(survey, standing, holding, handles)
    if one is not None:
        survey.count_disclosures(one)
