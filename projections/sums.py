"""Sums: what a walk over records adds up to, over all of them or over a part."""

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

from projections.finding import Gap, Irregularity, Level, OutOfScope
from projections.lines import Lines
from projections.moments import SECOND_US
from projections.tally import Tally

T = TypeVar("T")
Added = Literal["out", "undeclared", "backed_up", "contradicted", "disclosed", "amiss"]
Highest = Literal["backed_up_until_us", "last_erasure", "last_contradiction"]
Lowest = Literal["asserted", "custody"]


class Sums:
    """Running totals of one obligation.

    `turn`: the next moment at which time alone may make them others. `asked`: the first and the last of the
    entries that no witness has proved to be in time.
    """

    __slots__ = (
        "_added", "_highest", "_listed", "_lowest", "asked", "counts", "erased", "last_act", "live",
        "residency_said", "somebody", "turn",
    )  # fmt: skip

    def __init__(self) -> None:
        self.begin(Tally())

    def begin(self, counts: Tally) -> None:
        """Have seen nobody yet."""
        self.counts = counts
        self.erased = Lines()
        self.live = Lines()
        self.residency_said = False
        self.somebody = False
        self.last_act = -1
        self.turn: int | None = None
        self.asked: tuple[int, int] | None = None
        # What adds up, what only rises and what only falls, each by its name and whose it is. Few and plain:
        # a log has a hundred thousand parts.
        self._added: dict[tuple[Added, Any], int] = {}
        self._highest: dict[tuple[Highest, str], int] = {}
        self._lowest: dict[tuple[Lowest, str], Any] = {}
        self._listed: dict[tuple[str, int, str], Irregularity] = {}

    def add(self, name: Added, whose: Any, n: int) -> None:
        """Let a number grow."""
        key = (name, whose)
        self._added[key] = self._added.get(key, 0) + n

    def raise_to(self, name: Highest, whose: str, value: int) -> None:
        """Let it be at least so high."""
        key = (name, whose)
        self._highest[key] = max(value, self._highest.get(key, value))

    def lower_to(self, name: Lowest, whose: str, value: Any) -> None:
        """Let it be at most so much."""
        key = (name, whose)
        self._lowest[key] = min(value, self._lowest.get(key, value))

    def record(self, one: Irregularity) -> None:
        """List a move once for all the copies that it concerns."""
        key = (one.rule, one.index, one.store)
        before = self._listed.get(key)
        if before is not None:
            one = msgspec.structs.replace(one, copies=before.copies + one.copies)
        self._listed[key] = one

    def ask(self, first: int, last: int) -> None:
        """Remember that the clock was asked about these in vain."""
        before = (first, last) if self.asked is None else self.asked
        self.asked = (min(first, before[0]), max(last, before[1]))

    def extremes(self, kind: type[T]) -> list[T] | None:
        """The numbers of a kind that stand only as the highest or the lowest of something; None where any
        stands elsewhere, or a move is listed: it is listed with all that is known of it."""
        if self._listed or any(
            _within(getattr(self, name), kind) for name in Sums.__slots__ if name not in _ENDS
        ):
            return None
        ends = (*self._highest.values(), *self._lowest.values(), *(self.asked or ()), self.last_act)
        return [one for one in ends if isinstance(one, kind)]

    @property
    def is_amiss(self) -> bool:
        """Whether any copy is there of which it is known that it should not be."""
        return ("amiss", "") in self._added

    @property
    def disclosed(self) -> dict[int, int]:
        """How many records each disclosure was of, by its entry."""
        return {whose: n for (name, whose), n in self._added.items() if name == "disclosed"}

    @property
    def last_erasure(self) -> dict[str, int]:
        """The last erasure in each store."""
        return self._highest_of("last_erasure")

    @property
    def last_contradiction(self) -> dict[str, int]:
        """The last use, store by store, of what had been erased there."""
        return self._highest_of("last_contradiction")

    def asserted(self, store: str) -> Level:
        """What stands behind the weakest word for an erasure in a store."""
        level: Level = self._lowest.get(("asserted", store), "E0")
        return level

    def in_custody(self, store: str) -> bool:
        """Whether every erasure in a store was attested by a certificate of custody."""
        return bool(self._lowest.get(("custody", store), False))

    def listed(self) -> list[Irregularity]:
        """The exceptions, in log order."""
        return sorted(self._listed.values(), key=lambda one: (one.index, one.rule, one.store))

    def out_of_scope(self) -> tuple[OutOfScope, ...]:
        """Whom the order does not reach, by ground."""
        return tuple(OutOfScope(basis, by, n) for (basis, by), n in self._added_to("out"))

    def backup_gaps(self) -> list[Gap]:
        """`backup.unexpired`: erased live; in backups until then."""
        until_us = self._highest_of("backed_up_until_us")
        return [
            Gap("backup.unexpired", store, n, until_us[store] // SECOND_US)
            for store, n in self._added_to("backed_up")
        ]

    def undeclared_gaps(self) -> list[Gap]:
        """`store.undeclared`: where nobody can look."""
        return [Gap("store.undeclared", store, n) for store, n in self._added_to("undeclared")]

    def contradicted_gaps(self, looked: set[str]) -> list[Gap]:
        """`erasure.contradicted`: what had been erased was used, and nobody has looked there since."""
        gaps = [Gap("erasure.contradicted", store, n) for store, n in self._added_to("contradicted")]
        return [gap for gap in gaps if gap.subject not in looked]

    @classmethod
    def joined(cls, parts: Sequence["Sums | None"]) -> "Sums":
        """The sums of settled parts, side by side by their records' first digits; None: nobody."""
        whole = Sums()
        for part in parts:
            if part is not None:
                whole._absorb(part)
        whole.erased = Lines.joined([None if part is None else part.erased for part in parts])
        whole.live = Lines.joined([None if part is None else part.live for part in parts])
        return whole

    def settled(self) -> "Sums":
        """What the records of one leaf add up to: to be joined, no more to be added to."""
        settled = Sums.__new__(Sums)
        settled.counts = self.counts
        settled.erased, settled.live = self.erased.settled(), self.live.settled()
        settled.residency_said, settled.somebody = self.residency_said, self.somebody
        settled.last_act, settled.turn, settled.asked = self.last_act, self.turn, self.asked
        # Most leaves have nothing in most of these: one empty one serves all.
        settled._added = self._added or _NOTHING
        settled._highest = self._highest or _NOTHING
        settled._lowest = self._lowest or _NOTHING
        settled._listed = self._listed or _NOTHING
        return settled

    def take(self, sums: "Sums") -> None:
        """Say what others say."""
        for name in Sums.__slots__:
            setattr(self, name, getattr(sums, name))

    def _absorb(self, part: "Sums") -> None:
        self.counts.absorb(part.counts)
        if part._added:
            for (added, whose), n in part._added.items():
                self.add(added, whose, n)
        if part._highest:
            for (highest, store), value in part._highest.items():
                self.raise_to(highest, store, value)
        if part._lowest:
            for (lowest, store), value in part._lowest.items():
                self.lower_to(lowest, store, value)
        if part._listed:
            for one in part._listed.values():
                self.record(one)
        self.residency_said = self.residency_said or part.residency_said
        self.somebody = self.somebody or part.somebody
        self.last_act = max(self.last_act, part.last_act)
        if part.turn is not None:
            self.turn = part.turn if self.turn is None else min(self.turn, part.turn)
        if part.asked is not None:
            self.ask(*part.asked)

    def _added_to(self, name: Added) -> list[tuple[Any, int]]:
        return sorted((whose, n) for (added, whose), n in self._added.items() if added == name)

    def _highest_of(self, name: Highest) -> dict[str, int]:
        return {store: value for (highest, store), value in self._highest.items() if highest == name}


def _within(value: object, kind: type) -> bool:
    """Whether a value of a kind is this one, or in it."""
    if isinstance(value, dict):
        return _within((*value, *value.values()), kind)
    if isinstance(value, tuple):
        return any(_within(one, kind) for one in value)
    return isinstance(value, kind)


_NOTHING: Final[dict[Any, Any]] = {}
# What only rises or falls, and in whose keys nothing but names stands.
_ENDS: Final = frozenset({"_highest", "_lowest", "asked", "last_act"})
