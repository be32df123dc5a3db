"""Anchors: real witnesses, a real service and Postgres; a restored backup is not signed over."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ledger import client, store
from ledger.anchoring import Anchor, load_policy
from ledger.app import running_service
from ledger.config import Config, Database, WithoutQuorum
from ledger.failure import Failure
from ledger.openlog import FRESH_FOR_S, Log
from ledger.problems import Refused
from ledger.remote import RemoteLog, Unreachable
from ledger.sealing import EMPTY_HEAD
from ledger.service import Service
from ledger.witness import make_app
from ledger.witness_memory import Memory
from projections.events import KeyRegistered, decode_event, encode_event, make_event
from signing.checkpoint import verify_checkpoint
from signing.encoding import decode_base64
from signing.entry import parse_entry
from signing.keys import COSIGNATURE, ED25519, SigningKey, format_vkey
from signing.note import parse_note
from signing.policy import quorum_time
from tests.conftest import fresh_database

ORIGIN = "ledger.example/clearview"
WITNESS = SigningKey("witness.example/w1", COSIGNATURE, bytes([1] * 32))


class World:
    """A data folder, a witness's folder and policy files: what outlives a service."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.folder = folder
        self.policy: Path | None = None
        self.without_quorum: WithoutQuorum = "go-on"

    @asynccontextmanager
    async def service(self, database: Database) -> AsyncIterator[Service]:
        config = Config(
            data=self.data,
            database=database,
            policy=self.policy,
            host="127.0.0.1",
            port=0,
            without_quorum=self.without_quorum,
        )
        async with running_service(config) as service:
            yield service

    @asynccontextmanager
    async def witness(self, log_key: SigningKey) -> AsyncIterator[str]:
        memory = Memory(self.folder / "witness" / "w.sqlite")
        async with TestServer(make_app(memory, [log_key.verifier], WITNESS)) as server:
            url = str(server.make_url("")).rstrip("/")
            self.policy = self.write_policy(url)
            yield url

    def write_policy(self, url: str) -> Path:
        path = self.folder / "policy"
        path.write_text(f"# ours\nwitness w1 {format_vkey(WITNESS.verifier)} {url}\nquorum w1\n")
        return path

    async def post(self, service: Service, log: Log, number: int) -> client.Receipt:
        """Post something: the registration of another key."""
        name = f"poster{number}.example"
        vkey = format_vkey(SigningKey(name, ED25519, bytes([number] * 32)).verifier)
        data = KeyRegistered(controller="clearview", name=name, role="controller", vkey=vkey)
        signer = service.administrator
        line = encode_event(
            make_event(data, id=f"k{number}", source=signer.verifier.name, time="2026-01-01T00:00:00Z")
        )
        async with client.open_session() as session:
            remote = RemoteLog(session, service.url, log.keys.log.verifier, patience_s=1.0)
            state = self.folder / f"state-{number}"
            async with client.open_poster(remote, signer, state) as poster:
                return (await poster.post([line]))[0]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def created(service: Service) -> Log:
    return await service.create_log(ORIGIN, "clearview", public_reading=True)


async def made_log_key(world: World, database: Database) -> SigningKey:
    """Have the log made, and return its key: the witness must know it before the policy can be served."""
    async with world.service(database) as service:
        key = (await created(service)).keys.log
        assert isinstance(key, SigningKey)
        return key


async def anchored(service: Service, log: Log) -> Anchor:
    assert service.anchors is not None
    outcome = await service.anchors.anchor(log)
    assert isinstance(outcome, Anchor), outcome
    return outcome


async def test_an_anchor_stands_in_the_log_with_a_time_that_the_witness_signed(
    world: World, database: Database
) -> None:
    key = await made_log_key(world, database)
    async with world.witness(key), world.service(database) as service:
        log = service.logs["clearview"]
        await world.post(service, log, 1)
        anchor = await anchored(service, log)
        raw = await log.reader.entry(anchor.index)
        assert raw is not None
        event = decode_event(parse_entry(raw).body)
        assert event.type == "writ.checkpoint.anchored.v1"
        assert event.source == f"{ORIGIN}/operator"
        note = parse_note(decode_base64(event.data.note))
        assert verify_checkpoint(note, key.verifier).size == anchor.size == 4
        assert world.policy is not None
        assert quorum_time(load_policy(world.policy), note) == anchor.quorum_time_s is not None
        # Nothing came since: the same anchor covers all.
        assert await anchored(service, log) == anchor
        await world.post(service, log, 2)
        assert (await anchored(service, log)).size == 8


async def test_over_http_whoever_may_read_may_have_an_anchor_made(world: World, database: Database) -> None:
    key = await made_log_key(world, database)
    async with world.witness(key), world.service(database) as service, aiohttp.ClientSession() as session:
        async with session.post(f"{service.url}/logs/clearview/anchor") as response:
            assert response.status == 200
            anchor = msgspec.json.decode(await response.read(), type=Anchor)
        assert anchor == await anchored(service, service.logs["clearview"])
        async with session.post(f"{service.url}/logs/nothing/anchor") as response:
            assert response.status == 404


async def test_anchors_are_made_by_the_clock(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every hour, which here is short; where nothing was posted meanwhile, the last anchor says it all."""
    key = await made_log_key(world, database)
    for name in ("anchoring.TICK_S", "quorums.INTERVAL_S", "quorums.RETRY_S"):
        monkeypatch.setattr(f"ledger.{name}", 0.05)
    async with world.witness(key), world.service(database) as service:
        log = service.logs["clearview"]
        for number in (1, 2):
            receipt = await world.post(service, log, number)
            async with asyncio.timeout(20):
                while (made := await anchors_in(log))[-1:] <= [receipt.index]:
                    await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        assert await anchors_in(log) == made


async def anchors_in(log: Log) -> list[int]:
    """The entries that anchor the log."""
    assert log.released is not None
    page = await log.reader.events(-1, "writ.checkpoint.anchored.v1", 100, log.released.checkpoint.size)
    return [event.index for event in page.events]


async def test_without_its_witness_the_log_goes_on_and_says_so(world: World, database: Database) -> None:
    await made_log_key(world, database)
    world.policy = world.write_policy("http://127.0.0.1:1")
    async with world.service(database) as service:
        log = service.logs["clearview"]
        await world.post(service, log, 1)
        assert service.anchors is not None
        outcome = await service.anchors.anchor(log)
        assert isinstance(outcome, Refused)
        assert "no witness cosigned: w1" in outcome.detail
        metrics = service.metrics.exposition().decode()
        assert 'writ_witness_troubles_total{log="clearview",witness="w1"} 2.0' in metrics
        assert 'writ_cosignatures{log="clearview"} 0.0' in metrics


async def test_a_restored_backup_is_frozen_by_the_witness_that_saw_more(
    world: World, database: Database, server: Database
) -> None:
    key = await made_log_key(world, database)
    async with AsyncExitStack() as stack:
        backup = await stack.enter_async_context(
            fresh_database(server, urlsplit(database.owner_dsn).path[1:])
        )
        await stack.enter_async_context(world.witness(key))
        async with world.service(database) as service:
            log = service.logs["clearview"]
            await world.post(service, log, 1)
            await anchored(service, log)
        # The data folder's record is lost with the database: only the witness still knows.
        shutil.rmtree(world.data / "released")
        async with world.service(backup) as service:
            log = service.logs["clearview"]
            assert log.writer.frozen is not None
            assert "witness w1: it cosigned size 4 of this log, and the database has" in log.writer.frozen
            with pytest.raises(Unreachable, match="restored from an older backup"):
                await world.post(service, log, 2)
            assert (await service.check_health())["clearview"]


async def test_a_log_that_a_running_service_opens_is_shown_to_its_witnesses_first(
    world: World, database: Database, server: Database, tmp_path: Path
) -> None:
    """Another process made it: what this one finds in its database may be a restored backup."""
    key = await made_log_key(world, database)
    async with AsyncExitStack() as stack:
        copies = [
            await stack.enter_async_context(fresh_database(server, urlsplit(database.owner_dsn).path[1:]))
            for _ in range(2)
        ]
        await stack.enter_async_context(world.witness(key))
        keys, world.data = world.data / "keys", tmp_path / "other"
        (world.data / "keys").mkdir(parents=True)
        shutil.copy(keys / "administrator.key", world.data / "keys")
        async with world.service(copies[0]) as service:
            assert service.logs == {}
            shutil.copytree(keys / "logs", world.data / "keys" / "logs")
            # Nothing stands against this one, and now the witness has seen it.
            assert isinstance(await service.find_log("clearview"), Log)
            metrics = service.metrics.exposition().decode()
            assert 'writ_cosignatures{log="clearview"} 1.0' in metrics
            await world.post(service, service.logs["clearview"], 1)
            await anchored(service, service.logs["clearview"])
        shutil.rmtree(world.data)
        async with world.service(copies[1]) as service:
            shutil.copytree(keys / "logs", world.data / "keys" / "logs")
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{service.url}/logs/clearview/checkpoint") as response,
            ):
                assert (response.status, "witness w1: it cosigned" in await response.text()) == (503, True)


@pytest.mark.parametrize("anew_by", ["another process", "this process"])
async def test_a_log_whose_first_entry_comes_later_is_shown_to_its_witnesses_first(
    anew_by: str, world: World, database: Database, server: Database, template: str, tmp_path: Path
) -> None:
    """It was opened while it had none: what then comes may be another history than the witness saw."""
    key = await made_log_key(world, database)
    async with AsyncExitStack() as stack:
        emptied = await stack.enter_async_context(fresh_database(server, template))
        await stack.enter_async_context(world.witness(key))
        async with world.service(database) as service:
            await anchored(service, service.logs["clearview"])
        shutil.rmtree(world.data / "released")
        async with world.service(emptied) as service:
            await store.insert_log(service.pool, store.LogRow("clearview", ORIGIN), EMPTY_HEAD, 1)
            assert isinstance(await service.find_log("clearview"), Refused)
            if anew_by == "this process":
                await created(service)
            else:
                other = World(tmp_path / "other")
                shutil.copytree(world.data / "keys", other.data / "keys")
                async with other.service(emptied) as careless:
                    await created(careless)
            await asyncio.sleep(FRESH_FOR_S)  # for so long a log that was not there is not looked for again
            async with aiohttp.ClientSession() as session:
                asked = [session.get(f"{service.url}/logs/clearview/checkpoint") for _ in range(3)]
                for response in await asyncio.gather(*asked):
                    said = await response.text()
                    assert (response.status, "witness w1: it cosigned" in said) == (503, True), said


async def test_a_backup_that_grew_again_is_frozen_as_a_fork(
    world: World, database: Database, server: Database
) -> None:
    key = await made_log_key(world, database)
    async with AsyncExitStack() as stack:
        backup = await stack.enter_async_context(
            fresh_database(server, urlsplit(database.owner_dsn).path[1:])
        )
        async with world.witness(key), world.service(database) as service:
            await world.post(service, service.logs["clearview"], 1)
            await anchored(service, service.logs["clearview"])
        shutil.rmtree(world.data / "released")
        world.policy = None
        async with world.service(backup) as service:
            for number in range(2, 5):
                await world.post(service, service.logs["clearview"], number)
        async with world.witness(key), world.service(backup) as service:
            frozen = service.logs["clearview"].writer.frozen
            assert frozen is not None
            assert "it cosigned another tree of size 4" in frozen
        # That history stays refuted, with no witness to ask and whatever has become of the record.
        (world.data / "released" / "clearview.released").unlink()
        world.policy = None
        async with world.service(backup) as service:
            frozen = service.logs["clearview"].writer.frozen
            assert frozen is not None
            assert "it cosigned another tree of size 4" in frozen


@asynccontextmanager
async def slow_road(url: str, before: list[Callable[[], Awaitable[None]]]) -> AsyncIterator[str]:
    """A road to the witness on which something happens before the next request arrives."""

    async def forward(request: web.Request) -> web.Response:
        while before:
            await before.pop()()
        body, target = await request.read(), f"{url}/add-checkpoint"
        async with aiohttp.ClientSession() as session, session.post(target, data=body) as response:
            return web.Response(status=response.status, body=await response.read())

    app = web.Application()
    app.add_routes([web.post("/add-checkpoint", forward)])
    async with TestServer(app) as road:
        yield str(road.make_url("")).rstrip("/")


async def test_a_slower_process_is_not_taken_for_a_restored_backup(world: World, database: Database) -> None:
    key = await made_log_key(world, database)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(world.witness(key))
        fast = await stack.enter_async_context(world.service(database))
        before: list[Callable[[], Awaitable[None]]] = []
        world.policy = world.write_policy(await stack.enter_async_context(slow_road(url, before)))
        slow = await stack.enter_async_context(world.service(database))

        async def meanwhile() -> None:
            await world.post(fast, fast.logs["clearview"], 1)
            assert (await anchored(fast, fast.logs["clearview"])).size == 4

        before.append(meanwhile)
        anchor = await anchored(slow, slow.logs["clearview"])
        assert anchor.size == 6
        assert [service.logs["clearview"].writer.frozen for service in (fast, slow)] == [None, None]


def test_a_policy_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "policy").write_text("witness w1\n")
    with pytest.raises(Failure, match="policy line 1"):
        load_policy(tmp_path / "policy")
