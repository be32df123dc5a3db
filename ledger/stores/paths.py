"""Paths of files and objects: which native id stands in one."""

import re


class Naming:
    """Takes ids out of paths, by a pattern with one group or whole.

    A path that the pattern does not fit is an id itself. So a copy under another name (`7.jpg.bak`) is found
    as an orphan, where a pattern that picked paths would hide it.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern) if pattern else None

    def id_of(self, path: str) -> str:
        """The native id of what stands at a path."""
        if self._pattern is None:
            return path
        found = self._pattern.fullmatch(path)
        # A group that took no part in the match is no id either.
        return path if found is None or found[1] is None else found[1]
