"""`writ questions [NAME]`: what a log says on matters of law, beside its orders."""

import argparse
import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from ledger import cli_connect
from ledger.cli_waiting import waited

if TYPE_CHECKING:
    from projections.runners.asking import AnswerPage

LISTED = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ questions`."""
    from projections.standing import QUESTIONS

    cli_connect.add_log_arguments(parser)
    parser.add_argument("name", nargs="?", choices=QUESTIONS, metavar="NAME", help=", ".join(QUESTIONS))
    parser.add_argument(
        "--as-of", metavar="TIME", help="the moment asked about, as 2026-12-24T00:00:00Z (default: now)"
    )
    parser.add_argument(
        "--list",
        action="store_true",
        help="list whom one question counts, with the entries for which it does",
    )


def run(args: argparse.Namespace) -> int:
    """Ask the service and print the answers."""
    from ledger.failure import Misuse

    if args.list and not args.name:
        raise Misuse("--list is about one question", "name it")
    raw = asyncio.run(_ask(args))
    if args.json:
        print(raw.decode())
        return 0
    import msgspec

    from projections.runners.asking import AnswerPage, lines

    pages = (
        [msgspec.json.decode(raw, type=AnswerPage)]
        if args.name
        else msgspec.json.decode(raw, type=list[AnswerPage])
    )
    for at, page in enumerate(pages):
        print(*([""] if at else []), *lines(page), *_members(page, args.list), sep="\n")
    return 0


def _members(page: "AnswerPage", wanted: bool) -> list[str]:
    if not wanted:
        return []
    listed = [
        f"    {one.id}  {', '.join(cell or '-' for cell in one.group)}: "
        f"entries {' '.join(map(str, one.entries))}"
        for one in page.members
    ]
    more = page.member_count - len(listed)
    return [*listed, *([f"    … and {more:,} more (HTTP: skip={len(listed)})"] if more else [])]


async def _ask(args: argparse.Namespace) -> bytes:
    name = f"/{args.name}" if args.name else ""
    wanted = {"as_of": args.as_of, "limit": LISTED if args.list else 0 if name else None}
    query = "&".join(f"{key}={quote(str(value))}" for key, value in wanted.items() if value is not None)
    async with cli_connect.open_log(args) as log:
        return (await waited(log, log.get(f"questions{name}{'?' if query else ''}{query}"))).body
