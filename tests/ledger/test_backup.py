"""A database that was put back to an older state, or altered, is noticed, and nothing is signed over it."""

import json
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from random import Random

import aiohttp
import asyncpg

from ledger.keyfiles import write_key
from signing.keys import COSIGNATURE, SigningKey, VerifierKey, format_signing_key, format_vkey
from tests.ledger.load import SECRET, Load, open_session, under_load
from tests.ledger.processes import Serving, copy_folder, health, replace_folder, serving, witnessing
from tests.ledger.reckoning import reckon, wait_until_folded

WITNESS = SigningKey("witness.example/w1", COSIGNATURE, bytes(range(32, 64)))
LOG = "logs/clearview"


async def test_a_restored_older_backup_is_refused_and_not_signed_over(
    founded_data: Path, log_key: VerifierKey
) -> None:
    async with serving(founded_data) as service:
        load = Load([service.url], log_key, Random(1))
        await put_back_an_older_state(service, load)
        record = (founded_data / "released" / "clearview.released").read_bytes()
        await service.start()
        await check_frozen(service, load, "was released")
        assert await service.stop() == 0
        assert (founded_data / "released" / "clearview.released").read_bytes() == record
        await check_it_goes_on(service, load, log_key)


async def test_without_the_record_a_witness_still_knows_and_is_remembered(
    founded_data: Path, log_key: VerifierKey
) -> None:
    key, policy = founded_data / "witness.key", founded_data / "policy"
    write_key(key, format_signing_key(WITNESS))
    record = founded_data / "released" / "clearview.released"
    async with AsyncExitStack() as stack:
        async with witnessing(founded_data / "witness", key, format_vkey(log_key)) as witness:
            policy.write_text(f"witness w1 {format_vkey(WITNESS.verifier)} {witness.url}\nquorum w1\n")
            service = await stack.enter_async_context(serving(founded_data, policy=policy))
            load = Load([service.url], log_key, Random(2))
            await put_back_an_older_state(service, load, anchored=True)
            record.unlink()
            await service.start()
            await check_frozen(service, load, "witness w1")
            assert await service.stop() == 0
        # The witness is away now, and the record is of the older state or lost once more.
        for _ in range(2):
            await service.start()
            await check_frozen(service, load, "witness w1")
            assert await service.stop() == 0
            record.unlink(missing_ok=True)
        await check_it_goes_on(service, load, log_key)


async def put_back_an_older_state(service: Serving, load: Load, *, anchored: bool = False) -> None:
    """Append, keep a copy of the database, append more, stop, and put the copy back."""
    cluster = service.data / "postgres" / "cluster"
    async with under_load(load):
        await load.wait_for_more(5)
    assert await service.stop() == 0
    copy_folder(cluster, service.data / "backup")
    await service.start()
    async with under_load(load):
        await load.wait_for_more(5)
    if anchored:
        async with open_session() as session, session.post(f"{service.url}/{LOG}/anchor") as response:
            assert response.status == 200, await response.text()
    assert await service.stop() == 0
    copy_folder(cluster, service.data / "newest")
    replace_folder(cluster, service.data / "backup")


async def check_frozen(service: Serving, load: Load, why: str) -> None:
    """The service answers, says what is wrong and what to do, and neither stores nor signs anything."""
    before = await rows(service)
    poster = load.posters[0]
    fresh, _ = poster.make(poster.events(3))
    async with open_session() as session:
        status, wrong = await health(session, service.url)
        assert (status, list(wrong)) == (503, ["clearview"])
        assert why in wrong["clearview"]
        for body in (fresh, *list(load.told.receipts)[:1]):
            await check_refused(session.post(f"{service.url}/{LOG}/submissions", data=body), why)
        headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/cloudevents-batch+json"}
        body = next(iter(load.told.door))
        await check_refused(session.post(f"{service.url}/{LOG}/events", data=body, headers=headers), why)
        await check_refused(session.post(f"{service.url}/{LOG}/anchor"), why)
        await check_refused(session.get(f"{service.url}/{LOG}/checkpoint"), why)
        await check_refused(session.get(f"{service.url}/{LOG}/entries/1/proof"), why)
    assert await rows(service) == before


async def check_it_goes_on(service: Serving, load: Load, log_key: VerifierKey) -> None:
    """With the database that holds what was released the log goes on, and nobody has to lift anything."""
    replace_folder(service.data / "postgres" / "cluster", service.data / "newest")
    await service.start()
    async with under_load(load):
        await load.wait_for_more(5)
    async with open_session() as session:
        assert await health(session, service.url) == (200, {})
        await reckon(session, service.url, log_key, load.told)


async def check_refused(request: AbstractAsyncContextManager[aiohttp.ClientResponse], why: str) -> None:
    """The answer is 503, with the reason and the remedy."""
    async with request as response:
        problem = json.loads(await response.read())
    assert (response.status, problem["type"]) == (503, "urn:writ:problem:frozen"), problem
    assert why in problem["detail"]
    assert "bring back one that holds" in problem["detail"]


async def rows(service: Serving) -> list[int]:
    """How much the tables of the log hold."""
    connection = await asyncpg.connect(service.owner_dsn)
    try:
        tables = ("entries", "submissions", "checkpoints", "token_events")
        return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
    finally:
        await connection.close()


FLIP = "UPDATE {0} SET {1} = set_byte({1}, 9, 255 - get_byte({1}, 9)) WHERE {2}"
ALTERATIONS = {
    "its entries from 0": FLIP.format("entries", "entry", "index = 3"),
    "its entries from ": FLIP.format("entries", "entry", "index = (SELECT max(index) FROM entries)"),
    "its tile 0 of level 0": FLIP.format("tiles", "hashes", "index = 0"),
    "its stored checkpoint": FLIP.format("checkpoints", "root", "size = (SELECT size FROM heads)"),
}
TRIGGERS = "ALTER TABLE {} {} TRIGGER USER"


async def test_a_database_altered_behind_the_service_is_not_well(
    founded_data: Path, log_key: VerifierKey
) -> None:
    async with serving(founded_data) as service, open_session() as session:
        load = Load([service.url], log_key, Random(3))
        async with under_load(load):
            # Long enough for a full tile that is not the last one.
            while max(load.told.checkpoints) < 600:
                await load.wait_for_more()
        await let_all_be_folded(service)
        for what, statement in ALTERATIONS.items():
            assert await health(session, service.url) == (200, {})
            await alter(service, statement)
            # Each look takes one of the older tiles, and stays where it found something.
            looks = [await health(session, service.url) for _ in range(4)]
            assert looks[-1][0] == 503
            assert looks[-1][1]["clearview"].startswith(what)
            await alter(service, statement)
        assert await health(session, service.url) == (200, {})


async def let_all_be_folded(service: Serving) -> None:
    """Wait for the projector: an altered entry would stop it for good."""
    connection = await asyncpg.connect(service.owner_dsn)
    try:
        await wait_until_folded(connection, await connection.fetchval("SELECT size FROM heads"))
    finally:
        await connection.close()


async def alter(service: Serving, statement: str) -> None:
    """Do what the triggers forbid, as only who owns the tables can."""
    table = statement.split()[1]
    tables = [table, "entries_00000"] if table == "entries" else [table]
    connection = await asyncpg.connect(service.owner_dsn)
    try:
        for name in tables:
            await connection.execute(TRIGGERS.format(name, "DISABLE"))
        assert await connection.execute(statement) == "UPDATE 1"
        for name in tables:
            await connection.execute(TRIGGERS.format(name, "ENABLE"))
    finally:
        await connection.close()
