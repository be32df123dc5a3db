"""Tallies: the counts behind a finding, and who is counted.

To count is to name what is counted: a list of members comes from the very walk that counts them, so it cannot
disagree with its count.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

Listener = Callable[[str, Sequence[str], str, int], None]
"""Takes a count's name, the handles that it grows by, their store, and the entry if it counts moves."""


class Member(Struct, frozen=True, order=True, omit_defaults=True):
    """One that was counted: mostly a copy, so a handle and its store. `entry` where each move counts."""

    handle: str
    store: str = ""
    entry: int = -1


class Tally:
    """Running counts. Nothing but `add` makes them grow, and it tells the listener whom it adds."""

    def __init__(self, listener: Listener | None = None) -> None:
        self._counts: dict[str, int] = {}
        self._listener = listener

    def add(self, name: str, handles: Sequence[str], store: str = "", entry: int = -1) -> None:
        """Count these handles, in this store, under this name."""
        self._counts[name] = self._counts.get(name, 0) + len(handles)
        if self._listener is not None and handles:
            self._listener(name, handles, store, entry)

    def absorb(self, other: "Tally") -> None:
        """Count what another tally, of others, has counted."""
        for name, n in other._counts.items():
            self._counts[name] = self._counts.get(name, 0) + n

    def __getitem__(self, name: str) -> int:
        return self._counts.get(name, 0)

    def counts(self, names: Iterable[str]) -> dict[str, int]:
        """The counts of these names, 0 where nothing was counted."""
        return {name: self[name] for name in names}


class Page:
    """A listener that keeps the first `limit` members of one count beyond `after`, in their own sequence.

    However many there are, hardly more than twice the limit are held at any time.
    """

    def __init__(self, name: str, after: Member | None, limit: int) -> None:
        self._name = name
        self._after = after
        self._limit = limit
        self._held: Counter[Member] = Counter()

    def __call__(self, name: str, handles: Sequence[str], store: str, entry: int) -> None:
        if name != self._name:
            return
        for handle in handles:
            member = Member(handle, store, entry)
            if self._after is None or member > self._after:
                self._held[member] += 1
        if len(self._held) > 2 * self._limit:
            # One beyond the page stays, to tell that there are more.
            kept = sorted(self._held)[: self._limit + 1]
            self._held = Counter({member: self._held[member] for member in kept})

    def members(self) -> list[Member]:
        """The page. Who was counted more than once stands there as often."""
        first = sorted(self._held)[: self._limit]
        return [member for member in first for _ in range(self._held[member])]

    def is_last(self) -> bool:
        """Whether no member stands behind this page."""
        return len(self._held) <= self._limit
