"""The projector: folds logs and judges orders in a process of its own, so that no append waits for either.

One process, one thing at a time: a judgment first folds what the log holds by then. When the process dies,
the next call starts another; what it had not committed is folded again.

Appends go first: the process is a nice one, and its transactions don't wait for the disk. A crash may take
the last of them back, rows and cursor together, and they are folded again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, TypeVar

import asyncpg
from msgspec import Struct

from ledger.append import AWAY
from ledger.children import Child
from projections import store
from projections.case import Case
from projections.finding import Irregularity
from projections.fold import Fold
from projections.runners import live
from projections.runners.asking import AnswerPage, page_of
from projections.standing import ask, view_of
from projections.statement import Log, Statement, make_statement
from projections.stating import find_order
from projections.verdict import headline, judge
from signing.encoding import encode_base64

NICENESS: Final = 10
SETTINGS: Final = {"application_name": "writ projector", "synchronous_commit": "off"}

T = TypeVar("T")


class OrderStatus(Struct, frozen=True):
    """An order's verdict as it stands, and every exception listed. `statement` is provisional, unsigned, and
    without state digests: what is to be proved is exported."""

    headline: str
    statement: Statement
    exceptions: tuple[tuple[str, tuple[Irregularity, ...]], ...]


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
        return await self._call(_catch_up, self._dsn, log)

    async def orders(self, log: str) -> list[OrderLine]:
        """The orders in a log, in its sequence."""
        return await self._call(_orders, self._dsn, log)

    async def status(self, log: str, order: str, as_of: int) -> OrderStatus | None:
        """The verdict on an order at `as_of` (Unix seconds); None when the log has no such order."""
        return await self._call(_status, self._dsn, log, order, as_of, self._rules)

    async def questions(
        self, log: str, names: tuple[str, ...], as_of: int, skip: int, limit: int
    ) -> list[AnswerPage]:
        """What a log says to standing questions at `as_of` (Unix seconds), with so many members of each."""
        return await self._call(_questions, self._dsn, log, names, as_of, skip, limit)

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


# What follows runs in the projector's process. Between calls it keeps the state last judged, and the
# connection: to prove a password takes longer, here and in Postgres, than to fold what a second brings.
_kept: dict[str, tuple[Fold, int]] = {}
_connections: dict[str, "asyncpg.Connection[asyncpg.Record]"] = {}
_runner: Final = asyncio.Runner()


def _catch_up(dsn: str, log: str) -> int:
    return _run(_with_connection(dsn, lambda conn: live.catch_up(conn, log)))


def _orders(dsn: str, log: str) -> list[OrderLine]:
    fold, _ = _run(_load(dsn, log))
    posters = fold.docket.posters
    return [
        OrderLine(one.order.id, one.order.version, one.index, posters[one.by].name)
        for one in fold.docket.orders
    ]


def _status(dsn: str, log: str, order: str, as_of: int, rules: str) -> OrderStatus | None:
    fold, folded = _run(_load(dsn, log))
    recorded = _run(_with_connection(dsn, lambda conn: store.size_at(conn, log, as_of * 1_000_000, folded)))
    # Whether its key is the authority's, only a reader can say.
    issued = find_order(fold, order, None, None, as_of=as_of, size=recorded)
    if issued is None:
        return None
    size, origin, root = _run(
        _with_connection(dsn, lambda conn: _moment(conn, log, as_of, folded, issued.index))
    )
    case = Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=size)
    judgment = judge(case)
    identity = Log(origin, encode_base64(root), size)
    return OrderStatus(
        headline(judgment),
        make_statement(case, judgment, log=identity, states=(), rules=rules, provisional=True),
        tuple((one.obligation, one.irregularities) for one in judgment.findings),
    )


def _questions(
    dsn: str, log: str, names: tuple[str, ...], as_of: int, skip: int, limit: int
) -> list[AnswerPage]:
    fold, folded = _run(_load(dsn, log))
    size = _run(_with_connection(dsn, lambda conn: store.size_at(conn, log, as_of * 1_000_000, folded)))
    view = view_of(fold, as_of=as_of, size=size)
    return [page_of(ask(view, name), skip, limit) for name in names]


async def _moment(
    conn: asyncpg.Connection, log: str, as_of: int, folded: int, issued: int
) -> tuple[int, str, bytes]:
    """The size that counts at `as_of`, but the order itself counts; the log's origin, and its root there."""
    size = await store.size_at(conn, log, as_of * 1_000_000, folded)
    if size <= issued:
        size = await store.next_size(conn, log, issued, 1)
    return size, *await store.identity(conn, log, size)


async def _load(dsn: str, log: str) -> tuple[Fold, int]:
    async def load(conn: asyncpg.Connection) -> tuple[Fold, int]:
        size = await live.catch_up(conn, log)
        if log not in _kept or _kept[log][1] != size:
            _kept[log] = await live.load(conn, log)
        return _kept[log]

    return await _with_connection(dsn, load)


async def _with_connection(dsn: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Do work that may be done twice, over the connection kept if it still serves, else over a new one."""
    if dsn in _connections:
        try:
            return await _over(_connections.pop(dsn), dsn, work)
        except AWAY:
            pass  # Postgres was started anew since it was used last
    return await _over(await asyncpg.connect(dsn, server_settings=SETTINGS), dsn, work)


async def _over(conn: asyncpg.Connection, dsn: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
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
