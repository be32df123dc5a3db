"""The prohibition to collect (DOMAIN §5): never finally carried out, only so far."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple

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
    named: dict[str, list[Coverage]] = {}
    for span in case.docket.coverage:
        if span.index < case.size:
            named.setdefault(span.collector, []).append(span)
    if not named:
        return [Gap("collector.none_named")]
    asked = list(asked_of(case))
    return [
        Gap("collector.gap", name)
        for name, spans in sorted(named.items())
        if not Spoken.by(case, spans, obligation.scope).covers(asked)
    ]


def asked_of(case: Case) -> Iterator[tuple[int, int]]:
    """The stretches of time (us) for which every collector must account."""
    end_us = (case.as_of - DAY_S) * SECOND_US
    for start, end in in_force_spans(case):
        if start * SECOND_US < end_us:
            yield start * SECOND_US, min(end * SECOND_US, end_us)


class Spoken(NamedTuple):
    """Of which time (us) one collector's believable word is that nothing was done, and of which it admits the
    contrary: spans that do not touch."""

    covered: list[tuple[int, int]]
    against: list[tuple[int, int]]

    @classmethod
    def by(cls, case: Case, spans: Iterable[Coverage], scope: Scope) -> "Spoken":
        """From all that it attested."""
        covered, against = [], []
        for span in spans:
            if not counts(span, scope):
                against.append((span.from_us, span.to_us))
            elif case.believes(span.by, span.time_us):
                # Nobody can attest to what has not happened yet.
                covered.append((span.from_us, min(span.to_us, span.time_us)))
        return cls(_union(covered), _union(against))

    def covers(self, asked: Iterable[tuple[int, int]]) -> bool:
        """Whether its word covers these stretches, and nothing that it admitted speaks against it."""
        return all(
            _reaches(self.covered, start) >= end and not _meets(self.against, start, end)
            for start, end in asked
        )


def within(spans: list[tuple[int, int]], moment_us: int) -> bool:
    """Whether a moment is in any of these spans that do not touch."""
    return _reaches(spans, moment_us) > moment_us


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same time, in spans that do not touch."""
    apart: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(apart[-1][1], end))
        else:
            apart.append((start, end))
    return apart


def _reaches(spans: list[tuple[int, int]], moment_us: int) -> int:
    """Until when the span lasts in which a moment is; where it is in none, that moment."""
    at = bisect_right(spans, moment_us, key=itemgetter(0)) - 1
    return max(moment_us, spans[at][1]) if at >= 0 else moment_us


def _meets(spans: list[tuple[int, int]], start_us: int, end_us: int) -> bool:
    at = bisect_right(spans, start_us, key=itemgetter(1))
    return at < len(spans) and spans[at][0] < end_us


def counts(span: Coverage, scope: Scope) -> bool:
    """A collector that stood still, or that left out the whole of the scope's territory."""
    return not span.running or (bool(scope.residency) and set(scope.residency) <= set(span.exclusions))
