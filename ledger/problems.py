"""Every refusal: one value, one table to its HTTP status, one form on the wire (RFC 9457).

A refusal is an ordinary answer, so it is a value and not an exception. It says what is wrong, where (the line
of the body, the field), and what to do about it.
"""

from typing import Final, Literal, NamedTuple

import msgspec

from projections.refused import Refused as PolicyRefusal

CONTENT_TYPE: Final = "application/problem+json"

Problem = Literal[
    "malformed",
    "wrong-source",
    "bad-signature",
    "unknown-key",
    "unknown-token",
    "revoked",
    "not-allowed",
    "unknown-log",
    "not-found",
    "wrong-method",
    "too-slow",
    "size-conflict",
    "id-conflict",
    "registration-conflict",
    "attestation-conflict",
    "too-large",
    "wrong-media-type",
    "wrong-root",
    "wrong-log",
    "unknown-checkpoint",
    "failed",
    "inconsistent",
    "busy",
    "frozen",
    "no-quorum",
    "stopped",
    "unavailable",
]


class Meaning(NamedTuple):
    """How a problem is answered."""

    status: int
    title: str


MEANINGS: Final[dict[Problem, Meaning]] = {
    "malformed": Meaning(400, "The body is not in the form it must have"),
    "bad-signature": Meaning(401, "The signature does not verify"),
    "unknown-key": Meaning(401, "The key is not registered"),
    "unknown-token": Meaning(401, "The bearer token is missing or unknown"),
    "wrong-source": Meaning(403, "The key or token does not post to this source"),
    "revoked": Meaning(403, "The key or token is revoked"),
    "not-allowed": Meaning(403, "The role does not allow this"),
    "unknown-log": Meaning(404, "There is no such log"),
    "not-found": Meaning(404, "There is no such thing"),
    "wrong-method": Meaning(405, "The method is not allowed here"),
    "too-slow": Meaning(408, "The body came too slowly"),
    "size-conflict": Meaning(409, "The source log has another size"),
    "id-conflict": Meaning(409, "Another event with this id was posted before"),
    "registration-conflict": Meaning(409, "The registration contradicts an earlier one"),
    "attestation-conflict": Meaning(409, "This key attested the statement otherwise before"),
    "too-large": Meaning(413, "The body, a line or an entry is too large"),
    "wrong-media-type": Meaning(415, "The content type is not one of those accepted here"),
    "wrong-root": Meaning(422, "The root does not follow from the lines"),
    "wrong-log": Meaning(422, "This is meant for another log"),
    "unknown-checkpoint": Meaning(422, "This log never had the checkpoint that is named"),
    "failed": Meaning(500, "The service failed"),
    "inconsistent": Meaning(500, "What the database holds of the log does not fit together"),
    "busy": Meaning(503, "The service is busy"),
    "frozen": Meaning(503, "The log is frozen: nothing may be signed"),
    "no-quorum": Meaning(503, "Too few witnesses have cosigned: the log takes nothing in"),
    "stopped": Meaning(503, "The log's projections have stopped: nothing can be judged"),
    "unavailable": Meaning(503, "The database is not there"),
}

# Only somebody's doing ends these: to ask again later says the same.
LASTING: Final[frozenset[Problem]] = frozenset({"inconsistent", "stopped"})

# A client that asks again after this long neither hammers a busy service nor waits for nothing.
RETRY_AFTER_S: Final = 1


class Refused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something was not done. The state to go on from is given with a size conflict."""

    problem: Problem
    detail: str
    line: int | None = None
    field: str | None = None
    size: int | None = None
    note: str | None = None
    frontier: str | None = None
    remedy: str | None = None
    """What to do about it, where `detail` does not say that."""


class _Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    type: str
    title: str
    status: int
    detail: str
    line: int | None = None
    field: str | None = None
    size: int | None = None
    note: str | None = None
    frontier: str | None = None
    remedy: str | None = None
    request: str | None = None


def refuse_by_policy(refusal: PolicyRefusal, line: int | None = None) -> Refused:
    """A refusal of the registry, as the service answers it."""
    return Refused(problem=refusal.problem, detail=refusal.detail, line=line, field=refusal.field)


def type_of(problem: Problem) -> str:
    """The URN by which a problem goes on the wire."""
    return f"urn:writ:problem:{problem}"


def status_of(refused: Refused) -> int:
    """The HTTP status that answers a refusal."""
    return MEANINGS[refused.problem].status


def headers_of(refused: Refused) -> dict[str, str]:
    """The headers that go with a refusal beside its body."""
    if status_of(refused) == 503 and refused.problem not in LASTING:
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {"WWW-Authenticate": "Bearer"} if refused.problem == "unknown-token" else {}


def format_problem(refused: Refused, request: str | None = None) -> bytes:
    """Write a refusal as problem+json; `request` is the request's id in the service's own records."""
    meaning = MEANINGS[refused.problem]
    members = {name: getattr(refused, name) for name in refused.__struct_fields__ if name != "problem"}
    body = _Body(
        type=type_of(refused.problem),
        title=meaning.title,
        status=meaning.status,
        request=request,
        **members,
    )
    return msgspec.json.encode(body)
