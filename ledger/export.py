"""Export: evidence bundles over HTTP. `GET /logs/<log>/orders/<id>/bundle`, `?compact=1`, `?statement=`;
of one record, `GET /logs/<log>/records/<handle>/bundle`.

The log is anchored first, so that the witnesses vouch for all that the bundle holds. The work is done in a
process of its own, which ends with it: appends are not slowed, and memory is given back.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final, TypeVar

import structlog
from aiohttp import web

from ledger import store
from ledger.answering import answered, no_order
from ledger.bundling import Built, Job, NoSuchOrder, OtherStatement, build
from ledger.children import Child
from ledger.collecting import Collected
from ledger.keyfiles import CommandSigner
from ledger.openlog import Log
from ledger.problems import Refused
from ledger.projector import Projector
from ledger.record_bundle import RecordJob, build_record
from ledger.routes_statements import no_statement, statement_named
from ledger.service import Service
from ledger.web import problem, readable_log
from signing.checkpoint import Checkpoint
from signing.errors import FormatError, ProofError
from signing.handle import is_handle
from signing.keys import SigningKey
from signing.note import format_note

NICENESS: Final = 10
PIECE_BYTES: Final = 1 << 20

J = TypeVar("J", Job, RecordJob)

_log = structlog.get_logger(__name__)


class Exports:
    """Makes the bundles of a service, one after the other."""

    def __init__(self, service: Service, projector: Projector) -> None:
        self._service = service
        self._projector = projector
        self._turn = asyncio.Lock()
        self.routes: Final = [
            web.get("/logs/{log}/orders/{order}/bundle", self._get_bundle),
            web.get("/logs/{log}/records/{handle}/bundle", self._get_record),
        ]

    async def export(
        self, log: Log, order: str, folder: str, *, compact: bool, statement: str | None = None
    ) -> Built | Refused:
        """Anchor the log, then build the order's bundle in a folder; or build that of an attested statement,
        as the log was then."""
        found = None if statement is None else await self._attested(log, order, statement)
        if isinstance(found, Refused):
            return found
        checkpoint = await (self._cosigned(log) if found is None else self._signed(log, found.row.size))
        if isinstance(checkpoint, Refused):
            return checkpoint
        job = Job(
            dsn=self._service.database.service_dsn,
            log=log.name,
            order=order,
            checkpoint=checkpoint,
            operator=_operator(log),
            now=int(time.time()),
            compact=compact,
            folder=folder,
            collected=found,
        )
        async with self._turn:
            try:
                return await _run(build, job)
            except NoSuchOrder:
                return no_order(job.log, job.order)
            except OtherStatement as error:
                detail = f"it was attested, and this log does not give it: {error}"
                return Refused(problem="not-found", detail=detail)

    async def export_record(self, log: Log, handle: str, folder: str) -> Built | Refused:
        """Anchor the log, then build the bundle of one record in a folder."""
        checkpoint = await self._cosigned(log)
        if isinstance(checkpoint, Refused):
            return checkpoint
        # The anchor is folded too: the projection must know of every entry that the checkpoint counts.
        folded = await answered(log, self._projector.catch_up(log.name))
        if isinstance(folded, Refused):
            return folded
        job = RecordJob(
            dsn=self._service.database.service_dsn,
            log=log.name,
            handle=handle,
            checkpoint=checkpoint,
            operator=_operator(log),
            folder=folder,
        )
        async with self._turn:
            return await _run(build_record, job)

    async def _cosigned(self, log: Log) -> bytes | Refused:
        """The newest checkpoint, which covers its own anchor, with all cosignatures that can be had."""
        anchors = self._service.anchors
        assert anchors is not None, "the service answers"
        if anchors.has_clocks:
            anchor = await anchors.anchor(log)
            if isinstance(anchor, Refused):
                return anchor
        cosigned = await anchors.cosign(log)
        return cosigned if isinstance(cosigned, Refused) else format_note(cosigned.note)

    async def _attested(self, log: Log, order: str, named: str) -> Collected | Refused:
        """An attested statement on the order, with all that assessors posted."""
        hash, pool = statement_named(named), self._service.pool
        found = None if hash is None else await store.read_statement(pool, log.name, hash)
        if found is None or found.order != order:
            return no_statement(log.name)
        signed = await store.read_attestations(pool, log.name, [found.hash])
        return Collected(found, tuple(signed[found.hash]))

    async def _signed(self, log: Log, size: int) -> bytes | Refused:
        """The checkpoint that the log had at a size, signed by it alone."""
        # What is frozen signs nothing, and nothing is signed that was not released.
        released = await log.checkpoint()
        if isinstance(released, Refused):
            return released
        assert size <= released.checkpoint.size, "a statement is about a checkpoint that was handed out"
        root = (await store.read_roots(self._service.pool, log.name, [size]))[size]
        return format_note(await log.writer.releaser.sign(Checkpoint(log.origin, size, root)))

    async def _get_bundle(self, request: web.Request) -> web.StreamResponse:
        """`GET /logs/<log>/orders/<id>/bundle`: the evidence, as a zip."""
        log = await readable_log(request)
        if isinstance(log, Refused):
            return problem(log, request)
        order = request.match_info["order"]
        compact = request.query.get("compact", "0") not in ("0", "")
        with tempfile.TemporaryDirectory(prefix="writ-export-", ignore_cleanup_errors=True) as folder:
            statement = request.query.get("statement")
            outcome = await self.export(log, order, folder, compact=compact, statement=statement)
            if isinstance(outcome, Refused):
                return problem(outcome, request)
            _log.info("exported", log=log.name, order=order, size=outcome.size, headline=outcome.headline)
            name = f"{order.replace('/', '-')}{'-compact' if compact else ''}.zip"
            return await _send(request, Path(outcome.path), name)

    async def _get_record(self, request: web.Request) -> web.StreamResponse:
        """`GET /logs/<log>/records/<handle>/bundle`: every entry about one record, as a zip."""
        log = await readable_log(request)
        if isinstance(log, Refused):
            return problem(log, request)
        handle = request.match_info["handle"]
        if not is_handle(handle):
            wrong = Refused(problem="malformed", detail="a record's handle is 32 hex digits", field="handle")
            return problem(wrong, request)
        with tempfile.TemporaryDirectory(prefix="writ-export-", ignore_cleanup_errors=True) as folder:
            outcome = await self.export_record(log, handle, folder)
            if isinstance(outcome, Refused):
                return problem(outcome, request)
            _log.info("exported_record", log=log.name, size=outcome.size, headline=outcome.headline)
            return await _send(request, Path(outcome.path), f"{handle}.zip")


def _operator(log: Log) -> SigningKey | CommandSigner:
    """The key that signs statements: one that another process can use too."""
    operator = log.keys.operator
    assert isinstance(operator, SigningKey | CommandSigner)
    return operator


async def _send(request: web.Request, path: Path, name: str) -> web.StreamResponse:
    """Send a file that is gone afterwards."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
    )
    with path.open("rb") as file:
        response.content_length = os.fstat(file.fileno()).st_size
        await response.prepare(request)
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            await response.write(piece)
    await response.write_eof()
    return response


async def _run(work: Callable[[J], Built], job: J) -> Built | Refused:
    child = Child(NICENESS)
    try:
        return await asyncio.get_running_loop().run_in_executor(child.pool, work, job)
    except (FormatError, ProofError) as error:
        _log.critical("export_refused", log=job.log, why=str(error))
        return Refused(problem="failed", detail=f"the log does not stand its own verification: {error}")
    except BrokenProcessPool:
        return Refused(problem="failed", detail="the process that made the bundle died: ask again")
    finally:
        await asyncio.to_thread(child.end)
