"""Money: whether a penalty was paid, and what a daily one has come to."""

from collections.abc import Iterator
from typing import Final

from msgspec import UnsetType

from projections import recurring
from projections.case import Case
from projections.conduct import Ground, conclude, days_late, in_force_spans
from projections.finding import Finding, Gap, Irregularity
from projections.moments import DAY_S, DAY_US, SECOND_US
from projections.order import Obligation, Penalty, deadline_at
from projections.proceedings import PenaltyTurn

Spans = list[tuple[int, int]]
PROHIBITIONS: Final = ("cease_collecting", "cease_offering", "cease_using")
FORBIDDEN: Final = ("collection.prohibited", "offer.not_withdrawn", "offer.prohibited", "use.prohibited")


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether the order's penalty was paid, up to its amount, for each time that it was due.

    Carried out: `penalty.paid` under the order and in its currency adds up to the amount; of several
    obligations to pay the first ones in the instrument are paid first. On the controller's bare word (E0)
    until the authority confirms as much (E3). Outstanding: not yet. Breached: never by silence, for a payment
    can be made that nobody posts; a payment after the deadline is listed (`payment.late`). Cannot be proved:
    less is on record after the deadline (`payment.missing`).
    """
    assert not isinstance(obligation.penalty, UnsetType), "an order without an amount is refused"
    penalty = obligation.penalty
    before, due = _share(case, obligation)
    confirmed = [one for one in _payments(case, penalty) if one.by in case.authority]
    own = [one for one in _payments(case, penalty) if case.docket.posters[one.by].role == "controller"]
    settled = _reach(confirmed, before + due)
    act = settled or _reach(own, before + due)
    paid = max(sum(one.amount_minor for one in some) for some in (confirmed, own))
    tally = case.tally()
    for one in confirmed if settled else own:
        tally.add("payments", [case.name_of(one.by)], "", one.index)
    amounts = {"due_minor": due, "paid_minor": min(max(paid - before, 0), due)}
    return conclude(
        case,
        obligation,
        _ground(settled, own, confirmed),
        tally.counts(("payments",)) | amounts,
        [] if act is not None else [Gap("payment.missing", penalty.currency)],
        _late(case, act, deadline_at(case.order, obligation)),
        last_act=-1 if act is None else act.index,
    )


def accrued(case: Case, obligation: Obligation, finding: Finding) -> dict[str, int]:
    """`penalty.accrued`: what a daily penalty has come to on this record, day by day begun.

    The days begun count of the time after the deadline in which the order was in force, until the obligation
    was shown to be carried out; carried out late, of the time that what came last was late. Where nothing is
    missing of a prohibition but that it was not kept, only the days on which it was not. It is a sum over the
    breach as the record has it: what is called in, the authority decides (`called_minor`).
    """
    penalty = obligation.penalty
    if isinstance(penalty, UnsetType) or penalty.per != "day" or obligation.type == "pay":
        return {}
    # Plain numbers: what grows every day is no change of the verdict, for those who watch for one.
    spans = [(start * SECOND_US, int(end) * SECOND_US) for start, end in in_force_spans(case)]
    due_us = finding.deadline * SECOND_US
    if finding.verdict == "carried_out":
        days = max((_days_late(due_us, one, spans) for one in finding.irregularities), default=0)
    elif obligation.type in PROHIBITIONS and not finding.gaps:
        days = len(set(_days(case, finding, spans)))
    else:
        days = _begun(spans, due_us, int(case.as_of) * SECOND_US)
    called = sum(
        one.amount_minor
        for one in _turns(case, penalty)
        if one.kind == "accrued" and one.by in case.authority
    )
    return {"penalty_days": days, "penalty_minor": days * penalty.amount_minor, "called_minor": called}


def _days(case: Case, finding: Finding, spans: Spans) -> Iterator[int]:
    """The days since the deadline on which a forbidden act took place, or went on in force."""
    for act in finding.irregularities:
        if act.rule not in FORBIDDEN:
            continue
        since_us = act.time_us - finding.deadline * SECOND_US
        first = max(0, since_us // DAY_US)
        if since_us > 0 and case.life.in_force(act.time_us // SECOND_US):
            yield first
        for day in range(first, act.days_late):
            begin_us = (finding.deadline + day * DAY_S) * SECOND_US
            if _begun(spans, max(act.time_us, begin_us), begin_us + DAY_US):
                yield day


def _days_late(due_us: int, act: Irregularity, spans: Spans) -> int:
    """How much of the days by which an act was late the order was in force, in days begun."""
    return _begun(spans, max(due_us, act.time_us - act.days_late * DAY_US), act.time_us)


def _begun(spans: Spans, begin_us: int, end_us: int) -> int:
    """The days begun of what these spans have of the time between two moments."""
    open_us = sum(max(0, min(end, end_us) - max(start, begin_us)) for start, end in spans)
    return -(-open_us // DAY_US)


def _share(case: Case, obligation: Obligation) -> tuple[int, int]:
    """What earlier obligations to pay take of all that is paid, and what this one does."""
    before = 0
    for one in case.order.obligations:
        assert not isinstance(one.penalty, UnsetType) or one.type != "pay"
        if one.type != "pay" or isinstance(one.penalty, UnsetType):
            continue
        due = one.penalty.amount_minor * max(1, len(recurring.dues(case, one)))
        if one.id == obligation.id:
            return before, due
        assert not isinstance(obligation.penalty, UnsetType)
        before += due if one.penalty.currency == obligation.penalty.currency else 0
    raise AssertionError("the obligation stands in its order")


def _turns(case: Case, penalty: Penalty) -> list[PenaltyTurn]:
    return [
        one
        for one in case.docket.proceedings.penalties
        if one.index < case.size
        and (one.order, one.currency) == (case.order.id, penalty.currency)
        and case.believes(one.by, one.time_us)
    ]


def _payments(case: Case, penalty: Penalty) -> list[PenaltyTurn]:
    return [one for one in _turns(case, penalty) if one.kind == "paid"]


def _reach(payments: list[PenaltyTurn], amount: int) -> PenaltyTurn | None:
    """The payment with which the sum reached the amount."""
    total = 0
    for one in payments:
        total += one.amount_minor
        if total >= amount:
            return one
    return None


def _ground(settled: PenaltyTurn | None, own: list[PenaltyTurn], confirmed: list[PenaltyTurn]) -> Ground:
    if settled is not None:
        return Ground("E3", "authority")
    return Ground("E0", "controller") if own or confirmed else Ground()


def _late(case: Case, act: PenaltyTurn | None, deadline: int) -> list[Irregularity]:
    late = 0 if act is None else days_late(act.time_us, deadline)
    if act is None or not late:
        return []
    return [Irregularity("payment.late", act.index, act.time_us, case.name_of(act.by), days_late=late)]
