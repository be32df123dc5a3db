"""Kept: what the projector's process keeps between calls, the state last judged and the connection.

To prove a password takes longer, here and in Postgres, than to fold what a second brings.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

import asyncpg

from ledger.append import AWAY
from projections.fold import Fold
from projections.runners import live

SETTINGS: Final = {"application_name": "writ projector", "synchronous_commit": "off"}

T = TypeVar("T")
Work = Callable[[asyncpg.Connection], Awaitable[T]]

_kept: dict[str, tuple[Fold, int]] = {}
_runners: dict[tuple[str, str], live.Kept] = {}
_connections: dict[str, "asyncpg.Connection[asyncpg.Record]"] = {}
_runner: Final = asyncio.Runner()


def catch_up(dsn: str, log: str) -> int:
    """Fold what the log holds by now; returns the size reached."""
    return queried(dsn, lambda conn: _catch_up(conn, dsn, log))


def folded(dsn: str, log: str) -> tuple[Fold, int]:
    """All that the log holds by now, folded and in memory, and the size it stands at."""

    async def load(conn: asyncpg.Connection) -> tuple[Fold, int]:
        size = await _catch_up(conn, dsn, log)
        if log not in _kept or _kept[log][1] != size:
            _kept[log] = await live.load(conn, log)
        return _kept[log]

    return queried(dsn, load)


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
