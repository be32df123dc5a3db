"""Inventories by a report that S3 made yesterday: what it says was so when it was made, and no later."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ledger.client import open_session
from ledger.config import Database
from ledger.failure import Failure
from ledger.inventory.dating import CLOCKS_DIFFER_S, place_at
from ledger.remote import RemoteLog
from signing.checkpoint import Checkpoint
from signing.keys import parse_vkey
from tests.ledger.command_line import running_session
from tests.ledger.inventory.estate import Estate, name
from tests.ledger.stores import test_s3_report as report

PEOPLE = 60


@pytest.fixture
async def estate(database: Database, empty_database: Database, tmp_path: Path) -> AsyncIterator[Estate]:
    async with running_session(database, tmp_path, public=True) as session:
        yield await Estate.build(session, empty_database, PEOPLE)


def written(estate: Estate, numbers: range, made_at_s: float) -> Path:
    rows: list[report.Row] = [("faces", name(one), "1", True, False) for one in numbers]
    return report.write(estate.folder, [report.as_csv(rows)], creationTimestamp=f"{int(made_at_s * 1000)}")


def words(manifest: Path, *more: str) -> list[str]:
    look = ["--from", f"s3-report:{manifest}", "--blinding-key", "b.key", "--controller", "clearview"]
    return [*look, *more]


async def inventory(estate: Estate, manifest: Path) -> Any:
    said = await estate.session.value(
        "inventory", "people", *words(manifest, "--auditor", "--anew"), key=estate.auditor
    )
    attested = (await estate.told("attested"))[-1]["data"]
    assert attested["digest"] == said["digest"]
    return attested


async def sizes(estate: Estate) -> list[int]:
    """When each entry was recorded, in microseconds."""
    log = estate.session.service.logs["clearview"]
    assert log.released is not None
    page = await log.reader.events(-1, None, 10_000, log.released.checkpoint.size)
    return [event.time_us for event in page.events]


async def test_its_place_is_that_of_its_making_and_not_of_today(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = estate.session.service.logs["clearview"].released
    assert before is not None
    await asyncio.sleep(1.1)  # a report's time is in whole seconds
    made_at_s = time.time()
    await estate.hold([PEOPLE])
    # Clocks may differ by a minute, so the report is dated as if it had been made a minute after the entries.
    attested = await inventory(estate, written(estate, range(PEOPLE), made_at_s + CLOCKS_DIFFER_S))

    assert attested["begun_size"] == before.checkpoint.size
    code, told = await estate.reconcile(key=estate.auditor)
    assert (code, told["missing"], told["orphans"]) == (0, [], [])


async def test_what_a_report_says_is_nothing_about_today(estate: Estate) -> None:
    manifest = written(estate, range(PEOPLE), time.time())
    for command in (
        ["inventory", "people", *words(manifest, "--quiescent")],
        ["probe", "ico.example/en-2026-1", "--store", "people", *words(manifest)],
        ["sample", "ico.example/en-2026-1", "--store", "people", *words(manifest)],
    ):
        code, out, err = await estate.session.writ(*command, key=estate.auditor)
        assert (code, out) == (2, "")
        assert "a report is as old as S3 made it" in err, command


async def test_a_report_from_before_the_log_has_no_place_in_it(estate: Estate) -> None:
    manifest = written(estate, range(PEOPLE), 1_600_000_000)
    code, _, err = await estate.session.writ(
        "inventory", "people", *words(manifest, "--auditor"), key=estate.auditor
    )
    assert (code, "had no entry yet when the report was made" in err) == (1, True)


async def test_each_moment_has_the_place_of_the_last_entry_recorded_by_then(estate: Estate) -> None:
    log = estate.session.service.logs["clearview"]
    assert log.released is not None
    seen = log.released.checkpoint
    async with open_session() as session:
        remote = RemoteLog(session, estate.session.service.url, parse_vkey(estate.session.log_vkey))
        for moment_s in {time_us // 1_000_000 + late for time_us in await sizes(estate) for late in (1, 2)}:
            size, root = await place_at(remote, seen, moment_s + CLOCKS_DIFFER_S)
            answer = [await remote.get(f"entries/{index}") for index in (size - 1, min(size, seen.size - 1))]
            recorded = [int(one.body.split(b" ")[2]) for one in answer]
            assert recorded[0] <= moment_s * 1_000_000
            assert size == seen.size or recorded[1] > moment_s * 1_000_000
            await remote.require_growth(Checkpoint(seen.origin, size, root), seen)
        with pytest.raises(Failure, match="no entry yet"):
            await place_at(remote, seen, 1_600_000_000)
