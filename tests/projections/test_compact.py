"""A compact bundle hides what it omits: it counts with an assessor's signature, and proves the rest."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from projections import events as ev
from projections.order import order_hash
from projections.statement import Log, Statement, format_statement
from signing.checkpoint import sign_checkpoint
from signing.cosignature import cosign
from signing.encoding import encode_base64
from signing.entry import format_entry, parse_entry
from signing.keys import COSIGNATURE, ED25519, SigningKey, format_vkey
from signing.note import add_signatures, format_note, parse_note, sign_note
from signing.tlog_proof import format_proof, parse_proof
from tests.projections.deeds import collected, erased, looked
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, WITNESS, Evidence, issued, order
from tests.projections.logbuilder import ORIGIN, LogBuilder, key_of, vkey_of, write_zip
from tests.projections.verifying import (
    CARRIED_OUT,
    ONE_WORD,
    Out,
    finished,
    ordered,
    refused,
    verify,
)


@pytest.fixture
def log() -> LogBuilder:
    """Ten copies held, an order to erase them; nothing done yet."""
    return ordered()


@pytest.fixture
def done() -> Evidence:
    """The same, and everything was erased and looked into."""
    return finished()


def test_a_compact_bundle_needs_an_assessor(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    said = refused(write_zip(done.compact(), tmp_path / "c.zip"), done, capsys)
    assert "no assessor whom the order names has signed the statement" in said
    code = verify(write_zip(done.compact(ASSESSOR), tmp_path / "c.zip"), done)
    said = capsys.readouterr().out
    assert code == CARRIED_OUT, said
    assert "the assessor auditor.example, named in the order" in said
    assert "that nothing was left out of this bundle" in said


SECOND = "second.example"


def demanding(needed: int, *vkeys: str) -> Evidence:
    """A finished case whose order asks for so many of these assessors."""
    trust = msgspec.structs.replace(order().trust, assessors=tuple(sorted(vkeys)), assessors_needed=needed)
    log = ordered(trust=trust)
    log.post(CRAWLER, erased(*range(10)))
    looked(log, CRAWLER)
    looked(log, ASSESSOR)
    log.anchor(WITNESS)
    return Evidence(log)


def test_the_order_says_how_many_assessors_it_takes(tmp_path: Path, capsys: Out) -> None:
    done = demanding(2, vkey_of(ASSESSOR), vkey_of(SECOND), vkey_of("third.example"))
    for signers in ((ASSESSOR,), (ASSESSOR, ASSESSOR), (ASSESSOR, "stranger.example")):
        said = refused(write_zip(done.compact(*signers), tmp_path / "c.zip"), done, capsys)
        assert "1 of the 3 assessors that the order names signed; 2 are needed" in said
    assert verify(write_zip(done.compact(SECOND, ASSESSOR), tmp_path / "c.zip"), done) == CARRIED_OUT
    said = capsys.readouterr().out
    assert "  the order is signed by that authority\n" in said
    assert "the assessor auditor.example, named in the order, who signed the statement" in said
    assert "the assessor second.example, named in the order, who signed the statement" in said
    # A full bundle needs none of them.
    assert verify(done.zip(tmp_path, ASSESSOR), done) == CARRIED_OUT


def test_two_keys_of_one_assessor_are_one(tmp_path: Path, capsys: Out) -> None:
    newer = SigningKey(ASSESSOR, ED25519, b"n" * 32)
    done = demanding(2, vkey_of(ASSESSOR), format_vkey(newer.verifier), vkey_of(SECOND))
    files = done.compact(ASSESSOR)
    note = parse_note(files["statement"])
    files["statement"] = format_note(add_signatures(note, *sign_note(note.text, newer).signatures))
    said = refused(write_zip(files, tmp_path / "c.zip"), done, capsys)
    assert "1 of the 2 assessors that the order names signed; 2 are needed" in said


def test_a_false_signature_in_an_assessor_s_name(tmp_path: Path, capsys: Out) -> None:
    done = demanding(2, vkey_of(ASSESSOR), vkey_of(SECOND))
    files = done.compact(ASSESSOR, SECOND)
    note = parse_note(files["statement"])
    forged = msgspec.structs.replace(note.signatures[2], signature=bytes(64))
    files["statement"] = format_note(msgspec.structs.replace(note, signatures=(*note.signatures[:2], forged)))
    said = refused(write_zip(files, tmp_path / "c.zip"), done, capsys)
    assert "signature of 'second.example' does not verify" in said


def test_a_compact_bundle_of_an_authority_with_two_orders(
    done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    """The statement says which of them it is about, whatever the versions."""
    done.log.post(AUTHORITY, issued(order(id=f"{AUTHORITY}/en-2026-2", version=2)))
    done.log.anchor(WITNESS)
    code = verify(write_zip(done.compact(ASSESSOR), tmp_path / "c.zip"), done)
    assert code == CARRIED_OUT, capsys.readouterr().out


def test_a_compact_statement_under_other_rules_is_told(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    path = write_zip(done.compact(ASSESSOR, rules="0" * 64), tmp_path / "c.zip")
    assert verify(path, done) == CARRIED_OUT
    assert "judged under other rules than this program's" in capsys.readouterr().out


def test_a_compact_bundle_s_age_counts(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    path = write_zip(done.compact(ASSESSOR), tmp_path / "c.zip")
    assert "the order accepts 7 days" in refused(path, done, capsys, late_s=8 * 86_400)


def test_a_compact_bundle_without_witnesses(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.compact(ASSESSOR)
    files["checkpoint"] = done.log.checkpoint_note(None)
    code = verify(write_zip(files, tmp_path / "c.zip"), done)
    assert code == ONE_WORD
    assert "lacks the cosignatures" in capsys.readouterr().out


def test_a_compact_bundle_under_another_authority(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    path = write_zip(done.compact(ASSESSOR), tmp_path / "c.zip")
    said = refused(path, done, capsys, authority=vkey_of("other.example"))
    assert "no order in this bundle is signed by other.example" in said


def other_event(files: dict[str, bytes], index: int) -> None:
    files[f"proof/{index}/event"] = files[f"proof/{index}/event"].replace(b'"GB"', b'"FR"')


def other_place(files: dict[str, bytes], index: int) -> None:
    for path in [one for one in files if one.startswith(f"proof/{index}/")]:
        files[path.replace(str(index), "7", 1)] = files.pop(path)


def other_submission(files: dict[str, bytes], index: int) -> None:
    files[f"proof/{index}/submission"] = files[f"proof/{index}/submission"].replace(
        b"submission", b"event", 1
    )


def other_proof(files: dict[str, bytes], index: int) -> None:
    files[f"proof/{index}/source.tlog-proof"] = files[f"proof/{index}/event.tlog-proof"]


@pytest.mark.parametrize("change", [other_event, other_place, other_submission, other_proof])
def test_a_compact_bundle_that_proves_something_else(
    done: Evidence, tmp_path: Path, capsys: Out, change: Callable[[dict[str, bytes], int], None]
) -> None:
    files = done.compact(ASSESSOR)
    index = int(next(one for one in files if one.startswith("proof/")).split("/")[1])
    change(files, index)
    refused(write_zip(files, tmp_path / "c.zip"), done, capsys)


def later(raw: bytes) -> bytes:
    """The same entry, recorded a little later."""
    entry = parse_entry(raw)
    return format_entry(msgspec.structs.replace(entry, time_us=entry.time_us + 1))


@pytest.mark.parametrize("name", ["event", "submission"])
def test_an_entry_that_is_not_the_log_s(name: str, done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.compact(ASSESSOR)
    path = next(one for one in files if one.endswith(f"/{name}"))
    files[path] = later(files[path])
    assert "is not in the tree" in refused(write_zip(files, tmp_path / "c.zip"), done, capsys)


def test_a_proof_under_another_checkpoint(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.compact(ASSESSOR)
    index = next(at for at, row in enumerate(done.log.rows) if b"writ.order.issued" in row.body)
    older = Evidence(as_it_was(done.log, index + 1)).proofs(index)
    files[f"proof/{index}/event.tlog-proof"] = older[f"proof/{index}/event.tlog-proof"]
    said = refused(write_zip(files, tmp_path / "c.zip"), done, capsys)
    assert "event.tlog-proof: not a proof of this entry under this checkpoint" in said


def as_it_was(log: LogBuilder, size: int) -> LogBuilder:
    """The log as it was at a size."""
    return replace(log, rows=log.rows[:size])


def test_a_source_proof_under_another_signature(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.compact(ASSESSOR)
    path = next(one for one in files if one.endswith("source.tlog-proof"))
    proof = parse_proof(files[path])
    note = sign_note(proof.checkpoint.text, key_of("stranger.example"))
    files[path] = format_proof(msgspec.structs.replace(proof, checkpoint=note))
    assert "not a proof under this submission" in refused(write_zip(files, tmp_path / "c.zip"), done, capsys)


def regrafted(done: Evidence, honest: Statement, *indexes: int) -> dict[str, bytes]:
    """A compact bundle of a log that an audit would refuse, with a statement that an assessor signed."""
    checkpoint = done.log.checkpoint()
    log = Log(checkpoint.origin, encode_base64(checkpoint.root), checkpoint.size)
    text = format_statement(msgspec.structs.replace(honest, log=log))
    files = {
        "statement": format_note(sign_note(text, key_of(ASSESSOR))),
        "checkpoint": done.log.checkpoint_note(None, WITNESS),
    }
    for index in indexes:
        files |= done.proofs(index)
    return files


def test_a_submission_to_another_log(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    honest = done.statement()
    index = next(at for at, row in enumerate(done.log.rows) if b"writ.order.issued" in row.body)
    event = ev.encode_event(done.log.event(collected(77), CRAWLER))
    replayed = done.log.post_lines(CRAWLER, [event], log="ledger.example/other") + 1
    files = regrafted(done, honest, index, replayed)
    assert "or it is for another log" in refused(write_zip(files, tmp_path / "c.zip"), done, capsys)


def test_an_order_that_its_authority_did_not_sign_so(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """The operator, and an assessor on his side, make an order of France out of one of Great Britain."""
    honest = done.statement()
    index = next(at for at, row in enumerate(done.log.rows) if b"writ.order.issued" in row.body)
    done.log.change(index, b'"residency":["GB"]', b'"residency":["FR"]')
    altered = ev.decode_event(done.log.rows[index].body).data.order
    reference = msgspec.structs.replace(honest.order, hash=encode_base64(order_hash(altered)))
    files = regrafted(done, msgspec.structs.replace(honest, order=reference), index)
    assert "is not in the tree" in refused(write_zip(files, tmp_path / "c.zip"), done, capsys)


def test_events_reordered(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """Two events of one submission stand in the log the other way round than their poster signed."""
    honest = done.statement()
    order_at = next(at for at, row in enumerate(done.log.rows) if b"writ.order.issued" in row.body)
    held_at = next(at for at, row in enumerate(done.log.rows) if b"writ.data.held" in row.body)
    signed = done.proofs(held_at)[f"proof/{held_at}/source.tlog-proof"]
    done.log.move(held_at, held_at - 1)
    files = regrafted(done, honest, order_at, held_at - 1)
    files[f"proof/{held_at - 1}/source.tlog-proof"] = signed
    said = refused(write_zip(files, tmp_path / "c.zip"), done, capsys)
    assert "the event does not stand where its submission has it" in said


def test_an_order_under_a_forged_signature(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    honest = done.statement()
    index = next(at for at, row in enumerate(done.log.rows) if b"writ.order.issued" in row.body)
    note = parse_note(done.log.rows[index - 1].body)
    forged = msgspec.structs.replace(note.signatures[0], signature=bytes(64))
    body = format_note(msgspec.structs.replace(note, signatures=(forged,)))
    done.log.rows[index - 1] = replace(done.log.rows[index - 1], body=body)
    files = regrafted(done, honest, index)
    assert "ico.example" in refused(write_zip(files, tmp_path / "c.zip"), done, capsys)


def test_a_compact_statement_about_another_order_or_other_words(
    done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    said = done.statement().order
    for changed, why in (
        (msgspec.structs.replace(said, version=2), "version 2; the order in force is"),
        (msgspec.structs.replace(said, id="ico.example/other"), "is about ico.example/other version 1"),
        (msgspec.structs.replace(said, hash="A" * 43 + "="), "its hash differs"),
    ):
        files = done.compact(ASSESSOR, order=changed)
        assert why in refused(write_zip(files, tmp_path / "c.zip"), done, capsys)


def test_a_compact_statement_about_another_log(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    log = msgspec.structs.replace(done.statement().log, size=done.log.size + 1)
    files = done.compact(ASSESSOR, log=log)
    said = refused(write_zip(files, tmp_path / "c.zip"), done, capsys)
    assert "not about the log of this checkpoint" in said


def test_a_compact_bundle_can_t_be_asked_for_more(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(done.log.rows[0].body)
    path = write_zip(done.compact(ASSESSOR), tmp_path / "c.zip")
    assert "a compact bundle can't show" in refused(path, done, capsys, "--with", str(mine))


def test_cosignatures_of_strangers_count_for_nothing(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.compact(ASSESSOR)
    note = sign_checkpoint(done.log.checkpoint(), key_of(ORIGIN))
    stranger = cosign(note.text, key_of("stranger.example/w", COSIGNATURE), done.as_of)
    files["checkpoint"] = format_note(add_signatures(note, stranger))
    code = verify(write_zip(files, tmp_path / "c.zip"), done)
    assert code == ONE_WORD
