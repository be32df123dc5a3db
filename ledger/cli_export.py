"""`writ export ORDER -o FILE.zip`: fetch an order's evidence bundle, whole or not at all; with
`--record HANDLE` that of one record."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from ledger import cli_connect as connect
from ledger.cli_waiting import waited

if TYPE_CHECKING:
    from ledger.remote import RemoteLog

CHUNK_BYTES = 1 << 20
CONNECT_S = 10.0
UNSIGNED = """no assessor has signed its statement yet, and it is not sound without:
  writ attest signs the statement of a full bundle, and --compact --statement FILE takes it from there"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ export`."""
    parser.description = (
        "Have the service anchor its log and build the evidence bundle of an order, or of one record."
    )
    about = parser.add_mutually_exclusive_group(required=True)
    about.add_argument("order", metavar="ORDER", nargs="?", help="the order's id, as authority.example/en-1")
    about.add_argument(
        "--record",
        metavar="HANDLE",
        help="instead: all that is about this record (`writ blind` makes handles)",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE.zip", help="where to put the bundle")
    parser.add_argument(
        "--compact",
        action="store_true",
        help="only the statement and proofs of single events; it needs an assessor's signature",
    )
    parser.add_argument(
        "--statement",
        type=Path,
        metavar="FILE",
        help="of a statement that assessors attested, with their signatures, instead of a new one",
    )
    connect.add_log_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Fetch the bundle and say how to check it."""
    path = Path(args.output)

    async def work() -> int:
        async with connect.open_log(args) as log:
            if args.record is not None:
                size_bytes = await waited(log, download_record(log, args.record, path))
                value = {"file": str(path), "bytes": size_bytes, "record": args.record}
                about, key = f"the record {args.record}", "--log VKEY --policy FILE"
            else:
                named = _named(args.statement)
                bundle = download(log, args.order, path, compact=args.compact, statement=named)
                size_bytes = await waited(log, bundle)
                value = {"file": str(path), "bytes": size_bytes, "order": args.order, "compact": args.compact}
                about, key = args.order, "--authority VKEY"
        # A statement is made anew here, so nobody but the operator can have signed it yet.
        unsigned = args.record is None and args.compact and args.statement is None
        return connect.answer(
            args,
            value,
            f"{path}: {size_bytes:,} bytes of evidence on {about}",
            f"check it, anywhere and offline: writ verify {path} {key}",
            *([UNSIGNED] if unsigned else []),
        )

    return connect.run(work())


def _named(statement: Path | None) -> str | None:
    """The hash by which the service knows a statement."""
    if statement is None:
        return None
    from projections.runners.restating import read_statement
    from signing.attestation import statement_hash

    return statement_hash(read_statement(statement).note.text).hex()


async def download(
    log: "RemoteLog", order: str, path: Path, *, compact: bool, statement: str | None = None
) -> int:
    """Put an order's bundle at `path`, which an interruption leaves as it was. Returns its size in bytes."""
    query = {"compact": "1"} if compact else {}
    query |= {} if statement is None else {"statement": statement}
    return await _fetch(log, f"orders/{quote(order, safe='')}/bundle?{urlencode(query)}".rstrip("?"), path)


async def download_record(log: "RemoteLog", handle: str, path: Path) -> int:
    """The same for the bundle of one record."""
    return await _fetch(log, f"records/{quote(handle, safe='')}/bundle", path)


async def _fetch(log: "RemoteLog", what: str, path: Path) -> int:
    import aiohttp

    # The service replays the whole log before the first byte: only connecting has a limit.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as file:
            async for piece in log.stream(f"{log.url}/{what}", timeout, CHUNK_BYTES):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            size_bytes = file.tell()
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return size_bytes
