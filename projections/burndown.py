"""Burn-down: how many copies an obligation to erase still had to see gone, at each moment of the log.

Which copies it reaches, and whose erasure counts, is taken as the judgment has it that this stands beside: a
person who was said later to live in the territory counts from the beginning, and what the authority has
exempted or holds by now counts at no time. Only the moves of copies are followed back. So the last number is
the judgment's `live`, and one pass over the records finds them all.
"""

from array import array
from collections.abc import Iterator
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
    moves = _moves(case, obligation)
    effective, deadline = case.order.effective_s, deadline_at(case.order, obligation)
    ends = _ends(_points(moves), effective, deadline)
    kept = _spread(_points(moves), ends)
    kept |= {one.entry: one for one in (ends.at_effective, ends.at_deadline, ends.most) if one.entry >= 0}
    return Burndown(
        obligation.id,
        effective,
        deadline,
        tuple(kept[entry] for entry in sorted(kept)),
        ends.changes,
        ends.most.live,
        ends.at_effective.live,
        ends.at_deadline.live if case.as_of > deadline else None,
    )


_NEVER: Final = Point(0, -1, 0)
"""Before the first change."""


class _Ends(NamedTuple):
    """How many changes there are, the first and the last, and those that are told of in any case."""

    changes: int
    first: Point
    last: Point
    most: Point
    at_effective: Point
    at_deadline: Point


def _points(moves: tuple["array[int]", "array[int]"]) -> Iterator[Point]:
    """All changes, one after another: there may be millions."""
    live = 0
    for entry, (more, time_us) in enumerate(zip(*moves, strict=True)):
        if more:
            live += more
            yield Point(time_us, entry, live)


def _ends(points: Iterator[Point], effective: int, deadline: int) -> _Ends:
    changes, first, point = 0, _NEVER, _NEVER
    most = at_effective = at_deadline = _NEVER
    for point in points:
        first = first if changes else point
        changes += 1
        # The first of the highest; the last that was recorded in time.
        if changes == 1 or point.live > most.live:
            most = point
        if point.time_us <= effective * SECOND_US:
            at_effective = point
        if point.time_us <= deadline * SECOND_US:
            at_deadline = point
    return _Ends(changes, first, point, most, at_effective, at_deadline)


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


def _spread(points: Iterator[Point], ends: _Ends) -> dict[int, Point]:
    """At most `SLOTS` changes by their entry: the last of each span of time, where there are more."""
    if ends.changes <= SLOTS:
        return {one.entry: one for one in points}
    begin, span = ends.first.time_us, ends.last.time_us - ends.first.time_us + 1
    last = {(one.time_us - begin) * SLOTS // span: one for one in points}
    return {one.entry: one for one in last.values()}


def _zeros(size: int) -> "array[int]":
    return array("q", [0]) * size
