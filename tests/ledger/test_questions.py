"""Standing questions over HTTP and at the command line: the same answers and digests as offline."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from msgspec import UNSET

from ledger.cli import main
from ledger.config import Database
from ledger.projector import Projector
from projections import events as ev
from projections.runners import live
from projections.standing import QUESTIONS, ask, view_of
from signing.keys import format_vkey
from tests.ledger.lab import CONTROLLER, Lab, running_lab
from tests.ledger.test_export import CRAWLER, line
from tests.ledger.test_orders import READER, get
from tests.projections.asked import Inquiry
from tests.projections.deeds import collected, deleted, handle, store
from tests.projections.story import START_S
from tests.projections.test_live import LOG, write
from tests.projections.test_questions import eventful

PAST_END_S = START_S + 1_000 * 86_400


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.service_dsn)
    yield connection
    await connection.close()


@pytest.mark.parametrize("batch", [3, 2_000])
async def test_the_live_runner_reaches_the_digests_of_a_fold_in_memory(
    conn: asyncpg.Connection, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BATCH_ENTRIES", batch)
    story = eventful()
    await write(conn, story.log)
    await live.catch_up(conn, LOG)
    fold, size = await live.load(conn, LOG)
    assert size == story.log.size
    for name in QUESTIONS:
        answer = ask(view_of(fold, as_of=PAST_END_S, size=size), name)
        assert answer.digest() == story.ask(name).digest(), name


async def test_the_projector_answers_as_of_a_moment_over_what_was_recorded_by_then(
    database: Database, conn: asyncpg.Connection
) -> None:
    story = Inquiry()
    story.gather(1)
    story.wait(10)
    story.gather(2)
    await write(conn, story.log)
    projector = Projector(database.service_dsn, "")
    try:
        for days, count in ((-1, 0), (5, 1), (20, 2)):
            as_of = START_S + days * 86_400
            page = await projector.question(LOG, "collection", as_of, 0, 10)
            assert msgspec.structs.replace(page, members=(), digest=UNSET, digest_lines=UNSET) in (
                await projector.questions(LOG, as_of)
            )
            assert page.member_count == len(page.members) == count
    finally:
        await asyncio.to_thread(projector.close)


async def tell(lab: Lab) -> None:
    """Two collections that no declared basis stands behind; one is gone."""
    crawler = await lab.register(CRAWLER)
    gone = msgspec.structs.replace(deleted(3), cause="request")
    enquiry = ev.EnquiryReceived(
        controller=CONTROLLER, due_at="2026-01-31T00:00:00Z", request="r-1", right="15"
    )
    events = [store(), collected(1, 2), collected(3), gone, enquiry]
    await lab.post(crawler, [line(crawler, one, at) for at, one in enumerate(events)])


async def page(lab: Lab, path: str) -> Any:
    status, body = await get(lab, path)
    assert status == 200, body
    return json.loads(body)


async def test_questions_are_answered_over_http_as_replay_answers_them(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_lab(database, tmp_path) as lab:
        await tell(lab)
        pages = await page(lab, "questions")
        assert [one["name"] for one in pages] == list(QUESTIONS)
        assert all(one["law"] and one["not_proved"] and "digest" not in one for one in pages)
        code = await asyncio.to_thread(
            main, ["replay", lab.url, "--questions", "--as-of", "2999-01-01", "--json"]
        )
        assert code == 0
        offline = json.loads(capsys.readouterr().out.splitlines()[-1])["questions"]
        for one in offline:
            assert await page(lab, f"questions/{one['name']}?as_of=2999-01-01&limit=0") == one
        (group,) = (one["rows"] for one in pages if one["name"] == "special-category")
        assert group == [{"group": ["special", "not_declared", "scrape"], "counts": [2]}]


async def test_members_come_a_page_at_a_time(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        await tell(lab)
        everyone = (await page(lab, "questions/collection"))["members"]
        assert sorted(one["id"] for one in everyone) == sorted(map(handle, (1, 2, 3)))
        for at, one in enumerate(everyone):
            said = await page(lab, f"questions/collection?skip={at}&limit=1")
            assert (said["members"], said["member_count"]) == ([one], 3)
        entry = await lab.log.reader.entry(everyone[0]["entries"][0])
        assert entry is not None
        assert everyone[0]["id"].encode() in entry


BAD = {
    "questions/none": (404, "not-found"),
    "questions/": (404, "not-found"),
    "questions/collection?limit=10001": (400, "malformed"),
    "questions/collection?limit=-1": (400, "malformed"),
    "questions/collection?skip=x": (400, "malformed"),
    "questions/collection?as_of=yesterday": (400, "malformed"),
    "questions?as_of=yesterday": (400, "malformed"),
    "../none/questions": (404, "unknown-log"),
    "../none/questions/collection": (404, "unknown-log"),
}


async def test_what_cannot_be_asked_is_said(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        for path, (code, name) in BAD.items():
            status, body = await get(lab, path)
            assert (status, json.loads(body)["type"]) == (code, f"urn:writ:problem:{name}"), path


async def test_questions_need_a_reader_unless_reading_is_public(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path, public_reading=False) as lab:
        await tell(lab)
        await lab.register_token("auditor2.example", READER, role="reader")
        for path in ("questions", "questions/collection"):
            assert [(await get(lab, path, secret))[0] for secret in (None, READER)] == [401, 200], path


async def test_questions_at_the_command_line(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_lab(database, tmp_path) as lab:
        await tell(lab)
        where = ["--url", lab.service.url, "--log", format_vkey(lab.log.keys.log.verifier)]

        async def writ(*words: str) -> tuple[int, str]:
            code = await asyncio.to_thread(main, ["questions", *words, *where])
            return code, capsys.readouterr().out

        code, said = await writ()
        assert code == 0
        assert "not_declared  scrape" in said
        assert "It does not prove that anybody consented" in said
        code, said = await writ("collection", "--list")
        assert f"    {handle(1)}  not_declared, user.biometric, unknown, unknown: entries " in said
        code, said = await writ("enquiries", "--as-of", "2999-01-01", "--json")
        (row,) = json.loads(said.splitlines()[-1])["rows"]
        assert row == {"group": ["15", "nothing"], "counts": [1, 0, 0, 0, 1, 0, 0]}
        assert (await writ("--list"))[0] == 2
        assert (await writ("none"))[0] == 2
