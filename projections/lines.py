"""Lines: the set of copies behind a digest (`signing.setdigest`), or what it adds to one."""

from collections.abc import Iterable, Sequence
from typing import Final

from signing.setdigest import DEPTH, bucket_root, digest_of, joined_root

FANOUT: Final = 16
"""How many parts join: those whose handles begin alike up to the next hex digit."""
DIGITS: Final = 3
LEAVES: Final = FANOUT**DIGITS
"""The leaves of a large sum: the records whose handles begin with the same digits."""
SETTLED: Final = DEPTH - 4 * DIGITS
"""The height of the subtree that a leaf's set is: sixteen buckets."""

_NONE: Final[list[bytes]] = []


def leaf_of(handle: str) -> int:
    """The leaf in which a record belongs."""
    return int(handle[:DIGITS], 16)


class Lines:
    """Copies as their digest has them, or, once settled, the root of the digest's subtree that they make up.

    A settled set is of neighbouring buckets, or joined of such sets.
    """

    __slots__ = ("_height", "_lines", "_root")

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._root: bytes | None = None
        self._height = -1

    def add(self, handles: Iterable[str], store: str) -> None:
        """Add the copies that these records have in a store."""
        assert self._height < 0, "what is settled stays"
        self._lines += [f"{handle} {store}".encode() for handle in handles]

    def digest(self) -> bytes:
        """The digest of the whole set."""
        if self._height < 0:
            return digest_of(self._lines).digest
        assert self._height == DEPTH, "a part is not the set"
        return joined_root([self._root], DEPTH)

    def settled(self) -> "Lines":
        """Only what the lines add to the digest, which begin alike but for the last digit of their bucket."""
        if not self._lines:
            return NOBODY
        buckets: list[list[bytes]] = [[] for _ in range(FANOUT)]
        for line in self._lines:
            buckets[int(line[DIGITS : DIGITS + 1], 16)].append(line)
        roots = [bucket_root(lines) if lines else None for lines in buckets]
        return Lines._of(joined_root(roots, 0), SETTLED)

    @classmethod
    def _of(cls, root: bytes | None, height: int) -> "Lines":
        lines = cls.__new__(cls)
        lines._lines, lines._root, lines._height = _NONE, root, height
        return lines

    @classmethod
    def joined(cls, parts: Sequence["Lines | None"]) -> "Lines":
        """The union of `FANOUT` settled sets, side by side; None: empty."""
        height = next(part._height for part in parts if part is not None)
        roots = [None if part is None else part._root for part in parts]
        return cls._of(
            joined_root(roots, height) if any(roots) else None, height + (len(parts) - 1).bit_length()
        )


NOBODY: Final = Lines._of(None, SETTLED)
"""The settled set without lines: one serves all."""
