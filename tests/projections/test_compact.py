"""A compact bundle hides what it omits: it counts with an assessor's signature, and proves the rest."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from signing.checkpoint import sign_checkpoint
from signing.cosignature import cosign
from signing.keys import COSIGNATURE
from signing.note import add_signatures, format_note
from tests.projections.evidence import ASSESSOR, Evidence
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
    log = msgspec.structs.replace(done.statement().log, size=3)
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
