"""Accounted: for which stretches of time in force each collector answers, as a prohibition is judged by them.

A prohibition is kept only where somebody accounts for the time (`cease`). This says of each collector named
so far, stretch by stretch, what its own word makes of it; `collector.gap` is a collector with any stretch
that is not `accounted`.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from projections.case import Case
from projections.cease import Spoken, asked_of, within
from projections.docket import Coverage
from projections.order import Obligation

KINDS: Final = frozenset({"cease_collecting", "cease_using"})

Said = Literal["accounted", "open", "against"]


class Stretch(Struct, frozen=True):
    """A span of time (Unix microseconds), and whether the collector accounts for it, nobody does (`open`), or
    its own word speaks `against` it: that it ran, and did not leave the territory out."""

    from_us: int
    to_us: int
    said: Said


class Account(Struct, frozen=True):
    """What one collector accounts for, of the time in force up to a day before the moment judged."""

    collector: str
    stretches: tuple[Stretch, ...]

    @property
    def is_whole(self) -> bool:
        """Whether there is no gap."""
        return all(one.said == "accounted" for one in self.stretches)


def accounts(case: Case, obligation: Obligation) -> tuple[Account, ...]:
    """One for each collector named so far; none where nobody is."""
    named: dict[str, list[Coverage]] = {}
    for span in case.docket.coverage:
        if span.index < case.size:
            named.setdefault(span.collector, []).append(span)
    asked = list(asked_of(case))
    return tuple(
        Account(collector, tuple(_joined(_stretches(case, spans, obligation, asked))))
        for collector, spans in sorted(named.items())
    )


def _stretches(
    case: Case, spans: list[Coverage], obligation: Obligation, asked: list[tuple[int, int]]
) -> Iterator[Stretch]:
    covered, against = Spoken.by(case, spans, obligation.scope)
    for start, end in asked:
        edges = {
            edge for spans in (against, covered) for span in spans for edge in span if start < edge < end
        }
        for from_us, to_us in pairwise(sorted({start, end, *edges})):
            said: Said = "accounted" if within(covered, from_us) else "open"
            yield Stretch(from_us, to_us, "against" if within(against, from_us) else said)


def _joined(stretches: Iterator[Stretch]) -> Iterator[Stretch]:
    """Neighbours that say the same, as one."""
    last: Stretch | None = None
    for one in stretches:
        if last is not None and (last.to_us, last.said) == (one.from_us, one.said):
            last = Stretch(last.from_us, one.to_us, one.said)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last
