"""Processes of the service's own, for work that would hold up the event loop: one task after another each.

Nothing in them is lost when they are killed: what they write, they write in transactions.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Final

_CONTEXT: Final = multiprocessing.get_context("spawn")


class Child:
    """One such process, started with its first task. It ends with the service, however that ends."""

    def __init__(self, niceness: int = 0) -> None:
        # Nothing is ever written to it: that its other end closes is the news, and a SIGKILL closes it too.
        self._lifeline, self._grip = _CONTEXT.Pipe(duplex=False)
        self.pool = ProcessPoolExecutor(
            1, mp_context=_CONTEXT, initializer=_begin, initargs=(self._lifeline, niceness)
        )

    def end(self) -> None:
        """End the process at once, in the middle of a task if need be, and wait until it has."""
        self._grip.close()
        self.pool.shutdown(cancel_futures=True)
        self._lifeline.close()


def _begin(lifeline: Connection, niceness: int) -> None:
    # Ctrl-C at the terminal is for the service, which still answers those who wait.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(niceness)

    def watch() -> None:
        lifeline.poll(None)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
