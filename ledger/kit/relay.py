"""The way from a store's own outbox into the client's: two steps, each of which may be repeated.

Rows are put into the client's outbox, and once they last there they leave the table. A kill between the two
leaves rows that are put again, and are known by their ids.

No row is passed over: what a transaction commits late is there in a later round, whatever its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import asyncpg

from ledger.append import AWAY
from ledger.failure import Failure
from ledger.kit.outbox_table import TABLE
from ledger.outbox.store import Outbox
from signing.errors import FormatError

if TYPE_CHECKING:
    from ledger.kit.outbox_table import Connection

TAKE: Final = "SELECT seq, line FROM writ_outbox ORDER BY seq LIMIT $1"
TAKEN: Final = "DELETE FROM writ_outbox WHERE seq = ANY($1)"
BATCH: Final = 1_000


async def relay(connection: Connection, outbox: Outbox) -> int:
    """Move what waits in the store's outbox into the client's; returns how many rows that were."""
    moved, most = 0, BATCH
    while rows := await connection.fetch(TAKE, most):
        try:
            outbox.put([row["line"].encode() for row in rows])
        except (Failure, FormatError) as failure:
            if len(rows) == 1:
                remedy = getattr(failure, "remedy", f"correct that row, or remove it from {TABLE}")
                raise Failure(f"row {rows[0]['seq']} of {TABLE}: {failure}", remedy) from failure
            # Those before the one that can't be put, or for which there is no room, are not to wait with it.
            most = 1
            continue
        # They last in the client's outbox from here. A kill before the next line has them put again: no harm.
        await connection.execute(TAKEN, [row["seq"] for row in rows])
        moved += len(rows)
    return moved


class PostgresFeed:
    """A store on Postgres, whose outbox is emptied when asked. A connection that breaks is replaced."""

    def __init__(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        self.name = f"from {parts.hostname or 'local'}{parts.path}"
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def take(self, outbox: Outbox) -> int:
        """Take what waits there."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._url)
            return await relay(self._connection, outbox)
        except (*AWAY, asyncpg.PostgresError) as error:
            raise Failure(
                f"the store's outbox ({self.name}) can't be read: {error}",
                f"its rows wait there; the login needs SELECT and DELETE on {TABLE}",
            ) from error

    async def close(self) -> None:
        """Let go of the store."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
