"""Alike: records that a walk visits together, though each stands at a place of its own in the log.

Records of the same patterns differ in their entries' indexes and times only, and a visit looks at those by
comparing them. So it is made once with numbers that are watched (`watched`), and tells up to which numbers no
comparison made would come out otherwise: the bounds of a box. All who are in one box are visited as if they
stood where one of them does. Who has the highest or lowest of a number of which a sum keeps just that, is
visited where he stands; where a sum keeps more of any number than that, everybody is.

That holds of a visit (`walking.Walk.alike`) which asks of records without uses and derivations no more than
their state and whether they are one of `Survey.named`, and makes no words, keys or caches of places: those
would hide from the watch what is made of them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property, reduce
from operator import itemgetter, le
from typing import TYPE_CHECKING, Final, NamedTuple

from projections.case import Groups
from projections.holdings import Holding, merged
from projections.patterns import Pattern
from projections.watched import Watch, Watched, watched

if TYPE_CHECKING:
    from projections.survey import Survey, Visit

Patterns = tuple[Pattern, ...]
"""What each stretch of the log that says anything of a record says of it, one after another."""
Numbers = tuple[int, ...]
"""The places in which the patterns stand (`patterns.Place`), one behind another."""
Member = tuple[Numbers, str]
"""Where a record stands, and its handle."""

# To find a box takes as long as to visit some records: where few are in each, no more are sought.
FIRST: Final = 8
PAYING: Final = 16
MOST: Final = 64


class Alike:
    """Records of the same patterns, one at least."""

    def __init__(self, patterns: Patterns, members: list[Member]) -> None:
        self.patterns = patterns
        self.members = members

    @cached_property
    def handles(self) -> list[str]:
        return [handle for _, handle in self.members]

    @cached_property
    def bounds(self) -> tuple[Numbers, Numbers]:
        """The lowest and the highest of each number. It may be that nobody stands there."""
        columns = list(zip(*[numbers for numbers, _ in self.members], strict=True))
        return tuple(map(min, columns)), tuple(map(max, columns))

    def divided(self, has: Callable[[Member], bool]) -> "tuple[Alike | None, Alike | None]":
        """Those who have something, and the others."""
        found: tuple[list[Member], list[Member]] = [], []
        for one in self.members:
            found[not has(one)].append(one)
        some, others = (Alike(self.patterns, members) if members else None for members in found)
        return some, others


class States:
    """The states of the records of one part, each made once: records in one state share one object."""

    def __init__(self) -> None:
        self._made: dict[tuple[Patterns, Numbers], Holding] = {}

    def of(self, patterns: Patterns, numbers: Numbers) -> Holding:
        """The state of a record that stands there."""
        key = (patterns, numbers)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = made(patterns, numbers)
        return found

    def alone(self, alike: Alike) -> Groups:
        """The records, in groups that share a state."""
        found: dict[Numbers, list[str]] = {}
        for numbers, handle in alike.members:
            found.setdefault(numbers, []).append(handle)
        return [(self.of(alike.patterns, numbers), handles) for numbers, handles in found.items()]


class Box(NamedTuple):
    """From which numbers on, and up to which ones (None: to any), records are visited with one outcome.

    `extremes`: which of the numbers a sum keeps the highest or lowest of; None: each is to be visited alone.
    """

    begins: Numbers
    turns: tuple[int | None, ...]
    extremes: frozenset[int] | None

    def divided(self, alike: Alike) -> tuple[Alike | None, Alike | None]:
        """Those who are in it, and those who are not."""
        if all(map(self.holds, alike.bounds)):
            return alike, None
        return alike.divided(lambda one: self.holds(one[0]))

    def covers(self, other: "Box") -> bool:
        """Whether all that is in another box is in this one."""
        return self.turns == other.turns and all(map(le, self.begins, other.begins))

    def holds(self, numbers: Numbers) -> bool:
        """Whether a record with these numbers is in it."""
        return all(
            begin <= number and (turn is None or number < turn)
            for begin, number, turn in zip(self.begins, numbers, self.turns, strict=True)
        )


class Boxes:
    """The boxes that one walk has found, of each sequence of patterns."""

    def __init__(self, survey: "Survey", visit: "Visit") -> None:
        self._survey = survey
        self._visit = visit
        self._found: defaultdict[Patterns, list[Box]] = defaultdict(list)
        self._sought: Counter[Patterns] = Counter()
        self._joined: Counter[Patterns] = Counter()

    def groups(self, alike: Alike, states: States) -> Groups:
        """The records, in groups each of which is to be visited as records in its state are."""
        named = self._survey.named
        found: Groups = []
        rest: Alike | None = alike
        if named and not named.isdisjoint(alike.handles):
            apart, rest = alike.divided(lambda one: one[1] in named)
            found += [] if apart is None else states.alone(apart)
        for box, inside in self._boxed(alike.patterns, rest):
            if box is None or box.extremes is None:
                found += states.alone(inside)
            else:
                found += _together(inside, box.extremes, states)
        return found

    def _boxed(self, patterns: Patterns, rest: Alike | None) -> Iterator[tuple[Box | None, Alike]]:
        """Box by box, with those who are in it; None: those for whom none was sought."""
        for box in self._found[patterns]:
            inside, rest = (None, None) if rest is None else box.divided(rest)
            if inside is not None:
                yield box, self._counted(box, inside)
        while rest is not None and self._pays(patterns):
            box = self._box(rest)
            # The last one is tried first: it may reach further down than one found before.
            self._found[patterns] = [box, *(one for one in self._found[patterns] if not box.covers(one))]
            inside, rest = box.divided(rest)
            if inside is not None:
                yield box, self._counted(box, inside)
        if rest is not None:
            yield None, rest

    def _counted(self, box: Box, inside: Alike) -> Alike:
        if box.extremes is not None:
            self._joined[inside.patterns] += len(inside.members)
        return inside

    def _pays(self, patterns: Patterns) -> bool:
        sought = self._sought[patterns]
        joined = self._joined[patterns] >= PAYING * sought
        return sought < FIRST or (joined and len(self._found[patterns]) < MOST)

    def _box(self, alike: Alike) -> Box:
        """What a visit tells of who stands at the lowest numbers, and would tell of others."""
        self._sought[alike.patterns] += 1
        numbers, _ = alike.bounds
        handle = alike.members[0][1]  # which of them does not matter
        survey, watches = self._survey, [Watch(number) for number in numbers]
        scope, sums = survey.obligation.scope, survey.fresh()
        state = made(alike.patterns, tuple(watched(watch) for watch in watches))
        for standing, holding, handles in survey.case.apart(scope, [(state, [handle])]):
            self._visit(sums, standing, holding, handles)
        # It knows states by their identity, and this one is gone.
        survey.case.reader(scope).forget()
        kept = sums.extremes(Watched)
        extremes = None if kept is None else frozenset(watches.index(one.watch) for one in kept)
        return Box(numbers, tuple(watch.turn for watch in watches), extremes)


def made(patterns: Patterns, numbers: Numbers) -> Holding:
    """The state of a record of which these patterns tell, one stretch of the log after another."""
    each = iter(numbers)
    said = [
        one.holding(place) for one, place in zip(patterns, zip(each, each, each, strict=True), strict=True)
    ]
    return reduce(merged, said)


def _together(alike: Alike, extremes: frozenset[int], states: States) -> Groups:
    """The records of one box in one group, and apart those with the highest and lowest of these numbers."""
    groups: Groups = []
    rest = alike
    if extremes:
        numbers = [one for one, _ in alike.members]
        ends = {most(numbers, key=itemgetter(at)) for at in extremes for most in (min, max)}
        apart, others = alike.divided(lambda one: one[0] in ends)
        groups += [] if apart is None else states.alone(apart)
        if others is None:
            return groups
        rest = others
    groups.append((states.of(rest.patterns, rest.members[0][0]), rest.handles))
    return groups
