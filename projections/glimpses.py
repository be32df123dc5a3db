"""Glimpses: where a verdict changed, searched for with few judgments: for logs too large for a walk.

The verdict is looked at in some places, and between two that differ it is looked for, halving, as long as
there are judgments to spend. What is told did happen; where a search was given up, between which places. What
came and went between two places that look alike stays unseen: only a walk (`timeline`) finds every change.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from projections.timeline import Change, Look, Place, Seen, Step, change

EVENLY = 8


class Glimpse(Struct, frozen=True):
    """The verdict was this at the change's place, and another at `since`; if that is None, just before it."""

    change: Change
    since: Place | None = None


def chain_of(steps: Sequence[Step], moments: Iterable[int], end: int) -> tuple[list[Place], list[int]]:
    """The places in which to search: after each step, and just before and at each of these moments; up to
    `end`. Then which of them to look at first: the ends, and those of the moments."""
    taken = [step for step in steps if step.as_of <= end]
    after = [Place(step.as_of, step.index + 1) for step in taken]
    begin = after[0].as_of
    marked = {
        Place(moment, after[bisect_right(after, moment, key=lambda one: one.as_of) - 1].size)
        for one in moments
        for moment in (one - 1, one)
        if begin < moment <= end
    }
    marked |= {after[0], Place(end, after[-1].size)}
    chain = sorted({*after, *marked})
    return chain, [at for at, place in enumerate(chain) if place in marked]


def glimpse(
    look: Look, steps: Sequence[Step], chain: Sequence[Place], first: Sequence[int], most: int
) -> list[Glimpse]:
    """The changes found by looking at `most` places, of which there are two at least. To tell whether time or
    the entry made a change takes one more look each."""
    if len(first) > most:
        begun = {first[(len(first) - 1) * part // (most - 1)] for part in range(most)}
    else:
        evenly = min(EVENLY, (most - len(first)) // 2)
        begun = {*first, *((len(chain) - 1) * part // (evenly + 1) for part in range(1, evenly + 1))}
    seen = {at: look(chain[at]) for at in sorted(begun)}
    while len(seen) < most and (widest := _widest(seen)):
        middle = sum(widest) // 2
        seen[middle] = look(chain[middle])
    causes = {step.index + 1: step for step in steps}
    begin = min(seen)
    found = [Glimpse(change(None, seen[begin], chain[begin], causes.get(chain[begin].size)))]
    for before, after in pairwise(sorted(seen)):
        if seen[before].words != seen[after].words:
            ends = ((chain[before], seen[before]), (chain[after], seen[after]))
            found += _between(look, causes, ends, is_next=after == before + 1)
    return found


def _widest(seen: dict[int, Seen]) -> tuple[int, int] | None:
    """The widest gap between places that look different, the first of equal ones."""
    gaps = [
        (before, after)
        for before, after in pairwise(sorted(seen))
        if after - before > 1 and seen[before].words != seen[after].words
    ]
    return max(gaps, key=lambda gap: gap[1] - gap[0], default=None)


def _between(
    look: Look,
    causes: dict[int, Step],
    ends: tuple[tuple[Place, Seen], tuple[Place, Seen]],
    *,
    is_next: bool,
) -> Iterator[Glimpse]:
    """The change between two places, or the two: one by time, and one by the entry then."""
    (start, before), (place, after) = ends
    if not is_next:
        yield Glimpse(change(before, after, place, None), start)
        return
    passed = Place(place.as_of, start.size)
    middle = after if passed == place else before if passed == start else look(passed)
    if middle.words != before.words:
        since = None if passed.as_of == start.as_of + 1 else start
        yield Glimpse(change(before, middle, passed, None), since)
    if middle.words != after.words:
        yield Glimpse(change(middle, after, place, causes[place.size]))
