"""A directory tree as a store."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.failure import Failure
from ledger.stores.opening import Where, open_at
from ledger.stores.paths import Naming
from tests.ledger.stores.readings import keys_at


def listed(top: Path, pattern: str = "") -> list[str]:
    return sorted(keys_at(Where(scheme="dir", url=f"dir:{top}", pattern=pattern)))


def test_each_file_is_a_record_wherever_it_stands(tmp_path: Path) -> None:
    for name in ("a.jpg", "ab/cd/b.jpg", ".hidden/c.jpg", "ab/.d.jpg", "ab/ü ?#.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "empty").mkdir()

    assert listed(tmp_path) == sorted(["a.jpg", "ab/cd/b.jpg", ".hidden/c.jpg", "ab/.d.jpg", "ab/ü ?#.jpg"])


def test_links_are_names_and_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    os.link(tmp_path / "a.jpg", tmp_path / "second-name.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        assert listed(tmp_path) == ["a.jpg", "gone", "loop", "s", "second-name.jpg"]


def test_an_id_may_be_a_piece_of_the_path_and_no_other_path_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    for name in ("ab/17.jpg", "ab/18.jpg", "ab/17.jpg.bak", "README"):
        (tmp_path / name).write_bytes(b"x")

    assert listed(tmp_path, r"[a-z]{2}/([0-9]+)\.jpg") == ["17", "18", "README", "ab/17.jpg.bak"]


@given(st.text(), st.sampled_from(["", "(a*)", "(a)?b", "x/(.+)", r"(?:.*/)?([0-9]+)\.jpg"]))
def test_a_path_is_never_without_an_id(path: str, pattern: str) -> None:
    found = Naming(pattern).id_of(path)
    assert found in path
    assert found == path or pattern


def test_many_files_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.stores.folder.BATCH", 3)
    for number in range(10):
        (tmp_path / f"{number % 4}").mkdir(exist_ok=True)
        (tmp_path / f"{number % 4}" / f"{number}").write_bytes(b"")

    assert listed(tmp_path, "[0-9]/(.)") == [str(number) for number in range(10)]


def test_a_directory_of_any_size_is_never_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.stores.folder.BATCH", 3)
    for number in range(10):
        (tmp_path / f"{number}").write_bytes(b"")
    source = open_at(Where(scheme="dir", url=f"dir:{tmp_path}"))
    (part,) = source.parts()
    assert [len(some) for some in source.keys(part)] == [3, 3, 3, 1]


def test_a_name_that_is_no_text_is_a_failure_and_not_passed_over(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg"))).write_bytes(b"x")

    with pytest.raises(Failure, match=r"not UTF-8"):
        listed(tmp_path)


def test_what_can_t_be_listed_is_a_failure_and_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "a.jpg").write_bytes(b"x")
    real = os.scandir

    def refused(path: Path) -> object:  # root may enter anything, so the system's refusal is played
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(Failure, match=r"locked can't be listed \(Permission denied\)"):
        listed(tmp_path)


@pytest.mark.parametrize("name", ["absent", "file"])
def test_a_top_that_is_no_directory_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(Failure, match=name):
        listed(tmp_path / name)
