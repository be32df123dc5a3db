"""Processes of the service's own: they say how far long work is, and whoever waits for it sees that."""

import asyncio
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import asyncpg

from ledger.children import Child, Work, report
from ledger.config import Database
from tests.ledger.command_line import Session, running_session
from tests.ledger.test_cli_story import issue, order
from tests.projections.evidence import AUTHORITY, ORDER


def work_until(stop: str) -> None:
    """In the process: half of it is done, and the rest once a file is there."""
    report("judging", 2, 4)
    while not Path(stop).exists():
        time.sleep(0.01)
    report("judging", 4, 4)


async def test_long_work_says_how_far_it_is(tmp_path: Path) -> None:
    child, stop = Child(), tmp_path / "stop"
    try:
        before: Work | None = child.work
        assert before is None
        done = asyncio.get_running_loop().run_in_executor(child.pool, work_until, str(stop))
        async with asyncio.timeout(20):
            while child.work is None:
                await asyncio.sleep(0.01)
        assert child.work == Work("judging", 2, 4)
        stop.touch()
        await done
        after: Work | None = child.work
        assert after is None
    finally:
        child.end()


def read_all(terminal: int) -> bytes:
    """What comes until the other end is closed."""
    shown = b""
    try:
        while more := os.read(terminal, 65_536):
            shown += more
    except OSError:
        pass  # so Linux says that it is closed
    return shown


async def on_terminal(session: Session, *words: str) -> tuple[str, str]:
    """What a command prints, and what it shows meanwhile on the terminal that its errors go to."""
    leader, follower = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ledger.cli", *words,
            "--url", session.service.url, "--log", session.log_vkey,
            stdout=subprocess.PIPE, stderr=follower, cwd=session.folder, env={**os.environ, "TERM": "xterm"},
        )  # fmt: skip
        os.close(follower)
        # Read all the while: a terminal that nobody reads holds up who writes to it.
        shown = asyncio.create_task(asyncio.to_thread(read_all, leader))
        out, _ = await process.communicate()
        assert process.returncode == 0
        return out.decode(), (await shown).decode()
    finally:
        os.close(leader)


async def test_who_waits_sees_a_bar(database: Database, tmp_path: Path) -> None:
    async with running_session(database, tmp_path, public=True) as session:
        authority = await session.register(AUTHORITY, "authority")
        await issue(session, authority, order(session.log_vkey))
        await session.ask("status", ORDER)
        owner = await asyncpg.connect(database.owner_dsn)
        try:
            asked = asyncio.create_task(on_terminal(session, "status", ORDER))
            async with owner.transaction():
                await owner.execute("SELECT 1 FROM projection_cursors FOR UPDATE")
                await asyncio.sleep(4)
            out, shown = await asked
        finally:
            await owner.close()
        assert ("outstanding" in out, "waiting" in shown) == (True, True), shown
