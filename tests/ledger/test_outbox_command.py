"""`writ outbox` against a real service and a real store."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger.config import Database
from ledger.kit import outbox_table
from ledger.kit.deeds import Grounds
from ledger.kit.intents import write_intent
from tests.ledger.command_line import Session, running_session, writ
from tests.ledger.lab import collected
from tests.ledger.outbox_at_hand import outbox_in

NAME = "crawler.clearview.example"
SOURCE = f"{NAME}/outbox"


@pytest.fixture
async def session(database: Database, tmp_path: Path) -> AsyncIterator[Session]:
    async with running_session(database, tmp_path) as session:
        yield session


def events(first: int, count: int) -> bytes:
    return b"".join(collected(SOURCE, number) + b"\n" for number in range(first, first + count))


async def status(session: Session) -> tuple[int, Any]:
    code, out, err = await session.writ("outbox", "box")
    assert out, err
    return code, json.loads(out)


async def ids_in_log(session: Session) -> list[str]:
    return [event["id"] for event in await session.events() if event["source"] == SOURCE]


async def test_events_are_put_sent_and_seen_in_the_status(session: Session) -> None:
    key = await session.register(NAME, "controller")
    code, _, err = await session.writ("outbox", "box")
    assert (code, "there is no outbox in box" in err) == (1, True)
    made = await session.value("outbox", "box", "send", "--once", key=key)
    assert (made["sent"], made["source"]) == (0, SOURCE)

    assert (await session.value("outbox", "box", "put", "-", stdin=events(1, 3)))["put"] == 3
    assert (await session.value("outbox", "box", "put", "-", stdin=events(1, 4)))["put"] == 1
    code, shown = await status(session)
    assert (code, shown["waiting"], shown["in_log"], shown["troubles"]) == (0, 4, 0, [])
    assert not shown["is_sending"]

    sent = await session.value("outbox", "box", "send", "--once", "--key", key, "--most-waiting", "7")
    assert sent["most_waiting"] == 7
    assert (sent["sent"], sent["waiting"], sent["in_log"]) == (4, 0, 4)
    assert await ids_in_log(session) == [f"event-{number:08}" for number in range(1, 5)]


async def test_an_outbox_of_another_source_is_not_taken_for_this_one(session: Session) -> None:
    key = await session.register(NAME, "controller")
    await session.value("outbox", "box", "send", "--once", key=key)
    other = ("--source", f"{NAME}/other")
    for words in (("--key", key, *other), ("--key", key, "--log", session.log_vkey, *other)):
        code, _, err = await session.writ("outbox", "box", "send", "--once", *words)
        assert (code, f"is the outbox of {SOURCE}" in err) == (1, True), err
    nowhere = ("--from", "postgresql://127.0.0.1:9/none")
    code, out, _ = await session.writ("outbox", "box", "send", "--once", "--key", key, *nowhere)
    assert code == 1
    assert [trouble["kind"] for trouble in json.loads(out)["troubles"]] == ["from 127.0.0.1/none"]
    # Who sends next finds out for himself.
    await session.value("outbox", "box", "send", "--once", "--key", key)


async def test_what_is_refused_is_named_and_can_be_left_out(session: Session) -> None:
    key = await session.register(NAME, "authority")
    await session.value("outbox", "box", "send", "--once", key=key)
    await session.value("outbox", "box", "put", "-", stdin=events(1, 2))
    code, _, err = await session.writ("outbox", "box", "send", "--once", "--key", key)
    assert code == 1
    assert "event event-00000001: " in json.loads(err)["error"]
    assert "set-aside event-00000001" in json.loads(err)["remedy"]
    await session.value("outbox", "box", "set-aside", "event-00000001")
    _, shown = await status(session)
    assert (shown["waiting"], shown["aside"]) == (1, ["event-00000001"])


async def test_a_sender_takes_what_waits_in_a_store_and_sends_until_it_is_stopped(
    session: Session, empty_database: Database
) -> None:
    key = await session.register(NAME, "controller")
    store = await asyncpg.connect(empty_database.owner_dsn)
    await store.execute(outbox_table.DDL)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ledger.cli", "outbox", "box", "send", "--url", session.service.url,
        "--log", session.log_vkey, "--key", key, "--from", empty_database.owner_dsn,
        stdin=subprocess.DEVNULL, cwd=session.folder,
        # A shell's background has children that heed no Ctrl-C, and these tests may run in one.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        for number in range(3):
            async with store.transaction():
                await outbox_table.put(store, collected(SOURCE, number))
        async with asyncio.timeout(30):
            while await ids_in_log(session) != [f"event-{number:08}" for number in range(3)]:
                await asyncio.sleep(0.05)
        # While the store is away, that is said, and what is put otherwise goes out all the same.
        await store.execute("ALTER TABLE writ_outbox RENAME TO elsewhere")
        await session.value("outbox", "box", "put", "-", stdin=events(7, 1))
        async with asyncio.timeout(60):
            while (seen := await status(session))[1]["in_log"] != 4 or not seen[1]["troubles"]:
                await asyncio.sleep(0.05)
        assert (seen[0], seen[1]["is_sending"]) == (1, True)
        assert "can't be read" in seen[1]["troubles"][0]["what"]
        second = await session.writ("outbox", "box", "send", "--once", "--key", key)
        assert "another process is posting" in second[2]
    finally:
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
        await store.close()


def test_a_status_tells_what_waits_and_what_was_broken_off(tmp_path: Path) -> None:
    with outbox_in(tmp_path / "box", most_waiting=1) as outbox:
        outbox.put([collected(outbox.source, 1)])
        write_intent(outbox, "people", Grounds(cause="order", method="clear"), {"7": ("x",), "8": ("y",)})
    done = writ("outbox", "box", cwd=tmp_path)
    assert done.returncode == 1
    assert "0 events in the log, 1 wait" in done.stdout
    assert "full: 1 may wait" in done.stdout
    assert "nobody is sending now" in done.stdout
    assert "erasing 2 records from people" in done.stdout


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("send",), "needs --key"),
        (("status", "--once"), "has no use for --once"),
        (("put", "-", "--from", "postgresql:///x"), "has no use for --from"),
        (("send", "x", "--key", "k"), "has no use for FILE|ID"),
        (("put",), "needs FILE|ID"),
        (("set-aside",), "needs FILE|ID"),
        (("sned",), "invalid choice"),
    ],
)
def test_a_line_that_says_too_little_is_told(tmp_path: Path, words: tuple[str, ...], what: str) -> None:
    done = writ("outbox", "box", *words, cwd=tmp_path)
    assert (done.returncode, what in done.stderr) == (2, True), done.stderr
