"""Width: what people read is broken between words where a terminal shows it. Into a file or a pipe a line
goes whole, for whoever looks for it there."""

import shutil
import sys
import textwrap
from typing import Final

_LEAST: Final = 60


def fitted(text: str) -> str:
    """A report as standard output has room for it."""
    if not sys.stdout.isatty():
        return text
    columns = max(shutil.get_terminal_size().columns, _LEAST)
    return "\n".join(_broken(line, columns) for line in text.split("\n"))


def _broken(line: str, columns: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line, columns, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False
    )
