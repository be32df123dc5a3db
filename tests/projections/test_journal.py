"""A journal holds whole records, wherever its writer was stopped and whatever became of its bytes since."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.runners.journal import MAGIC, NAME, CannotResume, Journal

CI = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
Contents = list[tuple[int, bytes]]


def write(folder: Path, contents: Contents) -> bytes:
    """A journal of these records, and its bytes."""
    journal = Journal(folder)
    for kind, content in contents:
        # In pieces, as a shelf writes its blocks.
        journal.write(kind, [content[:2], content[2:]])
    journal.make_durable()
    journal.close()
    return (folder / NAME).read_bytes()


def read(folder: Path) -> Contents:
    journal = Journal(folder)
    found = [(one.kind, journal.read(one.begin, one.size)) for one in journal.records()]
    journal.close()
    return found


def ends(contents: Contents) -> list[int]:
    """Where each record ends."""
    places = [len(MAGIC)]
    for _, content in contents:
        places.append(places[-1] + 9 + len(content) + 32)
    return places


CONTENTS: Contents = [(1, b"claim"), (2, b""), (3, b"a save that is somewhat longer"), (2, b"xyz")]


def test_cut_at_every_byte(tmp_path: Path) -> None:
    raw = write(tmp_path / "whole", CONTENTS)
    for length in range(len(raw) + 1):
        folder = tmp_path / f"cut-{length}"
        folder.mkdir(mode=0o700)
        (folder / NAME).write_bytes(raw[:length])
        whole = sum(end <= length for end in ends(CONTENTS)[1:])
        assert read(folder) == CONTENTS[:whole]


def test_what_is_written_behind_a_cut_is_read(tmp_path: Path) -> None:
    raw = write(tmp_path / "kept", CONTENTS)
    (tmp_path / "kept" / NAME).write_bytes(raw[:-1])
    journal = Journal(tmp_path / "kept")
    last = list(journal.records())[-1]
    journal.go_on_after(last)
    journal.write(7, [b"more"])
    journal.close()
    assert read(tmp_path / "kept") == [*CONTENTS[:-1], (7, b"more")]


def test_a_byte_altered_anywhere_ends_it_there(tmp_path: Path) -> None:
    raw = write(tmp_path / "kept", CONTENTS)
    for at in range(len(raw)):
        altered = bytearray(raw)
        altered[at] ^= 0x10
        (tmp_path / "kept" / NAME).write_bytes(altered)
        if at < len(MAGIC):
            with pytest.raises(CannotResume, match="another program's"):
                read(tmp_path / "kept")
            continue
        whole = sum(end <= at for end in ends(CONTENTS)[1:])
        assert read(tmp_path / "kept") == CONTENTS[:whole]


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=60)), max_size=5), st.binary(max_size=90))
@CI
def test_anything_behind_it_is_no_record(
    tmp_path_factory: pytest.TempPathFactory, contents: Contents, behind: bytes
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    raw = write(folder, contents)
    (folder / NAME).write_bytes(raw + behind)
    assert read(folder) == contents


@given(st.binary(max_size=200))
@CI
def test_any_bytes_are_a_journal_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("kept")
    (folder / NAME).write_bytes(raw)
    try:
        assert read(folder) == []
    except CannotResume:
        assert not MAGIC.startswith(raw[: len(MAGIC)])
        assert (folder / NAME).read_bytes() == raw


def test_records_are_not_moved_about(tmp_path: Path) -> None:
    write(tmp_path / "kept", [(1, b"one"), (1, b"two"), (1, b"six")])
    path = tmp_path / "kept" / NAME
    raw, places = path.read_bytes(), ends([(1, b"one"), (1, b"two"), (1, b"six")])
    first, second, third = (raw[begin:end] for begin, end in pairwise(places))
    path.write_bytes(MAGIC + first + third + second)
    assert read(tmp_path / "kept") == [(1, b"one")]


def test_the_folder_is_made_for_nobody_else(tmp_path: Path) -> None:
    write(tmp_path / "kept", [])
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "kept" / NAME).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_can_write_into_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "kept", CONTENTS)
    for mode in (0o720, 0o702, 0o777):
        (tmp_path / "kept").chmod(mode)
        with pytest.raises(CannotResume, match="others can write into"):
            Journal(tmp_path / "kept")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
def test_somebody_else_s_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "kept", CONTENTS)
    os.chown(tmp_path / "kept", 65_534, -1)
    with pytest.raises(CannotResume, match="others can write into"):
        Journal(tmp_path / "kept")


def test_what_is_no_folder_of_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotResume, match="is no folder"):
        Journal(tmp_path / "file")
    with pytest.raises(CannotResume, match="No such file"):
        Journal(tmp_path / "missing" / "kept")
    with pytest.raises(CannotResume, match="Not a directory"):
        Journal(tmp_path / "file" / "kept")
    (tmp_path / "full").mkdir(mode=0o700)
    (tmp_path / "full" / "letter").write_bytes(b"")
    with pytest.raises(CannotResume, match="holds other things"):
        Journal(tmp_path / "full")
    (tmp_path / "linked").mkdir(mode=0o700)
    (tmp_path / "linked" / NAME).symlink_to(tmp_path / "file")
    with pytest.raises(CannotResume, match="symbolic links"):
        Journal(tmp_path / "linked")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter"]
    assert (tmp_path / "file").read_bytes() == b""


HOLDER = """
import sys
from pathlib import Path
from projections.runners.journal import Journal
journal = Journal(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_one_process_has_it_at_a_time(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDER, str(tmp_path / "kept")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(CannotResume, match="another process works with"):
            Journal(tmp_path / "kept")
        holder.kill()
    assert read(tmp_path / "kept") == []


FILLER = """
import resource, signal, sys
from pathlib import Path
from projections.runners.journal import CannotResume, Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
journal = Journal(Path(sys.argv[1]))
try:
    while True:
        journal.write(3, [b"x" * 900])
        journal.make_durable()
except CannotResume as error:
    print(error, "|", error.remedy)
"""


def test_a_full_disk_is_told_and_leaves_what_was_whole(tmp_path: Path) -> None:
    words = [sys.executable, "-c", FILLER, str(tmp_path / "kept")]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "File too large | see that there is room" in said
    assert read(tmp_path / "kept") == [(3, b"x" * 900)] * 10


def test_removed_with_its_folder_unless_that_holds_more(tmp_path: Path) -> None:
    for name in ("alone", "shared"):
        write(tmp_path / name, CONTENTS)
    (tmp_path / "shared" / "letter").write_bytes(b"")
    for name in ("alone", "shared"):
        journal = Journal(tmp_path / name)
        journal.remove()
        journal.close()
    assert not (tmp_path / "alone").exists()
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["letter"]
