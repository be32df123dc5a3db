"""Burn-down: how many copies an obligation to erase still had to see gone, at each moment of the log.

Which copies it reaches, and whose erasure counts, is taken as the judgment has it that this stands beside: a
person who was said later to live in the territory counts from the beginning, and what the authority has
exempted or holds by now counts at no time. Only the moves of copies are followed back. So the last number is
the judgment's `live`, and one pass over the records finds them all.
"""

from array import array
from bisect import bisect_right
from typing import Final, NamedTuple

from msgspec import Struct

from projections.case import Case
from projections.lives import Copy
from projections.moments import SECOND_US
from projections.order import Obligation, deadline_at
from projections.survey import Survey, reached

KINDS: Final = frozenset({"erase", "erase_derived"})
SLOTS: Final = 200


class Point(Struct, frozen=True):
    """So many copies were outstanding from this entry on, which was recorded at `time_us`."""

    time_us: int
    entry: int
    live: int


class Burndown(Struct, frozen=True):
    """The moments at which the number became another, oldest first; none where no copy was ever in scope.

    Of more than `SLOTS` changes there is one point for each of so many equal spans of time in which there was
    a change, the last there, and besides them the highest and those that stood at the order's effective date
    and at the deadline. `changes` is how many there were. `at_deadline` is None until the deadline is over.
    """

    obligation: str
    effective: int
    deadline: int
    points: tuple[Point, ...]
    changes: int
    most: int
    at_effective: int
    at_deadline: int | None


def burn_down(case: Case, obligation: Obligation) -> Burndown:
    """The burn-down of an obligation to erase, at the case's moment and size."""
    assert obligation.type in KINDS
    changes = _changes(_moves(case, obligation))
    effective, deadline = case.order.effective_s, deadline_at(case.order, obligation)
    at_effective, at_deadline = changes.last_by(effective), changes.last_by(deadline)
    most = max(range(len(changes.live)), key=changes.live.__getitem__, default=-1)
    kept = _spread(changes.times) | {at for at in (at_effective, at_deadline, most) if at >= 0}
    return Burndown(
        obligation.id,
        effective,
        deadline,
        tuple(changes.point(at) for at in sorted(kept)),
        len(changes.live),
        changes.live_at(most),
        changes.live_at(at_effective),
        changes.live_at(at_deadline) if case.as_of > deadline else None,
    )


class _Changes(NamedTuple):
    """All changes side by side, in plain numbers: there may be millions."""

    times: "array[int]"
    entries: "array[int]"
    live: "array[int]"

    def point(self, at: int) -> Point:
        return Point(self.times[at], self.entries[at], self.live[at])

    def last_by(self, second: int) -> int:
        """The place of the last change recorded in time for this second; -1 if there is none."""
        return bisect_right(self.times, second * SECOND_US) - 1

    def live_at(self, at: int) -> int:
        return self.live[at] if at >= 0 else 0


def _moves(case: Case, obligation: Obligation) -> tuple["array[int]", "array[int]"]:
    """By how many copies each entry changed the number, and when it was recorded."""
    moved, times = _zeros(case.size), _zeros(case.size)
    survey = Survey(case.on_records, obligation, case.clock)
    only_derived = obligation.type == "erase_derived"
    for standing, holding, handles in survey.case.population(obligation.scope):
        one = reached(survey, standing, holding, handles, only_derived=only_derived)
        due = 0 if one is None else len(survey.due(handles, holding)[0])
        if one is None or not due:
            continue
        for store, copy in one.copies:
            _add(moved, copy, due)
            for move in holding.copies[store]:
                if move.index < case.size:
                    times[move.index] = move.time_us
    return moved, times


def _add(moved: "array[int]", copy: Copy, copies: int) -> None:
    """Add the lives of copies that are alike."""
    for begun, ended in copy.ended:
        moved[begun] += copies
        moved[ended] -= copies
    if copy.state == "live":
        moved[copy.begun] += copies


def _changes(moves: tuple["array[int]", "array[int]"]) -> _Changes:
    changes = _Changes(_zeros(0), _zeros(0), _zeros(0))
    live = 0
    for entry, (more, time_us) in enumerate(zip(*moves, strict=True)):
        if more:
            live += more
            changes.times.append(time_us)
            changes.entries.append(entry)
            changes.live.append(live)
    return changes


def _spread(times: "array[int]") -> set[int]:
    """The places of at most `SLOTS` changes: the last of each span of time, where there are more."""
    if len(times) <= SLOTS:
        return set(range(len(times)))
    begin, span = times[0], times[-1] - times[0] + 1
    last = {(time_us - begin) * SLOTS // span: at for at, time_us in enumerate(times)}
    return set(last.values())


def _zeros(size: int) -> "array[int]":
    return array("q", bytes(8 * size))
