"""The verifier page tells what assessors did not check, and refuses what `writ verify` refuses of it."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from signing.attestation import Attestation, format_attestation, statement_hash
from signing.keys import format_vkey
from signing.note import Note, format_note, parse_note, sign_note
from tests.browser import IN_BROWSER, Browser
from tests.ledger.verifying_in_browser import both
from tests.projections.evidence import ASSESSOR, Evidence, order
from tests.projections.logbuilder import ORIGIN, key_of, vkey_of, write_zip
from tests.projections.verifying import Out, finished, ordered

pytestmark = IN_BROWSER

Files = dict[str, bytes]
SECOND = "second-auditor.example"


@pytest.fixture
def done() -> Evidence:
    """A log whose order was carried out."""
    return finished()


def attested(files: Files, *unchecked: str, signer: str = ASSESSOR) -> bytes:
    """What an assessor says beside the bundle's statement."""
    statement = parse_note(files["statement"]).text
    said = Attestation(ORIGIN, statement_hash(statement), unchecked)
    return format_note(sign_note(format_attestation(said), key_of(signer)))


@pytest.mark.parametrize("compact", [False, True])
async def test_what_was_not_checked(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out, compact: bool
) -> None:
    files = done.compact(ASSESSOR) if compact else done.files(ASSESSOR)
    path = tmp_path / "b.zip"
    page, _ = await both(browser, write_zip(files, path), done, capsys)
    assert "what the assessor auditor.example did not check: there is no word of his on it here" in page
    files["attestation/0"] = attested(files, "identity", "store:people")
    page, _ = await both(browser, write_zip(files, path), done, capsys)
    assert "did not check: who the data subjects are, the store people" in page
    files["attestation/1"] = attested(files, "backups")
    page, _ = await both(browser, write_zip(files, path), done, capsys)
    assert "did not check: backups, who the data subjects are, the store people" in page
    del files["attestation/1"]
    files["attestation/0"] = attested(files)
    page, _ = await both(browser, write_zip(files, path), done, capsys)
    assert "who names nothing that he left out" in page


async def test_an_attestation_of_a_stranger(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    files = done.files(ASSESSOR)
    files["attestation/0"] = attested(files, "lineage", signer="stranger.example")
    page, _ = await both(browser, write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert "attestation/0 is signed by stranger.example, whom the order does not name: no effect" in page
    assert "there is no word of his on it here" in page


def changed(files: Files, old: str, new: str) -> bytes:
    """Another text, signed all the same."""
    text = parse_note(attested(files, "lineage")).text
    assert old in text
    return format_note(sign_note(text.replace(old, new), key_of(ASSESSOR)))


def of_another_statement(files: Files) -> bytes:
    text = parse_note(attested(files, "lineage")).text
    return changed(files, text.split("\n")[2], "A" * 43 + "=")


def with_a_forged_signature(files: Files) -> bytes:
    note = parse_note(attested(files, "lineage"))
    return format_note(Note(note.text, (msgspec.structs.replace(note.signatures[0], signature=bytes(64)),)))


def with_two_signatures(files: Files) -> bytes:
    text = parse_note(attested(files, "lineage")).text
    return format_note(sign_note(text, key_of(ASSESSOR), key_of("stranger.example")))


ODD: list[Callable[[Files], bytes]] = [
    of_another_statement,
    with_a_forged_signature,
    with_two_signatures,
    lambda files: changed(files, "lineage\n", "everything\n"),
    lambda files: changed(files, "lineage\n", "lineage\nidentity\n"),
    lambda files: changed(files, "lineage\n", "lineage\nlineage\n"),
    lambda files: changed(files, "lineage\n", "store:\n"),
    lambda files: changed(files, "lineage\n", "\n"),
    lambda files: changed(files, "lineage\n", "toString\n"),
    lambda files: changed(files, "attestation/v1", "attestation/v2"),
    lambda files: changed(files, f"{ORIGIN}\n", "no log\n"),
    lambda files: b"nothing",
]


@pytest.mark.parametrize("make", ODD)
async def test_a_false_attestation(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out, make: Callable[[Files], bytes]
) -> None:
    for files in (done.files(ASSESSOR), done.compact(ASSESSOR)):
        files["attestation/0"] = make(files)
        page, failure = await both(browser, write_zip(files, tmp_path / "b.zip"), done, capsys)
        assert page.startswith("Not sound")
        assert failure.startswith("attestation/0: ")
        assert "of no expected form" not in page


async def test_a_quorum_of_assessors(browser: Browser, tmp_path: Path, capsys: Out) -> None:
    """The order asks for two: one is too few for a compact bundle, and for the verdict of a full one."""
    named = tuple(sorted((vkey_of(ASSESSOR), vkey_of(SECOND))))
    trust = msgspec.structs.replace(order().trust, assessors=named, assessors_needed=2)
    done = Evidence(ordered(trust=msgspec.to_builtins(trust)))
    page, _ = await both(browser, write_zip(done.compact(ASSESSOR), tmp_path / "c.zip"), done, capsys)
    assert "1 of the 2 assessors that the order names signed; 2 are needed" in page
    files = done.compact(ASSESSOR, SECOND)
    files["attestation/0"] = attested(files, "lineage", signer=SECOND)
    page, _ = await both(browser, write_zip(files, tmp_path / "c.zip"), done, capsys)
    assert page.startswith("Sound")
    assert f"what the assessor {SECOND} did not check: what was derived from what" in page
    assert f"what the assessor {ASSESSOR} did not check: there is no word of his on it here" in page
    assert "2 of the 2 assessors that the order names signed; 2 are needed" in page
    page, _ = await both(browser, done.zip(tmp_path, ASSESSOR), done, capsys)
    assert "signed by 1 of the 2 assessors whom the order asks for" in page


async def test_two_keys_of_one_assessor_are_one(browser: Browser, tmp_path: Path, capsys: Out) -> None:
    """He signs under both, and attests under one of them."""
    other = msgspec.structs.replace(key_of(ASSESSOR), seed=bytes(32))
    named = tuple(sorted((vkey_of(ASSESSOR), format_vkey(other.verifier))))
    trust = msgspec.structs.replace(order().trust, assessors=named)
    done = Evidence(ordered(trust=msgspec.to_builtins(trust)))
    files = done.compact(ASSESSOR)
    note = parse_note(files["statement"])
    again = sign_note(note.text, other).signatures
    files["statement"] = format_note(Note(note.text, note.signatures + again))
    files["attestation/0"] = attested(files, "lineage")
    page, _ = await both(browser, write_zip(files, tmp_path / "c.zip"), done, capsys)
    assert page.count("did not check: what was derived from what") == 1
    forged = tuple(msgspec.structs.replace(one, signature=bytes(64)) for one in again)
    files["statement"] = format_note(Note(note.text, note.signatures + forged))
    page, _ = await both(browser, write_zip(files, tmp_path / "c.zip"), done, capsys)
    assert page.startswith("Not sound")
