"""Where `writ verify` of a full bundle spends processor time, part by part, whatever else the machine does.

.venv/bin/python -m tests.bench.spending --entries 600000
"""

import argparse
import gc
import resource
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from projections.case import Case
from projections.runners.offline import replay
from projections.runners.restating import end_of
from projections.runners.shelf import MOST_HELD
from projections.runners.source import ZipSource
from projections.stating import find_order
from projections.verdict import judge
from tests.bench import bundles
from tests.bench.verifying import NOT_CARRIED_OUT, command_of


class Spent(Struct, frozen=True):
    """Processor time of one part: of this process, and of its workers or copies."""

    part: str
    own_us: float
    others_us: float


def main(argv: Sequence[str] | None = None) -> int:
    """Make a bundle, verify it part by part and then by the command, print µs an entry."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=600_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="writ-bench-") as folder:
        bundle = bundles.full(Path(folder), arguments.entries)
        for _ in range(arguments.rounds):
            for one in spent(bundle):
                print(f"{one.part:32}{one.own_us:8.2f}{one.others_us:8.2f}")
    return 0


def spent(bundle: bundles.Bundle) -> list[Spent]:
    """What verifying it takes, µs an entry."""
    taken: list[Spent] = []

    @contextmanager
    def part(name: str) -> Iterator[None]:
        before = _times_s()
        yield
        own, others = (1e6 * (now - then) / bundle.size for now, then in zip(_times_s(), before, strict=True))
        taken.append(Spent(name, own, others))

    with ZipSource(bundle.path) as source, _collector_off():
        with part("read, checked, folded, put away"):
            replayed = replay(source, most_held=MOST_HELD)
        fold, as_of = replayed.fold, end_of(replayed)
        issued = find_order(fold, bundles.ORDER, None, None, as_of=as_of)
        assert issued is not None
        case = Case(fold.held, fold.docket, fold.edges, issued, as_of=as_of, size=bundle.size)
        with part("digests"):
            fold.digests()
        with part("judged"):
            judge(case)
    with part("writ verify, all of it"):
        done = subprocess.run(command_of(bundle), stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == NOT_CARRIED_OUT
    return taken


def _times_s() -> tuple[float, float]:
    """Seconds of processor time so far: of this process, and of those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own, others = (one.ru_utime + one.ru_stime for one in used)
    return own, others


@contextmanager
def _collector_off() -> Iterator[None]:
    """As a verifier has it while it sums up."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


if __name__ == "__main__":
    raise SystemExit(main())
