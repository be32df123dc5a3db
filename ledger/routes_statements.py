"""Attested statements over HTTP: an assessor posts his signature, and whoever reads the log finds it."""

from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from ledger import store
from ledger.answering import NOT_KEPT, json_answer
from ledger.attesting import (
    MAX_ATTESTATIONS,
    AttestationRow,
    Attested,
    StatementRow,
    admit,
    open_deposit,
    statement_row,
)
from ledger.collecting import Collected
from ledger.openlog import Log
from ledger.problems import Refused
from ledger.service import now_us
from ledger.web import SERVICE, bounded, named_log, problem, read_body, readable_log
from signing.attestation import parse_attestation
from signing.checkpoint import Checkpoint
from signing.note import format_note, parse_note

MAX_LISTED: Final = 100


async def post_statement(request: web.Request) -> web.Response:
    """`POST /logs/<log>/statements`: keep an assessor's signature on a statement of this log."""
    log = await named_log(request)
    body = await read_body(request)
    for refused in (log, body):
        if isinstance(refused, Refused):
            return problem(refused, request)
    assert isinstance(log, Log)
    assert isinstance(body, bytes)
    attested = open_deposit(body)
    kept = attested if isinstance(attested, Refused) else await _keep(request, log, attested)
    return problem(kept, request) if isinstance(kept, Refused) else json_answer(kept)


async def get_statements(request: web.Request) -> web.Response:
    """`GET /logs/<log>/statements?order=`: the attested statements on an order, the newest hundred."""
    log = await readable_log(request)
    order = request.query.get("order")
    if isinstance(log, Refused):
        return problem(log, request)
    if order is None:
        detail = "say of which order: `?order=`"
        return problem(Refused(problem="malformed", detail=detail, field="order"), request)
    pool = request.app[SERVICE].pool
    statements = await store.read_statements(pool, log.name, order, MAX_LISTED)
    signed = await store.read_attestations(pool, log.name, [one.hash for one in statements])
    return json_answer([_listed(one, signed[one.hash]) for one in statements])


async def get_statement(request: web.Request) -> web.Response:
    """`GET /logs/<log>/statements/<hash>`: the note, with every signature that was posted."""
    log = await readable_log(request)
    if isinstance(log, Refused):
        return problem(log, request)
    hash = statement_named(request.match_info["hash"])
    pool = request.app[SERVICE].pool
    found = None if hash is None else await store.read_statement(pool, log.name, hash)
    if hash is None or found is None:
        return problem(no_statement(log.name), request)
    signed = (await store.read_attestations(pool, log.name, [hash]))[hash]
    note = Collected(found, tuple(signed)).note
    return web.Response(body=format_note(note), content_type="text/plain", charset="utf-8", headers=NOT_KEPT)


def statement_named(text: str) -> bytes | None:
    """A statement's hash, as 64 lower-case hex digits."""
    is_hash = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return bytes.fromhex(text) if is_hash else None


def no_statement(log: str) -> Refused:
    """A log has no attested statement of this hash."""
    detail = f"nobody attested such a statement of {log}: name it by its text's SHA-256, 64 hex digits"
    return Refused(problem="not-found", detail=detail, remedy=f"/logs/{log}/statements?order= lists them")


async def _keep(request: web.Request, log: Log, attested: Attested) -> "Listed | Refused":
    pool = request.app[SERVICE].pool
    # Another process may have registered or revoked the key a moment ago.
    refused = await log.refresh()
    if refused is not None:
        return refused
    size = attested.statement.log.size
    root = (await store.read_roots(pool, log.name, [size])).get(size)
    had = None if root is None else Checkpoint(log.origin, size, root)
    row = admit(attested, log.registry, log.keys.log.verifier, had)
    if isinstance(row, Refused):
        return row
    statement = statement_row(attested)
    await store.insert_attestation(pool, log.name, statement, row, now_us(), MAX_ATTESTATIONS)
    # Both rows are durable from here. A crash now loses only the reply: posted again, it finds them.
    signed = (await store.read_attestations(pool, log.name, [row.hash]))[row.hash]
    return _check_kept(row, signed) or _listed(statement, signed)


def _check_kept(row: AttestationRow, signed: Sequence[AttestationRow]) -> Refused | None:
    """What stands in the table is what was posted, now or before."""
    kept = next((one for one in signed if (one.name, one.key_id) == (row.name, row.key_id)), None)
    if kept is None:
        detail = f"{MAX_ATTESTATIONS} keys have signed this statement already: it takes no more"
        return Refused(problem="too-large", detail=detail)
    if parse_note(kept.attestation).text != parse_note(row.attestation).text:
        detail = f"{row.name} attested this statement before, and left something else unchecked"
        return Refused(problem="attestation-conflict", detail=detail, remedy="attest a newer statement")
    return None


class Signed(msgspec.Struct, frozen=True):
    """Who signed, and what he left unchecked."""

    name: str
    key_id: str
    unchecked: tuple[str, ...]


class Listed(msgspec.Struct, frozen=True):
    """An attested statement; `statement` is its hash."""

    statement: str
    order: str
    size: int
    as_of: int
    signed: list[Signed]


def _listed(statement: StatementRow, signed: Sequence[AttestationRow]) -> Listed:
    by = [
        Signed(one.name, one.key_id.hex(), parse_attestation(parse_note(one.attestation).text).unchecked)
        for one in signed
    ]
    return Listed(statement.hash.hex(), statement.order, statement.size, statement.as_of, by)


ROUTES: Final = [
    web.post("/logs/{log}/statements", bounded(post_statement)),
    web.get("/logs/{log}/statements", get_statements),
    web.get("/logs/{log}/statements/{hash}", get_statement),
]
