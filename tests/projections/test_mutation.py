"""Every byte of a bundle that is flipped is caught by `writ verify`, or nothing rests on it: `flipping.WHY`.

The flips are drawn with a seed that is printed; `WRIT_SEED` sets it. The time-stamps in the bundle are new in
each run, so a flip is told with its place.
"""

import os
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.projections import eventful
from tests.projections.flipping import WHY, Bundle, Flip, Flipped, flip, raw_flips, sampled, shared
from tests.projections.logbuilder import write_zip


@pytest.fixture
def bundles() -> dict[str, Bundle]:
    """Of a log of over 2,000 entries."""
    assert eventful.stamped().log.size >= 2_000
    return eventful.bundles()


def seed() -> int:
    """What all is drawn with; printed, so that a failure tells it."""
    drawn = int(os.environ.get("WRIT_SEED") or random.randrange(1 << 32))
    print(f"WRIT_SEED={drawn}")
    return drawn


def packed(bundle: Bundle, folder: Path) -> bytes:
    return write_zip(bundle.files, folder / "packed.zip").read_bytes()


@pytest.mark.parametrize(("kind", "count"), [("full", 500), ("compact", 300), ("record", 200)])
def test_a_flip_of_a_member_is_caught_or_explained(
    bundles: dict[str, Bundle], tmp_path: Path, kind: str, count: int
) -> None:
    bundle = bundles[kind]
    found = flip(bundle, sampled(bundle.files, count, seed()), tmp_path)
    assert found.unexplained == []
    assert found.caught + found.passed.total() == count
    assert found.caught > count / 2


@pytest.mark.parametrize("kind", ["full", "compact", "record"])
def test_a_flip_of_the_zip_is_caught_or_explained(
    bundles: dict[str, Bundle], tmp_path: Path, kind: str
) -> None:
    raw = packed(bundles[kind], tmp_path)
    found = flip(bundles[kind], raw_flips(len(raw), 100, seed()), tmp_path, packed=raw)
    assert found.unexplained == []
    assert found.caught > 0


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "count"), [("full", 20_000), ("compact", 4_000), ("record", 4_000)])
def test_many_flips(bundles: dict[str, Bundle], tmp_path: Path, kind: str, count: int) -> None:
    bundle, drawn = bundles[kind], seed()
    raw = packed(bundle, tmp_path)
    flips = sampled(bundle.files, count, drawn) + raw_flips(len(raw), count // 10, drawn)
    found = in_processes(bundle, flips, raw, tmp_path)
    print(f"{kind}: {len(flips)} flips, {found.caught} caught, {dict(found.passed)}")
    assert found.unexplained == []
    assert set(found.passed) <= set(WHY)


def in_processes(bundle: Bundle, flips: list[Flip], raw: bytes, tmp_path: Path) -> Flipped:
    """All flips, shared out to as many processes as there are cores."""
    count = os.cpu_count() or 1
    folders = [tmp_path / str(at) for at in range(count)]
    for folder in folders:
        folder.mkdir()
    # Not forked: the tests' own process has threads.
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        parts = [
            pool.submit(flip, bundle, part, folder, packed=raw)
            for part, folder in zip(shared(flips, count), folders, strict=True)
        ]
        return sum((part.result() for part in parts), Flipped())
