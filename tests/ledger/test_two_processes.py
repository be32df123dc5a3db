"""Several services on one database append to one log: no loss, no fork, dense numbers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from ledger.config import Database
from signing.checkpoint import open_checkpoint, verify_checkpoint
from signing.tlog_proof import parse_proof
from tests.check_ledger import check_ledger
from tests.ledger.founding import found_log
from tests.ledger.lab import Lab, Poster, collected, running_lab
from tests.ledger.load import posters
from tests.ledger.processes import copy_folder, serving

SECRET = "4" * 64


@asynccontextmanager
async def two_labs(database: Database, folder: Path, *, shared: bool) -> AsyncIterator[tuple[Lab, Lab]]:
    """Two services on one database, with one folder of keys and records or with two."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running_lab(database, folder / "a"))
        if not shared:
            copy_folder(folder / "a", folder / "b")
        second = await stack.enter_async_context(running_lab(database, folder / ("a" if shared else "b")))
        yield first, second


@pytest.mark.parametrize("shared", [True, False], ids=["one-folder", "two-folders"])
async def test_two_services_append_to_one_log_at_once(
    database: Database, tmp_path: Path, shared: bool
) -> None:
    async with two_labs(database, tmp_path, shared=shared) as labs:
        poster = await labs[0].register("crawler.clearview.example")

        async def run(lab: Lab, name: str) -> list[bytes]:
            mine = Poster(poster.signer, f"{poster.source}/{name}")
            return [await lab.post(mine, mine.events(count)) for count in (1, 40, 1, 300, 2, 7, 1, 90)]

        receipts = await asyncio.gather(*(run(lab, f"{n}{i}") for i, lab in enumerate(labs) for n in "abc"))
        indexes = [parse_proof(receipt).index for chain in receipts for receipt in chain]
        assert len(set(indexes)) == 48
        assert await check_ledger(database.owner_dsn, "clearview") == 4 + 6 * (442 + 8)
        # Each shows what the other wrote, within a moment.
        for lab in labs:
            async with asyncio.timeout(20):
                while await shown_size(lab) != 4 + 6 * 450:
                    await asyncio.sleep(0.05)


async def shown_size(lab: Lab) -> int:
    """The size of the checkpoint that a service shows."""
    async with lab.session.get(f"{lab.url}/checkpoint") as response:
        checkpoint, _ = open_checkpoint(await response.read(), lab.log.keys.log.verifier)
    return checkpoint.size


async def test_one_source_log_through_two_services(database: Database, tmp_path: Path) -> None:
    async with two_labs(database, tmp_path, shared=True) as labs:
        # A key that one has registered posts at the other, and the source log goes on at either.
        poster = await labs[0].register("crawler.clearview.example")
        for number in range(6):
            await labs[number % 2].post(poster, poster.events(2))
        # What one has stored, the other knows: the same receipt, and the same conflict.
        body, after = poster.make(poster.events(3))
        first = await labs[0].send(body)
        assert first[0] == 200
        assert await labs[1].send(body) == first
        status, _ = await labs[1].send(poster.make(poster.events(1))[0])
        assert status == 409
        poster.frontier = after
        # So with the token door.
        await labs[0].register_token("crm.clearview.example", SECRET)
        event = b"[" + collected("crm.clearview.example", 1) + b"]"
        _, placed = await labs[1].post_events(event, SECRET)
        _, again = await labs[0].post_events(event, SECRET)
        assert again["receipts"] == placed["receipts"]
        assert again["events"] == [{**placed["events"][0], "repeated": True}]


async def test_a_log_that_another_service_made_is_found(database: Database, tmp_path: Path) -> None:
    async with two_labs(database, tmp_path, shared=True) as labs:
        await labs[0].service.create_log("ledger.example/pimeyes", "pimeyes", public_reading=True)
        async with labs[1].session.get(f"{labs[1].service.url}/logs/pimeyes/checkpoint") as response:
            assert response.status == 200


async def test_two_processes_append_to_one_log_at_once(database: Database, tmp_path: Path) -> None:
    async with serving(tmp_path / "data", database) as first, serving(tmp_path / "data", database) as second:
        key = await found_log(first.url, first.data)
        async with aiohttp.ClientSession() as session:

            async def post(poster: Poster) -> list[int]:
                """Each submission of a poster goes to the other process than the one before."""
                found = []
                for number, count in enumerate((1, 30, 1, 200, 5, 1)):
                    body, poster.frontier = poster.make(poster.events(count))
                    url = f"{(first, second)[number % 2].url}/logs/clearview/submissions"
                    async with session.post(url, data=body) as response:
                        assert response.status == 200, await response.text()
                        proof = parse_proof(await response.read())
                    poster.seen = verify_checkpoint(proof.checkpoint, key)
                    found.append(proof.index)
                return found

            everybody = posters()
            indexes = await asyncio.gather(*(post(poster) for poster in everybody))
    assert len({index for found in indexes for index in found}) == 6 * len(everybody)
    await check_ledger(database.owner_dsn, "clearview")
