"""Backups: copies with a clock. What was erased from a store is still in the backups made of it before.

A backup holds a copy that was in the store at any time from its `as_of` until it was posted: when it was
taken is its maker's claim, and an earlier claim shortens nothing. It does so until it expires, by an event of
the store's own operator or by the recorded clock. A store that was declared to keep its backups for some days
keeps what was erased for so long besides, whatever is posted.
"""

from collections.abc import Container, Iterable, Mapping

from projections.case import Case
from projections.finding import Gap, Irregularity
from projections.holdings import Move
from projections.lives import Copy
from projections.moments import DAY_US, SECOND_US
from projections.sharing import Backup, Expiry


class Backups:
    """The backups that nobody let expire, store by store."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._kept: dict[str, list[Backup]] = {}
        ended = self._ended(case)
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
        until_us = max(
            (one.expires_us for one in self._kept.get(store, ()) if _holds(one, copy.spans)),
            default=0,
        )
        until_us = max(until_us, self._declared_until(store, erasure))
        return until_us if self._case.as_of * SECOND_US < until_us else 0

    def _declared_until(self, store: str, erasure: Move) -> int:
        """By recorded time: an earlier claimed one would shorten the wait."""
        kept_us = self._case.stores[store].backup_retention_days * DAY_US
        return erasure.time_us + kept_us if kept_us else 0

    @staticmethod
    def _ended(case: Case) -> dict[tuple[str, str], int]:
        """The last entry by which the store's operator said that a backup expired."""
        said = (one for one in case.docket.sharing.expiries if one.index < case.size)
        return {(one.store, one.backup): one.index for one in said if fault_of(case, one) is None}


def fault_of(case: Case, expiry: Expiry) -> str | None:
    """Why a backup's expiry has no effect: `backup.foreign` (not by the store's operator),
    `backup.compromised` (under a stolen key), else `backup.survived` (it was restored afterwards)."""
    if not case.believes(expiry.by, expiry.time_us):
        return "backup.compromised"
    store = case.stores.get(expiry.store)
    if store is None or case.name_of(expiry.by) != store.operator_key:
        return "backup.foreign"
    return "backup.survived" if _survived(case, expiry) else None


def _survived(case: Case, expiry: Expiry) -> bool:
    """Whether it was restored, into whichever store, after it was said to be gone and before another was made
    under its name."""
    made = [one.index for one in case.docket.sharing.backups if one.backup == expiry.backup]
    return any(
        one.backup == expiry.backup
        and expiry.index < one.index < case.size
        and not any(expiry.index < index < one.index for index in made)
        for one in case.docket.sharing.restores
    )


def faults(case: Case, stores: Iterable[str]) -> list[Irregularity]:
    """Expiries of these stores' backups that had no effect."""
    wanted = set(stores)
    return [
        Irregularity(fault, one.index, one.time_us, case.name_of(one.by), one.store)
        for one in case.docket.sharing.expiries
        if one.index < case.size and one.store in wanted and (fault := fault_of(case, one))
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


def _holds(backup: Backup, spans: tuple[tuple[int, int], ...]) -> bool:
    first_us = min(backup.as_of_us, backup.time_us)
    return any(began_us <= backup.time_us and ended_us > first_us for began_us, ended_us in spans)
