"""Samples of a real Postgres under a real witness: drawn, looked for, drawn again; and who cheats."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from ledger.config import Database
from ledger.remote import RemoteLog
from ledger.sampling.draft import Draft
from ledger.sampling.taking import drawn_for
from projections.sampling import draw, seed_of, upper_bound
from signing.encoding import decode_base64
from signing.keys import COSIGNATURE, VerifierKey, format_vkey, parse_vkey
from signing.note import parse_note
from tests.ledger.command_line import ORIGIN, Session
from tests.ledger.inventory.estate import Estate, name
from tests.ledger.killed import killed, spread
from tests.ledger.processes import many
from tests.ledger.test_anchoring import WITNESS, World, made_log_key
from tests.ledger.test_cli_story import issue
from tests.projections import evidence
from tests.projections.evidence import AUTHORITY, ORDER

PEOPLE, ERASED = 400, 200


@pytest.fixture
async def estate(database: Database, empty_database: Database, tmp_path: Path) -> AsyncIterator[Estate]:
    """The first were erased under an order: in the ledger. In the store, each test says."""
    world = World(tmp_path)
    key = await made_log_key(world, database)
    async with world.witness(key), world.service(database) as service:
        session = Session(service, tmp_path)
        session.log_vkey = format_vkey(key.verifier)
        # It is there already; whose it is, is noted beside the administrator's key.
        created = ("log", "create", ORIGIN, "--controller", "clearview", "--public")
        await session.value(*created, "--key", service.admin_key_path)
        estate = await Estate.build(session, empty_database, PEOPLE)
        authority = await session.register(AUTHORITY, "authority")
        await issue(session, authority, order(session, WITNESS.verifier))
        await estate.erase(range(ERASED))
        yield estate


def order(session: Session, *witnesses: VerifierKey) -> Any:
    assert WITNESS.algorithm == COSIGNATURE
    lines = [f"witness w{n} {format_vkey(one)}" for n, one in enumerate(witnesses)]
    trust = {
        "assessors": [session.vkeys["auditor.example"]],
        "log_vkey": session.log_vkey,
        "max_statement_age": "P7D",
        "witnesses": [*lines, "quorum w0"] if witnesses else [],
    }
    return evidence.order(trust=trust)


async def really_erase(estate: Estate, *kept: int) -> None:
    left = ", ".join(f"'{name(number)}'" for number in kept) or "''"
    last = name(ERASED - 1)
    await estate.execute(f"DELETE FROM people WHERE player_id <= '{last}' AND player_id NOT IN ({left})")


def line_of(estate: Estate, *words: str, table: str = "people") -> list[str]:
    given = ["--store", "people", "--from", estate.url, "--table", table, "--blinding-key", "b.key"]
    return ["sample", ORDER, *given, "--controller", "clearview", "--patience", "3", *words]


async def sample(estate: Estate, *words: str, table: str = "people") -> tuple[int, dict[str, Any]]:
    """Run one; how it ends, and what it says."""
    line = line_of(estate, *words, table=table)
    code, out, err = await estate.session.writ(*line, key=estate.auditor)
    return code, json.loads(out or err)


async def told(estate: Estate, kind: str) -> list[dict[str, Any]]:
    return [one["data"] for one in await estate.session.events() if one["type"] == f"writ.{kind}.v1"]


async def redraw(estate: Estate, sample: str) -> tuple[int, dict[str, Any]]:
    words = ("redraw", sample, "--log", estate.session.log_vkey)
    code, out, err = await estate.session.writ(*words)
    return code, json.loads(out or err)


async def test_what_is_gone_is_drawn_and_not_found(estate: Estate) -> None:
    await really_erase(estate)
    code, said = await sample(estate, "-n", "50")
    assert (code, said["n"], said["failures"], said["population"]) == (0, 50, 0, ERASED)
    assert said["upper_bound"] == upper_bound(50, 0) == pytest.approx(0.0581, abs=1e-4)
    assert said["rule_of_three"] == 0.06
    (requested,), (attested,) = await told(estate, "sample.requested"), await told(estate, "sample.attested")
    assert (requested["store"], requested["n"]) == ("people", 50)
    assert (attested["failures"], attested["n"], attested["control_found"]) == (0, 50, 200)
    (verified,) = await told(estate, "deletion.verified")
    assert (verified["method"], verified["store"]) == ("sample", "people")
    # By hand, from what stands in the log alone.
    events = await estate.session.events()
    behind = [one["type"] for one in events].index("writ.sample.requested.v1")
    anchor = next(one for one in events[behind:] if one["type"] == "writ.checkpoint.anchored.v1")
    note = parse_note(decode_base64(anchor["data"]["note"]))
    (cosignature,) = [line.signature for line in note.signatures if line.name == WITNESS.name]
    seed = seed_of(bytes.fromhex(attested["nonce"]), cosignature)
    drawn = draw(seed, [estate.handle(number) for number in range(ERASED)], 50)
    assert tuple(verified["records"]) == drawn
    code, again = await redraw(estate, said["sample"])
    assert (code, tuple(again["drawn"]), again["anchor"]) == (0, drawn, said["anchor"])


async def test_a_lie_is_found_and_named(estate: Estate) -> None:
    kept = range(0, ERASED, 2)
    await really_erase(estate, *kept)
    code, said = await sample(estate, "-n", "60")
    names = {estate.handle(number): name(number) for number in kept}
    assert code == 1
    assert 10 < said["failures"] < 50
    assert said["found"] == {handle: [names[handle]] for handle in said["found"]}
    assert len(said["found"]) == said["failures"]
    (attested,) = await told(estate, "sample.attested")
    assert attested["failed"] == sorted(said["found"])
    posted = json.dumps(await estate.session.events())
    assert not any(native in posted for native in names.values())
    assert (await redraw(estate, said["sample"]))[0] == 0
    status = await estate.session.ask("status", ORDER)
    assert "sample.failed" in json.dumps(status)


async def test_nobody_knows_the_draw_before_it_was_looked_for(estate: Estate) -> None:
    """A company that reads the log sees the cosignature; without the nonce that draws nothing."""
    await really_erase(estate)
    code, said = await sample(estate, "-n", "50", table="nothing_of_that_name")
    assert code == 1, said
    (requested,) = await told(estate, "sample.requested")
    assert await told(estate, "checkpoint.anchored"), "so the cosignature is there"
    assert "nonce" not in requested
    assert not await told(estate, "sample.attested")
    # Its maker goes on; the draw is that of the first cosignature, however often he tries.
    (draft,) = drafts(estate)
    assert draft.stat().st_mode & 0o777 == 0o600
    code, said = await sample(estate, "--resume", requested["sample"])
    assert (code, said["n"]) == (0, 50)
    assert (await redraw(estate, requested["sample"]))[0] == 0
    # Told already: nothing is read and nothing posted again.
    code, again = await sample(estate, "--resume", requested["sample"])
    assert (code, again["failures"]) == (0, 0)
    assert len(await told(estate, "sample.attested")) == 1
    assert len(await told(estate, "sample.requested")) == 1


def drafts(estate: Estate) -> list[Path]:
    return sorted(Path(f"{estate.auditor}.state").glob("*/samples/*.json"))


async def test_a_search_that_finds_nothing_alive_says_nothing(estate: Estate) -> None:
    """With the wrong table nothing is found, of those drawn neither."""
    await estate.execute("CREATE TABLE decoy (player_id text PRIMARY KEY)", "INSERT INTO decoy VALUES ('x')")
    code, said = await sample(estate, table="decoy")
    assert code == 1
    assert "none of 200 live handles of people was found" in said["error"]
    assert not await told(estate, "sample.attested")
    assert not await told(estate, "deletion.verified")


async def test_nor_does_one_that_does_not_find_all_that_is_alive(estate: Estate) -> None:
    await really_erase(estate)
    await estate.execute(f"DELETE FROM people WHERE player_id = '{name(PEOPLE - 1)}'")
    code, said = await sample(estate)
    assert code == 1
    assert "only 199 of 200 live handles of people were found" in said["error"]
    assert not await told(estate, "sample.attested")


async def test_what_is_erased_while_the_store_is_read_is_not_missed(estate: Estate) -> None:
    await really_erase(estate)
    started, go, ids = (estate.folder / word for word in ("started", "go", "ids"))
    ids.write_text("".join(f"{name(number)}\n" for number in range(ERASED, PEOPLE - 1)))
    script = f"touch {started}; while [ ! -e {go} ]; do sleep 0.02; done; cat {ids}"
    line = ["sample", ORDER, "--store", "people", "--command", script, "--blinding-key", "b.key"]
    looking = asyncio.create_task(
        estate.session.writ(*line, "--controller", "clearview", "--patience", "3", key=estate.auditor)
    )
    async with asyncio.timeout(60):
        while not started.exists():
            await asyncio.sleep(0.02)
    await estate.erase([PEOPLE - 1])
    go.touch()
    code, out, err = await looking
    assert (code, err) == (0, ""), out
    (attested,) = await told(estate, "sample.attested")
    assert (attested["control_checked"], attested["control_found"]) == (199, 199)


async def tell(
    estate: Estate, draft: Draft, verified: dict[str, Any] | None, attested: dict[str, Any]
) -> None:
    """The auditor tells of a sample by hand, whatever he likes."""
    rows = [] if verified is None else [{"type": "writ.deletion.verified.v1", "data": verified}]
    rows += [{"type": "writ.sample.attested.v1", "data": attested}]
    raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
    source = f"auditor.example/{draft.sample}"
    await estate.session.value("post", "-", "--source", source, key=estate.auditor, stdin=raw)


async def test_a_sample_without_its_whole_control_bounds_nothing(estate: Estate) -> None:
    """Whatever its maker says of it."""
    await really_erase(estate)
    await sample(estate, "-n", "40", table="absent")
    (path,) = drafts(estate)
    draft = msgspec.json.decode(path.read_bytes(), type=Draft)
    async with aiohttp.ClientSession() as http:
        log = RemoteLog(http, estate.session.service.url, parse_vkey(estate.session.log_vkey))
        found = await drawn_for(log, draft)
    assert found is not None
    verified = {
        "controller": "clearview", "method": "sample", "records": sorted(found[1].handles), "store": "people",
    }  # fmt: skip
    attested = {
        "control_checked": 200, "control_found": 199, "controller": "clearview", "failures": 0, "n": 40,
        "nonce": draft.nonce, "sample": draft.sample,
    }  # fmt: skip
    await tell(estate, draft, verified, attested)
    code, said = await redraw(estate, draft.sample)
    assert (code, "not all live handles beside them were found" in said["error"]) == (1, True)


async def test_a_result_that_is_not_of_the_draw_is_found_out(estate: Estate) -> None:
    """Kept are the first hundred; the auditor tells of others, or of fewer."""
    await really_erase(estate, *range(100))
    code, said = await sample(estate, "-n", "40", table="absent")
    (requested,) = await told(estate, "sample.requested")
    assert code == 1, said
    (path,) = drafts(estate)
    draft = msgspec.json.decode(path.read_bytes(), type=Draft)
    convenient = sorted(estate.handle(number) for number in range(100, 140))
    verified = {"controller": "clearview", "method": "sample", "records": convenient, "store": "people"}
    attested = {
        "control_checked": 20, "control_found": 20, "controller": "clearview", "failures": 0, "n": 40,
        "nonce": draft.nonce, "sample": draft.sample,
    }  # fmt: skip
    await tell(estate, draft, verified, attested)
    code, said = await redraw(estate, requested["sample"])
    assert code == 1
    assert "others" in said["error"]
    # And with a nonce that he made up afterwards.
    await tell(estate, draft, None, attested | {"nonce": "00" * 32})
    code, said = await redraw(estate, requested["sample"])
    assert (code, "not the nonce" in said["error"]) == (1, True)


async def test_who_asks_and_never_tells_is_seen(estate: Estate) -> None:
    await sample(estate, table="absent")
    (requested,) = await told(estate, "sample.requested")
    code, said = await redraw(estate, requested["sample"])
    assert (code, "was never told" in said["error"]) == (1, True)


async def test_another_blinding_key_is_refused_before_anything_is_asked(estate: Estate) -> None:
    (estate.folder / "b.key").write_text("00" * 32 + "\n")
    code, said = await sample(estate)
    assert (code, "is not the key whose commitment" in said["error"]) == (1, True)
    assert not await told(estate, "sample.requested")


@pytest.mark.parametrize("kills", many(5, 100))
async def test_killed_between_any_two_steps_a_sample_is_told_once(estate: Estate, kills: int) -> None:
    await really_erase(estate)
    door = ["--url", estate.session.service.url, "--log", estate.session.log_vkey, "--key", estate.auditor]
    lines = await killed(0, *line_of(estate, "-n", "30"), *door, folder=estate.folder)
    assert lines is not None
    for at in spread(lines, kills):
        before = {path.stem for path in drafts(estate)}
        await killed(at, *line_of(estate, "-n", "30"), *door, folder=estate.folder)
        asked = [one["sample"] for one in await told(estate, "sample.requested")]
        left = {path.stem for path in drafts(estate)} - before
        # Nothing was asked whose nonce is lost.
        assert set(asked) <= before | left, at
        for one in left:
            code, said = await sample(estate, "--resume", one)
            assert (code, said["n"], said["failures"]) == (0, 30, 0), at
    asked = [one["sample"] for one in await told(estate, "sample.requested")]
    assert sorted(asked) == sorted(path.stem for path in drafts(estate))
    assert sorted(one["sample"] for one in await told(estate, "sample.attested")) == sorted(asked)
    assert len(await told(estate, "deletion.verified")) == len(asked)


async def test_an_order_without_witnesses_gives_no_seed(estate: Estate) -> None:
    authority = str(estate.folder / "ico.example.key")
    data = {
        "controller": "clearview", "effective_at": "2026-01-01", "instrument_sha256": "0" * 64,
        "order": msgspec.to_builtins(evidence.order(version=2, trust={
            "assessors": [], "log_vkey": estate.session.log_vkey, "max_statement_age": "P7D", "witnesses": [],
        })),
    }  # fmt: skip
    line = json.dumps({"type": "writ.order.varied.v1", "data": data})
    await estate.session.value("post", "-", key=authority, stdin=line.encode())
    code, said = await sample(estate)
    assert (code, "names no witnesses" in said["error"]) == (1, True)
