"""The roll: a log's records by their leaves (`lines`), and which was derived from which.

It grows with the fold, so that whoever keeps something of each record finds what an entry touched.
"""

import heapq
from collections.abc import Iterable
from typing import Final, Protocol

from projections import events as ev
from projections import holdings
from projections.fact import Fact
from projections.fold import Fold
from projections.lines import LEAVES, leaf_of

SHARED_BY: Final = 4


class Follower(Protocol):
    """What knows something of records that derivations hand on."""

    def follow(self, index: int) -> bool:
        """Look again at what the derivation at `index` hands on; whether it is something else than before."""


class Roll:
    """The records of one fold. Take facts through it, and it stays in step."""

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self.parts: list[list[str]] = [[] for _ in range(LEAVES)]
        self._made: dict[int, list[str]] = {}
        self._inputs: dict[str, list[int]] = {}
        self._counted = self._touched = self._states = 0
        for index, edge in fold.edges.items():
            self._link(index, edge.inputs)
        for handle, holding in fold.holdings.items():
            self.parts[leaf_of(handle)].append(handle)
            for index in holding.derived:
                self._made.setdefault(index, []).append(handle)

    @property
    def is_alike(self) -> bool:
        """Whether most records share their state with others, as after bulk events: then a walk over states
        costs less than to keep sums, which are made record by record. Counted anew now and then."""
        if self._touched >= self._counted // 8:
            held = self.fold.holdings
            self._counted, self._touched = len(held), 0
            self._states = len(set(map(id, held.values())))
        return self._states * SHARED_BY < self._counted

    def inhabited(self) -> list[int]:
        """The parts in which there is anybody."""
        return [part for part, handles in enumerate(self.parts) if handles]

    def take(self, fact: Fact) -> "Touched":
        """Fold one fact; what it touched."""
        handles = holdings.keys(fact.event)
        new = [handle for handle in handles if handle not in self.fold.holdings]
        self.fold.take(fact)
        self._touched += len(handles)
        for handle in new:
            self.parts[leaf_of(handle)].append(handle)
        if not isinstance(fact.event.data, ev.DataDerived):
            return handles, ()
        self._link(fact.index, self.fold.edges[fact.index].inputs)
        self._made[fact.index] = list(handles)
        return handles, (fact.index,)

    def affected(self, handles: Iterable[str], derivations: Iterable[int], follower: Follower) -> set[str]:
        """The records of which a follower may say something else, once these were touched, and these
        derivations are new: they themselves, and what was derived from those that it sees otherwise now."""
        found = set(handles)
        waiting = {index for handle in found for index in self._inputs.get(handle, ())}
        heap = sorted(waiting.union(derivations))
        queued = set(heap)
        while heap:
            # In log order: a derivation counts only what had gone into its inputs before it.
            index = heapq.heappop(heap)
            if follower.follow(index):
                for made in self._made.get(index, ()):
                    found.add(made)
                    for later in self._inputs.get(made, ()):
                        if later > index and later not in queued:
                            queued.add(later)
                            heapq.heappush(heap, later)
        return found

    def _link(self, index: int, inputs: tuple[str, ...]) -> None:
        for handle in dict.fromkeys(inputs):
            self._inputs.setdefault(handle, []).append(index)


Touched = tuple[tuple[str, ...], tuple[int, ...]]
"""The handles that a fact names, and its entry if it is a derivation."""
