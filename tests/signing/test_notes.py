"""Notes, checkpoints, cosignatures and offline proofs: what is signed, by whom, and what else is not."""

import pytest

from signing import (
    COSIGNATURE,
    ED25519,
    EMPTY_RANGE,
    Checkpoint,
    FormatError,
    Note,
    NoteSignature,
    ProofError,
    SigningKey,
    TlogProof,
    add_signatures,
    cosign,
    format_checkpoint,
    format_note,
    format_proof,
    format_signature_line,
    grow,
    leaf_hashes_of,
    open_checkpoint,
    parse_note,
    parse_proof,
    parse_signature_line,
    sign_checkpoint,
    sign_note,
    verify_cosignature,
    verify_note,
    verify_proof,
)
from tests.signing.mutating import flips

LOG = SigningKey("ledger.example/c", ED25519, bytes(range(32)))
OTHER = SigningKey("stranger.example", ED25519, bytes(32))
WITNESS = SigningKey("witness.example/w1", COSIGNATURE, bytes(range(1, 33)))
LEAVES = leaf_hashes_of([b"%d" % number for number in range(11)])
TREE = grow(EMPTY_RANGE, LEAVES)
HEAD = Checkpoint(LOG.name, 11, TREE.root)


def test_a_text_may_hold_empty_lines_and_signature_lines() -> None:
    text = "one\n\n— looks.like/a signature\n\ntwo\n"
    note = sign_note(text, LOG)
    assert parse_note(format_note(note)) == note


def test_the_empty_line_alone_is_a_text() -> None:
    note = sign_note("\n", LOG)
    assert parse_note(format_note(note)) == note


def test_a_note_without_a_final_newline_or_a_signature_is_never_written() -> None:
    for note in (sign_note("text", LOG), Note("text\n", ())):
        with pytest.raises(FormatError):
            format_note(note)


def test_unknown_signatures_are_ignored_even_with_a_known_name_or_id() -> None:
    note = sign_note("text\n", LOG)
    same_name = NoteSignature(LOG.name, b"abcd", b"false")
    same_id = NoteSignature("stranger.example", LOG.verifier.key_id, b"false")
    crowded = Note(note.text, (same_name, same_id, *note.signatures))
    assert verify_note(crowded, LOG.verifier) == note.signatures[0]


def test_signatures_are_added_once() -> None:
    note = sign_note("text\n", LOG)
    other = sign_note("text\n", OTHER).signatures[0]
    assert add_signatures(note, other, *note.signatures).signatures == (*note.signatures, other)


def test_cosignature_keys_sign_no_notes() -> None:
    with pytest.raises(FormatError):
        sign_note("text\n", WITNESS)
    with pytest.raises(ProofError):
        verify_note(sign_note("text\n", LOG), WITNESS.verifier)
    with pytest.raises(FormatError):
        cosign("text\n", LOG, 1)
    with pytest.raises(ProofError):
        verify_cosignature("text\n", sign_note("text\n", LOG).signatures[0], LOG.verifier)


def test_every_flipped_byte_of_a_signed_checkpoint_is_caught() -> None:
    raw = format_note(sign_checkpoint(HEAD, LOG))
    for false in flips(raw):
        with pytest.raises((FormatError, ProofError)):
            open_checkpoint(false, LOG.verifier)


def test_a_log_signs_its_own_checkpoints_only() -> None:
    with pytest.raises(FormatError):
        sign_checkpoint(HEAD, OTHER)


def test_a_checkpoint_of_another_origin_under_the_right_key_is_refused() -> None:
    raw = format_note(sign_note(format_checkpoint(Checkpoint("other.example", 11, TREE.root)), LOG))
    with pytest.raises(ProofError, match="not of the log"):
        open_checkpoint(raw, LOG.verifier)


@pytest.mark.parametrize("time_s", [0, -1, 2**63])
def test_a_witness_states_a_time(time_s: int) -> None:
    with pytest.raises(FormatError):
        cosign(format_checkpoint(HEAD), WITNESS, time_s)


@pytest.mark.parametrize("time_s", [0, 2**63])
def test_a_cosignature_without_a_time_of_ours_is_no_clock(time_s: int) -> None:
    text = format_checkpoint(HEAD)
    raw = WITNESS.sign(f"cosignature/v1\ntime {time_s}\n{text}".encode())
    line = NoteSignature(WITNESS.name, WITNESS.verifier.key_id, time_s.to_bytes(8, "big") + raw)
    with pytest.raises(ProofError, match="states no time"):
        verify_cosignature(text, line, WITNESS.verifier)


def test_every_flipped_byte_of_a_cosignature_is_caught() -> None:
    text = format_checkpoint(HEAD)
    line = cosign(text, WITNESS, 1767225600)
    assert verify_cosignature(text, line, WITNESS.verifier) == 1767225600
    for false in flips(line.signature):
        with pytest.raises(ProofError):
            verify_cosignature(text, NoteSignature(line.name, line.key_id, false), WITNESS.verifier)
    for false in flips(text.encode()):
        with pytest.raises(ProofError):
            verify_cosignature(false.decode("latin-1"), line, WITNESS.verifier)


def test_a_cosignature_survives_a_witnesss_answer() -> None:
    line = cosign(format_checkpoint(HEAD), WITNESS, 1767225600)
    assert parse_signature_line(format_signature_line(line).removesuffix("\n")) == line


def test_every_flipped_byte_of_a_proof_is_caught() -> None:
    raw = format_proof(TlogProof(6, TREE.prove(6), sign_checkpoint(HEAD, LOG)))
    assert verify_proof(parse_proof(raw), LEAVES[6], LOG.verifier) == HEAD
    for false in flips(raw):
        with pytest.raises((FormatError, ProofError)):
            verify_proof(parse_proof(false), LEAVES[6], LOG.verifier)


def test_a_proof_is_of_one_leaf() -> None:
    proof = TlogProof(6, TREE.prove(6), sign_checkpoint(HEAD, LOG))
    for leaf in (LEAVES[7], LEAVES[5], bytes(32), b"", LEAVES[6][:31]):
        with pytest.raises(ProofError):
            verify_proof(proof, leaf, LOG.verifier)


def test_empty_extra_data_is_never_written() -> None:
    with pytest.raises(FormatError):
        format_proof(TlogProof(6, TREE.prove(6), sign_checkpoint(HEAD, LOG), b""))
