"""Source: where a log is read from — a bundle zip, a directory of tiles, or a log's URL.

All three answer one question, `read(path) -> bytes`, with paths as tlog-tiles and `docs/spec/bundle.md` name
them. Nothing read here is believed: what counts is what the audit proves. A source only keeps a hostile file
or server from exhausting the reader's memory.
"""

import re
import struct
import urllib.error
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, Protocol, Self
from urllib.parse import quote, urlsplit

from projections.runners.timed import fetch
from signing import FormatError, ProofError

MAX_TILE_BYTES = 256 * 32
MAX_BUNDLE_BYTES = 256 * (2 + 65_535)
MAX_TEXT_BYTES = 4 << 20
MAX_REPORT_BYTES = 64 << 20
MAX_ATTESTATIONS = 100
MAX_MEMBERS = 1_000_000
MAX_DIRECTORY_BYTES = 128 << 20
MAX_RATIO = 200
RATIO_FREE_BYTES = 64 << 10
URL_TIMEOUT_S = 60.0
URL_TOTAL_S = 600.0

# What the zip module raises when a file is not what it claims: OSError when an offset leads nowhere.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, RuntimeError, ValueError, OSError)
_NUMBER = r"(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[0-9]{1,3})?"
LIMITS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(rf"tile/entries/{_NUMBER}"), MAX_BUNDLE_BYTES),
    (re.compile(rf"tile/[0-9]{{1,2}}/{_NUMBER}"), MAX_TILE_BYTES),
    (re.compile(r"checkpoint|statement|record|README\.txt|attestation/(?:0|[1-9][0-9]?)"), MAX_TEXT_BYTES),
    (
        re.compile(r"proof/[0-9]{1,16}/(?:event|submission|(?:event|submission|source)\.tlog-proof)"),
        MAX_TEXT_BYTES,
    ),
    (re.compile(r"report\.html"), MAX_REPORT_BYTES),
)


class Missing(ProofError):
    """The source has nothing under this path."""


class Denied(OSError):
    """The service won't, and would not the next time: a wrong token, say."""


class Source(Protocol):
    """Bytes by path."""

    def read(self, path: str) -> bytes:
        """The bytes under `path`; Missing when there are none, FormatError when they can't be had safely."""
        ...

    def has(self, path: str) -> bool:
        """Whether something stands under `path`."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def open_source(location: str, token: str | None = None) -> Source:
    """The source behind a file name, a directory name or an http(s) URL. OSError when there is no "
    "such file."""
    if urlsplit(location).scheme in ("http", "https"):
        return UrlSource(location, token)
    if Path(location).is_dir():
        return DirectorySource(Path(location))
    return ZipSource(Path(location))


def limit_of(path: str) -> int | None:
    """The most bytes that may stand under `path`; None when it is no path of a log or bundle."""
    return next((limit for pattern, limit in LIMITS if pattern.fullmatch(path)), None)


class DirectorySource:
    """A static tlog-tiles tree on disk."""

    def __init__(self, root: Path) -> None:
        """Read below `root`."""
        self._root = root

    def read(self, path: str) -> bytes:
        """See Source.read."""
        limit = _known_limit(path)
        try:
            with (self._root / path).open("rb") as file:
                return _bounded(file.read(limit + 1), limit, path)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise Missing(f"{path} is missing") from None

    def has(self, path: str) -> bool:
        """See Source.has."""
        return (self._root / path).is_file()

    def close(self) -> None:
        """See Source.close."""


class UrlSource:
    """A log's own URL, such as `http://127.0.0.1:8080/logs/clearview`."""

    def __init__(self, url: str, token: str | None, *, total_s: float | None = None) -> None:
        """Read below `url`, with `token` as bearer token when the log's reading is not public."""
        self._total_s = URL_TOTAL_S if total_s is None else total_s
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._given = (url, token)

    def __reduce__(self) -> tuple[type["UrlSource"], tuple[str, str | None]]:
        """A worker process opens connections of its own."""
        return UrlSource, self._given

    def read(self, path: str) -> bytes:
        """See Source.read."""
        limit = _known_limit(path)
        where = f"{self._url}/{quote(path)}"  # http or https: open_source
        try:
            raw = fetch(where, self._headers, limit + 1, timeout_s=URL_TIMEOUT_S, total_s=self._total_s)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    raise Missing(f"{path} is missing at {self._url}") from None
                kind = Denied if 400 <= error.code < 500 and error.code not in (408, 429) else OSError
                raise kind(f"{self._url}/{path}: the service answers {error.code} {error.reason}") from None
        return _bounded(raw, limit, path)

    def has(self, path: str) -> bool:
        """See Source.has."""
        try:
            self.read(path)
        except Missing:
            return False
        return True

    def close(self) -> None:
        """See Source.close."""


class ZipSource:
    """A bundle: every member's name, size, compression and place is checked before anything is read."""

    def __init__(self, path: Path) -> None:
        """Open the zip at `path`; FormatError when it is none, or none that our exporter could have made."""
        self._path = path
        self._file: BinaryIO = path.open("rb")
        try:
            _check_directory(self._file)
            self._zip = zipfile.ZipFile(self._file)
            self._members = _check_members(self._zip, _size_of(self._file))
        except _DAMAGE as error:
            self._file.close()
            raise FormatError(f"{path.name}: not a bundle: {error}") from error
        except BaseException:
            self._file.close()
            raise

    def read(self, path: str) -> bytes:
        """See Source.read."""
        member = self._members.get(path)
        if member is None:
            raise Missing(f"{path} is missing from the bundle")
        try:
            with self._zip.open(member) as file:
                # Whatever the member claims, no more than its checked size is ever inflated.
                return _bounded(file.read(member.file_size + 1), member.file_size, path)
        except _DAMAGE as error:
            raise FormatError(f"{path}: damaged in the zip: {error}") from error

    def has(self, path: str) -> bool:
        """See Source.has."""
        return path in self._members

    def __reduce__(self) -> tuple[type["ZipSource"], tuple[Path]]:
        """A worker process opens the file for itself, with a position of its own."""
        return ZipSource, (self._path,)

    @property
    def paths(self) -> list[str]:
        """The names of all members, in the order of the zip's directory."""
        return list(self._members)

    def close(self) -> None:
        """See Source.close."""
        self._zip.close()
        self._file.close()

    def __enter__(self) -> Self:
        """Close at the end of a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _known_limit(path: str) -> int:
    limit = limit_of(path)
    if limit is None:
        raise FormatError(f"{path}: not a path of a log")
    return limit


def _bounded(raw: bytes, limit: int, path: str) -> bytes:
    if len(raw) > limit:
        raise FormatError(f"{path}: longer than {limit:,} bytes")
    return raw


def _size_of(file: BinaryIO) -> int:
    return file.seek(0, 2)


def _check_directory(file: BinaryIO) -> None:
    """Refuse a zip whose directory is too large, before the zip module reads it whole into memory."""
    size = _size_of(file)
    file.seek(max(0, size - 22 - 65_535))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise FormatError("no zip directory at its end")
    # Readers differ on where a zip ends that something follows, and so on what is in it.
    if len(tail) > at + 22:
        raise FormatError("something stands after its zip directory")
    members, directory_bytes = struct.unpack_from("<HL", tail, at + 10)
    if tail[:at][-20:-16] == b"PK\x06\x07":
        members, directory_bytes = _read_zip64(file, tail, at)
    elif members == 0xFFFF or directory_bytes == 0xFFFFFFFF:
        raise FormatError("its zip64 directory is missing")
    if members > MAX_MEMBERS or directory_bytes > MAX_DIRECTORY_BYTES:
        raise FormatError(f"its directory lists {members:,} files in {directory_bytes:,} bytes: too many")


def _read_zip64(file: BinaryIO, tail: bytes, at: int) -> tuple[int, int]:
    """Members and bytes of a zip64 directory, whose record must stand just before its locator."""
    (offset,) = struct.unpack_from("<Q", tail, at - 12)
    if offset != _size_of(file) - (len(tail) - at) - 20 - 56:
        raise FormatError("its zip64 directory is misplaced")
    file.seek(offset)
    record = file.read(56)
    if record[:4] != b"PK\x06\x06":
        raise FormatError("its zip64 directory is damaged")
    members, directory_bytes = struct.unpack_from("<QQ", record, 32)
    return int(members), int(directory_bytes)


def _check_members(archive: zipfile.ZipFile, archive_bytes: int) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    if len(archive.filelist) > MAX_MEMBERS:
        raise FormatError(f"it holds {len(archive.filelist):,} files: too many")
    packed_bytes = 0
    for member in archive.filelist:
        limit = limit_of(member.orig_filename)
        if limit is None:
            raise FormatError(f"it holds {member.orig_filename[:80]!r}, which is no part of a bundle")
        if member.orig_filename in members:
            raise FormatError(f"{member.orig_filename} stands in it twice")
        if member.flag_bits & 0x1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FormatError(
                f"{member.orig_filename} is encrypted, or packed by a method other than deflate"
            )
        if member.file_size > limit:
            raise FormatError(
                f"{member.orig_filename} would unpack to {member.file_size:,} bytes; at most {limit:,}"
            )
        if member.file_size > max(RATIO_FREE_BYTES, member.compress_size * MAX_RATIO):
            raise FormatError(
                f"{member.orig_filename} unpacks to over {MAX_RATIO} times its size: a zip bomb"
            )
        packed_bytes += member.compress_size
        members[member.orig_filename] = member
    if packed_bytes > archive_bytes:
        raise FormatError("its files overlap: a zip bomb")
    return members
