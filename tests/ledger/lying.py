"""A company with the demonstration's real estate, under an order to erase: what it does, and what it says.

The estate and the ledger of its opening balance are made once; each story gets a copy of both databases.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from msgspec import Struct

from ledger import client
from ledger.app import running_service
from ledger.config import Config, Database
from ledger.demo import company, estate
from ledger.demo.company import Company
from ledger.keyfiles import read_key, write_key
from ledger.remote import RemoteLog
from signing.handle import handle
from signing.keys import COSIGNATURE, SigningKey, format_vkey, parse_vkey
from tests.conftest import fresh_database
from tests.ledger.command_line import Session, running_session

CONTROLLER = "clearview"
SYSTEMS, AUTHORITY, AUDITOR = "systems.clearview.example", "ico.example", "auditor.example"
WITNESS = "witness.example/w1"
ORDER = f"{AUTHORITY}/en-1"
BLINDING = bytes(range(32))

BRITONS = "SELECT player_id FROM people WHERE birth_country = 'United Kingdom' ORDER BY player_id"


class Beginning(Struct, frozen=True):
    """What every story begins with: two databases to copy, and a service's folder with all keys."""

    estate: str
    ledger: str
    folder: Path
    log_vkey: str
    vkeys: dict[str, str]


class Story:
    """One company's story, in databases of its own."""

    def __init__(self, session: Session, dsn: str) -> None:
        self.session = session
        self.dsn = dsn
        self.blinding_key = session.folder / "blinding"
        self._told = 0

    async def really(self, *statements: str) -> None:
        """Have something happen in the estate, whatever is said of it."""
        conn = await asyncpg.connect(self.dsn)
        try:
            for statement in statements:
                await conn.execute(statement)
        finally:
            await conn.close()

    async def britons(self) -> list[str]:
        """Whom the order names, as the estate knows them."""
        conn = await asyncpg.connect(self.dsn)
        try:
            return [row["player_id"] for row in await conn.fetch(BRITONS)]
        finally:
            await conn.close()

    async def erase(self) -> None:
        """Delete all that the order names, and say just what was deleted."""
        conn = await asyncpg.connect(self.dsn)
        try:
            gone = await company.erase(conn)
        finally:
            await conn.close()
        for store, rows in gone.items():
            await self.claim(store, rows)

    async def claim(self, store: str, rows: Sequence[asyncpg.Record]) -> None:
        """Say that these rows were deleted."""
        await self.say(lambda told: told.erased(store, list(rows), ORDER))

    async def say(self, what: Callable[[Company], Iterable[bytes]]) -> None:
        """Post what the company says."""
        self._told += 1
        source = f"{SYSTEMS}/{self._told}"
        await _post(
            self.session, source, list(what(Company(CONTROLLER, source, BLINDING, datetime.now(UTC))))
        )

    def ids(self, store: str) -> tuple[str, ...]:
        """Where a store's keys are read, as a command line says it."""
        where = ("--from", self.dsn, "--table", store, "--columns", estate.KEYS[store])
        return (*where, "--blinding-key", str(self.blinding_key))

    async def look(self, store: str) -> Any:
        """The auditor counts what is really in a store; what differs from the ledger, by handle."""
        door = ("--log", self.session.log_vkey, "--key", self.key(AUDITOR))
        about = ("--controller", CONTROLLER)
        await self.session.value("inventory", store, "--auditor", *self.ids(store), *door, *about)
        code, out, err = await self.session.writ("reconcile", store, *self.ids(store), *door)
        assert code in (0, 1), err
        found = json.loads(out)
        assert code == (0 if found["agrees"] else 1)
        return found

    async def probe(self, store: str, *words: str) -> Any:
        """The auditor looks for what the order had erased there, by handle."""
        door = ("--log", self.session.log_vkey, "--key", self.key(AUDITOR), "--controller", CONTROLLER)
        asked = ("probe", ORDER, "--store", store, *self.ids(store), *words, *door)
        code, out, err = await self.session.writ(*asked)
        assert code in (0, 1), err
        found = json.loads(out)
        assert code == (1 if found["found"] else 0)
        assert found["control_found"] == found["control_checked"] > 0
        return found

    async def gaps(self) -> set[tuple[str, str]]:
        """What is missing of the order's being carried out: which rule says so, and of which store."""
        (erase,) = (await self.status())["statement"]["obligations"]
        return {(gap["rule"], gap["subject"]) for gap in erase["gaps"]}

    async def counts(self) -> dict[str, int]:
        """How many copies are how."""
        (erase,) = (await self.status())["statement"]["obligations"]
        counts: dict[str, int] = erase["counts"]
        return counts

    async def listed(self, count: str) -> list[str]:
        """Whom the ledger counts under a name, by handle."""
        words = ("status", ORDER, "--list", count, "--log", self.session.log_vkey)
        code, out, err = await self.session.writ(*words)
        assert code == 0, err
        return sorted(json.loads(line)["handle"] for line in out.splitlines())

    async def status(self) -> Any:
        """What the ledger says of the order now."""
        return await self.session.ask("status", ORDER)

    def key(self, name: str) -> str:
        """The file of somebody's key."""
        return str(self.session.folder / f"{name}.key")


@asynccontextmanager
async def beginning(server: Database, template: str, folder: Path) -> AsyncIterator[Beginning]:
    """Load the estate, post its opening balance, issue the order."""
    async with fresh_database(server, "template0") as real, fresh_database(server, template) as ledger:
        conn = await asyncpg.connect(real.owner_dsn)
        await estate.load(conn, lambda _: None)
        async with running_session(ledger, folder, public=True) as session:
            for name, role in ((SYSTEMS, "controller"), (AUTHORITY, "authority"), (AUDITOR, "auditor")):
                await session.register(name, role)
            told = Company(CONTROLLER, f"{SYSTEMS}/opening", BLINDING, datetime.now(UTC))
            lines = list(told.stores(SYSTEMS))
            lines += [line async for line in told.opening_balance(conn)]
            await conn.close()
            await _post(session, f"{SYSTEMS}/opening", lines)
            (folder / "order.json").write_text(json.dumps(order(session)))
            await session.value("order", "issue", "order.json", "--yes", key=str(folder / f"{AUTHORITY}.key"))
            # Folded once for all.
            await session.ask("status", ORDER)
            write_key(folder / "blinding", BLINDING.hex())
            vkeys = dict(session.vkeys)
        yield Beginning(_name(real), _name(ledger), folder, session.log_vkey, vkeys)


@asynccontextmanager
async def story(begun: Beginning, server: Database, folder: Path) -> AsyncIterator[Story]:
    """A copy of everything, and the service over it."""
    await asyncio.to_thread(shutil.copytree, begun.folder, folder, dirs_exist_ok=True)
    async with fresh_database(server, begun.estate) as real, fresh_database(server, begun.ledger) as ledger:
        config = Config(data=folder / "data", database=ledger, policy=None, host="127.0.0.1", port=0)
        async with running_service(config) as service:
            session = Session(service, folder)
            session.log_vkey, session.vkeys = begun.log_vkey, dict(begun.vkeys)
            yield Story(session, real.owner_dsn)


def order(session: Session) -> dict[str, Any]:
    """Erase everything about residents of the UK, what nobody knows the residence of included."""
    # Whoever it is: what is in the stores needs no clock.
    witness = format_vkey(SigningKey(WITNESS, COSIGNATURE, bytes(32)).verifier)
    scope = {"residency": ["GB"], "unknown_residency": "in_scope"}
    return {
        "controllers": [CONTROLLER],
        "country": "GB",
        "effective": "2026-01-01",
        "id": ORDER,
        "instrument_sha256": sha256(b"enforcement notice\n").hexdigest(),
        "issued": "2026-01-01",
        "legal_basis": "gdpr.58.2.g",
        "obligations": [{"id": "erase", "type": "erase", "scope": scope, "deadline": {"at": "2026-02-01"}}],
        "trust": {
            "assessors": [session.vkeys[AUDITOR]],
            "log_vkey": session.log_vkey,
            "witnesses": [f"witness w1 {witness}", "quorum w1"],
        },
    }


def blinded(store: str, native: str) -> str:
    """The handle of a person, or of a row about one."""
    return handle(BLINDING, store, native)


async def _post(session: Session, source: str, lines: Sequence[bytes]) -> None:
    key = session.folder / f"{SYSTEMS}.key"
    async with client.open_session() as http:
        log = RemoteLog(http, session.service.url, parse_vkey(session.log_vkey))
        async with client.open_poster(log, read_key(key), Path(f"{key}.state"), source) as poster:
            await poster.post(lines)


def _name(database: Database) -> str:
    return urlsplit(database.owner_dsn).path.removeprefix("/")
