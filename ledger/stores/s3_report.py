"""S3 inventory reports: a manifest, and the lists that it names, as S3 writes them every day or week.

For buckets that are too large to list. A report is older than the look at it, omits unfinished uploads and,
if it was set up so, whatever does not begin with its prefix: docs/stores.md says what that leaves open.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from hashlib import md5
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus

import duckdb
import msgspec
from msgspec import Struct, field

from ledger.failure import Failure
from ledger.stores.opening import Where
from ledger.stores.paths import Naming
from ledger.stores.source import Part
from ledger.stores.tables import BATCH, SETTINGS, csv_relation, first_line, parquet_relation, quoted
from signing.errors import FormatError

CHUNK_BYTES: Final = 1 << 20
NEEDED: Final = ("bucket", "key")
VERSIONED: Final = ("version_id", "is_latest", "is_delete_marker")
SETTING_UP: Final = "have S3 write CSV or Parquet reports, with all versions (IncludedObjectVersions: All)"
_PARQUET_FIELD: Final = re.compile(r"(?:required|optional)\s+\w+\s+(\w+)")
_MILLISECONDS: Final = re.compile("[0-9]{1,15}")
_CAPITAL: Final = re.compile("(?<=[a-z])(?=[A-Z])")


class Listed(Struct, frozen=True, kw_only=True, rename="camel"):
    """One list of a report."""

    key: str
    size: int
    md5: str = field(name="MD5checksum")


class Manifest(Struct, frozen=True, kw_only=True, rename="camel"):
    """A report's manifest, as far as it is used. What else stands in one says nothing of keys."""

    source_bucket: str
    creation_timestamp: str
    file_format: str
    file_schema: str
    files: list[Listed]

    def columns(self) -> list[str]:
        """The columns of the lists, by the names that Parquet gives them."""
        if self.file_format == "Parquet":
            return _PARQUET_FIELD.findall(self.file_schema)
        names = [name.strip() for name in self.file_schema.split(",")]
        return [_CAPITAL.sub("_", name).lower() for name in names]

    def made_at_s(self) -> int:
        """When the report was begun, by S3's clock."""
        return int(self.creation_timestamp) // 1000


def decode(raw: bytes) -> Manifest:
    """Read a manifest. It is S3's format and not ours: fields that are not used may be whatever they are."""
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"no manifest of an inventory report: {error}") from error
    if not _MILLISECONDS.fullmatch(manifest.creation_timestamp):
        raise FormatError("creationTimestamp is no number of milliseconds")
    if any(".." in listed.key.split("/") or listed.key.startswith("/") for listed in manifest.files):
        raise FormatError("a list's key leads out of the report's own folder")
    columns = manifest.columns()
    if len(set(columns)) != len(columns) or not set(NEEDED) <= set(columns):
        raise FormatError("fileSchema does not name bucket and key once each")
    return manifest


class Report:
    """The keys of a bucket as a report has them, list by list. Each is the one that the manifest names."""

    is_snapshot = False

    def __init__(self, manifest: Manifest, shelf: "Shelf", naming: Naming, *, current_only: bool) -> None:
        self.made_at_s = manifest.made_at_s()
        self._manifest = manifest
        self._shelf = shelf
        self._naming = naming
        self._columns = manifest.columns()
        self._versioned = set(VERSIONED) <= set(self._columns)
        if not self._versioned and not current_only:
            raise Failure(
                f"the report of {manifest.source_bucket} lists current versions only: what stands behind a"
                " delete marker is not in it",
                f"{SETTING_UP}, or vouch that the bucket never kept versions: --current-only",
            )

    def estimate(self) -> int | None:
        """None: a manifest says how many bytes there are, and not how many keys."""
        return None

    def parts(self) -> Sequence[Part]:
        """The lists, by key; their hashes say what is in them."""
        return [Part(listed.key, listed.md5) for listed in sorted(self._manifest.files, key=_key_of)]

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        """The keys in one list, some at a time. Versions that stand together count once."""
        listed = next(one for one in self._manifest.files if one.key == part.name)
        with tempfile.TemporaryDirectory(prefix="writ-report-") as folder, duckdb.connect(
            ":memory:", config=dict(SETTINGS)
        ) as database:  # fmt: skip
            path = self._shelf.file(listed.key, Path(folder))
            _require_same(path, listed)
            try:
                yield from self._read(database, path, listed.key)
            except duckdb.Error as error:
                raise Failure(
                    f"{listed.key}: {first_line(error)}", "the list is not as its manifest says"
                ) from error

    def close(self) -> None:
        """Let go of the shelf."""
        self._shelf.close()

    def _read(self, database: duckdb.DuckDBPyConnection, path: Path, name: str) -> Iterator[Sequence[str]]:
        encoded = self._manifest.file_format == "CSV"
        relation = (
            csv_relation(str(path), self._columns, header=False) if encoded else parquet_relation(str(path))
        )
        # A marker of which it is not said that it is one holds, as far as anybody knows, data.
        kept = " WHERE CAST(is_delete_marker AS BOOLEAN) IS NOT TRUE" if self._versioned else ""
        database.execute(f"SELECT {', '.join(map(quoted, NEEDED))} FROM {relation}{kept}")  # noqa: S608
        last = None
        while rows := database.fetchmany(BATCH):
            ids = []
            for bucket, key in rows:
                if bucket != self._manifest.source_bucket or not key:
                    raise Failure(
                        f"{name} lists what is no object of {self._manifest.source_bucket}",
                        "take manifest and lists of one report, as S3 wrote them",
                    )
                if key != last:
                    last = key
                    ids.append(self._naming.id_of(_decoded(key, name) if encoded else key))
            if ids:
                yield ids


class Shelf:
    """A folder with a copy of a report, laid out as in its bucket, or flat beside the manifest."""

    def __init__(self, manifest: Path) -> None:
        self._manifest = manifest.absolute()

    def manifest(self) -> bytes:
        """The manifest's bytes."""
        return self._manifest.read_bytes()

    def file(self, key: str, folder: Path) -> Path:
        """Where the list with a key stands."""
        beside = self._manifest.parent
        places = [parent / key for parent in self._manifest.parents]
        places += [place / Path(key).name for place in (beside.parent / "data", beside)]
        for place in places:
            if place.is_file():
                return place
        raise Failure(
            f"{key} is not there", f"copy it beside {self._manifest}, or give the manifest's s3:// URL"
        )

    def close(self) -> None:
        """Nothing is held open."""


class BucketShelf(Shelf):
    """A report where S3 put it: each list is fetched when it is read."""

    def __init__(self, url: str, endpoint: str | None) -> None:
        from ledger.stores import s3

        self._bucket, self._key = s3.address_of(url)
        self._s3 = s3
        self._client = s3.client(endpoint)

    def manifest(self) -> bytes:
        """The manifest's bytes."""
        with tempfile.TemporaryDirectory(prefix="writ-report-") as folder:
            return self.file(self._key, Path(folder)).read_bytes()

    def file(self, key: str, folder: Path) -> Path:
        """Fetch an object of the manifest's bucket into a folder."""
        from botocore.exceptions import BotoCoreError, ClientError

        path = folder / ("list" + "".join(Path(key).suffixes[-2:]))
        try:
            self._client.download_file(self._bucket, key, str(path))
        except (BotoCoreError, ClientError) as error:
            raise self._s3.failure(f"s3://{self._bucket}/{key}", error) from error
        return path

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


def open(where: Where) -> Report:
    """Read the manifest of a report, in a folder or where S3 put it."""
    remote = where.rest.startswith("s3://")
    shelf = BucketShelf(where.rest, where.endpoint) if remote else Shelf(Path(where.rest))
    try:
        manifest = decode(shelf.manifest())
    except OSError as error:
        raise Failure(f"{where.rest}: {error.strerror}", "give a report's manifest.json") from error
    except FormatError as error:
        raise Failure(f"{where.rest}: {error}", "give a report's manifest.json") from error
    if manifest.file_format not in ("CSV", "Parquet"):
        raise Failure(f"{where.rest}: lists are {manifest.file_format}, which nothing here reads", SETTING_UP)
    return Report(manifest, shelf, Naming(where.pattern), current_only=where.current_only)


def _key_of(listed: Listed) -> str:
    return listed.key


def _require_same(path: Path, listed: Listed) -> None:
    digest = md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != listed.md5 or path.stat().st_size != listed.size:
        raise Failure(f"{listed.key} is not the list that its manifest names", "fetch it again, whole")


def _decoded(key: str, name: str) -> str:
    """A key out of CSV, where S3 encodes it as a form does."""
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as error:
        raise Failure(f"{name}: a key is not UTF-8 text", "take the list as S3 wrote it") from error
