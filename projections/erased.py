"""Erased: which copies of a store an order's obligations to erase reach, and the log has as erased.

What a probe of the store looks for, and what a sample is drawn from: the handles behind the counts `erased_…`
of the order's obligations to erase, together.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Final

from projections.case import Case, Groups
from projections.changing import Changing, Joined, Step
from projections.clock import Clock
from projections.docket import Store
from projections.holdings import Holding, Move
from projections.survey import Survey, reached
from signing.setdigest import SetDigest

# Whether an obligation of this type reaches only what was derived.
ONLY_DERIVED: Final = {"erase": False, "erase_derived": True}

Place = tuple[str, int]
"""A store, and a size of the log."""
_ASKED_AT_ONCE: Final = 256


class Asked:
    """What is asked of one store, at the size of a case."""

    def __init__(self, case: Case, store: str) -> None:
        self._case = case
        self._store = store
        # No anchor bears on what is erased.
        self._surveys = [
            Survey(case, one, Clock((), ()))
            for one in case.order.obligations
            if one.type in ONLY_DERIVED and store in case.stores_of(one.scope)
        ]

    def among(self, groups: Groups) -> list[str]:
        """The handles erased, of some records: each once."""
        ended = [group for group in groups if _was_erased(group[0].copies.get(self._store, ()))]
        found: set[str] = set()
        for survey in self._surveys:
            found.update(self._reached(survey, ended))
            self._case.end_part(survey.obligation.scope)
        return sorted(found)

    def _reached(self, survey: Survey, groups: Groups) -> Iterator[str]:
        only_derived = ONLY_DERIVED[survey.obligation.type]
        for standing, holding, handles in self._case.apart(survey.obligation.scope, groups):
            one = reached(survey, standing, holding, handles, only_derived=only_derived)
            if one is not None and any(name == self._store and copy.erasure for name, copy in one.copies):
                yield from handles


class AskedOften:
    """What is asked of one store, at some sizes of the log, in their sequence.

    A record is looked at where something may have become of it: at the first of the sizes, at those before
    which something more was said of it, and at those before which more keys were called stolen, or the store
    was declared. Of what was derived, at each: it stands where its inputs do.
    """

    def __init__(self, case: Case, store: str, sizes: list[int]) -> None:
        self.store = store
        self.sizes = sizes
        self._case = case
        seen = [self._bearing(size) for size in sizes]
        self._turns = [n for n, one in enumerate(seen) if not n or one != seen[n - 1]]
        self._asked = lru_cache(_ASKED_AT_ONCE)(lambda n: Asked(self._at(sizes[n]), store))

    def steps(self, groups: Groups) -> list[Step]:
        """The set of a part of the records, of which each bucket belongs to that part alone."""
        changes: defaultdict[int, list[bytes]] = defaultdict(list)
        for group in groups:
            if _was_erased(group[0].copies.get(self.store, ())):
                for number, handle in self._changes(group):
                    changes[number].append(handle.encode())
        kept = Changing()
        return [(number, *kept.change(lines)) for number, lines in sorted(changes.items())]

    def digests(self, parts: Iterable[list[Step]]) -> list[SetDigest]:
        """Count and digest at each size, of all parts together."""
        steps: defaultdict[int, list[Step]] = defaultdict(list)
        for step in chain.from_iterable(parts):
            steps[step[0]].append(step)
        joined = Joined()
        seen, found = joined.seen, []
        for number in range(len(self.sizes)):
            for _, more, new in steps.get(number, ()):
                joined.take(more, new)
            if number in steps:
                seen = joined.seen
            found.append(seen)
        return found

    def _changes(self, group: tuple[Holding, list[str]]) -> Iterator[tuple[int, str]]:
        """Who comes or goes, and at which of the sizes."""
        before: frozenset[str] = frozenset()
        for number in self._numbers(group[0]):
            now = frozenset(self._asked(number).among([group]))
            for handle in now ^ before:
                yield number, handle
            before = now

    def _numbers(self, holding: Holding) -> Iterable[int]:
        if holding.derived:
            return range(len(self.sizes))
        # What data they are is said where they are held or collected, and so with a move.
        moves = chain.from_iterable(holding.copies.values())
        indexes = {one.index for said in (moves, holding.residency) for one in said}
        later = {bisect_right(self.sizes, index) for index in indexes}
        return sorted(number for number in later.union(self._turns) if number < len(self.sizes))

    def _at(self, size: int) -> Case:
        # No moment bears on it.
        return self._case.moved(self._case.issued, as_of=0, size=size)

    def _bearing(self, size: int) -> object:
        """What of the docket bears on it, and may be otherwise at another size."""
        case = self._at(size)
        return case.discredited, frozenset(case.stores)


def erased_in(case: Case, store: str) -> list[str]:
    """The handles erased from a store, as the case's order asks, at the case's size: sorted."""
    asked = Asked(case, store)
    return sorted(chain.from_iterable(map(asked.among, case.groups())))


def erased_sets(case: Case, places: Iterable[Place]) -> dict[Place, SetDigest]:
    """Count and digest of the same for some stores, each at a size of its own, as the order now reads.

    What the log held at a size, it holds for good: so each is worked out once for a version of the order, and
    all that are new in one pass over the records.
    """
    keys = {place: _key(case, *place) for place in places}
    known = case.known.erased
    sizes: defaultdict[str, list[int]] = defaultdict(list)
    for store, size in sorted(place for place, key in keys.items() if key not in known):
        sizes[store].append(size)
    asked = [AskedOften(case, *new) for new in sizes.items()]
    parts = list(case.each(lambda groups: [one.steps(groups) for one in asked])) if asked else []
    for one, steps in zip(asked, zip(*parts, strict=True), strict=True):
        for size, seen in zip(one.sizes, one.digests(steps), strict=True):
            known[keys[one.store, size]] = seen
    return {place: known[key] for place, key in keys.items()}


def _key(case: Case, store: str, size: int) -> tuple[int, str, Store | None, int]:
    return case.issued.index, store, case.docket.stores.get(store), size


def _was_erased(moves: tuple[Move, ...]) -> bool:
    return any(move.kind == "erased" for move in moves)
