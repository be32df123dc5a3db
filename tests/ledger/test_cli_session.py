"""The command line against a real service: from the log to the order, and killed in between."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.config import Database
from ledger.source_state import SourceFolder, folder_path
from projections.examples import example_order
from projections.order import encode_order
from signing.tlog_proof import parse_proof
from tests.ledger.command_line import ORIGIN, STORE, Session, running_session, writ


@pytest.fixture
async def session(database: Database, tmp_path: Path) -> AsyncIterator[Session]:
    async with running_session(database, tmp_path) as session:
        yield session


def stores(*names: str) -> bytes:
    rows = [{"type": "writ.store.registered.v1", "data": STORE | {"store": name}} for name in names]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


async def test_from_log_to_order(session: Session) -> None:
    admin = session.service.admin_key_path
    again = await session.value("log", "create", ORIGIN, "--controller", "clearview", "--key", admin)
    assert again["vkey"] == session.log_vkey
    key = await session.register("crawler.clearview.example", "controller")
    (session.folder / "stores.ndjson").write_bytes(stores("people", "statistics"))
    posted = await session.value("post", "stores.ndjson", key=key)
    assert (posted["events"], posted["posted_before"], len(posted["receipts"])) == (2, 0, 1)
    proof = parse_proof((Path(posted["receipts_folder"]) / "2.tlog-proof").read_bytes())
    assert proof.index == posted["receipts"][0]["index"]
    # The same file is in already.
    posted = await session.value("post", "stores.ndjson", key=key)
    assert (posted["posted_before"], posted["posted"]) == (2, 0)
    # From standard input.
    assert (await session.value("post", "-", key=key, stdin=stores("backups")))["posted"] == 1
    token = await session.value("token", "create", "app.clearview.example", "--role", "processor", key=admin)
    assert len(token["secret"]) == 64
    registered = [event for event in await session.events() if event["type"] == "writ.token.registered.v1"]
    assert registered[0]["data"]["secret_sha256"] == sha256(token["secret"].encode()).hexdigest()
    shown = await session.value("log", "show", session.log_vkey)
    assert (shown["signature_verified"], shown["wrong"]) == (True, "")
    assert shown["size"] == len(await session.events()) + 5


async def test_an_order_is_issued_whole_and_by_its_authority_only(session: Session) -> None:
    key = await session.register("ico.example", "authority")
    order = json.loads(encode_order(example_order()))
    order["trust"]["log_vkey"] = session.log_vkey
    (session.folder / "order.json").write_text(json.dumps(order, indent=2))
    issued = await session.value("order", "issue", "order.json", "--yes", key=key)
    assert [one["rule"] for one in issued["concerns"]] == ["trust.one_witness"]
    event = (await session.events())[-1]
    assert (event["type"], event["data"]["order"]) == ("writ.order.issued.v1", order)
    assert (
        issued["order_sha256"]
        == sha256(json.dumps(order, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    )
    other = await session.register("cnil.example", "authority")
    code, _, err = await session.writ("order", "issue", "order.json", key=other)
    assert (code, "does not begin with its authority's key name" in err) == (1, True)


async def test_a_refusal_names_the_line_of_the_file(session: Session) -> None:
    key = await session.register("crawler.clearview.example", "controller")
    collected = {"type": "writ.store.retired.v1", "data": {"controller": "clearview", "store": "nowhere"}}
    raw = stores("people") + json.dumps(collected).encode() + b"\n"
    (session.folder / "bad.ndjson").write_bytes(raw)
    code, _, err = await session.writ("post", "bad.ndjson", key=key)
    assert code == 1
    assert json.loads(err)["remedy"] == "correct line 2 of bad.ndjson"
    (session.folder / "good.ndjson").write_bytes(stores("people"))
    assert (await session.value("post", "good.ndjson", key=key))["posted"] == 1


async def test_a_key_that_is_not_registered_or_revoked_may_not_post(session: Session) -> None:
    made = json.loads(writ("keygen", "stranger.example", "--json", cwd=session.folder).stdout)
    code, _, err = await session.writ("post", "-", key=made["file"], stdin=stores("people"))
    assert (code, json.loads(err)["kind"]) == (1, "RefusedByService")
    assert "writ key register" in err
    key = await session.register("crawler.clearview.example", "controller")
    vkey = json.loads(json.dumps((await session.events())[-1]))["data"]["vkey"]
    admin = session.service.admin_key_path
    await session.value("key", "revoke", vkey, "--role", "controller", "--reason", "lost", key=admin)
    code, _, err = await session.writ("post", "-", key=key, stdin=stores("people"))
    assert (code, "revoked" in err) == (1, True)


def written_at(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.soak)])
async def test_killed_at_any_moment_a_file_is_posted_once(session: Session, kills: int) -> None:
    key = await session.register("crawler.clearview.example", "controller")
    chance = random.Random(3)
    names = [f"store-{number}" for number in range(5000 if kills < 10 else 30_000)]
    (session.folder / "many.ndjson").write_bytes(stores(*names))
    words = (
        "post",
        "many.ndjson",
        "--url",
        session.service.url,
        "--log",
        session.log_vkey,
        "--key",
        key,
        "--json",
    )
    pending = folder_path(Path(f"{key}.state"), session.log_vkey, "crawler.clearview.example") / "pending"
    sizes = []
    for _ in range(kills):
        left = written_at(pending)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ledger.cli", *words, cwd=session.folder, stdout=subprocess.DEVNULL
        )
        # A kill before the first submission is written down, or after the last, would show nothing.
        while process.returncode is None and written_at(pending) in (None, left):
            await asyncio.sleep(0.001)
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        if process.returncode is None:
            process.kill()
        assert await process.wait() in (0, -signal.SIGKILL)
        with SourceFolder.open(Path(f"{key}.state"), session.log_vkey, "crawler.clearview.example") as folder:
            sizes.append(folder.state.size)
    assert len(set(sizes)) > 1, "the kills came in the middle"
    done = await session.value("post", "many.ndjson", key=key)
    assert done["events"] == len(names)
    posted = [e["data"]["store"] for e in await session.events() if e["type"] == "writ.store.registered.v1"]
    assert posted == names
