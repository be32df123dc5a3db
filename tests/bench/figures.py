"""Figures: what was measured, beside what it should reach; as a table and as JSON."""

from statistics import median
from typing import Any

from msgspec import Struct
from rich.table import Table


class Figure(Struct, frozen=True, kw_only=True):
    """One measured figure: the median of its samples, one sample a round."""

    name: str
    unit: str
    samples: list[float]
    target: float | None = None
    at_most: bool = False
    """Whether the target is a limit to stay under rather than a rate to reach."""
    detail: dict[str, Any] = {}

    @property
    def value(self) -> float:
        """The median of the samples."""
        return median(self.samples)

    @property
    def ratio(self) -> float | None:
        """How the figure stands to its target: 1 or more has reached it."""
        if self.target is None:
            return None
        return self.target / self.value if self.at_most else self.value / self.target


class Outcome(Struct, frozen=True, kw_only=True):
    """A figure as `bench.json` has it."""

    name: str
    unit: str
    value: float
    target: float | None
    at_most: bool
    ratio: float | None
    samples: list[float]
    detail: dict[str, Any]


def outcome_of(figure: Figure) -> Outcome:
    """The figure with its median and ratio worked out."""
    return Outcome(
        name=figure.name,
        unit=figure.unit,
        value=figure.value,
        target=figure.target,
        at_most=figure.at_most,
        ratio=figure.ratio,
        samples=figure.samples,
        detail=figure.detail,
    )


def quantile(values: list[float], share: float) -> float:
    """The value that the given share of the values does not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def table_of(figures: list[Figure], title: str) -> Table:
    """The figures side by side with their targets."""
    table = Table(title=title)
    table.add_column("what", no_wrap=True)
    # Figure to target: 1 or more has reached it, whether it is a rate or a limit.
    for heading in ("target", "figure", "ratio", "lowest", "highest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for figure in figures:
        table.add_row(
            figure.name,
            _target(figure),
            f"{written(figure.value)} {figure.unit}".rstrip(),
            _ratio(figure),
            written(min(figure.samples)),
            written(max(figure.samples)),
        )
    return table


def written(value: float) -> str:
    """A number with about three digits that mean something."""
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return "–"
    return f"{'<' if figure.at_most else '≥'} {written(figure.target)} {figure.unit}".rstrip()


def _ratio(figure: Figure) -> str:
    if figure.ratio is None:
        return "–"
    return f"[{'green' if figure.ratio >= 1 else 'red'}]{figure.ratio:.2f}[/]"
