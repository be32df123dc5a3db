"""Standing questions over HTTP: what a log says on matters of law, beside its orders."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from ledger.answering import answered, json_answer, moment_asked
from ledger.problems import Refused
from ledger.projector import Projector
from ledger.web import problem, readable_log
from projections.standing import QUESTIONS
from signing.encoding import parse_decimal
from signing.errors import FormatError

MAX_MEMBERS: Final = 10_000
SHOWN: Final = 100


class Questions:
    """Answers what the projections say of a log as a whole."""

    def __init__(self, projector: Projector) -> None:
        self._projector = projector
        self.routes: Final = [
            web.get("/logs/{log}/questions", self._get_questions),
            web.get("/logs/{log}/questions/{name}", self._get_question),
        ]

    async def _get_questions(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/questions?as_of=`: every question's table."""
        return await self._answer(request, self._projector.questions)

    async def _get_question(self, request: web.Request) -> web.Response:
        """`GET /logs/<log>/questions/<name>?as_of=&skip=&limit=`: one table, digest, a page of members."""
        name = request.match_info["name"]
        skip, limit = _number(request, "skip", 0), _number(request, "limit", SHOWN)
        if isinstance(skip, Refused):
            return problem(skip, request)
        if isinstance(limit, Refused):
            return problem(limit, request)
        if limit > MAX_MEMBERS:
            detail = f"limit is 0 to {MAX_MEMBERS:,}"
            return problem(Refused(problem="malformed", detail=detail, field="limit"), request)
        if name not in QUESTIONS:
            detail, remedy = f"there is no question {name[:64]}", f"ask {', '.join(QUESTIONS)}"
            return problem(Refused(problem="not-found", detail=detail, remedy=remedy), request)
        return await self._answer(
            request, lambda log, as_of: self._projector.question(log, name, as_of, skip, limit)
        )

    async def _answer(
        self, request: web.Request, ask: Callable[[str, int], Awaitable[object]]
    ) -> web.Response:
        log, as_of = await readable_log(request), moment_asked(request)
        if isinstance(log, Refused):
            return problem(log, request)
        if isinstance(as_of, Refused):
            return problem(as_of, request)
        answer = await answered(log, ask(log.name, as_of))
        return problem(answer, request) if isinstance(answer, Refused) else json_answer(answer)


def _number(request: web.Request, field: str, default: int) -> int | Refused:
    try:
        return parse_decimal(request.query.get(field, str(default)), maximum=2**53 - 1, what=field)
    except FormatError as error:
        return Refused(problem="malformed", detail=str(error), field=field)
