"""Time-stamping: a real service and Postgres, and an authority of OpenSSL's behind HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ledger import timestamping
from ledger.anchoring import Anchor
from ledger.app import running_service
from ledger.config import Config, Database
from ledger.intake import Stored
from ledger.openlog import Log
from ledger.problems import Refused
from ledger.service import Service
from projections.events import CheckpointAnchored, CheckpointTimestamped, decode_event
from signing.encoding import decode_base64, encode_base64
from signing.entry import parse_entry
from signing.note import format_note, parse_note
from signing.timestamp import MAX_RESPONSE_BYTES, read_timestamp
from tests.signing.authority import Authority

Answer = Callable[[bytes], Awaitable[bytes]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries, and the time for one, are shorter here: nothing else about them is."""
    monkeypatch.setattr(timestamping, "PAUSES_S", (0.01, 0.01))
    monkeypatch.setattr(timestamping, "TIMEOUT_S", 2.0)


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers requests for time-stamps; its URL, and what it was asked."""
    asked: list[bytes] = []

    async def handle(request: web.Request) -> web.Response:
        assert request.content_type == "application/timestamp-query"
        asked.append(await request.read())
        return web.Response(body=await answer(asked[-1]), content_type="application/timestamp-reply")

    app = web.Application()
    app.router.add_post("/tsr", handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/tsr")), asked


def honest(authority: Authority) -> Answer:
    async def answer(request: bytes) -> bytes:
        return authority.answer(request)

    return answer


@asynccontextmanager
async def stamped_service(folder: Path, database: Database, *urls: str) -> AsyncIterator[tuple[Service, Log]]:
    config = Config(
        data=folder / "data", database=database, policy=None, host="127.0.0.1", port=0, timestamp_urls=urls
    )
    async with running_service(config) as service:
        yield service, await service.create_log("ledger.example/clearview", "clearview", public_reading=True)


async def anchor(service: Service, log: Log) -> Anchor | Refused:
    assert service.anchors is not None
    return await service.anchors.anchor(log)


async def stamps(log: Log, size: int) -> list[tuple[int, CheckpointTimestamped]]:
    found = []
    for index in range(size):
        raw = await log.reader.entry(index)
        assert raw is not None
        entry = parse_entry(raw)
        if entry.kind == "event" and isinstance(data := decode_event(entry.body).data, CheckpointTimestamped):
            found.append((index, data))
    return found


async def grow(service: Service, log: Log) -> None:
    """Post something: the operator's own copy of the newest checkpoint, which nobody cosigned."""
    assert log.released is not None
    data = CheckpointAnchored(controller="clearview", note=encode_base64(format_note(log.released.note)))
    assert isinstance(await log.post_own(data, "more"), Stored)


def troubles(service: Service, url: str) -> float:
    value = service.metrics.registry.get_sample_value(
        "writ_timestamp_troubles_total", {"log": "clearview", "authority": url}
    )
    return value or 0.0


async def test_what_an_authority_answers_stands_in_the_log(
    tmp_path: Path, database: Database, authority: Authority
) -> None:
    async with (
        answering(honest(authority)) as (url, asked),
        stamped_service(tmp_path, database, url) as (service, log),
    ):
        outcome = await anchor(service, log)
        assert isinstance(outcome, Anchor), outcome
        assert (outcome.timestamps, outcome.quorum_time_s) == (1, None)
        ((index, data),) = await stamps(log, outcome.after)
        assert index == outcome.index
        note = parse_note(decode_base64(data.note))
        assert int(note.text.split("\n")[1]) == outcome.size
        assert read_timestamp(decode_base64(data.response), note.text.encode(), [authority.root_der])
        assert await anchor(service, log) == outcome, "nothing came since: it covers all"
        assert len(asked) == 1


async def test_every_authority_is_asked(tmp_path: Path, database: Database, authority: Authority) -> None:
    other = Authority(tmp_path / "other", name="other.example")
    async with (
        answering(honest(authority)) as (one, _),
        answering(honest(other)) as (two, _),
        stamped_service(tmp_path, database, one, two) as (service, log),
    ):
        outcome = await anchor(service, log)
        assert isinstance(outcome, Anchor), outcome
        assert outcome.timestamps == 2
        assert len(await stamps(log, outcome.after)) == 2
        assert await anchor(service, log) == outcome


async def test_one_that_fails_for_a_moment_is_asked_again(
    tmp_path: Path, database: Database, authority: Authority
) -> None:
    failures = iter([True, True, False])

    async def answer(request: bytes) -> bytes:
        if next(failures):
            raise web.HTTPServiceUnavailable
        return authority.answer(request)

    async with answering(answer) as (url, asked), stamped_service(tmp_path, database, url) as (service, log):
        outcome = await anchor(service, log)
        assert isinstance(outcome, Anchor), outcome
        assert (len(asked), troubles(service, url)) == (3, 2)


async def silent(_: bytes) -> bytes:
    await asyncio.sleep(60)
    return b""


async def endless(_: bytes) -> bytes:
    return b"\x30" * (MAX_RESPONSE_BYTES + 1)


async def garbage(_: bytes) -> bytes:
    return b"no answer"


async def moved(_: bytes) -> bytes:
    raise web.HTTPFound("http://127.0.0.1:1/")


@pytest.mark.parametrize("answer", [silent, endless, garbage, moved])
async def test_no_answer_is_counted_and_stands_in_nobodys_way(
    tmp_path: Path,
    database: Database,
    authority: Authority,
    answer: Answer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timestamping, "TIMEOUT_S", 0.3)
    async with (
        answering(answer) as (bad, _),
        answering(honest(authority)) as (good, _),
        stamped_service(tmp_path, database, bad, good) as (service, log),
    ):
        outcome = await asyncio.wait_for(anchor(service, log), 10)
        assert isinstance(outcome, Anchor), outcome
        assert (outcome.timestamps, troubles(service, bad), troubles(service, good)) == (1, 3, 0)


async def test_the_answer_to_another_request_is_refused(
    tmp_path: Path, database: Database, authority: Authority
) -> None:
    """Stored earlier, and played back: its nonce is not ours."""
    kept: list[bytes] = []

    async def answer(request: bytes) -> bytes:
        kept.append(authority.answer(request))
        return kept[0]

    async with answering(answer) as (url, _), stamped_service(tmp_path, database, url) as (service, log):
        assert isinstance(await anchor(service, log), Anchor)
        await grow(service, log)
        outcome = await anchor(service, log)
        assert isinstance(outcome, Refused)
        assert outcome.detail == "no time-stamp authority answered"
        assert troubles(service, url) == 3


async def test_where_nobody_answers_the_anchor_is_refused_and_the_log_goes_on(
    tmp_path: Path, database: Database
) -> None:
    async with stamped_service(tmp_path, database, "http://127.0.0.1:1/") as (service, log):
        outcome = await anchor(service, log)
        assert isinstance(outcome, Refused)
        assert outcome.problem == "unavailable"
        assert troubles(service, "http://127.0.0.1:1/") == 3
