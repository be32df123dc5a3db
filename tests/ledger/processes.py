"""Real processes for the tests that kill them: `writ serve`, `writ witness`, and the Postgres underneath."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import asyncpg
import psutil
import pytest

from ledger.cluster import OWNER_ROLE, Cluster
from ledger.config import Database
from ledger.unprivileged import Account

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
_TAIL_BYTES = 8_000


class Serving:
    """`writ serve` on one data folder and port: started, killed and started again, always at the same URL."""

    def __init__(self, data: Path, database: Database | None = None, policy: Path | None = None) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{free_port()}"
        self.says = data.with_name(f"{data.name}-{self.port}.log")
        """Where its structured log goes, over all its lives."""
        self._database = database
        self._policy = policy
        self._process: asyncio.subprocess.Process | None = None

    @property
    def port(self) -> str:
        """Where it listens."""
        return self.url.rpartition(":")[2]

    @property
    def pid(self) -> int:
        """The process now running."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process that was started last still runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def owner_dsn(self) -> str:
        """The login that owns the tables."""
        return self._database.owner_dsn if self._database else embedded_dsn(self.data)

    @property
    def postgres_pid(self) -> int | None:
        """The embedded Postgres's first process, as far as it has written itself down."""
        pid_file = self.data / "postgres" / "cluster" / "postmaster.pid"
        try:
            first = pid_file.read_text().partition("\n")[0]
        except FileNotFoundError:
            return None
        return int(first) if first else None

    @property
    def helper_pids(self) -> list[int]:
        """Its own children beside Postgres, as far as they live: who folds, who makes bundles."""
        return [
            child.pid
            for child in psutil.Process(self.pid).children()
            if (words := _words_of(child)) and "postgres" not in " ".join(words)
        ]

    async def start(self) -> None:
        """Start it, and return once it answers."""
        await self.launch()
        await self.wait_until_announced()

    async def launch(self) -> None:
        """Start it, and don't wait."""
        assert not self.is_running
        arguments = ["--json", "--data", str(self.data), "--port", self.port]
        if self._database is not None:
            arguments += ["--database", self._database.service_dsn]
            arguments += ["--migrate-database", self._database.owner_dsn]
        if self._policy is not None:
            arguments += ["--policy", str(self._policy)]
        self._process = await start_writ("serve", *arguments, says=self.says)

    async def wait_until_announced(self) -> dict[str, Any]:
        """What it says when it is ready."""
        assert self._process is not None
        return await announcement(self._process, self.says)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def interrupt(self) -> None:
        """Press Ctrl-C at its terminal: it and its children get SIGINT."""
        os.killpg(self.pid, signal.SIGINT)

    def terminate_all(self) -> None:
        """Stop it as a supervisor may: it, its children and theirs get SIGTERM, its Postgres too."""
        for process in psutil.Process(self.pid).children(recursive=True):
            process.terminate()
        self.kill(signal.SIGTERM)

    async def wait(self) -> int:
        """Wait for its end; minus a signal's number, or its exit code."""
        assert self._process is not None
        async with asyncio.timeout(STOP_TIMEOUT_S):
            return await self._process.wait()

    async def stop(self) -> int:
        """Ask it to end, and wait until it has."""
        self.kill(signal.SIGTERM)
        return await self.wait()

    def said(self, event: str) -> int:
        """How often it has logged an event so far."""
        return self.says.read_text().count(f'"event": "{event}"')


@asynccontextmanager
async def serving(
    data: Path, database: Database | None = None, policy: Path | None = None
) -> AsyncIterator[Serving]:
    """A service that is up. At the end it is stopped, and its Postgres with it."""
    service = Serving(data, database, policy)
    try:
        await service.start()
        yield service
    except BaseException:
        print(service.says.read_text()[-_TAIL_BYTES:])  # pytest shows it with the failure
        raise
    finally:
        await _end(service)


async def _end(service: Serving) -> None:
    """Leave nothing running, whatever the test did."""
    try:
        if service.is_running:
            await service.stop()
    except TimeoutError:
        service.kill()
        await service.wait()
    orphan = service.postgres_pid
    if orphan is not None:
        os.kill(orphan, signal.SIGINT)
        await wait_gone(orphan)


class Witnessing(NamedTuple):
    """`writ witness` in a process of its own."""

    process: asyncio.subprocess.Process
    url: str


@asynccontextmanager
async def witnessing(folder: Path, key: Path, log_vkey: str) -> AsyncIterator[Witnessing]:
    """A witness that is up, with its memory in a folder."""
    arguments = ["--json", "--log", log_vkey, "--key", str(key), "--data", str(folder), "--port", "0"]
    process = await start_writ("witness", *arguments, says=folder.with_suffix(".log"))
    try:
        yield Witnessing(process, (await announcement(process, folder.with_suffix(".log")))["url"])
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def start_writ(*words: str, says: Path) -> asyncio.subprocess.Process:
    """Run `writ`. What it logs goes behind what `says` holds already; what it prints, into a file beside."""
    with open(says, "ab") as log, open(_printed(says), "wb") as printed:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ledger.cli", *words,
            stdin=subprocess.DEVNULL, stdout=printed, stderr=log, start_new_session=True,
        )  # fmt: skip


async def announcement(process: asyncio.subprocess.Process, says: Path) -> dict[str, Any]:
    """The one line of JSON with which a process says that it is ready."""
    async with asyncio.timeout(START_TIMEOUT_S):
        while not (line := _printed(says).read_bytes()).endswith(b"\n"):
            assert process.returncode is None, f"it ended before it was ready: {says.read_text()[-2_000:]}"
            await asyncio.sleep(0.01)
    value: dict[str, Any] = json.loads(line)
    return value


def _printed(says: Path) -> Path:
    # A file and no pipe: children of a killed process may hold its end of a pipe for long.
    return says.with_suffix(".out")


async def health(session: aiohttp.ClientSession, url: str) -> tuple[int, dict[str, str]]:
    """What the service says about itself: the status, and what is wrong."""
    async with session.get(f"{url}/health") as response:
        return response.status, (await response.json())["wrong"]


async def wait_until_in_line(
    session: aiohttp.ClientSession, url: str, owner: "asyncpg.Connection[asyncpg.Record]", number: int
) -> None:
    """Return once a transaction waits for a lock, and so many submissions for the transaction after it."""
    async with asyncio.timeout(20):
        while await owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") == 0:
            await asyncio.sleep(0.01)
        while True:
            async with session.get(f"{url}/metrics") as response:
                if f'writ_waiting{{log="clearview"}} {number}.0' in await response.text():
                    return
            await asyncio.sleep(0.01)


async def wait_until_refused(service: Serving) -> None:
    """Return once a service that is to stop takes no more connections."""
    async with asyncio.timeout(20):
        # Reset is who stood in line for a listener that was closed meanwhile.
        with suppress(ConnectionRefusedError, ConnectionResetError):
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", int(service.port))
                writer.close()
                await asyncio.sleep(0.01)


async def wait_gone(pid: int) -> None:
    """Return once a process that need not be our child has ended."""
    async with asyncio.timeout(STOP_TIMEOUT_S):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)


def embedded_dsn(data: Path) -> str:
    """The owner's login to the Postgres of a data folder, in which the socket has its place too."""
    folder = data / "postgres"
    nobody = Account(uid=0, gid=0, prefix=())
    secret = (folder / "secret").read_bytes()
    return Cluster(folder=folder, run=folder / "run", account=nobody, secret=secret).dsn(OWNER_ROLE)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder as it is, owners and modes too: Postgres takes no files of another user."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def replace_folder(target: Path, source: Path) -> None:
    """Put a copy where another folder was."""
    shutil.rmtree(target)
    copy_folder(source, target)


def many(short: int, long: int) -> list[object]:
    """How often to kill: a few times in every run of the tests, many times in the soak."""
    return [short, pytest.param(long, marks=pytest.mark.soak)]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
