"""Erased: which copies of a store an order's obligations to erase reach, and the log has as erased.

What a probe of the store looks for, and what a sample is drawn from: the handles behind the counts `erased_…`
of the order's obligations to erase, together.
"""

from collections.abc import Iterator
from typing import Final

from projections.case import Case, Groups
from projections.clock import Clock
from projections.holdings import Move
from projections.order import Obligation
from projections.survey import Survey, reached
from signing.setdigest import SetDigest, digest_in_parts

# Whether an obligation of this type reaches only what was derived.
ONLY_DERIVED: Final = {"erase": False, "erase_derived": True}


def erased_in(case: Case, store: str) -> Iterator[list[str]]:
    """The handles erased from a store, as the case's order asks, at the case's size; each once, part by part
    where not all records are in memory."""
    asked = [
        (one, Survey(case, one, Clock((), ())))
        for one in case.order.obligations
        if one.type in ONLY_DERIVED and store in case.stores_of(one.scope)
    ]
    for groups in case.groups():
        ended = [group for group in groups if _was_erased(group[0].copies.get(store, ()))]
        found: set[str] = set()
        for obligation, survey in asked:
            found.update(_reached(case, obligation, survey, ended, store))
            case.end_part(obligation.scope)
        yield sorted(found)


def erased_set(case: Case, store: str, size: int) -> SetDigest:
    """Count and digest of the same at another size, as the order now reads. What the log held at a size, it
    holds for good: so it is worked out once for each version of the order."""
    key = (case.issued.index, store, case.docket.stores.get(store), size)
    found = case.known.erased.get(key)
    if found is None:
        # No moment bears on it.
        there = case.moved(case.issued, as_of=0, size=size)
        parts = ((handle.encode() for handle in part) for part in erased_in(there, store))
        found = case.known.erased[key] = digest_in_parts(parts)
    return found


def _reached(case: Case, obligation: Obligation, survey: Survey, groups: Groups, store: str) -> Iterator[str]:
    only_derived = ONLY_DERIVED[obligation.type]
    for standing, holding, handles in case.apart(obligation.scope, groups):
        one = reached(survey, standing, holding, handles, only_derived=only_derived)
        if one is not None and any(name == store and copy.erasure for name, copy in one.copies):
            yield from handles


def _was_erased(moves: tuple[Move, ...]) -> bool:
    return any(move.kind == "erased" for move in moves)
