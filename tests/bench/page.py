"""The page: writes the figures of bench.json below the last heading of docs/benchmarks.md.

python -m tests.bench.page [BENCH_JSON [PAGE]]
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.bench.figures import written

HEADING = "## Figures\n"


def section_of(bench: dict[str, Any]) -> str:
    """The heading, the machine, and a table of what a run gave."""
    rows = ["| what | target | figure | figure to target | rounds |", "|---|---:|---:|---:|---|"]
    rows += [_row(figure) for figure in bench["figures"]]
    return "\n".join([HEADING, _machine(bench["machine"]), "", *rows, ""])


def rewrite(page: str, bench: dict[str, Any]) -> str:
    """The page with these figures in place of those that it has."""
    before, heading, _ = page.partition(HEADING)
    assert heading, f"the page has the heading {HEADING.strip()!r}"
    return before + section_of(bench)


def _machine(facts: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in sorted(facts["packages"].items()))
    settings = ", ".join(f"{name} {value}" for name, value in facts["postgres"].items())
    return (
        f"{facts['cores']} cores of {facts['processor']}, {facts['memory_gib']} GiB, {facts['system']}; "
        f"Python {facts['python']}, {packages}. Postgres: {settings}. "
        f"Load average before: {facts['load_before']:.1f}."
    )


def _row(figure: dict[str, Any]) -> str:
    unit = f" {figure['unit']}" if figure["unit"] else ""
    sign = "<" if figure["at_most"] else "≥"
    target = "" if figure["target"] is None else f"{sign} {written(figure['target'])}{unit}"
    ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
    rounds = " · ".join(written(sample) for sample in figure["samples"])
    return f"| {figure['name']} | {target} | **{written(figure['value'])}**{unit} | {ratio} | {rounds} |"


def main() -> None:
    """Rewrite the page."""
    bench, page = [*sys.argv[1:], *("bench.json", "docs/benchmarks.md")[len(sys.argv) - 1 :]]
    path = Path(page)
    path.write_text(rewrite(path.read_text(), json.loads(Path(bench).read_text())))


if __name__ == "__main__":
    main()
