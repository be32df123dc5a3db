"""Orders over HTTP, and the projections that answer for them, kept up behind the appends."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import msgspec
import structlog
from aiohttp import web

from ledger.openlog import Log
from ledger.problems import Refused
from ledger.projector import Projector
from ledger.service import Service
from ledger.web import problem, readable_log
from projections.moments import first_second
from projections.runners.rules import rules_hash
from projections.vocabulary import Moment
from signing.errors import FormatError

# How long to leave a log alone after its projection failed, and how often new logs are looked for.
PAUSE_S: Final = 1.0
# How long what comes in quick succession may gather, to be folded at the cost of one batch.
BREATH_S: Final = 0.1

T = TypeVar("T")

_log = structlog.get_logger(__name__)
_NOT_KEPT: Final = {"Cache-Control": "no-cache"}


class Orders:
    """Keeps every log's projections up, and answers what they say of orders."""

    def __init__(self, service: Service, projector: Projector) -> None:
        self._service = service
        self.projector = projector
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped: dict[str, str] = {}
        self.routes: Final = [
            web.get("/logs/{log}/orders", self._get_orders),
            web.get("/logs/{log}/orders/{order}", self._get_status),
        ]

    async def run(self) -> None:
        """Follow every log of the service, those made later too."""
        try:
            while True:
                for log in list(self._service.logs.values()):
                    if log.name not in self._tasks:
                        name = f"projections of {log.name}"
                        self._tasks[log.name] = asyncio.create_task(self._follow(log), name=name)
                await asyncio.sleep(PAUSE_S)
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def check(self) -> str | None:
        """What is wrong with the projections; None when all are well."""
        return "; ".join(f"{log}: {why}" for log, why in self._stopped.items()) or None

    async def _follow(self, log: Log) -> None:
        """Fold what the log gains. An event that the rules don't know stops this log's projections for good:
        to skip it would falsify completeness."""
        size = 0
        while True:
            await log.writer.wait_beyond(size)
            try:
                size = await self.projector.catch_up(log.name)
                self._service.metrics.folded_size.labels(log.name).set(size)
                await asyncio.sleep(BREATH_S)
            except FormatError as error:
                self._stopped[log.name] = str(error)
                _log.critical("projections_stopped", log=log.name, why=str(error))
                return
            except Exception:
                _log.exception("projections_failed", log=log.name)
                await asyncio.sleep(PAUSE_S)

    async def _get_orders(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/orders`: the orders in the log."""
        log = await readable_log(request)
        if isinstance(log, Refused):
            return problem(log, request)
        orders = await answered(log, self.projector.orders(log.name))
        return problem(orders, request) if isinstance(orders, Refused) else json_answer(orders)

    async def _get_status(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/orders/<id>?as_of=`: the verdict, provisional, with all that stands behind it."""
        log = await readable_log(request)
        as_of = moment_asked(request)
        if isinstance(log, Refused):
            return problem(log, request)
        if isinstance(as_of, Refused):
            return problem(as_of, request)
        order = request.match_info["order"]
        status = await answered(log, self.projector.status(log.name, order, as_of))
        if isinstance(status, Refused):
            return problem(status, request)
        if status is None:
            detail = f"{log.name} has no order {order[:330]}: see …/orders"
            return problem(Refused(problem="not-found", detail=detail), request)
        return json_answer(status)


@asynccontextmanager
async def open_orders(service: Service) -> AsyncIterator[Orders]:
    """Fold and judge in a process of its own until the block ends."""
    projector = Projector(service.database.service_dsn, rules_hash())
    orders = Orders(service, projector)
    service.health_checks["projections"] = orders.check
    task = asyncio.create_task(orders.run(), name="projections")
    try:
        yield orders
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(projector.close)


async def answered(log: Log, answer: Awaitable[T]) -> T | Refused:
    """What the projections say, or the entry at which they stopped: there they stop again until the rules
    know it."""
    try:
        return await answer
    except FormatError as error:
        detail = (
            f"{log.name}: {error}. The rules of this service do not know it, and to skip it would falsify "
            "what follows; appends go on. Start the version that stored it, or a later one"
        )
        return Refused(problem="stopped", detail=detail)


def moment_asked(request: web.Request) -> int | Refused:
    """The moment that `as_of` names, in Unix seconds; now where it is left out."""
    text = request.query.get("as_of")
    if text is None:
        # Not the second begun before: what was acknowledged a moment ago counts.
        return math.ceil(time.time())
    try:
        # As orders write it: no other offset, and none left out.
        return first_second(msgspec.convert(text, Moment))
    except ValueError:
        detail = f"{text[:40]!r} is no time: write it as 2026-12-24T00:00:00Z or 2026-12-24"
        return Refused(problem="malformed", detail=detail, field="as_of")


def json_answer(value: object) -> web.Response:
    """An answer that changes as the log grows."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", headers=_NOT_KEPT)
