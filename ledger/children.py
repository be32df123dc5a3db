"""Processes of the service's own, for work that would hold up the event loop: one task after another each.

Nothing in them is lost when they are killed: what they write, they write in transactions.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from ctypes import Array, c_longlong

_CONTEXT: Final = multiprocessing.get_context("spawn")


Kind = Literal["", "loading", "judging"]
KINDS: Final[tuple[Kind, ...]] = ("", "loading", "judging")


class Work(Struct, frozen=True):
    """What long work is going on, and how much of it is done."""

    what: Kind
    done: int
    total: int


class Child:
    """One such process, started with its first task. It ends with the service, however that ends."""

    def __init__(self, niceness: int = 0) -> None:
        # Nothing is ever written to it: that its other end closes is the news, and a SIGKILL closes it too.
        self._lifeline, self._grip = _CONTEXT.Pipe(duplex=False)
        # Without a lock: a process that is killed would never let go of it.
        self._told: Array[c_longlong] = _CONTEXT.RawArray("q", 3)
        self.pool = ProcessPoolExecutor(
            1, mp_context=_CONTEXT, initializer=_begin, initargs=(self._lifeline, niceness, self._told)
        )

    @property
    def work(self) -> Work | None:
        """What the process said last with `report`, unless that is done."""
        kind, done, total = self._told
        return Work(KINDS[kind], done, total) if done < total else None

    def end(self) -> None:
        """End the process at once, in the middle of a task if need be, and wait until it has."""
        self._grip.close()
        self.pool.shutdown(cancel_futures=True)
        self._lifeline.close()


_telling: "Array[c_longlong] | None" = None


def report(what: Kind, done: int, total: int) -> None:
    """In such a process: say how far a work is that takes its time."""
    if _telling is not None:
        _telling[:] = [KINDS.index(what), done, total]


def _begin(lifeline: Connection, niceness: int, told: "Array[c_longlong]") -> None:
    global _telling
    _telling = told
    # Ctrl-C at the terminal is for the service, which still answers those who wait.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(niceness)

    def watch() -> None:
        lifeline.poll(None)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
