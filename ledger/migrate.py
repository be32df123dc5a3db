"""Bring a database to the newest schema, by the owner's login, before the service opens it."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from ledger.config import SERVICE_ROLE, Database

# Any two processes that start at once on one database agree on this number, and migrate in turn.
_LOCK_MIGRATIONS = "SELECT pg_advisory_lock(8252742016521)"

_ROLE_EXISTS = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
_MAY_ADMINISTER = "SELECT pg_has_role($1, 'MEMBER WITH ADMIN OPTION')"
_CREATE_ROLE = f"CREATE ROLE {SERVICE_ROLE} LOGIN"
_QUOTE_GRANT = f"SELECT format('GRANT CONNECT ON DATABASE %I TO {SERVICE_ROLE}', current_database())"
_QUOTE_PASSWORD = f"SELECT format('ALTER ROLE {SERVICE_ROLE} LOGIN PASSWORD %L', $1::text)"


async def migrate(database: Database) -> None:
    """Make the service's login and all that the schema lacks; nothing is changed when nothing is missing.

    All migrations are one transaction: a crash leaves the schema that was there before.
    """
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        await connection.execute(_LOCK_MIGRATIONS)
        await _ensure_service_role(connection, unquote(urlsplit(database.service_dsn).password or ""))
        await _upgrade(database.owner_dsn)
    finally:
        await connection.close()


def migrations_folder() -> Path:
    """Return the folder of the migrations: beside the packages in a checkout, inside this one in a wheel."""
    inside = Path(__file__).parent / "_migrations"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "alembic"


async def _ensure_service_role(connection: asyncpg.Connection, password: str) -> None:
    if not await connection.fetchval(_ROLE_EXISTS, SERVICE_ROLE):
        await connection.execute(_CREATE_ROLE)
    # Where an administrator made the role, the owner may have no say over it, and it has its password.
    if password and await connection.fetchval(_MAY_ADMINISTER, SERVICE_ROLE):
        await connection.execute(await connection.fetchval(_QUOTE_PASSWORD, password))
    await connection.execute(await connection.fetchval(_QUOTE_GRANT))


async def _upgrade(owner_dsn: str) -> None:
    # asyncpg reads the DSN itself, so that it means the same here as everywhere else.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(owner_dsn), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run_migrations)
    finally:
        await engine.dispose()


def _run_migrations(connection: Connection) -> None:
    def run_script(script: str) -> None:
        # SQLAlchemy prepares what it runs, and a prepared statement is one statement only.
        driver = connection.connection.driver_connection
        assert isinstance(driver, asyncpg.Connection)
        await_only(driver.execute(script))

    config = AlembicConfig()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes.update(connection=connection, run_script=run_script)
    command.upgrade(config, "head")
