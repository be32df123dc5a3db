"""Files that are whole or absent, whatever happens while they are written."""

import os
from pathlib import Path

import pytest

from ledger.durable import remove_durably, replace_all_durably, replace_durably


def test_a_replacement_is_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "state"
    for content in (b"first", b"", b"x" * 100_000):
        replace_durably(path, content)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["state"]


def test_what_a_crash_left_half_written_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "state.new").write_bytes(b"half of something longer")
    replace_durably(tmp_path / "state", b"whole")
    assert (tmp_path / "state").read_bytes() == b"whole"


def test_a_failed_write_leaves_all_that_was_there(tmp_path: Path) -> None:
    replace_all_durably(tmp_path, {"a": b"1", "b": b"1"})
    (tmp_path / "b.new").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_all_durably(tmp_path, {"a": b"2", "b": b"2"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"1"


def test_removing_what_is_absent_is_no_failure(tmp_path: Path) -> None:
    replace_durably(tmp_path / "state", b"x")
    remove_durably(tmp_path / "state")
    remove_durably(tmp_path / "state")
    assert os.listdir(tmp_path) == []
