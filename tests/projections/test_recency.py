"""When witnesses last saw a log, and what in it is too recent to count."""

from pathlib import Path

import pytest

from tests.projections.deeds import collected, erased, looked
from tests.projections.evidence import CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import write_zip
from tests.projections.verifying import CARRIED_OUT, ONE_WORD, Out, finished, ordered, refused, verify


@pytest.fixture
def done() -> Evidence:
    """Ten copies held and, as ordered, erased and looked into."""
    return finished()


def test_an_anchor_long_past_hides_nothing_that_came_after_it(
    done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    """Witnesses cosign the log today, but the operator anchors no more since the data came back."""
    done.log.now_us += 30 * 86_400 * 1_000_000
    back = done.log.post(CRAWLER, collected(1)) + 1
    said = refused(done.zip(tmp_path), done, capsys)
    assert f"entry {back} does not count in this statement" in said


def test_what_came_after_the_last_anchor_is_told(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    back = done.log.post(CRAWLER, collected(1)) + 1
    assert verify(done.zip(tmp_path), done) == CARRIED_OUT
    assert f"entry {back} does not count in this statement" in capsys.readouterr().out


def test_an_idle_log_needs_no_new_anchor(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    done.log.now_us += 30 * 86_400 * 1_000_000
    assert verify(done.zip(tmp_path), done) == CARRIED_OUT
    assert "does not count" not in capsys.readouterr().out


def test_the_last_entries_are_not_recorded_in_the_future(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """What witnesses have seen already can't be recorded later, whether an anchor says so or the head."""
    seen_s = done.as_of
    done.log.now_us += 86_400 * 1_000_000
    done.log.post(CRAWLER, collected(1))
    files = done.files()
    files["checkpoint"] = done.log.checkpoint_note(None, WITNESS, time_s=seen_s)
    said = refused(write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert f"entry {done.log.size - 1}: recorded after witnesses had seen it already" in said


@pytest.mark.parametrize("ahead_s", [86_400, 2**61])
def test_witnesses_who_saw_the_log_tomorrow(
    ahead_s: int, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    """Else one bundle would never be too old."""
    files = done.files()
    files["checkpoint"] = done.log.checkpoint_note(None, WITNESS, time_s=done.as_of + ahead_s)
    assert "yet to come" in refused(write_zip(files, tmp_path / "b.zip"), done, capsys)


def test_a_provisional_statement_needs_witnesses_of_its_last_entries(tmp_path: Path, capsys: Out) -> None:
    """What it counts beyond the last anchor is the operator's word, unless the checkpoint is cosigned."""
    log = ordered()
    log.post(CRAWLER, erased(*range(10)))
    looked(log, CRAWLER)
    evidence = Evidence(log)
    files = evidence.files(provisional=True)
    assert verify(write_zip(files, tmp_path / "b.zip"), evidence) == CARRIED_OUT
    files["checkpoint"] = log.checkpoint_note(None)
    assert verify(write_zip(files, tmp_path / "b.zip"), evidence) == ONE_WORD
    assert "the checkpoint lacks the cosignatures" in capsys.readouterr().out
