"""Sums: what a walk over records adds up to, over all of them or over a part."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from projections.finding import Gap, Irregularity, Level, OutOfScope, lowest
from projections.lines import Lines
from projections.tally import Tally


class Sums:
    """Running totals of one obligation.

    `turn`: the next moment at which time alone may make them others. `asked`: the first and the last of the
    entries that no witness has proved to be in time.
    """

    __slots__ = (
        "_listed", "asked", "asserted", "backed_up", "backed_up_until", "contradicted", "counts", "custody",
        "disclosed", "erased", "last_act", "last_contradiction", "last_erasure", "live", "out",
        "residency_said", "somebody", "turn", "undeclared",
    )  # fmt: skip

    def __init__(self) -> None:
        self.counts = Tally()
        self.out: Counter[tuple[str, str]] = Counter()
        self.undeclared: Counter[str] = Counter()
        self.backed_up: Counter[str] = Counter()
        self.backed_up_until: dict[str, int] = {}
        self.contradicted: Counter[str] = Counter()
        self.last_contradiction: dict[str, int] = {}
        self.disclosed: Counter[int] = Counter()
        self.erased = Lines()
        self.live = Lines()
        self.last_erasure: dict[str, int] = {}
        self.asserted: dict[str, Level] = {}
        self.custody: dict[str, bool] = {}
        self.residency_said = False
        self.somebody = False
        self.last_act = -1
        self.turn: int | None = None
        self.asked: tuple[int, int] | None = None
        self._listed: dict[tuple[str, int, str], Irregularity] = {}

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
        """What records of one bucket add up to: to be joined, no more to be added to."""
        self.erased.settle()
        self.live.settle()
        settled = Sums.__new__(Sums)
        settled.take(self)
        for name in _CONTAINERS:
            if not getattr(settled, name):
                setattr(settled, name, _NOTHING)
        return settled

    def take(self, sums: "Sums") -> None:
        """Say what others say."""
        for name in Sums.__slots__:
            setattr(self, name, getattr(sums, name))

    def listed(self) -> list[Irregularity]:
        """The exceptions, in log order."""
        return sorted(self._listed.values(), key=lambda one: (one.index, one.rule, one.store))

    def out_of_scope(self) -> tuple[OutOfScope, ...]:
        """Whom the order does not reach, by ground."""
        return tuple(sorted(OutOfScope(*key, n) for key, n in self.out.items()))

    def backup_gaps(self) -> list[Gap]:
        """`backup.unexpired`: erased live; in backups until then."""
        return [
            Gap("backup.unexpired", store, n, self.backed_up_until[store])
            for store, n in sorted(self.backed_up.items())
        ]

    def undeclared_gaps(self) -> list[Gap]:
        """`store.undeclared`: where nobody can look."""
        return [Gap("store.undeclared", store, n) for store, n in sorted(self.undeclared.items())]

    def list(self, one: Irregularity) -> None:
        """List a move once for all the copies that it concerns."""
        key = (one.rule, one.index, one.store)
        before = self._listed.get(key)
        if before is not None:
            one = msgspec.structs.replace(one, copies=before.copies + one.copies)
        self._listed[key] = one

    def note_erasure(self, store: str, index: int, level: Level, custody: bool) -> None:
        """Remember an erasure that a look into the store must come after, and what stands behind it."""
        self.last_erasure[store] = max(index, self.last_erasure.get(store, -1))
        self.asserted[store] = lowest([level, self.asserted.get(store, level)])
        self.custody[store] = self.custody.get(store, True) and custody

    def ask(self, first: int, last: int) -> None:
        """Remember that the clock was asked about these in vain."""
        before = (first, last) if self.asked is None else self.asked
        self.asked = (min(first, before[0]), max(last, before[1]))

    def _absorb(self, part: "Sums") -> None:
        self.counts.absorb(part.counts)
        self.out.update(part.out)
        self.undeclared.update(part.undeclared)
        self.backed_up.update(part.backed_up)
        self.contradicted.update(part.contradicted)
        self.disclosed.update(part.disclosed)
        for store, until in part.backed_up_until.items():
            self.backed_up_until[store] = max(until, self.backed_up_until.get(store, 0))
        for store, index in part.last_contradiction.items():
            self.last_contradiction[store] = max(index, self.last_contradiction.get(store, -1))
        for store, index in part.last_erasure.items():
            self.note_erasure(store, index, part.asserted[store], part.custody[store])
        self.residency_said = self.residency_said or part.residency_said
        self.somebody = self.somebody or part.somebody
        self.last_act = max(self.last_act, part.last_act)
        if part.turn is not None:
            self.turn = part.turn if self.turn is None else min(self.turn, part.turn)
        if part.asked is not None:
            self.ask(*part.asked)
        for one in part._listed.values():
            self.list(one)


# Most leaves have nothing in most of these: one empty one serves all.
_CONTAINERS: Final = (
    "_listed", "asserted", "backed_up", "backed_up_until", "contradicted", "custody", "disclosed",
    "last_contradiction", "last_erasure", "out", "undeclared",
)  # fmt: skip
_NOTHING: Final[dict[Any, Any]] = {}
