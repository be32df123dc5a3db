"""Looking for a sample in its store: all real keys are read, and those whose handles are wanted are told.

Beside the drawn handles some live ones are looked for in the same pass: the positive control.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from ledger.inventory.crew import Crew, batches
from ledger.stores.source import Source

CONTROLS: Final = 300


class Looked(Struct, frozen=True):
    """What was found: the native ids of those drawn, by handle. And of the control, what was looked for, and
    what was missed."""

    found: dict[str, list[str]]
    control: frozenset[str]
    missed: frozenset[str]


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
        controls,
        controls - found.keys(),
    )


def _counted(ids: Iterable[Sequence[str]], tell: Callable[[int], None]) -> Iterator[Sequence[str]]:
    for some in ids:
        tell(len(some))
        yield some
