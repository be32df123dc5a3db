"""Buckets as stores, listed at a real service."""

import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from ledger.failure import Failure, Misuse
from ledger.stores.opening import Where
from ledger.stores.s3 import address_of
from tests.ledger.stores.readings import keys_at


class Bucket:
    """A bucket of one test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = f"faces-{secrets.token_hex(4)}"
        self.client: Any = boto3.client("s3", endpoint_url=url)
        self.client.create_bucket(Bucket=self.name)

    def keep_versions(self) -> None:
        self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def put(self, *keys: str) -> list[str]:
        """Put an object for each key; gives the ids of the versions."""
        put = [self.client.put_object(Bucket=self.name, Key=key, Body=b"x") for key in keys]
        return [one.get("VersionId", "") for one in put]

    def delete(self, key: str, **which: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key, **which)

    def keys(self, prefix: str = "", **how: Any) -> list[str]:
        url = f"s3://{self.name}/{prefix}"
        return sorted(keys_at(Where(scheme="s3", url=url, endpoint=self.url, **how)))


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = Bucket(s3_url)
    yield made
    made.client.close()


def test_a_noncurrent_version_is_a_copy_and_a_delete_marker_hides_none(bucket: Bucket) -> None:
    bucket.keep_versions()
    (first,) = bucket.put("a.jpg")
    bucket.put("a.jpg", "b.jpg")
    bucket.delete("a.jpg")
    assert bucket.keys() == ["a.jpg", "b.jpg"]
    assert bucket.keys(current_only=True) == ["b.jpg"]

    bucket.delete("a.jpg", VersionId=first)
    assert bucket.keys() == ["a.jpg", "b.jpg"], "one version is left behind the marker"
    versions = bucket.client.list_object_versions(Bucket=bucket.name, Prefix="a.jpg")["Versions"]
    bucket.delete("a.jpg", VersionId=versions[0]["VersionId"])
    assert bucket.keys() == ["b.jpg"], "a marker alone holds no data"


def test_the_parts_of_an_unfinished_upload_are_a_copy(bucket: Bucket) -> None:
    bucket.put("a.jpg")
    begun = bucket.client.create_multipart_upload(Bucket=bucket.name, Key="größer +%.jpg")
    where = {"Bucket": bucket.name, "Key": "größer +%.jpg", "UploadId": begun["UploadId"]}
    bucket.client.upload_part(**where, PartNumber=1, Body=b"half a face")
    assert bucket.keys() == ["a.jpg", "größer +%.jpg"]

    bucket.client.abort_multipart_upload(**where)
    assert bucket.keys() == ["a.jpg"]


class EncodedUploads(BaseHTTPRequestHandler):
    """Answers as Amazon does who is asked for encoded keys: two pages of unfinished uploads."""

    asked: ClassVar[list[dict[str, list[str]]]] = []

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        body = "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>"
        if "uploads" in query:
            self.asked.append(query)
            first = "key-marker" not in query
            key = "f/gr%C3%B6%C3%9Fer+%2B%25.jpg" if first else "f/%01.jpg"
            body = (
                "<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
                f"<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"
                f"<IsTruncated>{str(first).lower()}</IsTruncated>"
                f"<Upload><Key>{key}</Key><UploadId>u</UploadId></Upload></ListMultipartUploadsResult>"
            )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_encoded_keys_of_uploads_are_decoded_and_the_next_page_begins_where_the_last_ended(
    bucket: Bucket,
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), EncodedUploads) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            where = Where(scheme="s3", url="s3://faces/f/", endpoint=f"http://127.0.0.1:{server.server_port}")
            assert keys_at(where) == ["f/größer +%.jpg", "f/\x01.jpg"]
        finally:
            server.shutdown()
            thread.join()

    first, second = EncodedUploads.asked
    assert (first["encoding-type"], first["prefix"]) == (["url"], ["f/"])
    assert (second["key-marker"], second["upload-id-marker"]) == (["f/größer +%.jpg"], ["u"])


def test_many_uploads_come_in_pages(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.stores.s3.PAGE", 3)
    for n in range(8):
        bucket.client.create_multipart_upload(Bucket=bucket.name, Key=f"{n // 2} +.jpg")

    assert bucket.keys() == [f"{n} +.jpg" for n in range(4)]


def test_keys_come_back_as_they_were_put_below_the_prefix_and_no_other(bucket: Bucket) -> None:
    odd = ["f/a b+c%20d.jpg", "f/ü#?&.jpg", 'f/"quoted",.jpg', "f//x", "f/dir/"]
    bucket.put(*odd, "g/other.jpg")

    assert bucket.keys("f/") == sorted(odd)
    assert len(bucket.keys()) == len(odd) + 1


def test_pages_follow_each_other_and_versions_over_them_count_once(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.stores.s3.PAGE", 3)
    bucket.keep_versions()
    bucket.put(*["a.jpg"] * 7, *(f"b{n}.jpg" for n in range(5)))

    assert bucket.keys() == ["a.jpg", *(f"b{n}.jpg" for n in range(5))]


def test_an_id_may_be_a_piece_of_the_key_and_no_other_key_is_hidden(bucket: Bucket) -> None:
    bucket.put("ab/17.jpg", "ab/17.jpg.bak", "18.jpg")

    assert bucket.keys(pattern=r"(?:.*/)?([0-9]+)\.jpg") == ["17", "18", "ab/17.jpg.bak"]


def test_a_bucket_that_can_t_be_listed_is_a_failure_and_not_empty(bucket: Bucket) -> None:
    where = Where(scheme="s3", url=f"s3://{bucket.name}-absent/f/", endpoint=bucket.url)
    with pytest.raises(Failure, match=f"{bucket.name}-absent") as refused:
        keys_at(where)
    assert "bucket's name" in refused.value.remedy


def test_an_address_is_a_bucket_and_a_key_of_any_signs() -> None:
    assert address_of("s3://b") == ("b", "")
    assert address_of("s3://b/f/a?x#y%20/") == ("b", "f/a?x#y%20/")
    for url in ("s3:b/f", "s3:///f", "s3://"):
        with pytest.raises(Misuse):
            address_of(url)
