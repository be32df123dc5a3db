"""`check.py` as a user runs it, and what is beyond it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

CHECK: Final = Path(__file__).with_name("check.py")
BEYOND: Final = frozenset({"fields", "law", "role", "time"})
"""Kinds of failure (docs/spec/bundle.md) that it does not look for: it knows no law, roles, clock
or vocabulary."""
_SAID: Final = {
    "fields": re.compile(
        r"not an event: (?!\$|byte|backslash|not canonical|not JSON|duplicate|nested|.*: policy )"
        r"|^proof/\d+: data\.(?!.*: policy )"
        r"|^statement: (Object|Expected|Invalid)|^statement is not in canonical form"
    ),
    "law": re.compile(r"the statement is not what the log gives"),
    "role": re.compile(
        r"entry \d+: (should not have been accepted|no log accepts it on what this bundle shows): "
        r"(?!the key |origin: )"
    ),
    "time": re.compile(r"entry \d+: recorded (after|before) witnesses|is yet to come|the order accepts"),
}


def check(path: Path, *vkeys: str) -> tuple[int, str]:
    """The exit status, and what is said."""
    # Without the environment and the user's packages: it needs nothing but what comes with Python.
    command = [sys.executable, "-E", "-s", str(CHECK), str(path), *vkeys]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def kind_of(failure: str) -> str | None:
    """The kind beyond `check.py` to which a failure that `writ verify` tells belongs, if it is one."""
    return next((kind for kind, pattern in _SAID.items() if pattern.search(failure)), None)
