"""Backups: copies with a clock. What was erased from a store is still in the backups made of it before.

A backup holds a copy that was in the store at any time from its `as_of` until it was posted: when it was
taken is its maker's claim, and an earlier claim shortens nothing. It does so until it expires, by an event of
the store's own operator or by the recorded clock. A store that was declared to keep its backups for some days
keeps what was erased for so long besides, whatever is posted.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import inf

from projections.case import Case
from projections.finding import Gap, Irregularity
from projections.holdings import Move
from projections.lives import Copy
from projections.moments import DAY_US, SECOND_US
from projections.sharing import Backup, Expiry, Restore


class Backups:
    """The backups that nobody let expire, store by store."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._kept: dict[str, list[Backup]] = {}
        self._last: dict[str, _Last] = {}
        # The last entry by which the store's operator said that a backup expired.
        ended = {(one.store, one.backup): one.index for one, fault in _judged(case) if fault is None}
        for one in case.docket.sharing.backups:
            # Its date counts whatever is said.
            if one.index < case.size and ended.get((one.store, one.backup), -1) < one.index:
                self._kept.setdefault(one.store, []).append(one)

    def held_until_us(self, store: str, copy: Copy) -> int:
        """Until when (us) a backup holds this erased copy; 0 when none does (`backup.unexpired`).

        Without its key a backup holds nothing, so crypto-erasure reaches all of them.
        """
        erasure = copy.erasure
        assert erasure is not None, "a live copy is in its store"
        if erasure.method == "crypto_erase":
            return 0
        if store not in self._last:
            self._last[store] = _Last(self._kept.get(store, ()))
        last = self._last[store]
        until_us = max((last.expiry_us(*span) for span in copy.spans), default=0)
        until_us = max(until_us, self._declared_until(store, erasure))
        return until_us if self._case.as_of * SECOND_US < until_us else 0

    def _declared_until(self, store: str, erasure: Move) -> int:
        """By recorded time: an earlier claimed one would shorten the wait."""
        kept_us = self._case.stores[store].backup_retention_days * DAY_US
        return erasure.time_us + kept_us if kept_us else 0


class _Last:
    """Which of a store's backups that hold a copy expires last: a tree over them by when they were posted,
    of which each node has its own by where they begin, each with the last expiry up to there."""

    def __init__(self, kept: Sequence[Backup]) -> None:
        """In log order, so by recorded time."""
        self._posted = [one.time_us for one in kept]
        rows = [[(min(one.as_of_us, one.time_us), one.expires_us)] for one in kept]
        # The usual array: the children of n are 2n and 2n + 1, the leaves its second half.
        tree = [*([] for _ in kept), *rows]
        for at in range(len(kept) - 1, 0, -1):
            tree[at] = sorted(tree[2 * at] + tree[2 * at + 1])
        self._begin = [[first for first, _ in row] for row in tree]
        self._until = [list(accumulate((until for _, until in row), max, initial=0)) for row in tree]

    def expiry_us(self, began_us: int, ended_us: int) -> int:
        """The last expiry of those that hold what was there in this span; 0 where none does."""
        low, high, found = bisect_left(self._posted, began_us) + len(self._posted), len(self._begin), 0
        while low < high:
            for at in (low,) * (low & 1) + (high - 1,) * (high & 1):
                found = max(found, self._until[at][bisect_left(self._begin[at], ended_us)])
            low, high = (low + 1) // 2, high // 2
        return found


def _judged(case: Case) -> Iterator[tuple[Expiry, str | None]]:
    """The expiries, each with why it has no effect: `backup.foreign` (not by the store's operator),
    `backup.compromised` (under a stolen key), else `backup.survived` (it was restored afterwards)."""
    made, restored = _entries(case.docket.sharing.backups), _entries(case.docket.sharing.restores)
    for one in case.docket.sharing.expiries:
        if one.index < case.size:
            store, fault = case.stores.get(one.store), None
            if not case.believes(one.by, one.time_us):
                fault = "backup.compromised"
            elif store is None or case.name_of(one.by) != store.operator_key:
                fault = "backup.foreign"
            # Restored, into whichever store, before another was made under its name.
            elif _next(restored, one) < min(_next(made, one), case.size):
                fault = "backup.survived"
            yield one, fault


def _entries(said: Iterable[Backup | Restore]) -> dict[str, list[int]]:
    entries: dict[str, list[int]] = {}
    for one in said:
        entries.setdefault(one.backup, []).append(one.index)
    return entries


def _next(entries: dict[str, list[int]], expiry: Expiry) -> float:
    """The first entry of the same backup that stands after its expiry."""
    found = entries.get(expiry.backup, [])
    at = bisect_right(found, expiry.index)
    return found[at] if at < len(found) else inf


def faults(case: Case, stores: Iterable[str]) -> list[Irregularity]:
    """Expiries of these stores' backups that had no effect."""
    wanted = set(stores)
    return [
        Irregularity(fault, one.index, one.time_us, case.name_of(one.by), one.store)
        for one, fault in _judged(case)
        if fault is not None and one.store in wanted
    ]


def last_restore(case: Case, store: str, *, reapplied: bool = True) -> int:
    """The entry of the last restore into the store, else -1; without those after which erasures were applied
    again, by whoever says so, if not `reapplied`."""
    return max(
        (
            one.index
            for one in case.docket.sharing.restores
            if one.store == store and one.index < case.size and (reapplied or not one.reapplied)
        ),
        default=-1,
    )


def restored(case: Case, last_erasure: Mapping[str, int], looked: Container[str]) -> list[Gap]:
    """`backup.restored`: from a backup, and what had been erased since was not erased again. A whole look
    begun later says what is there."""
    return [
        Gap("backup.restored", store)
        for store, erased in sorted(last_erasure.items())
        if last_restore(case, store, reapplied=False) > erased and store not in looked
    ]
