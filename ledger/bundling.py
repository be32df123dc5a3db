"""Bundling: an order's evidence bundle, built from the log's entries in a process of its own.

The log is replayed where it stands, as any reader replays it: no bundle is handed out that its own verifier
would refuse. What is packed is read again and compared with what was replayed, so that however long a log is,
neither it nor its records are held, in memory or as a second copy on the disk. The same log, order and moment
give the same bytes.
"""

import asyncio
from pathlib import Path

import asyncpg
from msgspec import Struct

from ledger import report
from ledger.collecting import Collected, take_cosignatures
from ledger.compacting import Verified, indexes
from ledger.keyfiles import CommandSigner
from ledger.log_source import LogSource
from ledger.packing import Pack
from ledger.proving import Prover
from ledger.readme import order_readme
from projections.clock import read_clock
from projections.docket import IssuedOrder
from projections.runners.full import restate
from projections.runners.offline import Replayed, replay
from projections.runners.restating import end_of, state_end
from projections.runners.shelf import MOST_HELD
from projections.statement import format_statement
from projections.stating import Stated, find_order
from signing.errors import ProofError
from signing.keys import SigningKey
from signing.note import add_signatures, format_note, sign_note
from signing.tiles import tile_path, tiles_of


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


def build(job: Job, most_held: int | None = MOST_HELD) -> Built:
    """Build the bundle in the job's folder, where all that is put away meanwhile stands too."""
    folder = Path(job.folder)
    with LogSource(job.dsn, job.log, job.checkpoint) as source:
        # On this process alone: the others belong to those who post.
        replayed = replay(source, workers=0, most_held=most_held, folder=folder)
        issued, stated = _judge(replayed, job)
        note = sign_note(format_statement(stated.statement), job.operator)
        collected = job.collected
        if collected is not None:
            note = add_signatures(note, *collected.note.signatures)
            replayed.note = take_cosignatures(replayed.note, issued.order.trust.policy(), collected)
        beside = collected.members if collected else {}
        page = report.render(
            stated, issued.order, replayed, compact=job.compact, note=note, attestations=beside
        )
        with Pack(folder / "bundle.zip") as pack:
            pack.add("README.txt", order_readme(stated.statement, compact=job.compact).encode())
            pack.add("report.html", page.encode())
            pack.add("statement", format_note(note))
            pack.add("checkpoint", format_note(replayed.note))
            for name, content in beside.items():
                pack.add(name, content)
            if job.compact:
                proved = indexes(replayed.fold.docket, issued, stated)
                asyncio.run(_pack_proofs(pack, job, replayed, proved))
            else:
                # Read again, and the same as what was replayed: nothing of it was kept.
                for tile in tiles_of(replayed.audited.checkpoint.size):
                    pack.add(tile_path(tile), replayed.tile(tile))
    return Built(str(folder / "bundle.zip"), report.title(stated.statement), replayed.audited.checkpoint.size)


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


async def _pack_proofs(pack: Pack, job: Job, replayed: Replayed, proved: list[int]) -> None:
    connection = await asyncpg.connect(job.dsn)
    try:
        async for name, content in Prover(connection, job.log, Verified(replayed)).members(proved):
            pack.add(name, content)
    finally:
        await connection.close()
