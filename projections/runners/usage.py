"""Usage: what a command was given can't be used, so nothing is checked: no verdict on a log."""

import sys
from typing import Final

import msgspec

USAGE: Final = 2
"""The exit code."""


class UsageError(Exception):
    """What a command was given can't be used, or not with what is installed; `remedy` says what to do."""

    def __init__(self, what: str, remedy: str = "see its --help") -> None:
        super().__init__(what)
        self.remedy = remedy


def require_unused(option: str, value: object, why: str, remedy: str) -> None:
    """Refuse an option that nothing would read: who brought it would believe more than was checked."""
    if value is not None:
        raise UsageError(f"{option}: {why}", remedy)


def tell(command: str, error: Exception, what: str, remedy: str, *, as_json: bool) -> int:
    """Say on standard error what can't be used, and what to do; returns the exit code."""
    said = {"error": what, "kind": type(error).__name__, "remedy": remedy}
    words = msgspec.json.encode(said).decode() if as_json else f"writ {command}: {what} ({remedy})"
    print(words, file=sys.stderr)
    return USAGE
