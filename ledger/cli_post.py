"""`writ post`: sign the events of a file and post them, as often as needed but never twice."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger import cli_connect as connect

if TYPE_CHECKING:
    from ledger.client import Receipt


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ post`."""
    parser.description = (
        "Sign the events of a file and post them. A line is a JSON object with at least `type` and `data`; "
        "`id`, `source`, `specversion` and `time` are filled in where they are missing, and the line is "
        "written canonically. Posting the same file again goes on where it stopped."
    )
    parser.add_argument("file", metavar="FILE.ndjson", help="an event a line; - for standard input")
    connect.add_post_arguments(parser)
    parser.add_argument(
        "--abandon", action="store_true", help="leave the rest of an unfinished other file unposted"
    )


def run(args: argparse.Namespace) -> int:
    """Post the file's events, or those that are not in yet, and print the receipts."""
    raw = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    digest = sha256(raw).hexdigest()

    async def work() -> int:
        from ledger.remote import RefusedByService

        async with connect.open_poster(args) as poster:
            folder = poster.folder
            lines = complete_lines(raw, digest, folder.state.source, connect.now())
            if args.abandon:
                folder.abandon_job()
            done = folder.begin_job(digest, len(lines))
            try:
                with _progress(len(lines), done, quiet=args.json) as advance:
                    receipts = await poster.post(lines[done:], advance)
            except RefusedByService as error:
                if error.event is not None:
                    at, posted = done + error.event + 1, folder.begin_job(digest, len(lines))
                    rest = (
                        f", and post what comes after line {posted} alone, with --abandon" if posted else ""
                    )
                    error.remedy = f"correct line {at} of {args.file}{rest}"
                raise
            return _report(args, receipts, len(lines), done, folder.path / "receipts")

    return connect.run(work())


def complete_lines(raw: bytes, digest: str, source: str, time: str) -> list[bytes]:
    """The events of a file as canonical lines, every one of them checked before the first is posted.

    An id that is filled in derives from the file and the line, so that a second reading makes the same.
    """
    from projections.diagnosis import EventError
    from projections.events import decode_event
    from signing.canonical import canonicalise
    from signing.errors import FormatError

    lines = []
    for number, text in enumerate(raw.removesuffix(b"\n").split(b"\n"), 1):
        filled = {"id": f"{digest[:24]}.{number}", "source": source, "specversion": "1.0", "time": time}
        try:
            line = canonicalise(filled | _parse_object(text))
            decode_event(line)
        except FormatError as error:
            field = f"{error.field}: " if isinstance(error, EventError) and error.field else ""
            problem = error.problem if isinstance(error, EventError) else str(error)
            raise FormatError(f"line {number}: {field}{problem}") from error
        lines.append(line)
    return lines


def _parse_object(text: bytes) -> dict[str, Any]:
    from signing.errors import FormatError

    try:
        value = json.loads(text, object_pairs_hook=_object_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FormatError("not a JSON object")
    return value


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


@contextmanager
def _progress(total: int, done: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error; nothing anywhere else."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("posting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("posting", total=total, completed=done)
        yield lambda count: progress.advance(task, count)


def _report(args: argparse.Namespace, receipts: "list[Receipt]", total: int, done: int, folder: Path) -> int:
    value = {
        "events": total,
        "posted_before": done,
        "posted": total - done,
        "receipts_folder": str(folder),
        "receipts": [connect.receipt_value(receipt) for receipt in receipts],
    }
    before = f" ({done} of them before)" if done else ""
    prose = [f"{total} {'event is' if total == 1 else 'events are'} in the log{before}, receipts in {folder}"]
    prose += [
        f"  entry {receipt.index}: source log at {receipt.source_size}, log at {receipt.checkpoint.size}"
        for receipt in receipts
    ]
    return connect.answer(args, value, *prose)
