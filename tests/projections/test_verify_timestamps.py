"""`writ verify` where an order names time-stamp authorities."""

import json
import sys
from pathlib import Path

import pytest

from ledger.cli import main
from projections import clock
from projections import events as ev
from projections.events import decode_event
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.encoding import encode_base64
from signing.note import format_note
from tests.projections.evidence import WITNESS
from tests.projections.logbuilder import OPERATOR, ORIGIN, write_zip
from tests.projections.stamping import MINUTE_US, obeyed
from tests.projections.verifying import CARRIED_OUT, ONE_WORD, USAGE, Out, refused, verify
from tests.signing.authority import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def test_beside_witnesses(authority: Authority, tmp_path: Path, capsys: Out) -> None:
    done = obeyed(authority)
    code = verify(done.zip(tmp_path), done)
    said = capsys.readouterr().out
    assert code == CARRIED_OUT, said
    assert "time-stamp authorities, or witnesses, named in the order, for the first" in said


def test_alone_they_prove_times_and_not_one_history(
    authority: Authority, tmp_path: Path, capsys: Out
) -> None:
    done = obeyed(authority, witnessed=False)
    code = verify(done.zip(tmp_path, provisional=False), done)
    said = capsys.readouterr().out
    assert code == ONE_WORD, said
    assert "carried out" in said
    assert "nobody saw that the log shows all the same history" in said


def test_without_the_package_it_ends_with_the_remedy(
    authority: Authority, tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = obeyed(authority)
    path = done.zip(tmp_path)
    clock._stamped.cache_clear()
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    assert verify(path, done) == USAGE
    assert "rfc3161_client, which is not installed (pip install 'writ[time]')" in capsys.readouterr().err
    assert verify(path, done, "--json") == USAGE
    assert json.loads(capsys.readouterr().err)["remedy"] == "pip install 'writ[time]'"
    assert main(["replay", str(path)]) == USAGE
    assert "(pip install 'writ[time]')" in capsys.readouterr().err


def test_an_order_that_names_no_authority_takes_no_package(
    authority: Authority, tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = obeyed(authority, roots=False)
    clock._stamped.cache_clear()
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    assert verify(done.zip(tmp_path), done) == CARRIED_OUT
    assert "does not count in this statement" not in capsys.readouterr().out


def test_what_proves_nothing_is_listed(authority: Authority, tmp_path: Path, capsys: Out) -> None:
    done = obeyed(authority, answer=lambda _: b"0\x80garbage")
    assert verify(done.zip(tmp_path), done) == CARRIED_OUT
    said = capsys.readouterr().out
    assert f"entry {done.log.size - 1}: a time-stamp proves nothing: not a time-stamp response" in said


def test_the_checkpoint_of_another_history(authority: Authority, tmp_path: Path, capsys: Out) -> None:
    done = obeyed(authority)
    other = sign_checkpoint(Checkpoint(ORIGIN, 5, bytes(32)), done.log.key(ORIGIN))
    response = authority.stamp(other.text.encode())
    note = encode_base64(format_note(other))
    data = ev.CheckpointTimestamped(controller="clearview", note=note, response=encode_base64(response))
    files = done.files()
    # A sound one before it, in the same submission: every one is looked at.
    at = done.log.post(OPERATOR, decode_event(done.log.rows[-1].body).data, data) + 2
    said = refused(write_zip(files | done.log.tree(WITNESS), tmp_path / "b.zip"), done, capsys)
    assert f"entry {at}: anchors a checkpoint of 5 entries with another root" in said


@pytest.mark.parametrize(("off_us", "words"), [(-5 * MINUTE_US, "set back"), (5 * MINUTE_US, "ran ahead")])
def test_recorded_times_that_a_time_stamp_contradicts(
    off_us: int, words: str, authority: Authority, tmp_path: Path, capsys: Out
) -> None:
    """No witness but the authority sees the operator's clock."""
    done = obeyed(authority, witnessed=False, off_us=off_us)
    said = refused(done.zip(tmp_path, provisional=False), done, capsys)
    assert words in said
