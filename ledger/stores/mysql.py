"""MySQL and MariaDB: one statement in one read-only transaction with a snapshot, streamed row by row."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from pymysql.cursors import SSCursor

from ledger.failure import Failure, Misuse
from ledger.stores.native import native_ids
from ledger.stores.opening import Where
from ledger.stores.source import Part

BATCH: Final = 10_000
PORT: Final = 3306
LOGIN: Final = frozenset({"user", "password"})
OPTIONS: Final = frozenset({"unix_socket", "ssl_ca", "ssl_cert", "ssl_key", "read_default_file"})

# Whoever runs the server may cut answers short for each login, or end a reader that is slower than a client
# should be. Neither may go unnoticed: the first is undone here, the second is an error in the middle.
SESSION: Final = (
    "SET SESSION sql_select_limit = 18446744073709551615, net_write_timeout = 3600",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
FIND_TABLE: Final = (
    "SELECT table_type, table_rows FROM information_schema.tables WHERE table_schema = database()"
    " AND table_name = %s"
)
LIST_COLUMNS: Final = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND table_name = %s"
)
# MariaDB adds the end of a row's life to the key of a table that keeps former rows.
PRIMARY_KEY: Final = (
    "SELECT k.column_name FROM information_schema.key_column_usage k JOIN information_schema.columns c"
    " USING (table_schema, table_name, column_name) WHERE k.table_schema = database() AND k.table_name = %s"
    " AND k.constraint_name = 'PRIMARY' AND coalesce(c.generation_expression, '') <> 'ROW END'"
    " ORDER BY k.ordinal_position"
)
# Engines without transactions show what others write meanwhile; a view has no engine of its own.
WITHOUT_SNAPSHOT: Final = (
    "SELECT count(*) FROM information_schema.tables t LEFT JOIN information_schema.engines e USING (engine)"
    " WHERE t.table_type <> 'VIEW' AND coalesce(e.transactions, 'NO') <> 'YES' AND t.table_schema NOT IN"
    " ('information_schema', 'mysql', 'performance_schema', 'sys')"
)
ONE_TABLE: Final = " AND t.table_schema = database() AND t.table_name = %s"


class MySQL:
    """The rows of one statement. `is_snapshot` is told by the engines of the tables that it may read."""

    def __init__(
        self, connection: "pymysql.Connection[Any]", statement: str, name: str, *, snapshot: bool
    ) -> None:
        self.is_snapshot = snapshot
        self.about: int | None = None
        self._connection = connection
        self._statement = statement
        self._name = name

    def estimate(self) -> int | None:
        """The server's own, from its statistics."""
        return self.about

    def parts(self) -> Sequence[Part]:
        """The whole: one statement in one transaction."""
        return [Part(self._name)]

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        """The keys, some at a time."""
        cursor = self._connection.cursor(SSCursor)
        try:
            cursor.execute(self._statement)
            while rows := cursor.fetchmany(BATCH):
                yield native_ids(rows, self._name)
        except (pymysql.Error, UnicodeDecodeError) as error:
            raise Failure(
                f"{self._name}: {_words(error)}", "see that the statement runs in a MySQL client"
            ) from error
        finally:
            self._leave(cursor)

    def close(self) -> None:
        """Let go of the server at once, also in the middle of an answer."""
        _let_go(self._connection)

    def _leave(self, cursor: Any) -> None:
        # A cursor that is closed in the middle would first read what is left of its answer: perhaps for
        # hours, or from a connection that is lost. The connection is of no use after that.
        result = cursor._result
        if result is not None and result.unbuffered_active:
            result.unbuffered_active = False
            _let_go(self._connection)


def open(where: Where) -> MySQL:
    """Connect and take the snapshot: from here on nothing that others write is seen."""
    if not (where.table or where.query):
        raise Misuse(f"{where.shown}: which keys?", "give --table, or --query")
    connection = _connected(where)
    try:
        with connection.cursor() as cursor:
            for statement in SESSION:
                cursor.execute(statement)
        if where.query:
            behind = _rows(connection, WITHOUT_SNAPSHOT)[0][0]
            return MySQL(connection, where.query, f"{where.shown}, the query", snapshot=not behind)
        return _table(connection, where)
    except pymysql.Error as error:
        _let_go(connection)
        raise Failure(f"{where.shown}: {_words(error)}", "see that this login may read the table") from error
    except BaseException:
        _let_go(connection)
        raise


def _connected(where: Where) -> "pymysql.Connection[Any]":
    parts = urlsplit(where.url)
    options: dict[str, Any] = dict(parse_qsl(parts.query)) | _login(parts.username, parts.password)
    if unknown := options.keys() - OPTIONS - LOGIN:
        known = ", ".join(sorted(OPTIONS))
        raise Misuse(f"{where.shown}: unknown {sorted(unknown)[0]!r}", f"known are {known}")
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        raise Misuse(f"{where.shown} names no database", "mysql://USER@HOST/DATABASE")
    try:
        connection: pymysql.Connection[Any] = pymysql.connect(
            host=parts.hostname or "localhost", port=parts.port or PORT, database=database,
            charset="utf8mb4", connect_timeout=10, **options,
        )  # fmt: skip
        return connection
    except (pymysql.Error, OSError) as error:
        raise Failure(
            f"{where.shown} can't be opened: {_words(error)}",
            "see that the server runs and the login is right; a password may stand in a file of MySQL's own:"
            " ?read_default_file=FILE",
        ) from error


def _login(user: str | None, password: str | None) -> dict[str, str]:
    """What the address says of the login. What it leaves out, MySQL's own file may say."""
    said = {"user": user, "password": password}
    return {name: unquote(value) for name, value in said.items() if value is not None}


def _table(connection: "pymysql.Connection[Any]", where: Where) -> MySQL:
    table, name = where.table, f"{where.shown}, table {where.table}"
    found = _rows(connection, FIND_TABLE, table)
    if not found:
        raise Failure(f"{where.shown} has no table {table}", "see its name, and that this login may read it")
    kind, about = found[0]
    if "VIEW" in kind:
        raise Failure(
            f"{name}: is a view, which may leave records out",
            "give the tables below it, or say what is read with --query",
        )
    statement = f"SELECT {', '.join(map(_quoted, _columns(connection, where)))} FROM {_quoted(str(table))}"  # noqa: S608
    # What was deleted from a system-versioned table is still in it, and anybody may ask for it.
    if kind == "SYSTEM VERSIONED":
        statement += " FOR SYSTEM_TIME ALL"
    behind = _rows(connection, WITHOUT_SNAPSHOT + ONE_TABLE, table)[0][0]
    source = MySQL(connection, statement, name, snapshot=not behind)
    source.about = about
    return source


def _columns(connection: "pymysql.Connection[Any]", where: Where) -> Sequence[str]:
    """The columns of the key: those asked for, else the primary key."""
    if where.columns:
        known = {name.lower() for (name,) in _rows(connection, LIST_COLUMNS, where.table)}
        if unknown := [name for name in where.columns if name.lower() not in known]:
            raise Failure(f"{where.table} has no column {', '.join(unknown)}", "see --columns")
        return where.columns
    key = [name for (name,) in _rows(connection, PRIMARY_KEY, where.table)]
    if not key:
        raise Failure(f"{where.table} declares no primary key", "name the columns of its key with --columns")
    return key


def _rows(connection: "pymysql.Connection[Any]", statement: str, *values: Any) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _let_go(connection: "pymysql.Connection[Any]") -> None:
    # `close` would say goodbye first, and a connection in the middle of an answer can't.
    connection._force_close()  # type: ignore[attr-defined]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _words(error: Exception) -> str:
    """An error as the server says it, without its number."""
    return str(error.args[-1]) if isinstance(error, pymysql.Error) and error.args else str(error)
