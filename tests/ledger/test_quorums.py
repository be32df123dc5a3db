"""Too few witnesses: a service goes on and counts it, or takes nothing in until they are back."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from ledger.app import running_service
from ledger.config import Config, Database, WithoutQuorum
from ledger.cosigning import Contradiction, Cosigned, Trouble
from ledger.failure import Failure
from ledger.metrics import Metrics
from ledger.openlog import Log
from ledger.quorums import HOLD_AFTER_S, INTERVAL_S, RETRY_S, Quorum
from ledger.remote import Unreachable
from ledger.service import Service
from signing.cosignature import cosign
from signing.keys import COSIGNATURE, SigningKey, format_vkey
from signing.log_list import ListedLog
from signing.note import add_signatures
from signing.policy import read_policy
from tests.ledger.command_line import writ
from tests.ledger.growing_log import GrowingLog
from tests.ledger.test_anchoring import World, anchors_in, made_log_key
from tests.ledger.test_witness_many import Clock, written
from tests.ledger.witness_process import started

LOG = GrowingLog()
KEYS = [SigningKey(f"witness.example/w{n}", COSIGNATURE, bytes([n] * 32)) for n in (1, 2)]
POLICY = read_policy(
    "".join(f"witness w{n} {format_vkey(key.verifier)}\n" for n, key in enumerate(KEYS, 1))
    + "group both all w1 w2\nquorum both\n"
)


def round_of(*answers: str) -> Cosigned:
    """What two witnesses said: `cosigned`, or anything else."""
    note, troubles, against = LOG.note(5), [], []
    for n, (key, answer) in enumerate(zip(KEYS, answers, strict=True), 1):
        if answer == "cosigned":
            note = add_signatures(note, cosign(note.text, key, 1_800_000_000))
        elif answer == "away":
            troubles.append(Trouble(f"w{n}", "it is not reached"))
        else:
            against.append(Contradiction(f"w{n}", 9, "it cosigned size 9 of this log"))
    return Cosigned(LOG.checkpoint(5), note, tuple(troubles), tuple(against))


def quorum_of(rule: WithoutQuorum) -> tuple[Quorum, Clock, Metrics]:
    clock, metrics = Clock(), Metrics()
    return Quorum("clearview", POLICY, rule, metrics, clock), clock, metrics


def test_told_to_go_on_it_never_holds_and_counts_each_round() -> None:
    quorum, clock, metrics = quorum_of("go-on")
    assert quorum.note(round_of("cosigned", "cosigned"))
    assert not quorum.note(round_of("cosigned", "away"))
    assert not quorum.note(round_of("against", "away"))
    clock.now_s = 10 * HOLD_AFTER_S
    assert quorum.hold() is None
    shown = metrics.exposition().decode()
    for line in (
        'writ_cosignatures_collected_total{log="clearview",witness="w1"} 2.0',
        'writ_witness_troubles_total{log="clearview",witness="w2"} 2.0',
        'writ_witness_contradictions_total{log="clearview",witness="w1"} 1.0',
        'writ_rounds_without_quorum_total{log="clearview"} 2.0',
        'writ_cosignatures{log="clearview"} 0.0',
        'writ_quorum_age_seconds{log="clearview"} 72000.0',
        'writ_held{log="clearview"} 0.0',
    ):
        assert line in shown


def test_told_to_stop_it_holds_until_a_quorum_and_again_two_rounds_after_the_last() -> None:
    quorum, clock, metrics = quorum_of("stop")
    assert 'writ_quorum_age_seconds{log="clearview"} +Inf' in metrics.exposition().decode()
    assert quorum.hold() == "no quorum of witnesses has cosigned yet (none was asked)"
    quorum.note(round_of("cosigned", "away"))
    assert quorum.hold() == "no quorum of witnesses has cosigned yet (w2: it is not reached)"
    quorum.note(round_of("cosigned", "cosigned"))
    clock.now_s = HOLD_AFTER_S - 1
    quorum.note(round_of("away", "away"))
    assert quorum.hold() is None
    clock.now_s = HOLD_AFTER_S
    assert "has cosigned for 7200 s" in (quorum.hold() or "")
    assert 'writ_held{log="clearview"} 1.0' in metrics.exposition().decode()
    quorum.note(round_of("cosigned", "cosigned"))
    assert quorum.hold() is None


def test_they_are_asked_by_the_hour_and_sooner_where_too_few_were_there() -> None:
    quorum, clock, _ = quorum_of("go-on")
    assert quorum.take_turn() is None
    quorum.note(round_of("cosigned", "away"))
    clock.now_s = RETRY_S
    assert (quorum.take_turn(), quorum.take_turn()) == ("retry", None)
    quorum.note(round_of("cosigned", "cosigned"))
    clock.now_s = RETRY_S + INTERVAL_S - 1
    assert quorum.take_turn() is None
    clock.now_s = RETRY_S + INTERVAL_S
    assert quorum.take_turn() == "round"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def witnessing(service: Service) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{service.url}/logs/clearview/witnesses") as response,
    ):
        assert response.status == 200
        shown: dict[str, Any] = msgspec.json.decode(await response.read())
        return shown


async def shown_by_writ(service: Service, folder: Path) -> str:
    url = ("--url", service.url)
    return (await asyncio.to_thread(writ, "log", "show", "clearview", *url, cwd=folder)).stdout


async def posted_again(service: Service) -> int:
    """What who posted the log's first entry is answered when he sends the same again."""
    url = f"{service.url}/logs/clearview"
    async with aiohttp.ClientSession() as session:
        bodies = []
        for index in (0, 1):
            async with session.get(f"{url}/entries/{index}") as response:
                bodies.append((await response.read()).split(b"\n", 1)[1])
        body = bodies[0] + b"\n" + bodies[1] + b"\n"
        async with session.post(f"{url}/submissions", data=body) as response:
            return response.status


async def until_taken_in(service: Service) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while (shown := await witnessing(service))["held"] is not None:
            await asyncio.sleep(0.05)
    return shown


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours are short: a round each half second, a hold after one."""
    for name, value in (
        ("anchoring.TICK_S", 0.05),
        ("quorums.RETRY_S", 0.1),
        ("quorums.INTERVAL_S", 0.5),
        ("quorums.HOLD_AFTER_S", 1.0),
    ):
        monkeypatch.setattr(f"ledger.{name}", value)


async def test_with_its_witness_killed_a_log_takes_nothing_in_until_that_is_back(
    world: World, database: Database, tmp_path: Path, hurried: None
) -> None:
    key, port = await made_log_key(world, database), free_port()
    config = written(tmp_path / "logs", [ListedLog(key.verifier, key.name, 86_400, "c")])
    vkey = format_vkey(SigningKey("witness.example/w1", COSIGNATURE, bytes(range(32, 64))).verifier)
    world.policy, world.without_quorum = tmp_path / "policy", "stop"
    world.policy.write_text(f"witness w1 {vkey} http://127.0.0.1:{port}\nquorum w1\n")
    async with (
        started(tmp_path, "--config", str(config), port=port) as (process, _),
        world.service(database) as service,
    ):
        log = service.logs["clearview"]
        await world.post(service, log, 1)
        process.kill()
        await process.wait()
        async with asyncio.timeout(20):
            while log.hold() is None:
                await asyncio.sleep(0.05)
        with pytest.raises(Unreachable, match="no quorum of witnesses has cosigned for"):
            await world.post(service, log, 2)
        assert await posted_again(service) == 200
        said = await shown_by_writ(service, tmp_path)
        assert "witnesses: 0 of 1 cosigned size" in said
        assert "NOTHING IS TAKEN IN: no quorum of witnesses has cosigned for" in said
        assert "no quorum" in (await service.check_health())["clearview"]
        shown = await witnessing(service)
        assert (shown["without_quorum"], shown["witnesses"][0]["answer"]) == ("stop", "trouble")
        async with started(tmp_path, "--config", str(config), port=port):
            assert (await until_taken_in(service))["witnesses"] == [
                {"answer": "cosigned", "name": "w1", "why": None}
            ]
            await world.post(service, log, 3)
            assert await service.check_health() == {}
            assert "witnesses: 1 of 1 cosigned size" in await shown_by_writ(service, tmp_path)


async def test_a_service_that_starts_without_its_witness_takes_nothing_in_or_goes_on_as_told(
    world: World, database: Database, tmp_path: Path, hurried: None
) -> None:
    await made_log_key(world, database)
    world.policy = world.write_policy("http://127.0.0.1:1")
    async with world.service(database) as service:
        await world.post(service, service.logs["clearview"], 1)
        shown = service.metrics.exposition().decode()
        assert 'writ_quorum_age_seconds{log="clearview"} +Inf' in shown
        assert 'writ_rounds_without_quorum_total{log="clearview"}' in shown
    world.without_quorum = "stop"
    async with world.service(database) as service:
        with pytest.raises(Unreachable, match="no quorum of witnesses has cosigned yet"):
            await world.post(service, service.logs["clearview"], 2)


async def test_an_idle_log_is_shown_to_its_witnesses_and_no_anchor_is_added(
    world: World, database: Database, hurried: None
) -> None:
    key = await made_log_key(world, database)
    world.without_quorum = "stop"
    async with world.witness(key), world.service(database) as service:
        log: Log = service.logs["clearview"]
        async with asyncio.timeout(20):
            while not (made := await anchors_in(log)):
                await asyncio.sleep(0.05)
        await asyncio.sleep(2.5)
        assert log.hold() is None
        assert await anchors_in(log) == made


async def test_a_policy_without_a_quorum_cannot_be_waited_for(database: Database, tmp_path: Path) -> None:
    (tmp_path / "policy").write_text("quorum none\n")
    config = Config(
        data=tmp_path / "data", database=database, policy=tmp_path / "policy", host="127.0.0.1", port=0,
        without_quorum="stop",
    )  # fmt: skip
    with pytest.raises(Failure, match="asks for no quorum"):
        async with running_service(config):
            pass
