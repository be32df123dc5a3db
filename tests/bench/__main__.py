"""`make bench`: measure everything on this machine, print a table, write bench.json (docs/benchmarks.md)."""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from tests.bench import (
    appending,
    connecting,
    inventorying,
    judging,
    lasting,
    machine,
    proving,
    replaying,
    verifying,
)
from tests.bench.figures import Figure, outcome_of, table_of
from tests.bench.place import Place

APPENDING = ("signed", "bulk", "single")
NAMES = (*APPENDING, "replay", "verifying", "judging", "proof", "lasting", "inventory", "connectors")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    arguments = _parser().parse_args(argv)
    names = frozenset(arguments.only or NAMES)
    load_before = os.getloadavg()[0]
    place = Place(Path(tempfile.mkdtemp(prefix="writ-bench-", dir=arguments.folder)))
    try:
        figures = asyncio.run(_measure(names, place, quick=arguments.quick))
    finally:
        shutil.rmtree(place.folder)
    facts = machine.describe(place.postgres, load_before)
    # Wide enough for a line a figure, in a log of CI too.
    console = Console(width=max(Console().width, 140))
    console.print(table_of(figures, f"{facts.cores} cores of {facts.processor}, {place.took_s:,.0f} s"))
    _write(Path(arguments.output), facts, figures, quick=arguments.quick)
    return 0


async def _measure(names: frozenset[str], place: Place, *, quick: bool) -> list[Figure]:
    figures: list[Figure] = []
    if kinds := names & set(APPENDING):
        figures += await appending.measure(appending.QUICK if quick else appending.FULL, kinds, place)
    if "replay" in names:
        figures += await replaying.measure(replaying.QUICK if quick else replaying.FULL, place)
    if "verifying" in names:
        figures += await verifying.measure(verifying.QUICK if quick else verifying.FULL, place)
    if "judging" in names:
        figures += await judging.measure(judging.QUICK if quick else judging.FULL, place)
    if "proof" in names:
        figures += await lasting.measure_proofs(proving.QUICK if quick else proving.FULL, place)
    if "lasting" in names:
        figures += await lasting.measure(lasting.QUICK if quick else lasting.FULL, place)
    if "inventory" in names:
        figures += await inventorying.measure(inventorying.QUICK if quick else inventorying.FULL, place)
    if "connectors" in names:
        figures += await connecting.measure(connecting.QUICK if quick else connecting.FULL, place)
    return figures


def _write(path: Path, facts: machine.Machine, figures: list[Figure], *, quick: bool) -> None:
    value = {"quick": quick, "machine": facts, "figures": [outcome_of(figure) for figure in figures]}
    path.write_text(json.dumps(msgspec.to_builtins(value), indent=2) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=" | ".join(NAMES))
    parser.add_argument(
        "--quick", action="store_true", help="a short run of each, whose figures mean nothing"
    )
    parser.add_argument("--output", default="bench.json", metavar="FILE", help="where to write the figures")
    parser.add_argument(
        "--folder", metavar="DIR", help="where to put logs and databases (8 GB; default: tmp)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
