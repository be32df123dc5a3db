"""Answering over HTTP what the projections say: as of when, in which form, and what where they stopped."""

import math
import time
from collections.abc import Awaitable
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from ledger.openlog import Log
from ledger.problems import Refused
from projections.moments import first_second
from projections.vocabulary import Moment
from signing.errors import FormatError

NOT_KEPT: Final = {"Cache-Control": "no-cache"}

T = TypeVar("T")


async def answered(log: Log, answer: Awaitable[T]) -> T | Refused:
    """What the projections say, or the entry at which they stopped: there they stop again until the rules
    know it."""
    try:
        return await answer
    except FormatError as error:
        detail = (
            f"{log.name}: {error}. The rules of this service do not know it, and to skip it would falsify "
            "what follows; appends go on"
        )
        remedy = "start the version of the service that stored it, or a later one"
        return Refused(problem="stopped", detail=detail, remedy=remedy)


def no_order(log: str, order: str) -> Refused:
    """A log does not have the order asked for."""
    detail = f"{log} has no order {order[:330]}"
    return Refused(problem="not-found", detail=detail, remedy=f"/logs/{log}/orders lists those that it has")


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
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", headers=NOT_KEPT)
