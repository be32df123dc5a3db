"""Where the live projection's time goes: one process alone folds a log, with a clock on each part of it.

    .venv/bin/python -m tests.bench.profiling [EVENTS]

EVENTS of one record each. Waiting for Postgres counts to the part that waits.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import asyncpg
from rich.console import Console
from rich.table import Table

from ledger.embedded import EmbeddedPostgres
from ledger.kept import SETTINGS
from projections import store
from projections.fold import Fold
from projections.reading import FactReader
from projections.runners import live
from tests.bench.growing import fill
from tests.bench.place import Place
from tests.bench.service import LOG

PARTS: dict[str, tuple[Any, str]] = {
    "entries read from Postgres": (store, "entries"),
    "entries parsed, events decoded": (FactReader, "read"),
    "holdings read that they touch": (live, "_holdings_of"),
    "fold": (Fold, "take"),
    "holdings encoded and written": (live, "_write_rows"),
    "index of which entry names whom": (store, "insert_record_entries"),
    "docket written": (store, "write_docket"),
}
"""Each part's function; none of them calls another."""


@contextmanager
def timed(took_s: dict[str, float]) -> Iterator[None]:
    """Add up how long each part takes."""

    def meter(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*how: Any) -> Any:
            began_s = time.perf_counter()
            result = function(*how)
            if not asyncio.iscoroutine(result):
                took_s[part] += time.perf_counter() - began_s
                return result
            return waited(result, began_s)

        async def waited(result: Awaitable[Any], began_s: float) -> Any:
            try:
                return await result
            finally:
                took_s[part] += time.perf_counter() - began_s

        return measured

    patches = [
        mock.patch.object(where, name, meter(part, getattr(where, name)))
        for part, (where, name) in PARTS.items()
    ]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


async def profile(events: int, place: Place) -> tuple[dict[str, float], float]:
    """Fold a log of so many events; seconds by part, and in all."""
    async with place.service("profiled"):
        pass  # which makes the log
    postgres = EmbeddedPostgres(place.folder / "profiled")
    database = await postgres.start()
    took_s = dict.fromkeys(PARTS, 0.0)
    try:
        await fill(database.service_dsn, events, folded=False)
        connection = await asyncpg.connect(database.service_dsn, server_settings=SETTINGS)
        with timed(took_s):
            began_s = time.perf_counter()
            await live.catch_up(connection, LOG)
            whole_s = time.perf_counter() - began_s
        await connection.close()
    finally:
        await postgres.stop()
    return took_s, whole_s


def main() -> None:
    """Print the table."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    place = Place(Path(tempfile.mkdtemp(prefix="writ-profile-")))
    try:
        took_s, whole_s = asyncio.run(profile(events, place))
    finally:
        shutil.rmtree(place.folder)
    table = Table(title=f"{events:,} events folded in {whole_s:.1f} s: {events / whole_s:,.0f}/s")
    table.add_column("part")
    table.add_column("share", justify="right")
    table.add_column("µs an event", justify="right")
    took_s["commits, cursors, and the clocks"] = whole_s - sum(took_s.values())
    for part, seconds in sorted(took_s.items(), key=lambda one: -one[1]):
        table.add_row(part, f"{seconds / whole_s:.0%}", f"{seconds / events * 1e6:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
