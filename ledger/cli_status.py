"""`writ status ORDER`: an order's verdict as it stands, and what stands behind it."""

import argparse
import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from ledger import cli_connect

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.projector import OrderStatus
    from projections.statement import ObligationStatement

LISTED = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ status`."""
    cli_connect.add_log_arguments(parser)
    parser.add_argument("order", metavar="ORDER", help="the order's id, as authority.example/en-1")
    parser.add_argument(
        "--as-of", metavar="TIME", help="the moment judged, as 2026-12-24T00:00:00Z (default: now)"
    )


def run(args: argparse.Namespace) -> int:
    """Ask the service for the verdict and print it."""
    raw = asyncio.run(_ask(args))
    if args.json:
        print(raw.decode())
        return 0
    import msgspec
    from rich.console import Console

    from ledger.projector import OrderStatus

    # Never wrapped by us: whoever reads a pipe looks for whole lines.
    show(Console(highlight=False, soft_wrap=True), msgspec.json.decode(raw, type=OrderStatus))
    return 0


def show(console: "Console", status: "OrderStatus") -> None:
    """Print a verdict: the headline first, then each obligation with its counts, gaps and exceptions."""
    statement = status.statement
    console.print(f"[bold]{statement.order.id}[/bold], version {statement.order.version}")
    console.print(f"[bold]{status.headline}[/bold]")
    console.print(
        f"as of {moment(statement.as_of)}, {statement.counted:,} entries, provisional: "
        "counts what no witness has cosigned yet"
    )
    exceptions = dict(status.exceptions)
    for obligation in statement.obligations:
        console.print()
        for line in _obligation(obligation):
            console.print(line)
        for one in exceptions.get(obligation.id, ())[:LISTED]:
            late = f", {one.days_late} days late" if one.days_late else ""
            where = f" in {one.store}" if one.store else ""
            console.print(
                f"  exception {one.rule}: entry {one.index} of {one.by}, {one.copies:,} copies{where}{late}"
            )
        more = len(exceptions.get(obligation.id, ())) - LISTED
        if more > 0:
            console.print(f"  … and {more:,} more exceptions (--json lists them all)")


def moment(seconds: int) -> str:
    """Unix seconds as people write UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _obligation(one: "ObligationStatement") -> Iterator[str]:
    so_far = " so far" if one.type.startswith("cease_") and one.verdict == "carried_out" else ""
    yield (
        f"{one.id} ({one.type}) by {moment(one.deadline)}: "
        f"[bold]{one.verdict.replace('_', ' ')}{so_far}[/bold], "
        f"evidence {one.evidence}, on the word of {'the ' if one.word != 'nobody' else ''}{one.word}"
    )
    counts = [f"{name.replace('_', ' ')} {number:,}" for name, number in one.counts.items() if number]
    yield f"  copies: {', '.join(counts) or 'none'}"
    for store in one.stores:
        if not store.looked:
            yield f"  store {store.store}: nobody has looked into it since its last erasure"
        else:
            verdict = "agrees with" if store.agrees else "differs from"
            yield (
                f"  store {store.store}: {store.by} counted {store.count:,} copies ({store.level}), "
                f"which {verdict} the ledger's {store.ledger_count:,}"
            )
    for gap in one.gaps:
        copies = f", {gap.copies:,} copies" if gap.copies else ""
        yield f"  missing {gap.rule}: {gap.subject or 'the whole order'}{copies}"


async def _ask(args: argparse.Namespace) -> bytes:
    async with cli_connect.open_log(args) as log:
        query = f"?as_of={quote(args.as_of)}" if args.as_of else ""
        return (await log.get(f"orders/{quote(args.order, safe='')}{query}")).body
