"""Walking: what records add up to, leaf by leaf. Where they were put away, all walks of a judgment read each
part together: to read a record takes as long as to visit it.

Which walks a judgment takes, its evaluators know. So they are asked twice: first with nobody there, which
says what they walk for, and then with all of it walked.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from projections.case import Groups, grouped
from projections.holdings import PARTS, Holding, Holdings, Parted
from projections.lines import FANOUT, LEAVES, leaf_of
from projections.sums import Sums

if TYPE_CHECKING:
    from projections.survey import Survey, Visit

_LEAVES = LEAVES // PARTS
"""Of one part."""


class Walks:
    """The walks of one judgment over records that were put away."""

    def __init__(self, held: Parted) -> None:
        self._held = held
        self._asked: dict[tuple[str, Visit], Survey] = {}
        self._are_taken = False

    def walk(self, survey: "Survey", visit: "Visit") -> "Survey":
        """The survey, walked; nobody is there until all walks are taken."""
        key = (survey.obligation.id, visit)
        if not self._are_taken:
            self._asked[key] = survey.fresh()
            return survey
        # Whoever asks may count on: it is his, and the next to ask gets another.
        found = self._asked.pop(key, None)
        if found is None:
            walk_parts([(survey, visit)], self._held)
        return found or survey

    def take(self) -> None:
        """Take all walks that were asked for."""
        walk_parts([(survey, visit) for (_, visit), survey in self._asked.items()], self._held)
        self._are_taken = True


def walk_parts(walks: "Sequence[tuple[Survey, Visit]]", held: Parted) -> None:
    """Have each survey say what its visit finds. No more stays of each leaf than it adds up to."""
    if not walks:
        return

    def summed(part: Holdings) -> list[Sums | None]:
        leaves: list[list[tuple[str, Holding]]] = [[] for _ in range(_LEAVES)]
        for handle, holding in part.items():
            leaves[leaf_of(handle) % _LEAVES].append((handle, holding))
        groups = [grouped(one) for one in leaves]
        sums = [_summed([_leaf(*walk, one) if one else None for one in groups]) for walk in walks]
        for survey, _ in walks:
            survey.case.reader(survey.obligation.scope).forget()
        return sums

    # What somebody listens to must be said in this very process.
    heard = any(survey.case.is_heard for survey, _ in walks)
    parts = list(map(summed, held.parts()) if heard else held.each(summed))
    for (survey, _), each in zip(walks, zip(*parts, strict=True), strict=True):
        whole = _summed(list(each))
        if whole is not None:
            # Whoever concludes from it counts on, and is heard.
            counts = survey.counts
            counts.absorb(whole.counts)
            survey.take(whole)
            survey.counts = counts


def leaf(survey: "Survey", visit: "Visit", held: Iterable[tuple[str, Holding]]) -> Sums:
    """What the records of one leaf add up to."""
    return _leaf(survey, visit, grouped(held))


def _leaf(survey: "Survey", visit: "Visit", groups: Groups) -> Sums:
    sums = survey.fresh()
    for standing, holding, handles in survey.case.apart(survey.obligation.scope, groups):
        visit(sums, standing, holding, handles)
    return sums.settled()


def _summed(parts: list[Sums | None]) -> Sums | None:
    """Sums that stand side by side, joined."""
    while len(parts) > 1:
        beside = [parts[at : at + FANOUT] for at in range(0, len(parts), FANOUT)]
        parts = [Sums.joined(some) if any(one is not None for one in some) else None for some in beside]
    return parts[0]
