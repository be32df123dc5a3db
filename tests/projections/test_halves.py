"""Halves: what two processes work out is what one would, also where the other one dies."""

import os

import psutil
import pytest

from projections.runners import halves
from projections.runners.halves import WORTH_A_COPY, in_halves

MANY = range(3, 3 + WORTH_A_COPY)


def ignore(done: int, total: int) -> None:
    """Nobody looks."""


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def test_a_copy_does_its_half() -> None:
    found = list(in_halves(lambda number: (number, os.getpid()), MANY, ignore))
    assert [number for number, _ in found] == list(MANY)
    mine = sum(1 for _, by in found if by == os.getpid())
    assert mine == len(MANY) // 2
    assert len({by for _, by in found}) == 2


def test_few_are_done_here() -> None:
    assert set(in_halves(lambda _: os.getpid(), MANY[1:], ignore)) == {os.getpid()}


def test_what_a_dead_copy_leaves_is_done_here() -> None:
    own = os.getpid()

    def part(number: int) -> int:
        if os.getpid() != own and number == MANY[-1]:
            os.kill(os.getpid(), 9)
        return -number

    assert list(in_halves(part, MANY, ignore)) == [-number for number in MANY]


def test_what_fails_here_fails_and_leaves_no_copy_behind() -> None:
    def part(number: int) -> int:
        if number == MANY[0]:
            raise ZeroDivisionError
        return number

    before = psutil.Process().children()
    with pytest.raises(ZeroDivisionError):
        list(in_halves(part, MANY, ignore))
    assert psutil.Process().children() == before


def test_what_fails_in_the_copy_fails_here_too() -> None:
    def part(number: int) -> int:
        if number == MANY[-1]:
            raise ZeroDivisionError
        return number

    with pytest.raises(ZeroDivisionError):
        list(in_halves(part, MANY, ignore))


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    list(in_halves(abs, MANY, lambda done, total: told.append((done, total))))
    assert told[0] == (0, len(MANY) // 2)
    assert told[-1] == (len(MANY) // 2, len(MANY) // 2)
    assert len(told) > halves.WORTH_A_COPY // 2 // halves.STRIDE
