"""Erasing rows of a store on Postgres: the rows and the event that says so in one transaction.

    async with connection.transaction():
        await erase_rows(connection, holding, grounds, keep,
                         "DELETE FROM people WHERE id = ANY($1) RETURNING id",
                         "SELECT FROM people WHERE id = ANY($1)", ids)

The event names what the database says that it deleted, not what it was asked to: rows that were gone already
are told by nobody, so to repeat the whole is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from ledger.failure import Failure
from ledger.kit.deeds import Grounds, Holding, Keep, erased_line, in_events, receipt
from ledger.kit.outbox_table import put, require_transaction

if TYPE_CHECKING:
    from ledger.kit.outbox_table import Connection

TRANSACTION: Final = """
SELECT pg_current_xact_id()::text AS transaction, current_database() AS database,
    pg_current_wal_insert_lsn()::text AS written_up_to
"""
RUN_DEFERRED: Final = "SET CONSTRAINTS ALL IMMEDIATE"

GUARD: Final = """
CREATE INDEX IF NOT EXISTS writ_outbox_made_by ON writ_outbox (made_by);
CREATE OR REPLACE FUNCTION writ_require_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' OR NOT EXISTS (SELECT FROM writ_outbox WHERE made_by = pg_current_xact_id()) THEN
        RAISE EXCEPTION '% of % without an event in writ_outbox', TG_OP, TG_TABLE_NAME
            USING HINT = 'erase rows and put the event that says so in one transaction';
    END IF;
    RETURN NULL;
END $$
"""
GUARD_TABLE: Final = """
CREATE CONSTRAINT TRIGGER writ_guard AFTER DELETE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION writ_require_event();
CREATE TRIGGER writ_guard_all BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION writ_require_event()
"""


async def erase_rows(
    connection: Connection,
    holding: Holding,
    grounds: Grounds,
    keep: Keep,
    erase: str,
    look: str,
    *arguments: object,
) -> list[str]:
    """Erase rows in the open transaction and put the events that say so; returns the handles of the rows.

    `erase` is a DELETE that returns the columns of the native id, `look` a SELECT of the same rows. Deferred
    constraints are checked here, and at once from here on.
    """
    require_transaction(connection)
    gone = await connection.fetch(erase, *arguments)
    handles = sorted({holding.handle(_native_id(list(row.values()))) for row in gone})
    for some in in_events(handles):
        told = dict(await connection.fetchrow(TRANSACTION) or {})
        # It names the transaction; should that be undone, nobody refers to the receipt.
        evidence = keep(receipt(holding, {"deleted": some, **told}))
        await put(connection, erased_line(holding, grounds, some, evidence))
    # What a rule or a trigger keeps, or puts back at the commit, is there by now.
    await connection.execute(RUN_DEFERRED)
    left = await connection.fetch(look, *arguments)
    if left:
        raise Failure(
            f"{len(left)} rows are in {holding.store} after they were erased",
            "see which rule or trigger keeps them; the transaction is undone, and nothing was said",
        )
    return handles


async def guard(connection: Connection, table: str) -> None:
    """Let the database refuse whatever deletes rows of a table and puts no event in the same transaction.

    `table` is written into SQL as it stands. Whether the event names those rows, only an inventory can tell.
    """
    await connection.execute(GUARD)
    await connection.execute(GUARD_TABLE.format(table=table))


def _native_id(columns: Sequence[Any]) -> Any:
    """One column is the id; several are a composite one."""
    return columns[0] if len(columns) == 1 else list(columns)
