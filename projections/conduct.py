"""Conduct: what findings share on obligations to do or to leave something, other than to erase."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from projections.case import Case
from projections.clock import Timing
from projections.erase import decide
from projections.finding import Finding, Gap, Irregularity, Level, Word
from projections.moments import DAY_US, SECOND_US
from projections.order import Obligation, deadline_at

TIMINGS: tuple[Timing, ...] = ("in_time", "late", "time_unproved")


class Ground(Struct, frozen=True):
    """How much stands behind a finding, and whose word that is."""

    evidence: Level = "E0"
    word: Word = "nobody"


def in_force_spans(case: Case) -> list[tuple[int, int]]:
    """When the order was in force, up to the moment judged: from a second on (Unix), and before another."""
    turns = [time_s for time_s, _, _ in case.life.history() if time_s < case.as_of]
    return [
        (start, end)
        for start, end in zip(turns, [*turns[1:], case.as_of], strict=False)
        if case.life.in_force(start)
    ]


def days_late(time_us: int, due_s: int) -> int:
    """Days begun since something was due; 0 in time."""
    return max(0, -(-(time_us - due_s * SECOND_US) // DAY_US))


def conclude(
    case: Case,
    obligation: Obligation,
    ground: Ground,
    counts: dict[str, int],
    gaps: Sequence[Gap],
    listed: Iterable[Irregularity] = (),
    *,
    broken: bool = False,
    undone: bool = False,
    last_act: int = -1,
) -> Finding:
    """A finding without stores. `broken` is a breach whatever the deadline; what is `undone` without anything
    being amiss keeps the obligation outstanding."""
    gaps = [*gaps, *_shortfall(obligation, ground)]
    deadline = deadline_at(case.order, obligation)
    past = case.as_of > deadline
    return Finding(
        obligation=obligation.id,
        type=obligation.type,
        verdict="breached" if broken else decide(undone, bool(gaps), past),
        deadline=deadline,
        evidence=ground.evidence,
        word=ground.word,
        counts=counts,
        digests={},
        coverage=(),
        gaps=tuple(gaps),
        irregularities=tuple(sorted(listed, key=lambda one: (one.index, one.rule, one.store))),
        out_of_scope=(),
        last_act=last_act,
    )


def _shortfall(obligation: Obligation, ground: Ground) -> list[Gap]:
    """`evidence.below_required`, `evidence.not_independent`: what the order asks beyond what there is."""
    gaps = []
    if ground.evidence < obligation.min_evidence:
        gaps.append(Gap("evidence.below_required", obligation.min_evidence))
    if obligation.independent and ground.evidence < "E3":
        gaps.append(Gap("evidence.not_independent"))
    return gaps
