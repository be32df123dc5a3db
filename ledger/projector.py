"""The projector: folds logs and judges orders in a process of its own, so that no append waits for either.

One process, one thing at a time: a judgment first folds what the log holds by then. When the process dies,
the next call starts another; what it had not committed is folded again.

Appends go first: the process is a nice one, and its transactions don't wait for the disk. A crash may take
the last of them back, rows and cursor together, and they are folded again.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Final, TypeVar

from msgspec import Struct

from ledger import judging, kept, sets
from ledger.children import Child, Work
from ledger.judging import Asked, MembersPage, NoSuchCount, OrderStatus, OrderTimeline, Wanted
from ledger.set_wire import StoreLine
from ledger.sets import ErasedPage, NoStore, StoreSet, TooMany
from projections import store
from projections.question_view import View
from projections.runners.asking import AnswerPage, page_of, table_of
from projections.standing import QUESTIONS, ask, view_of
from projections.timeline import Place

NICENESS: Final = 10

T = TypeVar("T")


class OrderLine(Struct, frozen=True):
    """One order in a list."""

    id: str
    version: int
    entry: int
    issued_by: str


class Projector:
    """The process that folds and judges. `rules` is the hash of the rules, for statements."""

    def __init__(self, dsn: str, rules: str) -> None:
        self._dsn = dsn
        self._rules = rules
        self._child = Child(NICENESS)

    async def catch_up(self, log: str) -> int:
        """Fold what the log holds by now; returns the size reached."""
        return await self._call(kept.catch_up, self._dsn, log)

    async def orders(self, log: str) -> list[OrderLine]:
        """The orders in a log, in its sequence."""
        return await self._call(_orders, self._dsn, log)

    async def status(self, log: str, order: str, asked: Asked) -> OrderStatus | None:
        """The verdict on an order; None when the log has no such order."""
        return await self._call(judging.status, self._dsn, log, order, asked, self._rules)

    async def members(
        self, log: str, order: str, asked: Asked, wanted: Wanted
    ) -> MembersPage | NoSuchCount | None:
        """Whom an obligation of an order counts, a page at a time; None when the log has no such order."""
        return await self._call(judging.members, self._dsn, log, order, asked, wanted)

    async def timeline(self, log: str, order: str, end: int, begin: Place | None) -> OrderTimeline | None:
        """How an order's verdict changed up to `end` (Unix seconds), from its issue or where an earlier walk
        stopped; None when the log has no such order."""
        return await self._call(judging.timeline, self._dsn, log, order, end, begin)

    async def questions(self, log: str, as_of: int) -> list[AnswerPage]:
        """What a log says to every standing question at `as_of` (Unix seconds): the tables alone."""
        return await self._call(_questions, self._dsn, log, as_of)

    async def question(self, log: str, name: str, as_of: int, skip: int, limit: int) -> AnswerPage:
        """What a log says to one, with its digest and the members [skip, skip + limit)."""
        return await self._call(_question, self._dsn, log, name, as_of, skip, limit)

    async def stores(self, log: str) -> list[StoreLine]:
        """The stores that were declared in a log."""
        return await self._call(sets.stores, self._dsn, log)

    async def store_set(self, log: str, store: str, size: int) -> StoreSet | None:
        """The ledger's own set for a store at `size`; None when no such store was declared."""
        return await self._call(sets.store_set, self._dsn, log, store, size)

    async def set_lines(
        self, log: str, store: str, size: int, buckets: tuple[int, ...]
    ) -> bytes | TooMany | None:
        """The lines of some of its buckets."""
        return await self._call(sets.set_lines, self._dsn, log, store, size, buckets)

    async def erased(
        self, log: str, order: str, store: str, asked: Asked, after: str, limit: int
    ) -> ErasedPage | NoStore | None:
        """What an order's obligations had erased from a store, a page at a time; None when the log has no
        such order."""
        return await self._call(sets.erased, self._dsn, log, order, store, asked, after, limit)

    @property
    def work(self) -> Work | None:
        """What it is at, if that takes long."""
        return self._child.work

    def close(self) -> None:
        """End the process; what it had not committed is folded again."""
        self._child.end()

    async def _call(self, function: Callable[..., T], *args: object) -> T:
        loop, child = asyncio.get_running_loop(), self._child
        try:
            return await loop.run_in_executor(child.pool, function, *args)
        except BrokenProcessPool:
            if self._child is child:  # nobody who met the same death has been faster
                self._child = Child(NICENESS)
                await asyncio.to_thread(child.end)
            return await loop.run_in_executor(self._child.pool, function, *args)


# What follows runs in the projector's process.
def _orders(dsn: str, log: str) -> list[OrderLine]:
    fold = kept.keep(dsn, log).fold
    posters = fold.docket.posters
    return [
        OrderLine(one.order.id, one.order.version, one.index, posters[one.by].name)
        for one in fold.docket.orders
    ]


def _questions(dsn: str, log: str, as_of: int) -> list[AnswerPage]:
    view = _view(dsn, log, as_of)
    return [table_of(ask(view, name)) for name in QUESTIONS]


def _question(dsn: str, log: str, name: str, as_of: int, skip: int, limit: int) -> AnswerPage:
    return page_of(ask(_view(dsn, log, as_of), name), skip, limit)


def _view(dsn: str, log: str, as_of: int) -> View:
    log_kept = kept.keep(dsn, log)
    size = kept.queried(dsn, lambda conn: store.size_at(conn, log, as_of * 1_000_000, log_kept.size))
    return view_of(log_kept.fold, as_of=as_of, size=size)
