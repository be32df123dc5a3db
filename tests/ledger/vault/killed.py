"""Run `writ` and kill it with SIGKILL as it is about to run its N-th line of the vault's own work.

    python -m tests.ledger.vault.killed N vault erase …

Counted are the lines of the vault, of what it writes with, and of the poster; so each N is a moment between
two steps, whatever they are. Where the command ends before, it prints how many lines it took.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from ledger import cli

_LEDGER = Path(cli.__file__).parent
_COUNTED = {
    *map(str, (_LEDGER / "vault").glob("*.py")),
    *(str(_LEDGER / name) for name in ("cli_vault.py", "client.py", "durable.py", "source_state.py")),
}


class Killer:
    """Counts lines, in all threads."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.lines = 0

    def call(self, frame: FrameType, event: str, _: Any) -> Any:
        """Whether the lines of a function count."""
        return self.line if frame.f_code.co_filename in _COUNTED else None

    def line(self, frame: FrameType, event: str, _: Any) -> Any:
        """Count a line, or end here."""
        if event == "line":
            self.lines += 1
            if self.lines == self.last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.line


if __name__ == "__main__":
    killer = Killer(int(sys.argv[1]))
    threading.settrace(killer.call)
    sys.settrace(killer.call)
    code = cli.main(sys.argv[2:])
    sys.settrace(None)
    print(killer.lines, file=sys.stderr)
    sys.exit(code)
