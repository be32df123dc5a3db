"""The poster's memory: whole after a crash at any step, one process at a time, and never smaller."""

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.failure import Failure
from ledger.source_state import SourceFolder, folder_path
from signing.keys import ED25519, SigningKey, format_vkey
from signing.merkle import CompactRange
from signing.note import format_note
from signing.submission import Submission, make_submission

LOG = format_vkey(SigningKey("ledger.example/l", ED25519, bytes(32)).verifier)
KEY = SigningKey("poster.example", ED25519, bytes(range(32)))
SOURCE = "poster.example/7"


def signed(folder: SourceFolder, *lines: bytes) -> tuple[Submission, CompactRange]:
    return make_submission(KEY, SOURCE, folder.state.range(), "ledger.example/l", None, lines)


def post(folder: SourceFolder, *lines: bytes) -> None:
    submission, frontier = signed(folder, *lines)
    folder.write_pending(submission)
    folder.accept(frontier, b"receipt", "checkpoint\n")


def reopened(root: Path) -> SourceFolder:
    return SourceFolder.open(root, LOG, SOURCE)


def test_what_was_accepted_is_there_after_reopening(tmp_path: Path) -> None:
    with reopened(tmp_path) as folder:
        assert (folder.state.size, folder.pending) == (0, None)
        post(folder, b"one", b"two", b"three")
        post(folder, b"four")
        before = folder.state
    with reopened(tmp_path) as folder:
        assert folder.state == before
        assert folder.state.size == 4
        assert folder.state.range() == signed(folder, b"x")[1].__class__(0, 4, folder.state.range().nodes)
        assert folder.pending is None
        assert sorted(path.name for path in (folder.path / "receipts").iterdir()) == [
            "3.note", "3.tlog-proof", "4.note", "4.tlog-proof",
        ]  # fmt: skip
        assert (folder.path / "receipts" / "4.note").read_text() == folder.state.note


def test_a_pending_submission_is_the_same_bytes_after_a_crash(tmp_path: Path) -> None:
    with reopened(tmp_path) as folder:
        post(folder, b"one")
        sent = folder.write_pending(signed(folder, b"two")[0])
    with reopened(tmp_path) as folder:
        assert folder.pending is not None
        assert folder.write_pending(folder.pending) == sent
        folder.drop_pending()
    with reopened(tmp_path) as folder:
        assert folder.pending is None


def test_a_crash_between_state_and_pending_leaves_nothing_to_send_again(tmp_path: Path) -> None:
    with reopened(tmp_path) as folder:
        submission, frontier = signed(folder, b"one")
        raw = folder.write_pending(submission)
        folder.accept(frontier, b"receipt", "checkpoint\n")
        (folder.path / "pending").write_bytes(raw)
    with reopened(tmp_path) as folder:
        assert folder.pending is None


def test_a_half_written_replacement_is_not_seen(tmp_path: Path) -> None:
    with reopened(tmp_path) as folder:
        post(folder, b"one")
        (folder.path / "state.json.new").write_bytes(b'{"log":')
        (folder.path / "pending.new").write_bytes(b"poster")
    with reopened(tmp_path) as folder:
        assert folder.state.size == 1
        assert folder.pending is None


def test_the_size_never_decreases(tmp_path: Path) -> None:
    with reopened(tmp_path) as folder:
        submission, frontier = signed(folder, b"one")
        post(folder, b"one", b"two")
        with pytest.raises(AssertionError, match="never shrinks"):
            folder.adopt(format_note(submission.note).decode(), frontier)
        assert folder.state.size == 2


def test_one_process_at_a_time(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ledger.source_state import SourceFolder\n"
        f"SourceFolder.open(Path({str(tmp_path)!r}), {LOG!r}, {SOURCE!r})"
    )
    with reopened(tmp_path):
        with pytest.raises(Failure, match="another process"):
            reopened(tmp_path)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert "another process is posting" in done.stderr
    reopened(tmp_path).close()


def test_two_logs_and_two_sources_never_share_a_folder(tmp_path: Path) -> None:
    other_key = format_vkey(SigningKey("ledger.example/l", ED25519, bytes([1] * 32)).verifier)
    sources = ("poster.example", "poster.example/receipts", "poster.example/7")
    paths = {folder_path(tmp_path, log, source) for log in (LOG, other_key) for source in sources}
    assert len(paths) == 6
    assert not any(one in other.parents for one in paths for other in paths)


def test_a_damaged_state_is_refused_not_forgotten(tmp_path: Path) -> None:
    with reopened(tmp_path) as folder:
        post(folder, b"one", b"two")
        state = folder.path / "state.json"
    for damage in (b"", b"{}", state.read_bytes().replace(b'"size": 2', b'"size": 7')):
        state.write_bytes(damage)
        with pytest.raises(Failure, match="damaged"):
            reopened(tmp_path)


def test_a_file_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with reopened(tmp_path) as folder:
        post(folder, b"before")
        assert folder.begin_job("a" * 64, 3) == 0
        post(folder, b"one", b"two")
    with reopened(tmp_path) as folder:
        with pytest.raises(Failure, match="2 of 3 events"):
            folder.begin_job("b" * 64, 1)
        assert folder.begin_job("a" * 64, 3) == 2
        post(folder, b"three")
        assert folder.begin_job("a" * 64, 3) == 3
        assert folder.begin_job("b" * 64, 9) == 0
        # Of that file nothing is in: another one does not leave it half posted.
        assert folder.begin_job("c" * 64, 2) == 0
        post(folder, b"four")
        folder.abandon_job()
        assert folder.begin_job("d" * 64, 1) == 0


def test_lines_posted_from_elsewhere_are_no_lines_of_the_file(tmp_path: Path) -> None:
    with reopened(tmp_path) as folder:
        folder.begin_job("a" * 64, 5)
        post(folder, b"one")
        submission, frontier = signed(folder, b"from", b"elsewhere")
        folder.adopt(format_note(submission.note).decode(), frontier)
        assert folder.state.size == 3
        assert folder.begin_job("a" * 64, 5) == 1
