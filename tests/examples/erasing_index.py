"""Erase documents of a search index (SQLite FTS5), and tell the ledger.

    python -m tests.examples.erasing_index OUTBOX BLINDING_KEY INDEX.db ID…

An index is a copy of what it finds. Most of them only mark what is deleted, and drop it when segments are
merged: here `optimize` merges them at once, and `secure_delete` overwrites the pages that become free.
"""

import sqlite3
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ledger.durable import at_once
from ledger.kit.deeds import Grounds
from ledger.kit.erasing import Answers
from ledger.kit.intents import Pieces
from tests.examples.erasing import erase, report

GROUNDS = Grounds(cause="order", cause_ref="ico.example/en-2022-1", method="purge")
SCHEMA = "CREATE VIRTUAL TABLE IF NOT EXISTS documents USING fts5(id UNINDEXED, content)"
LOOK = "SELECT rowid, content FROM documents WHERE id = ? ORDER BY rowid"
ERASE = "DELETE FROM documents WHERE rowid = ?"
MERGE = "INSERT INTO documents (documents) VALUES ('optimize')"


class Index:
    """The index as a store; an id may have several documents."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute("PRAGMA synchronous = EXTRA")
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute(SCHEMA)

    def add(self, id: str, content: str) -> None:
        """Index a document."""
        self._db.execute("INSERT INTO documents VALUES (?, ?)", (id, content))

    def find(self, words: str) -> list[str]:
        """The ids of the documents that hold some words."""
        query = "SELECT id FROM documents WHERE documents MATCH ? ORDER BY rowid"
        return [row[0] for row in self._db.execute(query, (words,))]

    def look(self, ids: Sequence[str]) -> Pieces:
        """The documents of each id, by row and content."""
        found = {id: tuple(self._pieces(id)) for id in ids}
        return {id: pieces for id, pieces in found.items() if pieces}

    def erase(self, there: Pieces) -> Answers:
        """Take the documents out of the index, and their words, in one transaction that lasts."""
        with at_once(self._db):
            answers = {id: {"removed": self._remove(id, pieces)} for id, pieces in there.items()}
            self._db.execute(MERGE)
        return answers

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _remove(self, id: str, pieces: Sequence[str]) -> int:
        found = self._pieces(id)
        return sum(self._db.execute(ERASE, (found[piece],)).rowcount for piece in pieces if piece in found)

    def _pieces(self, id: str) -> dict[str, int]:
        rows = self._db.execute(LOOK, (id,)).fetchall()
        return {f"{row}.{sha256(content.encode()).hexdigest()[:16]}": row for row, content in rows}


def main(outbox: str, key: str, file: str, *ids: str) -> int:
    """Erase, and say what became of each."""
    return report(erase(Index(Path(file)), "index", GROUNDS, Path(outbox), Path(key), ids))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
