"""What `writ watch` has seen, on disk: every checkpoint for ever, and which alarms stand."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import msgspec

from ledger.durable import at_once, open_memory
from ledger.growth import Signed, open_signed
from signing.keys import VerifierKey, format_vkey

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS checkpoints (
    number INTEGER PRIMARY KEY, log TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
    note BLOB NOT NULL, seen_s INTEGER NOT NULL, proved INTEGER NOT NULL, UNIQUE (log, size, root, proved)
);
CREATE INDEX IF NOT EXISTS heads ON checkpoints (log, proved, size);
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON checkpoints
    BEGIN SELECT raise(ABORT, 'a checkpoint is kept as it was seen'); END;
CREATE TRIGGER IF NOT EXISTS never_removed BEFORE DELETE ON checkpoints
    BEGIN SELECT raise(ABORT, 'a checkpoint is kept for ever'); END;
CREATE TABLE IF NOT EXISTS begun (log TEXT, subject TEXT, at_s INTEGER NOT NULL, PRIMARY KEY (log, subject));
CREATE TABLE IF NOT EXISTS alarms (
    number INTEGER PRIMARY KEY, log TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    what TEXT NOT NULL, evidence TEXT NOT NULL, since_s INTEGER NOT NULL, cleared_s INTEGER,
    told INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS standing ON alarms (log, kind, subject) WHERE cleared_s IS NULL;
"""
_HEAD: Final = "SELECT note FROM checkpoints WHERE log = ? AND proved ORDER BY size DESC LIMIT 1"
_KEEP: Final = (
    "INSERT OR IGNORE INTO checkpoints (log, size, root, note, seen_s, proved) VALUES (?, ?, ?, ?, ?, ?)"
)
_KNOWN: Final = "SELECT 1 FROM checkpoints WHERE log = ? AND size = ? AND root = ? AND proved"
_BEGUN: Final = "SELECT at_s FROM begun WHERE log = ? AND subject = ?"
_BEGIN: Final = "INSERT OR REPLACE INTO begun (log, subject, at_s) VALUES (?, ?, ?)"
_COLUMNS: Final = "number, log, kind, subject, what, evidence, since_s"
_STANDING: Final = f"SELECT {_COLUMNS} FROM alarms WHERE cleared_s IS NULL ORDER BY number"  # noqa: S608
_RAISE: Final = (
    "INSERT OR IGNORE INTO alarms (log, kind, subject, what, evidence, since_s) VALUES (?, ?, ?, ?, ?, ?)"
)
_CLEAR: Final = (
    "UPDATE alarms SET cleared_s = ? WHERE log = ? AND kind = ? AND subject = ? AND cleared_s IS NULL "
    "RETURNING number, log, kind, subject, what, evidence, since_s"
)
_UNTOLD: Final = f"SELECT {_COLUMNS} FROM alarms WHERE NOT told ORDER BY number"  # noqa: S608
_TELL: Final = "UPDATE alarms SET told = 1 WHERE number = ?"


class Alarm(msgspec.Struct, frozen=True):
    """One thing that is wrong with one log, and since when."""

    number: int
    log: str
    kind: str
    subject: str
    what: str
    evidence: str
    since_s: int


class FollowMemory:
    """The file. One process uses it."""

    def __init__(self, path: Path) -> None:
        remedy = "bring back a copy, or give another --data"
        self._db = open_memory(path, _SCHEMA, what="the memory of a watch", remedy=remedy)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """All of the block is kept, or nothing."""
        return at_once(self._db)

    def head(self, key: VerifierKey) -> Signed | None:
        """The greatest checkpoint of which it was proved that it continues those before it."""
        row = self._db.execute(_HEAD, (format_vkey(key),)).fetchone()
        return None if row is None else open_signed(row[0], key)

    def keep(self, key: VerifierKey, signed: Signed, now_s: int, *, proved: bool) -> None:
        """Keep a checkpoint for ever; one that is kept already stays as it is."""
        checkpoint = signed.checkpoint
        row = (format_vkey(key), checkpoint.size, checkpoint.root, signed.raw, now_s, proved)
        self._db.execute(_KEEP, row)

    def is_known(self, key: VerifierKey, signed: Signed) -> bool:
        """Whether this checkpoint was once proved to continue those before it."""
        row = (format_vkey(key), signed.checkpoint.size, signed.checkpoint.root)
        return self._db.execute(_KNOWN, row).fetchone() is not None

    def begun_s(self, log: str, subject: str, now_s: int) -> int:
        """When something was last well; now, where nothing is known of it."""
        row = self._db.execute(_BEGUN, (log, subject)).fetchone()
        if row is None:
            self.begin(log, subject, now_s)
            return now_s
        return int(row[0])

    def begin(self, log: str, subject: str, now_s: int) -> None:
        """Note that something is well now."""
        self._db.execute(_BEGIN, (log, subject, now_s))

    def standing(self) -> list[Alarm]:
        """The alarms that stand, oldest first."""
        return [Alarm(*row) for row in self._db.execute(_STANDING)]

    def raise_alarm(self, log: str, kind: str, subject: str, what: str, evidence: str, now_s: int) -> None:
        """Let an alarm stand; one that stands already stays as it is."""
        self._db.execute(_RAISE, (log, kind, subject, what, evidence, now_s))

    def clear(self, log: str, kind: str, subject: str, now_s: int) -> list[Alarm]:
        """End an alarm; what ended."""
        return [Alarm(*row) for row in self._db.execute(_CLEAR, (now_s, log, kind, subject)).fetchall()]

    def untold(self) -> list[Alarm]:
        """The alarms that nobody has been told yet."""
        return [Alarm(*row) for row in self._db.execute(_UNTOLD)]

    def tell(self, alarm: Alarm) -> None:
        """Note that somebody was told."""
        self._db.execute(_TELL, (alarm.number,))
