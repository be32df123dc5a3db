"""A bundle is built from the log where it stands, and neither log nor bundle is held in memory."""

import asyncio
import random
import tracemalloc
from pathlib import Path

import asyncpg
import pytest

from ledger import store
from ledger.bundling import Job, build
from ledger.children import Child
from ledger.config import Database
from ledger.log_source import LogSource
from ledger.packing import Pack
from ledger.problems import Refused
from projections.holdings import Holdings
from projections.runners import shelf
from projections.runners.offline import replay
from projections.runners.source import Missing
from signing.checkpoint import Checkpoint
from signing.errors import FormatError, ProofError
from signing.keys import SigningKey
from signing.note import format_note
from signing.tiles import ENTRIES, WIDTH, Tile, static_tree
from tests.ledger.altering import altered
from tests.ledger.test_export import ORDER, Case, line, running_case
from tests.projections.deeds import erased, handle


def built(job: Job, most_held: int | None) -> list[int]:
    """In a process of its own: build, and return how many records were put away each time."""
    counts: list[int] = []

    class Counting(shelf.Shelf):
        def put_away(self, holdings: Holdings) -> None:
            counts.append(len(holdings))
            super().put_away(holdings)

    shelf.Shelf = Counting  # type: ignore[misc]
    build(job, most_held)
    return counts


async def checkpoint_of(case: Case) -> tuple[Checkpoint, bytes]:
    """The newest, alone and signed by the log."""
    released = await case.lab.log.checkpoint()
    assert not isinstance(released, Refused)
    return released.checkpoint, format_note(await case.lab.log.writer.releaser.sign(released.checkpoint))


async def job_of(case: Case, folder: Path, *, compact: bool = False) -> Job:
    """What the service would have a bundle made of."""
    operator = case.lab.log.keys.operator
    assert isinstance(operator, SigningKey)
    folder.mkdir()
    return Job(
        dsn=case.lab.service.database.service_dsn,
        log=case.lab.log.name,
        order=ORDER,
        checkpoint=(await checkpoint_of(case))[1],
        operator=operator,
        now=4_000_000_000,
        compact=compact,
        folder=str(folder),
    )


@pytest.mark.parametrize("compact", [False, True])
async def test_records_put_away_change_no_byte(database: Database, tmp_path: Path, compact: bool) -> None:
    async with running_case(database, tmp_path / "data") as case:
        await case.lab.post(case.crawler, case.crawler.events(300))
        await case.lab.post(case.crawler, [line(case.crawler, erased(*range(4)))])
        counts, bundles = {}, set()
        for most_held in (None, 20):
            job = await job_of(case, tmp_path / f"{most_held}", compact=compact)
            child = Child()
            try:
                work = asyncio.get_running_loop().run_in_executor(child.pool, built, job, most_held)
                counts[most_held] = await work
            finally:
                child.end()
            bundles.add((Path(job.folder) / "bundle.zip").read_bytes())
    assert len(bundles) == 1
    assert counts[None] == []
    assert len(counts[20]) > 10
    assert max(counts[20]) < 50


def test_what_is_packed_is_not_held(tmp_path: Path) -> None:
    piece = random.Random(7).randbytes(1 << 20)
    with Pack(tmp_path / "bundle.zip") as pack:
        tracemalloc.start()
        for at in range(32):
            pack.add(f"tile/entries/{at:03}", piece)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (tmp_path / "bundle.zip").stat().st_size > 32 << 20
    assert peak_bytes < 4 << 20


async def test_a_log_is_read_as_the_static_tree_that_it_was(database: Database, tmp_path: Path) -> None:
    """Tile after tile or one alone; of the newest checkpoint, and of one that the log has outgrown."""
    async with running_case(database, tmp_path / "data") as case:
        taken = [await checkpoint_of(case)]
        for count in (700, 5_000):
            await case.lab.post(case.crawler, case.crawler.events(count))
            taken.append(await checkpoint_of(case))
        dsn, name = case.lab.service.database.service_dsn, case.lab.log.name
        connection = await asyncpg.connect(dsn)
        entries = await store.read_entries(connection, name, 0, taken[-1][0].size)
        await connection.close()
        for checkpoint, note in taken:
            with LogSource(dsn, name, note) as source:
                tree = static_tree(entries[: checkpoint.size])
                assert {path: source.read(path) for path in tree} == tree
                assert all(map(source.has, tree))
                assert {path: source.read(path) for path in reversed(tree)} == tree
                assert source.read("checkpoint") == note
                for path in ("tile/0/900", "tile/entries/000.p/7", "tile/5/000"):
                    assert not source.has(path)
                    with pytest.raises(Missing):
                        source.read(path)
                assert not source.has("statement")
                with pytest.raises(FormatError):
                    source.read("statement")


async def test_what_is_packed_is_what_was_replayed(database: Database, tmp_path: Path) -> None:
    """Somebody alters the log between the two."""
    async with running_case(database, tmp_path / "data") as case:
        await case.lab.post(case.crawler, case.crawler.events(5_000))
        checkpoint, note = await checkpoint_of(case)
        with LogSource(case.lab.service.database.service_dsn, case.lab.log.name, note) as source:
            replayed = await asyncio.to_thread(replay, source, workers=0)
            size = checkpoint.size
            for level, width in ((ENTRIES, WIDTH), (0, WIDTH), (1, size // WIDTH)):
                assert len(replayed.tile(Tile(level, 0, width))) > 32 * (width - 1)
            replayed.tile(Tile(ENTRIES, 5))
            async with altered(database, handle(3), handle(99)):
                with pytest.raises(ProofError, match="the source has changed since"):
                    replayed.tile(Tile(ENTRIES, 0))
