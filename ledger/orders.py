"""Orders over HTTP, and the projections that answer for them, kept up behind the appends."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from ledger.answering import answered, json_answer
from ledger.openlog import Log
from ledger.order_views import OrderViews
from ledger.problems import Refused
from ledger.projector import Projector
from ledger.service import Service
from ledger.set_views import SetViews
from ledger.web import problem, readable_log
from projections.runners.rules import rules_hash
from signing.errors import FormatError

# How long to leave a log alone after its projection failed, and how often new logs are looked for.
PAUSE_S: Final = 1.0
# How long what comes in quick succession may gather, to be folded at the cost of one batch.
BREATH_S: Final = 0.1

_log = structlog.get_logger(__name__)


class Orders:
    """Keeps every log's projections up, and answers what they say of orders."""

    def __init__(self, service: Service, projector: Projector) -> None:
        self._service = service
        self.projector = projector
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped: dict[str, str] = {}
        self.routes: Final = [
            web.get("/logs/{log}/orders", self._get_orders),
            *OrderViews(projector).routes,
            *SetViews(projector).routes,
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
        behind = self._service.metrics.folding_behind_s.labels(log.name)
        behind.set(0)
        while True:
            await log.writer.wait_beyond(size)
            behind.set_function(_seconds_since(time.monotonic()))
            try:
                size = await self.projector.catch_up(log.name)
                self._service.metrics.folded_size.labels(log.name).set(size)
                behind.set_function(lambda: 0)
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


def _seconds_since(moment: float) -> Callable[[], float]:
    return lambda: time.monotonic() - moment
