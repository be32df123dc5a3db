"""`writ status ORDER`: an order's verdict, what stands behind it and beside it, and whom its counts count."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from ledger import cli_connect
from ledger.cli_waiting import waited

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.judging import OrderStatus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ status`."""
    cli_connect.add_log_arguments(parser)
    parser.add_argument("order", metavar="ORDER", help="the order's id, as authority.example/en-1")
    parser.add_argument(
        "--as-of", metavar="TIME", help="the moment judged, as 2026-12-24T00:00:00Z (default: now)"
    )
    parser.add_argument(
        "--size",
        type=size,
        metavar="N",
        help="count the first N entries only; without --as-of, at the moment when there were so many",
    )
    parser.add_argument(
        "--list", metavar="COUNT", help="list whom a count counts, as live or erased_late: handle and store"
    )
    parser.add_argument(
        "--obligation", metavar="ID", help="whose count to list (default: the first that has one)"
    )


def size(text: str) -> int:
    """A size of the log; the parser says what is wrong with another text."""
    if not text.isdecimal() or not text.isascii():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of entries")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Ask the service for the verdict, or for members, and print what it says."""
    from ledger.failure import Misuse

    if args.obligation is not None and args.list is None:
        raise Misuse("--obligation says whose count --list lists", "name the count: --list live")
    if args.list is not None:
        return asyncio.run(_list(args))
    raw = asyncio.run(_ask(args))
    if args.json:
        print(raw.decode())
        return 0
    import msgspec
    from rich.console import Console

    from ledger.judging import OrderStatus

    # Never wrapped by us: whoever reads a pipe looks for whole lines.
    show(Console(highlight=False, soft_wrap=True), msgspec.json.decode(raw, type=OrderStatus))
    return 0


def show(console: "Console", status: "OrderStatus") -> None:
    """Print a verdict: the headline first, then each obligation, then what stands beside it."""
    from ledger.status_words import lines

    for bold, line in lines(status):
        console.print(line, style="bold" if bold else None, markup=False)


async def _ask(args: argparse.Namespace) -> bytes:
    async with cli_connect.open_log(args) as log:
        return (await waited(log, log.get(_path(args, "", _place(args))))).body


async def _list(args: argparse.Namespace) -> int:
    import msgspec

    query = _place(args) | {"count": args.list}
    if args.obligation is not None:
        query["obligation"] = args.obligation
    begun = False
    async with cli_connect.open_log(args) as log:
        while True:
            *listed, last = (await waited(log, log.get(_path(args, "/members", query)))).body.splitlines()
            said = msgspec.json.decode(last)
            if not begun and not args.json:
                print(_heading(args.list, said))
            begun = True
            for line in listed:
                print(line.decode() if args.json else _member(msgspec.json.decode(line)))
            sys.stdout.flush()
            if "next" not in said:
                return 0
            query |= {"as_of": said["as_of"], "size": str(said["size"]), "after": said["next"]}


def _heading(name: str, said: dict[str, object]) -> str:
    count = name.replace("_", " ")
    return (
        f"{count} of {said['obligation']}: {said['counted']:,}, as of {said['as_of']}, "
        f"{said['size']:,} entries"
    )


def _member(member: dict[str, object]) -> str:
    entry = f"  entry {member['entry']:,}" if "entry" in member else ""
    return f"{member['handle']}  {member.get('store', '')}{entry}".rstrip()


def _place(args: argparse.Namespace) -> dict[str, str]:
    given = {"as_of": args.as_of, "size": args.size}
    return {name: str(value) for name, value in given.items() if value is not None}


def _path(args: argparse.Namespace, view: str, query: dict[str, str]) -> str:
    asked = f"?{urlencode(query)}" if query else ""
    return f"orders/{quote(args.order, safe='')}{view}{asked}"
