"""The work folder of a store's inventories: what was read of it, so that it need not be read again.

    lock              held by the one process that works here
    journal           what was read: a line a part, with its state and where its handles stand in the spill
    spill-N           handles of parts that have a state
    scratch           handles of parts that have none, of this run
    found.json, …     what the last whole look found (`findings.py`)

Handles are on the disk before the journal tells of them. A crash leaves a journal that tells of less, and
perhaps the beginning of a line, which is dropped. Native ids are in none of these files.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ledger.durable import alone, replace_durably, sync_folder
from ledger.failure import Failure
from ledger.inventory.crew import Run
from ledger.inventory.spill import Block, Spill, ranges
from ledger.stores.source import Part
from signing.errors import FormatError

_SAVE_EVERY_S: Final = 5.0
# The spill is written anew once more than half of it is of parts that are gone, beyond this.
_SPARE_BYTES: Final = 64 << 20


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose handles they are: another store, key or namespace makes others of the same parts."""

    address: str
    namespace: str
    commitment: str


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The journal's first line."""

    subject: Subject
    spill: str


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part that was read to its end."""

    name: str
    state: str
    count: int
    blocks: list[int]


@contextmanager
def open_folder(path: Path, subject: Subject, *, anew: bool = False) -> "Iterator[WorkFolder]":
    """The folder at this path, made if need be. `anew`: whatever was read before is forgotten."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_mode & 0o077:
        raise Failure(f"others may look into {path}: handles are personal data", f"chmod 700 {path}")
    with alone(path / "lock", f"works in {path}"):
        folder = WorkFolder(path, subject, anew=anew)
        try:
            yield folder
        finally:
            folder.close()


class WorkFolder:
    """What was read of one store. Parts are put one after another."""

    def __init__(self, path: Path, subject: Subject, *, anew: bool) -> None:
        self.path = path
        self._subject = subject
        fresh: tuple[str, dict[str, _Line]] = "spill-0", {}
        self._name, self._lines = fresh if anew else _read_journal(path / "journal", subject)
        self._spill, self._places = self._open_spill()
        self._scratch = Spill(path / "scratch")
        self._loose: list[Block] = []
        self._reading: list[int] = []
        self._unsaved: list[_Line] = []
        self._saved_s = time.monotonic()

    def retain(self, parts: Sequence[Part]) -> None:
        """Forget what was read of parts that are gone or have another state."""
        names = {part.name: part for part in parts}
        if len(names) < len(parts):
            raise Failure("two parts of the store have one name", "this is a fault of what reads it")
        self._lines = {
            name: line
            for name, line in self._lines.items()
            if name in names and line.state == names[name].state
        }
        self._places = {name: self._places[name] for name in self._lines}
        live = sum(block.size_bytes for blocks in self._places.values() for block in blocks)
        if self._spill.size > 2 * live + _SPARE_BYTES:
            self._move()
        self._replace_journal()

    def known(self, part: Part) -> int | None:
        """How many handles were read of a part that is as it was then; None where it is to be read."""
        line = self._lines.get(part.name) if part.state else None
        return line.count if line is not None and line.state == part.state else None

    def put(self, part: Part, run: Run) -> None:
        """Put away handles of the part that is being read."""
        spill = self._spill if part.state else self._scratch
        begin = spill.append(run)
        if part.state:
            self._reading.append(begin)
        else:
            self._loose.append(spill.block(begin))

    def finish(self, part: Part) -> None:
        """Tell that a part was read to its end."""
        if part.state:
            blocks = [self._spill.block(begin) for begin in self._reading]
            count = sum(block.count for block in blocks)
            line = _Line(part.name, part.state, count, self._reading)
            self._lines[part.name], self._places[part.name] = line, blocks
            self._reading = []
            self._unsaved.append(line)
        if time.monotonic() - self._saved_s >= _SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        """Return once what was read is kept."""
        self._saved_s = time.monotonic()
        if not self._unsaved:
            return
        self._spill.sync()
        # A crash here leaves handles that nobody tells of: they are cut off at the next opening.
        with (self.path / "journal").open("ab") as journal:
            journal.write(b"".join(map(_encoded, self._unsaved)))
            journal.flush()
            os.fsync(journal.fileno())
        self._unsaved = []

    def ranges(self) -> Iterator[bytes]:
        """The handles of all parts, range by range."""
        kept = [block for blocks in self._places.values() for block in blocks]
        return ranges([(self._spill, kept), (self._scratch, self._loose)])

    def close(self) -> None:
        """Keep what was read, and let go of the files."""
        self.save()
        self._spill.close()
        self._scratch.close()
        (self.path / "scratch").unlink(missing_ok=True)

    def _open_spill(self) -> tuple[Spill, dict[str, list[Block]]]:
        path = self.path / self._name
        size = path.stat().st_size if path.exists() else 0
        spill = Spill(path, size)
        places: dict[str, list[Block]] = {}
        for name, line in list(self._lines.items()):
            try:
                places[name] = [spill.block(begin) for begin in line.blocks]
            except FormatError:
                del self._lines[name]  # it will be read again
        end = max((block.end for blocks in places.values() for block in blocks), default=0)
        spill.close()
        return Spill(path, end), places

    def _move(self) -> None:
        """Copy what is live into a file of its own. A crash before the journal names that leaves the old one
        in use; after it, one too many."""
        number = int(self._name.rpartition("-")[2])
        old = self._spill
        self._name = f"spill-{number + 1}"
        self._spill = Spill(self.path / self._name)
        for name, blocks in self._places.items():
            begins = [self._spill.append(old.run(block)) for block in blocks]
            self._lines[name] = msgspec.structs.replace(self._lines[name], blocks=begins)
            self._places[name] = [self._spill.block(begin) for begin in begins]
        self._spill.sync()
        old.close()

    def _replace_journal(self) -> None:
        self._spill.sync()
        head = _Head(self._subject, self._name)
        replace_durably(self.path / "journal", _encoded(head) + b"".join(map(_encoded, self._lines.values())))
        for path in self.path.glob("spill-*"):
            if path.name != self._name:
                path.unlink()
        sync_folder(self.path)


def _read_journal(path: Path, subject: Subject) -> tuple[str, dict[str, _Line]]:
    """The spill's name and what was read, by part; nothing where that is of another subject."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return "spill-0", {}
    first, *rest = raw.split(b"\n")[:-1] or [b""]
    try:
        head = msgspec.json.decode(first, type=_Head)
        lines = [msgspec.json.decode(line, type=_Line) for line in rest]
    except msgspec.MsgspecError as error:
        raise Failure(f"{path} is damaged: {error}", "give --anew to read the whole store again") from error
    if head.subject != subject:
        return "spill-0", {}
    return head.spill, {line.name: line for line in lines}


def _encoded(value: _Head | _Line) -> bytes:
    return msgspec.json.encode(value) + b"\n"
