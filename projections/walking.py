"""Walking: what records add up to, leaf by leaf. Where they were put away, all walks of a judgment read each
part together: to read a record takes as long as to visit it.

Which walks a judgment takes, its evaluators know. So they are asked twice: first with nobody there, which
says what they walk for, and then with all of it walked.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from projections.alike import Alike, Boxes, States
from projections.case import Groups, grouped
from projections.holdings import PARTS, Holding, Holdings, Parted
from projections.lines import FANOUT, LEAVES, leaf_of
from projections.sums import Sums

if TYPE_CHECKING:
    from projections.survey import Survey, Visit

_LEAVES: Final = LEAVES // PARTS
"""Of one part."""


class Walk(NamedTuple):
    """A walk of one obligation. `alike`: whether its visit takes together who is alike (see there)."""

    survey: "Survey"
    visit: "Visit"
    alike: bool


class Walks:
    """The walks of one judgment over records that were put away."""

    def __init__(self, held: Parted) -> None:
        self._held = held
        self._asked: dict[tuple[str, Visit], Walk] = {}
        self._are_taken = False

    def walk(self, asked: Walk) -> "Survey":
        """The survey, walked; nobody is there until all walks are taken."""
        survey = asked.survey
        key = (survey.obligation.id, asked.visit)
        if not self._are_taken:
            self._asked[key] = asked._replace(survey=survey.fresh())
            return survey
        # Whoever asks may count on: it is his, and the next to ask gets another.
        found = self._asked.pop(key, None)
        if found is not None:
            return found.survey
        walk_parts([asked], self._held)
        return survey

    def take(self) -> None:
        """Take all walks that were asked for."""
        walk_parts(list(self._asked.values()), self._held)
        self._are_taken = True


def walk_parts(walks: Sequence[Walk], held: Parted) -> None:
    """Have each survey say what its visit finds. No more stays of each leaf than it adds up to."""
    if not walks:
        return
    boxes = [Boxes(walk.survey, walk.visit) if walk.alike else None for walk in walks]

    def summed(alike: list[list[Alike]], others: Holdings) -> list[Sums | None]:
        # Readers know states by their identity: of this part's none may end, and of others none be known.
        _forget(walks)
        states, leaves = States(), _by_leaf(others)
        found = [_grouped(alike, leaves, states, one) for one in boxes]
        sums = [
            _summed([_leaf(walk.survey, walk.visit, one) if one else None for one in groups])
            for walk, groups in zip(walks, found, strict=True)
        ]
        _forget(walks)
        return sums

    # What somebody listens to must be said in this very process, of each record.
    if any(walk.survey.case.is_heard for walk in walks):
        parts = [summed([], part) for part in held.parts()]
    else:
        parts = list(held.each_alike(summed))
    for (survey, *_), each in zip(walks, zip(*parts, strict=True), strict=True):
        whole = _summed(list(each))
        if whole is not None:
            # Whoever concludes from it counts on, and is heard.
            counts = survey.counts
            counts.absorb(whole.counts)
            survey.take(whole)
            survey.counts = counts


def _forget(walks: Sequence[Walk]) -> None:
    """Let go of what was read of records that are no longer in memory."""
    for survey, *_ in walks:
        survey.case.reader(survey.obligation.scope).forget()


def _by_leaf(part: Holdings) -> list[Groups]:
    leaves: list[list[tuple[str, Holding]]] = [[] for _ in range(_LEAVES)]
    for handle, holding in part.items():
        leaves[leaf_of(handle) % _LEAVES].append((handle, holding))
    return list(map(grouped, leaves))


def _grouped(
    alike: list[list[Alike]], leaves: list[Groups], states: States, boxes: Boxes | None
) -> list[Groups]:
    """The groups of each leaf, those who are alike together as far as one walk may take them so."""
    if not alike:
        return leaves
    groups = states.alone if boxes is None else partial(boxes.groups, states=states)
    return [
        [*leaf, *(group for one in each for group in groups(one))]
        for leaf, each in zip(leaves, alike, strict=True)
    ]


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
