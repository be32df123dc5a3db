"""Orders over HTTP: who reads them, how they are named, and as of when; and the events about one record."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from yarl import URL

from ledger import client
from ledger.config import Database
from ledger.remote import RefusedByService, RemoteLog
from projections import events as ev
from signing.tlog_proof import parse_proof
from tests.ledger.lab import Lab, running_lab
from tests.ledger.test_export import ORDER, Case, begin, line, running_case
from tests.projections.deeds import handle

READER, PROCESSOR = "9" * 64, "8" * 64
ENCODED = ORDER.replace("/", "%2F")


@pytest_asyncio.fixture
async def case(database: Database, tmp_path: Path) -> AsyncIterator[Case]:
    async with running_case(database, tmp_path) as running:
        yield running


async def get(lab: Lab, path: str, secret: str | None = None) -> tuple[int, bytes]:
    # The path is encoded already, and is to arrive as it is.
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    url = lab.url + "/" + path if not path.startswith("../") else lab.url.rpartition("/")[0] + path[2:]
    async with lab.session.get(URL(url, encoded=True), headers=headers) as response:
        return response.status, await response.read()


async def status_as_of(case: Case, as_of: str) -> dict[str, Any]:
    status, body = await get(case.lab, f"orders/{ENCODED}?as_of={as_of}")
    assert status == 200, body
    value: dict[str, Any] = json.loads(body)["statement"]
    return value


async def test_orders_are_listed_and_judged(database: Database, tmp_path: Path) -> None:
    async with running_case(database, tmp_path) as case:
        status, body = await get(case.lab, "orders")
        (listed,) = json.loads(body)
        assert (status, listed["id"], listed["version"], listed["issued_by"]) == (
            200,
            ORDER,
            1,
            "ico.example",
        )
        entry = await case.lab.log.reader.entry(listed["entry"])
        assert entry is not None
        assert b"writ.order.issued.v1" in entry
        statement = await status_as_of(case, "2026-02-28T23:59:59Z")
        assert (statement["verdict"], statement["provisional"]) == ("outstanding", True)
        assert statement["order"]["id"] == ORDER
        # A date is its first second: the deadline, 1 March, ends with its last.
        assert (await status_as_of(case, "2026-03-01"))["as_of"] == 1_772_323_200
        assert (await status_as_of(case, "2026-03-01T23:59:59Z"))["verdict"] == "outstanding"
        assert (await status_as_of(case, "2026-03-02"))["verdict"] == "breached"
        for far in ("0001-01-01", "9999-12-31T23:59:59Z"):
            await status_as_of(case, far)


NO_MOMENTS = [
    *("yesterday", "", "2026-02-30", "2026-01-01T00:00:00", "2026-01-01T00:00:00%2B01:00", "20260101"),
    *("2026-W01-1", "2026-01-01T00:00:00.5Z", "1767225600", "%D9%A2026-01-01"),
]


async def test_a_moment_is_written_as_orders_write_it(case: Case) -> None:
    for as_of in NO_MOMENTS:
        status, body = await get(case.lab, f"orders/{ENCODED}?as_of={as_of}")
        problem = json.loads(body)
        found = (status, problem["type"], problem.get("field"))
        assert found == (400, "urn:writ:problem:malformed", "as_of"), as_of


NOT_THERE = {
    "orders/ico.example%2Fnone": "not-found",
    "orders/ico.example%2Fnone/bundle": "not-found",
    "orders/none": "not-found",
    # An order's id is one part of the path: its slash is written %2F.
    f"orders/{ORDER}": "not-found",
    f"orders/{ORDER}/bundle": "not-found",
    "orders/%00": "not-found",
    "orders/" + "x" * 2_000: "not-found",
    "orders/": "not-found",
    "../none/orders": "unknown-log",
    f"../none/orders/{ENCODED}": "unknown-log",
    f"../none/orders/{ENCODED}/bundle": "unknown-log",
}


async def test_what_is_not_there_is_said(case: Case) -> None:
    for path, problem in NOT_THERE.items():
        status, body = await get(case.lab, path)
        assert (status, json.loads(body)["type"]) == (404, f"urn:writ:problem:{problem}"), path


async def test_orders_need_a_reader_unless_reading_is_public(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path, public_reading=False) as lab:
        await begin(lab)
        await lab.register_token("auditor2.example", READER, role="reader")
        await lab.register_token("crm.clearview.example", PROCESSOR, role="processor")
        for path in ("orders", f"orders/{ENCODED}", f"orders/{ENCODED}/bundle", f"events?record={handle(1)}"):
            found = [(await get(lab, path, secret))[0] for secret in (None, "x", PROCESSOR, READER)]
            assert found == [401, 401, 403, 200], path


async def test_an_event_that_the_rules_do_not_know_stops_the_projections(
    database: Database, tmp_path: Path
) -> None:
    """Such as a later version of the service may have stored: to skip it would falsify completeness."""
    async with running_case(database, tmp_path) as case:
        await case.lab.post(case.crawler, case.crawler.events(300))
        assert (await get(case.lab, "orders"))[0] == 200
        assert await case.lab.service.check_health() == {}
        owner = await asyncpg.connect(database.owner_dsn)
        await rename_type(owner, "data.collected", "data.imagined")
        await owner.execute("DELETE FROM projection_cursors")
        await case.lab.post(case.crawler, case.crawler.events(1))
        async with asyncio.timeout(20):
            while "projections" not in (wrong := await case.lab.service.check_health()):
                await asyncio.sleep(0.05)
        assert wrong["projections"].startswith("clearview: entry ")
        assert "data.imagined" in wrong["projections"]
        for path in ("orders", f"orders/{ENCODED}"):
            status, body = await get(case.lab, path)
            said = json.loads(body)
            assert (status, said["type"]) == (503, "urn:writ:problem:stopped"), path
            assert said["detail"].startswith(wrong["projections"])
            assert "start the version of the service that stored it" in said["remedy"]
        # Nobody need be patient to hear it.
        async with client.open_session() as session, asyncio.timeout(20):
            remote = RemoteLog(session, case.lab.service.url, case.lab.log.keys.log.verifier, patience_s=60.0)
            with pytest.raises(RefusedByService, match=r"data\.imagined") as caught:
                await remote.get("orders")
        assert caught.value.remedy.startswith("start the version of the service that stored it")
        # Appends go on.
        await case.lab.post(case.crawler, case.crawler.events(1))
        await rename_type(owner, "data.imagined", "data.collected")
        await owner.close()


async def rename_type(owner: asyncpg.Connection, old: str, new: str) -> None:
    """Give the first of the many events another type of the same length."""
    await owner.execute("ALTER TABLE entries_00000 DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE entries_00000 SET entry = convert_to(replace(convert_from(entry, 'UTF8'), $1, $2), 'UTF8')"
        " WHERE index = (SELECT min(index) FROM entries"
        " WHERE position($1 IN convert_from(entry, 'UTF8')) > 0)",
        *(f"writ.{old}.v1", f"writ.{new}.v1"),
    )
    await owner.execute("ALTER TABLE entries_00000 ENABLE TRIGGER USER")


def accessed(number: int) -> ev.DataAccessed:
    records = (handle(number),)
    return ev.DataAccessed(
        actor="customer-17",
        actor_country="US",
        controller="clearview",
        purpose="face_search",
        records=records,
    )


async def about(case: Case, record: str, more: str = "") -> list[tuple[int, str]]:
    """The places and types of the events about a record, page after page."""
    found: list[tuple[int, str]] = []
    target = f"{case.lab.url}/events?record={record}{more}"
    while target:
        async with case.lab.session.get(target) as response:
            assert (response.status, response.content_type) == (200, "application/x-ndjson")
            *lines, last = [json.loads(line) for line in (await response.read()).splitlines()]
            assert set(last) == {"folded_size"}
            assert all(line["index"] < last["folded_size"] for line in lines)
            found += [(line["index"], line["event"]["type"]) for line in lines]
            target = str(response.links["next"]["url"]) if "next" in response.links else ""
    return found


async def test_the_events_about_one_record(case: Case) -> None:
    used: list[tuple[int, str]] = []
    for number in (1, 2, 1, 3, 1, 1):
        receipt = await case.lab.post(case.crawler, [line(case.crawler, accessed(number))])
        if number == 1:
            used.append((parse_proof(receipt).index + 1, "writ.data.accessed.v1"))
    # Asked for orders, the service first folds all that the log holds.
    assert (await get(case.lab, "orders"))[0] == 200
    everything = await about(case, handle(1))
    assert everything[0][1] == "writ.data.held.v1"
    assert everything[1:] == used
    for limit in (1, 2, 5):
        assert await about(case, handle(1), f"&limit={limit}") == everything
        assert await about(case, handle(1), f"&limit={limit}&type=writ.data.accessed.v1") == used
    assert await about(case, handle(1), f"&after={used[1][0]}") == used[2:]
    assert await about(case, handle(1), "&type=writ.data.deleted.v1") == []
    assert await about(case, "0" * 32) == []


async def test_what_is_told_of_one_record_says_how_far_it_goes(case: Case, database: Database) -> None:
    assert (await get(case.lab, "orders"))[0] == 200
    folded = await folded_below(case, handle(1))
    assert case.lab.log.released is not None
    assert folded == case.lab.log.released.checkpoint.size
    owner = await asyncpg.connect(database.owner_dsn)
    async with owner.transaction():
        # Whoever holds the cursor keeps the projection where it is, while the log goes on.
        await owner.execute("SELECT 1 FROM projection_cursors FOR UPDATE")
        await case.lab.post(case.crawler, [line(case.crawler, accessed(1))])
        assert await folded_below(case, handle(1)) == folded
        size = case.lab.log.released.checkpoint.size
        assert size == folded + 2
        assert [index for index, _ in await about(case, handle(1))][-1] < folded
    await owner.close()
    assert (await get(case.lab, "orders"))[0] == 200
    assert await folded_below(case, handle(1)) == size
    assert [index for index, _ in await about(case, handle(1))][-1] == size - 1
    # The log itself is read without one.
    assert b"folded_size" not in (await get(case.lab, "events"))[1]


async def folded_below(case: Case, record: str) -> int:
    """How far an answer about a record says that it goes."""
    status, body = await get(case.lab, f"events?record={record}")
    assert status == 200, body
    return int(json.loads(body.splitlines()[-1])["folded_size"])
