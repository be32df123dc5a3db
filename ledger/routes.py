"""Posting over HTTP: the signed door, the token door, and the making of logs."""

import asyncio
from typing import Any, Final

import msgspec
from aiohttp import web

from ledger.admission import (
    FIRST_EVENT_LINE,
    Arrival,
    decode_lines,
    hash_lines,
    open_submission,
)
from ledger.creation import open_creation
from ledger.failure import Failure
from ledger.gateway import open_token_post
from ledger.openlog import DoorAnswer
from ledger.problems import Refused
from ledger.web import SERVICE, bearer, bounded, named_log, problem, read_body
from projections.events import Event
from projections.mould import Caster
from signing.keys import format_vkey
from signing.submission import Submission

# Between so many lines other requests get their turn.
_LINES_A_TURN: Final = 100
PROOF: Final = "text/plain"


async def post_submission(request: web.Request) -> web.Response:
    """`POST /logs/<log>/submissions`: store a signed submission, answer with its receipt."""
    log = await named_log(request)
    if isinstance(log, Refused):
        return problem(log, request)
    body = await read_body(request)
    submission = body if isinstance(body, Refused) else open_submission(body)
    arrival = submission if isinstance(submission, Refused) else await _open_events(submission)
    if isinstance(arrival, Refused):
        return problem(arrival, request)
    outcome = await log.submit(arrival)
    if isinstance(outcome, Refused):
        return problem(outcome, request)
    return web.Response(body=outcome.receipt, content_type=PROOF)


async def post_events(request: web.Request) -> web.Response:
    """`POST /logs/<log>/events`: store a token's CloudEvents, answer with their places and receipts."""
    log = await named_log(request)
    if isinstance(log, Refused):
        return problem(log, request)
    secret = bearer(request)
    if isinstance(secret, Refused):
        return problem(secret, request)
    body = await read_body(request)
    post = body if isinstance(body, Refused) else open_token_post(body, request.content_type, secret)
    if isinstance(post, Refused):
        return problem(post, request)
    outcome = await log.post(post)
    if isinstance(outcome, Refused):
        return problem(outcome, request)
    return web.Response(body=_door_answer(post.events, outcome), content_type="application/json")


async def post_log(request: web.Request) -> web.Response:
    """`POST /logs`: make a log, as the administrator's signed note says."""
    service = request.app[SERVICE]
    body = await read_body(request)
    wish = body if isinstance(body, Refused) else open_creation(body, service.administrator.verifier)
    if isinstance(wish, Refused):
        return problem(wish, request)
    try:
        log = await service.create_log(wish.origin, wish.controller, public_reading=wish.public_reading)
    except Failure as error:
        detail = f"{error}: {error.remedy}"
        return problem(Refused(problem="registration-conflict", detail=detail), request)
    answer = {"log": log.name, "origin": log.origin, "vkey": format_vkey(log.keys.log.verifier)}
    return web.json_response(answer)


async def _open_events(submission: Submission) -> Arrival | Refused:
    """Decode a submission's events, giving others their turn in between."""
    events: list[Event[Any]] = []
    lines = submission.lines
    # One line alone is sooner decoded than cast.
    caster = Caster() if len(lines) > 1 else None
    for begin in range(0, len(lines), _LINES_A_TURN):
        if begin:
            await asyncio.sleep(0)
        decoded = decode_lines(lines[begin : begin + _LINES_A_TURN], FIRST_EVENT_LINE + begin, caster)
        if isinstance(decoded, Refused):
            return decoded
        events.extend(decoded)
    return hash_lines(submission, tuple(events))


def _door_answer(events: tuple[Event[Any], ...], answer: DoorAnswer) -> bytes:
    places = zip(events, answer.indexes, answer.submissions, answer.repeated, strict=True)
    return msgspec.json.encode(
        {
            "events": [
                {"id": event.id, "index": index, "submission": submission, "repeated": repeated}
                for event, index, submission, repeated in places
            ],
            "receipts": {str(index): receipt.decode() for index, receipt in answer.receipts.items()},
        }
    )


ROUTES: Final = [
    web.post("/logs", bounded(post_log)),
    web.post("/logs/{log}/submissions", bounded(post_submission)),
    web.post("/logs/{log}/events", bounded(post_events)),
]
