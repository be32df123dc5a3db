"""Run `writ` and kill it with SIGKILL as it is about to run its N-th line of what vault and samples do.

    python -m tests.ledger.killed N vault erase …

Counted are their lines, and those of what they write and post with; so each N is a moment between two steps,
whatever they are. Where the command ends before, it prints how many lines it took.
"""

import asyncio
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
    *(str(path) for folder in ("vault", "sampling") for path in (_LEDGER / folder).glob("*.py")),
    *(
        str(_LEDGER / f"{name}.py")
        for name in ("cli_sample", "cli_vault", "client", "durable", "source_state")
    ),
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


async def killed(line: int, *words: str, folder: Path | None = None) -> int | None:
    """Run a command and kill it at a line; None, or how many lines it took to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.ledger.killed", str(line), *words,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(_LEDGER.parent)},
    )  # fmt: skip
    _, said = await process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), said.decode()
    return int(said) if process.returncode == 0 else None


def spread(lines: int, kills: int) -> list[int]:
    """So many of a command's lines, evenly, the last one among them."""
    return sorted({1 + (lines - 1) * at // kills for at in range(1, kills + 1)})


if __name__ == "__main__":
    killer = Killer(int(sys.argv[1]))
    threading.settrace(killer.call)
    sys.settrace(killer.call)
    code = cli.main(sys.argv[2:])
    sys.settrace(None)
    print(killer.lines, file=sys.stderr)
    sys.exit(code)
