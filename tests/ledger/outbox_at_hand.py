"""An outbox with nobody behind it, and a data store on Postgres with an outbox of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from ledger.kit import outbox_table
from ledger.kit.deeds import Holding
from ledger.outbox.store import Outbox
from projections.events import DataDeleted, Event, decode_event
from signing.keys import format_vkey
from tests.ledger.lab import CONTROLLER, ORIGIN, seeded_key

LOG = format_vkey(seeded_key(ORIGIN).verifier)
SOURCE = "eraser.example/people"
BLINDING_KEY = bytes(range(32))


class Store:
    """A data store of nine people, and as many connections to it as a test asks for."""

    def __init__(self, dsn: str, stack: AsyncExitStack) -> None:
        self.dsn = dsn
        self._stack = stack

    async def connect(self) -> asyncpg.Connection:
        """One more connection."""
        connection = await asyncpg.connect(self.dsn)
        self._stack.push_async_callback(connection.close)
        return connection


@asynccontextmanager
async def data_store(dsn: str) -> AsyncIterator[Store]:
    """A store in an empty database."""
    async with AsyncExitStack() as stack:
        made = Store(dsn, stack)
        connection = await made.connect()
        await connection.execute(outbox_table.DDL)
        await connection.execute("CREATE TABLE people (id integer PRIMARY KEY)")
        await connection.execute("INSERT INTO people SELECT generate_series(1, 9)")
        yield made


def outbox_in(folder: Path, most_waiting: int | None = None) -> Outbox:
    """An outbox whose log is nowhere."""
    outbox = Outbox.create(folder, LOG, SOURCE)
    if most_waiting is not None:
        outbox.limit(most_waiting)
    return outbox


def holding(store: str) -> Holding:
    """A store of that name, as the ledger knows it."""
    return Holding(controller=CONTROLLER, store=store, namespace=store, source=SOURCE, key=BLINDING_KEY)


def said(outbox: Outbox) -> list[Event[Any]]:
    """All that waits, as events."""
    return [decode_event(line) for line in outbox.next_lines(0, 10_000)]


def claimed(outbox: Outbox) -> list[str]:
    """The handles of which an event that waits says that they are gone."""
    gone = [event.data for event in said(outbox) if isinstance(event.data, DataDeleted)]
    return [handle for data in gone if isinstance(data.records, tuple) for handle in data.records]
