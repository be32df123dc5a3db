import sys
from pathlib import Path

import pytest

from ledger.failure import Failure
from ledger.keyfiles import (
    CommandSigner,
    KeyFolder,
    format_command,
    make_key,
    parse_key_file,
    read_blinding_key,
    read_key,
    write_key,
)
from signing.errors import FormatError
from signing.keys import SigningKey, format_signing_key
from tests.ledger.lab import seeded_key

HSM = """\
import sys
sys.path[:0] = {path!r}
from signing.keys import parse_signing_key
sys.stdout.buffer.write(parse_signing_key({key!r}).sign(sys.stdin.buffer.read()){spoil})
"""


def test_a_key_is_made_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "crawler.key"
    key = make_key(path, "crawler.clearview.example")
    assert read_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Failure, match="exists"):
        make_key(path, "crawler.clearview.example")
    assert read_key(path) == key
    assert [file.name for file in path.parent.iterdir()] == ["crawler.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_looser_mode_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "crawler.key"
    make_key(path, "crawler.clearview.example")
    path.chmod(mode)
    with pytest.raises(Failure, match="others may read") as failure:
        read_key(path)
    assert failure.value.remedy == f"chmod 600 {path}"


@pytest.mark.parametrize("content", ["", "x", "PRIVATE+KEY+a+00000000+AAAA\n", "é\n", "a\nb\nc\nd\n", "\n\n"])
def test_other_files_are_no_keys(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Failure, match="not a key file"):
        read_key(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no key at") as failure:
        read_key(tmp_path / "x.key")
    assert "writ keygen" in failure.value.remedy


@pytest.mark.parametrize("name", ["", "UPPER", "a b", "a//b", "/a", "ü"])
def test_a_name_has_a_grammar(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError):
        make_key(tmp_path / "x.key", name)


def hsm(folder: Path, key: SigningKey, spoil: str = "") -> Path:
    """The key file of a key that a script signs with."""
    script = folder / "hsm.py"
    script.write_text(HSM.format(path=sys.path, key=format_signing_key(key), spoil=spoil))
    path = folder / "hsm.key"
    write_key(path, format_command(key.verifier, (sys.executable, str(script))))
    return path


def test_a_command_signs_for_a_key(tmp_path: Path) -> None:
    key = seeded_key("ledger.example/clearview")
    signer = read_key(hsm(tmp_path, key))
    assert isinstance(signer, CommandSigner)
    assert signer.verifier == key.verifier
    assert signer.sign(b"message") == key.sign(b"message")


def test_a_wrong_signature_of_a_command_never_leaves(tmp_path: Path) -> None:
    signer = read_key(hsm(tmp_path, seeded_key("ledger.example/clearview"), spoil="[::-1]"))
    with pytest.raises(Failure, match="signing command"):
        signer.sign(b"message")


def test_a_command_that_fails_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hsm.key"
    write_key(path, format_command(seeded_key("a.example").verifier, ("/nonexistent",)))
    with pytest.raises(Failure, match=r"/nonexistent failed for a\.example"):
        read_key(path).sign(b"message")


@pytest.mark.parametrize("command", ["[]", "{}", '"x"', "[1]", "x"])
def test_a_command_is_a_list_of_strings(command: str) -> None:
    vkey = format_command(seeded_key("a.example").verifier, ("x",)).split("\n")[0]
    with pytest.raises(FormatError, match="command"):
        parse_key_file(f"{vkey}\ncommand: {command}\n")


def test_the_folder_makes_what_is_missing(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    administrator = folder.administrator()
    assert administrator == folder.administrator()
    assert not folder.has_log("clearview")
    keys = folder.make_log("clearview", "ledger.example/clearview")
    assert folder.has_log("clearview")
    # The log's key comes last: a folder with it is complete, and a crash before it is made good.
    (tmp_path / "keys" / "logs" / "clearview" / "log.key").unlink()
    assert not folder.has_log("clearview")
    again = folder.make_log("clearview", "ledger.example/clearview")
    assert (again.operator, again.gateway) == (keys.operator, keys.gateway)
    names = [signer.verifier.name for signer in (again.log, again.operator, again.gateway)]
    assert names == [f"ledger.example/clearview{end}" for end in ("", "/operator", "/gateway")]


def test_a_blinding_key_is_read_exactly(tmp_path: Path) -> None:
    write_key(tmp_path / "a.blinding", "0f" * 32)
    assert read_blinding_key(tmp_path / "a.blinding") == b"\x0f" * 32
    write_key(tmp_path / "b.blinding", "0F" * 32)
    with pytest.raises(Failure, match="no blinding key"):
        read_blinding_key(tmp_path / "b.blinding")
