"""The prohibition to collect (DOMAIN §5): never finally carried out, only so far."""

from projections.case import Case
from projections.docket import Coverage
from projections.erase import decide
from projections.finding import Finding, Gap, Irregularity
from projections.order import Obligation, Scope, deadline_at

DAY_S = 86_400
SECOND_US = 1_000_000


def evaluate(case: Case, obligation: Obligation) -> Finding:
    """Whether collectors account for all the time since the order took effect, and nothing was collected."""
    listed = _collected(case, obligation)
    prohibited = sum(one.copies for one in listed)
    spans = [s for s in case.docket.coverage if s.index < case.size and case.believes(s.by, s.time_us)]
    gaps = _gaps(case, obligation, spans)
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
        verdict="breached" if prohibited else decide(False, bool(gaps), case.as_of > deadline),
        deadline=deadline,
        evidence="E0",
        word="controller" if spans else "nobody",
        counts={"collected": prohibited, "collectors": len({span.collector for span in spans})},
        digests={},
        coverage=(),
        gaps=tuple(gaps),
        irregularities=listed,
        out_of_scope=(),
    )


def _collected(case: Case, obligation: Obligation) -> tuple[Irregularity, ...]:
    """`collection.prohibited`: in scope, recorded while the order was in force. An earlier claimed time,
    or an opening balance (`data.held`), is no collection after the order."""
    scope = obligation.scope
    effective_us = case.order.effective_s * SECOND_US
    found: dict[tuple[int, str], Irregularity] = {}
    for standing, holding, handles in case.population(scope):
        unknown_counts = standing.reach == "unknown" and scope.unknown_residency == "in_scope"
        if standing.reach != "in" and not unknown_counts:
            continue
        for store, copy in case.copies(holding):
            for move in copy.collections:
                if move.time_us < effective_us or (scope.stores and store not in scope.stores):
                    continue
                before = found[move.index, store].copies if (move.index, store) in found else 0
                found[move.index, store] = Irregularity(
                    "collection.prohibited",
                    move.index,
                    move.time_us,
                    case.name_of(move.by),
                    store,
                    before + len(handles),
                )
    return tuple(found[key] for key in sorted(found))


def _gaps(case: Case, obligation: Obligation, spans: list[Coverage]) -> list[Gap]:
    """Each collector named so far must account for the time from effective to a day before `as_of`."""
    if not spans:
        return [Gap("collector.none_named")]
    start, end = case.order.effective_s, case.as_of - DAY_S
    return [
        Gap("collector.gap", name)
        for name in sorted({span.collector for span in spans})
        if not _covers([s for s in spans if s.collector == name], obligation.scope, start, end)
    ]


def _covers(spans: list[Coverage], scope: Scope, start: int, end: int) -> bool:
    reached_us = start * SECOND_US
    for span in sorted(spans, key=lambda one: one.from_us):
        if span.from_us > reached_us:
            break
        if _counts(span, scope):
            # Nobody can attest to what has not happened yet.
            reached_us = max(reached_us, min(span.to_us, span.time_us))
    return reached_us >= end * SECOND_US


def _counts(span: Coverage, scope: Scope) -> bool:
    """A collector that stood still, or that left out the whole of the scope's territory."""
    return not span.running or (bool(scope.residency) and set(scope.residency) <= set(span.exclusions))
