"""Inventories of a real Postgres: taken, killed, compared, and what differs named by handle."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ledger.client import open_session
from ledger.config import Database
from ledger.inventory import differences
from ledger.inventory.findings import KeptHandles
from ledger.kit.outbox_table import DDL
from ledger.remote import RemoteLog
from signing.encoding import encode_base64
from signing.keys import parse_vkey
from signing.setdigest import digest_of
from tests.ledger.command_line import running_session, writ
from tests.ledger.inventory.estate import BULK, OWNER, Estate, counted, name
from tests.ledger.processes import many

PEOPLE = 1_500


@pytest.fixture
async def estate(database: Database, empty_database: Database, tmp_path: Path) -> AsyncIterator[Estate]:
    async with running_session(database, tmp_path, public=True) as session:
        yield await Estate.build(session, empty_database, PEOPLE)


async def test_a_store_that_agrees(estate: Estate) -> None:
    said = await estate.inventory("--quiescent")

    (begun,), (attested,) = await estate.told("begun"), await estate.told("attested")
    whole = digest_of(estate.handle(number).encode() for number in range(PEOPLE))
    assert (said["count"], said["digest"]) == (PEOPLE, encode_base64(whole.digest))
    assert attested["data"] == {
        "controller": "clearview", "count": PEOPLE, "digest": said["digest"], "inventory": said["inventory"],
        "method": "quiescent", "store": "people",
    }  # fmt: skip
    assert begun["data"]["inventory"] == said["inventory"]
    assert begun["source"] == attested["source"] == f"{OWNER}/inventory/people"
    assert (said["repeated"], said["key_checked"], said["finished_earlier"]) == (0, True, False)
    placed = await estate.session.ask("log", "events", "--type", "inventory.begun")
    assert placed["index"] == said["begun_index"]
    code, told = await estate.reconcile()
    assert (code, told["agrees"], told["ledger_count"], told["posted"]) == (0, True, PEOPLE, False)
    # As after a crash between the log's answer and the note of it.
    noted = estate.folder / "people.inventory" / "found.json"
    noted.write_text(noted.read_text().replace('"posted": true', '"posted": false'))
    assert (await estate.inventory("--quiescent"))["finished_earlier"]
    assert len(await estate.told("attested")) == 1
    # Whose log it is was noted: the next look need not be told.
    words = estate.words("--quiescent", "--anew")
    assert (await estate.session.value("inventory", *words, key=estate.owner))["count"] == PEOPLE


async def test_each_handle_that_differs_is_named_and_attested_to_once(estate: Estate) -> None:
    # A row less than held, a row that nobody told of, and one that is erased in the log alone.
    await estate.execute(f"DELETE FROM people WHERE player_id = '{name(7)}'")
    await estate.add([PEOPLE])
    await estate.erase([3])
    said = await estate.inventory("--quiescent")
    for _ in range(2):
        code, told = await estate.reconcile(*estate.words()[1:])
        assert (code, told["agrees"], told["posted"]) == (1, False, True)
        assert told["orphans"] == sorted(map(estate.handle, [3, PEOPLE]))
        assert told["missing"] == [estate.handle(7)]
        assert told["native_ids"] == {estate.handle(number): name(number) for number in (3, PEOPLE)}

    for given in (estate.words()[1:-2], ["--blinding-key", "b.key"]):
        code, _, err = await estate.session.writ("reconcile", "people", *given, key=estate.owner)
        assert (code, "native ids" in err) == (2, True), "nothing would be read, or named"
    first, second = await estate.told("attested")
    names = {"orphans": told["orphans"], "missing": told["missing"]}
    assert second["data"] == first["data"] | names
    assert second["data"]["inventory"] == said["inventory"]
    everything = " ".join(map(str, await estate.session.events()))
    assert "person-" not in everything, "no native id leaves the machine"


async def test_what_was_named_is_not_posted_where_nobody_wants_that(estate: Estate) -> None:
    await estate.add([PEOPLE])
    await estate.inventory("--quiescent")
    code, told = await estate.reconcile("--no-post")
    assert (code, told["orphans"], told["posted"]) == (1, [estate.handle(PEOPLE)], False)
    assert len(await estate.told("attested")) == 1


async def test_more_than_one_event_can_name_is_told_here_alone(estate: Estate) -> None:
    await estate.add(range(PEOPLE, PEOPLE + BULK + 1))
    await estate.inventory("--quiescent")
    code, told = await estate.reconcile()
    assert (code, len(told["orphans"]), told["posted"]) == (1, BULK + 1, False)
    assert "One event names 1,000 handles" in told["why_not_posted"]
    assert len(await estate.told("attested")) == 1


async def test_who_differs_by_far_too_many_is_told_some(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "MOST", 5)
    monkeypatch.setattr(differences, "_BUCKETS_AT_ONCE", 2)
    await estate.add(range(PEOPLE, PEOPLE + 40))
    said = await estate.inventory("--quiescent")
    log_key = parse_vkey(estate.session.log_vkey)
    async with open_session() as http:
        log = RemoteLog(http, estate.session.service.url, log_key)
        with KeptHandles(estate.folder / "people.inventory", said["inventory"]) as kept:
            found = await differences.differences(log, kept, "people", said["begun_index"])
    assert 5 <= len(found.orphans) < 10
    assert (found.missing, found.is_whole) == ((), False)


async def test_through_the_outbox_of_the_store(estate: Estate) -> None:
    """Neither the key nor a way to the log is needed where the store is."""
    await estate.execute(DDL)
    await estate.add([PEOPLE])
    source = f"{OWNER}/outbox"
    words = ["inventory", *estate.words("--outbox", "--source", source, "--controller", "clearview")]
    words += ["--namespace", "people", "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ledger.cli", *words, cwd=estate.folder, stdout=subprocess.PIPE
    )
    assert await process.wait() == 0
    compare = ["reconcile", "people", "--log", estate.session.log_vkey]
    code, _, err = await estate.session.writ(*compare)
    assert (code, "writ outbox DIR status" in err) == (1, True)
    await estate.send_outbox()

    (begun,), (attested,) = await estate.told("begun"), await estate.told("attested")
    assert begun["source"] == attested["source"] == source
    assert (attested["data"]["method"], attested["data"]["count"]) == ("snapshot", PEOPLE + 1)
    code, _, err = await estate.session.writ(*compare)
    assert (code, "give --from" in err) == (2, True)
    code, _, err = await estate.session.writ(*compare, "--key", estate.owner)
    assert (code, "leave --key out" in err) == (2, True)
    code, out, _ = await estate.session.writ(*compare, *estate.words()[1:])
    assert (code, json.loads(out)["native_ids"]) == (1, {estate.handle(PEOPLE): name(PEOPLE)})
    await estate.send_outbox()
    _, again = await estate.told("attested")
    assert again["data"] == attested["data"] | {"orphans": [estate.handle(PEOPLE)]}


async def test_an_auditor_names_the_log_before_he_looked(estate: Estate) -> None:
    started, go, ids = (estate.folder / word for word in ("started", "go", "ids"))
    numbers = [*range(PEOPLE), PEOPLE + 1, PEOPLE + 2]
    ids.write_text("".join(f"{name(number)}\n" for number in numbers))
    script = f"touch {started}; while [ ! -e {go} ]; do sleep 0.02; done; cat {ids}"
    words = ["inventory", "people", "--command", script, "--blinding-key", "b.key", "--auditor"]
    look = asyncio.create_task(estate.session.value(*words, "--controller", "clearview", key=estate.auditor))
    async with asyncio.timeout(60):
        while not started.exists():
            await asyncio.sleep(0.02)
    await estate.hold([PEOPLE + 1])  # and so that one is explained
    go.touch()
    said = await look

    (attested,) = await estate.told("attested")
    assert await estate.told("begun") == []
    assert (attested["data"]["method"], attested["data"]["begun_size"]) == ("reconcile", said["begun_size"])
    code, told = await estate.reconcile(key=estate.auditor)
    assert (code, told["orphans"], told["explained"]) == (1, [estate.handle(PEOPLE + 2)], [])
    assert told["posted"]
    assert len(await estate.told("attested")) == 2


async def test_little_is_moved_to_find_three_of_many(estate: Estate) -> None:
    await estate.erase([1, 2, 3])
    await estate.inventory("--quiescent")
    async with counted(estate.session.service.url) as wire:
        words = ["people", "--no-post", "--json", "--url", wire.url, "--log", estate.session.log_vkey]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ledger.cli", "reconcile", *words, cwd=estate.folder, stdout=subprocess.PIPE
        )
        out, _ = await process.communicate()
    assert len(json.loads(out)["orphans"]) == 3
    # Of 10,000,000 handles a bucket has 153: three of them are 15 kB, and the hashes are 2 MB for any number.
    assert 2_097_152 < wire.moved < 2_200_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--blinding-key", "other.key"], "is not the key whose commitment stands in the log"),
        (["--namespace", "else"], "has the namespace people, not else"),
        (["--table", "nowhere"], "no table nowhere"),
    ],
)
async def test_a_look_that_could_find_nothing_is_not_taken(
    estate: Estate, words: list[str], says: str
) -> None:
    (estate.folder / "other.key").write_text("11" * 32)
    (estate.folder / "other.key").chmod(0o600)
    given = estate.words("--quiescent", "--controller", "clearview", *words)
    code, _, err = await estate.session.writ("inventory", *given, key=estate.owner)
    assert (code, says in err) == (1, True), err
    assert await estate.told("attested") == []


async def test_a_store_that_the_log_does_not_know_is_refused(estate: Estate) -> None:
    words = ["elsewhere", *estate.words("--quiescent", "--controller", "clearview")[1:]]
    code, _, err = await estate.session.writ("inventory", *words, key=estate.owner)
    assert (code, "has no store elsewhere: it has people" in err) == (1, True), err


async def test_what_was_whole_is_attested_to_after_a_crash_and_not_looked_for_again(estate: Estate) -> None:
    """Nobody lets him post when it is to be posted: the look lasts, as it was."""
    made = json.loads(writ("keygen", "late.example", "--json", cwd=estate.folder).stdout)
    words = ["inventory", "people", "--command", "seq 5", "--auditor"]
    words += ["--blinding-key", "b.key", "--controller", "clearview"]
    code, _, err = await estate.session.writ(*words, key=made["file"])
    assert (code, "writ key register" in err) == (1, True), err
    admin = estate.session.service.admin_key_path
    await estate.session.value("key", "register", made["vkey"], "--role", "auditor", key=admin)
    words[3] = "exit 9"
    code, _, err = await estate.session.writ(*words, key=made["file"])
    assert (code, "was not attested to" in err) == (1, True), "it is no look into this one"
    words[3] = "seq 5"
    said = await estate.session.value(*words, key=made["file"])

    assert (said["finished_earlier"], said["count"]) == (True, 5)
    (attested,) = await estate.told("attested")
    assert attested["data"]["digest"] == said["digest"]


@pytest.mark.parametrize("through", ["key", "outbox"])
@pytest.mark.parametrize("kills", many(3, 40))
async def test_killed_at_any_moment_nothing_false_is_attested_to(
    estate: Estate, kills: int, through: str
) -> None:
    chance = random.Random(5)
    words = ["inventory", *estate.words("--controller", "clearview", "--json")]
    if through == "outbox":
        await estate.execute(DDL)
        words += ["--outbox", "--source", f"{OWNER}/outbox", "--namespace", "people"]
    else:
        words += ["--quiescent", "--url", estate.session.service.url]
        words += ["--log", estate.session.log_vkey, "--key", estate.owner]
    for number in range(kills + 1):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ledger.cli", *words, cwd=estate.folder, stdout=subprocess.PIPE
        )
        if number < kills:
            await asyncio.sleep(chance.uniform(0.2, 2.0))
            if process.returncode is None:
                process.kill()
        out, _ = await process.communicate()
        if through == "outbox" and chance.random() < 0.7:
            await estate.send_outbox()
    if through == "outbox":
        await estate.send_outbox()

    whole = encode_base64(digest_of(estate.handle(one).encode() for one in range(PEOPLE)).digest)
    begun = [one["data"]["inventory"] for one in await estate.told("begun")]
    attested = [one["data"] for one in await estate.told("attested")]
    assert all((one["count"], one["digest"]) == (PEOPLE, whole) for one in attested)
    names = [one["inventory"] for one in attested]
    assert json.loads(out)["inventory"] in names
    assert len(names) == len(set(names)), "each was attested to once"
    assert [one for one in begun if one in names] == names
