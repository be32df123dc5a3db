"""A lean HTTP/1.1 client: requests are whole bytes made beforehand, answers are a status and a body."""

import asyncio
from typing import NamedTuple, cast
from urllib.parse import urlsplit

_LENGTH = b"\r\ncontent-length: "


class Answer(NamedTuple):
    """A whole answer of the service."""

    status: int
    body: bytes


def post(path: str, body: bytes) -> bytes:
    """The bytes of a POST request."""
    return b"POST %b HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%b" % (
        path.encode(),
        len(body),
        body,
    )


def get(path: str) -> bytes:
    """The bytes of a GET request."""
    return b"GET %b HTTP/1.1\r\nHost: bench\r\n\r\n" % path.encode()


class Connection(asyncio.Protocol):
    """A connection that is kept alive and carries one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._body_at = self._ends_at = 0
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, url: str) -> "Connection":
        """Connect to the service at `url`."""
        host, _, port = urlsplit(url).netloc.rpartition(":")
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, host, int(port))
        return connection

    def send(self, request: bytes) -> "asyncio.Future[Answer]":
        """Send a request; the future brings its answer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            self._answer.set_exception(ConnectionResetError("the service hung up"))
        else:
            self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        # uvloop's transports are transports by behaviour, and no subclass.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("the service hung up"))

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._received += data
        if not self._ends_at:
            head = self._received.find(b"\r\n\r\n")
            if head < 0:
                return
            self._body_at = head + 4
            self._ends_at = self._body_at + _length(bytes(self._received[:head]))
        if len(self._received) >= self._ends_at:
            body = bytes(self._received[self._body_at : self._ends_at])
            answer = Answer(int(self._received[9:12]), body)
            self._received.clear()
            self._ends_at = 0
            assert self._answer is not None
            self._answer.set_result(answer)


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(_LENGTH)
    if at < 0:
        raise ValueError(f"an answer without a length: {head!r}")
    at += len(_LENGTH)
    return int(lowered[at:].split(b"\r", 1)[0])
