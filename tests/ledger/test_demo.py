"""The demonstration: its data, its forgeries, and the whole of it."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ledger.demo import estate, forgeries
from ledger.failure import Failure
from projections.vocabulary import COUNTRIES
from tests.projections.logbuilder import ORIGIN, key_of, write_zip
from tests.projections.verifying import finished, refused


def test_every_country_of_the_estate_has_a_code() -> None:
    assert set(estate.COUNTRY_CODES.values()) <= COUNTRIES
    with zipfile.ZipFile(estate._archive()) as archive:
        spellings = {country for _, country, _ in estate._people(archive)}
    assert spellings - set(estate.COUNTRY_CODES) == {"", "At Sea"}
    assert set(estate.COUNTRY_CODES) <= spellings


def test_the_estate_is_the_databank() -> None:
    with zipfile.ZipFile(estate._archive()) as archive:
        people = list(estate._people(archive))
        rows = [(source, line) for source, line, _, _ in estate._statistics(archive)]
    assert len(people) == 20_093
    assert len(rows) == len(set(rows)) == 563_452


def test_a_flipped_byte_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evidence = finished()
    bundle = write_zip(evidence.files(), tmp_path / "bundle.zip")
    forgeries.flip_byte(bundle, tmp_path / "flipped.zip")
    assert "entry " in refused(tmp_path / "flipped.zip", evidence, capsys)


def test_an_erasure_left_out_is_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evidence = finished()
    bundle = write_zip(evidence.files(), tmp_path / "bundle.zip")
    gone = forgeries.leave_out_erasure(bundle, tmp_path / "left-out.zip", key_of(ORIGIN))
    said = refused(tmp_path / "left-out.zip", evidence, capsys)
    assert f"entry {gone}: 1 of the 1 events" in said


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    from ledger.demo import _empty

    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Failure, match="holds something else"):
        _empty(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    _empty(tmp_path / "new")
    _empty(tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["made-by-writ-demo"]


@pytest.mark.soak
def test_the_demonstration_plays_to_its_end(tmp_path: Path) -> None:
    words = (
        "demo",
        "--json",
        "--folder",
        tmp_path / "demo",
        "--verifier",
        Path(sys.executable).with_name("writ"),
    )
    done = subprocess.run(
        [sys.executable, "-m", "ledger.cli", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    with zipfile.ZipFile(io.BytesIO(Path(told["bundle"]).read_bytes())) as archive:
        assert "statement" in archive.namelist()
