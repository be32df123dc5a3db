"""The examples of erasing as people run them, and what their outbox says afterwards."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ledger.outbox.store import Outbox
from tests.ledger.outbox_at_hand import claimed, holding

ROOT = Path(__file__).parents[2]


def run(
    name: str, box: Path, where: str | Path, *ids: str, env: Mapping[str, str] | None = None
) -> tuple[int, list[str]]:
    """Run an example; its exit code and what it says."""
    words = [sys.executable, "-m", f"tests.examples.{name}", str(box), str(box.parent / "blinding.key")]
    done = subprocess.run(
        [*words, str(where), *ids], capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, **(env or {})},
    )  # fmt: skip
    return done.returncode, (done.stdout or done.stderr[-400:]).splitlines()


def told(box: Path) -> set[str]:
    """The handles that an event says are gone."""
    with Outbox.open(box) as outbox:
        return set(claimed(outbox))


def handles(store: str, *ids: str | int) -> set[str]:
    return {holding(store).handle(id) for id in ids}
