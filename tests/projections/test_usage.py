"""Where nothing can be checked, `writ verify` and `writ replay` end with 2, and say what to do."""

import zipfile
from pathlib import Path

import msgspec
import pytest

from ledger.cli import main
from projections.runners.outcome import NOT_SOUND
from projections.runners.usage import USAGE
from tests.projections import evidence
from tests.projections.logbuilder import ORIGIN, vkey_of, write_zip
from tests.projections.verifying import Out

BUNDLES = Path(__file__).parents[1] / "vectors" / "bundle"
AUTHORITY, LOG = vkey_of(evidence.AUTHORITY), vkey_of(ORIGIN)
FULL, COMPACT, RECORD = (str(BUNDLES / kind / "good.zip") for kind in ("full", "compact", "record"))


@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        (("verify", RECORD, "--authority", AUTHORITY), "holds no statement on an order", "give --log"),
        (("verify", FULL, "--log", LOG), "the log and the witnesses that it names", "leave out --log"),
        (("verify", COMPACT, "--log", LOG), "the log and the witnesses that it names", "leave out --log"),
        (("verify", COMPACT, "--resume", "here"), "is checked in one go", "leave out --resume"),
        (("verify", str(BUNDLES)), "Is a directory", "writ replay reads folders"),
        (("verify", "nowhere.zip"), "No such file", "see that it is there"),
        (("replay", COMPACT), "does not hold the log", "ask for the full bundle"),
        (("replay", RECORD), "does not hold the log", "ask for the full bundle"),
        (("replay", str(BUNDLES)), "there is no log here", "name a bundle"),
        (
            ("replay", FULL, "--order", "none"),
            "no order none in this log",
            "its orders: ico.example/en-2026-1",
        ),
        (("replay", FULL, "--statement", RECORD), "statement is missing", "give a statement"),
    ],
)
def test_what_to_do(
    words: tuple[str, ...],
    what: str,
    remedy: str,
    capsys: Out,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*words]) == USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert what in said.err
    assert remedy in said.err
    assert main([*words, "--json"]) == USAGE
    told = msgspec.json.decode(capsys.readouterr().err)
    assert what in told["error"]
    assert remedy in told["remedy"]


def test_a_policy_that_nobody_would_read(capsys: Out, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text(f"log {LOG}\nquorum none\n")
    assert main(["verify", FULL, "--policy", str(policy)]) == USAGE
    assert "leave out --policy" in capsys.readouterr().err


def test_a_bundle_that_was_cut_off(capsys: Out, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(Path(FULL).read_bytes()[:3_000])
    for command in ("verify", "replay"):
        assert main([command, str(cut)]) == NOT_SOUND
        assert "no zip directory at its end" in capsys.readouterr().out


def test_a_statement_that_is_none_is_named(capsys: Out) -> None:
    index = str(BUNDLES / "full" / "index.json")
    assert main(["replay", FULL, "--statement", index]) == NOT_SOUND
    assert f"NOT SOUND: {index}: " in capsys.readouterr().out


def test_a_kind_that_a_member_only_feigns_is_no_matter_of_options(capsys: Out, tmp_path: Path) -> None:
    with zipfile.ZipFile(FULL) as full, zipfile.ZipFile(RECORD) as record:
        whole = {name: full.read(name) for name in full.namelist()}
        single = {name: record.read(name) for name in record.namelist()}
    one = single.pop("record")
    for files, option, why in (
        ({**whole, "record": one}, ("--authority", AUTHORITY), "no part of a record's bundle"),
        (single, ("--log", LOG), "statement is missing"),
    ):
        assert main(["verify", str(write_zip(files, tmp_path / "b.zip")), *option]) == NOT_SOUND
        assert why in capsys.readouterr().out
