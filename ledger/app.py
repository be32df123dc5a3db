"""Running the service: Postgres, migrations, logs, HTTP, and an end in which nobody's request is lost."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
import uvloop
from aiohttp import web

from ledger import routes as routes_posting
from ledger import routes_reading, routes_statements
from ledger.anchoring import open_anchors
from ledger.config import Config, Database
from ledger.embedded import EmbeddedPostgres
from ledger.export import Exports
from ledger.loglines import configure_logging
from ledger.migrate import migrate
from ledger.orders import open_orders
from ledger.questions import Questions
from ledger.service import Service
from ledger.web import BUDGET, SERVICE, Budget, Limits, answer_problems

# Each part of the service brings its own routes.
ROUTES: Final[list[web.RouteDef]] = [
    *routes_posting.ROUTES,
    *routes_reading.ROUTES,
    *routes_statements.ROUTES,
]
SHUTDOWN_TIMEOUT_S: Final = 30.0
_NEW_OBJECTS_A_COLLECTION: Final = 20_000
# How long a body that is on its way may take to arrive, once the service is to stop.
BODY_GRACE_S: Final = 5.0

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def running_service(
    config: Config, *, limits: Limits | None = None, extra_routes: Sequence[web.RouteDef] = ()
) -> AsyncIterator[Service]:
    """A service that answers at its `url`, until the block ends and everybody in line is answered."""
    async with _running_database(config) as database:
        await migrate(database)
        service = Service(config, database)
        await service.start()
        try:
            # The witnesses are heard before the first request is.
            async with open_anchors(service) as anchors, open_orders(service) as orders:
                exports, questions = Exports(service, orders.projector), Questions(orders.projector)
                routes = [*anchors.routes, *orders.routes, *questions.routes, *exports.routes, *extra_routes]
                application = _application(service, limits or Limits(), routes)
                async with _answering(application, service, config):
                    yield service
        finally:
            await service.stop()
            _log.info("stopped")


@asynccontextmanager
async def _answering(application: web.Application, service: Service, config: Config) -> AsyncIterator[None]:
    """Take requests; at the end those on their way are answered, while the writers still work."""
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_TIMEOUT_S
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, backlog=1024).start()
        service.url = _url(runner, config)
        _log.info("serving", url=service.url, logs=sorted(service.logs))
        yield
    finally:
        for site in list(runner.sites):
            await site.stop()
        # From `cleanup` on aiohttp throws away what arrives, also the rest of a body that is on its way.
        await application[BUDGET].close(BODY_GRACE_S)
        await runner.cleanup()


def serve(config: Config, announce: Callable[[Service], None]) -> None:
    """Run the service until SIGINT or SIGTERM. `announce` is called once it answers."""
    configure_logging()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, announce))


async def _serve(config: Config, announce: Callable[[Service], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running_service(config) as service:
        # What is here now stays: a full collection would look through all of it again, while everybody waits.
        gc.collect()
        gc.freeze()
        # Most of what a request makes goes with its answer, and the collector finds nothing to collect.
        gc.set_threshold(_NEW_OBJECTS_A_COLLECTION)
        announce(service)
        await stop.wait()


@asynccontextmanager
async def _running_database(config: Config) -> AsyncIterator[Database]:
    """The database that was named, or one of our own for as long as the service runs."""
    if config.database is not None:
        yield config.database
        return
    postgres = EmbeddedPostgres(config.data)
    database = await postgres.start()
    try:
        yield database
    finally:
        await postgres.stop()


def _application(service: Service, limits: Limits, extra: Sequence[web.RouteDef]) -> web.Application:
    application = web.Application(middlewares=[answer_problems], client_max_size=limits.body_bytes)
    application[SERVICE] = service
    application[BUDGET] = Budget(limits)
    application.add_routes([*ROUTES, *extra])
    return application


def _url(runner: web.AppRunner, config: Config) -> str:
    port = runner.addresses[0][1]
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"http://{host}:{port}"
