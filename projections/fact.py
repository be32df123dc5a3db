"""A fact: one event of a verified log, with where it stands and who posted it."""

from typing import Any, Final

from msgspec import Struct, UnsetType

from projections.events import TYPE_OF, Event, InventoryAttested
from projections.registry import Poster
from signing.encoding import decode_base64

# The fields that hold handles; who acts (`actor`) is no record, though his id may be a handle too.
HANDLES: Final = ("artefacts", "failed", "missing", "orphans", "probe", "records", "tokens")
HANDLES_OF: Final = {
    data: tuple(name for name in HANDLES if name in data.__struct_fields__) for data in TYPE_OF
}


class Fact(Struct, frozen=True):
    """One event as the folds see it: already checked against chain, tree, signature and role.

    `index` is the entry's place in the log, `time_us` its recorded time in Unix microseconds
    (the operator's clock), `poster` the key or token it was posted under. `misquotes` is true of an event
    that names a checkpoint which this log never had: whoever posted it was shown another log.
    """

    index: int
    time_us: int
    poster: Poster
    event: Event[Any]
    misquotes: bool = False


def quoted(event: Event[Any]) -> tuple[int, bytes] | None:
    """The size and root of this log that an event names and that nobody has compared yet, if it names any.

    A submission's and an anchor's are compared by whoever admits or audits them; an inventory's by the runner
    of the fold, which has the tree at hand.
    """
    data = event.data
    if type(data) is not InventoryAttested or isinstance(data.begun_root, UnsetType):
        return None
    assert not isinstance(data.begun_size, UnsetType), "both are there or neither is"
    return data.begun_size, decode_base64(data.begun_root)


def named(event: Event[Any]) -> set[str]:
    """Every handle that the event names, whether or not it changes that handle's state."""
    handles: set[str] = set()
    for field in HANDLES_OF[type(event.data)]:
        value = getattr(event.data, field)
        if isinstance(value, str):
            handles.add(value)
        elif not isinstance(value, UnsetType):
            handles.update(value)
    return handles
