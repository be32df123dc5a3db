"""The stage of the demonstration: its processes, its narration, its progress bars."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ledger.demo.estate import Advance
from ledger.failure import Failure

WIDTH = 100
INDENT = 1
READY_S = 60
STOP_S = 30
SHORT = 100


class Stage:
    """Runs the parts as real processes and tells the story. Everything it starts, it stops."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.console = console
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def scene(self, number: int, title: str) -> None:
        """Open a numbered scene."""
        self.console.print(f"\n[bold]{number}  {title}[/bold]")

    def say(self, text: str) -> None:
        """One sentence of the story."""
        self._print("", text)

    def fact(self, label: str, text: str) -> None:
        """Something that was found, under its name."""
        self._print(label, text)

    def quote(self, text: str) -> None:
        """What a program said, as it said it."""
        for line in text.splitlines():
            if line.strip():
                self._print("[dim]│[/dim]", escape(line))

    def _print(self, label: str, text: str) -> None:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=INDENT)
        for cell in (label, text):
            if cell:
                grid.add_column()
        grid.add_row("", *filter(None, (label, text)))
        self.console.print(grid)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Advance]:
        """A bar that is there while something long goes on; nothing for what is over at once."""
        if total < SHORT:
            yield lambda done: None
            return
        columns = (
            TextColumn("   {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.advance(task, done)

    def writ(self, *words: object) -> Any:
        """Run one `writ` command and return the JSON it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "ledger.cli", *map(str, words), "--json"], capture_output=True, check=False
        )
        if done.returncode != 0:
            raise Failure(f"writ {' '.join(map(str, words[:2]))}: {done.stderr.decode().strip()}")
        return json.loads(done.stdout)

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; its exit code is the caller's to judge."""
        return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)

    def start(self, name: str, *words: object) -> None:
        """Start a `writ` command that keeps running. What it says goes to a file of its own."""
        with (self.folder / f"{name}.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "ledger.cli", *map(str, words)],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append((name, process))

    def wait_for(self, name: str, url: str) -> None:
        """Wait until a process that was started answers HTTP."""
        process = dict(self._processes)[name]
        deadline = time.monotonic() + READY_S
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{name} did not start", f"read {self.folder / f'{name}.log'}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop every process that this stage started, the last one first."""
        for name, process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                self.say(f"{name} had to be killed after {STOP_S} s; see {self.folder / f'{name}.log'}")
        self._processes.clear()


def free_port() -> int:
    """A port of the loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def without_network() -> Sequence[str]:
    """The words that start a program without any network, where the system lets us."""
    words = ("unshare", "-rn")
    if shutil.which("unshare") is None:
        return ()
    allowed = subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    return words if allowed else ()


def bare_environment() -> dict[str, str]:
    """An environment in which a second virtual environment sees nothing of the first."""
    return {"PATH": os.defpath, "LANG": os.environ.get("LANG", "C.UTF-8")}


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1):  # noqa: S310 - an address on the loopback that we made
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False
