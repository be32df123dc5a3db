"""Views of an order, at a service and through the command line: members, earlier moments, the timeline, what
stands beside, and how far the projections are behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest_asyncio
from yarl import URL

from ledger.config import Database
from signing.setdigest import digest_of
from tests.ledger.command_line import Session, running_session, writ
from tests.ledger.test_cli_story import events, issue, order
from tests.projections.deeds import handle
from tests.projections.evidence import AUTHORITY, CRAWLER, ORDER

WIDTH = 100


@pytest_asyncio.fixture
async def told(database: Database, tmp_path: Path) -> AsyncIterator[Session]:
    """Seven records held, an order, a late correction, and five of them erased one by one."""
    async with running_session(database, tmp_path, public=True) as session:
        crawler = await session.register(CRAWLER, "controller")
        authority = await session.register(AUTHORITY, "authority")
        (session.folder / "events.ndjson").write_text(events(CRAWLER))
        await session.value("post", "events.ndjson", key=crawler)
        await issue(session, authority, order(session.log_vkey, deadline="2026-02-01"))
        deeds = [erased(number) for number in range(5)]
        (session.folder / "erased.ndjson").write_text("".join(json.dumps(one) + "\n" for one in deeds))
        await session.value("post", "erased.ndjson", key=crawler)
        yield session


def erased(number: int) -> dict[str, Any]:
    return {
        "type": "writ.data.deleted.v1",
        "data": {
            "cause": "order", "cause_ref": ORDER, "controller": "clearview", "irrecoverable": True,
            "method": "purge", "records": [handle(number)], "store": "people",
        },
    }  # fmt: skip


async def said(session: Session, *words: str) -> str:
    """What a command prints for people."""
    where = ("--url", session.service.url, "--log", session.log_vkey)
    done = await asyncio.to_thread(writ, *words, *where, cwd=session.folder)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= WIDTH, done.stdout
    return done.stdout


async def get(session: Session, path: str) -> tuple[int, bytes, str]:
    url = URL(f"{session.service.url}/logs/clearview/{path}", encoded=True)
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        following = str(response.links["next"]["url"]) if "next" in response.links else ""
        return response.status, await response.read(), following


VIEW = f"orders/{ORDER.replace('/', '%2F')}"


async def test_every_count_is_listed(told: Session) -> None:
    status = await told.ask("status", ORDER)
    (erase,) = status["statement"]["obligations"]
    assert erase["counts"]["live"] == 2
    for name, count in erase["counts"].items():
        code, out, err = await told.writ("status", ORDER, "--list", name, "--log", told.log_vkey)
        assert (code, len(out.splitlines())) == (0, count), err
    listed = await said(told, "status", ORDER, "--list", "live", "--obligation", "erase")
    heading, *rows = listed.splitlines()
    assert heading.startswith("live of erase: 2, as of ")
    assert rows == [f"{one}  people" for one in sorted(map(handle, (5, 6)))]


async def test_members_come_in_pages_that_fit_together(told: Session) -> None:
    found: list[Any] = []
    path = f"{VIEW}/members?count=in_scope&limit=3"
    for expected in (3, 3, 1):
        status, body, following = await get(told, path)
        assert status == 200, body
        *lines, last = [json.loads(line) for line in body.splitlines()]
        assert (len(lines), last["counted"], last["obligation"]) == (expected, 7, "erase")
        assert ("next" in last) == bool(following) == (expected == 3)
        found += lines
        path = following.partition("/logs/clearview/")[2]
    assert found == [{"handle": one, "store": "people"} for one in sorted(map(handle, range(7)))]
    digest = digest_of(f"{one['handle']} {one['store']}".encode() for one in found)
    assert digest.count == 7


async def test_what_cannot_be_listed_is_said(told: Session) -> None:
    wrong = {
        "members": (400, "malformed", "count"),
        "members?count=live&limit=0": (400, "malformed", "limit"),
        "members?count=live&limit=10001": (400, "malformed", "limit"),
        "members?count=live&after=x": (400, "malformed", "after"),
        "members?count=live&size=9999": (400, "malformed", "size"),
        "members?count=live&size=x": (400, "malformed", "size"),
        "members?count=live&as_of=x": (400, "malformed", "as_of"),
        "members?count=none": (404, "not-found", "count"),
        "members?count=live&obligation=cease": (404, "not-found", "count"),
        "timeline?after_size=3": (400, "malformed", "after_as_of"),
        "timeline?as_of=x": (400, "malformed", "as_of"),
    }
    for path, expected in wrong.items():
        status, body, _ = await get(told, f"{VIEW}/{path}")
        problem = json.loads(body)
        assert (
            status,
            problem["type"].removeprefix("urn:writ:problem:"),
            problem.get("field"),
        ) == expected, path
    code, _, err = await told.writ("status", ORDER, "--list", "nonsense", "--log", told.log_vkey)
    failure = json.loads(err)
    assert code == 1
    assert "nothing is counted as nonsense" in failure["error"]
    assert failure["remedy"].startswith("counted are, of erase: in_scope, ")
    assert " live," in failure["remedy"]
    for view in ("members?count=live", "timeline"):
        assert (await get(told, f"orders/none/{view}"))[0] == 404
    code, _, err = await told.writ("status", ORDER, "--obligation", "erase", "--log", told.log_vkey)
    assert (code, "--list" in err) == (2, True)


async def test_an_earlier_size_is_judged_at_its_time(told: Session) -> None:
    now = await told.ask("status", ORDER)
    size = now["statement"]["counted"]
    earlier = (await told.ask("status", ORDER, "--size", str(size - 2)))["statement"]
    assert earlier["counted"] == earlier["log"]["size"] == size - 2
    assert earlier["obligations"][0]["counts"]["live"] == 4
    both = await told.ask("status", ORDER, "--size", str(size - 2), "--as-of", "2026-01-31")
    assert both["statement"]["as_of"] == 1_769_817_600
    assert both["statement"]["verdict"] == "outstanding"
    code, _, err = await told.writ("status", ORDER, "--size", "99999", "--log", told.log_vkey)
    assert (code, "entries" in err) == (1, True)
    assert (await told.writ("status", ORDER, "--size", "-1", "--log", told.log_vkey))[0] == 2


async def test_the_timeline_names_what_changed_the_verdict(told: Session) -> None:
    timeline = await told.ask("timeline", ORDER)
    first = timeline["changes"][0]
    assert (first["type"], first["by"], first["verdict"]) == ("writ.order.issued.v1", AUTHORITY, "breached")
    # What a row says is what the status at its size says.
    for change in timeline["changes"]:
        words = ("--size", str(change["size"]))
        status = await told.ask("status", ORDER, *words)
        assert status["statement"]["verdict"] == change["verdict"]
    rest = "".join(json.dumps(erased(number)) + "\n" for number in (5, 6))
    (told.folder / "rest.ndjson").write_text(rest)
    await told.value("post", "rest.ndjson", key=str(told.folder / f"{CRAWLER}.key"))
    table = (await said(told, "timeline", ORDER)).splitlines()
    assert table[0].startswith(f"{ORDER}: up to 20")
    assert table[1].split() == ["from", "(UTC)", "entry", "verdict", "because"]
    assert table[2].endswith(f"order.issued of {AUTHORITY}")
    assert table[3].split()[3:] == ["cannot", "be", "proved", "data.deleted", "of"]
    assert table[4:] == [f"{CRAWLER:>{61 + len(CRAWLER)}}"]
    early = await said(told, "timeline", ORDER, "--as-of", "2020-01-01")
    assert early.splitlines()[-1] == "the order was not there yet"


async def test_the_lag_is_shown(told: Session, database: Database) -> None:
    await told.ask("status", ORDER)
    url = ("--url", told.service.url)
    shown = await asyncio.to_thread(writ, "log", "show", "clearview", *url, cwd=told.folder)
    assert "judgments are up to date" in shown.stdout
    assert "no witness was asked: nothing is proved about time" in shown.stdout
    owner = await asyncpg.connect(database.owner_dsn)
    async with owner.transaction():
        await owner.execute("SELECT 1 FROM projection_cursors FOR UPDATE")
        await told.register("another.clearview.example", "processor")
        await asyncio.sleep(0.3)
        lag = (await told.value("log", "show", "clearview"))["projection"]
        assert lag["behind_entries"] == 2
        assert lag["behind_seconds"] >= 0.3
        shown = await asyncio.to_thread(writ, "log", "show", "clearview", *url, cwd=told.folder)
        assert "judgments are behind by 2 entries, the first of which has waited" in shown.stdout
        assert seconds_behind(told) >= 0.3
    await owner.close()
    async with asyncio.timeout(10):
        while seconds_behind(told):
            await asyncio.sleep(0.05)


def seconds_behind(session: Session) -> float:
    """What the metric says."""
    name = 'writ_folded_behind_seconds{log="clearview"} '
    exposed = session.service.metrics.exposition().decode()
    return next(float(line.removeprefix(name)) for line in exposed.splitlines() if line.startswith(name))


async def test_rules_are_explained() -> None:
    said = await asyncio.to_thread(writ, "rules", "erasure.late")
    assert said.stdout == "erasure.late  The erasure was recorded after the deadline.\n"
    listed = (await asyncio.to_thread(writ, "rules")).stdout.splitlines()
    assert max(map(len, listed)) <= WIDTH
    assert json.loads((await asyncio.to_thread(writ, "rules", "erasure.late", "--json")).stdout)
    assert (await asyncio.to_thread(writ, "rules", "no.rule")).returncode == 1


COURT = "court.example"
KEEP = f"{COURT}/keep-1"


async def test_what_stands_beside_a_verdict_is_shown_with_it(told: Session) -> None:
    """Another order that wants the records kept, a hold of the company's own, and two corrections."""
    court = await told.register(COURT, "authority")
    erase = order(told.log_vkey)
    keep = msgspec.structs.replace(erase.obligations[0], id="keep", type="restrict")
    other = msgspec.structs.replace(erase, id=KEEP, obligations=(keep,))
    await issue(told, court, other)
    status = await told.ask("status", ORDER)
    late = status["exceptions"][0][1][0]["index"]
    beside = [corrected(late), corrected(2), placed()]
    (told.folder / "beside.ndjson").write_text("".join(json.dumps(one) + "\n" for one in beside))
    await told.value("post", "beside.ndjson", key=str(told.folder / f"{CRAWLER}.key"))
    shown = " ".join((await said(told, "status", ORDER)).split())
    recorded = f"exception erasure.late: entry {late} of {CRAWLER}, 20"
    assert recorded in shown
    assert "The erasure was recorded after the deadline. correction, entry" in shown
    assert f"conflict.order: 7 records of erase also under {KEEP} (keep) of {COURT}" in shown
    assert f"conflict.hold: 1 record of erase held as h-1 (legal_claims) by {CRAWLER}" in shown
    assert shown.endswith(f"{CRAWLER} says that entry 2 is wrong (wrong_value)")
    theirs = " ".join((await said(told, "status", KEEP)).split())
    assert f"conflict.order: 7 records of keep also under {ORDER} (erase) of {AUTHORITY}" in theirs
    # Nothing of it has changed the verdict; a hold that keeps nothing is an exception besides.
    after = await told.ask("status", ORDER)
    (before,), (found,) = status["statement"]["obligations"], after["statement"]["obligations"]
    assert found == before | {"exceptions": before["exceptions"] | {"hold.own": 1}}


def corrected(entry: int) -> dict[str, Any]:
    data = {"controller": "clearview", "corrects": entry, "reason": "wrong_value"}
    return {"type": "writ.event.corrected.v1", "data": data}


def placed() -> dict[str, Any]:
    hold = {"basis": "legal_claims", "hold": "h-1", "records": [handle(6)], "until": "2099-01-01"}
    return {"type": "writ.hold.placed.v1", "data": {"controller": "clearview", **hold}}
