"""Source: where a log is read from — a bundle zip, a directory of tiles, or a log's URL.

All three answer one question, `read(path) -> bytes`, with paths as tlog-tiles and `docs/spec/bundle.md` name
them. Nothing read here is believed: what counts is what the audit proves. A source only keeps a hostile file
or server from exhausting the reader's memory.
"""

import re
import urllib.error
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, Self
from urllib.parse import quote, urlsplit

from projections.runners.archive import Directory, open_archive, read_member
from projections.runners.timed import fetch
from signing import FormatError, ProofError

MAX_TILE_BYTES = 256 * 32
MAX_BUNDLE_BYTES = 256 * (2 + 65_535)
MAX_TEXT_BYTES = 4 << 20
MAX_REPORT_BYTES = 64 << 20
MAX_ATTESTATIONS = 100
URL_TIMEOUT_S = 60.0
URL_TOTAL_S = 600.0

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


_NO_LOG: Final = "give the address of one log, as https://ledger.example/logs/NAME, or of a tlog-tiles tree"


class Missing(ProofError):
    """The source has nothing under this path."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


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
    """The source behind a file name, a directory name or an http(s) URL. OSError when there is no
    such file."""
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
                    raise Missing(f"{path} is missing at {self._url}", _NO_LOG) from None
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
        self._file, self._directory = open_archive(path, limit_of)

    def read(self, path: str) -> bytes:
        """See Source.read."""
        member = self._directory.find(path)
        if member is None:
            raise Missing(f"{path} is missing from the bundle")
        try:
            return read_member(self._file, path, member)
        except (FormatError, OSError) as error:
            raise FormatError(f"{path}: damaged in the zip: {error}") from error

    def has(self, path: str) -> bool:
        """See Source.has."""
        return self._directory.find(path) is not None

    def __reduce__(self) -> tuple[object, ...]:
        """A worker process opens the file for itself, with a position of its own; its directory stands."""
        return _reopened, (self._path, self._directory)

    @property
    def paths(self) -> Sequence[str]:
        """The names of all members, sorted."""
        return self._directory

    def close(self) -> None:
        """See Source.close."""
        self._file.close()

    def __enter__(self) -> Self:
        """Close at the end of a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _reopened(path: Path, directory: Directory) -> ZipSource:
    source = ZipSource.__new__(ZipSource)
    source._path, source._directory = path, directory
    source._file = path.open("rb")
    return source


def _known_limit(path: str) -> int:
    limit = limit_of(path)
    if limit is None:
        raise FormatError(f"{path}: not a path of a log")
    return limit


def _bounded(raw: bytes, limit: int, path: str) -> bytes:
    if len(raw) > limit:
        raise FormatError(f"{path}: longer than {limit:,} bytes")
    return raw
