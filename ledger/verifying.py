"""Verifying signatures in a process of its own, a batch at a time, so that the event loop can do the rest.

One signature costs more than all else that a single event's submission needs before it is written. What the
process says is a relief and no more: a submission about which it says nothing is verified by `admit`.

    to the process      4 bytes: the frame's length; then for each signature 32 bytes public key, 64 bytes
                        signature, 4 bytes the message's length, the message
    and back            a byte for each: 1 when it is good
"""

import asyncio
import socket
import struct
import subprocess
import sys
from typing import Final

import structlog

from signing.errors import ProofError
from signing.keys import ED25519, VerifierKey, verify_signature

_LENGTH: Final = struct.Struct(">I")
_ITEM: Final = struct.Struct(">32s64sI")
_SIGNATURE_BYTES: Final = 64
_TIMEOUT_S: Final = 10.0

_log = structlog.get_logger(__name__)


class Verifier:
    """The process, and those who wait for its word."""

    def __init__(self) -> None:
        self._waiting: list[tuple[bytes, asyncio.Future[bool]]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        """Start the process; it ends when this one does, however that ends."""
        ours, theirs = socket.socketpair()
        with theirs:
            # In a session of its own: Ctrl-C at the terminal is for us, who still answer those who wait.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ledger.verifying", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours)

    async def stop(self) -> None:
        """Let the process end."""
        if self._pump is not None:
            await self._pump
        self._let_go()
        if self._process is not None:
            await self._process.wait()

    @property
    def pid(self) -> int | None:
        """The process, as long as it is asked."""
        return None if self._process is None or self._writer is None else self._process.pid

    async def is_good(self, key: VerifierKey, message: bytes, signature: bytes) -> bool:
        """Whether this is the key's signature; False as well when there is nobody to ask."""
        if self._writer is None or key.algorithm != ED25519 or len(signature) != _SIGNATURE_BYTES:
            return False
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((_ITEM.pack(key.public, signature, len(message)) + message, answer))
        if self._pump is None:
            self._pump = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        """Send what waits, all at once, until nothing waits."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                good = await self._exchange([item for item, _ in batch])
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                _log.warning(
                    "verifier_lost", error=repr(error), effect="signatures take the event loop's time"
                )
                self._let_go()
                good = bytes(len(batch))
            for (_, answer), is_good in zip(batch, good, strict=True):
                if not answer.done():
                    answer.set_result(is_good == 1)
        self._pump = None

    async def _exchange(self, items: list[bytes]) -> bytes:
        if self._reader is None or self._writer is None:
            return bytes(len(items))
        frame = b"".join(items)
        self._writer.write(_LENGTH.pack(len(frame)) + frame)
        async with asyncio.timeout(_TIMEOUT_S):
            await self._writer.drain()
            return await self._reader.readexactly(len(items))

    def _let_go(self) -> None:
        """Ask no more. There is nothing in the process that could be lost."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


def check_frame(frame: bytes) -> bytes:
    """Verify the signatures of one frame."""
    good = bytearray()
    place = 0
    while place < len(frame):
        public, signature, length = _ITEM.unpack_from(frame, place)
        place += _ITEM.size + length
        try:
            verify_signature(VerifierKey("", ED25519, public), frame[place - length : place], signature)
            good.append(1)
        except ProofError:
            good.append(0)
    return bytes(good)


def serve(connection: socket.socket) -> None:
    """Answer frame after frame until the other end has gone."""
    with connection, connection.makefile("rb") as frames:
        while len(length := frames.read(_LENGTH.size)) == _LENGTH.size:
            connection.sendall(check_frame(frames.read(_LENGTH.unpack(length)[0])))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
