"""PostgreSQL: the keys of a table or a query, all of one moment, by COPY.

A transaction that reads repeatably sees the store as it was at its first statement, however long it takes and
whatever is written meanwhile. Where the store has an outbox, that moment has an exact place in it: see
`open_begun`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import asyncpg

from ledger.failure import Failure, Misuse
from ledger.kit.outbox_table import TABLE, hold_writers, put
from ledger.stores.opening import Where
from ledger.stores.source import Part
from signing.errors import FormatError
from signing.handle import NativeId, native_text

T = TypeVar("T")
if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

# Row-level security would leave rows out without a word: it is an error instead. And a table's name without
# its schema is one of `public`, whatever path somebody has set for this login.
_SETTINGS: Final = {
    "application_name": "writ",
    "row_security": "off",
    "search_path": "public",
    "jit": "off",
}
_RELATION: Final = """
WITH RECURSIVE below AS (
    SELECT to_regclass($1)::oid AS oid
    UNION SELECT i.inhrelid FROM pg_inherits i JOIN below b ON i.inhparent = b.oid
)
SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind::text AS kind,
       (SELECT bool_or(p.relkind = 'f') FROM pg_class p JOIN below USING (oid)) AS foreign_too
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)
"""
_PRIMARY_KEY: Final = """
SELECT a.attname::text FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY k.place
"""
_QUOTED: Final = """
SELECT array_agg(quote_ident(name) ORDER BY place) FROM unnest($1::text[]) WITH ORDINALITY AS n(name, place)
"""
_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_TAKE_SNAPSHOT: Final = "SELECT pg_current_snapshot()::text"
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '5s'"

_TEXTS: Final = frozenset({"text", "varchar", "name", "citext", "uuid"})
_INTEGERS: Final = frozenset({"int2", "int4", "int8"})
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NULL: Final = r"\N"
_PIECE_BYTES: Final = 1 << 19
_HOLD_ATTEMPTS: Final = 6
_HOLD_PAUSE_S: Final = 1.0
_TROUBLE: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


def open(where: Where) -> PostgresSource:
    """Open a snapshot of the store as it is now."""
    return PostgresSource.opened(where, None)


def open_begun(where: Where, line: bytes) -> PostgresSource:
    """Open a snapshot that has exactly what the rows of the store's outbox tell of; put `line` behind them.

    A crash leaves the line put, or not: without its snapshot it announces what nobody will attest to.
    """
    return PostgresSource.opened(where, line)


def put_line(where: Where, line: bytes) -> None:
    """Put a line into the store's outbox; once, however often it is asked."""

    async def work() -> None:
        connection = await _connect(where)
        try:
            with suppress(asyncpg.UniqueViolationError):
                async with connection.transaction():
                    await put(connection, line)
        except asyncpg.PostgresError as error:
            raise _outbox_failure(error) from error
        finally:
            await connection.close()

    asyncio.run(work())


class PostgresSource:
    """See `ledger.stores.source.Source`. Used by one thread, in which no event loop runs."""

    is_snapshot = True

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection: Connection | None = None
        self._copying: asyncio.Task[None] | None = None
        self._select = ""
        self._types: tuple[str, ...] = ()
        self.columns: tuple[str, ...] = ()
        """The names of the columns that the ids are made of."""

    @classmethod
    def opened(cls, where: Where, line: bytes | None) -> Self:
        """Open it, the line put into the outbox at the snapshot's place."""
        source = cls()
        try:
            source._run(source._open(where, line))
        except BaseException:
            source.close()
            raise
        return source

    def estimate(self) -> int | None:
        """As the planner thinks, which costs nothing."""
        plan = self._run(self._opened().fetchval(f"EXPLAIN (FORMAT JSON) {self._select}"))
        rows = json.loads(plan)[0]["Plan"]["Plan Rows"]
        return rows if isinstance(rows, int) and rows > 0 else None

    def parts(self) -> Sequence[Part]:
        """The whole: a snapshot ends with its session, so that there is nothing to go on from."""
        return [Part("all")]

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        """See `Source.keys`. The loop runs, and the store sends, only while more is waited for."""
        rows = _Rows(self._types)
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._copying = self._loop.create_task(self._copy(pieces))
        self._copying.add_done_callback(lambda _: pieces.put_nowait(None))
        while piece := self._run(_gather(pieces)):
            yield rows.take(piece)
        self._run(self._copying)
        rows.end()

    def turn_to(self, query: str) -> None:
        """Read something else from here on, in the same snapshot."""
        self._select = query
        try:
            _, self._types = self._run(_columns_of(self._opened(), query))
        except asyncpg.PostgresError as error:
            raise Failure(
                f"what was to be read can't be: {error}", "see that this login may read it"
            ) from error

    def close(self) -> None:
        """Let go of the store: the snapshot is gone."""
        if self._loop.is_closed():
            return
        if self._copying is not None and not self._copying.done():
            self._copying.cancel()
            with suppress(asyncio.CancelledError, Failure):
                self._run(self._copying)
        if self._connection is not None:
            self._connection.terminate()
            self._run(asyncio.sleep(0))
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T] | asyncio.Task[T]) -> T:
        return self._loop.run_until_complete(work)

    def _opened(self) -> Connection:
        assert self._connection is not None, "it was opened"
        return self._connection

    async def _open(self, where: Where, line: bytes | None) -> None:
        self._connection = await _connect(where)
        try:
            if line is None:
                await _take_snapshot(self._connection)
            else:
                await _take_snapshot_behind(where, self._connection, line)
            self._select = await _select_of(self._connection, where)
            self.columns, self._types = await _columns_of(self._connection, self._select)
        except asyncpg.PostgresError as error:
            remedy = "see that this login may read it; row-level security must not apply to it"
            raise Failure(f"{where.shown}: {error}", remedy) from error

    async def _copy(self, pieces: asyncio.Queue[bytes | None]) -> None:
        async def keep(data: bytes) -> None:
            pieces.put_nowait(data)

        try:
            await self._opened().copy_from_query(self._select, output=keep)
        except _TROUBLE as error:
            what = f"the store stopped while its keys were read: {error}"
            raise Failure(what, "begin again: its snapshot is gone") from error


class _Rows:
    """Reads COPY's text: a row a line, columns parted by tabs, some characters escaped by a backslash."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._integers = [kind in _INTEGERS for kind in kinds]
        self._cut = b""

    def take(self, piece: bytes) -> list[str]:
        """The ids of the rows that end in this piece."""
        rows, ended, self._cut = (self._cut + piece).rpartition(b"\n")
        if not ended:
            return []
        try:
            text = rows.decode()
        except UnicodeDecodeError as error:
            raise Failure(
                f"a key is not UTF-8: {error}", "the database's encoding has to be known to it"
            ) from error
        lines = text.split("\n")
        if len(self._integers) > 1:
            return [self._composite(line.split("\t")) for line in lines]
        return [_unescaped(line) for line in lines] if "\\" in text else lines

    def end(self) -> None:
        """Require that nothing was cut off."""
        if self._cut:
            raise Failure("the store stopped in the middle of a row", "begin again")

    def _composite(self, fields: Sequence[str]) -> str:
        parts: NativeId = [
            int(text) if integer else text
            for text, integer in zip(map(_unescaped, fields), self._integers, strict=True)
        ]
        try:
            return native_text(parts)
        except FormatError as error:
            raise Failure(
                f"a key can't be blinded: {error}", "cast the column to text in a --query"
            ) from error


def _unescaped(field: str) -> str:
    if "\\" not in field:
        return field
    if field == _NULL:
        raise Failure(
            "a row has no key: NULL stands in it", "name columns, or a query, that give each row its id"
        )
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), field)


async def _gather(pieces: asyncio.Queue[bytes | None]) -> bytes:
    """What has come, much of it at a time; nothing at the end."""
    gathered: list[bytes] = []
    size = 0
    while size < _PIECE_BYTES:
        piece = await pieces.get()
        if piece is None:
            if gathered:
                pieces.put_nowait(None)
            break
        gathered.append(piece)
        size += len(piece)
    return b"".join(gathered)


async def _connect(where: Where) -> Connection:
    try:
        return await asyncpg.connect(where.url, server_settings=_SETTINGS)
    except (*_TROUBLE, ValueError) as error:
        raise Failure(
            f"{where.shown} is not to be opened: {error}", "check address, login and password"
        ) from error


async def _take_snapshot(connection: Connection) -> None:
    await connection.execute(_BEGIN)
    await connection.fetchval(_TAKE_SNAPSHOT)


async def _take_snapshot_behind(where: Where, reader: Connection, line: bytes) -> None:
    writer = await _connect(where)
    try:
        for _ in range(_HOLD_ATTEMPTS):
            try:
                async with writer.transaction():
                    # Whoever wants to put an event queues behind us: not for long, whatever holds us up.
                    await writer.execute(_LOCK_TIMEOUT)
                    await hold_writers(writer)
                    await _take_snapshot(reader)
                    await put(writer, line)
                return
            except asyncpg.LockNotAvailableError:
                await asyncio.sleep(_HOLD_PAUSE_S)
    except asyncpg.PostgresError as error:
        raise _outbox_failure(error) from error
    finally:
        await writer.close()
    raise Failure(
        f"a transaction that has put an event into {TABLE} does not end",
        "end it, or take the inventory later",
    )


def _outbox_failure(error: asyncpg.PostgresError) -> Failure:
    return Failure(
        f"the store's outbox {TABLE} can't be written: {error}",
        "its table stands in the store's database, and this login needs INSERT and UPDATE on it",
    )


async def _select_of(connection: Connection, where: Where) -> str:
    """The statement that gives the keys."""
    if where.query:
        return where.query.strip().removesuffix(";") + "\n"
    if not where.table:
        raise Misuse("a database has many tables", "give --table, or --query")
    row = await connection.fetchrow(_RELATION, where.table)
    if row is None:
        raise Failure(
            f"there is no table {where.table}, or not for this login", "write it as in SQL: schema.name"
        )
    if row["kind"] not in ("r", "p") or row["foreign_too"]:
        raise Failure(
            f"{row['name']} is a view or a foreign table, in part or whole: it may leave rows out, or change",
            "name the table that has the rows, or say with --query what is read",
        )
    columns = where.columns or [one[0] for one in await connection.fetch(_PRIMARY_KEY, where.table)]
    if not columns:
        raise Failure(f"{row['name']} has no primary key", "say with --columns what names a row")
    quoted = ", ".join(await connection.fetchval(_QUOTED, columns))
    return f"SELECT {quoted} FROM {row['name']}"  # noqa: S608 - both as Postgres quotes them


async def _columns_of(connection: Connection, select: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names and types of a statement's columns, if ids are made of such."""
    attributes = (await connection.prepare(select)).get_attributes()
    for one in attributes:
        if one.type.name not in _TEXTS | _INTEGERS:
            raise Failure(
                f"column {one.name} is of type {one.type.name}, which has no one text that an id could be",
                f"say which with --query: {one.name}::text",
            )
    if not attributes:
        raise Failure("the query gives no columns", "its columns are the key")
    return tuple(one.name for one in attributes), tuple(one.type.name for one in attributes)
