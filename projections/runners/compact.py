"""A compact bundle: the statement and proofs of a few events. What it omits, it hides, so an assessor must
sign."""

from collections.abc import Iterable
from typing import Final

from projections.docket import IssuedOrder
from projections.events import OrderIssued, OrderVaried
from projections.order import Order
from projections.runners import members, trust, wording
from projections.runners.assessed import quorum_line, tell_assessors
from projections.runners.full import Request, require_one_go, require_order_s_word
from projections.runners.outcome import Outcome
from projections.runners.proofs import Proved, check_event, indexes, read_event, told_of
from projections.runners.rules import rules_hash
from projections.runners.source import Source, ZipSource
from projections.statement import Statement, parse_statement
from projections.status import governing
from signing.checkpoint import Checkpoint
from signing.encoding import encode_base64
from signing.errors import ProofError
from signing.keys import VerifierKey, parse_vkey
from signing.note import Note, parse_note
from signing.submission import check_signature, parse_submission_text

MAX_ORDERS: Final = 1_000


def verify_compact(source: ZipSource, request: Request, outcome: Outcome) -> None:
    """Verify a compact bundle, and fill in the outcome. ProofError says what is wrong."""
    outcome.kind = "compact"
    members.check_compact(source.paths)
    note = parse_note(source.read("statement"))
    statement = parse_statement(note.text)
    require_order_s_word(request)
    require_one_go(request, "a compact bundle")
    checkpoint_note = parse_note(source.read("checkpoint"))
    proved = indexes(source)
    order = _find_order(outcome, request, statement, (read_event(source, index) for index in proved))
    checkpoint = trust.check_log(outcome, order, checkpoint_note)
    _check_statement_s_log(statement, checkpoint)
    for index in proved:
        check_event(source, index, parse_vkey(order.trust.log_vkey), checkpoint_note)
    outcome.checked.append(f"{len(proved)} events stand in that log, each under its poster's submission")
    seen_s = trust.witnessed_at(outcome, order, checkpoint_note)
    outcome.witnessed = seen_s is not None
    _check_assessors(outcome, order, note, source)
    if request.held:
        raise ProofError(
            f"{request.held[0].name}: a compact bundle can't show that it is in the log: ask for a full one"
        )
    trust.check_age(outcome, order, statement, request.now, seen_s)
    if statement.rules != rules_hash():
        outcome.exceptions.append(f"judged under other rules than this program's: {statement.rules}")
    outcome.statement = statement
    outcome.not_proven.append(
        "that nothing was left out of this bundle: for that, the assessor replayed the log"
    )
    outcome.not_proven += trust.unchecked(source) + wording.unproven_lines(statement)


def _find_order(outcome: Outcome, request: Request, statement: Statement, events: Iterable[Proved]) -> Order:
    """The order under the authority's signature; without an authority, the one that the statement names."""
    outcome.authority = request.authority
    key = None if request.authority is None else parse_vkey(request.authority)
    if key is None:
        outcome.exceptions.append(
            "no --authority was given: that the order is an authority's is the operator's word"
        )
    else:
        outcome.keys.append(f"authority {request.authority}, given by you")
    mine: list[Proved] = []
    foreign: set[str] = set()
    # Nothing is proved yet, so of all that claims to be an order only what is needed is kept.
    for one in events:
        if not isinstance(one.event.data, OrderIssued | OrderVaried):
            continue
        order_id = one.event.data.order.id
        _require_poster_s(one, order_id)
        if _signed_by(one, key) if key is not None else order_id == statement.order.id:
            mine.append(one)
        else:
            foreign.add(order_id)
        if len(mine) > MAX_ORDERS:
            raise ProofError(f"it holds over {MAX_ORDERS:,} orders: ask for the full bundle")
    others = sorted(foreign)
    outcome.exceptions += [f"an order {one} by another key: no effect" for one in others]
    if not mine:
        raise ProofError(
            f"no order in this bundle is signed by {request.authority}"
            + (f"; {len(others)} signed by other keys: {', '.join(others)}" if others else "")
        )
    # An authority may have issued several orders; which of them this is about, the statement says.
    same = [one for one in mine if one.event.data.order.id == statement.order.id] or mine
    order = _governing(same, statement)
    trust.check_reference(order, statement)
    if key is not None:
        outcome.checked.append("the order is signed by that authority")
    outcome.order = order.id
    return order


def _require_poster_s(one: Proved, order_id: str) -> None:
    if order_id.rpartition("/")[0] != one.note.signatures[0].name:
        raise ProofError(f"proof/{one.index}: the order {order_id} is another authority's than its poster's")


def _governing(same: list[Proved], statement: Statement) -> Order:
    """The version that governs, of those that counted; as `trust.find_issued` has it."""
    versions = [
        IssuedOrder(one.index, 0, 0, one.event.data.order, one.event.data.effective_at) for one in same
    ]
    found = governing([one for one in versions if one.index < statement.counted] or versions, statement.as_of)
    assert found is not None
    return found.order


def _signed_by(one: Proved, key: VerifierKey) -> bool:
    signature = one.note.signatures[0]
    if (signature.name, signature.key_id) != (key.name, key.key_id):
        return False
    with told_of(f"proof/{one.index}/submission"):
        check_signature(one.note, parse_submission_text(one.note.text), key)
    return True


def _check_statement_s_log(statement: Statement, checkpoint: Checkpoint) -> None:
    said = statement.log
    if (said.origin, said.size, said.root) != (
        checkpoint.origin,
        checkpoint.size,
        encode_base64(checkpoint.root),
    ):
        raise ProofError(
            f"the statement is about {said.origin} at {said.size} entries, not about the log of this "
            "checkpoint"
        )


def _check_assessors(outcome: Outcome, order: Order, note: Note, source: Source) -> None:
    signed = tell_assessors(outcome, order, note, source)
    if not signed:
        raise ProofError(
            "no assessor whom the order names has signed the statement: a compact bundle hides what "
            "it omits, so it "
            "needs one; ask for the full bundle, or for an assessor's signature"
        )
    if len(signed) < order.trust.quorum_of_assessors:
        raise ProofError(
            f"{quorum_line(order, len(signed))}: a compact bundle hides what it omits; ask for the full "
            "bundle, or for the others' signatures"
        )
