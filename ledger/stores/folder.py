"""A directory tree: each file in it is a record, and its path from the top is the id, with slashes."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.failure import Failure
from ledger.stores.opening import Where
from ledger.stores.paths import Naming
from ledger.stores.source import Part

BATCH = 10_000


class Folder:
    """The files below a directory, hidden ones too, whatever else is a name of something: links among them.

    A link is never followed, so a tree that links to itself ends. What can't be listed is a failure, since a
    directory that nobody may enter would hide what stands in it.
    """

    is_snapshot = False

    def __init__(self, top: Path, naming: Naming) -> None:
        self._top = top
        self._naming = naming

    def estimate(self) -> int | None:
        """None: to count files is to list them."""
        return None

    def parts(self) -> Sequence[Part]:
        """The whole tree. A directory's times say nothing of what changed further down."""
        return [Part(str(self._top))]

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        """The paths, or the ids in them, some at a time."""
        batch: list[str] = []
        pending = [""]
        while pending:
            below = pending.pop()
            for name, is_directory in _listed(self._top / below):
                path = f"{below}/{name}" if below else name
                if is_directory:
                    pending.append(path)
                else:
                    batch.append(self._naming.id_of(_as_text(path, self._top)))
                if len(batch) >= BATCH:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def close(self) -> None:
        """Nothing is held open."""


def open(where: Where) -> Folder:
    """Open a directory tree."""
    top = Path(where.rest)
    try:
        mode = top.stat().st_mode
    except OSError as error:
        raise Failure(f"{top}: {error.strerror}", "give the directory that the files stand in") from error
    if not stat.S_ISDIR(mode):
        raise Failure(f"{top} is no directory", "give the directory that the files stand in")
    return Folder(top, Naming(where.pattern))


def _listed(directory: Path) -> Iterator[tuple[str, bool]]:
    """The names in a directory, however many, and which are directories themselves."""
    try:
        with os.scandir(directory) as entries:
            yield from ((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        raise Failure(
            f"{directory} can't be listed ({error.strerror}), so what is in it is not known",
            "run as somebody who may read the whole tree, while nobody moves directories in it",
        ) from error


def _as_text(path: str, top: Path) -> str:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode("utf-8", "surrogateescape")
        raise Failure(
            f"{top}: the name {shown!r} is not UTF-8 text, so it is no native id",
            "rename it, or give --command one that writes its id as text",
        ) from error
    return path
