"""Orphans: copies that a look names in a store and the ledger does not have live there; and what is missing.

They count where what is named explains the whole difference (`coverage`): then it is known which copies are
there. One that the order reaches is there and should not be, as if the ledger had it live. Where the ledger
has it as erased, it is back, after a restore or because it was never gone: the order is open again.
"""

from collections.abc import Iterable

from projections.case import Case
from projections.finding import Gap, StoreCoverage
from projections.lives import Copy, read_copy
from projections.scope import is_artefact, reaches
from projections.survey import Survey, is_asked


def count(survey: Survey, covered: Iterable[StoreCoverage], *, only_derived: bool = False) -> list[Gap]:
    """Count what the looks that govern name, by store; what the order reaches of it is amiss (`copy.orphan`).

    What the ledger knows by now is left out: that a copy is there, or that it was erased since the look.
    """
    gaps = []
    for look in covered:
        due = sum(_orphan(survey, look, one, only_derived=only_derived) for one in look.orphans)
        if due:
            gaps.append(Gap("copy.orphan", look.store, due))
        for handle in look.missing:
            if _copy(survey.case, handle, look.store).state == "live":
                survey.counts.add("missing", [handle], look.store)
    return gaps


def _orphan(survey: Survey, look: StoreCoverage, handle: str, *, only_derived: bool) -> int:
    """Count one; 1 if it is there and should not be, as far as that is known."""
    case, store = survey.case, look.store
    copy = _copy(case, handle, store)
    if copy.state == "live" or (copy.erasure is not None and copy.erasure.index > look.ended):
        return 0
    survey.counts.add("orphans", [handle], store)
    if copy.erasure is not None:
        survey.counts.add("reappeared", [handle], store)
    holding, scope = case.holding(handle), survey.obligation.scope
    standing = case.reader(scope).standing(handle, holding)
    case.end_part(scope)
    if not is_asked(survey, holding, store, only_derived) or not reaches(standing, scope):
        return 0
    left_alone = not only_derived and "derived" not in survey.obligation.include
    if left_alone and is_artefact(holding, case.size):
        return 0
    due, _, _ = survey.due([handle], holding)
    survey.count_amiss(standing, len(due))
    return len(due)


def _copy(case: Case, handle: str, store: str) -> Copy:
    moves = case.holding(handle).copies.get(store, ())
    return read_copy(moves, case.stores.get(store), case.docket, case.discredited, case.size)
