"""What witnesses were found to know: it stays written down, and forbids until the database holds it."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.failure import Failure
from ledger.objections import Objection, Objections, format_objections, make_objection, parse_objections
from signing.checkpoint import Checkpoint
from tests.ledger.lab import ORIGIN

ROOT, OTHER_ROOT = bytes(32), bytes(range(32))


OBJECTIONS = st.builds(Objection, *[st.text()] * 2, *[st.integers(0, 2**62)] * 2, *[st.text()] * 2)


def objection(size: int, shown_size: int) -> Objection:
    return make_objection("w1", size, "it says so", Checkpoint(ORIGIN, shown_size, ROOT))


def test_a_database_that_is_behind_its_witness_is_forbidden_until_it_is_not() -> None:
    behind = objection(150, shown_size=100)
    assert behind.forbids(100, ROOT)
    assert behind.forbids(149, ROOT)
    # What it was shown then was no other history, only too old.
    assert not behind.forbids(150, ROOT)


@pytest.mark.parametrize("shown_size", [150, 400])
def test_a_history_that_was_refuted_is_forbidden_for_good(shown_size: int) -> None:
    refuted = objection(150, shown_size)
    assert refuted.forbids(149, None)
    for size in (shown_size, 10_000):
        assert refuted.forbids(size, ROOT)
        assert not refuted.forbids(size, OTHER_ROOT)


def test_each_is_added_once_to_those_before(tmp_path: Path) -> None:
    objections = Objections(tmp_path / "released", "clearview", ORIGIN)
    assert objections.read() == ()
    first, second, third = (objection(size, shown_size=100) for size in (150, 200, 300))
    objections.add(first)
    objections.add(second, first, third)
    assert objections.read() == (first, second, third)
    assert objections.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("raw", [b"", b"\n", b"nonsense\n", format_objections((objection(2, 1),))[:-1]])
def test_a_file_that_is_damaged_forbids_everything(tmp_path: Path, raw: bytes) -> None:
    objections = Objections(tmp_path, "clearview", ORIGIN)
    objections.path.write_bytes(raw)
    with pytest.raises(Failure, match="does not say what witnesses have cosigned"):
        objections.read()


def test_the_file_of_another_log_is_none(tmp_path: Path) -> None:
    Objections(tmp_path, "clearview", ORIGIN).add(objection(2, 1))
    with pytest.raises(Failure, match=r"about another log than ledger\.example/other"):
        Objections(tmp_path, "clearview", "ledger.example/other").read()


@given(st.lists(OBJECTIONS, min_size=1))
def test_objections_are_read_back(some: list[Objection]) -> None:
    assert parse_objections(format_objections(tuple(some))) == tuple(some)


@given(st.binary())
def test_objections_are_read_exactly(raw: bytes) -> None:
    with suppress(ValueError):
        assert format_objections(parse_objections(raw)) == raw
