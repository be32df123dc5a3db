"""The demonstration: one order, from the first entry to a proof on a laptop that trusts nobody."""

import asyncio
import json
import secrets
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from ledger import client
from ledger.demo import company, estate, forgeries
from ledger.demo.company import Company
from ledger.demo.stage import Stage, bare_environment, free_port, without_network
from ledger.embedded import EmbeddedPostgres
from ledger.judging import OrderStatus
from ledger.keyfiles import read_key, write_key
from ledger.remote import RemoteLog
from ledger.service import log_name
from signing.keys import parse_vkey

ORIGIN = "ledger.example/databank"
CONTROLLER = "databank"
AUTHORITY = "ico.example"
IMPOSTOR = "authority.example"
COLLECTOR = "scorer-1"
SYSTEMS = "systems.databank.example"
COUNTER = "inventory.databank.example"
AUDITOR = "auditor.example"
RECIPIENT = "broadcaster.example"
DISCLOSURE = "feed-2026"
BACKUP = "nightly-1"
WITNESS = "witness.example/w1"
ORDER = f"{AUTHORITY}/en-2026-1"


class Play:
    """One performance, in a folder of its own. `verifier` is the bare environment's `writ`."""

    def __init__(self, stage: Stage, verifier: Path) -> None:
        self.stage = stage
        self.verifier = verifier
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.url = f"http://127.0.0.1:{free_port()}"
        self.keys: dict[str, tuple[Path, str]] = {}
        self.log_vkey = ""
        self.token = ""
        self.estate = ""
        self.blinding = secrets.token_bytes(32)
        self.dump: list[asyncpg.Record] = []

    # Scenes, in order.

    async def open_estate(self, postgres: EmbeddedPostgres) -> None:
        """A real estate, in a database server of the company's own."""
        stage = self.stage
        stage.scene(1, "A controller with a real estate")
        database = await postgres.start()
        self.estate = database.owner_dsn
        conn = await asyncpg.connect(self.estate)
        with stage.progress("loading the Baseball Databank", 583_545) as advance:
            people, statistics = await estate.load(conn, advance)
        await conn.close()
        stage.say(f"store people:     {people:>7,} people, with their country of birth")
        stage.say(f"store statistics: {statistics:>7,} rows about them, derived records")

    def start_service(self, folder: Path) -> None:
        """The ledger arrives: service, log, witness, and a key for each who will post."""
        stage = self.stage
        stage.scene(2, "The ledger arrives late, as in life")
        for name, kind in ((WITNESS, ["--witness"]), *((one, []) for one in self._posters())):
            made = stage.writ("keygen", name, "--out", folder / "keys", *kind)
            self.keys[name] = (Path(made["file"]), made["vkey"])
        witness_port = free_port()
        policy = folder / "policy"
        vkey = self.keys[WITNESS][1]
        policy.write_text(f"witness w1 {vkey} http://127.0.0.1:{witness_port}\nquorum w1\n")
        data = folder / "service"
        port = self.url.rpartition(":")[2]
        stage.start("service", "serve", "--data", data, "--policy", policy, "--port", port)
        stage.wait_for("service", f"{self.url}/health")
        admin = data / "keys" / "administrator.key"
        self.keys["admin"] = (admin, "")
        reach = ("--url", self.url, "--key", admin)
        self.log_vkey = stage.writ("log", "create", ORIGIN, "--controller", CONTROLLER, *reach)["vkey"]
        where = ("--data", folder / "witness", "--port", witness_port)
        stage.start("witness", "witness", "--log", self.log_vkey, "--key", self.keys[WITNESS][0], *where)
        stage.wait_for("witness", f"http://127.0.0.1:{witness_port}/")
        for name, role in self._posters().items():
            self._post("key", "register", self.keys[name][1], "--role", role, by="admin")
        reader = self._post("token", "create", "reader.databank.example", "--role", "reader", by="admin")
        self.token = reader["secret"]
        write_key(folder / "keys" / "blinding", self.blinding.hex())
        stage.say(f"log {ORIGIN}, witnessed by {WITNESS}; not public: posters can't read it")

    async def post_opening_balance(self) -> None:
        """Everything the company holds, as bulk events; then some use, an objection, and coverage."""
        stage, told = self.stage, self._company("systems")
        conn = await asyncpg.connect(self.estate)
        lines = list(told.stores(SYSTEMS))
        lines += [line async for line in told.opening_balance(conn)]
        lines += told.use(["aaronha01", "ruthba01", "thomafr04"])
        lines.append(told.coverage(COLLECTOR, self.now - timedelta(days=31), self.now))
        self.dump = await conn.fetch(company.A_FEW_BRITONS)
        lines.append(told.disclosed(DISCLOSURE, RECIPIENT, [row["player_id"] for row in self.dump]))
        lines.append(told.backed_up(BACKUP, self.now, self._deadline() + timedelta(days=60)))
        await conn.close()
        receipts = await self._submit(lines, "posting the opening balance", "systems")
        stage.say(
            f"{len(lines):,} events in {receipts} signed submissions: the opening balance (one lineage event "
            "a person for all rows about them), a customer's look-ups and copies, an objection, a backup, "
            "an idle collector"
        )

    def issue_order(self, folder: Path) -> None:
        """The authority's order, older than the ledger, under the authority's own key."""
        stage = self.stage
        stage.scene(3, "An authority issues its order, with its own key")
        path = folder / "order.json"
        path.write_text(json.dumps(self._order(ORDER, "GB"), indent=1))
        issued = self._post("order", "issue", path, "--yes", by=AUTHORITY)
        stage.say(
            f"{ORDER}: erase everything about residents of GB, derived data included, unknown residency in "
            f"scope, by {self._deadline():%d %B %Y}; and cease collecting"
        )
        entry = issued["receipt"]["index"] + 1
        stage.say(f"it stands as entry {entry:,} and names the log, one witness and one assessor")

    def vary_order(self, folder: Path) -> None:
        """The authority gives more time, in a second version of the whole order."""
        later = self._deadline() + timedelta(days=15)
        varied = self._order(ORDER, "GB") | {"version": 2}
        varied["obligations"][0]["deadline"] = {"at": f"{later:%Y-%m-%d}"}
        path = folder / "order-2.json"
        path.write_text(json.dumps(varied, indent=1))
        self._post("order", "vary", path, "--yes", "--controller", CONTROLLER, by=AUTHORITY)
        self.stage.say(f"the authority varies its order: time to erase until {later:%d %B %Y}, version 2")

    def show_status(self, number: int, title: str) -> OrderStatus:
        """A scene of its own for what the service says."""
        self.stage.scene(number, title)
        return self.tell_status()

    async def erase(self) -> None:
        """A deletion worker deletes for real, and posts what the database says it deleted."""
        stage = self.stage
        stage.scene(5, "A deletion worker erases, and posts what DELETE … RETURNING gave back")
        conn = await asyncpg.connect(self.estate)
        gone = await company.erase(conn)
        # Deleted rows leave their bytes in the table's pages until these are cleared.
        await conn.execute("VACUUM people, statistics")
        await conn.close()
        told = self._company("eraser")
        lines = [line for store, rows in gone.items() for line in told.erased(store, rows, ORDER)]
        await self._submit(lines, "posting erasures", "eraser")
        stage.say(f"deleted {len(gone['people']):,} people and {len(gone['statistics']):,} rows about them")

    async def settle_elsewhere(self) -> None:
        """What is outside the stores: a customer's copies, and a backup that outlives the deadline."""
        stage = self.stage
        stage.scene(6, "The copies elsewhere")
        told, answer = self._company("elsewhere"), self._company("answers", RECIPIENT)
        await self._submit([told.notified(DISCLOSURE)], "notifying", "elsewhere")
        await self._submit([answer.acknowledged(DISCLOSURE)], "acknowledging", "answers", RECIPIENT)
        stage.say(
            f"{RECIPIENT} is told to erase its copies of {len(self.dump)} people, and answers that it did"
        )
        await self._submit([told.backup_gone(BACKUP)], "posting the backup's end", "elsewhere")
        stage.say(f"backup {BACKUP} would have outlived the deadline: it is destroyed")

    async def restore_and_claim(self) -> None:
        """An old dump brings one person back. It is owned up to; that it was erased again is a lie."""
        stage, told, person = self.stage, self._company("restored"), self.dump[0]
        stage.scene(8, "A record comes back, and the company lies about it")
        conn = await asyncpg.connect(self.estate)
        await conn.execute(company.RESTORE_PERSON, tuple(person))
        await conn.close()
        await self._submit([told.reappeared(person["player_id"])], "posting the return", "restored")
        stage.say("one person returns out of an old dump, and the company says so")
        self.tell_status()
        await self._submit(list(told.erased(estate.PEOPLE, [person], ORDER)), "posting a lie", "restored")
        stage.say(
            "it says that it deleted the person again, and deletes nothing; then it counts its own way:"
        )
        self._count(estate.PEOPLE, COUNTER, "--query", company.all_but(person["player_id"]))

    async def catch_the_lie(self) -> None:
        """An auditor counts the table itself, names who is still in it, and counts again once he is gone."""
        stage = self.stage
        stage.scene(9, "An auditor counts for himself, and the lie is caught")
        self.take_inventories(AUDITOR)
        found = self._reconcile(estate.PEOPLE)
        assert found.returncode == 1, found.stderr
        stage.say("one key too many: the hashes of 65,536 buckets, 2 MB, lead to it")
        stage.quote(found.stdout)
        self.tell_status()
        conn = await asyncpg.connect(self.estate)
        gone = await company.erase(conn)
        await conn.execute("VACUUM people, statistics")
        await conn.close()
        stage.say(f"the company deletes {len(gone[estate.PEOPLE])} person, really; the auditor counts again")
        self.take_inventories(AUDITOR)

    def take_inventories(self, by: str) -> None:
        """Processes that hold the estate and the blinding key, and can't read the ledger."""
        for store in estate.KEYS:
            self._count(store, by, "--table", store, "--columns", estate.KEYS[store])

    def _count(self, store: str, by: str, *keys: str) -> None:
        place = "--auditor" if by == AUDITOR else "--quiescent"
        where = (store, place, "--namespace", store, "--controller", CONTROLLER)
        done = self._post("inventory", *where, *self._store(store, by), *keys, by=by)
        self.stage.say(f"{by} counted {done['count']:>7,} keys in store {store}")

    def _reconcile(self, store: str) -> subprocess.CompletedProcess[str]:
        """What differs, found by the auditor, who may read the ledger once he has counted."""
        keys = ("--table", store, "--columns", estate.KEYS[store])
        key = self.keys[AUDITOR][0]
        words = ("reconcile", store, *self._store(store, AUDITOR), *keys)
        return self.stage.run(sys.executable, "-m", "ledger.cli", *words, *self._reach(), "--key", key)

    def _store(self, store: str, by: str) -> tuple[object, ...]:
        folder = self.stage.folder
        kept = folder / "inventories" / f"{by}-{store}"
        return ("--from", self.estate, "--blinding-key", folder / "keys" / "blinding", "--work", kept)

    def export(self, order: str, path: Path) -> Path:
        """Anchor the log, state the verdict, and write the bundle."""
        self.stage.writ("export", order, "-o", path, *self._reach())
        return path

    def verify(self, bundle: Path, expected: int) -> None:
        """Let the bare environment judge a bundle, without network, from the authority's key alone."""
        command = (
            *without_network(),
            self.verifier,
            "verify",
            bundle,
            "--authority",
            self.keys[AUTHORITY][1],
        )
        done = self.stage.run("env", "-i", *(f"{k}={v}" for k, v in bare_environment().items()), *command)
        self.stage.quote(done.stdout + done.stderr)
        if done.returncode != expected:
            raise AssertionError(f"verify ended with {done.returncode}, not {expected}: {done.stderr}")

    def issue_false_order(self, folder: Path) -> None:
        """The operator registers a key of its own as an authority and issues an order to its own liking."""
        path = folder / "false-order.json"
        path.write_text(json.dumps(self._order(f"{IMPOSTOR}/en-1", "NZ")))
        self._post("order", "issue", path, "--yes", by=IMPOSTOR)

    # What the scenes share.

    def tell_status(self) -> OrderStatus:
        """What the live service says of the order: the headline, and each obligation with its counts."""
        status = msgspec.convert(self.stage.writ("status", ORDER, *self._reach()), OrderStatus)
        self.stage.fact("verdict", f"[bold]{status.headline}[/bold]")
        for one in status.statement.obligations:
            counts = [f"{name.replace('_', ' ')} {n:,}" for name, n in one.counts.items() if n]
            gaps = ", ".join(f"{gap.rule} ({gap.subject})" for gap in one.gaps)
            said = f"{one.verdict.replace('_', ' ')}, {one.evidence}: {', '.join(counts)}"
            self.stage.fact(f"{one.id:7}", said + (f"; [bold]{gaps}[/bold]" if gaps else ""))
        return status

    def _posters(self) -> dict[str, str]:
        return {
            SYSTEMS: "controller",
            COUNTER: "controller",
            AUTHORITY: "authority",
            AUDITOR: "auditor",
            IMPOSTOR: "authority",
            RECIPIENT: "recipient",
        }

    def _company(self, path: str, by: str = SYSTEMS) -> Company:
        return Company(CONTROLLER, f"{by}/{path}", self.blinding, self.now)

    async def _submit(self, lines: list[bytes], what: str, path: str, by: str = SYSTEMS) -> int:
        key = self.keys[by][0]
        async with client.open_session() as session:
            log = RemoteLog(session, self.url, parse_vkey(self.log_vkey), token=self.token)
            state = Path(f"{key}.state")
            async with client.open_poster(log, read_key(key), state, f"{by}/{path}") as poster:
                with self.stage.progress(what, len(lines)) as advance:
                    return len(await poster.post(lines, advance))

    def _post(self, *words: object, by: str) -> Any:
        return self.stage.writ(*words, "--url", self.url, "--log", self.log_vkey, "--key", self.keys[by][0])

    def _reach(self) -> tuple[object, ...]:
        return ("--url", self.url, "--log", self.log_vkey, "--token", self.token)

    def _deadline(self) -> datetime:
        return self.now + timedelta(days=30)

    def _order(self, name: str, country: str) -> dict[str, Any]:
        issued = f"{self.now - timedelta(days=30):%Y-%m-%d}"
        scope = {"residency": [country], "unknown_residency": "in_scope"}
        deadline = {"at": f"{self._deadline():%Y-%m-%d}"}
        return {
            "controllers": [CONTROLLER],
            "country": country,
            "effective": issued,
            "id": name,
            "instrument_sha256": sha256(b"enforcement notice\n").hexdigest(),
            "issued": issued,
            "legal_basis": "gdpr.58.2.g",
            "obligations": [
                {"id": "erase", "type": "erase", "scope": scope, "deadline": deadline},
                {"id": "cease", "type": "cease_collecting", "scope": scope, "deadline": deadline},
            ],
            "trust": {
                "assessors": [self.keys[AUDITOR][1]],
                "log_vkey": self.log_vkey,
                "witnesses": [f"witness w1 {self.keys[WITNESS][1]}", "quorum w1"],
            },
        }


async def perform(play: Play, folder: Path) -> Path:
    """Play all scenes; returns the bundle."""
    stage = play.stage
    postgres = EmbeddedPostgres(folder / "estate")
    try:
        await play.open_estate(postgres)
        play.start_service(folder)
        await play.post_opening_balance()
        play.issue_order(folder)
        before = play.show_status(4, "The verdict")
        assert before.statement.verdict == "outstanding"
        play.vary_order(folder)
        await play.erase()
        after = play.tell_status()
        assert after.statement.verdict == "outstanding"
        await play.settle_elsewhere()
        stage.scene(7, "Somebody looks into the stores")
        play.take_inventories(COUNTER)
        assert play.tell_status().statement.verdict == "carried_out"
        await play.restore_and_claim()
        lied = play.tell_status()
        assert (lied.statement.verdict, lied.statement.word) == ("carried_out", "controller")
        await play.catch_the_lie()
        assert play.tell_status().statement.obligations[0].evidence == "E3"
        return show_proof(play, folder)
    finally:
        await asyncio.to_thread(stage.stop)
        await postgres.stop()


def show_proof(play: Play, folder: Path) -> Path:
    """Export the bundle, verify it offline, and let three forgeries be caught."""
    stage = play.stage
    offline = "no network" if without_network() else "network not cut off here: unshare is not allowed"
    stage.scene(10, f"The proof, checked by another program on a bare laptop ({offline})")
    bundle = play.export(ORDER, folder / "bundle.zip")
    stage.say(f"bundle {bundle.stat().st_size / 1e6:.1f} MB; the authority brings only its own public key:")
    play.verify(bundle, 0)
    stage.say("[bold]Three forgeries[/bold]")
    path = forgeries.flip_byte(bundle, folder / "flipped.zip")
    stage.say(f"one byte of {path} flipped:")
    play.verify(folder / "flipped.zip", 1)
    log_key = read_key(folder / "service" / "keys" / "logs" / log_name(ORIGIN) / "log.key")
    gone = forgeries.leave_out_erasure(bundle, folder / "left-out.zip", log_key)  # type: ignore[arg-type]
    stage.say(f"erasure {gone:,} left out, the rest chained and signed anew with the log's own key:")
    play.verify(folder / "left-out.zip", 1)
    play.issue_false_order(folder)
    false = play.export(f"{IMPOSTOR}/en-1", folder / "false-order.zip")
    stage.say("an order by a key that the operator registered as an authority:")
    play.verify(false, 1)
    return bundle
