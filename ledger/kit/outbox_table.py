"""The outbox of a store on Postgres: a table beside the data, written in the transaction that changes them.

    BEGIN; DELETE FROM people WHERE …; INSERT INTO writ_outbox (id, line) VALUES (…); COMMIT

Either both last or neither. Rows go on to the client's outbox and leave the table (`ledger/kit/relay.py`).

Put the event last, after the change that it tells of. Who changes the same data next then waits for this
transaction's end before he can put his own, so that the sequence of rows is that of the deeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.failure import Failure
from projections.events import decode_event

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

TABLE: Final = "writ_outbox"

# `made_by` is the whole transaction, also for a row that was put within a savepoint.
DDL: Final = """
CREATE TABLE IF NOT EXISTS writ_outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text UNIQUE NOT NULL,
    line text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_by xid8 NOT NULL DEFAULT pg_current_xact_id()
)
"""
PUT: Final = "INSERT INTO writ_outbox (id, line) VALUES ($1, $2)"
HOLD_WRITERS: Final = "LOCK TABLE writ_outbox IN SHARE ROW EXCLUSIVE MODE"


async def put(connection: Connection, line: bytes) -> None:
    """Let an event leave with the transaction that is open on this connection, or not at all."""
    require_transaction(connection)
    # What the ledger would refuse as malformed must be known while the change can still be undone.
    event = decode_event(line)
    await connection.execute(PUT, event.id, line.decode())


async def hold_writers(connection: Connection) -> None:
    """Wait until no transaction is under way that has put an event, and let none put one until this one ends.

    A snapshot that another connection takes meanwhile has exactly what the rows before tell of: whoever has
    changed data and not yet put his event is neither in the snapshot nor in the table.
    """
    require_transaction(connection)
    await connection.execute(HOLD_WRITERS)


def require_transaction(connection: Connection) -> None:
    """Return only inside of a transaction: alone, an event would tell of a change that is not tied to it."""
    if not connection.is_in_transaction():
        raise Failure(
            "an event is put into the store's outbox outside of a transaction",
            "put it where the data are changed, within `async with connection.transaction()`",
        )
