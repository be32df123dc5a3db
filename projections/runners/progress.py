"""Progress: a plain bar on standard error, where that is a terminal."""

import sys
import time
from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""

_WIDTH = 40
_EVERY_S = 0.1


def untold(done: int, total: int) -> None:
    """Nobody waits for how far this is."""


def progress_bar(what: str) -> Progress | None:
    """A function to be told how much of how much is done; None where nobody would see the bar."""
    if not sys.stderr.isatty():
        return None
    shown_s = 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown_s
        now_s = time.monotonic()
        if done < total and now_s - shown_s < _EVERY_S:
            return
        shown_s = now_s
        filled = _WIDTH * done // total
        bar = "#" * filled + "." * (_WIDTH - filled)
        # The finished bar is wiped: what follows is the report.
        text = f"\r{what} [{bar}] {done:,} of {total:,} entries" if done < total else "\r\x1b[K"
        print(text, end="", file=sys.stderr, flush=True)

    return show
