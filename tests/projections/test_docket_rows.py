"""The docket grows by what is said: in memory, in the rows stored, in the lines of its digest."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections import docket, docket_rows
from projections.docket import Docket
from projections.examples import EXAMPLES
from projections.fact import Fact
from projections.fold import Fold
from projections.registered import Poster
from projections.series import Series
from projections.specimens import AUDITOR, CONTROLLER
from tests.projections.laws.test_folding import CI
from tests.projections.restarted import read_back

PAGE = (Path(__file__).parents[2] / "docs" / "spec" / "set-digest.md").read_text()
# Beyond the size that the example of an anchor covers.
FIRST = 100_000


def everything(times: int = 1) -> list[Fact]:
    """Every type of event, so many times over, by two posters in turn; each look also by one shown another
    log."""
    posters = (Poster(CONTROLLER, "controller"), Poster(AUDITOR, "auditor"))
    facts: list[Fact] = []
    for event in list(EXAMPLES.values()) * times:
        for misquotes in (False, True):
            at = len(facts)
            facts.append(Fact(FIRST + at, at * 1_000_000, posters[at % 2], event, misquotes))
    return facts


def dockets(facts: list[Fact]) -> list[Docket]:
    """The docket before any of these facts, and after each."""
    fold, seen = Fold.empty(), [docket.EMPTY]
    for fact in facts:
        fold.take(fact)
        seen.append(fold.docket)
    return seen


def series_of(state: Any) -> dict[str, Series[Any]]:
    found: dict[str, Series[Any]] = {}
    for name in state.__struct_fields__:
        value = getattr(state, name)
        if isinstance(value, Series):
            found[name] = value
        elif isinstance(value, msgspec.Struct):
            found |= series_of(value)
    return found


def lines(state: Docket) -> set[bytes]:
    return set(docket_rows.rows(state, {}))


def test_everything_fills_every_series() -> None:
    filled = series_of(dockets(everything(2))[-1])
    assert filled.keys() == set(docket_rows.NAMES)
    assert [name for name, series in filled.items() if not series] == []


def test_what_was_folded_before_stays_what_it_was() -> None:
    """Steps share lists: none of them may change what another step's docket holds."""
    facts, fold = everything(2), Fold.empty()
    said: list[list[bytes]] = []
    for fact in facts:
        said.append(sorted(docket_rows.rows(fold.docket, {})))
        fold.take(fact)
    assert [sorted(docket_rows.rows(state, {})) for state in dockets(facts)[:-1]] == said


def test_folding_copies_no_series() -> None:
    """Counted, not timed: however long the log, all elements of a series were put into one list, once."""
    kept: dict[str, set[int]] = {}
    seen = dockets(everything(5))
    for state in seen:
        for name, series in series_of(state).items():
            if series:
                kept.setdefault(name, set()).add(id(series._shared.items))
    assert {name: len(lists) for name, lists in kept.items()} == dict.fromkeys(docket_rows.NAMES, 1)


@given(st.lists(st.integers(0, len(everything())), min_size=2, max_size=5).map(sorted))
@CI
def test_batches_write_each_row_once(cuts: list[int]) -> None:
    """Wherever the log is cut into batches: what each adds is the whole's rows, none twice, none again."""
    seen = dockets(everything())
    ends = [0, *cuts, len(seen) - 1]
    added = [row for begin, end in pairwise(ends) for row in docket_rows.added_rows(seen[begin], seen[end])]
    assert sorted(added) == sorted(docket_rows.added_rows(docket.EMPTY, seen[-1]))
    assert len({(name, number) for name, number, _ in added}) == len(added)


def test_a_batch_adds_rows_for_what_it_says() -> None:
    """However much was said before: the same again adds as many rows, and lines to the digest."""
    seen = dockets(everything(6))
    batches = list(pairwise(seen[:: len(everything())]))
    posters, *more = [len(list(docket_rows.added_rows(*batch))) for batch in batches]
    assert more == [posters - 2] * 5
    # One line is another: that of the store, which was declared anew.
    assert [len(lines(after) - lines(before)) - 1 for before, after in batches[1:]] == more


def test_the_docket_outlives_the_process() -> None:
    state = dockets(everything(2))[-1]
    again = read_back(state)
    assert again == state
    assert sorted(docket_rows.rows(again, {})) == sorted(docket_rows.rows(state, {}))


@pytest.mark.parametrize("key", re.findall(r'^\| `(\["[^`]+)` \|', PAGE, re.MULTILINE))
def test_each_row_on_the_page_is_found_under_its_key(key: str) -> None:
    """The page's keys are of the state after every example, said twice."""
    edge = {1041: docket.Edge(0, ())}
    rows = set(docket_rows.rows(dockets(everything(2))[-1], edge))
    (found,) = [row for row in rows if row.startswith(docket_rows.row_key(json.loads(key)) + b" ")]
    assert json.loads(found[33:]) is not None


def test_the_page_names_every_series() -> None:
    listed = PAGE.partition("The series are ")[2].partition(".")[0]
    assert re.findall(r"`([a-z]+)`", listed) == list(docket_rows.NAMES)
