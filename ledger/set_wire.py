"""What the service and its client both know of sets over HTTP: heads, bounds, how a store is told."""

from typing import Final

from msgspec import Struct

# Where an answer says of which size, how many, and with which digest.
SIZE: Final = "Writ-Size"
COUNT: Final = "Writ-Count"
DIGEST: Final = "Writ-Digest"

MAX_BUCKETS: Final = 1_000
MAX_HANDLES: Final = 100_000
# What one answer holds at most of a set, unless a single bucket holds more.
MAX_LINES: Final = 200_000


class StoreLine(Struct, frozen=True, kw_only=True):
    """A store as it was declared last. `retired`: the entry that retired it."""

    store: str
    entry: int
    operator_key: str
    namespace: str
    blinding_commitment: str
    kind: str
    country: str
    versioned: bool
    object_locked: bool
    backup_retention_days: int
    retired: int | None
