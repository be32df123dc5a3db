"""Retracing: how a verdict came about, walked again over a log that was replayed.

What the service tells of the log that it keeps (`judging.timeline`), this tells of a bundle's log, up to the
statement in it. How far it goes hangs on the log alone and never on how fast a machine is: the same log gives
the same page.
"""

from typing import Final

from msgspec import Struct

from projections.case import Case, grouped
from projections.fold import Fold
from projections.runners.offline import Replayed
from projections.stating import Stated, find_order
from projections.timeline import Change, Place, Seen, Step, explained, see, step_of, walk
from projections.verdict import judge
from projections.watched import Watch, watched

# What a walk may cost, in records looked at: some half a minute. A state costs as much as eight records that
# share one.
PATIENCE: Final = 15_000_000
PER_STATE: Final = 8


class Retraced(Struct, frozen=True):
    """The changes, oldest first. `complete` if they go as far as the statement; else up to `as_of` and below
    `size` (0: none could be told)."""

    changes: tuple[Change, ...]
    complete: bool
    as_of: int
    size: int


def retrace(stated: Stated, replayed: Replayed, patience: int = PATIENCE) -> Retraced:
    """How the verdict changed from the order's first entry on."""
    case = stated.case
    steps = _steps(replayed, case)
    if not steps:
        return Retraced((), True, case.as_of, case.size)
    cause, *rest = steps
    begin = Place(cause.as_of, cause.index + 1)
    looker = _Looker(case, replayed.fold, patience)
    try:
        found = walk(looker.look, rest, begin, case.as_of, cause=cause, may_go_on=looker.may_go_on)
    except _Spent:
        return Retraced((), False, 0, 0)
    orders = [one.order for one in case.docket.orders if one.order.id == case.order.id]
    changes = tuple(explained(one, orders) for one in found.changes)
    return Retraced(changes, found.complete, found.as_of, found.size)


class _Spent(Exception):
    """One stretch alone takes more than a page may cost."""


class _Looker:
    """Judges at earlier places, as long as that is not too much."""

    def __init__(self, case: Case, fold: Fold, patience: int) -> None:
        self._fold = fold
        self._order = case.order.id
        self._vkey = case.docket.posters[case.issued.by].vkey
        self._cost = len(fold.holdings) + PER_STATE * len(grouped(fold.holdings.items()))
        self._patience = patience
        self._reserve = patience // 2

    def look(self, place: Place) -> Seen:
        if self._patience < 0:
            raise _Spent
        self._patience -= self._cost
        fold, watch = self._fold, Watch(place.as_of)
        as_of, size = watched(watch), place.size
        issued = find_order(fold, self._order, None, self._vkey, as_of=as_of, size=size)
        assert issued is not None, "the first step issues it"
        case = Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=size)
        return see(judge(case), issued.order.version, watch)

    def may_go_on(self) -> bool:
        """Half is kept for the stretch that comes next."""
        return self._patience > self._reserve


def _steps(replayed: Replayed, case: Case) -> list[Step]:
    """The events that count, from the order's first on."""
    entries = replayed.entries(case.first_issued, case.size)
    return [step_of(one.index, one.time_us, one.body) for one in entries if one.kind == "event"]
