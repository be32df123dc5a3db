"""Kept: what the projector's process keeps between calls: the folded state, orders' sums, the connection.

A log is loaded once; from then on what is folded behind the appends is taken into memory too, so that an
order is judged again for what the new entries touch (`projections.running`). To prove a password takes
longer, here and in Postgres, than to fold what a second brings.
"""

import asyncio
import gc
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final, TypeVar

import asyncpg

from ledger.append import AWAY
from ledger.children import report
from projections.case import Case, Known
from projections.docket import IssuedOrder
from projections.fold import Fold
from projections.reading import FactReader
from projections.roll import Roll
from projections.runners import live
from projections.runners.halves import in_halves
from projections.running import Running

SETTINGS: Final = {"application_name": "writ projector", "synchronous_commit": "off"}
# Of how many orders of a log the sums are kept: a verdict over a million holdings takes some megabytes.
MOST_ORDERS: Final = 16
OVERTAKEN_S: Final = 60

T = TypeVar("T")
Work = Callable[[asyncpg.Connection], Awaitable[T]]


class KeptLog:
    """One log in memory, at the size that was last asked about, and the sums of its orders."""

    def __init__(self, fold: Fold, size: int, reader: FactReader) -> None:
        self.fold = fold
        self.size = size
        self.reader = reader
        self._now = 0
        self._known = Known()
        self._roll = Roll(fold)
        self._orders: OrderedDict[tuple[str, int], Running] = OrderedDict()

    async def go_on(self, conn: asyncpg.Connection, log: str, size: int) -> None:
        """Take what was folded since, up to `size`."""
        while self.size < size:
            end = min(size, await live.next_size(conn, log, self.size))
            for fact in await live.read_facts(conn, log, self.reader, self.size, end):
                touched = self._roll.take(fact)
                for running in self._orders.values():
                    running.touch(touched)
            self.size = end

    def moment(self, now: int) -> int:
        """Now, by the clock (Unix seconds) of whoever asks: never before the last one, since requests may
        overtake each other. Unless that was over a minute later: then somebody has set the clock."""
        if not self._now - OVERTAKEN_S <= now <= self._now:
            self._now = now
        return self._now

    def handles_of(self, leaf: int) -> list[str]:
        """The records of one leaf (`projections.lines`)."""
        return self._roll.parts[leaf]

    def case_anew(self, issued: IssuedOrder, *, as_of: int, size: int) -> Case:
        """An order at any moment over any size, whose sums are made anew."""
        state = (self.fold.holdings, self.fold.docket, self.fold.edges)
        return Case(*state, issued, as_of=as_of, size=size, known=self._known)

    def case(self, issued: IssuedOrder, *, as_of: int, size: int) -> Case:
        """An order at a moment. Now, over all that there is, its sums are kept, unless a walk over few states
        costs less; else they are made anew."""
        if size != self.size or as_of != self._now or self._roll.is_alike:
            return self.case_anew(issued, as_of=as_of, size=size)
        key = (issued.order.id, issued.by)
        running = self._orders.get(key)
        if running is None:
            progress = partial(report, "judging")
            running = self._orders[key] = Running(self._roll, partial(in_halves, progress=progress))
        self._orders.move_to_end(key)
        while len(self._orders) > MOST_ORDERS:
            self._orders.popitem(last=False)
        return running.case(issued, as_of=as_of, size=size, known=self._known)


_kept: dict[str, KeptLog] = {}
_runners: dict[tuple[str, str], live.Kept] = {}
_connections: dict[str, "asyncpg.Connection[asyncpg.Record]"] = {}
_runner: Final = asyncio.Runner()


def catch_up(dsn: str, log: str) -> int:
    """Fold what the log holds by now; returns the size reached."""
    return queried(dsn, lambda conn: _catch_up(conn, dsn, log))


def keep(dsn: str, log: str) -> KeptLog:
    """All that the log holds by now, folded and in memory."""

    async def bring(conn: asyncpg.Connection) -> KeptLog:
        size = await _catch_up(conn, dsn, log)
        # Whatever breaks off in between leaves nothing half-folded behind.
        kept = _kept.pop(log, None) or await _load(conn, log)
        await kept.go_on(conn, log, size)
        _kept[log] = kept
        return kept

    return queried(dsn, bring)


async def _load(conn: asyncpg.Connection, log: str) -> KeptLog:
    gc.disable()
    try:
        fold, size = await live.load(conn, log, partial(report, "loading"))
        kept = KeptLog(fold, size, await live.reader_at(conn, log, size))
    finally:
        gc.enable()
    # What stays for good need not be walked through again and again.
    gc.freeze()
    return kept


def queried(dsn: str, work: Work[T]) -> T:
    """Do work that may be done twice, over the connection kept if it still serves, else over a new one."""
    return _run(_with_connection(dsn, work))


async def _catch_up(conn: asyncpg.Connection, dsn: str, log: str) -> int:
    return await live.catch_up(conn, log, _runners.setdefault((dsn, log), live.Kept()))


async def _with_connection(dsn: str, work: Work[T]) -> T:
    if dsn in _connections:
        try:
            return await _over(_connections.pop(dsn), dsn, work)
        except AWAY:
            pass  # Postgres was started anew since it was used last
    return await _over(await asyncpg.connect(dsn, server_settings=SETTINGS), dsn, work)


async def _over(conn: asyncpg.Connection, dsn: str, work: Work[T]) -> T:
    try:
        done = await work(conn)
    except BaseException:
        # In what state it is, nobody knows.
        conn.terminate()
        raise
    _connections[dsn] = conn
    return done


def _run(work: Coroutine[Any, Any, T]) -> T:
    return _runner.run(work)
