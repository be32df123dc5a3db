"""Reading a source whole, as an inventory does."""

from ledger.stores.opening import Where, open_at
from ledger.stores.source import Source


def all_keys(source: Source) -> list[str]:
    """All keys of a source that is open."""
    return [key for part in source.parts() for batch in source.keys(part) for key in batch]


def keys_at(where: Where) -> list[str]:
    """All keys of a store, opened and closed."""
    source = open_at(where)
    try:
        return all_keys(source)
    finally:
        source.close()
