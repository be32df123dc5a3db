"""Export: evidence bundles over HTTP. `GET /logs/<log>/orders/<id>/bundle`, and `?compact=1`.

The log is anchored first, so that the witnesses vouch for all that the bundle holds. The work is done in a
process of its own, which ends with it: appends are not slowed, and memory is given back.
"""

import asyncio
import os
import tempfile
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from ledger.answering import no_order
from ledger.bundling import Built, Job, NoSuchOrder, build
from ledger.children import Child
from ledger.keyfiles import CommandSigner
from ledger.openlog import Log
from ledger.problems import Refused
from ledger.service import Service
from ledger.web import problem, readable_log
from signing.errors import FormatError, ProofError
from signing.keys import SigningKey
from signing.note import format_note

NICENESS: Final = 10
PIECE_BYTES: Final = 1 << 20

_log = structlog.get_logger(__name__)


class Exports:
    """Makes the bundles of a service, one after the other."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._turn = asyncio.Lock()
        self.routes: Final = [web.get("/logs/{log}/orders/{order}/bundle", self._get_bundle)]

    async def export(self, log: Log, order: str, folder: str, *, compact: bool) -> Built | Refused:
        """Anchor the log, then build the order's bundle in a folder."""
        checkpoint = await self._cosigned(log)
        if isinstance(checkpoint, Refused):
            return checkpoint
        operator = log.keys.operator
        assert isinstance(operator, SigningKey | CommandSigner)
        job = Job(
            dsn=self._service.database.service_dsn,
            log=log.name,
            order=order,
            checkpoint=checkpoint,
            operator=operator,
            now=int(time.time()),
            compact=compact,
            folder=folder,
        )
        async with self._turn:
            return await _run(job)

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

    async def _get_bundle(self, request: web.Request) -> web.StreamResponse:
        """`GET /logs/<log>/orders/<id>/bundle`: the evidence, as a zip."""
        log = await readable_log(request)
        if isinstance(log, Refused):
            return problem(log, request)
        order = request.match_info["order"]
        compact = request.query.get("compact", "0") not in ("0", "")
        with tempfile.TemporaryDirectory(prefix="writ-export-", ignore_cleanup_errors=True) as folder:
            outcome = await self.export(log, order, folder, compact=compact)
            if isinstance(outcome, Refused):
                return problem(outcome, request)
            _log.info("exported", log=log.name, order=order, size=outcome.size, headline=outcome.headline)
            name = f"{order.replace('/', '-')}{'-compact' if compact else ''}.zip"
            return await _send(request, Path(outcome.path), name)


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


async def _run(job: Job) -> Built | Refused:
    child = Child(NICENESS)
    try:
        return await asyncio.get_running_loop().run_in_executor(child.pool, build, job)
    except NoSuchOrder:
        return no_order(job.log, job.order)
    except (FormatError, ProofError) as error:
        _log.critical("export_refused", log=job.log, order=job.order, why=str(error))
        return Refused(problem="failed", detail=f"the log does not stand its own verification: {error}")
    except BrokenProcessPool:
        return Refused(problem="failed", detail="the process that made the bundle died: ask again")
    finally:
        await asyncio.to_thread(child.end)
