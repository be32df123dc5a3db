"""Retracing: how a verdict came about, looked at again over a log that was replayed.

What the service tells of the log that it keeps (`judging.timeline`), this tells of a bundle's log, up to the
statement in it. A log that can be walked is walked, and every change is found; in a larger one changes are
searched for (`glimpses`). Which of the two, and how far, hangs on the log alone and never on how fast a
machine is: the same log gives the same page.
"""

from itertools import groupby
from sys import intern
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from projections.case import Case
from projections.fold import Fold
from projections.glimpses import Glimpse, chain_of, glimpse
from projections.order import Order, deadline_at
from projections.runners.offline import Replayed
from projections.stating import Stated, find_order
from projections.timeline import Place, Seen, Step, explained, see, step_of, walk
from projections.verdict import judge
from projections.watched import Watch, watched

# What it may cost, in records looked at: some ten to twenty seconds. A state costs as much as eight records
# that share one, and a judgment of nobody, whose sets are digested all the same, as much as many.
PATIENCE: Final = 10_000_000
PER_STATE: Final = 8
PER_JUDGMENT: Final = 50_000
# Fewer judgments than these tell nothing.
FEWEST: Final = 6


class Retraced(Struct, frozen=True):
    """The changes, oldest first. `complete`: there was no other. None, and not complete: it is too large."""

    changes: tuple[Glimpse, ...]
    complete: bool
    judgments: int


def retrace(stated: Stated, replayed: Replayed, patience: int = PATIENCE) -> Retraced:
    """How the verdict changed from the order's first entry on."""
    case = stated.case
    most = patience // cost_of(case)
    if most < FEWEST:
        return Retraced((), False, 0)
    steps = _steps(replayed, case)
    if not steps:
        return Retraced((), True, 0)
    looker = _Looker(case, replayed.fold, most)
    found = None
    # A walk judges after each run of events that are alike, at least.
    if sum(1 for _ in groupby(steps, _kind_of_run)) <= most:
        found = _walked(looker, steps, case.as_of)
    complete = found is not None
    if found is None:
        chain, first = chain_of(steps, _moments(case), case.as_of)
        found = glimpse(looker.look_always, steps, chain, first, most)
    orders = [one.order for one in case.docket.orders if one.order.id == case.order.id]
    changes = tuple(
        replace(one, change=explained(one.change, orders)) if one.since is None else one for one in found
    )
    return Retraced(changes, complete, looker.judgments)


def cost_of(case: Case) -> int:
    """What one judgment costs, in records looked at."""
    records, states = case.records
    return records + PER_STATE * states + PER_JUDGMENT


class _Spent(Exception):
    """A walk takes more judgments than a page may cost."""


class _Looker:
    """Judges at earlier places."""

    def __init__(self, case: Case, fold: Fold, most: int) -> None:
        self._case = case
        self._fold = fold
        self._vkey = case.docket.posters[case.issued.by].vkey
        self._most = most
        self.judgments = 0

    def look(self, place: Place) -> Seen:
        """What is seen there, as long as that is not too much."""
        if self.judgments >= self._most:
            raise _Spent
        return self.look_always(place)

    def look_always(self, place: Place) -> Seen:
        """What is seen there."""
        self.judgments += 1
        watch = Watch(place.as_of)
        as_of, size = watched(watch), place.size
        issued = find_order(self._fold, self._case.order.id, None, self._vkey, as_of=as_of, size=size)
        assert issued is not None, "the first step issues it"
        return see(judge(self._case.moved(issued, as_of=as_of, size=size)), issued.order.version, watch)


def _walked(looker: _Looker, steps: list[Step], end: int) -> list[Glimpse] | None:
    cause, *rest = steps
    begin = Place(cause.as_of, cause.index + 1)
    try:
        return [Glimpse(one) for one in walk(looker.look, rest, begin, end, cause=cause).changes]
    except _Spent:
        return None


def _kind_of_run(step: Step) -> object:
    return step.manner or step.index


def _moments(case: Case) -> list[int]:
    """When the order's status changed, and the first seconds that are late."""
    versions: list[Order] = [one.order for one in case.docket.orders if one.order.id == case.order.id]
    return [
        *(from_s for from_s, _, _ in case.life.history()),
        *(deadline_at(order, one) + 1 for order in versions for one in order.obligations),
    ]


def _steps(replayed: Replayed, case: Case) -> list[Step]:
    """The events that count and were recorded by then, from the order's first on."""
    entries = replayed.entries(case.first_issued, case.size)
    steps = (step_of(one.index, one.time_us, one.body) for one in entries if one.kind == "event")
    # There may be a million of one manner.
    return [
        replace(step, type=intern(step.type), by=intern(step.by), manner=intern(step.manner))
        for step in steps
        if step.as_of <= case.as_of
    ]
