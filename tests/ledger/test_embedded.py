"""The private Postgres against real kills: of the server, and of the process that runs it."""

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import pytest_asyncio

from ledger.cluster import PostgresFailed
from ledger.embedded import EmbeddedPostgres

# Runs a server, commits one row, opens a transaction, says so, and waits to be killed.
VICTIM = """
import asyncio, sys
from pathlib import Path
import asyncpg
from ledger.embedded import EmbeddedPostgres

async def main():
    database = await EmbeddedPostgres(Path(sys.argv[1])).start()
    connection = await asyncpg.connect(database.owner_dsn)
    await connection.execute("CREATE TABLE kept (number int PRIMARY KEY); INSERT INTO kept VALUES (1)")
    await connection.execute("BEGIN; LOCK TABLE kept; INSERT INTO kept VALUES (2)")
    print("ready", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="writ-test-") as folder:
        yield Path(folder)


@pytest_asyncio.fixture
async def postgres(data: Path) -> AsyncIterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(data)
    await made.start()
    yield made
    await made.stop()


async def fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def owner_dsn(postgres: EmbeddedPostgres) -> str:
    return postgres.cluster.dsn("writ_owner")


async def test_data_outlives_a_stop_and_nothing_is_left_running(data: Path) -> None:
    postgres = EmbeddedPostgres(data)
    first = await postgres.start()
    await fetch(first.owner_dsn, "CREATE TABLE kept (number int)")
    pid = postgres.pid
    await postgres.stop()
    assert not psutil.pid_exists(pid)
    again = await postgres.start()
    assert again == first
    assert await fetch(again.owner_dsn, "SELECT count(*) FROM kept") == 0
    await postgres.stop()


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM])
async def test_a_dead_server_comes_back_with_what_was_committed(
    postgres: EmbeddedPostgres, number: signal.Signals
) -> None:
    await fetch(owner_dsn(postgres), "CREATE TABLE kept (number int)")
    for round_number in range(2):
        pid = postgres.pid
        await fetch(owner_dsn(postgres), f"INSERT INTO kept VALUES ({round_number})")
        os.kill(pid, number)
        await asyncio.to_thread(psutil.Process(pid).wait, 10)
        await postgres.ensure_running(timeout_s=30)
        assert postgres.pid != pid
        assert await fetch(owner_dsn(postgres), "SELECT count(*) FROM kept") == round_number + 1


async def test_a_killed_backend_does_not_end_the_server(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(owner_dsn(postgres))
    os.kill(connection.get_server_pid(), signal.SIGKILL)
    while not connection.is_closed():
        with contextlib.suppress(asyncpg.PostgresError, OSError):
            await connection.execute("SELECT 1")
    await postgres.ensure_running(timeout_s=30)
    assert await fetch(owner_dsn(postgres), "SELECT 1") == 1


async def test_the_server_of_a_killed_process_is_taken_over(data: Path) -> None:
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, str(data), stdout=subprocess.PIPE, start_new_session=True
    )
    assert victim.stdout is not None
    while await victim.stdout.readline() != b"ready\n":
        assert victim.returncode is None
    orphan = int((data / "postgres/cluster/postmaster.pid").read_text().split("\n")[0])
    victim.kill()
    await victim.wait()
    assert psutil.pid_exists(orphan)

    postgres = EmbeddedPostgres(data)
    database = await postgres.start()
    # A zombie may stay for whoever inherited the process: its exit code is not ours to fetch.
    assert not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE
    # The dead process's transaction held a lock on the table, and its row was never committed.
    assert await fetch(database.owner_dsn, "SELECT count(*) FROM kept") == 1
    await postgres.stop()


async def test_a_pid_file_that_names_another_process_is_no_obstacle(data: Path) -> None:
    postgres = EmbeddedPostgres(data)
    await postgres.start()
    await postgres.stop()
    # Of Postgres's own user: that is whom Postgres takes for its predecessor.
    bystander = await asyncio.create_subprocess_exec(*postgres.cluster.account.prefix, "sleep", "60")
    cluster = data / "postgres/cluster"
    (cluster / "postmaster.pid").write_text(f"{bystander.pid}\n{cluster}\n1\n5432\n\n\n\n")
    await postgres.start()
    await postgres.stop()
    assert bystander.returncode is None
    bystander.kill()
    await bystander.wait()


async def test_a_second_process_on_one_folder_is_refused(postgres: EmbeddedPostgres, data: Path) -> None:
    with pytest.raises(PostgresFailed, match="another process runs") as caught:
        await EmbeddedPostgres(data).start()
    assert "--data" in caught.value.remedy
    assert await fetch(owner_dsn(postgres), "SELECT 1") == 1


async def test_a_crash_while_the_files_are_made_is_repaired(data: Path) -> None:
    half = data / "postgres/cluster.new/cluster"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    postgres = EmbeddedPostgres(data)
    database = await postgres.start()
    assert await fetch(database.owner_dsn, "SELECT 1") == 1
    await postgres.stop()
    assert not [*data.glob("postgres/cluster.new*")]


async def test_who_still_makes_files_for_a_killed_process_is_in_nobodys_way(data: Path) -> None:
    for number in range(3):
        folder = data / str(number)
        victim = await asyncio.create_subprocess_exec(sys.executable, "-c", VICTIM, str(folder))
        async with asyncio.timeout(60):
            # Where a tool of Postgres is at work on files that are not complete.
            while not [*folder.glob("postgres/cluster.new*/cluster/PG_VERSION")]:
                await asyncio.sleep(0.001)
        victim.kill()
        await victim.wait()
        postgres = EmbeddedPostgres(folder)
        database = await postgres.start()
        assert await fetch(database.owner_dsn, "SELECT current_user") == "writ_owner"
        await postgres.stop()


async def test_a_server_that_cannot_start_says_why(data: Path) -> None:
    postgres = EmbeddedPostgres(data)
    await postgres.start()
    await postgres.stop()
    (data / "postgres/cluster/global/pg_control").unlink()
    with pytest.raises(PostgresFailed, match="pg_control"):
        await postgres.start()


async def test_a_path_too_long_for_a_socket_works(data: Path) -> None:
    deep = data / ("a" * 60) / ("b" * 60)
    postgres = EmbeddedPostgres(deep)
    database = await postgres.start()
    assert await fetch(database.owner_dsn, "SELECT 1") == 1
    await postgres.stop()
    postgres.cluster.run.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="as an ordinary user Postgres runs as that user")
async def test_as_root_a_folder_closed_to_others_works_and_stays_closed(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(closed / "data")
    database = await postgres.start()
    assert await fetch(database.owner_dsn, "SELECT 1") == 1
    assert psutil.Process(postgres.pid).uids().effective != 0
    await postgres.stop()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


async def test_nobody_enters_without_a_password(postgres: EmbeddedPostgres) -> None:
    run = str(postgres.cluster.run)
    for user, password in (
        ("writ_owner", None),
        ("writ_owner", "wrong"),
        ("postgres", None),
        ("postgres", ""),
    ):
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
            await asyncpg.connect(user=user, password=password, database="writ", host=run)


async def test_only_its_own_user_reaches_the_files_and_the_socket(postgres: EmbeddedPostgres) -> None:
    cluster = postgres.cluster
    assert stat.S_IMODE((cluster.folder / "secret").stat().st_mode) == 0o600
    for folder in (cluster.files, cluster.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert psutil.Process(postgres.pid).net_connections(kind="inet") == []


async def test_what_is_acknowledged_is_on_the_disk(postgres: EmbeddedPostgres) -> None:
    dsn = owner_dsn(postgres)
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert await fetch(dsn, f"SHOW {setting}") == "on", setting
    assert await fetch(dsn, "SHOW idle_in_transaction_session_timeout") == "30s"


async def test_a_further_database_is_closed_to_the_others(postgres: EmbeddedPostgres) -> None:
    dsn = await postgres.create_database("estate")
    assert await postgres.create_database("estate") == dsn
    await fetch(dsn, "CREATE TABLE people (id int)")
    await postgres.create_database("other")
    for role, database in (("estate", "writ"), ("other", "estate")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(postgres.cluster.dsn(role, database))
