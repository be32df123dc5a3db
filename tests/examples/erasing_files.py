"""Erase files of a folder, and tell the ledger.

    python -m tests.examples.erasing_files OUTBOX BLINDING_KEY FOLDER ID…

An id is the file's path below the folder. A file with a second name (a hard link) is not gone with the
first, so it is told as a failure. Folders and symbolic links are no records.
"""

import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ledger.durable import sync_folder
from ledger.failure import Failure
from ledger.kit.deeds import Grounds
from ledger.kit.erasing import Answers, NotErased
from ledger.kit.intents import Pieces
from tests.examples.erasing import erase, report

GROUNDS = Grounds(cause="order", cause_ref="ico.example/en-2022-1", method="clear")


class Files:
    """A folder of files as a store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def look(self, ids: Sequence[str]) -> Pieces:
        """One piece each, which another file under the same name is not."""
        return {id: (piece,) for id in ids if (piece := self._piece(id)) is not None}

    def erase(self, there: Pieces) -> Answers:
        """Remove the files' names, durably."""
        answers = {id: self._unlink(id, pieces) for id, pieces in there.items()}
        # Also where all were gone already: by a run that was killed before this line.
        for folder in {self._path(id).parent for id in there}:
            if folder.exists():
                sync_folder(folder)
        return answers

    def _unlink(self, id: str, pieces: Sequence[str]) -> Mapping[str, object] | NotErased:
        path, found = self._path(id), self._piece(id)
        if found not in pieces:
            return {"unlinked": False}
        if path.lstat().st_nlink > 1:
            return NotErased("referenced")
        try:
            path.unlink()
        except PermissionError:
            return NotErased("permission_denied")
        return {"unlinked": True}

    def _piece(self, id: str) -> str | None:
        try:
            found = self._path(id).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(found.st_mode):
            raise Failure(f"{id} is not a file", "name files by their paths below the folder")
        return f"{found.st_ino}.{found.st_mtime_ns}"

    def _path(self, id: str) -> Path:
        # One file has one id: whatever would lead to it another way, or out of the folder, is none.
        if not id or str(PurePosixPath(id)) != id or id.startswith("/") or ".." in id.split("/"):
            raise Failure(f"{id!r} is no path below the folder", "give it as the folder's inventory does")
        return self._folder / id


def main(outbox: str, key: str, folder: str, *ids: str) -> int:
    """Erase, and say what became of each."""
    files = Files(Path(os.path.realpath(folder)))
    return report(erase(files, "images", GROUNDS, Path(outbox), Path(key), ids))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
