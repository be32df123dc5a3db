"""A compact bundle: the statement and proofs of a few events. What it omits, it hides, so an "
"assessor must sign."""

from msgspec import Struct

from projections.docket import IssuedOrder
from projections.events import Event, OrderIssued, OrderVaried, decode_event
from projections.order import Order
from projections.runners import trust, wording
from projections.runners.full import Request
from projections.runners.outcome import Outcome
from projections.runners.rules import rules_hash
from projections.runners.source import Source, ZipSource
from projections.statement import Statement, parse_statement
from projections.status import governing
from signing.checkpoint import Checkpoint, verify_checkpoint
from signing.encoding import encode_base64
from signing.entry import Entry, parse_entry
from signing.errors import FormatError, ProofError
from signing.keys import VerifierKey, parse_vkey
from signing.merkle import leaf_hash, verify_inclusion
from signing.note import Note, parse_note
from signing.submission import check_signature, parse_submission_text
from signing.tlog_proof import parse_proof, verify_proof


class Proved(Struct, frozen=True):
    """An event that the bundle proves to stand in the log under a submission's note. Who signed "
    "that is open."""

    index: int
    event: Event  # type: ignore[type-arg]
    note: Note


def verify_compact(source: ZipSource, request: Request, outcome: Outcome) -> None:
    """Verify a compact bundle, and fill in the outcome. ProofError says what is wrong."""
    outcome.kind = "compact"
    note = parse_note(source.read("statement"))
    statement = parse_statement(note.text)
    checkpoint_note = parse_note(source.read("checkpoint"))
    events = [_read_event(source, index) for index in _indexes(source)]
    order = _find_order(outcome, request, statement, events)
    checkpoint = trust.check_log(outcome, order, checkpoint_note)
    _check_statement_s_log(statement, checkpoint)
    for index in _indexes(source):
        _check_event(source, index, parse_vkey(order.trust.log_vkey), checkpoint_note)
    outcome.checked.append(f"{len(events)} events stand in that log, each under its poster's submission")
    seen_s = trust.witnessed_at(outcome, order, checkpoint_note)
    outcome.witnessed = seen_s is not None
    _check_assessor(outcome, order, note)
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


def _indexes(source: ZipSource) -> list[int]:
    return sorted({int(path.split("/")[1]) for path in source.paths if path.startswith("proof/")})


def _read_event(source: Source, index: int) -> Proved:
    """What a proof is about; whether it proves that is checked once the order tells the log's key."""
    event = _entry(source, f"proof/{index}/event")
    submission = _entry(source, f"proof/{index}/submission")
    return Proved(index, decode_event(event.body), parse_note(submission.body))


def _entry(source: Source, path: str) -> Entry:
    try:
        return parse_entry(source.read(path))
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def _find_order(outcome: Outcome, request: Request, statement: Statement, events: list[Proved]) -> Order:
    """The order under the authority's signature; without an authority, the one that the statement names."""
    issued = [one for one in events if isinstance(one.event.data, OrderIssued | OrderVaried)]
    outcome.authority = request.authority
    if request.authority is None:
        outcome.exceptions.append(
            "no --authority was given: that the order is an authority's is the operator's word"
        )
        mine = [one for one in issued if one.event.data.order.id == statement.order.id]
    else:
        key = parse_vkey(request.authority)
        mine = [one for one in issued if _signed_by(one, key)]
        outcome.keys.append(f"authority {request.authority}, given by you")
    others = sorted({one.event.data.order.id for one in issued if one not in mine})
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
    outcome.order = order.id
    return order


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
    check_signature(one.note, parse_submission_text(one.note.text), key)
    return True


def _check_event(source: Source, index: int, log_key: VerifierKey, checkpoint: Note) -> None:
    """Both entries stand in the log, and the event under the submission's root."""
    place = f"proof/{index}"
    event, submission = source.read(f"{place}/event"), source.read(f"{place}/submission")
    head = parse_entry(submission)
    for path, raw, at in (("event", event, index), ("submission", submission, head.index)):
        proof = parse_proof(source.read(f"{place}/{path}.tlog-proof"))
        if proof.index != at or proof.checkpoint.text != checkpoint.text:
            raise ProofError(f"{place}/{path}.tlog-proof: not a proof of this entry under this checkpoint")
        verify_proof(proof, leaf_hash(raw), log_key)
    note = parse_note(head.body)
    text = parse_submission_text(note.text)
    proof = parse_proof(source.read(f"{place}/source.tlog-proof"))
    if proof.checkpoint != note or text.log != verify_checkpoint(checkpoint, log_key).origin:
        raise ProofError(
            f"{place}/source.tlog-proof: not a proof under this submission, or it is for another log"
        )
    if not text.base <= proof.index < text.size or index != head.index + 1 + proof.index - text.base:
        raise ProofError(f"{place}: the event does not stand where its submission has it")
    line = parse_entry(event).body
    verify_inclusion(leaf_hash(line), proof.index, text.size, proof.hashes, text.root)


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


def _check_assessor(outcome: Outcome, order: Order, note: Note) -> None:
    signed = trust.assessors_of(order, note)
    if signed and len(signed) < order.trust.quorum_of_assessors:
        raise ProofError(
            f"{trust.quorum_line(order, len(signed))}: a compact bundle hides what it omits; ask for the "
            "full bundle, or for the others' signatures"
        )
    if not signed:
        raise ProofError(
            "no assessor whom the order names has signed the statement: a compact bundle hides what "
            "it omits, so it "
            "needs one; ask for the full bundle, or for an assessor's signature"
        )
    outcome.attested += [
        f"the assessor {key.name}, named in the order, who signed the statement" for key in signed
    ]
