"""Posting an inventory: its beginning at its exact place in the log, and what it found, once."""

import argparse
import asyncio
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ledger import cli_connect as connect
from ledger.failure import Failure, Misuse
from ledger.inventory.dating import place_at
from ledger.inventory.findings import Found, Look, write_found
from ledger.inventory.lines import begun_line
from ledger.stores.opening import Where, open_at, require_present
from signing.encoding import encode_base64

if TYPE_CHECKING:
    from ledger.client import Poster
    from ledger.remote import RemoteLog
    from ledger.set_wire import StoreLine
    from ledger.stores.source import Source


def declared(args: argparse.Namespace) -> "StoreLine | None":
    """What the log declares of the store; None where it is not to be read from here."""

    async def work() -> "StoreLine | None":
        async with connect.open_log(args) as log:
            return await _declared(log, args.store)

    return None if args.log is None else asyncio.run(work())


def begin(args: argparse.Namespace, where: Where, look: Look) -> "tuple[Look, Source]":
    """Give a look its place in the log, and open the store as it is there."""
    if look.door == "outbox":
        if where.scheme != "postgresql":
            raise Misuse(f"a store of the kind {where.scheme} has no outbox", "give --quiescent or --auditor")
        from ledger.stores import postgres

        return look, postgres.open_begun(where, begun_line(look))
    if look.method == "reconcile":
        # What the log had before anybody looked: later than that he saw nothing of it.
        size, root = asyncio.run(_checkpoint(args))
        source = open_at(where)
        made_at_s = getattr(source, "made_at_s", None)
        if made_at_s is not None:
            # A report's place is that of its making, however long ago; nothing is held open meanwhile.
            size, root = asyncio.run(_checkpoint(args, made_at_s))
        return msgspec.structs.replace(look, begun_size=size, begun_root=encode_base64(root)), source
    require_present(where)
    look = msgspec.structs.replace(look, begun_index=asyncio.run(_post_begun(args, begun_line(look))))
    return look, open_at(where)


def attest(args: argparse.Namespace, where: Where | None, work: Path, found: Found) -> Found:
    """Post what was found, unless it is in; returns it as posted."""
    if found.posted:
        return found
    post(args, where, found.look, found.line.encode())
    # A crash before this line posts the same line again: it is known for the same.
    done = msgspec.structs.replace(found, posted=True)
    write_found(work, done)
    return done


def post(args: argparse.Namespace, where: Where | None, look: Look, line: bytes) -> None:
    """Post a line through the door of the look, once."""
    if look.door == "key":
        args.source = look.source
        asyncio.run(_post_once(args, line))
        return
    from ledger.stores import postgres

    if where is None or where.scheme != "postgresql":
        raise Misuse(
            "it was begun through the store's outbox, and is told there", "give --from postgresql://…"
        )
    postgres.put_line(where, line)


async def _declared(log: "RemoteLog", store: str) -> "StoreLine | None":
    from ledger import remote_sets
    from ledger.remote import RefusedByService

    try:
        stores = await remote_sets.stores(log)
    except RefusedByService as error:
        if error.status in (401, 403):
            return None
        raise
    if store not in stores:
        raise Failure(f"{log.key.name} has no store {store}: it has {', '.join(sorted(stores)) or 'none'}")
    return stores[store]


async def _checkpoint(args: argparse.Namespace, moment_s: int | None = None) -> tuple[int, bytes]:
    """Size and root of the log as it is, or as it was at an earlier moment."""
    async with connect.open_poster(args) as poster, connect.open_log(args) as log:
        seen = poster.seen
        assert seen is not None, "a poster has seen a checkpoint once it is open"
        return (seen.size, seen.root) if moment_s is None else await place_at(log, seen, moment_s)


async def _post_begun(args: argparse.Namespace, line: bytes) -> int:
    async with connect.open_poster(args) as poster:
        (receipt,) = await poster.post([line])
        return receipt.index + 1


async def _post_once(args: argparse.Namespace, line: bytes) -> None:
    async with connect.open_poster(args) as poster:
        if not _is_in(poster, line):
            await poster.post([line])


def _is_in(poster: "Poster", line: bytes) -> bool:
    """Whether the line got in before a crash: the source log grew by it since it was noted."""
    return poster.folder.begin_job(sha256(line).hexdigest(), 1) == 1
