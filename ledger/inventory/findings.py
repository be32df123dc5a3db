"""Findings: what a whole look found, kept beside what was read.

    found.json                the count, the digest, its place in the log, and the event that attests to it
    named.json                the event that names what differs, if `writ reconcile` found that
    INVENTORY.handles         all handles that were found, sorted, 16 bytes each
    INVENTORY.buckets         the hash of each of the 65,536 buckets

`found.json` is written last, and what it names is on the disk by then. So a look that was whole is attested
to also after a crash, as it was, and none that was not.
"""

import mmap
import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeVar

import msgspec

from ledger.durable import replace_durably, sync_folder
from ledger.failure import Failure
from ledger.inventory.crew import Digested
from ledger.inventory.folder import Subject
from ledger.inventory.spill import named
from ledger.stores.blinding import HANDLE_BYTES
from projections.vocabulary import InventoryMethod
from signing.encoding import decode_base64
from signing.setdigest import BUCKETS, BucketTree, SetDigest

FOUND: Final = "found.json"
NAMED: Final = "named.json"
HASH_BYTES: Final = 32
T = TypeVar("T", bound=msgspec.Struct)
Door = Literal["key", "outbox"]
"""Through which it is posted: signed with a key of one's own, or put into the store's outbox."""


class Look(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A look into a store: whose it is, and its place in the log."""

    subject: Subject
    store: str
    controller: str
    inventory: str
    method: InventoryMethod
    begun_index: int | None = None
    """The entry that announced it, where that is known here."""
    begun_size: int | None = None
    begun_root: str | None = None
    began_at: str
    door: Door
    source: str
    """The source log in which its events stand."""


class Found(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a look into a whole store found."""

    look: Look
    count: int
    digest: str
    repeated: int
    """How often a key was there again. Each was counted once."""
    is_snapshot: bool
    line: str
    """The event that attests to it."""
    posted: bool = False

    @property
    def seen(self) -> SetDigest:
        """Count and digest."""
        return SetDigest(self.count, decode_base64(self.digest))


class Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The event that attests to an inventory once more, with the handles that differ."""

    inventory: str
    line: str
    posted: bool = False


class KeptHandles:
    """The handles of one inventory, sorted, on the disk: in memory is only what is looked at."""

    def __init__(self, folder: Path, inventory: str) -> None:
        path = folder / f"{inventory}.handles"
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            raise Failure(f"{path} is gone", "take the inventory again") from None
        self._raw: mmap.mmap | bytes = b""
        if size := os.fstat(self._file.fileno()).st_size:
            self._raw = mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ)
        if len(self._raw) % HANDLE_BYTES:
            raise Failure(f"{path} is damaged: it is not whole handles", "take the inventory again")
        self._buckets = folder / f"{inventory}.buckets"

    def __len__(self) -> int:
        return len(self._raw) // HANDLE_BYTES

    def __contains__(self, handle: str) -> bool:
        row = bytes.fromhex(handle)
        at = self._first(row)
        return at < len(self) and self._row(at) == row

    def bucket(self, number: int) -> list[str]:
        """The handles of one bucket, sorted."""
        begin = self._first(number.to_bytes(2))
        end = self._first((number + 1).to_bytes(2)) if number + 1 < BUCKETS else len(self)
        return [self._row(at).hex() for at in range(begin, end)]

    def hashes(self) -> list[bytes]:
        """The hash of each bucket."""
        raw = self._buckets.read_bytes()
        if len(raw) != BUCKETS * HASH_BYTES:
            raise Failure(f"{self._buckets} is damaged", "take the inventory again")
        return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]

    def close(self) -> None:
        """Let go of the file."""
        if isinstance(self._raw, mmap.mmap):
            self._raw.close()
        self._file.close()

    def __enter__(self) -> Self:
        """Let go of the file at the end of a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _first(self, prefix: bytes) -> int:
        """Where the first handle that is not below a prefix stands."""
        return bisect_left(range(len(self)), prefix, key=lambda at: self._row(at)[: len(prefix)])

    def _row(self, at: int) -> bytes:
        return self._raw[at * HANDLE_BYTES : (at + 1) * HANDLE_BYTES]


def keep(folder: Path, inventory: str, digested: Iterable[Digested]) -> tuple[SetDigest, int]:
    """Write what was found, range by range; returns count and digest, and how often a handle came again."""
    size_bytes, repeated = 0, 0
    hashes: list[bytes] = []
    path = folder / f"{inventory}.handles"
    with named(path), path.open("wb") as file:
        for one in digested:
            file.write(one.rows)
            size_bytes += len(one.rows)
            repeated += one.repeated
            hashes += one.hashes
        file.flush()
        os.fsync(file.fileno())
    replace_durably(folder / f"{inventory}.buckets", b"".join(hashes))
    return SetDigest(size_bytes // HANDLE_BYTES, BucketTree(hashes).digest()), repeated


def write_found(folder: Path, found: Found) -> None:
    """Keep what was found; a crash leaves what was found before, or this."""
    _write(folder / FOUND, found)


def read_found(folder: Path) -> Found | None:
    """What the last whole look found; None where there was none."""
    return _read(folder / FOUND, Found)


def write_named(folder: Path, named: Named) -> None:
    """Keep what is to be posted of what differs."""
    _write(folder / NAMED, named)


def read_named(folder: Path) -> Named | None:
    """What was to be posted of what differs; None where there was nothing."""
    return _read(folder / NAMED, Named)


def _write(path: Path, value: Found | Named) -> None:
    replace_durably(path, msgspec.json.format(msgspec.json.encode(value)) + b"\n")


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise Failure(f"{path} is damaged: {error}", "remove it, and take the inventory again") from error


def clear(folder: Path, but: Sequence[str]) -> None:
    """Remove the handles of all inventories but these."""
    for path in [*folder.glob("*.handles"), *folder.glob("*.buckets")]:
        if path.stem not in but:
            path.unlink()
    sync_folder(folder)
