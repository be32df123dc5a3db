"""Obligations that are carried out by saying so: to attest, to be assessed, to appoint, to publish.

The catalogue has one event for all four, `compliance.attested`, and none for the appointment or the
publication itself: these rest on what is attested of them. Silence breaches none of them, as it proves none.
"""

from collections.abc import Sequence

import msgspec

from projections import vouching
from projections.attested import Vouched
from projections.case import Case
from projections.conduct import TIMINGS, conclude, days_late
from projections.finding import Finding, Gap, Irregularity
from projections.order import Obligation, deadline_at


def evaluate_attest(case: Case, obligation: Obligation) -> Finding:
    """Whether the controller vouched, with the oath demanded, over a log that holds the order.

    Carried out: `compliance.attested` by the controller under this obligation's id, or under the id of every
    obligation that it depends on, over entries beyond the order's first version. Outstanding: not yet.
    Breached: never, since silence is no breach. Cannot be proved: nothing of the kind after the deadline
    (`attestation.missing`). What was attested before the acts that it speaks of were done is
    `attestation.before_act`, where obligations bind each other.
    """
    return _evaluate(case, obligation, said(case, obligation, case.first_issued))


def evaluate_appointment(case: Case, obligation: Obligation) -> Finding:
    """Whether the controller attests that it appointed a representative.

    Carried out: `compliance.attested` by the controller under this obligation's id; no other event tells of
    an appointment, so it stays a bare word (E0, or E1 with a report committed to) unless an assessor attests
    too. Outstanding: not yet. Breached: never by silence. Cannot be proved: `attestation.missing` after the
    deadline.
    """
    return _evaluate(case, obligation, own(case, obligation, case.first_issued))


def evaluate_publication(case: Case, obligation: Obligation) -> Finding:
    """Whether the controller attests that it published what it had to.

    Carried out: `compliance.attested` by the controller under this obligation's id: E0, or E1 with a report
    committed to, since what was published stands outside the ledger. Outstanding: not yet. Breached: never by
    silence. Cannot be proved: `attestation.missing` after the deadline.
    """
    return _evaluate(case, obligation, own(case, obligation, case.first_issued))


def evaluate_assessment(case: Case, obligation: Obligation) -> Finding:
    """Whether an assessor whom the order names has assessed, and accepted what he found.

    Carried out: his `compliance.attested` under this obligation's id, with the oath demanded, over a log that
    holds the order, and no later rejection by an assessor or the authority. Outstanding: not yet, or rejected
    before the deadline. Breached: never: a rejection says that it is not shown. Cannot be proved: neither, or
    rejected (`assessment.missing`, `attestation.rejected`), after the deadline.
    """
    found = assessed(case, obligation, case.first_issued)
    return _evaluate(case, obligation, found, missing="assessment.missing")


def said(case: Case, obligation: Obligation, after: int) -> list[Vouched]:
    """What the controller attested of the obligation itself, and of everything that it depends on: there the
    last of the words needed is the act. In log order, each with the oath demanded."""
    found = own(case, obligation, after)
    each = [vouching.own(case, name, obligation.oath, after) for name in obligation.depends_on]
    if each and all(each):
        last = max((words[0] for words in each), key=lambda one: one.index)
        # A report on some of it only is none on the whole.
        reported = all(any(one.report for one in words) for words in each)
        found = sorted([*found, msgspec.structs.replace(last, report=reported)], key=lambda one: one.index)
    return found


def own(case: Case, obligation: Obligation, after: int) -> list[Vouched]:
    """What the controller attested of the obligation itself, with its oath."""
    return vouching.own(case, obligation.id, obligation.oath, after)


def assessed(case: Case, obligation: Obligation, after: int) -> list[Vouched]:
    """What assessors attested of the obligation, with its oath, and nobody has rejected since."""
    return vouching.assessed(case, obligation.id, obligation.oath, after)


def _evaluate(
    case: Case, obligation: Obligation, words: Sequence[Vouched], missing: str = "attestation.missing"
) -> Finding:
    """The first word that fits is the act, so that a later one does not make it late."""
    act = words[0] if words else None
    tally = case.tally()
    listed = []
    if act is not None:
        deadline = deadline_at(case.order, obligation)
        tally.add(case.clock.timing(act.index, act.time_us, deadline), [case.name_of(act.by)], "", act.index)
        late = days_late(act.time_us, deadline)
        if late:
            by = case.name_of(act.by)
            listed.append(Irregularity("attestation.late", act.index, act.time_us, by, days_late=late))
    return conclude(
        case,
        obligation,
        vouching.ground(case, obligation, words, case.first_issued),
        tally.counts(TIMINGS),
        [] if act is not None else [Gap(missing)],
        listed,
        last_act=-1 if act is None else act.index,
    )
