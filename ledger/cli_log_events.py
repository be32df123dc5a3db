"""`writ log events`: what was posted to a log, all of it or what is about one record."""

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from ledger import cli_connect as connect
from projections.runners.fields import fields

if TYPE_CHECKING:
    from ledger.remote import RemoteLog

# So many of the longest events still fit into an answer that a client reads.
_PAGE: Final = 20
# Entry, time and type stand in columns; what follows them is broken to a terminal's width.
_HEAD: Final = "{:>9}  {:<19}  {:<20}  "
_INDENT: Final = " " * 32
# Without a terminal a row is a line, so that it can be searched.
_UNBROKEN: Final = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ log events`."""
    connect.add_log_arguments(parser)
    parser.add_argument(
        "--record", metavar="HANDLE", help="only those that name this record (`writ blind` makes handles)"
    )
    parser.add_argument("--type", metavar="TYPE", help="only those of a type, such as data.deleted")
    parser.add_argument(
        "--after", type=entry, metavar="N", help="only those that stand after entry N (default: all)"
    )


def entry(text: str) -> int:
    """An entry's number; the parser says what is wrong with another text."""
    if not text.isdecimal() or not text.isascii():
        raise argparse.ArgumentTypeError(f"{text!r} is no entry's number")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Print events in the log's sequence, and how far the answer goes."""
    return connect.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    query = {"limit": str(_PAGE)}
    if args.record is not None:
        query["record"] = args.record
    if args.type is not None:
        from ledger.cli_events import full_name

        query["type"] = full_name(args.type)
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNBROKEN
    begun = False
    async with connect.open_log(args) as log:
        async for said in _lines(log, query, -1 if args.after is None else args.after):
            if args.json:
                print(json.dumps(said))
            elif "folded_size" in said:
                print(await _reach(log, said["folded_size"]))
            else:
                if not begun:
                    print(_HEAD.format("entry", "recorded (UTC)", "type") + "source log: what it says")
                begun = True
                print(row(said, columns))
            sys.stdout.flush()
    return 0


async def _lines(log: "RemoteLog", query: dict[str, str], after: int) -> AsyncIterator[dict[str, Any]]:
    """The events of all pages; then, of one record, the line that says how far they are complete."""
    last: dict[str, Any] = {}
    going: int | None = after
    while going is not None:
        answer = await log.get(f"events?{urlencode(query | ({'after': str(going)} if going >= 0 else {}))}")
        for line in answer.body.splitlines():
            said = json.loads(line)
            if "folded_size" in said:
                last = said
            else:
                yield said
        going = answer.next_after(going)
    if last:
        yield last


async def _reach(log: "RemoteLog", folded: int) -> str:
    """How far an answer about one record goes: a projection answers, which follows the log."""
    size = (await log.checkpoint())[0].size
    if folded >= size:
        return f"complete: all {size:,} entries of the log were looked at"
    return (
        f"complete for the first {folded:,} of {size:,} entries only: the projections are behind. "
        f"The rest, when they are not: --after {max(0, folded - 1)}"
    )


def row(said: dict[str, Any], columns: int) -> str:
    """One event: its place, when it was recorded, its type, in which source log, and what it says."""
    event = said["event"]
    recorded = datetime.fromtimestamp(said["time_us"] // 1_000_000, UTC)
    kind = event["type"].removeprefix("writ.").removesuffix(".v1")
    return textwrap.fill(
        f"{event['source']}: {' '.join(fields(event['data']))}",
        max(columns, 80),
        initial_indent=_HEAD.format(f"{said['index']:,}", f"{recorded:%Y-%m-%d %H:%M:%S}", kind),
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
