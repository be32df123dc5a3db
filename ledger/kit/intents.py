"""What is about to be erased from a store that has no transactions: written down before, until it is told.

An intent stands in the file of the outbox. So it leaves in the same moment in which its events begin to wait.
Its native ids stand there in the clear for as long as the erasure takes.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from ledger.durable import alone
from ledger.failure import Failure
from ledger.kit.deeds import Grounds
from ledger.outbox.store import Outbox

_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS intents (id TEXT PRIMARY KEY, intent BLOB NOT NULL)"
_WRITE: Final = "INSERT INTO intents VALUES (?, ?)"
_REMOVE: Final = "DELETE FROM intents WHERE id = ?"
_ALL: Final = "SELECT intent FROM intents ORDER BY rowid"
_EMPTY_JOURNAL: Final = "PRAGMA wal_checkpoint(TRUNCATE)"

Pieces = dict[str, tuple[str, ...]]
"""By native id, what there is of it in a store: its versions, its files."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure that was decided: what was there then is what goes."""

    id: str
    store: str
    grounds: Grounds
    there: Pieces
    begun_s: int


def write_intent(outbox: Outbox, store: str, grounds: Grounds, there: Pieces) -> Intent:
    """Write down what is about to be erased; on return it lasts."""
    _make_table(outbox)
    intent = Intent(id=uuid4().hex, store=store, grounds=grounds, there=there, begun_s=int(time.time()))
    outbox.memory.execute(_WRITE, (intent.id, msgspec.json.encode(intent)))
    return intent


def remove_intent(outbox: Outbox, intent: Intent) -> None:
    """It is told; within the block in which its events are put."""
    outbox.memory.execute(_REMOVE, (intent.id,))


def leave_no_trace(outbox: Outbox) -> None:
    """What was removed goes from SQLite's journal too, where it would stand for as long as anybody has the
    file open; outside of any transaction."""
    outbox.memory.execute(_EMPTY_JOURNAL)


def unfinished(outbox: Outbox) -> list[Intent]:
    """What was begun and is not told, oldest first."""
    _make_table(outbox)
    return [msgspec.json.decode(row[0], type=Intent) for row in outbox.memory.execute(_ALL)]


def broken_off(outbox: Outbox) -> list[Intent]:
    """What is unfinished in stores from which nobody is erasing: a process has died, and none has resumed."""
    return [intent for intent in unfinished(outbox) if not _is_under_way(outbox, intent.store)]


def lock_of(outbox: Outbox, store: str) -> Path:
    """The file that whoever erases from a store holds."""
    return outbox.folder / f"{store}.lock"


def _is_under_way(outbox: Outbox, store: str) -> bool:
    try:
        with alone(lock_of(outbox, store), f"erases from {store}"):
            return False
    except Failure:
        return True


def _make_table(outbox: Outbox) -> None:
    outbox.memory.execute(_SCHEMA)
    # What is removed is overwritten: an id that was erased everywhere else is not to stay here.
    outbox.memory.execute("PRAGMA secure_delete = ON")
