"""A witness's rules, each with the status that tlog-witness lays down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    Watched,
    add_signatures,
    decide,
    format_add_checkpoint,
    format_checkpoint,
    grow,
    leaf_hashes_of,
    parse_add_checkpoint,
    sign_checkpoint,
    sign_note,
)
from signing.checkpoint import read_foreign_checkpoint
from tests.signing.mutating import nearly
from tests.signing.reference import consistency_proof, tree_hash

LOG = SigningKey("ledger.example/c", ED25519, bytes(32))
OTHER = SigningKey("other.example", ED25519, bytes(range(32)))
WATCHED = Watched(LOG.name, (LOG.verifier,))
LEAVES = leaf_hashes_of([b"%d" % number for number in range(40)])


def head(size: int) -> Checkpoint:
    return Checkpoint(LOG.name, size, tree_hash(LEAVES[:size]))


def request(old: int, size: int, proof: list[bytes] | None = None) -> AddCheckpoint:
    right = consistency_proof(old, LEAVES[:size]) if 0 < old < size else []
    return AddCheckpoint(old, tuple(right if proof is None else proof), sign_checkpoint(head(size), LOG))


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 1), (0, 40), (1, 2), (7, 33), (33, 33), (32, 40)])
def test_extensions_are_cosigned(old: int, size: int) -> None:
    last = head(old) if old else None
    outcome = decide(last, request(old, size), WATCHED)
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
        (head(7), AddCheckpoint(7, (), forked(7)), 422),
        (head(7), AddCheckpoint(7, tuple(consistency_proof(7, LEAVES[:33])), forked(33)), 422),
        (None, AddCheckpoint(0, (), sign_checkpoint(Checkpoint(LOG.name, 0, bytes(32)), LOG)), 422),
        (None, AddCheckpoint(0, (), sign_note(request(0, 7).note.text, OTHER)), 403),
        (None, AddCheckpoint(0, (), sign_checkpoint(Checkpoint(OTHER.name, 1, LEAVES[0]), OTHER)), 404),
        (None, AddCheckpoint(0, (), sign_note("no checkpoint\n", LOG)), 400),
    ],
)
def test_everything_else_is_refused(last: Checkpoint | None, asked: AddCheckpoint, status: int) -> None:
    outcome = decide(last, asked, WATCHED)
    assert isinstance(outcome, Refusal)
    assert outcome.status == status


def test_a_conflict_tells_the_size_from_which_to_go_on() -> None:
    outcome = decide(head(7), request(3, 33), WATCHED)
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
    outcome = decide(None, AddCheckpoint(0, (), note), WATCHED)
    assert isinstance(outcome, Refusal)
    assert outcome.status == 403


def test_no_more_than_63_proof_lines() -> None:
    raw = format_add_checkpoint(request(7, 33, [EMPTY_ROOT] * 63))
    assert len(parse_add_checkpoint(raw).proof) == 63
    with pytest.raises(FormatError):
        parse_add_checkpoint(format_add_checkpoint(request(7, 33, [EMPTY_ROOT] * 64)))


def test_a_log_that_changes_its_key_is_believed_under_either_and_not_under_a_false_line() -> None:
    watched = Watched(LOG.name, (SigningKey(LOG.name, ED25519, bytes([7] * 32)).verifier, LOG.verifier))
    assert isinstance(decide(None, request(0, 7), watched), Cosignable)
    new = SigningKey(LOG.name, ED25519, bytes([7] * 32))
    both = sign_note(request(0, 7).note.text, new, LOG)
    assert isinstance(decide(None, AddCheckpoint(0, (), both), watched), Cosignable)
    line = both.signatures[0]
    spoiled = add_signatures(request(0, 7).note, NoteSignature(line.name, line.key_id, bytes(64)))
    outcome = decide(None, AddCheckpoint(0, (), spoiled), watched)
    assert isinstance(outcome, Refusal)
    assert outcome.status == 403


def test_the_same_again_is_known_as_such() -> None:
    for last, old, again in ((None, 0, False), (head(7), 7, True)):
        outcome = decide(last, request(old, 7), WATCHED)
        assert isinstance(outcome, Cosignable)
        assert outcome.is_refresh is again


@pytest.mark.parametrize("text", ["a\n1\n", "", "\n\n\n", "a\n1\n%s\n\nx\n", "a\n1\n%s\nx", "a\n01\n%s\n"])
def test_a_foreign_checkpoint_has_three_lines_and_perhaps_more(text: str) -> None:
    root = request(0, 7).note.text.split("\n")[2]
    good = read_foreign_checkpoint(f"a b\n7\n{root}\nextension\n")
    assert (good.origin, good.size) == ("a b", 7)
    with pytest.raises(FormatError):
        read_foreign_checkpoint(text.replace("%s", root))


@given(
    text=st.one_of(
        st.text(), nearly(b"a b\n7\n" + b"A" * 43 + b"=\nx\n").map(lambda raw: raw.decode("utf-8", "replace"))
    )
)
def test_reading_a_foreign_checkpoint_is_total(text: str) -> None:
    try:
        read = read_foreign_checkpoint(text)
    except FormatError:
        return
    assert text.startswith(format_checkpoint(read))
    assert text.endswith("\n")
