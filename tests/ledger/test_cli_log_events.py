"""`writ log events`: what is about one record, page after page, and how far the answer goes."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from ledger.cli_log_events import row
from ledger.config import Database
from ledger.failure import Failure
from ledger.remote import Answer
from tests.ledger.command_line import STORE, Session, running_session, writ
from tests.projections.deeds import handle

CRAWLER = "crawler.clearview.example"
USED = 45  # more than two pages


def held(*numbers: int) -> dict[str, Any]:
    data = {
        "as_of": "2026-01-01T00:00:00Z", "categories": ["user.biometric"], "controller": "clearview",
        "minor": "unknown", "records": sorted(handle(number) for number in numbers),
        "special_category": True, "store": "people",
    }  # fmt: skip
    return {"type": "writ.data.held.v1", "data": data}


def accessed(number: int) -> dict[str, Any]:
    data = {
        "actor": "customer-17", "actor_country": "US", "controller": "clearview", "purpose": "face_search",
        "records": [handle(number)],
    }  # fmt: skip
    return {"type": "writ.data.accessed.v1", "data": data}


@pytest_asyncio.fixture
async def session(database: Database, tmp_path: Path) -> AsyncIterator[Session]:
    async with running_session(database, tmp_path, public=True) as session:
        yield session


async def post(session: Session, key: str, *rows: dict[str, Any]) -> None:
    raw = "".join(json.dumps(one) + "\n" for one in rows).encode()
    await session.value("post", "-", key=key, stdin=raw)


async def listed(session: Session, *words: str) -> list[dict[str, Any]]:
    code, out, err = await session.writ("log", "events", *words, "--log", session.log_vkey)
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


async def said(session: Session, *words: str) -> list[str]:
    where = ("--url", session.service.url, "--log", session.log_vkey)
    done = await asyncio.to_thread(writ, "log", "events", *words, *where)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


async def test_all_about_one_record_is_listed(session: Session, database: Database) -> None:
    key = await session.register(CRAWLER, "controller")
    store = {"type": "writ.store.registered.v1", "data": STORE | {"store": "people"}}
    await post(session, key, store, held(*range(5)), *(accessed(n % 2) for n in range(2 * USED)))
    await session.ask("questions")  # asked for anything judged, the service first folds all
    size = (await session.value("log", "show", session.log_vkey))["size"]
    *found, last = await listed(session, "--record", handle(1))
    assert last == {"folded_size": size}
    kinds = [one["event"]["type"] for one in found]
    assert kinds == ["writ.data.held.v1"] + USED * ["writ.data.accessed.v1"]
    places = [one["index"] for one in found]
    assert places == sorted(set(places))
    # Only of one type, under its short name too, and from some entry on.
    assert await listed(session, "--record", handle(1), "--type", "data.held") == [found[0], last]
    used = await listed(
        session, "--record", handle(1), "--type", "writ.data.accessed.v1", "--after", str(places[1])
    )
    assert used == [*found[2:], last]
    assert await listed(session, "--record", handle(77)) == [last]
    # The log itself: every event of it, and no word on how far it goes.
    assert [one["event"]["type"] for one in await listed(session, "--type", "store.registered")] == [
        "writ.store.registered.v1"
    ]
    assert [one["event"] for one in await listed(session)] == await session.events()
    head, *rows, end = await said(session, "--record", handle(1))
    assert head.split() == ["entry", "recorded", "(UTC)", "type", "source", "log:", "what", "it", "says"]
    assert len(rows) == 1 + USED
    assert f"data.held             {CRAWLER}: as_of=2026-01-01T00:00:00Z categories=user.biometric" in rows[0]
    assert "records=(5)" in rows[0]
    assert end == f"complete: all {size:,} entries of the log were looked at"
    await behind(session, database, key, size)


async def behind(session: Session, database: Database, key: str, size: int) -> None:
    """Whoever holds the cursor keeps the projection where it is, while the log goes on."""
    owner = await asyncpg.connect(database.owner_dsn)
    async with owner.transaction():
        await owner.execute("SELECT 1 FROM projection_cursors FOR UPDATE")
        await post(session, key, accessed(1))
        end = (await said(session, "--record", handle(1)))[-1]
        assert end.startswith(f"complete for the first {size:,} of {size + 2:,} entries only")
        assert end.endswith(f"--after {size - 1}")
    await owner.close()


async def test_what_can_not_be_listed_is_said(session: Session) -> None:
    for words, code, error, remedy in (
        (["--record", "xyz"], 1, "record is a handle: 32 hex digits", ""),
        (["--type", "data.sold"], 1, "data.sold is no type of event", "`writ events` lists them"),
        (["--after", "-1"], 2, "'-1' is no entry's number", "see writ log events --help"),
        (["--after", "x"], 2, "'x' is no entry's number", "see writ log events --help"),
    ):
        found, _, err = await session.writ("log", "events", *words, "--log", session.log_vkey)
        failure = json.loads(err)
        assert (found, error in failure["error"], failure["remedy"]) == (code, True, remedy), words


def test_a_row_is_broken_to_the_terminals_width() -> None:
    data = {
        "controller": "c",
        "irrecoverable": True,
        "records": ["0" * 32] * 4,
        "stores": [],
        "evidence": [{}],
    }
    event = {"type": "writ.data.deleted.v1", "source": CRAWLER, "data": data}
    lines = row({"event": event, "index": 12345, "time_us": 1_767_225_600_123_456}, 80).splitlines()
    assert lines[0].startswith(
        "   12,345  2026-01-01 00:00:00  data.deleted          crawler.clearview.example:"
    )
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()).endswith(
        "irrecoverable=yes records=(4) stores=none evidence=(1)"
    )
    assert all(line.startswith(" " * 32) for line in lines[1:])


@pytest.mark.parametrize(
    "url", ["http://x/?after=7", "http://x/?after=3", "http://x/?after=-9", "http://x/", "x"]
)
def test_a_service_that_turns_in_circles_is_not_followed(url: str) -> None:
    assert Answer(200, b"").next_after(7) is None
    assert Answer(200, b"", "http://elsewhere.example/x?after=8").next_after(7) == 8
    with pytest.raises(Failure, match="is said to go on after"):
        Answer(200, b"", url).next_after(7)
