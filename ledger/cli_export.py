"""`writ export ORDER -o FILE.zip`: fetch an order's evidence bundle, whole or not at all."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ledger import cli_connect as connect

if TYPE_CHECKING:
    from ledger.remote import RemoteLog

CHUNK_BYTES = 1 << 20
CONNECT_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ export`."""
    parser.description = "Have the service anchor its log and build the evidence bundle of an order."
    parser.add_argument("order", metavar="ORDER", help="the order's id, as authority.example/en-1")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.zip", help="where to put the bundle")
    parser.add_argument(
        "--compact",
        action="store_true",
        help="only the statement and proofs of single events; it needs an assessor's signature",
    )
    connect.add_log_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Fetch the bundle and say how to check it."""
    path = Path(args.output)

    async def work() -> int:
        async with connect.open_log(args) as log:
            size_bytes = await download(log, args.order, path, compact=args.compact)
        value = {"file": str(path), "bytes": size_bytes, "order": args.order, "compact": args.compact}
        return connect.answer(
            args,
            value,
            f"{path}: {size_bytes:,} bytes of evidence on {args.order}",
            f"check it, anywhere and offline: writ verify {path} --authority VKEY",
        )

    return connect.run(work())


async def download(log: "RemoteLog", order: str, path: Path, *, compact: bool) -> int:
    """Put the bundle at `path`, which an interruption leaves as it was. Returns its size in bytes."""
    import aiohttp

    # The service replays the whole log before the first byte: only connecting has a limit.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    unfinished = path.with_name(path.name + ".part")
    url = f"{log.url}/orders/{quote(order, safe='')}/bundle" + ("?compact=1" if compact else "")
    try:
        with unfinished.open("wb") as file:
            async for piece in log.stream(url, timeout, CHUNK_BYTES):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            size_bytes = file.tell()
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return size_bytes
