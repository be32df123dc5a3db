"""A private Postgres in the data folder, for whoever brings no database.

    postgres/secret      the logins' passwords are derived from it; only we can read it
    postgres/cluster/    Postgres's own files
    postgres/run/        its Unix socket, the only way in (elsewhere where that path would be too long)
    postgres/server.log  what it says
    postgres/lock        held by the one process that runs it

The server outlives a SIGKILL of this process. The next start stops it cleanly and starts another, so that no
transaction of the dead process stays open and one set of settings holds.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import asyncpg
import psutil
import structlog

from ledger.cluster import OWNER_ROLE, Cluster, PostgresFailed, lock_folder, prepare_cluster
from ledger.config import SERVICE_ROLE, Database

_START_TIMEOUT_S = 300.0
_STOP_TIMEOUT_S = 60.0
_PROBE_INTERVAL_S = 0.05
_LONGEST_PAUSE_S = 5.0
_LOG_TAIL_LINES = 15
_LARGEST_LOG_BYTES = 16 * 2**20

_log = structlog.get_logger(__name__)


class EmbeddedPostgres:
    """Run one Postgres for one data folder: started, restarted when it dies, stopped at the end."""

    def __init__(self, data: Path) -> None:
        self._folder = data.absolute() / "postgres"
        self._lock: int | None = None
        self._cluster: Cluster | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @property
    def cluster(self) -> Cluster:
        """The prepared files; there from `start` on."""
        assert self._cluster is not None
        return self._cluster

    @property
    def pid(self) -> int:
        """The process id of the server now running, or last seen running."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> Database:
        """Start the server, making its files on the first run, and return its two logins."""
        self._lock = lock_folder(self._folder)
        try:
            await asyncio.to_thread(_stop_orphan, self._folder / "cluster")
            self._cluster = await asyncio.to_thread(prepare_cluster, self._folder)
            _roll_log(self._cluster.server_log)
            await self._launch()
        except BaseException:
            await self.stop()
            raise
        self._ready.set()
        self._supervisor = asyncio.create_task(self._supervise())
        return Database(owner_dsn=self.cluster.dsn(OWNER_ROLE), service_dsn=self.cluster.dsn(SERVICE_ROLE))

    async def stop(self) -> None:
        """Stop the server: sessions are ended, what they committed is on the disk."""
        self._ready.clear()
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        await self._end_process()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def ensure_running(self, timeout_s: float = _START_TIMEOUT_S) -> None:
        """Return as soon as the server takes connections; a dead one is on its way back meanwhile."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
                # Asked, too: between a death and the news of it `_ready` still speaks of the dead.
                while not await self._answers():
                    await asyncio.sleep(_PROBE_INTERVAL_S)
        except TimeoutError:
            raise self._failure(f"Postgres does not answer after {timeout_s:g} s") from None

    async def create_database(self, name: str) -> str:
        """Make, when absent, a further database and an owner of that name for it; return the owner's DSN."""
        assert re.fullmatch("[a-z][a-z0-9_]*", name)
        owner = await asyncpg.connect(self.cluster.dsn(OWNER_ROLE))
        try:
            if not await owner.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name):
                # Without this the maker of a role may not make a database for it.
                await owner.execute("SET createrole_self_grant = 'set'")
                await owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{self.cluster.password(name)}'")
            if not await owner.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
                await owner.execute(f"CREATE DATABASE {name} OWNER {name}")
                await owner.execute(f"SET ROLE {name}; REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        finally:
            await owner.close()
        return self.cluster.dsn(name, name)

    async def _launch(self) -> None:
        """Start a server process and return when it takes connections; on failure none is left."""
        with open(self.cluster.server_log, "ab") as server_log:
            # A session of its own: Ctrl-C at the terminal is for us, who stop the server last.
            self._process = await asyncio.create_subprocess_exec(
                *self.cluster.command("postgres", "-D", str(self.cluster.files)),
                stdin=subprocess.DEVNULL,
                stdout=server_log,
                stderr=server_log,
                cwd="/",
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                # Both: who answers must be the one just started, not another that still has the socket.
                while not (_running_pid(self.cluster.files) == self.pid and await self._answers()):
                    if self._process.returncode is not None:
                        raise self._failure(f"Postgres did not start in {self._folder}")
                    await asyncio.sleep(_PROBE_INTERVAL_S)
        except BaseException:
            await self._end_process()
            raise

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.cluster.dsn(OWNER_ROLE), timeout=5)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            return False
        await connection.close()
        return True

    async def _supervise(self) -> None:
        pause_s = 0.0
        while True:
            if self._process is not None:
                exit_code = await self._process.wait()
                self._ready.clear()
                _log.warning("postgres_died", exit_code=exit_code)
            try:
                await self._launch()
            except (PostgresFailed, TimeoutError) as error:
                # After a SIGKILL its last backends may still be leaving, and hold the shared memory.
                pause_s = min(pause_s * 2 + 0.1, _LONGEST_PAUSE_S)
                _log.error("postgres_restart_failed", error=str(error), again_in_s=pause_s)
                await asyncio.sleep(pause_s)
            else:
                pause_s = 0.0
                self._ready.set()
                _log.info("postgres_restarted", pid=self.pid)

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for number in (
            signal.SIGINT,
            signal.SIGQUIT,
            signal.SIGKILL,
        ):  # fast shutdown, immediate, the kernel's
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            try:
                await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
            except TimeoutError:
                continue
            return

    def _failure(self, what: str) -> PostgresFailed:
        lines = self.cluster.server_log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return PostgresFailed(
            "\n".join([f"{what}; its last words:", *lines]), f"see {self.cluster.server_log}"
        )


def _running_pid(files: Path) -> int | None:
    """Return the process id that the server last started on these files has written down."""
    try:
        return int((files / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _stop_orphan(files: Path) -> None:
    """Stop the server that a killed process left running on these files, if there is one."""
    pid = _running_pid(files)
    if pid is None:
        return
    try:
        process = psutil.Process(pid)
        ours = process.cwd() == str(files.resolve())
    except psutil.Error:  # gone, or another user's
        ours = False
    if not ours:
        # The number may be another process's by now, whom Postgres would take for its predecessor.
        (files / "postmaster.pid").unlink()
        return
    _log.warning("postgres_orphan_stopped", pid=pid)
    for number in (signal.SIGINT, signal.SIGQUIT):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        if _has_ended(process, _STOP_TIMEOUT_S):
            return
    raise PostgresFailed(f"the Postgres on {files} does not stop", f"end process {pid} by hand")


def _has_ended(process: psutil.Process, timeout_s: float) -> bool:
    """Wait for the end of a process that is not our child, and say whether it came."""
    give_up_at = time.monotonic() + timeout_s
    while time.monotonic() < give_up_at:
        # Its parent died, and who inherited it may never ask for its exit code: then a zombie remains.
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(_PROBE_INTERVAL_S)
    return False


def _roll_log(path: Path) -> None:
    if path.exists() and path.stat().st_size > _LARGEST_LOG_BYTES:
        path.rename(path.with_suffix(".log.old"))
