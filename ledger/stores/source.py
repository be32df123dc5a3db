"""Sources: a data store's own keys, read for an inventory or a probe."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct


class Part(Struct, frozen=True):
    """A piece of a store that is read by itself: a file, a listing, or the whole.

    `state` becomes another whenever anything in the part does, so that what was read of it in the same state
    need not be read again. Empty where nothing tells.
    """

    name: str
    state: str = ""


class Source(Protocol):
    """One store, opened for reading. Whoever opened it closes it."""

    @property
    def is_snapshot(self) -> bool:
        """Whether all keys are those of one moment, whatever is written meanwhile."""

    def estimate(self) -> int | None:
        """About how many keys there are, for a progress bar; None where counting costs as much as reading."""

    def parts(self) -> Sequence[Part]:
        """What is read, piece by piece, always in the same sequence."""

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        """The native ids of one part, as text that is blinded (`signing.handle.native_text`), some at a time.

        A `Failure` names what can't be read and the remedy. A key may come more than once.
        """

    def close(self) -> None:
        """Let go of the store."""
