"""The projector's process: it keeps its connection, gets over the loss of one, and lets appends go first."""

import asyncio
from pathlib import Path

import asyncpg
import psutil

from ledger.config import Database
from ledger.projector import NICENESS
from tests.ledger.lab import Lab, running_lab

BACKENDS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'writ projector'
"""


async def fold(lab: Lab, connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Post something, wait until it is folded, and return the backend that the projector works with."""
    poster = lab.administrator
    await lab.adopt(poster)
    size = (await lab.log.checkpoint()).checkpoint.size  # type: ignore[union-attr]
    await lab.register(f"crawler-{size}.clearview.example")
    cursor = "SELECT size FROM projection_cursors WHERE log = $1"
    async with asyncio.timeout(20):
        while (await connection.fetchval(cursor, lab.log.name) or 0) <= size:
            await asyncio.sleep(0.02)
    (backend,) = await connection.fetch(BACKENDS)
    return int(backend["pid"])


async def test_the_connection_is_kept_until_it_is_lost(database: Database, tmp_path: Path) -> None:
    connection = await asyncpg.connect(database.service_dsn)
    try:
        async with running_lab(database, tmp_path) as lab:
            first = await fold(lab, connection)
            assert await fold(lab, connection) == first
            await connection.execute("SELECT pg_terminate_backend($1, 5000)", first)
            assert await fold(lab, connection) != first
    finally:
        await connection.close()


async def test_appends_go_first(database: Database, tmp_path: Path) -> None:
    own = psutil.Process()
    async with running_lab(database, tmp_path), asyncio.timeout(20):
        while own.nice() + NICENESS not in {child.nice() for child in own.children(recursive=True)}:
            await asyncio.sleep(0.05)
