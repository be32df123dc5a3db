"""A witness: it cosigns a log's checkpoint when that extends the last one it cosigned (C2SP tlog-witness).

    POST /add-checkpoint               the cosignature, or the status that tlog-witness lays down
    GET  /<origin hash>/checkpoint     the last checkpoint cosigned, with the log's signature and ours
    GET  /health, /metrics             for whoever runs it

Many logs share it, and none can take it from the others: a body is small and comes soon or never, only so
many wait in line, and each log has its allowance.
"""

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from aiohttp import web

from ledger.failure import Failure
from ledger.metrics import WitnessMetrics
from ledger.witness_logs import Watch, logs_of_keys
from ledger.witness_memory import Memory, Outcome, Reply, require_cosigner
from signing.keys import Signer, VerifierKey
from signing.log_list import ListedLog

MAX_REQUEST_BYTES: Final = 64 * 1024
BODY_TIMEOUT_S: Final = 10.0
MAX_WAITING: Final = 200
"""Requests in line for the disk; each takes it a few milliseconds."""
MAX_CLOCK_LAG_S: Final = 60

_log = structlog.get_logger(__name__)


class Witness:
    """One witness: its key, its memory, the logs that it watches."""

    def __init__(
        self, memory: Memory, watch: Watch, signer: Signer, body_timeout_s: float = BODY_TIMEOUT_S
    ) -> None:
        require_cosigner(signer)
        self.metrics = WitnessMetrics()
        self._memory, self._watch, self._signer = memory, watch, signer
        self._body_timeout_s = body_timeout_s
        self._waiting = 0
        # One thread: requests are answered in turn anyway, each after its commit.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="witness")
        self.metrics.logs.set(len(watch))
        for origin, size, time_s in memory.cosigned(signer):
            if origin in watch:
                self.metrics.size.labels(origin).set(size)
                self.metrics.time_s.labels(origin).set(time_s)

    def application(self) -> web.Application:
        """It as a web application; it ends with that."""
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.add_routes(
            [
                web.post("/add-checkpoint", self._add_checkpoint),
                web.get("/{hash}/checkpoint", self._checkpoint),
                web.get("/health", self._health),
                web.get("/metrics", self._metrics),
            ]
        )
        app.on_cleanup.append(self._close)
        return app

    def replace(self, logs: Iterable[ListedLog]) -> None:
        """Watch these logs from the next request on. What was cosigned for others is not forgotten."""
        self._watch.replace(logs)
        self.metrics.logs.set(len(self._watch))
        self.metrics.reloads.labels("done").inc()
        _log.info("logs_reloaded", logs=len(self._watch))

    def keep(self, failure: Failure) -> None:
        """Go on watching the logs that it knows: the new list can't be used."""
        self.metrics.reloads.labels("failed").inc()
        _log.error("logs_not_reloaded", error=str(failure), remedy=failure.remedy, logs=len(self._watch))

    async def _add_checkpoint(self, request: web.Request) -> web.Response:
        begun = time.monotonic()
        reply = await self._answer(request)
        seconds = time.monotonic() - begun
        self.metrics.requests.labels(reply.origin, reply.outcome).inc()
        self.metrics.seconds.observe(seconds)
        if reply.size is not None and reply.time_s is not None:
            self.metrics.size.labels(reply.origin).set(reply.size)
            self.metrics.time_s.labels(reply.origin).set(reply.time_s)
        _note(request, reply, seconds)
        return _respond(reply)

    async def _answer(self, request: web.Request) -> Reply:
        try:
            async with asyncio.timeout(self._body_timeout_s):
                body = await request.read()
        except TimeoutError:
            return _unread(408, "too-slow", f"the body was not here after {self._body_timeout_s:.0f} s")
        except web.HTTPRequestEntityTooLarge:
            return _unread(413, "too-large", f"a request has at most {MAX_REQUEST_BYTES} bytes")
        if self._waiting >= MAX_WAITING:
            return _unread(503, "busy", "too many are in line")._replace(wait_s=1)
        self._waiting += 1
        try:
            loop, add = asyncio.get_running_loop(), self._memory.add_checkpoint
            return await loop.run_in_executor(
                self._disk, add, body, self._watch, self._signer, int(time.time())
            )
        finally:
            self._waiting -= 1

    async def _checkpoint(self, request: web.Request) -> web.Response:
        loop = asyncio.get_running_loop()
        return _respond(
            await loop.run_in_executor(self._disk, self._memory.checkpoint, request.match_info["hash"])
        )

    async def _health(self, _: web.Request) -> web.Response:
        """200 while it can cosign; 503 and why it can't."""
        loop = asyncio.get_running_loop()
        lag_s = await loop.run_in_executor(self._disk, self._memory.time_s) - int(time.time())
        wrong = f"the clock is {lag_s} s behind what was signed: set it" if lag_s > MAX_CLOCK_LAG_S else None
        value = {"logs": len(self._watch), "waiting": self._waiting, "wrong": wrong}
        return web.json_response(value, status=503 if wrong else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self.metrics.exposition(), content_type="text/plain")

    async def _close(self, _: web.Application) -> None:
        self._disk.shutdown()
        self._memory.close()


def make_app(memory: Memory, logs: Iterable[VerifierKey], signer: Signer) -> web.Application:
    """A witness of the logs with these keys, as a web application."""
    return Witness(memory, Watch(logs_of_keys(logs)), signer).application()


def _unread(status: int, outcome: Outcome, why: str) -> Reply:
    return Reply(status, f"{why}\n".encode(), outcome=outcome)


def _respond(reply: Reply) -> web.Response:
    headers = {} if reply.wait_s is None else {"Retry-After": str(reply.wait_s)}
    return web.Response(
        status=reply.status, body=reply.body, content_type=reply.content_type, headers=headers
    )


def _note(request: web.Request, reply: Reply, seconds: float) -> None:
    """One line a request. What a stranger wrote is not in it: the origin is that of a log that is watched."""
    _log.info(
        "add_checkpoint",
        outcome=reply.outcome,
        status=reply.status,
        origin=reply.origin or None,
        size=reply.size,
        remote=request.remote,
        ms=round(seconds * 1000, 1),
    )
