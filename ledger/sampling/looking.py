"""Looking for a sample in its store: all real keys are read, and those whose handles are wanted are told.

Beside the drawn handles some live ones are looked for in the same pass (the positive control): with another
key, or in another table, nothing is ever found, and that nothing was found says nothing.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from ledger.inventory.crew import Crew, batches
from ledger.remote import RemoteLog
from ledger.remote_sets import ledger_lines, ledger_set
from ledger.stores.source import Source
from signing.setdigest import EMPTY_BUCKET

CONTROLS: Final = 20


class Looked(Struct, frozen=True):
    """What was found: the native ids of those drawn, by handle, and how many of the live ones."""

    found: dict[str, list[str]]
    control_checked: int
    control_found: int


async def live_handles(log: RemoteLog, store: str) -> frozenset[str]:
    """Some handles that the ledger has live in a store, chosen by chance; none where nothing is."""
    ours = await ledger_set(log, store)
    filled = [bucket for bucket, hashed in enumerate(ours.hashes) if hashed != EMPTY_BUCKET]
    chance = secrets.SystemRandom()
    chosen = chance.sample(filled, min(CONTROLS, len(filled)))
    lines = await ledger_lines(log, ours, chosen)
    return frozenset(chance.choice(lines[bucket]).decode() for bucket in chosen)


def look(
    source: Source,
    key: bytes,
    namespace: str,
    drawn: Iterable[str],
    controls: Iterable[str],
    tell: Callable[[int], None],
) -> Looked:
    """Read the whole store, and say which of the wanted are there."""
    drawn, controls = frozenset(drawn), frozenset(controls) - frozenset(drawn)
    wanted = frozenset(map(bytes.fromhex, drawn | controls))
    found: dict[str, list[str]] = {}
    with Crew(key, namespace, wanted) as crew:
        for part in source.parts():
            for matches in crew.matches(batches(_counted(source.keys(part), tell))):
                for one in matches:
                    found.setdefault(one.handle, []).append(one.native)
    return Looked(
        {handle: sorted(natives) for handle, natives in sorted(found.items()) if handle in drawn},
        len(controls),
        len(controls & found.keys()),
    )


def _counted(ids: Iterable[Sequence[str]], tell: Callable[[int], None]) -> Iterator[Sequence[str]]:
    for some in ids:
        tell(len(some))
        yield some
