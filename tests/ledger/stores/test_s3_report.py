"""S3 inventory reports as stores: written as S3 writes them, in a folder and in a bucket."""

import csv
import gzip
import io
import json
from contextlib import suppress
from hashlib import md5
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.failure import Failure
from ledger.stores.opening import Where, open_at
from ledger.stores.s3_report import decode
from signing.errors import FormatError
from tests.ledger.stores.readings import all_keys, keys_at

ALL = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag"
CURRENT = "Bucket, Key, Size"
PARQUET = (
    "message s3.inventory {  required binary bucket (STRING);  required binary key (STRING);"
    "  optional binary version_id (STRING);  optional boolean is_latest;  optional boolean is_delete_marker;}"
)
Row = tuple[str, str, str, bool, bool | None]


def write(folder: Path, lists: list[bytes], schema: str = ALL, kind: str = "CSV", **other: Any) -> Path:
    """A report below a folder, laid out as in its bucket; gives the manifest."""
    top = folder / "reports" / "faces" / "daily"
    files = []
    for number, raw in enumerate(lists):
        key = f"reports/faces/daily/data/{number}.{'csv.gz' if kind == 'CSV' else 'parquet'}"
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(raw)
        files.append({"key": key, "size": len(raw), "MD5checksum": md5(raw).hexdigest()})
    manifest = {
        "sourceBucket": "faces", "destinationBucket": "arn:aws:s3:::reports", "version": "2016-11-30",
        "creationTimestamp": "1652832000000", "fileFormat": kind, "fileSchema": schema, "files": files,
    } | other  # fmt: skip
    path = top / "2022-05-18T00-00Z" / "manifest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest))
    return path


def as_csv(rows: list[Row]) -> bytes:
    """A list as S3 writes it: keys encoded, all values quoted, no header."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for bucket, key, version, latest, marker in rows:
        told = "" if marker is None else str(marker).lower()
        writer.writerow([bucket, quote_plus(key), version, str(latest).lower(), told, "9", "2022-05-18", "e"])
    return gzip.compress(out.getvalue().encode())


def read(manifest: Path, **how: Any) -> list[str]:
    return keys_at(Where(scheme="s3-report", url=f"s3-report:{manifest}", **how))


ROWS: list[Row] = [
    ("faces", "ab/17 +%20.jpg", "2", True, True),
    ("faces", "ab/17 +%20.jpg", "1", False, False),
    ("faces", "ab/17 +%20.jpg", "0", False, False),
    ("faces", 'ü",#.jpg', "3", True, False),
    ("faces", "marker-only.jpg", "4", True, True),
    ("faces", "not-said.jpg", "5", True, None),
]
KEYS = ["ab/17 +%20.jpg", 'ü",#.jpg', "not-said.jpg"]


def test_each_version_is_a_copy_and_a_marker_is_none(tmp_path: Path) -> None:
    manifest = write(tmp_path, [as_csv(ROWS), as_csv([("faces", "z.jpg", "9", True, False)])])

    assert read(manifest) == [*KEYS, "z.jpg"]
    assert read(manifest, pattern=r"(.)\.jpg") == [*KEYS, "z"]


def test_a_parquet_report_gives_the_same(tmp_path: Path) -> None:
    values = ", ".join(
        f"({bucket!r}, $${key}$$, {version!r}, {latest}, {'NULL' if marker is None else marker})"
        for bucket, key, version, latest, marker in ROWS
    )
    columns = "bucket, key, version_id, is_latest, is_delete_marker"
    with duckdb.connect() as database:
        select = f"SELECT * FROM (VALUES {values}) t({columns})"
        database.execute(f"COPY ({select}) TO '{tmp_path}/list' (FORMAT parquet)")

    assert read(write(tmp_path, [(tmp_path / "list").read_bytes()], PARQUET, "Parquet")) == KEYS


def test_the_lists_may_lie_beside_the_manifest(tmp_path: Path) -> None:
    manifest = write(tmp_path / "bucket", [as_csv(ROWS)])
    flat = tmp_path / "flat"
    flat.mkdir()
    (flat / "manifest.json").write_bytes(manifest.read_bytes())
    with pytest.raises(Failure, match=r"0\.csv\.gz is not there"):
        read(flat / "manifest.json")
    (tmp_path / "bucket/reports/faces/daily/data/0.csv.gz").rename(flat / "0.csv.gz")
    assert read(flat / "manifest.json") == KEYS


def test_a_report_is_read_where_s3_put_it(
    tmp_path: Path, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    manifest = write(tmp_path, [as_csv(ROWS)])
    client: Any = boto3.client("s3", endpoint_url=s3_url)
    client.create_bucket(Bucket="reports")
    for path in (manifest, tmp_path / "reports/faces/daily/data/0.csv.gz"):
        client.upload_file(str(path), "reports", path.relative_to(tmp_path).as_posix())
    client.close()

    key = manifest.relative_to(tmp_path).as_posix()
    where = Where(scheme="s3-report", url=f"s3-report:s3://reports/{key}", endpoint=s3_url)
    assert keys_at(where) == KEYS


def test_parts_are_known_by_their_hashes_and_the_report_by_its_time(tmp_path: Path) -> None:
    manifest = write(tmp_path, [as_csv(ROWS), as_csv(ROWS[:1])])
    source = open_at(Where(scheme="s3-report", url=f"s3-report:{manifest}"))
    hashes = [md5(as_csv(rows)).hexdigest() for rows in (ROWS, ROWS[:1])]

    assert [part.state for part in source.parts()] == hashes
    assert source.made_at_s == 1_652_832_000  # type: ignore[attr-defined]
    assert len(all_keys(source)) == 3
    source.close()


def test_a_report_of_current_versions_only_does_not_count_unless_somebody_vouches(tmp_path: Path) -> None:
    raw = gzip.compress(b'"faces","a.jpg","9"\n')
    manifest = write(tmp_path, [raw], CURRENT)

    with pytest.raises(Failure, match="current versions only") as refused:
        read(manifest)
    assert "--current-only" in refused.value.remedy
    assert read(manifest, current_only=True) == ["a.jpg"]


@pytest.mark.parametrize(
    "change", [lambda raw: raw[:-1], lambda raw: raw + b"x", lambda raw: as_csv(ROWS[:1])]
)
def test_a_list_that_is_not_the_manifest_s_is_refused(tmp_path: Path, change: Any) -> None:
    raw = as_csv(ROWS)
    manifest = write(tmp_path, [raw])
    (tmp_path / "reports/faces/daily/data/0.csv.gz").write_bytes(change(raw))

    with pytest.raises(Failure, match=r"not the list that its manifest names"):
        read(manifest)


@pytest.mark.parametrize(
    ("rows", "schema", "says"),
    [
        ([("other", "a.jpg", "1", True, False)], ALL, "no object of faces"),
        ([("faces", "", "1", True, False)], ALL, "no object of faces"),
        (ROWS, f"{ALL}, StorageClass", "0.csv.gz"),
        (ROWS, ALL.removesuffix(", ETag"), "0.csv.gz"),
    ],
)
def test_a_list_that_is_not_as_its_manifest_says_is_refused(
    tmp_path: Path, rows: list[Row], schema: str, says: str
) -> None:
    with pytest.raises(Failure, match=says):
        read(write(tmp_path, [as_csv(rows)], schema))


@pytest.mark.parametrize(
    "other",
    [
        {"fileFormat": "ORC", "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker"},
        {"fileSchema": "Bucket, Size"},
        {"fileSchema": "Bucket, Key, Key"},
        {"creationTimestamp": "yesterday"},
        {"files": [{"key": "../../secrets", "size": 1, "MD5checksum": "0"}]},
        {"files": [{"key": "/etc/passwd", "size": 1, "MD5checksum": "0"}]},
        {"files": None},
    ],
)
def test_a_manifest_that_says_too_little_or_too_much_is_refused(tmp_path: Path, other: Any) -> None:
    manifest = write(tmp_path, [as_csv(ROWS)], **other)
    with pytest.raises(Failure, match=r"manifest\.json") as refused:
        read(manifest)
    assert refused.value.remedy


@given(st.binary())
def test_decode_is_total(raw: bytes) -> None:
    with suppress(FormatError):
        decode(raw)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_decode_takes_no_other_value_in_a_field(value: Any) -> None:
    for name in ("sourceBucket", "creationTimestamp", "fileFormat", "fileSchema", "files"):
        said = {
            "sourceBucket": "b",
            "creationTimestamp": "1",
            "fileFormat": "CSV",
            "fileSchema": ALL,
            "files": [],
        }
        try:
            manifest = decode(json.dumps(said | {name: value}).encode())
        except FormatError:
            continue
        assert manifest.made_at_s() >= 0
