"""The command line as people run it, and what the tests of it post."""

import subprocess
import sys
from pathlib import Path

ORIGIN = "ledger.example/clearview"
STORE = {
    "blinding_commitment": "JediBA23Av/wzgDqzabNMWP0UiBj7C0yJkO/BqBWL/M=",
    "controller": "clearview", "country": "US", "kind": "live", "namespace": "people",
    "object_locked": False, "operator_key": "crawler.clearview.example", "versioned": False,
}  # fmt: skip


def writ(*words: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as people do."""
    command = [sys.executable, "-m", "ledger.cli", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, cwd=cwd)
