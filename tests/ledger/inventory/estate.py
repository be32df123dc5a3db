"""A store on a real Postgres, what the ledger says of it, and command lines that look into it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import asyncpg

from ledger.config import Database
from signing.encoding import encode_base64
from signing.handle import blinding_commitment, handle
from tests.ledger.command_line import STORE, Session, writ

OWNER = "crm.clearview.example"
BULK = 1_000


class Estate:
    """Persons in a table, the same persons in the ledger, and whoever posts."""

    def __init__(self, session: Session, database: Database) -> None:
        self.session = session
        self.url = database.owner_dsn
        self.folder = session.folder
        self.owner = ""
        self.auditor = ""
        self.key = bytes(32)

    @classmethod
    async def build(cls, session: Session, database: Database, people: int) -> Self:
        """So many persons, held in store and ledger alike."""
        estate = cls(session, database)
        made = json.loads(writ("keygen", "b", "--blinding", "--json", cwd=session.folder).stdout)
        (session.folder / made["file"]).rename(session.folder / "b.key")
        estate.key = bytes.fromhex((session.folder / "b.key").read_text())
        estate.owner = await session.register(OWNER, "controller")
        estate.auditor = await session.register("auditor.example", "auditor")
        commitment = encode_base64(blinding_commitment(estate.key))
        store = STORE | {"store": "people", "operator_key": OWNER, "blinding_commitment": commitment}
        await estate.post([("store.registered", store)])
        await estate.execute("CREATE TABLE people (player_id text PRIMARY KEY)")
        await estate.add(range(people))
        await estate.hold(range(people))
        return estate

    def handle(self, number: int) -> str:
        return handle(self.key, "people", name(number))

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def add(self, numbers: Iterable[int]) -> None:
        """Rows in the store, of which the ledger hears nothing."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.copy_records_to_table("people", records=[(name(one),) for one in numbers])
        finally:
            await connection.close()

    async def hold(self, numbers: Sequence[int]) -> None:
        """Copies in the ledger, of which the store hears nothing."""
        parts = [numbers[at : at + BULK] for at in range(0, len(numbers), BULK)]
        await self.post([("data.held", self._held(part)) for part in parts])

    async def erase(self, numbers: Sequence[int]) -> None:
        """Erasures in the ledger, of which the store hears nothing."""
        data = {
            "cause": "order", "controller": "clearview", "irrecoverable": True, "method": "purge",
            "records": sorted(map(self.handle, numbers)), "store": "people",
        }  # fmt: skip
        await self.post([("data.deleted", data)])

    async def post(self, events: Sequence[tuple[str, dict[str, Any]]]) -> None:
        lines = [json.dumps({"type": f"writ.{kind}.v1", "data": data}) for kind, data in events]
        raw = "".join(f"{line}\n" for line in lines).encode()
        await self.session.value("post", "-", key=self.owner, stdin=raw)

    def words(self, *words: str) -> list[str]:
        """What a look into the store is told."""
        return ["people", "--from", self.url, "--table", "people", "--blinding-key", "b.key", *words]

    async def inventory(self, *words: str, key: str = "") -> Any:
        """Take one."""
        words = tuple(self.words("--controller", "clearview", *words))
        return await self.session.value("inventory", *words, key=key or self.owner)

    async def reconcile(self, *words: str, key: str = "") -> tuple[int, Any]:
        """Compare; how it ends, and what it says."""
        code, out, err = await self.session.writ("reconcile", "people", *words, key=key or self.owner)
        assert not err, err
        return code, json.loads(out)

    async def send_outbox(self) -> None:
        """Send what waits in the store's outbox."""
        await self.session.value("outbox", "out", "send", "--once", "--from", self.url, key=self.owner)

    async def told(self, kind: str) -> list[dict[str, Any]]:
        """What was posted of inventories."""
        return [one for one in await self.session.events() if one["type"] == f"writ.inventory.{kind}.v1"]

    def _held(self, numbers: Iterable[int]) -> dict[str, Any]:
        return {
            "as_of": "2026-01-01T00:00:00Z", "categories": ["user.biometric"], "controller": "clearview",
            "minor": "unknown", "records": sorted(map(self.handle, numbers)), "special_category": True,
            "store": "people",
        }  # fmt: skip


def name(number: int) -> str:
    return f"person-{number:06d}"


class Wire:
    """Counts the bytes that go to a service and come from it."""

    def __init__(self) -> None:
        self.moved = 0
        self.url = ""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            self.moved += len(piece)
            writer.write(piece)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def counted(url: str) -> AsyncIterator[Wire]:
    """A way to a service on which bytes are counted."""
    wire, port = Wire(), int(url.rpartition(":")[2])

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(wire.carry(reader, back), wire.carry(there, writer))

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield wire
