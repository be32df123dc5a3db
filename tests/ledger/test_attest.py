"""An assessor replays a log and signs the statement that it gives, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ledger.cli import main
from ledger.keyfiles import write_key
from projections.statement import Statement, format_statement, parse_statement
from signing.attestation import parse_attestation, statement_hash
from signing.keys import format_signing_key
from signing.note import format_note, parse_note, sign_note, verify_note
from tests.projections.deeds import held
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, ORDER, WITNESS, Evidence
from tests.projections.logbuilder import OPERATOR, key_of, vkey_of, write_zip
from tests.projections.verifying import CARRIED_OUT, finished, refused, verify

Out = pytest.CaptureFixture[str]


@pytest.fixture
def done() -> Evidence:
    """Everything was erased and looked into."""
    return finished()


def mirror(files: dict[str, bytes], folder: Path) -> Path:
    """A static tree on disk, the statement beside it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def key_file(name: str, folder: Path) -> str:
    path = folder / f"{name}.key"
    write_key(path, format_signing_key(key_of(name)))
    return str(path)


def attest(source: Path, folder: Path, *more: str, signer: str = ASSESSOR, authority: str = AUTHORITY) -> int:
    words = ["attest", str(source), "--authority", vkey_of(authority), "--key", key_file(signer, folder)]
    return main([*words, *more])


@pytest.mark.parametrize("further", [0, 3, 300])
def test_an_assessor_signs_what_he_replayed(
    further: int, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    """On a mirror that has grown since the statement: a tile of then is wider now, or full."""
    files = done.files()
    (tmp_path / "s").write_bytes(files["statement"])
    for number in range(further):
        done.log.post(CRAWLER, held(20 + number))
    tree = mirror(done.log.tree(WITNESS), tmp_path / "mirror")
    assert (
        attest(tree, tmp_path, "--statement", str(tmp_path / "s"), "--unchecked", "store:people", "lineage")
        == 0
    )
    assert "they give this statement" in capsys.readouterr().out
    note = parse_note((tmp_path / "s").read_bytes())
    assert note.text == parse_note(files["statement"]).text
    assert [line.name for line in note.signatures] == [OPERATOR, ASSESSOR]
    verify_note(note, key_of(ASSESSOR).verifier)
    left = parse_note((tmp_path / "s.attestation").read_bytes())
    verify_note(left, key_of(ASSESSOR).verifier)
    said = parse_attestation(left.text)
    assert said.unchecked == ("lineage", "store:people")
    assert said.statement == statement_hash(note.text)


def test_what_was_left_unchecked_is_shown(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.compact()
    bundle = write_zip(done.files(), tmp_path / "full.zip")
    assert attest(bundle, tmp_path, "-o", str(tmp_path / "s"), "--unchecked", "identity", "store:people") == 0
    files["statement"] = (tmp_path / "s").read_bytes()
    capsys.readouterr()
    # Dropped from the bundle, it is missed.
    assert verify(write_zip(files, tmp_path / "c.zip"), done) == CARRIED_OUT
    said = capsys.readouterr().out
    assert "what the assessor auditor.example did not check: there is no word of his on it here" in said
    files["attestation/0"] = (tmp_path / "s.attestation").read_bytes()
    assert verify(write_zip(files, tmp_path / "c.zip"), done) == CARRIED_OUT
    said = capsys.readouterr().out
    assert (
        "what the assessor auditor.example did not check: who the data subjects are, the store people" in said
    )
    assert verify(write_zip(files, tmp_path / "c.zip"), done, "--json") == CARRIED_OUT
    assert json.loads(capsys.readouterr().out)["assessors"] == [
        {"name": ASSESSOR, "vkey": vkey_of(ASSESSOR), "unchecked": ["identity", "store:people"]}
    ]


def test_attestations_of_something_else(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.compact(ASSESSOR)
    bundle = write_zip(done.files(), tmp_path / "full.zip")
    assert attest(bundle, tmp_path, "-o", str(tmp_path / "s")) == 0
    mine = parse_note((tmp_path / "s.attestation").read_bytes())
    forged = msgspec.structs.replace(mine.signatures[0], signature=bytes(64))
    other = mine.text.replace(mine.text.split("\n")[2], "A" * 43 + "=")
    for note, why in (
        (msgspec.structs.replace(mine, signatures=(forged,)), "signature of 'auditor.example' does not"),
        (sign_note(other, key_of(ASSESSOR)), "attestation/0: an attestation of another statement"),
        (sign_note(mine.text + "everything\n", key_of(ASSESSOR)), "'everything' is none of backups"),
    ):
        files["attestation/0"] = format_note(note)
        assert why in refused(write_zip(files, tmp_path / "c.zip"), done, capsys)
    files["attestation/0"] = format_note(sign_note(mine.text, key_of("stranger.example")))
    assert verify(write_zip(files, tmp_path / "c.zip"), done) == CARRIED_OUT
    assert "signed by stranger.example, whom the order does not name: no effect" in capsys.readouterr().out


def changed(**changes: object) -> Callable[[Statement], str]:
    return lambda statement: format_statement(msgspec.structs.replace(statement, **changes))


def elsewhere(**changes: object) -> Callable[[Statement], str]:
    return lambda statement: format_statement(
        msgspec.structs.replace(statement, log=msgspec.structs.replace(statement.log, **changes))
    )


def later(statement: Statement) -> str:
    return format_statement(msgspec.structs.replace(statement, counted=statement.counted - 1))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (changed(rules="0" * 64), f"rules says {'0' * 64}, the log gives "),
        (changed(verdict="breached"), "verdict says breached, the log gives carried_out"),
        (later, "counted says "),
        (
            elsewhere(origin="ledger.example/other"),
            "is about the log ledger.example/other, and this",
        ),
        (elsewhere(root="A" * 43 + "="), "never had the root that the statement names at "),
        (elsewhere(size=999_999), "is about 999,999 entries; here are "),
        (lambda one: format_statement(one).replace('"E', '"e', 1), "'e"),
        (lambda one: format_statement(one).replace(',"', ', "', 1), "statement: not canonical at byte"),
    ],
)
def test_what_the_log_does_not_give_is_not_signed(
    change: Callable[[Statement], str], why: str, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    tree = mirror(done.files(), tmp_path / "mirror")
    honest = parse_statement(parse_note(done.files()["statement"]).text)
    bad = format_note(sign_note(change(honest), key_of(OPERATOR)))
    (tmp_path / "s").write_bytes(bad)
    assert attest(tree, tmp_path, "--statement", str(tmp_path / "s")) == 1
    assert why in capsys.readouterr().err
    assert (tmp_path / "s").read_bytes() == bad
    assert not (tmp_path / "s.attestation").exists()
    assert main(["replay", str(tree), "--statement", str(tmp_path / "s")]) == 1
    assert why in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "how", "why"),
    [
        ((), {"signer": "stranger.example"}, "does not name stranger.example"),
        ((), {"authority": "other.example"}, "no order in this log is signed by other.example"),
        (("--unchecked", "everything"), {}, "'everything' is none of backups, blinding"),
        (("--unchecked", "store:nowhere"), {}, "has no such store, but store:people"),
    ],
)
def test_whose_signature_counts_for_nothing_gives_none(
    more: tuple[str, ...], how: dict[str, str], why: str, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    tree = mirror(done.files(), tmp_path / "mirror")
    assert attest(tree, tmp_path, "-o", str(tmp_path / "s"), *more, **how) == 1
    assert why in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_where_the_note_goes_is_said_first(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    tree = mirror(done.files(), tmp_path / "mirror")
    assert attest(tree, tmp_path) == 2
    assert "give -o FILE" in capsys.readouterr().err


def test_a_replay_gives_the_statement_s_bytes(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = done.files()
    tree = mirror(files, tmp_path / "mirror")
    for statement in (tree / "statement", write_zip(files, tmp_path / "b.zip")):
        assert main(["replay", str(tree), "--statement", str(statement)]) == 0
        assert f"the statement on {ORDER} is what this log gives, byte for byte" in capsys.readouterr().out
    # As of the log's end, by itself.
    assert main(["replay", str(tree), "--order", ORDER, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["statement"]
    mine = parse_statement(said["text"])
    (tmp_path / "mine").write_bytes(format_note(sign_note(said["text"], key_of(ASSESSOR))))
    assert main(["replay", str(tree), "--statement", str(tmp_path / "mine"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["statement"]["text"] == said["text"]
    assert mine.as_of <= parse_statement(parse_note(files["statement"]).text).as_of
    assert main(["replay", str(tree), "--order", ORDER]) == 0
    assert capsys.readouterr().out.count(said["text"]) == 1
    assert main(["replay", str(tree), "--order", "ico.example/none"]) == 2
    assert "there is no order ico.example/none in this log" in capsys.readouterr().err
    assert main(["replay", str(tree), "--statement", str(tmp_path / "none")]) == 2
    assert "none: No such file" in capsys.readouterr().err
