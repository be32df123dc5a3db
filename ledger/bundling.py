"""Bundling: an order's evidence bundle, built from the log's entries in a process of its own.

The entries are read once and written as a static tree, which is then replayed as any reader replays it: no
bundle is handed out that its own verifier would refuse. The same log, order and moment give the same bytes.
"""

import asyncio
from pathlib import Path

import asyncpg
from msgspec import Struct

from ledger import report, store
from ledger.collecting import Collected, take_cosignatures
from ledger.compacting import Verified, indexes
from ledger.keyfiles import CommandSigner
from ledger.packing import Pack
from ledger.proving import Prover
from ledger.readme import order_readme
from projections.clock import read_clock
from projections.docket import IssuedOrder
from projections.runners.full import restate
from projections.runners.offline import Replayed, replay
from projections.runners.restating import end_of, state_end
from projections.runners.source import DirectorySource
from projections.statement import format_statement
from projections.stating import Stated, find_order
from signing.checkpoint import parse_checkpoint
from signing.errors import ProofError
from signing.keys import SigningKey
from signing.merkle import leaf_hashes_of
from signing.note import add_signatures, format_note, parse_note, sign_note
from signing.tiles import ENTRIES, WIDTH, Edge, Tile, encode_bundle, tile_path, tiles_of

PAGE_ENTRIES = 16 * WIDTH


class Job(Struct, frozen=True, kw_only=True):
    """What a bundle is made of. `checkpoint` is the log's cosigned checkpoint, `folder` an empty folder."""

    dsn: str
    log: str
    order: str
    checkpoint: bytes
    operator: SigningKey | CommandSigner
    now: int
    compact: bool
    folder: str
    collected: Collected | None = None
    """The attested statement that the bundle is about; None: a new one."""


class Built(Struct, frozen=True):
    """A finished bundle and what it says."""

    path: str
    headline: str
    size: int


class NoSuchOrder(Exception):
    """The log has no order under this id."""


class OtherStatement(Exception):
    """The log does not give the statement that was attested."""


def build(job: Job) -> Built:
    """Build the bundle in the job's folder."""
    folder = Path(job.folder)
    tree = folder / "tree"
    size = parse_checkpoint(parse_note(job.checkpoint).text).size
    asyncio.run(_write_tree(job, size, tree))
    (tree / "checkpoint").write_bytes(job.checkpoint)
    # On this process alone: the others belong to those who post.
    replayed = replay(DirectorySource(tree), workers=0)
    issued, stated = _judge(replayed, job)
    note = sign_note(format_statement(stated.statement), job.operator)
    collected = job.collected
    if collected is not None:
        note = add_signatures(note, *collected.note.signatures)
        replayed.note = take_cosignatures(replayed.note, issued.order.trust.policy(), collected)
    page = report.render(stated, issued.order, replayed, compact=job.compact)
    with Pack(folder / "bundle.zip") as pack:
        pack.add("README.txt", order_readme(stated.statement, compact=job.compact).encode())
        pack.add("report.html", page.encode())
        pack.add("statement", format_note(note))
        pack.add("checkpoint", format_note(replayed.note))
        for name, content in (collected.members if collected else {}).items():
            pack.add(name, content)
        if job.compact:
            asyncio.run(_pack_proofs(pack, job, replayed, indexes(replayed.fold.docket, issued, stated)))
        else:
            for tile in tiles_of(size):
                pack.add(tile_path(tile), (tree / tile_path(tile)).read_bytes())
    return Built(str(folder / "bundle.zip"), report.title(stated.statement), size)


def _judge(replayed: Replayed, job: Job) -> tuple[IssuedOrder, Stated]:
    """The order, and the statement on it: a new one, or that which was attested."""
    attested = None if job.collected is None else job.collected.statement
    as_of = _as_of(replayed, job) if attested is None else attested.as_of
    issued = find_order(replayed.fold, job.order, None, None, as_of=as_of)
    if issued is None:
        raise NoSuchOrder(job.order)
    if attested is None:
        # Provisional where the witnesses do not vouch even for the order.
        return issued, state_end(replayed, issued, as_of)[0]
    try:
        return issued, restate(attested, issued, replayed)
    except ProofError as error:
        raise OtherStatement(str(error)) from error


def _as_of(replayed: Replayed, job: Job) -> int:
    """Now; but what the log recorded, or a witness vouched for, just now is to count."""
    docket = replayed.fold.docket
    # A witness's clock may be a little ahead of ours.
    seen = [
        time_s
        for one in docket.orders
        if one.order.id == job.order
        for time_s in read_clock(docket.anchors, one.order.trust).times
        if time_s <= job.now + 60
    ]
    return max(job.now, end_of(replayed), *seen)


async def _write_tree(job: Job, size: int, tree: Path) -> None:
    """The log's first `size` entries and their hash tiles as files. Read in pages: no long transaction."""
    connection = await asyncpg.connect(job.dsn)
    try:
        edge = Edge.empty()
        for begin in range(0, size, PAGE_ENTRIES):
            entries = await store.read_entries(connection, job.log, begin, min(begin + PAGE_ENTRIES, size))
            for tile, hashes in edge.extend(leaf_hashes_of(entries)):
                _write(tree, tile, hashes)
            for at in range(0, len(entries), WIDTH):
                part = entries[at : at + WIDTH]
                _write(tree, Tile(ENTRIES, (begin + at) // WIDTH, len(part)), encode_bundle(part))
        for tile in tiles_of(size):
            if tile.level != ENTRIES and tile.width < WIDTH:
                _write(tree, tile, edge.partial(tile.level, tile.index))
    finally:
        await connection.close()


def _write(tree: Path, tile: Tile, content: bytes) -> None:
    path = tree / tile_path(tile)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def _pack_proofs(pack: Pack, job: Job, replayed: Replayed, proved: list[int]) -> None:
    connection = await asyncpg.connect(job.dsn)
    try:
        async for name, content in Prover(connection, job.log, Verified(replayed)).members(proved):
            pack.add(name, content)
    finally:
        await connection.close()
