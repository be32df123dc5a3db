"""What a vault remembers: the lines of its source log, and what they say of each piece.

The lines are the truth, the rest follows from them: a line is stored in the transaction that decides what it
says, and posted afterwards; how many of them the log has acknowledged is the state of the source log
(`source_state`). So nothing is announced twice, and nothing is done that was not announced before.

No secret stands in here, neither key nor salt: a copy of this file opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from ledger.durable import at_once, open_memory
from projections import events as ev
from projections.vocabulary import Evidence

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    log TEXT NOT NULL, source TEXT NOT NULL, controller TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS lines (position INTEGER PRIMARY KEY, line BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS keys (
    key BLOB PRIMARY KEY, subject TEXT NOT NULL, doomed INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pieces (
    sha256 TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, position INTEGER NOT NULL,
    erasure TEXT, requested INTEGER, erased INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pieces_by_subject ON pieces (subject);
"""
_INTRODUCE = "INSERT INTO identity VALUES (1, ?, ?, ?)"
_IDENTITY = "SELECT log, source, controller FROM identity"
_ADD_LINE = "INSERT INTO lines VALUES (?, ?)"
_COUNT = "SELECT count(*) FROM lines"
_LINES = "SELECT line FROM lines WHERE position >= ? ORDER BY position"
_ADD_KEY = "INSERT INTO keys (key, subject) VALUES (?, ?)"
_KEYS_IN_USE = "SELECT key FROM keys WHERE subject = ? AND NOT doomed"
_DOOM = "UPDATE keys SET doomed = 1 WHERE key = ?"
_DOOMED = "SELECT key, subject FROM keys WHERE doomed"
_ADD_PIECE = """
INSERT INTO pieces (sha256, kind, subject, position) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_REQUESTED = "UPDATE pieces SET erasure = ?, requested = ? WHERE sha256 = ? AND requested IS NULL"
_ERASED = "UPDATE pieces SET erased = ? WHERE sha256 = ? AND erased IS NULL"
_PIECES = "SELECT sha256, kind, subject, position, erasure, requested, erased FROM pieces"


class Identity(Struct, frozen=True):
    """Which log a vault posts to, in which source log of its own, and whose log that is."""

    log: str
    source: str
    controller: str


class Piece(Struct, frozen=True):
    """One document. `position`, `requested` and `erased` are the lines that say so."""

    sha256: str
    kind: str
    subject: str
    """`order:` or `record:`, and which."""
    position: int
    erasure: str | None
    requested: int | None
    erased: int | None

    @property
    def evidence(self) -> Evidence:
        """As events name it."""
        return Evidence(kind=self.kind, sha256=self.sha256)  # type: ignore[arg-type]


class Memory:
    """A vault's SQLite file, used by one process at a time."""

    def __init__(self, path: Path) -> None:
        remedy = "restore it from a copy: what the copy lacks is read from the log"
        self._memory = open_memory(path, _SCHEMA, what="the memory of a vault", remedy=remedy)

    def close(self) -> None:
        """Let go of the file."""
        self._memory.close()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """All of the block is remembered, or nothing."""
        with at_once(self._memory):
            yield

    @property
    def identity(self) -> Identity | None:
        """Whose vault this is; None before it has taken anything in."""
        row = self._memory.execute(_IDENTITY).fetchone()
        return None if row is None else Identity(*row)

    def introduce(self, identity: Identity) -> None:
        """Say once whose vault this is."""
        self._memory.execute(_INTRODUCE, (identity.log, identity.source, identity.controller))

    @property
    def count(self) -> int:
        """How many lines there are."""
        number: int = self._memory.execute(_COUNT).fetchone()[0]
        return number

    def lines(self, begin: int = 0) -> list[bytes]:
        """The lines from a position on."""
        return [row[0] for row in self._memory.execute(_LINES, (begin,))]

    def take(self, line: bytes) -> None:
        """Add a line of the source log, and what it says of its pieces."""
        position = self.count
        self._memory.execute(_ADD_LINE, (position, line))
        data = ev.decode_event(line).data
        if isinstance(data, ev.EvidenceKept):
            rows = [(one.sha256, one.kind, subject_of(data), position) for one in data.evidence]
            self._memory.executemany(_ADD_PIECE, rows)
        elif isinstance(data, ev.EvidenceErasureRequested):
            asked = [(data.erasure, position, one.sha256) for one in data.evidence]
            self._memory.executemany(_REQUESTED, asked)
        elif isinstance(data, ev.EvidenceErased):
            self._memory.executemany(_ERASED, [(position, one.sha256) for one in data.evidence])

    def pieces(self, where: str = "TRUE", values: Sequence[Any] = ()) -> list[Piece]:
        """Pieces, in the sequence in which they were kept."""
        sql = f"{_PIECES} WHERE {where} ORDER BY position, sha256"
        return [Piece(*row) for row in self._memory.execute(sql, values)]

    def add_key(self, key_id: bytes, subject: str) -> None:
        """Remember for whom a key is."""
        self._memory.execute(_ADD_KEY, (key_id, subject))

    def keys_in_use(self, subject: str) -> list[bytes]:
        """The keys of an order or record under which more may be sealed."""
        return [row[0] for row in self._memory.execute(_KEYS_IN_USE, (subject,))]

    def doom(self, key_id: bytes) -> None:
        """Decide that a key is destroyed, from which there is no way back."""
        self._memory.execute(_DOOM, (key_id,))

    def doomed(self) -> list[tuple[bytes, str]]:
        """The keys that are to be gone, each with whose it was."""
        return list(self._memory.execute(_DOOMED))


def subject_of(data: ev.EvidenceKept) -> str:
    """Under whose key a piece is."""
    return f"order:{data.order}" if isinstance(data.order, str) else f"record:{data.records[0]}"  # type: ignore[index]
