"""Weighing: the memory of a process and of all that it starts, together.

Every tenth of a second the PSS of each is read from the kernel and added up: a page that several of them have
counts once. What comes and goes between two looks is not seen; of each process alone the kernel remembers the
most that it ever had, pages that it shares included (`VmHWM`).
"""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_EVERY_S = 0.1


class Weighing:
    """Weighs until the block ends."""

    def __init__(self, pid: int, but: frozenset[int] = frozenset()) -> None:
        """`but`: processes that do not count."""
        self.peak_mb = 0.0
        """All together, at one time."""
        self.largest_mb = 0.0
        """The largest of them, at any time."""
        self._process = psutil.Process(pid)
        self._but = but
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._weigh)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _weigh(self) -> None:
        while True:
            pids = {one for one in with_children(self._process) if one not in self._but}
            self.peak_mb = max(self.peak_mb, sum(_read_mb(pid, "smaps_rollup", "Pss:") for pid in pids))
            self.largest_mb = max(self.largest_mb, *(_read_mb(pid, "status", "VmHWM:") for pid in pids), 0.0)
            if self._over.wait(_EVERY_S):
                return


def with_children(process: psutil.Process) -> list[int]:
    """The process and all that it started and that has not ended. Not Postgres: what its sessions share, they
    were given beforehand."""
    try:
        return [
            process.pid,
            *(one.pid for one in process.children(recursive=True) if _name(one) != "postgres"),
        ]
    except psutil.NoSuchProcess:
        return []


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def _read_mb(pid: int, file: str, field: str) -> float:
    """A number of kilobytes that the kernel tells of a process; 0 where that has ended."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(field)), 0.0)
