"""What every HTTP route shares: bodies within bounds, credentials, problems as RFC 9457 says, request ids."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import structlog
from aiohttp import web

from ledger.admission import MAX_BODY_BYTES
from ledger.append import AWAY
from ledger.gateway import secret_hash
from ledger.openlog import Log
from ledger.problems import (
    CONTENT_TYPE,
    Problem,
    Refused,
    format_problem,
    headers_of,
    refuse_by_policy,
    status_of,
)
from ledger.resume import Inconsistent
from ledger.service import Service
from projections.refused import Refused as PolicyRefusal
from projections.registry import admit_token

REQUEST_ID: Final = "X-Request-Id"
IDENTITY: Final = web.RequestKey("identity", str)
SERVICE: Final = web.AppKey("service", Service)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_POLL_S: Final = 0.01
_BY_STATUS: Final[dict[int, Problem]] = {404: "not-found", 405: "wrong-method", 413: "too-large"}

_log = structlog.get_logger(__name__)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a request may cost."""

    body_bytes: int = MAX_BODY_BYTES
    body_timeout_s: float = 30.0
    held_bytes: int = 256 << 20
    """What all requests together may hold of bodies, from their first byte to their answer."""


class Budget:
    """How much of the bodies' share of memory is taken, and which of them are still on their way."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.is_closing = False
        self._held = 0
        self._arriving: set[asyncio.Timeout] = set()

    def take(self, size_bytes: int) -> bool:
        """Take a share, if it is there."""
        if self._held + size_bytes > self.limits.held_bytes:
            return False
        self._held += size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """Give a share back."""
        self._held -= size_bytes

    @asynccontextmanager
    async def arriving(self) -> AsyncIterator[None]:
        """Read a body in this block; TimeoutError when it is too slow, or the service cannot wait for it."""
        async with asyncio.timeout(0 if self.is_closing else self.limits.body_timeout_s) as timeout:
            self._arriving.add(timeout)
            try:
                yield
            finally:
                self._arriving.discard(timeout)

    async def close(self, grace_s: float) -> None:
        """Let the bodies that are on their way arrive, but wait no longer than this for any."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + grace_s
        on_their_way = set(self._arriving)
        while self._arriving & on_their_way and loop.time() < give_up_at:
            await asyncio.sleep(_POLL_S)
        self.is_closing = True
        for timeout in self._arriving:
            timeout.reschedule(loop.time())


BUDGET: Final = web.AppKey("budget", Budget)

_TOO_LARGE: Final = Refused(problem="too-large", detail="the body has more bytes than the service takes")


def problem(refused: Refused, request: web.Request) -> web.Response:
    """Answer with a refusal."""
    request.app[SERVICE].metrics.refusals.labels(refused.problem).inc()
    identity = request.get(IDENTITY)
    if status_of(refused) >= 500:
        _log.warning("refused", problem=refused.problem, detail=refused.detail, request=identity)
    return web.Response(
        status=status_of(refused),
        body=format_problem(refused, identity),
        content_type=CONTENT_TYPE,
        headers=headers_of(refused),
    )


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request an id, and each failure the form of a problem."""
    identity = secrets.token_hex(8)
    request[IDENTITY] = identity
    try:
        response = await handler(request)
    except web.HTTPException as error:
        kind = _BY_STATUS.get(error.status)
        if kind is None:
            raise
        response = problem(Refused(problem=kind, detail=f"{request.method} {request.path}"), request)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except AWAY as error:
        if request.transport is None:
            raise  # whoever asked has gone
        _log.warning("database_away", error=repr(error), request=identity)
        detail = "the database is not there: ask again in a moment"
        response = problem(Refused(problem="unavailable", detail=detail), request)
    except Inconsistent as error:
        refused = Refused(problem="inconsistent", detail=str(error), remedy=error.remedy)
        response = problem(refused, request)
    except Exception:
        _log.exception("request_failed", request=identity, method=request.method, path=request.path)
        detail = f"the service's log says why, under request {identity}"
        response = problem(Refused(problem="failed", detail=detail), request)
    if not response.prepared:
        response.headers[REQUEST_ID] = identity
    return response


async def read_body(request: web.Request) -> bytes | Refused:
    """The whole body, if it is neither too large nor too slow."""
    budget = request.app[BUDGET]
    limits = budget.limits
    if (request.content_length or 0) > limits.body_bytes:
        return _TOO_LARGE
    if request.content.is_eof():  # small bodies come with their headers
        body = request.content.read_nowait()
        return body if len(body) <= limits.body_bytes else _TOO_LARGE
    parts: list[bytes] = []
    size_bytes = 0
    try:
        async with budget.arriving():
            async for part in request.content.iter_any():
                size_bytes += len(part)
                if size_bytes > limits.body_bytes:
                    return _TOO_LARGE
                parts.append(part)
    except TimeoutError:
        if budget.is_closing:
            detail = "the service is shutting down: send it again in a moment"
            return Refused(problem="busy", detail=detail)
        detail = f"the body did not come within {limits.body_timeout_s:g} s"
        return Refused(problem="too-slow", detail=detail)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def bounded(handler: Handler) -> Handler:
    """Let a handler run while the bodies that are held leave room for another."""

    async def run(request: web.Request) -> web.StreamResponse:
        budget = request.app[BUDGET]
        share = min(request.content_length or budget.limits.body_bytes, budget.limits.body_bytes)
        if not budget.take(share):
            detail = "too many bodies are on their way already: send it again in a moment"
            return problem(Refused(problem="busy", detail=detail), request)
        try:
            return await handler(request)
        finally:
            budget.give_back(share)

    return run


async def named_log(request: web.Request) -> Log | Refused:
    """The log that the URL names."""
    return await request.app[SERVICE].find_log(request.match_info["log"])


def bearer(request: web.Request) -> str | Refused:
    """The secret that a request bears."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        return Refused(problem="unknown-token", detail="send a token: `Authorization: Bearer <secret>`")
    return secret.strip()


async def readable_log(request: web.Request) -> Log | Refused:
    """The log that the URL names, if the request may read it."""
    log = await named_log(request)
    if isinstance(log, Refused) or log.registry.log.public_reading:
        return log
    secret = bearer(request)
    if isinstance(secret, Refused):
        return secret
    # Another process may have registered or revoked it a moment ago.
    refused = await log.refresh()
    if refused is not None:
        return refused
    token = admit_token(log.registry, secret_hash(secret))
    if isinstance(token, PolicyRefusal):
        return refuse_by_policy(token)
    if token.role != "reader":
        return Refused(
            problem="not-allowed", detail=f"the role {token.role} does not read: bring a reader's token"
        )
    return log
