"""Archive: a bundle's zip, whose directory is checked before anything in it is read.

Of each member its name and five numbers are kept, side by side: a log of five million entries has forty
thousand members, and each worker process reads them.
"""

import struct
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from signing.errors import FormatError

MAX_MEMBERS: Final = 1_000_000
MAX_DIRECTORY_BYTES: Final = 128 << 20
MAX_RATIO: Final = 200
RATIO_FREE_BYTES: Final = 64 << 10

_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1
_DESCRIBED = 0x8
_DESCRIPTORS = (12, 16, 20, 24)
"""The bytes behind a member whose sizes were not known before: with a signature or not, of 4 bytes or 8."""
_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_RECORD: Final = struct.Struct("<4s6H3L5H2L")
_HEADER: Final = struct.Struct("<4s5H3L2H")
_LONG = 0xFFFFFFFF
_SEPARATOR = "\n"
"""Stands in no name of a bundle's member."""

Limit = Callable[[str], int | None]
"""The most bytes that may stand under a name; None: it is no part of a bundle."""


class Member(NamedTuple):
    """Where a member stands, what is packed there, if its sizes stand behind it, and where its place ends."""

    offset: int
    packed_bytes: int
    size_bytes: int
    crc: int
    method: int
    described: int
    end: int = 0


class Directory(Sequence[str]):
    """The members by name, in the order of their names."""

    def __init__(self, members: dict[str, Member]) -> None:
        """Keep these."""
        names = sorted(members)
        self._names = _SEPARATOR.join(names).encode()
        ends = accumulate(len(name) + 1 for name in names)
        self._begins = array("Q", [0, *ends][: len(names)])
        self._numbers = array("Q", [number for name in names for number in members[name]])

    def __len__(self) -> int:
        return len(self._begins)

    def __getitem__(self, at: int) -> str:  # type: ignore[override]
        end = self._begins[at + 1] - 1 if at + 1 < len(self._begins) else len(self._names)
        return self._names[self._begins[at] : end].decode()

    def find(self, name: str) -> Member | None:
        """The member of this name."""
        at = bisect_left(self, name)
        if at == len(self) or self[at] != name:
            return None
        width = len(Member._fields)
        return Member(*self._numbers[at * width : (at + 1) * width])


def read_directory(file: BinaryIO, limit_of: Limit) -> Directory:
    """The directory of a zip that our exporter could have made; FormatError for any other."""
    offset, count, size_bytes = _place(file)
    file.seek(offset)
    raw = file.read(size_bytes)
    members: dict[str, Member] = {}
    for name, flags, member in _records(raw, count):
        if name in members:
            raise FormatError(f"{name} stands in it twice")
        _check(name, flags, member, limit_of(name))
        members[name] = member
    return Directory(_placed(members, offset))


def read_member(file: BinaryIO, name: str, member: Member) -> bytes:
    """What is packed under a name. Whatever stands there, no more than the checked size is ever inflated."""
    file.seek(member.offset)
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or header[:4] != b"PK\x03\x04":
        raise FormatError("nothing begins where the directory says")
    fields = _HEADER.unpack(header)
    named, more = file.read(fields[9]), file.read(fields[10])
    if named != name.encode() or len(more) < fields[10]:
        raise FormatError("the directory names it otherwise")
    left = member.end - file.tell() - member.packed_bytes
    if left not in (_DESCRIPTORS if member.described else (0,)):
        raise FormatError("it does not fill its place, or more than that")
    raw = file.read(member.packed_bytes)
    content = raw if member.method == _STORED else _inflated(raw, member.size_bytes)
    if len(content) != member.size_bytes or zlib.crc32(content) != member.crc:
        raise FormatError("not what the directory says")
    return content


def open_archive(path: Path, limit_of: Limit) -> tuple[BinaryIO, Directory]:
    """The file, and its directory; FormatError when it is no bundle."""
    file = path.open("rb")
    try:
        return file, read_directory(file, limit_of)
    except FormatError as error:
        file.close()
        raise FormatError(f"{path.name}: not a bundle: {error}") from error
    except BaseException:
        file.close()
        raise


def _inflated(raw: bytes, size_bytes: int) -> bytes:
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflating.decompress(raw, size_bytes + 1)
    except zlib.error as error:
        raise FormatError(str(error)) from error
    if not inflating.eof or inflating.unused_data:
        raise FormatError("it does not end where the directory says")
    return content


def _placed(members: dict[str, Member], end: int) -> dict[str, Member]:
    """The same with their ends: each is before the next begins, the last before the directory, at `end`."""
    for name in sorted(members, key=lambda one: members[one].offset, reverse=True):
        member = members[name]
        if member.offset + _HEADER.size + len(name) + member.packed_bytes > end:
            raise FormatError("its files overlap: a zip bomb")
        members[name] = member._replace(end=end)
        end = member.offset
    if end != 0:
        raise FormatError("something stands before its first file")
    return members


def _check(name: str, flags: int, member: Member, limit: int | None) -> None:
    if limit is None:
        raise FormatError(f"it holds {name[:80]!r}, which is no part of a bundle")
    if flags & _ENCRYPTED or member.method not in (_STORED, _DEFLATED):
        raise FormatError(f"{name} is encrypted, or packed by a method other than deflate")
    if member.size_bytes > limit:
        raise FormatError(f"{name} would unpack to {member.size_bytes:,} bytes; at most {limit:,}")
    # Deflate takes a little more than what it packs at worst, and all that is packed is read at once.
    if member.packed_bytes > limit + RATIO_FREE_BYTES:
        raise FormatError(f"{name} is packed in {member.packed_bytes:,} bytes; it may have at most {limit:,}")
    if member.size_bytes > max(RATIO_FREE_BYTES, member.packed_bytes * MAX_RATIO):
        raise FormatError(f"{name} unpacks to over {MAX_RATIO} times its size: a zip bomb")


def _records(raw: bytes, count: int) -> Iterator[tuple[str, int, Member]]:
    """Name, flags and place of each member that the directory lists."""
    at = 0
    for _ in range(count):
        if raw[at : at + 4] != b"PK\x01\x02" or len(raw) < at + _RECORD.size:
            raise FormatError("its directory is damaged")
        (_, _, _, flags, method, _, _, crc, packed, size, named, more, said, disk, _, _, offset) = (
            _RECORD.unpack_from(raw, at)
        )
        at += _RECORD.size
        name, extra = raw[at : at + named], raw[at + named : at + named + more]
        at += named + more + said
        if at > len(raw) or disk:
            raise FormatError("its directory is damaged")
        if _LONG in (size, packed, offset):
            size, packed, offset = _long(extra, (size, packed, offset))
        member = Member(offset, packed, size, crc, method, flags & _DESCRIBED)
        yield name.decode("ascii", "backslashreplace"), flags, member
    if at != len(raw):
        raise FormatError("its directory is damaged")


def _long(extra: bytes, numbers: tuple[int, int, int]) -> list[int]:
    """The numbers, those too large for their places read from the zip64 field."""
    at = 0
    while len(extra) >= at + 4:
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            places = extra[at + 4 : at + 4 + length]
            found = [each[0] for each in struct.iter_unpack("<Q", places[: length // 8 * 8])]
            if len(places) == length and len(found) >= numbers.count(_LONG):
                return [found.pop(0) if one == _LONG else one for one in numbers]
        at += 4 + length
    raise FormatError("its directory is damaged")


def _place(file: BinaryIO) -> tuple[int, int, int]:
    """Where the directory begins, how many members it lists and how long it is; FormatError where that is too
    much to be read."""
    archive_bytes = file.seek(0, 2)
    file.seek(max(0, archive_bytes - _END.size - 65_535))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + _END.size:
        raise FormatError("no zip directory at its end")
    # Readers differ on where a zip ends that something follows, and so on what is in it.
    if len(tail) > at + _END.size:
        raise FormatError("something stands after its zip directory")
    _, _, _, _, count, size_bytes, offset, _ = _END.unpack_from(tail, at)
    end = archive_bytes - _END.size
    if tail[:at][-_LOCATOR.size :][:4] == b"PK\x06\x07":
        end -= _LOCATOR.size + _END64.size
        count, size_bytes, offset = _read_zip64(file, _LOCATOR.unpack_from(tail, at - _LOCATOR.size)[2], end)
    elif count == 0xFFFF or _LONG in (size_bytes, offset):
        raise FormatError("its zip64 directory is missing")
    if count > MAX_MEMBERS or size_bytes > MAX_DIRECTORY_BYTES:
        raise FormatError(f"its directory lists {count:,} files in {size_bytes:,} bytes: too many")
    if offset + size_bytes != end:
        raise FormatError("its directory is misplaced")
    return offset, count, size_bytes


def _read_zip64(file: BinaryIO, offset: int, expected: int) -> tuple[int, int, int]:
    """Members, bytes and place of a zip64 directory, whose record must stand just before its locator."""
    if offset != expected:
        raise FormatError("its zip64 directory is misplaced")
    file.seek(offset)
    record = file.read(_END64.size)
    if record[:4] != b"PK\x06\x06" or len(record) < _END64.size:
        raise FormatError("its zip64 directory is damaged")
    count, size_bytes, begin = _END64.unpack(record)[7:]
    return count, size_bytes, begin
