"""Sums: what stands in one of a number that is watched, and whether only as the end of something."""

from typing import Any

import pytest

from projections.finding import Irregularity
from projections.sums import Sums
from projections.watched import Watch, Watched, watched

NUMBER: Any = watched(Watch(7))


def test_what_only_rises_or_falls_has_ends() -> None:
    sums = Sums()
    assert sums.extremes(Watched) == []
    sums.raise_to("last_erasure", "faces", NUMBER)
    sums.lower_to("asserted", "faces", NUMBER + 1)
    sums.ask(NUMBER + 2, NUMBER + 3)
    sums.last_act = NUMBER + 4
    assert [int(one) for one in sums.extremes(Watched) or []] == [7, 8, 9, 10, 11]
    assert sums.extremes(str) == []


@pytest.mark.parametrize("whose", [NUMBER, ("lineage", NUMBER)])
def test_what_is_added_up_by_it_is_no_end(whose: object) -> None:
    sums = Sums()
    sums.add("out", whose, 1)
    assert sums.extremes(Watched) is None
    assert sums.extremes(float) == []


def test_what_is_listed_is_no_end() -> None:
    sums = Sums()
    sums.record(Irregularity("erasure.late", 3, 4, "company"))
    assert sums.extremes(Watched) is None


@pytest.mark.parametrize("name", sorted(set(Sums.__slots__) - {"_highest", "_lowest", "asked", "last_act"}))
def test_wherever_else_it_stands_it_is_no_end(name: str) -> None:
    sums = Sums()
    if name in ("counts", "erased", "live"):
        return  # They take handles and names.
    setattr(sums, name, {"a": (1, NUMBER)} if name.startswith("_") else NUMBER)
    assert sums.extremes(Watched) is None
