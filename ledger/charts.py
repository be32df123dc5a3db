"""Charts: where the lines, marks and words of the drawings in a report stand, in whole numbers.

A drawing tells nothing that a table beside it does not tell in words: no colour means anything.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from projections.accounted import Account, Said
from projections.burndown import Burndown
from projections.moments import DAY_S, SECOND_US
from projections.runners.wording import moment

WIDTH: Final = 1_000
# No higher than a fifth of a printed page, which is what stays empty where a drawing goes to the next one.
LEFT, RIGHT, TOP, BOTTOM = 92, 980, 66, 230
HEIGHT: Final = BOTTOM + 34
ROW: Final = 46
MARK_ROWS: Final = (18, 36, 54)
MAX_TICKS: Final = 6
# How much emptier than what is drawn a chart may get to show a date.
STRETCH: Final = 2

_STEPS_S: Final = (
    *(1, 5, 15, 60, 300, 900, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600),
    *(DAY_S * days for days in (1, 2, 7, 14, 28, 91, 182, 365, 730, 1_825, 3_650, 36_500, 365_000)),
)


class Tick(Struct, frozen=True):
    """A place on an axis and what stands there."""

    at: int
    text: str

    @property
    def anchor(self) -> str:
        """How the words stand to their place: within the frame, which ends a little beyond the axis."""
        return "end" if self.at > RIGHT - 40 else "middle"


class Mark(Struct, frozen=True):
    """A moment that matters: a line from top to bottom, and words at its head."""

    x: int
    y: int
    anchor: str
    text: str
    kind: str


class Chart(Struct, frozen=True):
    """The burn-down, drawn."""

    line: str
    area: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    outside: tuple[str, ...]


class Bar(Struct, frozen=True):
    """A stretch of a collector's time."""

    x: int
    width: int
    said: Said


class Row(Struct, frozen=True):
    """A collector's time."""

    collector: str
    bars: tuple[Bar, ...]


class Strip(Struct, frozen=True):
    """The coverage of a prohibition, drawn: each row by itself, since there may be more than a page holds."""

    rows: tuple[Row, ...]
    x_ticks: tuple[Tick, ...]


def chart(told: Burndown, as_of: int) -> Chart:
    """The number of outstanding copies as steps over time, as long as the statement knows it."""
    first = told.points[0].time_us // SECOND_US
    dates = (("in force", told.effective, "effective"), ("deadline", told.deadline, "deadline"))
    room = STRETCH * max(as_of - first, DAY_S)
    shown = [one for one in dates if first - room <= one[1] <= as_of + room]
    scale = _Scale([first, as_of, *(moment_s for _, moment_s, _ in shown)])
    step, top = _tops(told.most)
    steps = [(scale.x(one.time_us // SECOND_US), _y(one.live, top)) for one in told.points]
    line = f"M{steps[0][0]} {BOTTOM}" + "".join(
        f"V{y}" if at == 0 else f"H{x}V{y}" for at, (x, y) in enumerate(steps)
    )
    line += f"H{scale.x(as_of)}"
    named = [*shown, ("statement", as_of, "now")]
    return Chart(
        line,
        f"{line}V{BOTTOM}Z",
        scale.ticks(),
        tuple(Tick(_y(live, top), f"{live:,}") for live in range(0, top + 1, step)),
        tuple(_mark(scale, row, *one) for row, one in zip(MARK_ROWS, named, strict=False)),
        tuple(f"{name} {moment(at)}" for name, at, kind in dates if (name, at, kind) not in shown),
    )


def strip(accounts: Sequence[Account], begin: int, end: int) -> Strip:
    """A row for each collector, from one second to another."""
    scale = _Scale([begin, end])
    rows = tuple(Row(one.collector, tuple(_bars(scale, one))) for one in accounts)
    return Strip(rows, scale.ticks())


class _Scale:
    """Unix seconds across the drawing."""

    def __init__(self, moments: Iterable[int]) -> None:
        moments = sorted(moments)
        self._begin = moments[0]
        self._span = max(moments[-1] - moments[0], 1)

    def x(self, second: int) -> int:
        return LEFT + (second - self._begin) * (RIGHT - LEFT) // self._span

    def ticks(self) -> tuple[Tick, ...]:
        """At even moments, few enough to be read."""
        step = next((one for one in _STEPS_S if self._span // one <= MAX_TICKS), _STEPS_S[-1])
        first = -(-self._begin // step) * step
        moments = range(first, self._begin + self._span + 1, step)
        part = slice(0, 10) if step >= DAY_S else slice(5, 16) if step >= 60 else slice(11, 19)
        return tuple(Tick(self.x(one), moment(one)[part]) for one in moments)


def _bars(scale: _Scale, account: Account) -> Iterable[Bar]:
    for one in account.stretches:
        x, end = (scale.x(edge // SECOND_US) for edge in (one.from_us, one.to_us))
        # What is there is seen, however short it was.
        yield Bar(x, max(end - x, 2), one.said)


def _mark(scale: _Scale, y: int, name: str, at: int, kind: str) -> Mark:
    x = scale.x(at)
    anchor = "start" if x < (LEFT + RIGHT) // 2 else "end"
    return Mark(x, y, anchor, f"{name} {moment(at)[:16]}", kind)


def _tops(most: int) -> tuple[int, int]:
    """The step between lines, and the highest line, at or above `most`."""
    step = next(
        digit * 10**power for power in range(20) for digit in (1, 2, 5) if most <= 5 * digit * 10**power
    )
    return step, max(step, -(-most // step) * step)


def _y(live: int, top: int) -> int:
    return BOTTOM - live * (BOTTOM - TOP) // top
