"""A witness's rules, each with the status that tlog-witness lays down."""

import pytest

from signing import (
    ED25519,
    EMPTY_RANGE,
    EMPTY_ROOT,
    AddCheckpoint,
    Checkpoint,
    Cosignable,
    FormatError,
    Note,
    NoteSignature,
    Refusal,
    SigningKey,
    add_signatures,
    decide,
    format_add_checkpoint,
    grow,
    leaf_hashes_of,
    parse_add_checkpoint,
    sign_checkpoint,
    sign_note,
)
from tests.signing.reference import consistency_proof, tree_hash

LOG = SigningKey("ledger.example/c", ED25519, bytes(32))
OTHER = SigningKey("other.example", ED25519, bytes(range(32)))
LEAVES = leaf_hashes_of([b"%d" % number for number in range(40)])


def head(size: int) -> Checkpoint:
    return Checkpoint(LOG.name, size, tree_hash(LEAVES[:size]))


def request(old: int, size: int, proof: list[bytes] | None = None) -> AddCheckpoint:
    right = consistency_proof(old, LEAVES[:size]) if 0 < old < size else []
    return AddCheckpoint(old, tuple(right if proof is None else proof), sign_checkpoint(head(size), LOG))


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 1), (0, 40), (1, 2), (7, 33), (33, 33), (32, 40)])
def test_extensions_are_cosigned(old: int, size: int) -> None:
    last = head(old) if old else None
    outcome = decide(last, request(old, size), LOG.verifier)
    assert isinstance(outcome, Cosignable)
    assert outcome.checkpoint == head(size)


def forked(size: int) -> Note:
    fork = grow(EMPTY_RANGE, leaf_hashes_of([b"fork"] * size))
    return sign_checkpoint(Checkpoint(LOG.name, size, fork.root), LOG)


@pytest.mark.parametrize(
    ("last", "asked", "status"),
    [
        (head(7), request(8, 7), 400),
        (head(7), request(0, 33), 409),
        (None, request(7, 33), 409),
        (head(33), request(7, 33), 409),
        (head(7), request(7, 33, []), 422),
        (head(7), request(7, 33, [EMPTY_ROOT]), 422),
        (head(7), request(7, 7, [EMPTY_ROOT]), 422),
        (None, request(0, 7, [EMPTY_ROOT]), 422),
        (head(7), AddCheckpoint(7, (), forked(7)), 409),
        (head(7), AddCheckpoint(7, tuple(consistency_proof(7, LEAVES[:33])), forked(33)), 422),
        (None, AddCheckpoint(0, (), sign_checkpoint(Checkpoint(LOG.name, 0, bytes(32)), LOG)), 422),
        (None, AddCheckpoint(0, (), sign_note(request(0, 7).note.text, OTHER)), 403),
        (None, AddCheckpoint(0, (), sign_checkpoint(Checkpoint(OTHER.name, 1, LEAVES[0]), OTHER)), 404),
        (None, AddCheckpoint(0, (), sign_note("no checkpoint\n", LOG)), 400),
    ],
)
def test_everything_else_is_refused(last: Checkpoint | None, asked: AddCheckpoint, status: int) -> None:
    outcome = decide(last, asked, LOG.verifier)
    assert isinstance(outcome, Refusal)
    assert outcome.status == status


def test_a_conflict_tells_the_size_from_which_to_go_on() -> None:
    outcome = decide(head(7), request(3, 33), LOG.verifier)
    assert isinstance(outcome, Refusal)
    assert outcome.size == 7


def test_an_unknown_log_is_refused_before_its_signature() -> None:
    outcome = decide(None, request(0, 7), None)
    assert isinstance(outcome, Refusal)
    assert outcome.status == 404


def test_a_false_line_of_the_known_key_spoils_a_good_one() -> None:
    asked = request(0, 7)
    (line,) = asked.note.signatures
    note = add_signatures(asked.note, NoteSignature(line.name, line.key_id, bytes(64)))
    outcome = decide(None, AddCheckpoint(0, (), note), LOG.verifier)
    assert isinstance(outcome, Refusal)
    assert outcome.status == 403


def test_no_more_than_63_proof_lines() -> None:
    raw = format_add_checkpoint(request(7, 33, [EMPTY_ROOT] * 63))
    assert len(parse_add_checkpoint(raw).proof) == 63
    with pytest.raises(FormatError):
        parse_add_checkpoint(format_add_checkpoint(request(7, 33, [EMPTY_ROOT] * 64)))
