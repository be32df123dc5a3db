"""The last checkpoint released for a log, kept outside the database.

A checkpoint that was handed out binds the log for good. A database restored from an older backup does not
know it any more, and appending to it would sign a second history. So before a checkpoint is signed, its size
and root are written here and made durable; and before anything is appended, the stored head is held against
this record.

    ledger.example/clearview
    1500
    <base64 root>

Several processes of one machine may share the folder: each reads and replaces the record under a lock.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.durable import replace_durably
from ledger.failure import Failure
from signing.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from signing.errors import FormatError


class Record:
    """The record of one log, in a folder that outlives the database."""

    def __init__(self, folder: Path, log: str, origin: str) -> None:
        self.path = folder / f"{log}.checkpoint"
        self._origin = origin

    def read(self) -> Checkpoint | None:
        """The last released checkpoint, or None when none was ever released."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            checkpoint = parse_checkpoint(raw.decode("ascii"))
        except (UnicodeDecodeError, FormatError) as error:
            raise Failure(
                f"{self.path} is not a record of a released checkpoint: {error}",
                "restore the file from a copy of the data folder: without it a fork may be signed",
            ) from error
        if checkpoint.origin != self._origin:
            raise Failure(
                f"{self.path} is the record of {checkpoint.origin}, not of {self._origin}",
                "put each log's record back under its own name",
            )
        return checkpoint

    def advance(self, checkpoint: Checkpoint) -> None:
        """Record a checkpoint that is about to be signed; an older one than the record leaves it as it is."""
        with self._locked():
            last = self.read()
            if last is None or last.size < checkpoint.size:
                # A crash before this line releases nothing. After it, a checkpoint that nobody saw counts
                # as released, which costs nothing: it is durable in the database.
                replace_durably(self.path, format_checkpoint(checkpoint).encode())
            elif last.size == checkpoint.size and last.root != checkpoint.root:
                raise Forked(last, checkpoint)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


class Forked(Failure):
    """The database holds another history than the one whose checkpoint was released."""

    def __init__(self, released: Checkpoint, stored: Checkpoint) -> None:
        super().__init__(
            f"{released.origin}: a checkpoint of size {released.size} was released, and the database, "
            f"at size {stored.size}, does not hold that history",
            "the database was restored from an older backup, or altered: bring back one that holds the "
            "released checkpoint, and start again; nothing is signed until then",
        )
