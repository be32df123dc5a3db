"""Migrations: they give the schema on record, whole or not at all, whoever runs them."""

import asyncio
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from ledger.cluster import binaries
from ledger.config import SERVICE_ROLE, Database
from ledger.migrate import migrate

GOLDEN = Path(__file__).parent.parent / "golden" / "schema.sql"
TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"


def dump_schema(dsn: str) -> str:
    """Return the schema as pg_dump writes it, without what varies from run to run."""
    command = [
        str(binaries() / "pg_dump"),
        "--schema-only",
        "--no-owner",
        "--restrict-key=writ",
        f"--dbname={dsn}",
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    kept = [line for line in text.splitlines() if not re.match(r"--|SET |SELECT pg_catalog|\\", line)]
    owner = urlsplit(dsn).username
    return re.sub(r"\n{2,}", "\n\n", "\n".join(kept)).strip().replace(f" {owner};", " owner;") + "\n"


async def fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_the_migrations_give_the_schema_on_record(database: Database) -> None:
    schema = await asyncio.to_thread(dump_schema, database.owner_dsn)
    if os.environ.get("WRIT_WRITE_GOLDEN"):
        GOLDEN.write_text(schema)
    assert schema == GOLDEN.read_text(), (
        "run with WRIT_WRITE_GOLDEN=1 if the change is meant, and read the diff"
    )


async def test_a_second_run_changes_nothing(database: Database) -> None:
    before = await asyncio.to_thread(dump_schema, database.owner_dsn)
    await migrate(database)
    assert await asyncio.to_thread(dump_schema, database.owner_dsn) == before


async def test_two_processes_that_start_at_once_both_succeed(empty_database: Database) -> None:
    await asyncio.gather(migrate(empty_database), migrate(empty_database))
    assert await fetch(empty_database.service_dsn, "SELECT count(*) FROM entries") == 0


async def test_a_failing_migration_leaves_the_database_as_it_was(empty_database: Database) -> None:
    await fetch(empty_database.owner_dsn, "CREATE TABLE record_entries (in_the_way int)")
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(empty_database)
    assert await fetch(empty_database.owner_dsn, TABLES) == 1


async def test_the_service_logs_in_with_the_password_it_was_given(database: Database) -> None:
    assert await fetch(database.service_dsn, "SELECT current_user") == SERVICE_ROLE
    parts = urlsplit(database.service_dsn)
    address = parts.netloc.rpartition("@")[2]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(parts._replace(netloc=f"{SERVICE_ROLE}:wrong@{address}").geturl())


@pytest.mark.usefixtures("database")
async def test_an_owner_without_a_say_over_roles_can_migrate(empty_database: Database) -> None:
    """On a managed server an administrator makes both logins, and the owner may not change the other's."""
    parts = urlsplit(empty_database.owner_dsn)
    address = parts.netloc.rpartition("@")[2]
    plain = f"plain_{parts.path.removeprefix('/')}"
    owner = await asyncpg.connect(empty_database.owner_dsn)
    try:
        await owner.execute("SET createrole_self_grant = 'set, inherit'")
        await owner.execute(
            f"CREATE ROLE {plain} LOGIN PASSWORD 'plain'; GRANT CREATE ON SCHEMA public TO {plain}"
        )
        plain_dsn = parts._replace(netloc=f"{plain}:plain@{address}").geturl()
        await migrate(Database(owner_dsn=plain_dsn, service_dsn=empty_database.service_dsn))
        assert await fetch(empty_database.service_dsn, "SELECT count(*) FROM entries") == 0
    finally:
        await owner.execute(f"DROP OWNED BY {plain} CASCADE; DROP ROLE {plain}")
        await owner.close()
