"""What witnesses were found to have cosigned, and the database not to hold: kept beside the released record.

    {"origin":"ledger.example/clearview","shown_root":"…","shown_size":1400,"size":1500,"why":"…",
     "witness":"w1"}                                                  one line each

A witness may be away at the next start, and the released record lost with the database: without this the log
would then go on, and sign a second history. Nothing here is ever taken out: once the database holds what was
cosigned, a line forbids nothing.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ledger.durable import replace_durably, sync_folder
from ledger.failure import Failure
from signing.checkpoint import Checkpoint
from signing.encoding import encode_base64


class Objection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A witness has cosigned `size` of a log, and was shown what does not reach or not continue that."""

    origin: str
    shown_root: str
    shown_size: int
    size: int
    why: str
    witness: str

    @property
    def is_of_another_tree(self) -> bool:
        """Whether what was shown is refuted, not only too old."""
        return self.shown_size >= self.size

    def forbids(self, size: int, root_shown: bytes | None) -> bool:
        """Whether nothing may be signed at `size`; `root_shown` is the root at `shown_size`, if there."""
        if size < self.size:
            return True
        return (
            self.is_of_another_tree
            and root_shown is not None
            and encode_base64(root_shown) == self.shown_root
        )


class Contradicted(Failure):
    """A witness has cosigned what the database does not hold."""

    def __init__(self, objection: Objection, size: int) -> None:
        super().__init__(
            f"witness {objection.witness}: {objection.why}, and the database has {objection.origin} at size "
            f"{size}",
            "it was restored from an older backup, or altered: bring back one that holds what was signed, "
            "and start again; nothing is signed until then",
        )


class Objections:
    """What witnesses said against one log, in a folder that outlives the database."""

    def __init__(self, folder: Path, log: str, origin: str) -> None:
        self.path = folder / f"{log}.objections"
        self._origin = origin

    def read(self) -> tuple[Objection, ...]:
        """All of them."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        try:
            found = parse_objections(raw)
        except ValueError as error:
            raise Failure(
                f"{self.path} does not say what witnesses have cosigned: {error}",
                "restore the file from a copy of the data folder: without it a fork may be signed",
            ) from error
        if any(objection.origin != self._origin for objection in found):
            raise Failure(
                f"{self.path} is about another log than {self._origin}",
                "put each log's file back under its own name",
            )
        return found

    def add(self, *objections: Objection) -> None:
        """Write down durably what witnesses said."""
        with self._locked():
            before = self.read()
            # A crash before this is over has appended nothing: the log is frozen in this process by now.
            replace_durably(self.path, format_objections(tuple(dict.fromkeys((*before, *objections)))))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Other processes of this machine may have heard other witnesses at the same moment."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(self.path.parent.parent)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def make_objection(witness: str, size: int, why: str, shown: Checkpoint) -> Objection:
    """What a witness, which has cosigned `size`, said of the checkpoint that it was shown."""
    return Objection(shown.origin, encode_base64(shown.root), shown.size, size, why, witness)


def format_objections(objections: tuple[Objection, ...]) -> bytes:
    """Write objections, one a line."""
    return b"".join(msgspec.json.encode(objection) + b"\n" for objection in objections)


def parse_objections(raw: bytes) -> tuple[Objection, ...]:
    """Parse objections, accepting only the exact bytes that `format_objections` writes."""
    found = tuple(msgspec.json.decode(line, type=Objection) for line in raw.split(b"\n")[:-1])
    if not found or format_objections(found) != raw:
        raise ValueError("not written as it is written here")
    return found
