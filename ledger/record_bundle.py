"""A record's bundle: every entry that names one handle, with proofs, and the registrations of who signed it.

Nothing is replayed: the projection knows which entries name a handle, and a proof takes a few tiles. What is
handed out has stood the verifier that a reader runs.
"""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
from msgspec import Struct

from ledger import store
from ledger.bundling import Built
from ledger.keyfiles import CommandSigner
from ledger.packing import Pack
from ledger.proving import Prover
from ledger.reading import Reader
from ledger.readme import record_readme
from ledger.resume import Inconsistent, resume
from ledger.sealing import LogState
from ledger.store import Pool, Registration
from projections import events as ev
from projections.events import decode_event
from projections.runners.full import Request
from projections.runners.outcome import Outcome
from projections.runners.record import Record, format_record, verify_record
from projections.runners.source import ZipSource
from projections.statement import Log
from signing.checkpoint import parse_checkpoint
from signing.encoding import encode_base64
from signing.entry import Entry, parse_entry
from signing.errors import ProofError
from signing.keys import SigningKey, parse_vkey
from signing.note import Note, format_note, parse_note, sign_note

PAGE = 1_000
CREATED = 1
"""The entry that creates a log, and names the keys of its operator."""


class RecordJob(Struct, frozen=True, kw_only=True):
    """What a record's bundle is made of; `checkpoint` is cosigned, and the projections have reached it."""

    dsn: str
    log: str
    handle: str
    checkpoint: bytes
    operator: SigningKey | CommandSigner
    folder: str


def build_record(job: RecordJob) -> Built:
    """Build the bundle in the job's folder."""
    path = Path(job.folder) / "bundle.zip"
    try:
        size = asyncio.run(_write(job, path))
    except Inconsistent as error:
        raise ProofError(str(error)) from error
    outcome = Outcome(bundle=path.name)
    with ZipSource(path) as source:
        verify_record(source, Request(authority=None, now=0), outcome)
    return Built(str(path), f"{len(outcome.told) + outcome.untold} entries", size)


async def _write(job: RecordJob, path: Path) -> int:
    note = parse_note(job.checkpoint)
    checkpoint = parse_checkpoint(note.text)
    async with asyncpg.create_pool(job.dsn, min_size=1, max_size=1) as pool:
        state = await resume(pool, job.log, checkpoint.origin, await store.read_head(pool, job.log))
        entries = await _naming(pool, job, checkpoint.size)
        registering = await _registering(pool, job.log, entries, checkpoint.size)
        said = Log(checkpoint.origin, encode_base64(checkpoint.root), checkpoint.size)
        record = Record(tuple(entries), job.handle, said)
        prover = Prover(pool, job.log, _Stored(pool, job.log, state, note, checkpoint.size))
        with Pack(path) as pack:
            pack.add("README.txt", record_readme(record).encode())
            pack.add("record", format_note(sign_note(format_record(record), job.operator)))
            pack.add("checkpoint", job.checkpoint)
            async for name, content in prover.members(sorted({CREATED, *registering, *entries})):
                pack.add(name, content)
    return checkpoint.size


class _Stored:
    """The log as the database holds it, proved under a checkpoint that it is at or beyond."""

    def __init__(self, pool: Pool, log: str, state: LogState, checkpoint: Note, size: int) -> None:
        self._pool, self._log = pool, log
        self._reader = Reader(pool, log, state.origin)
        self._state, self._checkpoint, self._size = state, checkpoint, size

    async def entries(self, begin: int, end: int) -> Sequence[Entry]:
        """See `proving.Shown`."""
        return [parse_entry(raw) for raw in await store.read_entries(self._pool, self._log, begin, end)]

    async def inclusion(self, index: int) -> bytes:
        """See `proving.Shown`."""
        return await self._reader.prove(index, self._checkpoint, self._size, self._state)


async def _naming(pool: Pool, job: RecordJob, size: int) -> list[int]:
    """The entries below a size that name the handle."""
    found: list[int] = []
    handle = bytes.fromhex(job.handle)
    while page := await store.read_record_entries(pool, job.log, handle, found[-1] + 1 if found else 0, PAGE):
        found += page
    return [index for index in found if index < size]


async def _registering(pool: Pool, log: str, entries: Sequence[int], size: int) -> set[int]:
    """The entries that register, or revoke, whatever key or token these were posted under, and whatever key
    registered that."""
    keys: set[tuple[str, bytes]] = set()
    tokens: set[str] = set()
    for begin in range(0, len(entries), PAGE):
        part = await store.read_entries_at(pool, log, entries[begin : begin + PAGE])
        for index, raw in part.items():
            row = await store.read_submission_of(pool, log, index)
            assert row is not None, "every event has its submission"
            keys.add(_signer(row.note))
            tokens.add(decode_event(parse_entry(raw).body).source)
    known = [one for one in await store.read_registrations(pool, log, 0) if one.index < size]
    found: set[int] = set()
    while more := {one.index for one in _about(known, keys, tokens)} - found:
        found |= more
        keys.update(_signer(one.note) for one in known if one.index in more)
    return found


def _about(
    known: Sequence[Registration], keys: set[tuple[str, bytes]], tokens: set[str]
) -> Iterator[Registration]:
    for one in known:
        data = decode_event(parse_entry(one.entry).body).data
        if isinstance(data, ev.KeyRegistered | ev.KeyRevoked):
            if (data.name, parse_vkey(data.vkey).key_id) in keys:
                yield one
        elif isinstance(data, ev.TokenRegistered | ev.TokenRevoked) and data.name in tokens:
            yield one


def _signer(note: bytes) -> tuple[str, bytes]:
    signature = parse_note(note).signatures[0]
    return signature.name, signature.key_id
