"""An inventory, as a process of its own: what is really in a store, blinded and digested.

    python -m ledger.demo.inventory --estate DSN --store people --blinding-key FILE --controller ID \\
        --url URL --log VKEY --key FILE

It holds the estate's connection, the blinding key, the ledger's address and its own signing key. It has no
right to read the ledger, so it can't copy the answer from there: what it posts is what it counted.
"""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg

from ledger import cli_connect
from ledger.demo.company import rfc3339
from ledger.demo.estate import KEYS, native_id
from ledger.keyfiles import read_blinding_key
from projections import events as ev
from signing.encoding import encode_base64
from signing.handle import handle
from signing.setdigest import SetDigest, digest_of


async def take(args: argparse.Namespace) -> SetDigest:
    """Announce the inventory while the store is quiescent, count what is there, attest to it."""
    key = read_blinding_key(Path(args.blinding_key))
    name = f"{args.store}-{uuid4().hex[:12]}"
    async with cli_connect.open_poster(args) as poster:
        source = poster.folder.state.source
        begun = ev.InventoryBegun(controller=args.controller, inventory=name, store=args.store)
        await poster.post([_line(begun, source, f"{name}-begun")])
        found = await _count(args.estate, args.store, key)
        attested = ev.InventoryAttested(
            controller=args.controller,
            count=found.count,
            digest=encode_base64(found.digest),
            inventory=name,
            method="quiescent",
            store=args.store,
        )
        await poster.post([_line(attested, source, f"{name}-attested")])
    return found


async def _count(dsn: str, store: str, key: bytes) -> SetDigest:
    """Every key of the store in one snapshot, blinded. Only handles are kept."""
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            return digest_of(
                [
                    handle(key, store, native_id(store, row)).encode()
                    async for row in conn.cursor(KEYS[store], prefetch=5_000)
                ]
            )
    finally:
        await conn.close()


def _line(data: ev.Data, source: str, name: str) -> bytes:
    return ev.encode_event(ev.make_event(data, id=name, source=source, time=rfc3339(datetime.now(UTC))))


def main() -> None:
    """Take the inventory that the command line describes."""
    parser = argparse.ArgumentParser(description="Count what is really in a store.")
    parser.add_argument("--estate", required=True, metavar="DSN", help="the store's database, read only")
    parser.add_argument("--store", required=True, choices=sorted(KEYS))
    parser.add_argument("--blinding-key", required=True, metavar="FILE")
    parser.add_argument("--controller", required=True, metavar="ID")
    cli_connect.add_post_arguments(parser)
    args = parser.parse_args()
    found = asyncio.run(take(args))
    print(f"{found.count} {encode_base64(found.digest)}")


if __name__ == "__main__":
    main()
