"""Sets over HTTP: what the ledger itself has for a store, and what an order had erased there.

Whoever looks into a store compares with these: an inventory bucket by bucket, a probe handle by handle.
"""

import math
import time
from typing import Final

import msgspec
from aiohttp import web

from ledger.answering import NOT_KEPT, answered, json_answer, moment_asked, no_order
from ledger.judging import Asked, moment_of
from ledger.openlog import Log
from ledger.problems import Refused
from ledger.projector import Projector
from ledger.set_wire import COUNT, DIGEST, MAX_BUCKETS, MAX_HANDLES, MAX_LINES, SIZE
from ledger.sets import ErasedPage, NoStore, StoreSet, TooMany
from ledger.web import problem, readable_log
from projections.vocabulary import Id
from signing.encoding import encode_base64, parse_decimal
from signing.errors import FormatError
from signing.handle import is_handle
from signing.setdigest import bucket_of

HANDLES: Final = 10_000


class SetViews:
    """Answers what the projections have of a store."""

    def __init__(self, projector: Projector) -> None:
        self._projector = projector
        self.routes: Final = [
            web.get("/logs/{log}/stores", self._get_stores),
            web.get("/logs/{log}/stores/{store}/set", self._get_set),
            web.get("/logs/{log}/stores/{store}/set/lines", self._get_lines),
            web.get("/logs/{log}/orders/{order}/erased", self._get_erased),
        ]

    async def _get_stores(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/stores`: the stores that were declared."""
        log = await readable_log(request)
        if isinstance(log, Refused):
            return problem(log, request)
        found = await answered(log, self._projector.stores(log.name))
        return problem(found, request) if isinstance(found, Refused) else json_answer(found)

    async def _get_set(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/stores/<store>/set?size=`: the hash of each of the 65,536 buckets of the live
        copies' handles, 32 bytes each; their count and digest stand in the head."""
        log = await readable_log(request)
        size = log if isinstance(log, Refused) else await _size(request, log)
        if isinstance(log, Refused) or isinstance(size, Refused):
            return problem(size if isinstance(size, Refused) else log, request)  # type: ignore[arg-type]
        store = request.match_info["store"]
        found = await answered(log, self._projector.store_set(log.name, store, size))
        if found is None:
            found = _no_store(log.name, store)
        if isinstance(found, Refused):
            return problem(found, request)
        headers = _head(found)
        return web.Response(body=found.hashes, content_type="application/octet-stream", headers=headers)

    async def _get_lines(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/stores/<store>/set/lines?buckets=00af,1c2d&size=`: the handles of some buckets."""
        log = await readable_log(request)
        size = log if isinstance(log, Refused) else await _size(request, log)
        buckets = _buckets(request)
        for refused in (log, size, buckets):
            if isinstance(refused, Refused):
                return problem(refused, request)
        assert isinstance(log, Log)
        assert isinstance(size, int)
        assert isinstance(buckets, tuple)
        store = request.match_info["store"]
        lines = await answered(log, self._projector.set_lines(log.name, store, size, buckets))
        if lines is None:
            lines = _no_store(log.name, store)
        elif isinstance(lines, TooMany):
            detail = f"these buckets have over {MAX_LINES:,} lines: ask for fewer at once"
            lines = Refused(problem="too-large", detail=detail, field="buckets")
        if isinstance(lines, Refused):
            return problem(lines, request)
        headers = {**NOT_KEPT, SIZE: str(size)}
        return web.Response(body=lines, content_type="text/plain", charset="utf-8", headers=headers)

    async def _get_erased(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/orders/<id>/erased?store=&size=&after=&limit=&as_of=`: the handles erased from a
        store as the order's obligations ask, sorted, a page at a time."""
        log = await readable_log(request)
        size = log if isinstance(log, Refused) else await _size(request, log)
        page = _page(request)
        for refused in (log, size, page):
            if isinstance(refused, Refused):
                return problem(refused, request)
        assert isinstance(log, Log)
        assert isinstance(size, int)
        assert isinstance(page, _Page)
        order, asked = request.match_info["order"], Asked(math.ceil(time.time()), page.as_of, size)
        erased = self._projector.erased(log.name, order, page.store, asked, page.after, page.limit)
        found = await answered(log, erased)
        if found is None:
            found = no_order(log.name, order)
        elif isinstance(found, NoStore):
            found = _no_store(log.name, page.store)
        return problem(found, request) if isinstance(found, Refused) else _handles(request, found, page.as_of)


class _Page(msgspec.Struct, frozen=True):
    store: str
    after: str
    limit: int
    as_of: int


async def _size(request: web.Request, log: Log) -> int | Refused:
    """How many entries count: no more than the log has signed for, and all of these where it is left out."""
    refused = await log.refresh()
    if refused is not None:
        return refused
    most = 0 if log.released is None else log.released.checkpoint.size
    if "size" not in request.query:
        return most
    size = _number(request, "size", most)
    if isinstance(size, int) and size > most:
        return Refused(problem="malformed", detail=f"the log has {most} entries", field="size")
    return size


def _page(request: web.Request) -> _Page | Refused:
    limit, as_of = _number(request, "limit", HANDLES), moment_asked(request)
    store, after = request.query.get("store", ""), request.query.get("after", "")
    if isinstance(limit, Refused) or isinstance(as_of, Refused):
        return limit if isinstance(limit, Refused) else as_of  # type: ignore[return-value]
    if not 1 <= limit <= MAX_HANDLES:
        return Refused(problem="malformed", detail=f"limit is 1 to {MAX_HANDLES:,}", field="limit")
    if after and not is_handle(after):
        detail = "after is the last handle of the page before"
        return Refused(problem="malformed", detail=detail, field="after")
    try:
        msgspec.convert(store, Id)
    except msgspec.ValidationError:
        return Refused(problem="malformed", detail="say which store: `?store=people`", field="store")
    return _Page(store, after, limit, as_of)


def _buckets(request: web.Request) -> tuple[int, ...] | Refused:
    """Buckets as four hex digits each, rising."""
    given = request.query.get("buckets", "").split(",")
    try:
        buckets = tuple(bucket_of(one.encode()) for one in given)
    except FormatError:
        buckets = ()
    if not buckets or any(len(one) != 4 for one in given) or list(buckets) != sorted(set(buckets)):
        detail = "buckets are four lower-case hex digits each, rising, with commas: `?buckets=00af,1c2d`"
        return Refused(problem="malformed", detail=detail, field="buckets")
    if len(buckets) > MAX_BUCKETS:
        return Refused(problem="malformed", detail=f"{MAX_BUCKETS:,} buckets at once", field="buckets")
    return buckets


def _number(request: web.Request, field: str, default: int) -> int | Refused:
    try:
        return parse_decimal(request.query.get(field, str(default)), maximum=2**62, what=field)
    except FormatError as error:
        return Refused(problem="malformed", detail=str(error), field=field)


def _no_store(log: str, store: str) -> Refused:
    detail = f"{log} has no store {store[:64]}"
    return Refused(problem="not-found", detail=detail, remedy=f"/logs/{log}/stores lists those that it has")


def _head(found: StoreSet | ErasedPage) -> dict[str, str]:
    said = {SIZE: str(found.size), COUNT: str(found.count), DIGEST: encode_base64(found.digest)}
    return {**NOT_KEPT, **said}


def _handles(request: web.Request, page: ErasedPage, as_of: int) -> web.Response:
    headers = _head(page)
    if not page.is_last:
        # The place stands still, so that pages fit together while the log grows.
        query = {"after": page.handles[-1], "size": str(page.size), "as_of": moment_of(as_of)}
        headers["Link"] = f'<{request.rel_url.update_query(query)}>; rel="next"'
    body = "".join(f"{handle}\n" for handle in page.handles)
    return web.Response(text=body, content_type="text/plain", charset="utf-8", headers=headers)
