"""`writ timeline ORDER`: when an order's verdict changed, and what changed it."""

import argparse
import asyncio
import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from ledger import cli_connect
from ledger.cli_waiting import waited

if TYPE_CHECKING:
    from ledger.judging import OrderTimeline
    from projections.timeline import Change

COLUMNS = "{:19}  {:>9}  {:27}  {}"
BECAUSE = 100 - len(COLUMNS.format("", "", "", ""))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ timeline`."""
    cli_connect.add_log_arguments(parser)
    parser.add_argument("order", metavar="ORDER", help="the order's id, as authority.example/en-1")
    parser.add_argument(
        "--as-of", metavar="TIME", help="where the timeline ends, as 2026-12-24T00:00:00Z (default: now)"
    )


def run(args: argparse.Namespace) -> int:
    """Ask the service for the changes, part by part, and print them as one table."""
    parts = asyncio.run(_ask(args))
    changes = [change for part in parts for change in part.changes]
    judgments = sum(part.judgments for part in parts)
    end = parts[-1]
    if args.json:
        import msgspec

        said = {"order": args.order, "as_of": end.as_of, "size": end.size, "judgments": judgments}
        print(json.dumps(said | {"changes": msgspec.to_builtins(changes)}))
        return 0
    from projections.runners.wording import moment

    print(f"{args.order}: up to {moment(end.as_of)}, {end.size:,} entries ({judgments:,} judgments)")
    if not changes:
        print("the order was not there yet")
        return 0
    print(COLUMNS.format("from (UTC)", "entry", "verdict", "because").rstrip())
    several = len(changes[0].obligations) > 1
    for change in changes:
        print(*_rows(change, several=several), sep="\n")
    return 0


def _rows(change: "Change", *, several: bool) -> Iterator[str]:
    """A change as lines of the table, with each obligation whose verdict changed where there are several."""
    from projections.runners.wording import change_cause, moment

    entry = f"{change.entry:,}" if change.entry >= 0 else ""
    first, *more = textwrap.wrap(
        change_cause(change), BECAUSE, break_long_words=False, break_on_hyphens=False
    )
    yield COLUMNS.format(moment(change.as_of)[:19], entry, _verdict(change), first)
    yield from (COLUMNS.format("", "", "", line) for line in more)
    if several:
        for name, verdict in change.obligations.items():
            yield f"{COLUMNS.format('', '', '', '')}{name}: {verdict.replace('_', ' ')}"


def _verdict(change: "Change") -> str:
    """The verdict; of an order not in force its status, and what would hold."""
    verdict = change.verdict.replace("_", " ")
    if change.status == "in_force":
        return verdict
    return f"{change.status.replace('_', ' ')}: {verdict}"


async def _ask(args: argparse.Namespace) -> "list[OrderTimeline]":
    """The parts of the timeline: the service walks for some seconds at a time."""
    import msgspec

    from ledger.judging import OrderTimeline

    parts: list[OrderTimeline] = []
    query = {"as_of": args.as_of} if args.as_of else {}
    async with cli_connect.open_log(args) as log:
        while True:
            path = f"orders/{quote(args.order, safe='')}/timeline?{urlencode(query)}"
            part = msgspec.json.decode((await waited(log, log.get(path))).body, type=OrderTimeline)
            parts.append(part)
            if part.complete:
                return parts
            query |= {"after_as_of": str(part.as_of), "after_size": str(part.size)}
            query.setdefault("as_of", part.end)
