"""The last checkpoint released for a log, kept outside the database.

A checkpoint that was handed out binds the log for good. A database restored from an older backup does not
know it any more, and appending to it would sign a second history. So before a checkpoint is signed, its size
and root are written here and made durable; and before anything is appended, the stored head is held against
this record.

    ledger.example/clearview             two such slots of 512 bytes, written in turn: whatever a crash
    1500                                 does to one, the other holds the checkpoint before
    <base64 root>
    <SHA-256 of these three lines>

Several processes of one machine may share the folder: each reads and writes the record under a lock.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from ledger.durable import replace_durably
from ledger.failure import Failure
from ledger.objections import Objections
from signing.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from signing.errors import FormatError

SLOT_BYTES: Final = 512
_EMPTY: Final = b"\n" * SLOT_BYTES
_LOCK_POLL_S: Final = 0.001


class Forked(Failure):
    """The database holds another history than the one whose checkpoint was released."""

    def __init__(self, released: Checkpoint, stored: Checkpoint) -> None:
        super().__init__(
            f"{released.origin}: a checkpoint of size {released.size} was released, and the database, "
            f"at size {stored.size}, does not hold that history",
            "the database was restored from an older backup, or altered: bring back one that holds the "
            "released checkpoint, and start again; nothing is signed until then",
        )


class Record:
    """The record of one log, in a folder that outlives the database."""

    def __init__(self, folder: Path, log: str, origin: str) -> None:
        self.path = folder / f"{log}.released"
        self.objections = Objections(folder, log, origin)
        """What witnesses know to have been released besides."""
        self._origin = origin

    def read(self) -> Checkpoint | None:
        """The last released checkpoint, or None when none was ever released."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        return self._newest(raw)

    async def advance(self, checkpoint: Checkpoint) -> None:
        """Record durably a checkpoint that is about to be signed, unless a later one is recorded already."""
        self._create()
        async with self._locked() as file:
            raw = os.pread(file, 2 * SLOT_BYTES, 0)
            last = self._newest(raw)
            if last is not None and last.size == checkpoint.size and last.root != checkpoint.root:
                raise Forked(last, checkpoint)
            if last is None or last.size < checkpoint.size:
                os.pwrite(file, format_slot(checkpoint), self._older_slot(raw, last))
            # A crash before this is over releases nothing. After it, a checkpoint that nobody saw counts as
            # released, which costs nothing: it is durable in the database. Others go on while the disk works.
            await asyncio.to_thread(os.fdatasync, file)

    def _create(self) -> None:
        if not self.path.exists():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_durably(self.path, _EMPTY + _EMPTY)

    def _newest(self, raw: bytes) -> Checkpoint | None:
        slots = [raw[:SLOT_BYTES], raw[SLOT_BYTES:]]
        found = [parse_slot(slot) for slot in slots]
        written = [checkpoint for checkpoint in found if checkpoint is not None]
        if not written and slots != [_EMPTY, _EMPTY]:
            raise Failure(
                f"{self.path} is not a record of a released checkpoint",
                "restore the file from a copy of the data folder: without it a fork may be signed",
            )
        if any(checkpoint.origin != self._origin for checkpoint in written):
            raise Failure(
                f"{self.path} is the record of {written[0].origin}, not of {self._origin}",
                "put each log's record back under its own name",
            )
        return max(written, key=lambda checkpoint: checkpoint.size, default=None)

    def _older_slot(self, raw: bytes, last: Checkpoint | None) -> int:
        """Where the slot begins that does not hold the last checkpoint."""
        return SLOT_BYTES if last is not None and parse_slot(raw[:SLOT_BYTES]) == last else 0

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[int]:
        file = os.open(self.path, os.O_RDWR)
        try:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_LOCK_POLL_S)
            yield file
        finally:
            os.close(file)


def format_slot(checkpoint: Checkpoint) -> bytes:
    """Write a checkpoint as one slot of the record."""
    text = format_checkpoint(checkpoint)
    slot = f"{text}{sha256(text.encode()).hexdigest()}\n".encode()
    assert len(slot) <= SLOT_BYTES, "an origin has at most 255 bytes"
    return slot.ljust(SLOT_BYTES, b"\n")


def parse_slot(raw: bytes) -> Checkpoint | None:
    """The checkpoint in a slot, or None where none is, or only a part of one."""
    lines = raw.rstrip(b"\n").split(b"\n")
    text = b"".join(line + b"\n" for line in lines[:3])
    if len(lines) != 4 or lines[3] != sha256(text).hexdigest().encode():
        return None
    try:
        checkpoint = parse_checkpoint(text.decode())
    except (UnicodeDecodeError, FormatError):
        return None
    return checkpoint if format_slot(checkpoint) == raw else None
