"""The events of an inventory, as canonical lines: where it begins, and what it found."""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from msgspec import UNSET

from ledger.inventory.findings import Look
from projections import events as ev
from signing.encoding import encode_base64
from signing.setdigest import SetDigest

MAX_NAMED: Final = 1_000
"""So many handles one event names."""
_STORE_CHARACTERS: Final = 40


def new_inventory(store: str) -> str:
    """A name that no other inventory has, and that fits into an id."""
    return f"{store[:_STORE_CHARACTERS]}-{uuid4().hex[:12]}"


def begun_line(look: Look) -> bytes:
    """Announces the place for which the inventory counts."""
    data = ev.InventoryBegun(controller=look.controller, inventory=look.inventory, store=look.store)
    return _line(data, look, look.began_at)


def attested_line(
    look: Look, seen: SetDigest, time: str, orphans: Sequence[str] = (), missing: Sequence[str] = ()
) -> bytes:
    """Attests to what was found, and names the handles by which that differs from the ledger, if given."""
    data = ev.InventoryAttested(
        begun_root=UNSET if look.begun_root is None else look.begun_root,
        begun_size=UNSET if look.begun_size is None else look.begun_size,
        controller=look.controller,
        count=seen.count,
        digest=encode_base64(seen.digest),
        inventory=look.inventory,
        method=look.method,
        missing=tuple(sorted(missing)) or UNSET,
        orphans=tuple(sorted(orphans)) or UNSET,
        store=look.store,
    )
    return _line(data, look, time)


def _line(data: ev.Data, look: Look, time: str) -> bytes:
    line = ev.encode_event(ev.make_event(data, id=uuid4().hex, source=look.source, time=time))
    ev.decode_event(line)  # says which field is wrong before anything is sent
    return line
