"""What `check.py` reads: a bundle's zip, and what can be written in one way only, as notes and numbers.

Python's standard library alone: none of Writ's code.
"""

import base64
import json
import re
import struct
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

PAGES = ("README.txt", "report.html")
TILE = r"(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?"
LIMITS = (
    (rf"tile/entries/{TILE}", 256 * 65537),
    (rf"tile/[0-9]{{1,2}}/{TILE}", 8192),
    (r"report\.html", 64 << 20),
)
MOST_BYTES = 4 << 20
MOST_MEMBERS, MOST_DIRECTORY = 1_000_000, 128 << 20
NOT_HERE = 0xFFFFFFFF  # the number stands in the zip64 field
NAME = re.compile(r"[a-z0-9.-]+(/[a-z0-9._-]+)*")
# Neither white space nor what is not seen: controls, soft hyphen, zero width, marks of direction.
SIGNER = re.compile(
    "[^\x00-\x20\x7f-\xa0\xad+\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+"
)
MOST_SIGNATURES, MOST_DEPTH, MOST_INTEGER = 100, 32, 2**53 - 1


class Member(NamedTuple):
    """A member as the zip's directory has it; `following` is where the next one, or the directory, begins."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    begin: int
    following: int = 0


class Submission(NamedTuple):
    """The six lines that a submission's one key signs."""

    source: str
    size: int
    root: bytes
    log: str
    base: int
    seen: tuple[int, bytes] | None


# --- The zip.


class Files(Mapping[str, bytes]):
    """The members by name, each unpacked when it is read. Pages for people are not read."""

    def __init__(self, bundle: str) -> None:
        self.raw = Path(bundle).read_bytes()
        listed = sorted(list_members(self.raw), key=lambda one: one.begin)
        begins = [one.begin for one in listed[1:]] + [directory_of(self.raw)[0]]
        self.members = {one.name: one._replace(following=at) for one, at in zip(listed, begins, strict=True)}
        demand(len(self.members) == len(listed), "the zip lists a name twice")
        demand(bool(listed) and listed[0].begin == 0, "something stands before the zip's first file")
        for one in self.members.values():
            check_place(one)

    def __getitem__(self, name: str) -> bytes:
        return b"" if name in PAGES else unpacked(self.raw, self.members[name])

    def __contains__(self, name: object) -> bool:
        return name in self.members

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)


def directory_of(raw: bytes) -> tuple[int, int, int]:
    """Where the zip's directory begins, how many bytes it has, and how many members it lists."""
    at = len(raw) - 22
    demand(at >= 0 and raw[at : at + 4] == b"PK\5\6" and raw[-2:] == bytes(2), "nothing may follow the zip")
    count, size, begin = struct.unpack("<HLL", raw[at + 10 : at + 20])
    if raw[max(at - 20, 0) :][:4] == b"PK\6\7":
        at -= 76
        (said,) = struct.unpack("<Q", raw[at + 64 : at + 72])
        demand(at >= 0 and said == at and raw[at : at + 4] == b"PK\6\6", "the zip64 directory is misplaced")
        count, size, begin = struct.unpack("<3Q", raw[at + 32 : at + 56])
    demand(count <= MOST_MEMBERS and size <= MOST_DIRECTORY, "the zip lists too much")
    demand(begin + size == at, "the zip's directory is misplaced")
    return begin, size, count


def list_members(raw: bytes) -> Iterator[Member]:
    at, size, count = directory_of(raw)
    end = at + size
    for _ in range(count):
        demand(at + 46 <= end and raw[at : at + 4] == b"PK\1\2", "the zip's directory is damaged")
        flags, method, _, crc, packed, size, named, extra, said, disk = struct.unpack(
            "<2HL3L4H", raw[at + 8 : at + 36]
        )
        (begin,) = struct.unpack("<L", raw[at + 42 : at + 46])
        fields = at + 46 + named
        at = fields + extra + said
        demand(at <= end and disk == 0, "the zip's directory is damaged")
        numbers = widened(raw[fields : fields + extra], [size, packed, begin])
        name = raw[fields - named : fields].decode("ascii", "backslashreplace")
        yield Member(name, flags, method, crc, numbers[1], numbers[0], numbers[2])
    demand(at == end, "the zip's directory lists other files")


def widened(extra: bytes, numbers: list[int]) -> list[int]:
    """Those numbers that are too large for their places, from the field of zip64."""
    at = 0
    while NOT_HERE in numbers and len(extra) >= at + 4:
        kind, length = struct.unpack("<HH", extra[at : at + 4])
        field, at = extra[at + 4 : at + 4 + length], at + 4 + length
        if kind == 1 and len(field) == length >= 8 * numbers.count(NOT_HERE):
            found = iter(struct.unpack(f"<{length // 8}Q", field[: length // 8 * 8]))
            return [next(found) if one == NOT_HERE else one for one in numbers]
    demand(NOT_HERE not in numbers, "the zip's directory is damaged")
    return numbers


def check_place(one: Member) -> None:
    """It is plainly packed, no larger than a bundle may have it, and overlaps nothing."""
    most = next((most for names, most in LIMITS if re.fullmatch(names, one.name)), MOST_BYTES)
    is_plain = not one.flags & 1 and one.method in (0, 8)
    demand(is_plain, f"{one.name}: encrypted, or packed by a method other than deflate")
    is_small = one.size <= min(most, max(64 << 10, 200 * one.packed)) and one.packed <= most + (64 << 10)
    demand(is_small, f"{one.name}: more than a bundle may hold")
    ends = one.begin + 30 + len(one.name) + one.packed
    demand(ends <= one.following, f"{one.name}: overlaps what follows it in the zip")


def unpacked(raw: bytes, one: Member) -> bytes:
    """A member's content, if it fills its place in the zip, and is what the directory describes."""
    named, extra = struct.unpack("<2H", raw[one.begin + 26 : one.begin + 30])
    header = raw[one.begin : one.begin + 30 + named]
    is_its = header[:4] == b"PK\3\4" and header[30:] == one.name.encode()
    demand(is_its, f"{one.name}: its own header names another file")
    begin = one.begin + 30 + named + extra
    # Sizes that were not known before are said behind it, with or without a signature, in 4 bytes or 8.
    behind = (12, 16, 20, 24) if one.flags & 8 else (0,)
    demand(one.following - begin - one.packed in behind, f"{one.name}: misplaced in the zip")
    data, is_whole = raw[begin : begin + one.packed], True
    if one.method == 8:
        inflating = zlib.decompressobj(-zlib.MAX_WBITS)
        data = inflating.decompress(data, one.size + 1)
        is_whole = inflating.eof and not inflating.unused_data
    is_its = len(data) == one.size and zlib.crc32(data) == one.crc
    demand(is_whole and is_its, f"{one.name}: not what the zip's directory says")
    return data


def need(files: Files, name: str) -> bytes:
    demand(name in files, f"{name} is missing")
    return files[name]


# --- Notes.


def split_note(note: bytes) -> tuple[bytes, list[str]]:
    """A signed note's text, and its signature lines: a dash, a name, and base64 of key id and signature."""
    text, separator, lines = note.rpartition(b"\n\n")
    demand(bool(separator) and lines.endswith(b"\n"), "a signed note is cut off")
    is_text = not re.search(r"[\x00-\x09\x0b-\x1f]", text.decode())
    signatures = lines[:-1].decode().split("\n")
    demand(
        is_text and len(signatures) <= MOST_SIGNATURES, "a signed note has controls, or too many signatures"
    )
    for line in signatures:
        dash, name, encoded = (*line.split(" "), "", "")[:3]
        is_line = (
            dash == "—" and line.count(" ") == 2 and SIGNER.fullmatch(name) and len(unbase64(encoded)) > 4
        )
        demand(bool(is_line), "a signed note has a line that is no signature")
    return text + b"\n", signatures


def read_submission(note: bytes) -> Submission:
    """What a submission's note says."""
    text, signatures = split_note(note)
    lines = text.decode().split("\n")
    demand(len(signatures) == 1 and len(lines) == 7, "a submission is six lines and one signature")
    seen_size, _, seen_root = lines[5].partition(" ")
    seen = None if lines[5] == "0 -" else (number(seen_size), unhash(seen_root))
    said = Submission(lines[0], number(lines[1]), unhash(lines[2]), lines[3], number(lines[4]), seen)
    demand(is_name(said.source) and is_name(said.log), "a submission names no source log, or no log")
    demand(said.base < said.size and (seen is None or seen[0] > 0), "a submission's sizes can't be")
    return said


# --- What can be written in one way only.


def content(text: bytes, header: str, what: str) -> Any:
    """A note's one line of canonical JSON under a header."""
    lines = text.decode().split("\n")
    demand(lines[0] == header and len(lines) == 3, f"{what}: not a header and one line")
    return canonical(lines[1].encode(), what)


def canonical(line: bytes, what: str) -> Any:
    """JSON that stands there as RFC 8785 has it: printable ASCII without escapes; numbers are integers."""
    demand(bool(re.fullmatch(rb"[ -\[\]-~]*", line)), f"{what}: other than printable ASCII")
    value = json.loads(line, parse_float=no_number, parse_constant=no_number)
    demand(written(value) == line, f"{what}: not canonical JSON")
    check_values(value, what)
    return value


def check_values(value: Any, what: str, depth: int = 0) -> None:
    demand(depth <= MOST_DEPTH, f"{what}: nested too deep")
    if isinstance(value, int):
        demand(abs(value) <= MOST_INTEGER, f"{what}: {value} is no integer within 2^53")
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        check_values(one, what, depth + 1)


def written(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def no_number(text: str) -> NoReturn:
    sys.exit(f"WRONG: {text} is no integer")


def number(text: str) -> int:
    is_number = len(text) < 20 and re.fullmatch("0|[1-9][0-9]*", text) and int(text) < 2**63
    demand(bool(is_number), f"{text[:40]} is not how a number is written")
    return int(text)


def unbase64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    demand(base64.b64encode(raw).decode() == text, f"{text} is not how base64 is written")
    return raw


def unhash(text: str) -> bytes:
    raw = unbase64(text)
    demand(len(raw) == 32, f"{text} is no hash")
    return raw


def is_name(text: str) -> bool:
    """Whether it can name a log, a key or a source log."""
    return len(text) <= 255 and bool(NAME.fullmatch(text))


def demand(true: bool, otherwise: str) -> None:
    if not true:
        sys.exit(f"WRONG: {otherwise}")
