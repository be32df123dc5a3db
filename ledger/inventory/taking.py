"""Taking an inventory: all keys of a store read, blinded, put away and digested."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from ledger.failure import Failure
from ledger.inventory.crew import Crew, batches
from ledger.inventory.findings import keep
from ledger.inventory.folder import WorkFolder
from ledger.stores.source import Part, Source
from signing.setdigest import SetDigest

Told = Callable[[int], None]
"""Told how many more keys were read, or were read before."""

_END: Final[Sequence[str]] = ()
"""What follows the last batch of a part."""


class Taken(Struct, frozen=True, kw_only=True):
    """What reading a whole store gave."""

    seen: SetDigest
    repeated: int
    """How often a key was there again. Each was counted once."""
    parts: Sequence[Part]
    parts_known: int
    """Of so many parts the handles were at hand: they are as they were when they were read."""


def take(source: Source, crew: Crew, folder: WorkFolder, inventory: str, told: Told) -> Taken:
    """Read, blind and digest all keys of a store, as far as the folder has not them already."""
    parts = source.parts()
    folder.retain(parts)
    unread = []
    for part in parts:
        known = folder.known(part)
        if known is None:
            unread.append(part)
        else:
            told(known)
    _read(source, unread, crew, folder, told)
    folder.save()
    seen, repeated = keep(folder.path, inventory, crew.digested(folder.ranges()))
    return Taken(seen=seen, repeated=repeated, parts=parts, parts_known=len(parts) - len(unread))


def require_unchanged(source: Source, before: Sequence[Part]) -> None:
    """Return only if no part has another state than before: somebody vouched that nothing is written."""
    now = {part.name: part.state for part in source.parts()}
    for part in before:
        if now.get(part.name) != part.state:
            raise Failure(
                f"the store was written to while it was read: {part.name} is not what it was",
                "stop what writes there and begin again: what is unchanged is not read again",
            )
    if len(now) > len(before):
        raise Failure("the store was written to while it was read: something was added", "begin again")


def _read(source: Source, parts: Sequence[Part], crew: Crew, folder: WorkFolder, told: Told) -> None:
    """Parts are read ahead of what is blinded, also into the next part: `going` tells whose turn it is."""
    going: deque[Part] = deque()
    for run in crew.blinded(_batches(source, parts, going)):
        part = going.popleft()
        if run.rows:
            folder.put(part, run)
            told(sum(run.counts))
        else:
            folder.finish(part)


def _batches(source: Source, parts: Sequence[Part], going: deque[Part]) -> Iterator[Sequence[str]]:
    for part in parts:
        for batch in batches(source.keys(part)):
            going.append(part)
            yield batch
        going.append(part)
        yield _END
