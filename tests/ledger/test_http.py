import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg

from ledger.app import running_service
from ledger.config import Config, Database
from ledger.creation import Creation, sign_creation
from ledger.keyfiles import read_key
from ledger.web import Limits
from signing.keys import Signer
from signing.merkle import leaf_hash
from signing.tlog_proof import parse_proof, verify_proof
from tests.check_ledger import check_ledger
from tests.ledger.lab import CONTROLLER, ORIGIN, Lab, Poster, running_lab, seeded_key
from tests.ledger.processes import wait_until_in_line


async def test_receipt_proves_the_submission(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        receipt = await lab.post(poster, poster.events(3))
        proof = parse_proof(receipt)
        async with lab.session.get(f"{lab.url}/entries/{proof.index}") as response:
            entry = await response.read()
        checkpoint = verify_proof(proof, leaf_hash(entry), lab.log.keys.log.verifier)
        assert checkpoint.size == 8
        async with lab.session.get(f"{lab.service.url}/health") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok", "wrong": {}})


async def test_the_administrator_makes_logs(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        administrator = read_key(Path(lab.service.admin_key_path))

        async def wish(
            origin: str, controller: str = "pimeyes", key: Signer = administrator
        ) -> tuple[int, str]:
            body = sign_creation(Creation(origin, controller, public_reading=False), key)
            async with lab.session.post(f"{lab.service.url}/logs", data=body) as response:
                return response.status, await response.text()

        status, answer = await wish("ledger.example/pimeyes")
        assert status == 200, answer
        assert json.loads(answer)["vkey"].startswith("ledger.example/pimeyes+")
        assert await wish("ledger.example/pimeyes") == (200, answer)
        refused = {
            "another controller": await wish("ledger.example/pimeyes", "clearview"),
            "another origin of the same name": await wish("other.example/pimeyes"),
            "no origin": await wish("Ledger"),
            "a hidden name": await wish("ledger.example/.."),
            "below the administrator": await wish("administrator/x"),
            "no controller": await wish("ledger.example/new", "no such thing"),
            "another key": await wish("ledger.example/new", key=seeded_key("administrator")),
        }
        statuses = {name: status for name, (status, _) in refused.items()}
        assert statuses == {name: 401 if name == "another key" else 409 for name in refused}
        assert sorted(lab.service.logs) == ["clearview", "new", "pimeyes"]
    await check_ledger(database.owner_dsn, "pimeyes")


async def test_at_once_the_same_log_is_made_once(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        made = await asyncio.gather(
            *(lab.service.create_log("ledger.example/new", "new", public_reading=True) for _ in range(5))
        )
        assert len({id(log) for log in made}) == 1


async def test_metrics_count_what_happened(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        await lab.send(b"x")
        async with lab.session.get(f"{lab.service.url}/metrics") as response:
            text = await response.text()
        assert 'writ_entries_total{log="clearview"} 2.0' in text
        assert 'writ_released_size{log="clearview"} 2.0' in text
        assert 'writ_refusals_total{problem="malformed"} 1.0' in text


async def test_every_answer_has_the_requests_id(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        seen = set()
        for path in ("checkpoint", "nothing", "entries/0"):
            async with lab.session.get(f"{lab.url}/{path}") as response:
                seen.add(response.headers["X-Request-Id"])
                if response.status == 404:
                    assert (await response.json())["request"] in seen
        assert len(seen) == 3


async def test_bodies_share_a_budget(database: Database, tmp_path: Path) -> None:
    limits = Limits(body_bytes=2_000, held_bytes=3_000)
    async with running_lab(database, tmp_path, limits=limits) as lab:
        begun, release = asyncio.Event(), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            begun.set()
            yield b"x"
            await release.wait()

        first = asyncio.create_task(post(lab, slow()))
        await begun.wait()
        status, answer = await lab.send(b"x" * 1_500)
        assert (status, b"problem:busy" in answer) == (503, True)
        release.set()
        assert (await first) == 400
        assert (await lab.send(b"x" * 1_500))[0] == 400


async def post(lab: Lab, body: AsyncIterator[bytes]) -> int:
    # The body begins once the service has asked for it, and has taken a share for it.
    async with lab.session.post(f"{lab.url}/submissions", data=body, expect100=True) as response:
        return response.status


async def test_what_waits_is_answered_at_the_end(database: Database, tmp_path: Path) -> None:
    config = Config(data=tmp_path, database=database, policy=None, host="127.0.0.1", port=0)
    async with aiohttp.ClientSession() as session:
        async with running_service(config) as service:
            log = await service.create_log(ORIGIN, CONTROLLER, public_reading=True)
            lab = Lab(service, log, session)
            poster = await lab.register("crawler.clearview.example")
            posters = [Poster(poster.signer, f"{poster.source}/{number}") for number in range(50)]
            bodies = [one.make(one.events(20))[0] for one in posters]
            owner = await asyncpg.connect(database.owner_dsn)
            await owner.execute("BEGIN; SELECT * FROM heads FOR UPDATE")
            sent = [asyncio.create_task(lab.send(bodies[0]))]
            await wait_until_in_line(session, service.url, owner, 0)
            sent += [asyncio.create_task(lab.send(body)) for body in bodies[1:]]
            await wait_until_in_line(session, service.url, owner, len(bodies) - 1)
            # Now the service is told to end, and at the same time can go on.
            committing = asyncio.create_task(owner.execute("COMMIT"))
        await committing
        await owner.close()
        answers = await asyncio.gather(*sent)
    assert {status for status, _ in answers} == {200}
    await check_ledger(database.owner_dsn, "clearview")
