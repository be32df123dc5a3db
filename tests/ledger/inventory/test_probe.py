"""Probes of a real Postgres: what an order had erased is looked for, all of it, beside what must be there."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from ledger.config import Database
from signing.encoding import encode_base64
from signing.setdigest import digest_of
from tests.ledger.command_line import running_session
from tests.ledger.inventory.estate import Estate, name
from tests.ledger.test_cli_story import issue, order
from tests.projections.evidence import AUTHORITY, ORDER

PEOPLE = 300
ERASED = range(40)


@pytest.fixture
async def estate(database: Database, empty_database: Database, tmp_path: Path) -> AsyncIterator[Estate]:
    """Persons of whom an order wants all erased; of some the ledger says that they are."""
    async with running_session(database, tmp_path, public=True) as session:
        made = await Estate.build(session, empty_database, PEOPLE)
        authority = await session.register(AUTHORITY, "authority")
        await issue(session, authority, order(session.log_vkey))
        await made.erase(list(ERASED))
        yield made


async def drop(estate: Estate, *numbers: int) -> None:
    names = ", ".join(f"'{name(number)}'" for number in numbers)
    await estate.execute(f"DELETE FROM people WHERE player_id IN ({names})")


def words(estate: Estate, *more: str) -> list[str]:
    look = ["--from", estate.url, "--table", "people", "--blinding-key", "b.key"]
    return ["probe", ORDER, "--store", "people", *look, "--controller", "clearview", *more]


async def probe(estate: Estate, *more: str) -> tuple[int, Any]:
    code, out, err = await estate.session.writ(*words(estate, *more), key=estate.auditor)
    return code, json.loads(out) if out else json.loads(err)


async def told(estate: Estate) -> list[dict[str, Any]]:
    return [one["data"] for one in await estate.session.events() if one["type"] == "writ.probe.attested.v1"]


async def own_digest(estate: Estate, index: int) -> str:
    """The digest of the ledger's own set at an entry."""
    async with aiohttp.ClientSession() as http:
        path = f"/logs/clearview/orders/{quote(ORDER, safe='')}/erased?store=people&size={index}"
        async with http.get(URL(estate.session.service.url + path, encoded=True)) as answer:
            return answer.headers["Writ-Digest"]


async def is_exact(estate: Estate, index: int) -> bool:
    """Whether the one probe that there is looked for the ledger's own set at its own entry."""
    (data,) = await told(estate)
    event = (await estate.session.events())[-1]
    assert event["type"] == "writ.probe.attested.v1"
    return bool(data["checked_digest"] == await own_digest(estate, index))


@asynccontextmanager
async def intruding(estate: Estate, number: int) -> AsyncIterator[str]:
    """A way to the service on which the ledger gets one more erasure just before what is posted."""
    port, pending = int(estate.session.service.url.rpartition(":")[2]), [number]

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            if b"/submissions" in piece and pending:
                await estate.erase([pending.pop()])
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_nothing_is_left_and_the_ledger_has_it_so(estate: Estate) -> None:
    await drop(estate, *ERASED)
    code, said = await probe(estate)

    erased = digest_of(estate.handle(number).encode() for number in ERASED)
    assert (code, said["found"], said["posted"], said["keys"]) == (0, {}, True, PEOPLE - len(ERASED))
    assert await told(estate) == [
        {
            "checked_count": len(ERASED), "checked_digest": encode_base64(erased.digest),
            "control_checked": PEOPLE - len(ERASED), "control_found": PEOPLE - len(ERASED),
            "controller": "clearview", "found": 0, "order": ORDER, "store": "people",
        }
    ]  # fmt: skip
    assert await is_exact(estate, said["index"])


async def test_a_row_less_than_claimed_is_named_here_and_counted_there(estate: Estate) -> None:
    await drop(estate, *ERASED[1:])
    code, said = await probe(estate)

    assert (code, said["found"]) == (1, {estate.handle(0): name(0)})
    assert [one["found"] for one in await told(estate)] == [1]
    everything = " ".join(map(str, await estate.session.events()))
    assert "person-" not in everything, "no native id leaves the machine"
    status = await estate.session.ask("status", ORDER)
    assert "probe.found" in str(status), "the verdict holds it against the order"


async def test_what_is_erased_while_the_store_is_read_is_looked_for_too(estate: Estate) -> None:
    await drop(estate, *ERASED)
    started, go, ids = (estate.folder / word for word in ("started", "go", "ids"))
    ids.write_text("".join(f"{name(number)}\n" for number in range(len(ERASED), PEOPLE)))
    script = f"touch {started}; while [ ! -e {go} ]; do sleep 0.02; done; cat {ids}"
    look = ["probe", ORDER, "--store", "people", "--command", script, "--blinding-key", "b.key"]
    probing = asyncio.create_task(estate.session.writ(*look, "--controller", "clearview", key=estate.auditor))
    async with asyncio.timeout(60):
        while not started.exists():
            await asyncio.sleep(0.02)
    await estate.erase([100])
    go.touch()
    code, out, err = await probing

    assert (code, err) == (1, "")
    assert estate.handle(100) in out, "the log has it as erased by then, and it is still there"
    (data,) = await told(estate)
    assert (data["checked_count"], data["found"]) == (len(ERASED) + 1, 1)
    assert await is_exact(estate, json.loads(out)["index"])


async def test_what_is_erased_just_before_the_post_makes_it_look_again(estate: Estate) -> None:
    await drop(estate, *ERASED)
    async with intruding(estate, 200) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ledger.cli", *words(estate), "--json", "--url", url,
            "--log", estate.session.log_vkey, "--key", estate.auditor,
            cwd=estate.folder, stdout=subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()

    said = json.loads(out)
    assert (process.returncode, said["found"]) == (1, {estate.handle(200): name(200)})
    first, second = await told(estate)
    assert (first["checked_count"], second["checked_count"]) == (len(ERASED), len(ERASED) + 1)
    assert await own_digest(estate, said["index"]) == second["checked_digest"]


async def test_a_look_that_finds_nothing_alive_is_not_posted(estate: Estate) -> None:
    await estate.execute("CREATE TABLE decoy (player_id text PRIMARY KEY)", "INSERT INTO decoy VALUES ('x')")
    code, said = await probe(estate, "--table", "decoy")

    assert (code, "none of 260 live handles of people was found" in said["error"]) == (1, True)
    assert await told(estate) == []


async def test_nor_is_one_that_finds_nothing_and_not_all_that_is_alive(estate: Estate) -> None:
    """A part of the store may have kept what was erased, too."""
    await drop(estate, *ERASED, PEOPLE - 1)
    code, said = await probe(estate)
    assert (code, "only 259 of 260 live handles of people were found" in said["error"]) == (1, True)
    assert await told(estate) == []
    # What is found is found, whatever is missing beside it.
    await estate.add([0])
    code, said = await probe(estate)
    assert (code, said["found"], said["control_found"]) == (1, {estate.handle(0): name(0)}, 259)
    assert [one["control_checked"] for one in await told(estate)] == [260]


async def test_another_key_is_refused_before_anything_is_read(estate: Estate) -> None:
    (estate.folder / "other.key").write_text(f"{'0' * 63}1\n")
    (estate.folder / "other.key").chmod(0o600)
    code, said = await probe(estate, "--blinding-key", "other.key")

    assert code == 1
    assert "is not the key whose commitment stands in the log" in said["error"]
    assert await told(estate) == []


async def test_a_store_that_nobody_declared_is_refused(estate: Estate) -> None:
    code, said = await probe(estate, "--store", "absent")

    assert (code, "has no store absent" in said["error"]) == (1, True)


async def test_nothing_is_posted_where_nobody_wants_that_nor_is_a_key_needed(estate: Estate) -> None:
    log = ("--log", estate.session.log_vkey)
    code, out, err = await estate.session.writ(*words(estate, "--no-post", "--control", "5", *log))
    said = json.loads(out)

    assert (code, err, len(said["found"])) == (1, "", len(ERASED))
    assert (said["posted"], said["index"], said["control_checked"]) == (False, None, 5)
    assert await told(estate) == []
    code, out, err = await estate.session.writ(*words(estate, *log))
    assert (code, out, "--key is needed" in err) == (2, "", True)


async def test_a_copy_in_a_second_table_is_found_by_who_looks_everywhere(estate: Estate) -> None:
    await drop(estate, *ERASED)
    await estate.execute(
        "CREATE SCHEMA archive",
        f"""CREATE TABLE archive."Old People" AS SELECT '{name(3)}'::varchar AS who, 7 AS age""",
        f"""CREATE TABLE logs AS SELECT '{{"a": [{{"user": "{name(4)}"}}]}}'::json AS line""",
        f"CREATE TABLE lists AS SELECT ARRAY['x', '{name(5)}'] AS members",
        f"CREATE MATERIALIZED VIEW kept AS SELECT '{name(6)}'::text AS id, 1.5::float8 AS score",
    )
    assert (await probe(estate, "--no-post"))[0] == 0, "the declared table alone has nothing of it"
    code, said = await probe(estate, "--everywhere")

    assert code == 1
    assert said["found"] == {estate.handle(number): name(number) for number in (3, 4, 5, 6)}
    assert said["places"] == {
        estate.handle(3): ["archive.Old People.who"], estate.handle(4): ["public.logs.line"],
        estate.handle(5): ["public.lists.members"], estate.handle(6): ["public.kept.id"],
    }  # fmt: skip
    assert [one["found"] for one in await told(estate)] == [4]
