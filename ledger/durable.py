"""Files that are whole or absent after a crash, and never older than what was acknowledged."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ledger.failure import Failure


def replace_durably(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put `content` at `path`; a crash leaves the old content whole or the new, and after return the new."""
    replace_all_durably(path.parent, {path.name: content}, mode=mode)


def replace_all_durably(folder: Path, files: Mapping[str, bytes], *, mode: int = 0o600) -> None:
    """Put several files into a folder, each as `replace_durably` would, in fewer waits for the disk."""
    for name, content in files.items():
        _write_temporary(folder, name, content, mode)
    for name in files:
        os.replace(_temporary(folder, name), folder / name)
    # The renames themselves are durable only once the folder is.
    sync_folder(folder)


def replace_whole(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put `content` at `path`, whole or not at all; its name lasts once `sync_folder` was called."""
    _write_temporary(path.parent, path.name, content, mode)
    os.replace(_temporary(path.parent, path.name), path)


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Be the only process that does something, until the block ends or the process does."""
    with lock.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another process {what}", "wait until it has ended") from None
        yield


def remove_durably(path: Path) -> None:
    """Remove a file that may be absent; on return it stays removed."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_memory(path: Path, schema: str, *, what: str, remedy: str) -> sqlite3.Connection:
    """A SQLite file that has durably what was committed. One thread at a time uses it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    memory = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        memory.execute("PRAGMA journal_mode = WAL")
        # In WAL mode only FULL waits for the disk at each commit.
        memory.execute("PRAGMA synchronous = FULL")
        memory.executescript(schema)
    except sqlite3.DatabaseError as error:
        memory.close()
        raise Failure(f"{path} is not {what}: {error}", remedy) from error
    sync_folder(path.parent)
    return memory


@contextmanager
def at_once(memory: sqlite3.Connection) -> Iterator[None]:
    """All of the block is kept, or nothing. Nobody else writes meanwhile: looking and storing are one."""
    memory.execute("BEGIN IMMEDIATE")
    try:
        yield
        memory.execute("COMMIT")
    except BaseException:
        memory.rollback()
        raise


def _write_temporary(folder: Path, name: str, content: bytes, mode: int) -> None:
    descriptor = os.open(_temporary(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _temporary(folder: Path, name: str) -> Path:
    return folder / f"{name}.new"
