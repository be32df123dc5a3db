"""Journal: a file that grows by records and is whole up to some record, whenever its writer is killed.

    `writ/resume/v1` and a newline, then of each record
    8 bytes   length of its content, big-endian
    1 byte    kind
    content
    32 bytes  SHA-256 over the digest of the record before (of the first: of the line above), head and content

So each digest vouches for all that stands before it. A reader takes records as far as they are whole, and
what comes behind is cut off: what a writer was at when it died, or what somebody damaged.
"""

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from projections.runners.shelf import read_at
from projections.runners.usage import UsageError
from signing.encoding import HASH_SIZE

MAGIC = b"writ/resume/v1\n"
NAME = "journal"
_HEAD = struct.Struct(">QB")
_AT_A_TIME = 1 << 20


class CannotResume(UsageError):
    """The folder of --resume can't be used."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"--resume: {what}", remedy)


class Record(Struct, frozen=True):
    """A whole record: its kind, where its content stands, and where and with which digest it ends."""

    kind: int
    begin: int
    size: int
    end: int
    digest: bytes


class Journal:
    """The records of one folder. One process has it at a time; others are refused."""

    def __init__(self, folder: Path) -> None:
        """Open the folder's journal, both made where they are missing; CannotResume says why it can't be."""
        self._folder = folder
        self.path = folder / NAME
        _check_folder(folder)
        try:
            # Nobody else's file by way of a link; and no other process that is forked from this one keeps it.
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
            self._descriptor = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            _lock(self._descriptor, folder)
            self._end, self._digest = len(MAGIC), sha256(MAGIC).digest()
            self._begin()
            _sync_folder(folder)
        except BaseException:
            os.close(self._descriptor)
            raise

    def records(self) -> Iterator[Record]:
        """The whole records from the beginning on. What stands behind the last of them is not one."""
        length = os.fstat(self._descriptor).st_size
        at, digest = len(MAGIC), sha256(MAGIC).digest()
        while length - at >= _HEAD.size + HASH_SIZE:
            head = self.read(at, _HEAD.size)
            size, kind = _HEAD.unpack(head)
            begin, end = at + _HEAD.size, at + _HEAD.size + size + HASH_SIZE
            if end > length:
                return
            digest = self._digest_of(digest, head, begin, size)
            if self.read(begin + size, HASH_SIZE) != digest:
                return
            yield Record(kind, begin, size, end, digest)
            at = end

    def go_on_after(self, record: Record | None) -> None:
        """Cut off what stands behind a record (None: all), and write there from now on."""
        self._end = len(MAGIC) if record is None else record.end
        self._digest = sha256(MAGIC).digest() if record is None else record.digest
        try:
            os.ftruncate(self._descriptor, self._end)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def write(self, kind: int, pieces: list[bytes]) -> int:
        """Add a record; returns where its content begins. It lasts once `make_durable` was called."""
        head = _HEAD.pack(sum(map(len, pieces)), kind)
        digest = sha256(self._digest + head)
        for piece in pieces:
            digest.update(piece)
        begin = self._end + _HEAD.size
        try:
            for piece in (head, *pieces, digest.digest()):
                self._end += _write_all(self._descriptor, self._end, piece)
        except OSError as error:
            raise _unusable(self.path, error) from error
        self._digest = digest.digest()
        return begin

    def read(self, begin: int, size: int) -> bytes:
        """So many bytes from a place on."""
        return read_at(self._descriptor, begin, size)

    def make_durable(self) -> None:
        """On return, what was written outlives the machine."""
        # What a crash before this leaves behind, the next reader cuts off after the last whole record.
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def remove(self) -> None:
        """Remove the file, and the folder unless something else is in it. What is open stays readable."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._descriptor)

    def _begin(self) -> None:
        """See that the first line is there. A crash while it was written leaves a part of it."""
        found = self.read(0, min(len(MAGIC), os.fstat(self._descriptor).st_size))
        if not MAGIC.startswith(found):
            raise CannotResume(f"{self.path} is another program's", "name another folder")
        if found != MAGIC:
            try:
                _write_all(self._descriptor, 0, MAGIC)
            except OSError as error:
                raise _unusable(self.path, error) from error

    def _digest_of(self, before: bytes, head: bytes, begin: int, size: int) -> bytes:
        digest = sha256(before + head)
        for at in range(begin, begin + size, _AT_A_TIME):
            digest.update(self.read(at, min(_AT_A_TIME, begin + size - at)))
        return digest.digest()


def _check_folder(folder: Path) -> None:
    """Make the folder, or see that it is ours alone: who can write there decides what is believed."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        found = folder.stat()
        names = os.listdir(folder) if stat.S_ISDIR(found.st_mode) else []
    except OSError as error:
        raise _unusable(folder, error) from error
    if not stat.S_ISDIR(found.st_mode):
        raise CannotResume(f"{folder} is no folder", "name another, or one that is yet to be made")
    if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & 0o022):
        raise CannotResume(
            f"others can write into {folder}, and what stands there is believed",
            "name a folder of your own (chmod 700)",
        )
    if names and NAME not in names:
        raise CannotResume(
            f"{folder} holds other things and no {NAME}",
            "name an empty folder, or one that is yet to be made",
        )


def _lock(descriptor: int, folder: Path) -> None:
    try:
        # Here, since Windows has no such module, and verifies all the same.
        import fcntl
    except ImportError as error:
        raise CannotResume("this system can't keep others out of a folder", "leave out --resume") from error
    try:
        # Of this process: workers forked from it don't hold it after its death.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        busy = True
    else:
        # Who had it before may have ended its work, and removed it.
        busy = os.fstat(descriptor).st_nlink == 0
    if busy:
        raise CannotResume(f"another process works with {folder}", "wait until it has ended")


def _write_all(descriptor: int, at: int, piece: bytes) -> int:
    view, done = memoryview(piece), 0
    while done < len(view):
        done += os.pwrite(descriptor, view[done:], at + done)
    return done


def _sync_folder(folder: Path) -> None:
    """Make the journal's name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> CannotResume:
    what = f"{path}: {error.strerror or error}"
    return CannotResume(what, "see that there is room and that it may be written, or name another folder")
