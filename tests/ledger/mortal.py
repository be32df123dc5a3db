"""Processes that are killed at their n-th step, while they erase and send.

    python -m tests.ledger.mortal        reads a `Task` a line and answers each with an `End` a line

Each task is done by a process of its own, a copy (fork) of this one, which has imported everything already.
A step is whatever lasts or leaves: a flush or rename of a file, a statement that writes, a request. The
process counts them, before and after each, and at the number that it was told sends itself SIGKILL. The
code under test knows nothing of this.
"""

import asyncio
import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import asyncpg
import msgspec
from botocore.client import BaseClient

from ledger.client import open_session
from ledger.keyfiles import read_key
from ledger.kit.relay import PostgresFeed
from ledger.outbox.sending import open_sender
from ledger.outbox.store import Outbox
from ledger.remote import RemoteLog
from signing.keys import parse_vkey
from tests.examples import erasing_files, erasing_index, erasing_keys, erasing_objects, erasing_rows

P = ParamSpec("P")
R = TypeVar("R")

WRITES: Final = ("INSERT", "UPDATE", "DELETE", "COMMIT", "CREATE", "SET")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What one process does."""

    work: str
    outbox: str
    blinding_key: str
    where: str
    ids: tuple[str, ...]
    log: str
    url: str
    key: str
    die_at: int = 0
    """The step at which it is killed; 0 for never."""


class End(msgspec.Struct, frozen=True):
    """How the process ended: by which signal or with which code, and after how many steps."""

    signal: int
    code: int
    steps: int


class Steps:
    """Counts, and kills at a number."""

    def __init__(self, die_at: int) -> None:
        self.count = 0
        self._die_at = die_at

    def step(self) -> None:
        """One more."""
        self.count += 1
        if self.count == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[P, R]) -> Callable[P, R]:
        """A function that is a step, before and after."""

        @wraps(function)
        def counted(*args: P.args, **named: P.kwargs) -> R:
            self.step()
            done = function(*args, **named)
            self.step()
            return done

        return counted

    def around_awaited(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        """The same of a coroutine."""

        @wraps(function)
        async def counted(*args: P.args, **named: P.kwargs) -> R:
            self.step()
            done = await function(*args, **named)
            self.step()
            return done

        return counted


def count_steps(steps: Steps) -> None:
    """Make a step of whatever lasts or leaves, in this process."""

    class Counted(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            run = super().execute
            return (steps.around(run) if sql.lstrip().startswith(WRITES) else run)(sql, *args)

    for name in ("fsync", "replace", "unlink", "link"):
        setattr(os, name, steps.around(getattr(os, name)))
    sqlite3.connect = partial(sqlite3.connect, factory=Counted)  # type: ignore[assignment]
    for name in ("execute", "fetch"):
        setattr(asyncpg.Connection, name, steps.around_awaited(getattr(asyncpg.Connection, name)))
    BaseClient._make_api_call = steps.around(BaseClient._make_api_call)
    RemoteLog.submit = steps.around_awaited(RemoteLog.submit)  # type: ignore[method-assign, assignment]


WORK: Final[dict[str, Callable[..., int]]] = {
    "files": erasing_files.main,
    "index": erasing_index.main,
    "keys": erasing_keys.main,
    "objects": erasing_objects.main,
    "rows": erasing_rows.main,
}


def carry_out(task: Task) -> int:
    """Erase as the example does, then send what waits, as `writ outbox DIR send --once` does."""
    code = WORK[task.work](task.outbox, task.blinding_key, task.where, *task.ids)
    asyncio.run(send(task))
    return code


async def send(task: Task) -> None:
    with Outbox.open(Path(task.outbox)) as outbox:
        async with open_session() as session:
            log = RemoteLog(session, task.url, parse_vkey(task.log))
            async with open_sender(outbox, log, read_key(Path(task.key))) as sender:
                if task.work == "rows":
                    feed = PostgresFeed(task.where)
                    await feed.take(outbox)
                    await feed.close()
                await sender.send_all()


def live_once(task: Task, counted: int) -> None:
    """What the copy does; it never returns."""
    code = 70
    try:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        steps = Steps(task.die_at)
        count_steps(steps)
        code = carry_out(task)
        os.write(counted, str(steps.count).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Do one task after another."""
    for line in sys.stdin.buffer:
        task = msgspec.json.decode(line, type=Task)
        counts, counted = os.pipe()
        pid = os.fork()
        if pid == 0:
            live_once(task, counted)
        os.close(counted)
        _, status = os.waitpid(pid, 0)
        with open(counts, "rb") as file:
            steps = int(file.read() or 0)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        end = End(killed, os.WEXITSTATUS(status) if not killed else 0, steps)
        sys.stdout.buffer.write(msgspec.json.encode(end) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
