"""The wire to Postgres, with scissors: a proxy that breaks one connection at one statement.

`before`: the backend is terminated when the statement arrives, so that it never runs.
`after`: the statement runs, and its reply is lost with the connection.
"""

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import asyncpg

_SSL_REQUEST = 80877103

When = Literal["before", "after"]


class Wire:
    """Carries connections to a database, and cuts where it was told to."""

    def __init__(self, dsn: str) -> None:
        self._upstream = dsn
        self._statement: str | None = None
        self._when: When = "before"
        self.cuts = 0
        self._server: asyncio.Server | None = None

    @property
    def dsn(self) -> str:
        """The database as it is reached over this wire."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        parts = urlsplit(self._upstream)
        user = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{user}@127.0.0.1:{port}", query="").geturl()

    def cut(self, when: When, statement: str) -> None:
        """Cut the next connection over which a statement goes that this pattern is found in."""
        self._when, self._statement = when, statement

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Wire"]:
        """Carry connections until the block ends."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        try:
            yield self
        finally:
            self._server.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await self._connect()
        try:
            await _Line(self, reader, writer, server_reader, server_writer).carry()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for end in (writer, server_writer):
                end.close()
                with suppress(ConnectionError):
                    await end.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._upstream)
        folder = parse_qs(parts.query).get("host")
        if folder:
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{parts.port or 5432}")
        return await asyncio.open_connection(parts.hostname, parts.port or 5432)

    def takes(self, sql: str) -> When | None:
        """Whether to cut at this statement; it is asked for once."""
        if self._statement is None or not re.search(self._statement, sql):
            return None
        self._statement = None
        self.cuts += 1
        return self._when

    async def terminate(self, backend: int) -> None:
        """End a backend, and wait until it is gone."""
        connection = await asyncpg.connect(self._upstream)
        try:
            await connection.execute("SELECT pg_terminate_backend($1, 5000)", backend)
        finally:
            await connection.close()


class _Line:
    """One connection over the wire."""

    def __init__(
        self,
        wire: Wire,
        client_reader: asyncio.StreamReader,
        client_writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        self._wire = wire
        self._client_reader, self._client_writer = client_reader, client_writer
        self._server_reader, self._server_writer = server_reader, server_writer
        self._prepared: dict[bytes, str] = {}
        self._backend = 0
        self._lose_reply = False

    async def carry(self) -> None:
        await self._start()
        pumps = [asyncio.create_task(self._upward()), asyncio.create_task(self._downward())]
        _, pending = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pending:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _start(self) -> None:
        """The first messages have a length and no type."""
        while True:
            length = await self._client_reader.readexactly(4)
            body = await self._client_reader.readexactly(struct.unpack(">i", length)[0] - 4)
            if struct.unpack(">i", body[:4])[0] != _SSL_REQUEST:
                break
            self._client_writer.write(b"N")
        self._server_writer.write(length + body)

    async def _upward(self) -> None:
        while True:
            kind, body = await _read_message(self._client_reader)
            when = self._wire.takes(self._statement(kind, body))
            if when == "before":
                await self._wire.terminate(self._backend)
                return
            if when == "after":
                self._lose_reply = True
            self._server_writer.write(_message(kind, body))
            await self._server_writer.drain()

    async def _downward(self) -> None:
        while True:
            kind, body = await _read_message(self._server_reader)
            if kind == b"K":
                self._backend = struct.unpack(">i", body[:4])[0]
            if kind == b"C" and self._lose_reply:
                return
            self._client_writer.write(_message(kind, body))
            await self._client_writer.drain()

    def _statement(self, kind: bytes, body: bytes) -> str:
        """The SQL that a message runs."""
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            self._prepared[name] = sql.decode()
        if kind == b"Q":
            return body.rstrip(b"\0").decode()
        return self._prepared.get(body.split(b"\0", 2)[1], "") if kind == b"B" else ""


async def _read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind, length = struct.unpack(">ci", await reader.readexactly(5))
    return kind, await reader.readexactly(length - 4)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">i", len(body) + 4) + body
