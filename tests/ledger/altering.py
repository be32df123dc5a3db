"""Somebody with the owner's login, who alters what is stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from ledger.config import Database

PARTITION = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'entries'::regclass LIMIT 1"


@asynccontextmanager
async def altered(database: Database, before: str, after: str) -> AsyncIterator[None]:
    """Until the block ends the one entry that says `before` says `after`."""
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        part = await owner.fetchval(PARTITION)
        await owner.execute(f"ALTER TABLE {part} DISABLE TRIGGER USER")
        alter = (
            f"UPDATE {part} SET entry = convert_to(replace(convert_from(entry, 'UTF8'), $1, $2), 'UTF8')"
            " WHERE position($1 IN convert_from(entry, 'UTF8')) > 0"
        )
        assert await owner.execute(alter, before, after) == "UPDATE 1"
        yield
        assert await owner.execute(alter, after, before) == "UPDATE 1"
    finally:
        await owner.close()
