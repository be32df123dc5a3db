"""An order's life told by commands: each posts the event that it says, and the verdict follows."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger import cli_order_life
from ledger.cli import COMMANDS, ORDER_TURNS
from ledger.config import Database
from projections.examples import WITNESS, vkey
from signing.keys import COSIGNATURE
from tests.ledger.command_line import Session, running_session, writ

AUTHORITY = "ico.example"
ORDER = f"{AUTHORITY}/en-2022-1"
NOTICE = b"notice"


@pytest.fixture
async def session(database: Database, tmp_path: Path) -> AsyncIterator[Session]:
    async with running_session(database, tmp_path, public=True) as session:
        yield session


async def issued(session: Session) -> str:
    """The order of the template stands in the log; returns the authority's key."""
    key = await session.register(AUTHORITY, "authority")
    (session.folder / "notice").write_bytes(NOTICE)
    await write(session)
    await session.value("order", "issue", "order.json", "--yes", key=key)
    return key


async def write(session: Session) -> dict[str, Any]:
    """Write the template's order to order.json."""
    words = ["order", "new", "--template", "ico-clearview", "--authority", AUTHORITY, "-o", "order.json"]
    words += ["--log", session.log_vkey, "--instrument", "notice", "--witness", vkey(WITNESS, COSIGNATURE)]
    done = writ(*words, cwd=session.folder)
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads((session.folder / "order.json").read_text())
    return value


async def turn(session: Session, key: str, word: str, at: str) -> None:
    """Something happens to the order."""
    words = ["order", word, ORDER, "--effective-at", at, "--instrument", "notice"]
    value = await session.value(*words, key=key)  # whose log it is, the key knows since it issued the order
    assert value["order"] == ORDER


async def status(session: Session, as_of: str) -> str:
    found = await session.ask("status", ORDER, "--as-of", as_of)
    return str(found["statement"]["status"])


async def last(session: Session) -> dict[str, Any]:
    return (await session.events())[-1]


def test_every_word_of_the_table_is_a_command() -> None:
    assert cli_order_life.WORDS.keys() == ORDER_TURNS.keys()
    assert {words[1] for words in COMMANDS if words[0] == "order"} > ORDER_TURNS.keys()


async def test_each_word_posts_its_event(session: Session) -> None:
    key = await issued(session)
    for word, told in cli_order_life.WORDS.items():
        await turn(session, key, word, "2022-06-14")
        event = await last(session)
        assert event["type"] == f"writ.order.{told.event}.v1"
        assert event["data"] == {
            "controller": "clearview", "effective_at": "2022-06-14", "order": ORDER,
            "instrument_sha256": sha256(NOTICE).hexdigest(),
        }  # fmt: skip


async def test_the_status_follows(session: Session) -> None:
    """Judged in the year 2099: all that was posted counts, and the days are those of the case."""
    key = await issued(session)
    assert await status(session, "2099-01-01") == "in_force"
    for word, at, found in (
        ("appeal", "2022-06-14", "appealed"),
        ("set-aside", "2023-10-17", "set_aside"),
        ("reinstate", "2025-10-06", "in_force"),
        ("stay", "2025-11-01", "stayed"),
        ("lift-stay", "2025-12-01", "in_force"),
        ("discharge", "2026-02-01", "discharged"),
    ):
        await turn(session, key, word, at)
        assert await status(session, "2099-01-01") == found


async def test_what_has_no_effect_is_listed_with_the_verdict(session: Session) -> None:
    key = await issued(session)
    await turn(session, key, "lift-stay", "2022-06-14")
    found = await session.ask("status", ORDER, "--as-of", "2099-01-01")
    assert [(name, one[0]["rule"]) for name, one in found["exceptions"] if one] == [("", "status.no_turn")]


async def test_an_order_is_varied_whole(session: Session) -> None:
    key = await issued(session)
    value = await write(session)
    value["version"] = 2
    value["obligations"][2]["deadline"] = {"at": "2098-01-01"}
    (session.folder / "order.json").write_text(json.dumps(value))
    vary = ["order", "vary", "order.json", "--yes", "--effective-at", "2023-01-01"]
    said = await session.value(*vary, key=key)
    assert "trust.one_witness" in [one["rule"] for one in said["concerns"]]
    assert (said["order"], said["version"]) == (ORDER, 2)
    event = await last(session)
    assert (event["type"], event["data"]["order"]["version"]) == ("writ.order.varied.v1", 2)
    found = await session.ask("status", ORDER, "--as-of", "2099-01-01")
    assert found["statement"]["order"]["version"] == 2


async def test_records_and_classes_are_exempt_and_held(session: Session) -> None:
    key = await issued(session)
    handles = sorted(sha256(str(n).encode()).hexdigest()[:32] for n in range(1_001))
    (session.folder / "handles").write_text("\n".join(reversed(handles)) + "\n" + handles[0])
    whose = ["--controller", "clearview"]
    exempt = ["order", "exempt", ORDER, "--obligation", "erase", "--ground", "legal_duty", *whose]
    assert (await session.value(*exempt, "--category", "user.biometric", key=key))["events"] == 1
    assert (await last(session))["data"]["category_class"] == "user.biometric"
    assert (await session.value(*exempt, "--records", "handles", key=key))["events"] == 2
    posted = [one["data"]["records"] for one in (await session.events())[-2:]]
    assert posted == [handles[:1_000], handles[1_000:]]
    place = ["hold", "place", "h-1", "--basis", "legal_claims", "--until", "2098-12-31", *whose]
    said = await session.value(*place, "--records", "-", key=key, stdin=handles[0].encode())
    assert said["hold"] == "h-1"
    assert (await last(session))["data"] == {
        "basis": "legal_claims", "controller": "clearview", "hold": "h-1", "records": [handles[0]],
        "until": "2098-12-31",
    }  # fmt: skip
    await session.value("hold", "release", "h-1", *whose, key=key)
    assert (await last(session))["type"] == "writ.hold.released.v1"


async def test_what_can_not_be_posted_is_said(session: Session) -> None:
    key = await issued(session)
    stay = ["order", "stay", ORDER, "--controller", "clearview"]
    code, _, err = await session.writ(*stay, key=key)
    assert (code, "instrument" in err) == (2, True)
    code, _, err = await session.writ(*stay, "--instrument", "notice", "--effective-at", "soon", key=key)
    assert (code, "effective_at" in err) == (1, True)
    (session.folder / "empty").write_text("\n")
    hold = ["hold", "place", "h-1", "--basis", "other", "--until", "2098-12-31", "--controller", "clearview"]
    code, _, err = await session.writ(*hold, "--records", "empty", key=key)
    assert (code, "names no records" in err) == (1, True)
    company = await session.register("systems.clearview.example", "controller")
    code, _, err = await session.writ(*stay, "--instrument", "notice", key=company)
    assert (code, "may not post" in err) == (1, True)
