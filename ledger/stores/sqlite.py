"""SQLite: a database file, opened read-only and read in one transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ledger.failure import Failure, Misuse
from ledger.stores.native import native_ids
from ledger.stores.opening import Where
from ledger.stores.source import Part

BATCH: Final = 20_000
READABLE: Final = "see that it is a SQLite database, and that its folder may be read (and written, under WAL)"

FIND_TABLE: Final = (
    "SELECT type FROM main.sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')"
)
LIST_COLUMNS: Final = "SELECT name, pk FROM pragma_table_xinfo(?)"


class SQLite:
    """The rows of one statement, in the transaction that its opening began."""

    is_snapshot = True

    def __init__(self, connection: sqlite3.Connection, statement: str, name: str, about: int | None) -> None:
        self._connection = connection
        self._statement = statement
        self._name = name
        self._about = about

    def estimate(self) -> int | None:
        """The highest row number, where a table numbers its rows."""
        return self._about

    def parts(self) -> Sequence[Part]:
        """The whole: one statement in one transaction."""
        return [Part(self._name)]

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        """The keys, some at a time."""
        try:
            cursor = self._connection.execute(self._statement)
            while rows := cursor.fetchmany(BATCH):
                yield native_ids(rows, self._name)
        except sqlite3.Error as error:
            raise Failure(f"{self._name}: {error}", "see that it runs in a SQLite shell") from error

    def close(self) -> None:
        """End the transaction and let go of the file."""
        self._connection.close()


def open(where: Where) -> SQLite:
    """Open a database file and begin the transaction: from here on nothing that others write is seen."""
    path = Path(where.rest)
    if not path.is_file():
        raise Failure(f"{path} is no file", "give the database file: sqlite:FILE")
    if not (where.table or where.query):
        raise Misuse(f"{path}: which keys?", "give --table, or --query")
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise Failure(f"{path}: {error}", READABLE) from error
    try:
        _begin(connection, path)
        if where.query:
            return SQLite(connection, where.query, str(path), None)
        return _table(connection, path, where)
    except BaseException:
        connection.close()
        raise


def _begin(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.execute("PRAGMA query_only = on")
        connection.execute("BEGIN")
        # The snapshot is taken by the first read and not by BEGIN.
        connection.execute("SELECT count(*) FROM main.sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise Failure(f"{path}: {error}", READABLE) from error


def _table(connection: sqlite3.Connection, path: Path, where: Where) -> SQLite:
    assert where.table is not None
    found = connection.execute(FIND_TABLE, (where.table,)).fetchone()
    if found is None:
        raise Failure(f"{path} has no table {where.table}", "look at its tables: SELECT * FROM sqlite_master")
    if found[0] == "view":
        raise Failure(
            f"{path}: {where.table} is a view, which may leave records out",
            "give the tables below it, or say what is read with --query",
        )
    columns = _columns(connection, where)
    statement = f"SELECT {', '.join(map(_quoted, columns))} FROM main.{_quoted(where.table)}"  # noqa: S608
    return SQLite(connection, statement, f"{path}, table {where.table}", _highest(connection, where.table))


def _columns(connection: sqlite3.Connection, where: Where) -> Sequence[str]:
    """The columns of the key: those asked for, which must be there, else the primary key."""
    rows: list[tuple[str, int]] = connection.execute(LIST_COLUMNS, (where.table,)).fetchall()
    # SQLite takes a quoted name that no column has for a text, and would give it once a row.
    unknown = {name.lower() for name in where.columns} - {name.lower() for name, _ in rows}
    if unknown:
        raise Failure(f"{where.table} has no column {', '.join(sorted(unknown))}", "see --columns")
    key = where.columns or [name for _, name in sorted((place, name) for name, place in rows if place)]
    if not key:
        raise Failure(f"{where.table} declares no primary key", "name the columns of its key with --columns")
    return key


def _highest(connection: sqlite3.Connection, table: str) -> int | None:
    try:
        row: Any = connection.execute(f"SELECT max(rowid) FROM main.{_quoted(table)}").fetchone()  # noqa: S608
    except sqlite3.OperationalError:
        return None  # a table WITHOUT ROWID
    return row[0] if isinstance(row[0], int) and row[0] >= 0 else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
