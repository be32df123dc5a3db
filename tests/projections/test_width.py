"""Width: a report is broken between words at a terminal, and whole elsewhere."""

import os
import shutil

import pytest

from projections.runners.fields import fields
from projections.runners.width import fitted

LONG = "  entry 8, by nobody: " + "word " * 30 + "a" * 120
REPORT = f"Checked\n{LONG}\n\n    a  table\n"


def test_a_pipe_gets_whole_lines() -> None:
    assert fitted(REPORT) == REPORT


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_a_terminal_gets_lines_that_it_has_room_for(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))
    said = fitted(REPORT)
    assert said.split() == REPORT.split(), "no word is lost, broken or moved"
    assert said.startswith("Checked\n  entry 8,")
    assert said.endswith("\n\n    a  table\n")
    for line in said.splitlines():
        assert len(line) <= max(columns, 60) or len(line.split()) == 1, "but for a key, which is whole"
        assert line[:1] in "Ca " or line == ""


def test_what_an_event_says_is_as_long_as_a_line_has_room_for() -> None:
    vkey = "ledger.example/clearview+7c45fc5b+" + "A" * 44
    assert list(fields({"controller": "c", "vkey": vkey})) == [f"vkey={vkey}"]
    assert list(fields({"response": "A" * 2_000})) == [f"response={'A' * 40}… (2,000 characters)"]
