"""Views of an order over HTTP: its verdict at any moment and size, who is counted, and how it came so."""

import math
import time
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from ledger.answering import NOT_KEPT, answered, json_answer, moment_asked, no_order
from ledger.judging import Asked, MembersPage, NoSuchCount, Wanted, moment_of
from ledger.openlog import Log
from ledger.problems import Refused
from ledger.projector import Projector
from ledger.web import named_log, problem, readable_log
from projections.tally import Member
from projections.timeline import Place
from signing.encoding import parse_decimal
from signing.errors import FormatError

MAX_MEMBERS: Final = 10_000

T = TypeVar("T")


class OrderViews:
    """Answers what the projections say of one order."""

    def __init__(self, projector: Projector) -> None:
        self._projector = projector
        self.routes: Final = [
            web.get("/logs/{log}/projection", self._get_projection),
            web.get("/logs/{log}/orders/{order}", self._get_status),
            web.get("/logs/{log}/orders/{order}/members", self._get_members),
            web.get("/logs/{log}/orders/{order}/timeline", self._get_timeline),
        ]

    async def _get_projection(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/projection`: how far the projections are behind the log. `work`: what they are at,
        if it takes long, whichever log it is for."""
        log = await named_log(request)
        if isinstance(log, Refused):
            return problem(log, request)
        await log.refresh()
        size = 0 if log.released is None else log.released.checkpoint.size
        lag = await log.reader.lag(size, time.time_ns() // 1_000)
        return json_answer(msgspec.structs.asdict(lag) | {"work": self._projector.work})

    async def _get_status(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/orders/<id>?as_of=&size=`: the verdict, and what is behind and beside it."""
        log = await readable_log(request)
        asked = log if isinstance(log, Refused) else _asked(request, log)
        if isinstance(log, Refused) or isinstance(asked, Refused):
            return problem(asked if isinstance(asked, Refused) else log, request)  # type: ignore[arg-type]
        status = await answered(log, self._projector.status(log.name, _order(request), asked))
        found = _known(status, request, log)
        return problem(found, request) if isinstance(found, Refused) else json_answer(found)

    async def _get_members(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/orders/<id>/members?count=&obligation=&after=&limit=&as_of=&size=`: who is counted
        under a name, as NDJSON, a page at a time; the last line says of which count at which place."""
        log = await readable_log(request)
        asked = log if isinstance(log, Refused) else _asked(request, log)
        wanted = _wanted(request)
        for refused in (log, asked, wanted):
            if isinstance(refused, Refused):
                return problem(refused, request)
        assert isinstance(log, Log)
        assert isinstance(asked, Asked)
        assert isinstance(wanted, Wanted)
        page = await answered(log, self._projector.members(log.name, _order(request), asked, wanted))
        if isinstance(page, NoSuchCount):
            return problem(_no_such_count(page, wanted), request)
        found = _known(page, request, log)
        return problem(found, request) if isinstance(found, Refused) else _members(request, found)

    async def _get_timeline(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/orders/<id>/timeline?as_of=&after_as_of=&after_size=`: the verdict's changes."""
        log = await readable_log(request)
        end, begin = moment_asked(request), _begin(request)
        for refused in (log, end, begin):
            if isinstance(refused, Refused):
                return problem(refused, request)
        assert isinstance(log, Log)
        assert isinstance(end, int)
        assert not isinstance(begin, Refused)
        walked = await answered(log, self._projector.timeline(log.name, _order(request), end, begin))
        found = _known(walked, request, log)
        return problem(found, request) if isinstance(found, Refused) else json_answer(found)


def _order(request: web.Request) -> str:
    return request.match_info["order"]


def _known(found: T | Refused | None, request: web.Request, log: Log) -> T | Refused:
    if found is None:
        return no_order(log.name, _order(request))
    return found


def _asked(request: web.Request, log: Log) -> Asked | Refused:
    """The moment and size asked for; no size beyond what the log has."""
    as_of = None if "as_of" not in request.query else moment_asked(request)
    size = None if "size" not in request.query else _number(request, "size")
    if isinstance(as_of, Refused) or isinstance(size, Refused):
        return as_of if isinstance(as_of, Refused) else size  # type: ignore[return-value]
    most = 0 if log.released is None else log.released.checkpoint.size
    if size is not None and size > most:
        return Refused(problem="malformed", detail=f"the log has {most} entries", field="size")
    # Not the second begun before: what was acknowledged a moment ago counts.
    return Asked(math.ceil(time.time()), as_of, size)


def _wanted(request: web.Request) -> Wanted | Refused:
    query = request.query
    limit = _number(request, "limit", MAX_MEMBERS)
    after = None if "after" not in query else _member(query["after"])
    if isinstance(limit, Refused) or isinstance(after, Refused):
        return limit if isinstance(limit, Refused) else after  # type: ignore[return-value]
    if not 1 <= limit <= MAX_MEMBERS:
        return Refused(problem="malformed", detail=f"limit is 1 to {MAX_MEMBERS}", field="limit")
    if "count" not in query:
        return Refused(problem="malformed", detail="say which count to list, as count=live", field="count")
    return Wanted(query["count"], query.get("obligation", ""), after, limit)


def _begin(request: web.Request) -> Place | Refused | None:
    if "after_size" not in request.query:
        return None
    as_of, size = _number(request, "after_as_of"), _number(request, "after_size")
    if isinstance(as_of, Refused) or isinstance(size, Refused):
        return as_of if isinstance(as_of, Refused) else size  # type: ignore[return-value]
    return Place(as_of, size)


def _member(text: str) -> Member | Refused:
    """A member as the last line of a page names it."""
    try:
        handle, store, entry = text.split(",")
        return Member(handle, store, int(entry))
    except ValueError:
        return Refused(problem="malformed", detail="after is `next` of the page before", field="after")


def _number(request: web.Request, field: str, default: int | None = None) -> int | Refused:
    text = request.query.get(field)
    if text is None and default is not None:
        return default
    try:
        return parse_decimal(text or "", maximum=2**62, what=field)
    except FormatError as error:
        return Refused(problem="malformed", detail=str(error), field=field)


def _no_such_count(found: NoSuchCount, wanted: Wanted) -> Refused:
    said = "; ".join(f"{name}: {', '.join(counts)}" for name, counts in found.counts.items())
    obligation = f" under {wanted.obligation[:64]}" if wanted.obligation else ""
    detail = f"nothing is counted as {wanted.count[:64]}{obligation}"
    return Refused(problem="not-found", detail=detail, field="count", remedy=f"counted are, of {said}")


def _members(request: web.Request, page: MembersPage) -> web.Response:
    as_of = moment_of(page.place.as_of)
    last: dict[str, object] = {"obligation": page.obligation, "counted": page.counted}
    last |= {"as_of": as_of, "size": page.place.size}
    headers = dict(NOT_KEPT)
    if not page.is_last:
        end = page.members[-1]
        after = f"{end.handle},{end.store},{end.entry}"
        last["next"] = after
        # The place stands still, so that pages fit together while the log grows.
        query = {"after": after, "as_of": as_of, "size": str(page.place.size)}
        headers["Link"] = f'<{request.rel_url.update_query(query)}>; rel="next"'
    lines = b"".join(msgspec.json.encode(member) + b"\n" for member in page.members)
    body = lines + msgspec.json.encode(last) + b"\n"
    return web.Response(body=body, content_type="application/x-ndjson", headers=headers)
