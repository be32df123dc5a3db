"""Waiting for an answer that takes the service a while: a bar says so, and how far its projections are."""

import asyncio
import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ledger.children import Work
    from ledger.remote import RemoteLog

T = TypeVar("T")

# Whoever waits less wants no bar.
PATIENCE_S = 0.7
ASK_EVERY_S = 0.3
WORDS = {"": "waiting", "loading": "loading the holdings", "judging": "judging"}


async def waited(log: "RemoteLog", answer: Awaitable[T]) -> T:
    """The answer. On a terminal, what the projections are at is shown until it is there."""
    task = asyncio.ensure_future(answer)
    if sys.stderr.isatty():
        await asyncio.wait([task], timeout=PATIENCE_S)
        if not task.done():
            await _show(log, task)
    return await task


async def _show(log: "RemoteLog", task: "asyncio.Future[T]") -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(WORDS[""], total=None)
        while not task.done():
            work = await _work(log)
            if work is not None:
                progress.update(bar, description=WORDS[work.what], completed=work.done, total=work.total)
            await asyncio.wait([task], timeout=ASK_EVERY_S)


async def _work(log: "RemoteLog") -> "Work | None":
    """What the projections are at; None also where the service won't say."""
    import msgspec

    from ledger.children import Work
    from ledger.failure import Failure

    try:
        said = msgspec.json.decode((await log.get("projection")).body)
    except Failure:
        return None
    return msgspec.convert(said.get("work"), Work | None)
