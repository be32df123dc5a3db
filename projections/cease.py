"""The prohibition to collect (DOMAIN §5): never finally carried out, only so far."""

from collections.abc import Iterator

from projections.case import Case
from projections.docket import Coverage
from projections.erase import decide
from projections.finding import Finding, Gap, Irregularity
from projections.holdings import Holding, Move
from projections.order import Obligation, Scope, deadline_at
from projections.tally import Tally

DAY_S = 86_400
SECOND_US = 1_000_000


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether collectors account for all the time since the order took effect, and nothing was collected."""
    tally = case.tally()
    listed, unknown = _collected(case, obligation, tally)
    spans = [s for s in case.docket.coverage if s.index < case.size]
    tally.add("collectors", sorted({span.collector for span in spans}))
    gaps = _gaps(case, obligation, spans)
    if unknown:
        gaps.append(Gap("residency.unknown", "", unknown))
    # Only the controller and its processors attest to collectors, so this rests on their bare word.
    if obligation.min_evidence > "E0":
        gaps.append(Gap("evidence.below_required", obligation.min_evidence))
    if obligation.independent:
        gaps.append(Gap("evidence.not_independent"))
    deadline = deadline_at(case.order, obligation)
    return Finding(
        obligation=obligation.id,
        type=obligation.type,
        # While the order is in force one prohibited collection is a breach for good, before any deadline too.
        verdict="breached" if tally["collected"] else decide(False, bool(gaps), case.as_of > deadline),
        deadline=deadline,
        evidence="E0",
        word="controller" if spans else "nobody",
        counts=tally.counts(("collected", "collectors")),
        digests={},
        coverage=(),
        gaps=tuple(gaps),
        irregularities=listed,
        out_of_scope=(),
    )


def _collected(case: Case, obligation: Obligation, tally: Tally) -> tuple[tuple[Irregularity, ...], int]:
    """`collection.prohibited`: in scope, recorded while the order was in force. An earlier claimed time,
    or an opening balance (`data.held`), is no collection after the order.

    Besides, how many copies were collected then of which the scope wants to know where their subjects reside.
    """
    unknown_residency = obligation.scope.unknown_residency
    found: dict[tuple[int, str], Irregularity] = {}
    unknown = 0
    for standing, holding, handles in case.population(obligation.scope):
        if standing.reach == "out" or (standing.reach == "unknown" and unknown_residency == "out_of_scope"):
            continue
        for store, move in _collections(case, obligation.scope, holding):
            if standing.reach == "unknown" and unknown_residency == "report":
                unknown += len(handles)
                continue
            tally.add("collected", handles, store, move.index)
            before = found[move.index, store].copies if (move.index, store) in found else 0
            found[move.index, store] = Irregularity(
                "collection.prohibited",
                move.index,
                move.time_us,
                case.name_of(move.by),
                store,
                before + len(handles),
            )
    return tuple(found[key] for key in sorted(found)), unknown


def _collections(case: Case, scope: Scope, holding: Holding) -> Iterator[tuple[str, Move]]:
    """A record's collections into the scope's stores since the order took effect."""
    effective_us = case.order.effective_s * SECOND_US
    for store, copy in case.copies(holding):
        if not scope.stores or store in scope.stores:
            yield from ((store, move) for move in copy.collections if move.time_us >= effective_us)


def _gaps(case: Case, obligation: Obligation, spans: list[Coverage]) -> list[Gap]:
    """Each collector named so far must account for the time from effective to a day before `as_of`."""
    if not spans:
        return [Gap("collector.none_named")]
    return [
        Gap("collector.gap", name)
        for name in sorted({span.collector for span in spans})
        if not _covers(case, [s for s in spans if s.collector == name], obligation.scope)
    ]


def _covers(case: Case, spans: list[Coverage], scope: Scope) -> bool:
    """Whether a collector's believable word covers the time, and nothing it admitted speaks against it."""
    start_us, end_us = case.order.effective_s * SECOND_US, (case.as_of - DAY_S) * SECOND_US
    reached_us = start_us
    for span in sorted(spans, key=lambda one: one.from_us):
        if not _counts(span, scope):
            if span.from_us < end_us and span.to_us > start_us:
                return False
        # Nobody can attest to what has not happened yet.
        elif span.from_us <= reached_us and case.believes(span.by, span.time_us):
            reached_us = max(reached_us, min(span.to_us, span.time_us))
    return reached_us >= end_us


def _counts(span: Coverage, scope: Scope) -> bool:
    """A collector that stood still, or that left out the whole of the scope's territory."""
    return not span.running or (bool(scope.residency) and set(scope.residency) <= set(span.exclusions))
