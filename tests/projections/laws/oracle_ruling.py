"""What the oracle's rulings on conduct have in common: deadlines, evidence, what is late."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import UNSET

from projections.fact import Fact
from projections.moments import last_second_after
from projections.order import Obligation, deadline_at
from tests.projections.laws.oracle import BREACHED, SECOND_US, Oracle, verdict_of
from tests.projections.logbuilder import rfc3339


@dataclass
class Ruling:
    """A verdict, and what others that hang on it must know: the last act, and what came late.

    `late` says since when something was due and when it was done; `broken` are the spans of time in which a
    prohibition was not kept. Both in microseconds.
    """

    verdict: str
    counts: Counter[str]
    missing: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    act: int = -1
    late: list[tuple[int, int]] = field(default_factory=list)
    broken: list[tuple[int, int]] = field(default_factory=list)


def due_us(oracle: Oracle, obligation: Obligation) -> int:
    """The last moment at which the obligation is still done in time."""
    return deadline_at(oracle.order, obligation) * SECOND_US


def past(oracle: Oracle, obligation: Obligation) -> bool:
    """Whether the deadline is over."""
    return oracle.as_of * SECOND_US > due_us(oracle, obligation)


def overdue(ruling: Ruling, rule: str, due: int, act: Fact) -> None:
    """Note what was done only after it was due."""
    if act.time_us > due:
        ruling.late.append((due, act.time_us))
        ruling.listed.append(rule)


def settle(
    oracle: Oracle,
    obligation: Obligation,
    level: str,
    ruling: Ruling,
    *,
    undone: bool = False,
) -> Ruling:
    """What is known says no more than the evidence behind it; from there follows the verdict."""
    if level < obligation.min_evidence:
        ruling.missing.append("evidence.below_required")
    if obligation.independent and level < "E3":
        ruling.missing.append("evidence.not_independent")
    if ruling.verdict != BREACHED:
        ruling.verdict = verdict_of(undone, bool(ruling.missing), past(oracle, obligation))
    return ruling


def times_due(oracle: Oracle, obligation: Obligation) -> int:
    """How often it was due by now, counted once before that."""
    return max(1, sum(1 for _ in dues(oracle, obligation)))


def dues(oracle: Oracle, obligation: Obligation) -> Iterator[int]:
    """The ends of the periods that are over, in Unix seconds. One that does not recur has none."""
    if obligation.recurrence is UNSET:
        return
    first = deadline_at(oracle.order, obligation)
    number, end = 0, first
    while end < oracle.as_of:
        yield end
        number += 1
        end = last_second_after(rfc3339(first * SECOND_US), times(obligation.recurrence, number))


def times(duration: str, number: int) -> str:
    """So many of a duration; of days or months alone, as the histories have them."""
    return f"P{int(duration[1:-1]) * number}{duration[-1]}"
