"""Reading over HTTP: checkpoint, tiles, entries, proofs, source logs, events."""

from typing import Final

import msgspec
from aiohttp import web

from ledger.openlog import Log
from ledger.problems import Refused
from ledger.reading import MAX_PAGE, EventLine, Page
from ledger.verifier_page import verifier_page
from ledger.web import SERVICE, named_log, problem, readable_log
from projections.events import EVENT_TYPES
from signing.encoding import parse_decimal
from signing.errors import FormatError
from signing.handle import is_handle
from signing.tiles import ENTRIES, WIDTH, parse_tile_path

_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_NOT_KEPT: Final = {"Cache-Control": "no-cache"}


async def get_checkpoint(request: web.Request) -> web.Response:
    """`GET /logs/<log>/checkpoint`: the newest checkpoint."""
    log = await named_log(request)
    released = log if isinstance(log, Refused) else await log.checkpoint()
    if isinstance(released, Refused):
        return problem(released, request)
    return web.Response(body=released.raw, content_type="text/plain", charset="utf-8", headers=_NOT_KEPT)


async def get_tile(request: web.Request) -> web.Response:
    """`GET /logs/<log>/tile/…`: a hash tile or an entry bundle."""
    try:
        tile = parse_tile_path("tile/" + request.match_info["path"])
    except FormatError as error:
        return problem(Refused(problem="not-found", detail=str(error)), request)
    # Hashes are as public as the checkpoint: every poster must be able to tell that the log only grows.
    log = await (readable_log(request) if tile.level == ENTRIES else named_log(request))
    if isinstance(log, Refused):
        return problem(log, request)
    state = log.writer.state
    raw = None if state is None else await log.reader.tile(tile, state)
    if raw is None:
        return problem(Refused(problem="not-found", detail="the log is not that long"), request)
    headers = _FOREVER if tile.width == WIDTH else _NOT_KEPT
    return web.Response(body=raw, content_type="application/octet-stream", headers=headers)


async def get_entry(request: web.Request) -> web.Response:
    """`GET /logs/<log>/entries/<i>`: the exact bytes of an entry."""
    log = await readable_log(request)
    index = _number(request.match_info["index"], "index")
    if isinstance(log, Refused) or isinstance(index, Refused):
        return problem(log if isinstance(log, Refused) else index, request)  # type: ignore[arg-type]
    raw = await log.reader.entry(index)
    if raw is None:
        return problem(Refused(problem="not-found", detail=f"there is no entry {index}"), request)
    return web.Response(body=raw, content_type="application/octet-stream", headers=_FOREVER)


async def get_proof(request: web.Request) -> web.Response:
    """`GET /logs/<log>/entries/<i>/proof`: its inclusion in the newest checkpoint."""
    log = await readable_log(request)
    index = _number(request.match_info["index"], "index")
    if isinstance(log, Refused) or isinstance(index, Refused):
        return problem(log if isinstance(log, Refused) else index, request)  # type: ignore[arg-type]
    proof = await log.prove(index)
    if isinstance(proof, Refused):
        return problem(proof, request)
    return web.Response(body=proof, content_type="text/plain", charset="utf-8", headers=_NOT_KEPT)


async def get_source(request: web.Request) -> web.Response:
    """`GET /logs/<log>/sources/<origin>`: where a source log stands."""
    log = await named_log(request)
    if isinstance(log, Refused):
        return problem(log, request)
    state = await log.source(request.match_info["origin"])
    if state is None:
        return problem(Refused(problem="not-found", detail="nothing was posted to this source log"), request)
    answer = {"size": state.size, "note": state.note.decode(), "frontier": state.frontier}
    return web.json_response(answer, headers=_NOT_KEPT)


async def get_events(request: web.Request) -> web.Response:
    """`GET /logs/<log>/events?after=&type=&record=&limit=`: events as NDJSON, a page at a time."""
    log = await readable_log(request)
    query = log if isinstance(log, Refused) else _query(request)
    if isinstance(log, Refused) or isinstance(query, Refused):
        return problem(query if isinstance(query, Refused) else log, request)  # type: ignore[arg-type]
    page = await _page(log, query)
    headers = dict(_NOT_KEPT)
    if page.next_after is not None:
        following = request.rel_url.update_query(after=page.next_after)
        headers["Link"] = f'<{following}>; rel="next"'
    body = b"".join(map(format_event_line, page.events))
    if page.folded_size is not None:
        body += b'{"folded_size":%d}\n' % page.folded_size
    return web.Response(body=body, content_type="application/x-ndjson", headers=headers)


async def get_health(request: web.Request) -> web.Response:
    """`GET /health`: 200 when every log is well, else 503 and what is wrong."""
    wrong = await request.app[SERVICE].check_health()
    status = "failing" if wrong else "ok"
    return web.json_response(
        {"status": status, "wrong": wrong}, status=503 if wrong else 200, headers=_NOT_KEPT
    )


async def get_metrics(request: web.Request) -> web.Response:
    """`GET /metrics`: for Prometheus."""
    raw = request.app[SERVICE].metrics.exposition()
    return web.Response(body=raw, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def get_verifier(request: web.Request) -> web.Response:
    """`GET /verifier.html`: the page that checks a bundle in the reader's browser."""
    return web.Response(text=verifier_page(), content_type="text/html", charset="utf-8", headers=_NOT_KEPT)


def format_event_line(event: EventLine) -> bytes:
    """An event with its place, as one line of NDJSON."""
    return b'{"event":%b,"index":%d,"time_us":%d}\n' % (event.line, event.index, event.time_us)


class _Query(msgspec.Struct, frozen=True):
    after: int
    limit: int
    event_type: str | None
    record: bytes | None


def _query(request: web.Request) -> _Query | Refused:
    given = request.query
    after = -1 if "after" not in given else _number(given["after"], "after")
    limit = _number(given.get("limit", str(MAX_PAGE)), "limit")
    event_type, record = given.get("type"), given.get("record")
    if isinstance(after, Refused) or isinstance(limit, Refused):
        return after if isinstance(after, Refused) else limit  # type: ignore[return-value]
    if not 1 <= limit <= MAX_PAGE:
        return Refused(problem="malformed", detail=f"limit is 1 to {MAX_PAGE}", field="limit")
    if event_type is not None and event_type not in EVENT_TYPES:
        return Refused(problem="malformed", detail="no such type: see `writ events`", field="type")
    if record is not None and not is_handle(record):
        return Refused(problem="malformed", detail="record is a handle: 32 hex digits", field="record")
    return _Query(after, limit, event_type, None if record is None else bytes.fromhex(record))


async def _page(log: Log, query: _Query) -> Page:
    if query.record is not None:
        return await log.reader.record_events(query.record, query.after, query.event_type, query.limit)
    await log.refresh()
    size = 0 if log.released is None else log.released.checkpoint.size
    return await log.reader.events(query.after, query.event_type, query.limit, size)


def _number(text: str, field: str) -> int | Refused:
    try:
        # Far beyond any log, and what is reckoned from it still fits a column.
        return parse_decimal(text, maximum=2**62, what=field)
    except FormatError as error:
        return Refused(problem="malformed", detail=str(error), field=field)


ROUTES: Final = [
    web.get("/health", get_health),
    web.get("/metrics", get_metrics),
    web.get("/verifier.html", get_verifier),
    web.get("/logs/{log}/checkpoint", get_checkpoint),
    web.get("/logs/{log}/tile/{path:.+}", get_tile),
    web.get("/logs/{log}/entries/{index}", get_entry),
    web.get("/logs/{log}/entries/{index}/proof", get_proof),
    web.get("/logs/{log}/sources/{origin:.+}", get_source),
    web.get("/logs/{log}/events", get_events),
]
