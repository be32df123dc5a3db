"""Timed: an HTTP request that ends, however slowly the server drips.

A socket's own timeout begins anew with each byte. Here one clock runs over a whole request: when it is over,
the connection is shut down underneath whoever waits for it.
"""

import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Self

_PIECE_BYTES = 1 << 16


class TimeLimit:
    """So many seconds for one request: `with TimeLimit(60) as limit`."""

    def __init__(self, seconds: float) -> None:
        """Begin at `with`."""
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.is_over = False

    def open(self, request: urllib.request.Request, timeout_s: float) -> Any:
        """The answer, as urllib gives it; nothing is redirected."""
        opener = urllib.request.build_opener(NoRedirect, _Plain(self), _Tls(self))
        return opener.open(request, timeout=timeout_s)

    def read(self, response: Any, most_bytes: int) -> bytes:
        """The body, or its first bytes; OSError where it breaks off or time is over."""
        body = b"".join(self._pieces(response, most_bytes))
        promised = response.headers.get("Content-Length", "")
        if self.is_over or (promised.isdecimal() and len(body) < min(int(promised), most_bytes)):
            raise OSError("the answer took too long" if self.is_over else "the answer broke off")
        return body

    def hold(self, connection: socket.socket) -> None:
        """Shut this connection down when time is over. A copy is kept: TLS takes the original away."""
        with self._lock:
            self._sockets.append(connection.dup())

    def _pieces(self, response: Any, most_bytes: int) -> list[bytes]:
        pieces: list[bytes] = []
        while most_bytes > 0 and (piece := response.read(min(most_bytes, _PIECE_BYTES))):
            pieces.append(piece)
            most_bytes -= len(piece)
        return pieces

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            for connection in self._sockets:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        """Start the clock."""
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the clock."""
        self._timer.cancel()
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()


class NoAnswer(OSError):
    """Nobody answers there."""


def fetch(
    url: str, headers: Mapping[str, str], most_bytes: int, *, timeout_s: float, total_s: float
) -> bytes:
    """The answer to a GET, or its first bytes. HTTPError for another status, OSError for no answer."""
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - the caller gives http(s) only
    try:
        with TimeLimit(total_s) as limit, limit.open(request, timeout_s) as response:
            return limit.read(response, most_bytes)
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError as error:
        why = error.reason.strerror if isinstance(error.reason, OSError) else error.reason
        raise NoAnswer(why or error.reason) from error
    except (http.client.HTTPException, UnicodeError) as error:  # UnicodeError: a host that no name can be
        raise OSError(f"{url}: no answer in HTTP: {error!r}") from error


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the reader's token to a place that the reader did not name."""

    def http_error_302(self, *_: object) -> None:
        """Refuse, without a look at where to: the 3xx answer becomes an error."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302  # type: ignore[assignment]


class _Held(http.client.HTTPConnection):
    limit: TimeLimit

    def connect(self) -> None:
        super().connect()
        self.limit.hold(self.sock)


class _HeldTls(http.client.HTTPSConnection, _Held):
    """Its handshake is within the limit too: `_Held.connect` comes before it."""


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, limit: TimeLimit) -> None:
        super().__init__()
        self._limit = limit

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_maker(_Held, self._limit), request)


class _Tls(urllib.request.HTTPSHandler):
    def __init__(self, limit: TimeLimit) -> None:
        super().__init__(context=_trusted())
        self._limit = limit

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_maker(_HeldTls, self._limit), request, context=_trusted())


@cache
def _trusted() -> ssl.SSLContext:
    """Reading the system's certificates takes longer than a request."""
    return ssl.create_default_context()


def _maker(kind: type[_Held], limit: TimeLimit) -> Any:
    def make(host: str, **settings: Any) -> _Held:
        connection = kind(host, **settings)
        connection.limit = limit
        return connection

    return make
