"""What went wrong, and what to do about it: the failures that people are expected to meet."""

from __future__ import annotations


class Failure(Exception):
    """An expected failure: one line says what is wrong, `remedy` says what to do. Never a bug."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


class Misuse(Failure):
    """A command line that cannot be followed."""
