"""Retention: until when a record may be kept, by the controller's word (GDPR Art. 5(1)(e)) and an order's.

A collection names its end (`retention_until`), or its activity was declared with a number of days, or both:
then the earlier counts. Of several collections the last to end counts, since the data was needed anew; an
opening balance has no term of its own. `retention.expired` ends all that was collected before it. What was
derived may be kept no longer than the first of its inputs, as these were when it was made.

An order may set a number of days of its own: then the earlier counts. They run from the collection; where
none is on record, as with an opening balance, from the first word that the record is there.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET, UnsetType

from projections.docket import Edge
from projections.holdings import EMPTY, Held, Holding, Trait
from projections.moments import DAY_US
from projections.processing import Activity

if TYPE_CHECKING:
    from projections.case import Case


class _Declared(NamedTuple):
    """The declarations of one activity: their entries, and the least number of days that each and those
    after it name."""

    entries: list[int]
    least: list[int | None]

    @classmethod
    def of(cls, said: list[Activity]) -> "_Declared":
        """From what was declared, in log order."""
        least: list[int | None] = []
        for one in reversed(said):
            named = [days for days in (one.retention_days, *least[-1:]) if days is not None and days >= 0]
            least.append(min(named, default=None))
        return cls([one.index for one in said], least[::-1])

    def days(self, index: int) -> int | None:
        """What stood declared at an entry, or less where less was declared since."""
        return self.least[max(bisect_left(self.entries, index) - 1, 0)]


class Terms:
    """Answers at one size of the log; remembers what derivations hand on."""

    def __init__(
        self,
        held: Held,
        edges: Mapping[int, Edge],
        activities: Iterable[Activity],
        size: int,
        ordered_days: int | UnsetType = UNSET,
    ) -> None:
        self._held = held
        self._edges = edges
        self._size = size
        self._ordered_days = ordered_days
        declared: dict[str, list[Activity]] = {}
        for one in activities:
            if one.index < size:
                declared.setdefault(one.activity, []).append(one)
        self._declared = {name: _Declared.of(said) for name, said in declared.items()}
        self._handed: dict[int, dict[str, int | None] | int | None] = {}
        # In log order, so that each sees what had gone into its inputs, and no chain is too long.
        for index in sorted(index for index in edges if index < size):
            self.follow(index)

    def grow(self, case: "Case") -> None:
        """Go on at a later size, where nothing else was declared. What entries touched since, `follow` looks
        at again."""
        self._size = case.size

    def follow(self, index: int) -> bool:
        """Look again at what a derivation hands on; whether that is something else than before."""
        before, found = self._handed.get(index), self._hand_on(index, self._edges[index])
        self._handed[index] = found
        return before != found

    def ends_us(self, handle: str, holding: Holding) -> int | None:
        """Unix microseconds from which the record is past its retention; None: no term is known."""
        return self._ends(handle, holding, self._size)

    def depends_on_handle(self, holding: Holding) -> bool:
        """Whether handles with this state may have different terms (pairwise lineage)."""
        return any(self._edges[i].artefacts for i in holding.derived if i < self._size)

    def _ends(self, handle: str, holding: Holding, size: int) -> int | None:
        traits = [trait for trait in holding.traits if trait.source_kind and trait.index < size]
        ends = [self._end_of(trait) for trait in traits]
        if not traits:
            ends = [self._handed_to(handle, index) for index in holding.derived if index < size]
        known = [end for end in ends if end is not None]
        last = max(known) if known and len(known) == len(ends) else self._since_first_said(holding, size)
        expired = self._expired(holding, traits[-1].index if traits else -1)
        return min((end for end in (last, expired) if end is not None), default=None)

    def _since_first_said(self, holding: Holding, size: int) -> int | None:
        """By the order's days alone, from when anybody first said that the record was in a store."""
        moves = (move for moves in holding.copies.values() for move in moves if move.index < size)
        there = min((move.time_us for move in moves if move.kind not in ("erased", "failed")), default=None)
        if there is None or isinstance(self._ordered_days, UnsetType):
            return None
        return there + self._ordered_days * DAY_US

    def _expired(self, holding: Holding, after: int) -> int | None:
        """Of an input too, whenever that was said: what was made of it ends with it."""
        uses = (use for use in holding.uses if use.kind == "expired")
        return min((use.time_us for use in uses if after < use.index < self._size), default=None)

    def _end_of(self, trait: Trait) -> int | None:
        named = [trait.retention_us] if trait.retention_us else []
        named += [trait.time_us + days * DAY_US for days in self._days(trait)]
        return min(named, default=None)

    def _days(self, trait: Trait) -> Iterator[int]:
        """What the order sets; what was declared of the activity when the record was collected, and since: a
        later declaration may shorten a term, and lengthens none for what is there already
        (`retention.no_longer`)."""
        if not isinstance(self._ordered_days, UnsetType):
            yield self._ordered_days
        declared = self._declared.get(trait.activity)
        days = None if declared is None else declared.days(trait.index)
        if days is not None:
            yield days

    def _hand_on(self, index: int, edge: Edge) -> dict[str, int | None] | int | None:
        ends = [self._ends(one, self._held.get(one, EMPTY), index) for one in edge.inputs]
        if edge.artefacts:
            return dict(zip(edge.artefacts, ends, strict=True))
        return min((end for end in ends if end is not None), default=None)

    def _handed_to(self, handle: str, index: int) -> int | None:
        handed = self._handed[index]
        return handed[handle] if isinstance(handed, dict) else handed
