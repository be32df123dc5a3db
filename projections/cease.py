"""The prohibition to collect (DOMAIN §5): never finally carried out, only so far."""

from collections.abc import Iterator

from projections import status
from projections.case import Case
from projections.conduct import Ground, conclude, in_force_spans
from projections.docket import Coverage
from projections.finding import Finding, Gap
from projections.holdings import Holding, Move
from projections.moments import DAY_S, SECOND_US
from projections.order import Obligation, Scope
from projections.scope import Standing, reaches
from projections.survey import Survey, walk

# Not shown as a count of its own: it stands in the gap.
UNKNOWN = "unknown_residency"


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether collectors account for all the time in which the order was in force, and nothing was collected.

    Carried out (so far): every collector named so far accounts for that time to a day before the moment
    judged, and nothing in scope was collected in it. Outstanding: before the deadline, some of it is not
    accounted for (`collector.gap`) or nobody is (`collector.none_named`). Breached, for good and before any
    deadline too: something was collected while the order was in force. Cannot be proved: such a gap after
    the deadline. Only the controller and its processors attest to collectors, so it rests on their bare word.
    """
    # It compares where collections stand, and lists or counts them (`alike`).
    survey = walk(case, obligation, _visit, alike=True)
    tally = survey.counts
    spans = [s for s in case.docket.coverage if s.index < case.size]
    tally.add("collectors", sorted({span.collector for span in spans}))
    gaps = unaccounted(case, obligation)
    if tally[UNKNOWN]:
        gaps.append(Gap("residency.unknown", "", tally[UNKNOWN]))
    return conclude(
        case,
        obligation,
        Ground("E0", "controller") if spans else Ground(),
        tally.counts(("collected", "collectors")),
        gaps,
        survey.listed(),
        broken=tally["collected"] > 0,
    )


def _visit(survey: Survey, standing: Standing, holding: Holding, handles: list[str]) -> None:
    """`collection.prohibited`: in scope, recorded while the order was in force. An earlier claimed time,
    or an opening balance (`data.held`), is no collection after the order.

    Copies collected then of which the scope wants to know where their subjects reside are counted apart.
    """
    scope = survey.obligation.scope
    if not reaches(standing, scope):
        return
    for store, move in _collections(survey.case, survey.effective_us, scope, holding):
        if survey.is_asked_first(standing):
            survey.counts.add(UNKNOWN, handles, store)
            continue
        survey.counts.add("collected", handles, store, move.index)
        survey.note("collection.prohibited", move, store, len(handles))


def _collections(case: Case, effective_us: int, scope: Scope, holding: Holding) -> Iterator[tuple[str, Move]]:
    """A record's collections into the scope's stores while the order was in force, by recorded time."""
    for store, moves in holding.copies.items():
        for move in moves if not scope.stores or store in scope.stores else ():
            if move.kind != "collected" or move.time_us < effective_us or move.index >= case.size:
                continue
            if status.in_force_at(case, move.time_us // SECOND_US):
                yield store, move


def unaccounted(case: Case, obligation: Obligation) -> list[Gap]:
    """Each collector named so far must account for the time from effective to a day before `as_of`."""
    spans = [span for span in case.docket.coverage if span.index < case.size]
    if not spans:
        return [Gap("collector.none_named")]
    return [
        Gap("collector.gap", name)
        for name in sorted({span.collector for span in spans})
        if not _covers(case, [s for s in spans if s.collector == name], obligation.scope)
    ]


def _covers(case: Case, spans: list[Coverage], scope: Scope) -> bool:
    """Whether a collector's word covers each stretch of time in which the order was in force."""
    end_us = (case.as_of - DAY_S) * SECOND_US
    return all(
        _covers_stretch(case, spans, scope, start * SECOND_US, min(end * SECOND_US, end_us))
        for start, end in in_force_spans(case)
        if start * SECOND_US < end_us
    )


def _covers_stretch(case: Case, spans: list[Coverage], scope: Scope, start_us: int, end_us: int) -> bool:
    """Whether a collector's believable word covers it, and nothing that it admitted speaks against it."""
    reached_us = start_us
    for span in sorted(spans, key=lambda one: one.from_us):
        if not counts(span, scope):
            if span.from_us < end_us and span.to_us > start_us:
                return False
        # Nobody can attest to what has not happened yet.
        elif span.from_us <= reached_us and case.believes(span.by, span.time_us):
            reached_us = max(reached_us, min(span.to_us, span.time_us))
    return reached_us >= end_us


def counts(span: Coverage, scope: Scope) -> bool:
    """A collector that stood still, or that left out the whole of the scope's territory."""
    return not span.running or (bool(scope.residency) and set(scope.residency) <= set(span.exclusions))
