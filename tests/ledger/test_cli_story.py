"""One story told by commands alone: from an order's issue to its evidence, checked in every way there is."""

import asyncio
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest

from ledger.config import Database
from projections.order import Order, encode_order
from projections.runners import live
from signing.encoding import encode_base64
from tests.ledger.command_line import STORE, Session, running_session, writ
from tests.projections import evidence
from tests.projections.deeds import handle
from tests.projections.evidence import AUTHORITY, CRAWLER, ORDER


def order(log_vkey: str, version: int = 1, deadline: str = "2099-01-01") -> Order:
    """An order to erase what is about residents of GB, which names no witnesses."""
    erase = {"deadline": {"at": deadline}, "id": "erase", "scope": {"residency": ["GB"]}, "type": "erase"}
    trust = {"log_vkey": log_vkey, "max_statement_age": "P7D"}
    return evidence.order(obligations=[erase], trust=trust, version=version)


def held(*numbers: int) -> dict[str, Any]:
    """An opening balance of people in GB."""
    return {
        "type": "writ.data.held.v1",
        "data": {
            "as_of": "2026-01-01T00:00:00Z", "categories": ["user.biometric"], "controller": "clearview",
            "minor": "unknown", "records": sorted(handle(number) for number in numbers), "residency": ["GB"],
            "residency_basis": "registration", "special_category": True, "store": "people",
        },
    }  # fmt: skip


def events(operator: str) -> str:
    """A store and what was in it, as lines for `writ post`."""
    people = STORE | {"operator_key": operator, "store": "people"}
    rows = [{"type": "writ.store.registered.v1", "data": people}, held(*range(7))]
    return "".join(json.dumps(row) + "\n" for row in rows)


async def tell(session: Session) -> str:
    """Until the order stands in the log; returns the file of the authority's key."""
    crawler = await session.register(CRAWLER, "controller")
    authority = await session.register(AUTHORITY, "authority")
    (session.folder / "events.ndjson").write_text(events(CRAWLER))
    assert (await session.value("post", "events.ndjson", key=crawler))["posted"] == 2
    await issue(session, authority, order(session.log_vkey))
    return authority


async def issue(session: Session, key: str, one: Order) -> None:
    """Not by `writ order issue`, which signs no order without witnesses."""
    (session.folder / "order.json").write_bytes(encode_order(one))
    data = {
        "controller": one.controllers[0],
        "effective_at": one.effective,
        "instrument_sha256": one.instrument_sha256,
        "order": msgspec.to_builtins(one),
    }
    line = json.dumps({"type": "writ.order.issued.v1", "data": data})
    await session.value("post", "-", key=key, stdin=line.encode())


async def plain(session: Session, *words: str) -> str:
    """What a command that needs no service's URL, or no JSON, prints; whatever its exit code."""
    done = await asyncio.to_thread(writ, *words, cwd=session.folder)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


async def live_states(database: Database) -> list[dict[str, Any]]:
    """The digests of the state that the service keeps beside the log, once it is caught up."""
    connection = await asyncpg.connect(database.service_dsn)
    await live.catch_up(connection, "clearview")
    fold, _ = await live.load(connection, "clearview")
    await connection.close()
    return [
        {"digest": encode_base64(one.digest), "name": one.name, "rows": one.rows, "version": one.version}
        for one in fold.digests()
    ]


async def test_from_the_order_to_its_evidence(database: Database, tmp_path: Path) -> None:
    async with running_session(database, tmp_path, public=True) as session:
        await tell(session)
        status = await session.ask("status", ORDER)
        assert status["statement"]["verdict"] == "outstanding"
        assert status["statement"]["obligations"][0]["counts"]["live"] == 7
        url, log = ("--url", session.service.url), ("--log", session.log_vkey)
        said = await plain(session, "status", ORDER, *url, *log)
        assert " ".join(said.split()).startswith(f"{ORDER}, version 1, in force {status['headline']} as of ")
        assert max(map(len, said.splitlines())) <= 100
        assert "nobody has looked into it" in said
        late = await session.ask("status", ORDER, "--as-of", "2099-02-01")
        assert late["statement"]["verdict"] == "breached"
        # The bundle, and every way to read it.
        exported = await session.ask("export", ORDER, "-o", "b.zip")
        assert exported == {
            "file": "b.zip", "bytes": (tmp_path / "b.zip").stat().st_size, "order": ORDER, "compact": False,
        }  # fmt: skip
        with zipfile.ZipFile(tmp_path / "b.zip") as archive:
            archive.extractall(tmp_path / "tree")
        sources = ("b.zip", "tree", f"{session.service.url}/logs/clearview")
        replays = [json.loads(await plain(session, "replay", source, "--json")) for source in sources]
        for replayed in replays:
            assert replayed["states"] == await live_states(database)
            assert (replayed["sound"], replayed["log_vkey"]) == (True, session.log_vkey)
            assert replayed["orders"][0]["verdict"] == "outstanding"
            assert {**replayed, "seconds": 0} == {**replays[0], "seconds": 0}
    await verify_everywhere(session)


async def verify_everywhere(session: Session) -> None:
    """The service is gone; the bundle is all there is. No witness: nothing better than 4."""
    vkey = json.loads((session.folder / "order.json").read_text())["trust"]["log_vkey"]
    authority = session.vkeys[AUTHORITY]
    for more, code in (
        (["--authority", authority], 4),
        ([], 4),
        (["--authority", vkey], 1),
        (["--authority", authority, "--now", "2099-01-01T00:00:00Z"], 1),
        (["--authority", "nonsense"], 2),
    ):
        words = ("verify", "b.zip", *more, "--json")
        done: subprocess.CompletedProcess[str] = await asyncio.to_thread(writ, *words, cwd=session.folder)
        assert done.returncode == code, (more, done.stdout, done.stderr)
        if code != 2:
            assert json.loads(done.stdout)["exit_code"] == code


async def test_the_last_version_of_an_order_is_the_one_judged(database: Database, tmp_path: Path) -> None:
    async with running_session(database, tmp_path, public=True) as session:
        authority = await tell(session)
        await issue(session, authority, order(session.log_vkey, version=2, deadline="2026-02-01"))
        status = await session.ask("status", ORDER)
        assert (status["statement"]["order"]["version"], status["statement"]["verdict"]) == (2, "breached")
        await session.ask("export", ORDER, "-o", "b.zip")
        with zipfile.ZipFile(tmp_path / "b.zip") as archive:
            stated = json.loads(archive.read("statement").split(b"\n")[1])
        assert stated["order"] == status["statement"]["order"]
        listed = json.loads((await get(session, "orders"))[1])
        assert [(one["id"], one["version"], one["issued_by"]) for one in listed] == [
            (ORDER, 1, AUTHORITY), (ORDER, 2, AUTHORITY),
        ]  # fmt: skip


async def test_a_log_that_is_not_public_is_read_with_a_token(database: Database, tmp_path: Path) -> None:
    async with running_session(database, tmp_path) as session:
        await tell(session)
        admin = session.service.admin_key_path
        token = (await session.value("token", "create", "r.example", "--role", "reader", key=admin))["secret"]
        log = ("--log", session.log_vkey)
        for words in (("status", ORDER, *log), ("export", ORDER, "-o", "b.zip", *log)):
            code, _, err = await session.writ(*words)
            assert (code, json.loads(err)["kind"]) == (1, "RefusedByService")
            await session.value(*words, "--token", token)
        url = f"{session.service.url}/logs/clearview"
        done = await asyncio.to_thread(writ, "replay", url, "--json")
        assert (done.returncode, "answers 401" in json.loads(done.stderr)["error"]) == (2, True)
        done = await asyncio.to_thread(writ, "replay", url, "--token", token, "--json")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["status", "export"])
async def test_an_order_that_is_not_there_is_said(command: str, database: Database, tmp_path: Path) -> None:
    async with running_session(database, tmp_path, public=True) as session:
        more = ["-o", "b.zip"] if command == "export" else []
        code, _, err = await session.writ(command, ORDER, *more, "--log", session.log_vkey)
        assert (code, f"has no order {ORDER}" in json.loads(err)["error"]) == (1, True)
        assert not list(tmp_path.glob("b.zip*"))


async def get(session: Session, path: str) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{session.service.url}/logs/clearview/{path}") as got,
    ):
        return got.status, await got.read()
