"""Erased: which copies of a store an order's obligations to erase reach, and the log has as erased.

What a probe of the store looks for, and what a sample is drawn from: the handles behind the counts `erased_…`
of the order's obligations to erase, together.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from projections.case import Case, Groups
from projections.clock import Clock
from projections.docket import Store
from projections.holdings import Move
from projections.survey import Survey, reached
from signing.setdigest import HashedBuckets, SetDigest, digest_of_hashed, hash_buckets

# Whether an obligation of this type reaches only what was derived.
ONLY_DERIVED: Final = {"erase": False, "erase_derived": True}

Place = tuple[str, int]
"""A store, and a size of the log."""


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
    new = [place for place, key in keys.items() if key not in known]
    # No moment bears on it.
    asked = [Asked(case.moved(case.issued, as_of=0, size=size), store) for store, size in new]
    hashed: list[list[HashedBuckets]] = [[] for _ in new]
    for groups in case.groups() if new else ():
        for one, parts in zip(asked, hashed, strict=True):
            parts.append(hash_buckets(handle.encode() for handle in one.among(groups)))
    for place, parts in zip(new, hashed, strict=True):
        known[keys[place]] = digest_of_hashed(parts)
    return {place: known[key] for place, key in keys.items()}


def _key(case: Case, store: str, size: int) -> tuple[int, str, Store | None, int]:
    return case.issued.index, store, case.docket.stores.get(store), size


def _was_erased(moves: tuple[Move, ...]) -> bool:
    return any(move.kind == "erased" for move in moves)
