"""`writ verify` says what was checked, against which keys, on whose word — and exactly what is wrong."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ledger.cli import main
from projections import events as ev
from projections.statement import Statement
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.encoding import encode_base64
from signing.keys import COSIGNATURE, ED25519, SigningKey
from signing.note import Note, format_note, parse_note
from signing.submission import format_submission, make_submission
from signing.tlog_proof import TlogProof, format_proof
from tests.projections.deeds import collected
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, WITNESS, Evidence, issued, order
from tests.projections.logbuilder import ADMIN, OPERATOR, ORIGIN, LogBuilder, key_of, vkey_of, write_zip
from tests.projections.verifying import (
    CARRIED_OUT,
    NOT_CARRIED_OUT,
    NOT_SOUND,
    ONE_WORD,
    USAGE,
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


def test_carried_out(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    code = verify(done.zip(tmp_path), done)
    said = capsys.readouterr().out
    assert code == CARRIED_OUT, said
    assert "carried out on the word of an assessor" in said
    assert "witnesses named in the order (witness.example/w1)" in said
    assert f"authority {vkey_of(AUTHORITY)}, given by you" in said
    assert "replaying the log gives this statement, byte for byte" in said
    assert "Not proven" in said


def test_json(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    verify(done.zip(tmp_path), done, "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["sound"], said["exit_code"], said["verdict"], said["kind"]) == (
        True,
        0,
        "carried_out",
        "full",
    )
    assert said["statement"]["obligations"][0]["counts"]["erased_in_time"] == 10


def test_outstanding(log: LogBuilder, tmp_path: Path, capsys: Out) -> None:
    evidence = Evidence(log)
    code = verify(evidence.zip(tmp_path), evidence)
    assert code == NOT_CARRIED_OUT, capsys.readouterr().out
    assert "outstanding" in capsys.readouterr().out


def test_no_authority_is_one_word(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    code = verify(done.zip(tmp_path), done, authority=None)
    assert code == ONE_WORD
    assert "no --authority was given" in capsys.readouterr().out


def test_no_quorum_is_one_word(log: LogBuilder, tmp_path: Path, capsys: Out) -> None:
    trust = msgspec.structs.replace(order().trust, witnesses=())
    log.post(AUTHORITY, issued(msgspec.structs.replace(order(), trust=trust, version=2)))
    evidence = Evidence(log, witnesses=())
    code = verify(evidence.zip(tmp_path), evidence)
    assert code == ONE_WORD
    assert "the order asks for no witnesses" in capsys.readouterr().out


def test_an_order_under_the_operator_s_own_authority(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    said = refused(done.zip(tmp_path), done, capsys, authority=vkey_of("other.example"))
    assert "no order in this log is signed by other.example" in said
    assert f"1 signed by other keys: {AUTHORITY}/en-2026-1" in said


def test_a_second_order_by_another_key_is_listed(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    done.log.register("false-ico.example", "authority")
    false = order(id="false-ico.example/en-1")
    done.log.post("false-ico.example", issued(false))
    done.log.anchor(WITNESS)
    code = verify(done.zip(tmp_path), done)
    assert code == CARRIED_OUT
    assert "an order false-ico.example/en-1 by another key" in capsys.readouterr().out
    swapped = replace(done, order_id="false-ico.example/en-1", signer="false-ico.example")
    said = refused(swapped.zip(tmp_path), done, capsys)
    assert "the statement is about the order false-ico.example/en-1" in said


def test_a_checkpoint_of_another_log(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.files()
    impostor = SigningKey(ORIGIN, ED25519, bytes(32))
    checkpoint = Checkpoint(ORIGIN, done.log.size, done.log.checkpoint().root)
    files["checkpoint"] = format_note(sign_checkpoint(checkpoint, impostor))
    said = refused(write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert "is not signed by 'ledger.example/clearview'" in said


def test_a_statement_with_other_counts(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    statement: Statement = done.statement()
    one = statement.obligations[0]
    counts = {**one.counts, "in_scope": 9, "erased_in_time": 9}
    changed = (msgspec.structs.replace(one, counts=counts),)
    said = refused(done.zip(tmp_path, obligations=changed), done, capsys)
    assert "obligations[0].counts.in_scope says 9, the log gives 10" in said


def test_a_statement_under_other_rules(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    said = refused(done.zip(tmp_path, rules="0" * 64), done, capsys)
    assert "rules says 000" in said
    assert "made under other rules than this program's" in said


def test_an_old_statement(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    said = refused(done.zip(tmp_path), done, capsys, late_s=8 * 86_400)
    assert "8 days ago; the order accepts 7 days" in said


def test_an_old_statement_over_what_witnesses_saw_just_now(
    done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    files = done.files()
    files["checkpoint"] = done.log.checkpoint_note(None, WITNESS, time_s=done.as_of + 8 * 86_400)
    said = refused(write_zip(files, tmp_path / "b.zip"), done, capsys, late_s=8 * 86_400)
    assert "the statement is as of" in said
    assert "8 days ago; the order accepts 7 days" in said


def test_a_statement_that_looks_away_from_a_reappearance(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """As of today, but over a log that ends before the data came back."""
    seen_s = done.as_of
    done.log.now_us += 9 * 86_400 * 1_000_000
    files = done.files()
    files["checkpoint"] = done.log.checkpoint_note(None, WITNESS, time_s=seen_s)
    said = refused(write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert "the witnesses last saw this log" in said


def test_an_authority_s_other_orders_are_told(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    other = done.log.post(AUTHORITY, issued(order(id=f"{AUTHORITY}/en-2026-2"))) + 1
    done.log.anchor(WITNESS)
    assert verify(done.zip(tmp_path), done) == CARRIED_OUT
    said = f"entry {other}: {AUTHORITY}/en-2026-2 version 1 is another order by this key"
    assert said in capsys.readouterr().out


def test_corrections_are_told(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """An assessor who takes back what he found changes no count; whoever reads the verdict must know."""
    correction = ev.EventCorrected(controller="clearview", corrects=9, reason="wrong_value")
    index = done.log.post(ASSESSOR, correction) + 1
    done.log.anchor(WITNESS)
    assert verify(done.zip(tmp_path), done) == CARRIED_OUT
    said = f"entry {index}: {ASSESSOR} says that entry 9 is wrong (wrong_value); it counts all the same"
    assert said in capsys.readouterr().out


def test_nothing_vouches_for_the_page_in_the_bundle(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = {**done.files(), "report.html": b"all is well"}
    verify(write_zip(files, tmp_path / "b.zip"), done)
    assert "what report.html in the bundle says" in capsys.readouterr().out


def test_a_statement_of_tomorrow(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    assert "yet to come" in refused(done.zip(tmp_path), done, capsys, late_s=-3_600)


def test_the_clock_set_back_before_an_anchor(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """Erasures recorded months before witnesses had seen what stands before them."""
    note = done.log.checkpoint_note(None, WITNESS, time_s=done.log.now_us // 1_000_000 + 86_400)
    done.log.post(
        f"{ORIGIN}/operator", ev.CheckpointAnchored(controller="clearview", note=encode_base64(note))
    )
    done.log.now_us += 2 * 86_400 * 1_000_000
    said = refused(done.zip(tmp_path), done, capsys)
    assert "the clock was set back (by 863" in said


@pytest.mark.parametrize("name", [ASSESSOR, OPERATOR])
def test_a_false_signature_on_the_statement(name: str, done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.files(ASSESSOR)
    note = parse_note(files["statement"])
    lines = [
        msgspec.structs.replace(one, signature=bytes(64)) if one.name == name else one
        for one in note.signatures
    ]
    files["statement"] = format_note(Note(note.text, tuple(lines)))
    said = refused(write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert name in said


def test_a_flipped_byte(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.files()
    path = next(one for one in files if one.startswith("tile/entries"))
    raw = bytearray(files[path])
    raw[raw.index(b"writ.data.deleted")] ^= 1
    files[path] = bytes(raw)
    said = refused(write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert "names another entry before it than entry" in said


def test_a_zip_damaged_on_disk(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    path = done.zip(tmp_path)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 0xFF
    path.write_bytes(raw)
    refused(path, done, capsys)
    path.write_bytes(raw[: len(raw) // 2])
    assert "not a bundle" in refused(path, done, capsys)


def test_a_deletion_left_out(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """Chained and signed anew, under the statement of the whole log."""
    index = next(at for at, row in enumerate(done.log.rows) if b"writ.data.deleted" in row.body)
    statement = done.files()["statement"]
    del done.log.rows[index]
    files = {**done.log.tree(WITNESS), "statement": statement}
    said = refused(write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert f"1 of the 1 events that the submission at entry {index - 1} announces are missing" in said


# --- What the reader holds.


def test_what_the_reader_holds_is_there(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    index = next(at for at, row in enumerate(done.log.rows) if b"writ.data.deleted" in row.body)
    note = tmp_path / "mine.note"
    note.write_bytes(done.log.rows[index - 1].body)
    whole = tmp_path / "mine.submission"
    whole.write_bytes(done.log.rows[index - 1].body + b"\n" + done.log.rows[index].body + b"\n")
    receipt = tmp_path / "mine.receipt"
    receipt.write_bytes(done.proofs(index)[f"proof/{index}/submission.tlog-proof"])
    code = verify(done.zip(tmp_path), done, "--with", str(note), str(whole), "--with", str(receipt))
    said = capsys.readouterr().out
    assert code == CARRIED_OUT, said
    assert f"mine.note: stands in the log as entry {index - 1}" in said
    assert f"mine.receipt: entry {index - 1} is in the log as the receipt promises" in said


def test_a_dropped_tail_is_caught_by_who_posted_it(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    line = ev.encode_event(done.log.event(collected(11), CRAWLER))
    submission, _ = make_submission(key_of(CRAWLER), CRAWLER, done.log.sources[CRAWLER], ORIGIN, None, [line])
    mine = tmp_path / "mine"
    mine.write_bytes(format_submission(submission))
    said = refused(done.zip(tmp_path), done, capsys, "--with", str(mine))
    assert f"this submission to the source log {CRAWLER}" in said
    assert "it was left out" in said


def receipt_of(log: LogBuilder, root: bytes | None = None, index: int | None = None) -> bytes:
    checkpoint = log.checkpoint()
    if root is not None:
        checkpoint = Checkpoint(ORIGIN, checkpoint.size, root)
    note = sign_checkpoint(checkpoint, key_of(ORIGIN))
    return format_proof(TlogProof(log.size if index is None else index, (), note))


@pytest.mark.parametrize(
    ("receipt", "said"),
    [
        (lambda log: receipt_of(log), "this log ends after"),
        (lambda log: receipt_of(log, index=3), "is not what the receipt promises"),
    ],
)
def test_a_receipt_that_is_not_kept(
    done: Evidence, tmp_path: Path, capsys: Out, receipt: Callable[[LogBuilder], bytes], said: str
) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(receipt(done.log))
    assert said in refused(done.zip(tmp_path), done, capsys, "--with", str(mine))


def test_a_receipt_of_another_history(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """A rolled-back log: the receipt's checkpoint was of another tree of the same size."""
    index = done.log.size - 2
    mine = tmp_path / "mine"
    mine.write_bytes(done.proofs(index + 1)[f"proof/{index + 1}/submission.tlog-proof"])
    done.log.rows[index + 1] = replace(done.log.rows[index + 1], time_us=done.log.rows[index + 1].time_us + 1)
    said = refused(done.zip(tmp_path), done, capsys, "--with", str(mine))
    assert "which this log never had: two histories were shown" in said


def test_a_receipt_from_beyond_the_end(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """The log once held more than it is shown with, though not what the receipt is for."""
    longer = deepcopy(done.log)
    longer.post(CRAWLER, collected(1))
    mine = tmp_path / "mine"
    mine.write_bytes(Evidence(longer).proofs(5)["proof/5/submission.tlog-proof"])
    said = refused(done.zip(tmp_path), done, capsys, "--with", str(mine))
    assert f"this log ends after {done.log.size}" in said


# --- Usage.


@pytest.mark.parametrize(
    "arguments",
    [
        ["--authority", "nonsense"],
        ["--authority", vkey_of(WITNESS, COSIGNATURE)],
        ["--now", "yesterday"],
        ["--with", "/nonexistent"],
        ["--with", __file__],
    ],
)
def test_usage(done: Evidence, tmp_path: Path, capsys: Out, arguments: list[str]) -> None:
    assert main(["verify", str(done.zip(tmp_path)), *arguments]) == USAGE
    assert "writ verify: " in capsys.readouterr().err


def test_no_such_file(tmp_path: Path, capsys: Out) -> None:
    assert main(["verify", str(tmp_path / "none.zip")]) == USAGE
    assert "No such file" in capsys.readouterr().err


# --- Replay.


def test_replay_prints_state_and_verdicts(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    path = str(done.zip(tmp_path))
    assert main(["replay", path]) == 0
    said = capsys.readouterr().out
    assert f"{done.log.size} entries" in said
    assert "carried out" in said
    assert main(["replay", path, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["orders"][0]["verdict"] == "carried_out"
    assert {one["name"] for one in value["states"]} == {"docket", "holdings"}


def test_replay_says_what_is_wrong(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    done.log.post(ADMIN, done.log.created())
    assert main(["replay", str(write_zip(done.log.tree(), tmp_path / "l.zip"))]) == NOT_SOUND
    assert "was created by entry 1" in capsys.readouterr().out
    assert main(["replay", str(tmp_path / "none.zip")]) == USAGE
