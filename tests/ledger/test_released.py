import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.app import running_service
from ledger.config import Config, Database
from ledger.failure import Failure
from ledger.released import SLOT_BYTES, Forked, Record, format_slot, parse_slot
from signing.checkpoint import Checkpoint
from tests.conftest import renamed
from tests.ledger.lab import ORIGIN, Poster, running_lab


def checkpoint(size: int, root: int = 0, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, root.to_bytes(32, "big"))


async def test_the_record_only_advances(tmp_path: Path) -> None:
    record = Record(tmp_path / "released", "clearview", ORIGIN)
    assert record.read() is None
    for size in (5, 9, 7, 20):
        await record.advance(checkpoint(size))
    assert record.read() == checkpoint(20)
    await record.advance(checkpoint(20))
    with pytest.raises(Forked, match="size 20 was released"):
        await record.advance(checkpoint(20, root=1))
    assert record.read() == checkpoint(20)


async def test_a_torn_write_leaves_the_record_before(tmp_path: Path) -> None:
    record = Record(tmp_path, "clearview", ORIGIN)
    await record.advance(checkpoint(5))
    for last, size in ((5, 9), (9, 12), (12, 500)):
        before = record.path.read_bytes()
        await record.advance(checkpoint(size))
        after = record.path.read_bytes()
        for torn in range(0, 2 * SLOT_BYTES, 41):
            record.path.write_bytes(after[:torn] + before[torn:])
            assert record.read() in (checkpoint(last), checkpoint(size))
            await record.advance(checkpoint(size))
            assert record.read() == checkpoint(size)
        record.path.write_bytes(after)


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"\0" * 2 * SLOT_BYTES])
def test_a_record_that_is_none_freezes(tmp_path: Path, raw: bytes) -> None:
    record = Record(tmp_path, "clearview", ORIGIN)
    record.path.write_bytes(raw)
    with pytest.raises(Failure, match="not a record"):
        record.read()


async def test_the_record_of_another_log_is_none(tmp_path: Path) -> None:
    await Record(tmp_path, "clearview", "ledger.example/other").advance(
        checkpoint(5, origin="ledger.example/other")
    )
    with pytest.raises(Failure, match=r"is the record of ledger\.example/other"):
        Record(tmp_path, "clearview", ORIGIN).read()


async def test_records_of_two_processes_keep_the_greatest(tmp_path: Path) -> None:
    records = [Record(tmp_path, "clearview", ORIGIN) for _ in range(4)]
    await asyncio.gather(
        *(record.advance(checkpoint(size, size)) for size in range(1, 40) for record in records)
    )
    assert records[0].read() == checkpoint(39, 39)


@given(st.binary(max_size=SLOT_BYTES))
def test_a_slot_is_read_exactly(raw: bytes) -> None:
    found = parse_slot(raw)
    assert found is None or format_slot(found) == raw


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_slot_is_read_back(size: int, root: bytes) -> None:
    slot = format_slot(Checkpoint(ORIGIN, size, root))
    assert len(slot) == SLOT_BYTES
    assert parse_slot(slot) == Checkpoint(ORIGIN, size, root)


async def test_a_restored_backup_is_refused_not_signed_over(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        await lab.post(poster, poster.events(300))
    async with copy_of(database) as backup:
        async with running_lab(database, tmp_path) as lab:
            await lab.post(poster, poster.events(5))
            released = lab.log.released
        async with running_service(config(backup, tmp_path)) as service:
            log = service.logs["clearview"]
            assert log.writer.frozen is not None
            assert "restored from an older backup" in log.writer.frozen
            assert log.released is None
            assert "clearview" in await service.check_health()
        # Nothing was written either; with the right database everything goes on.
        connection = await asyncpg.connect(backup.owner_dsn)
        assert released is not None
        assert await connection.fetchval("SELECT size FROM heads") == released.checkpoint.size - 6
        await connection.close()
    async with running_lab(database, tmp_path) as lab:
        await lab.post(poster, poster.events(1))


async def test_a_head_that_goes_back_under_a_running_service_freezes(
    database: Database, tmp_path: Path
) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        connection = await asyncpg.connect(database.owner_dsn)
        await connection.execute("CREATE TABLE kept AS SELECT * FROM heads")
        await lab.post(poster, poster.events(5))
        await connection.execute("CREATE TABLE right_head AS SELECT * FROM heads")
        await connection.execute("DELETE FROM heads; INSERT INTO heads SELECT * FROM kept")
        status, answer = await lab.send(poster.make(poster.events(1))[0])
        assert (status, b"went back from size 10 to 4" in answer) == (503, True)
        # Nor does it come to itself when the head does: somebody has to look first.
        await connection.execute("DELETE FROM heads; INSERT INTO heads SELECT * FROM right_head")
        await connection.close()
        status, answer = await lab.send(poster.make(poster.events(1))[0])
        assert (status, b"urn:writ:problem:frozen" in answer) == (503, True)
        async with lab.session.get(f"{lab.url}/checkpoint") as response:
            assert response.status == 503


async def test_another_history_of_the_same_length_is_refused(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path / "a") as lab:
        poster = await lab.register("crawler.clearview.example")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "keys").symlink_to(tmp_path / "a" / "keys")
    async with copy_of(database) as fork:
        async with running_lab(database, tmp_path / "a") as lab:
            await lab.post(poster, poster.events(5))
        async with running_lab(fork, tmp_path / "b") as lab:
            # The same key signs another history here: this folder knows nothing of the other one's.
            other = Poster(poster.signer)
            await lab.post(other, other.events(300))
        async with running_service(config(fork, tmp_path / "a")) as service:
            assert "does not hold that history" in str(service.logs["clearview"].writer.frozen)


def config(database: Database, data: Path) -> Config:
    return Config(data=data, database=database, policy=None, host="127.0.0.1", port=0)


@asynccontextmanager
async def copy_of(database: Database) -> AsyncIterator[Database]:
    """A database copied as it is now, as a backup would restore it."""
    name = urlsplit(database.owner_dsn).path.removeprefix("/")
    copy = f"{name}_copy"
    owner = await asyncpg.connect(renamed(database.owner_dsn, "postgres"))
    try:
        await owner.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
        yield Database(
            owner_dsn=renamed(database.owner_dsn, copy), service_dsn=renamed(database.service_dsn, copy)
        )
        await owner.execute(f"DROP DATABASE {copy} WITH (FORCE)")
    finally:
        await owner.close()
