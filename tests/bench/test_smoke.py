"""The bench runs, whole and short. How fast anything is, no test says: that is for a machine at rest."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.__main__ import NAMES

ROOT = Path(__file__).parents[2]


def bench(output: Path, *arguments: str) -> Any:
    """Run `python -m tests.bench` as make does, and read what it writes."""
    command = [sys.executable, "-m", "tests.bench", "--output", str(output), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(output.read_text())


def test_a_short_run_measures_everything(tmp_path: Path) -> None:
    written = bench(tmp_path / "bench.json", "--quick", "--folder", str(tmp_path))

    assert written["quick"]
    assert (
        written["machine"]["postgres"]["fsync"]
        == written["machine"]["postgres"]["synchronous_commit"]
        == "on"
    )
    figures = {figure["name"]: figure for figure in written["figures"]}
    assert len(figures) == len(written["figures"]) >= len(NAMES)
    assert all(min(figure["samples"]) > 0 and figure["value"] > 0 for figure in figures.values())
    assert sum(figure["target"] is not None for figure in figures.values()) == 21
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"], "nothing is left behind"


def test_one_kind_can_be_measured_alone(tmp_path: Path) -> None:
    written = bench(tmp_path / "bench.json", "--quick", "--folder", str(tmp_path), "--only", "replay")

    assert len(written["figures"]) == 5
    assert written["machine"]["postgres"] == {}, "no service was needed"


def test_the_fold_is_taken_apart() -> None:
    command = [sys.executable, "-m", "tests.bench.profiling", "300"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len([line for line in done.stdout.splitlines() if "%" in line]) == 8


def test_where_verifying_spends_its_time_can_be_seen() -> None:
    command = [sys.executable, "-m", "tests.bench.spending", "--entries", "2000", "--rounds", "1"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line[:8] for line in said.splitlines()] == ["read, ch", "digests ", "judged  ", "writ ver"]
