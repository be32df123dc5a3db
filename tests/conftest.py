"""A real Postgres for the tests: one server and one migrated template a session, a private clone a test."""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest_asyncio
from hypothesis import HealthCheck, settings

from ledger.config import SERVICE_ROLE, Database
from ledger.embedded import EmbeddedPostgres
from ledger.migrate import migrate

# Machines here are shared: an example that waited for its turn is no failure.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

# One for all databases of a server, since a login belongs to the server.
_SERVICE_PASSWORD = "writ-test"
_ONE_AT_A_TIME = "SELECT pg_advisory_lock(3312707)"


def renamed(dsn: str, database: str) -> str:
    """Return the DSN for another database of the same server."""
    return urlsplit(dsn)._replace(path=f"/{database}").geturl()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[Database]:
    """A server to make databases on: the one WRIT_TEST_DATABASE_URL names, else Docker's, else our own.

    The URL's login must be allowed to make databases and roles.
    """
    async with AsyncExitStack() as stack:
        url = os.environ.get("WRIT_TEST_DATABASE_URL") or _docker_server(stack)
        if url:
            parts = urlsplit(url)
            address = parts.netloc.rpartition("@")[2]
            service = parts._replace(netloc=f"{SERVICE_ROLE}:{_SERVICE_PASSWORD}@{address}").geturl()
            yield Database(owner_dsn=url, service_dsn=service)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="writ-test-"))
            postgres = EmbeddedPostgres(Path(folder))
            stack.push_async_callback(postgres.stop)
            yield await postgres.start()


def _docker_server(stack: AsyncExitStack) -> str | None:
    """Start a throwaway container. This runs only where a Docker engine answers."""
    if not (os.environ.get("DOCKER_HOST") or os.path.exists("/var/run/docker.sock")):
        return None
    from docker.errors import DockerException
    from testcontainers.postgres import PostgresContainer

    try:
        container = stack.enter_context(PostgresContainer("postgres:18", driver=None))
    except DockerException:
        return None
    return str(container.get_connection_url())


@asynccontextmanager
async def fresh_database(server: Database, template: str) -> AsyncIterator[Database]:
    """Make a database from a template, and drop it at the end whoever is still in it."""
    name = f"writ_test_{secrets.token_hex(6)}"
    owner = await asyncpg.connect(server.owner_dsn)
    try:
        # A template takes one copier at a time, and a role one change; other workers of this run wait here.
        await owner.execute(_ONE_AT_A_TIME)
        await owner.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        await owner.execute("SELECT pg_advisory_unlock_all()")
        try:
            yield Database(
                owner_dsn=renamed(server.owner_dsn, name), service_dsn=renamed(server.service_dsn, name)
            )
        finally:
            await _drop(owner, name)
    finally:
        await owner.close()


async def _drop(owner: asyncpg.Connection, name: str) -> None:
    """Drop a database. An autovacuum worker in it, which only a superuser may end, is gone in a moment."""
    for patience in range(100):
        try:
            await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
            return
        except asyncpg.InsufficientPrivilegeError:
            if patience == 99:
                raise
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(server: Database) -> AsyncIterator[str]:
    """The name of a migrated, empty database that tests are cloned from."""
    async with fresh_database(server, "template0") as made:
        await migrate(made)
        yield urlsplit(made.owner_dsn).path.removeprefix("/")


@pytest_asyncio.fixture
async def database(server: Database, template: str) -> AsyncIterator[Database]:
    """A migrated, empty database of this test's own, by its two logins."""
    async with fresh_database(server, template) as made:
        yield made


@pytest_asyncio.fixture
async def empty_database(server: Database) -> AsyncIterator[Database]:
    """A database without any schema, of this test's own."""
    async with fresh_database(server, "template0") as made:
        yield made
