"""Submissions: what a poster signs, and what no operator can take out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import (
    ED25519,
    EMPTY_RANGE,
    MAX_EVENT_BYTES,
    Checkpoint,
    CompactRange,
    FormatError,
    ProofError,
    SigningKey,
    Submission,
    TlogProof,
    TooLargeError,
    check_submission,
    encode_base64,
    format_proof,
    format_submission,
    leaf_hash,
    leaf_hashes_of,
    make_submission,
    parse_proof,
    parse_submission,
    prove_line,
    range_of,
    verify_line_proof,
)
from tests.signing.mutating import flips
from tests.signing.reference import tree_hash

POSTER = SigningKey("crawler.example", ED25519, bytes(range(32)))
OTHER = SigningKey("other.example", ED25519, bytes(32))
LOG = "ledger.example/c"
SEEN = Checkpoint(LOG, 98231, bytes(range(32)))
LINES = [b'{"id":"%d"}' % number for number in range(40)]


def submission(base: int, size: int) -> tuple[Submission, CompactRange]:
    before = range_of(0, leaf_hashes_of(LINES[:base]))
    made, _ = make_submission(POSTER, "crawler.example/7", before, LOG, SEEN, LINES[base:size])
    return made, before


@given(st.integers(0, 39), st.integers(1, 40))
def test_submissions_survive_and_check(base: int, count: int) -> None:
    size = min(base + count, 40)
    made, before = submission(base, size)
    parsed = parse_submission(format_submission(made))
    assert parsed == made
    after = check_submission(parsed, POSTER.verifier, before)
    assert after == range_of(0, leaf_hashes_of(LINES[:size]))
    assert made.text.root == tree_hash(leaf_hashes_of(LINES[:size]))
    assert check_submission(parsed, POSTER.verifier, before, leaf_hashes_of(parsed.lines)) == after


def test_the_text_is_as_the_spec_shows() -> None:
    made, _ = make_submission(POSTER, "crawler.example", EMPTY_RANGE, LOG, None, LINES[:1])
    lines = made.note.text.split("\n")
    assert lines[:3] == ["crawler.example", "1", encode_base64(leaf_hash(LINES[0]))]
    assert lines[3:] == [LOG, "0", "0 -", ""]


def test_every_flipped_byte_of_a_submission_is_caught() -> None:
    made, before = submission(5, 12)
    for false in flips(format_submission(made)):
        with pytest.raises((FormatError, ProofError)):
            check_submission(parse_submission(false), POSTER.verifier, before)


def test_an_event_dropped_reordered_or_spliced_in_breaks_the_posters_root() -> None:
    made, before = submission(5, 12)
    lines = made.lines
    for false in (lines[::-1], (*lines[:3], b'{"id":"forged"}', *lines[4:]), (*lines[1:], lines[0])):
        with pytest.raises(ProofError, match="line 3"):
            check_submission(Submission(made.note, made.text, tuple(false)), POSTER.verifier, before)
    with pytest.raises(ProofError, match="line 2"):
        check_submission(Submission(made.note, made.text, lines[:-1]), POSTER.verifier, before)


def test_a_false_frontier_does_not_extend_to_the_root() -> None:
    made, before = submission(5, 12)
    forged = range_of(0, leaf_hashes_of([b"forged"] * 5))
    with pytest.raises(ProofError, match="line 3"):
        check_submission(made, POSTER.verifier, forged)
    with pytest.raises(ProofError, match="line 5"):
        check_submission(made, POSTER.verifier, range_of(0, leaf_hashes_of(LINES[:4])))
    assert before.end == 5


def test_only_the_key_of_the_name_signs_for_its_source_logs() -> None:
    made, before = submission(0, 3)
    with pytest.raises(ProofError, match="line 1"):
        check_submission(made, OTHER.verifier, before)
    with pytest.raises(FormatError):
        make_submission(OTHER, "crawler.example/7", EMPTY_RANGE, LOG, None, LINES[:1])
    namesake = SigningKey("crawler.example", ED25519, bytes(32))
    with pytest.raises(ProofError, match="not signed"):
        check_submission(made, namesake.verifier, before)


def test_what_was_seen_is_of_the_log_it_goes_to() -> None:
    with pytest.raises(FormatError):
        make_submission(
            POSTER, POSTER.name, EMPTY_RANGE, LOG, Checkpoint("other.example", 1, bytes(32)), LINES[:1]
        )
    empty = Checkpoint(LOG, 0, leaf_hash(b""))
    made, _ = make_submission(POSTER, POSTER.name, EMPTY_RANGE, LOG, empty, LINES[:1])
    assert (made.text.seen_size, made.text.seen_root) == (0, None)


@pytest.mark.parametrize("lines", [[], [b""], [b"a\nb"], [b"x" * (MAX_EVENT_BYTES + 1)]])
def test_lines_that_are_never_submitted(lines: list[bytes]) -> None:
    with pytest.raises(FormatError):
        make_submission(POSTER, POSTER.name, EMPTY_RANGE, LOG, None, lines)


def test_limits_are_told_apart_from_malformed_bytes() -> None:
    made, _ = make_submission(POSTER, POSTER.name, EMPTY_RANGE, LOG, None, [b"x" * MAX_EVENT_BYTES, b"y"])
    raw = format_submission(made)
    assert parse_submission(raw, max_lines=2) == made
    with pytest.raises(TooLargeError, match="at most 1"):
        parse_submission(raw, max_lines=1)
    with pytest.raises(TooLargeError, match="event line 0"):
        parse_submission(raw.replace(b"\nxx", b"\nxxx"))


def test_every_line_is_proved_alone_under_its_posters_signature() -> None:
    made, before = submission(5, 12)
    hashes = leaf_hashes_of(made.lines)
    for position, line in enumerate(made.lines):
        proof = prove_line(made.note, before, hashes, position)
        assert proof.index == 5 + position
        assert verify_line_proof(parse_proof(format_proof(proof)), line, POSTER.verifier) == made.text
        for other in (LINES[0], made.lines[position - 1], line + b" "):
            with pytest.raises(ProofError):
                verify_line_proof(proof, other, POSTER.verifier)


def test_every_flipped_byte_of_a_line_proof_is_caught() -> None:
    made, before = submission(5, 12)
    raw = format_proof(prove_line(made.note, before, leaf_hashes_of(made.lines), 3))
    for false in flips(raw):
        with pytest.raises((FormatError, ProofError)):
            verify_line_proof(parse_proof(false), made.lines[3], POSTER.verifier)


def test_a_line_proof_under_another_key_is_refused() -> None:
    made, before = submission(0, 3)
    proof = prove_line(made.note, before, leaf_hashes_of(made.lines), 0)
    with pytest.raises(ProofError):
        verify_line_proof(proof, made.lines[0], OTHER.verifier)
    with pytest.raises(ProofError):
        verify_line_proof(TlogProof(1, proof.hashes, proof.checkpoint), made.lines[0], POSTER.verifier)
