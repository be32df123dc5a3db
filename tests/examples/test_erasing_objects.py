"""The example of erasing objects, on a service that speaks S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.running import handles, run, told
from tests.examples.s3_at_hand import S3
from tests.ledger.stores.private_servers import s3_service


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_service() as url:
        yield S3(url)


def test_all_versions_of_an_object_go_and_its_markers(box: Path, s3: S3) -> None:
    bucket = s3.make("photos")
    s3.put(bucket, "a.jpg", b"first", b"second")
    s3.put(bucket, "a.jpg.txt", b"another object, whose name begins alike")
    s3.put(bucket, "b.jpg", b"marked")
    # What a careless program calls erased: a marker, and the object a version older.
    s3.client.delete_object(Bucket=bucket, Key="b.jpg")
    assert s3.pieces(bucket) == ["a.jpg", "a.jpg", "a.jpg.txt", "b.jpg", "b.jpg"]
    code, lines = run("erasing_objects", box, bucket, "a.jpg", "b.jpg", "none", env=s3.env)
    assert (code, lines) == (0, ["erased   a.jpg", "erased   b.jpg", "absent   none"])
    assert s3.pieces(bucket) == ["a.jpg.txt"]
    assert told(box) == handles("objects", "a.jpg", "b.jpg")


def test_an_object_of_a_bucket_without_versions(box: Path, s3: S3) -> None:
    bucket = s3.make("plain", versioned=False)
    s3.put(bucket, "a.jpg", b"the only one")
    code, lines = run("erasing_objects", box, bucket, "a.jpg", env=s3.env)
    assert (code, lines) == (0, ["erased   a.jpg"])
    assert s3.pieces(bucket) == []


def test_a_version_under_a_hold_is_told_as_not_erased(box: Path, s3: S3) -> None:
    bucket = s3.make("held", locked=True)
    s3.put(bucket, "a.jpg", b"kept")
    s3.client.put_object_legal_hold(Bucket=bucket, Key="a.jpg", LegalHold={"Status": "ON"})
    code, lines = run("erasing_objects", box, bucket, "a.jpg", env=s3.env)
    assert (code, lines) == (1, ["failed   a.jpg: locked"])
    assert s3.pieces(bucket) == ["a.jpg"]
    assert told(box) == set()


def test_where_the_service_is_away_nothing_is_told_until_it_is_back(box: Path, s3: S3) -> None:
    bucket = s3.make("away")
    s3.put(bucket, "a.jpg", b"photo")
    nowhere = {**s3.env, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    code, _ = run("erasing_objects", box, bucket, "a.jpg", env=nowhere)
    assert code == 1
    assert told(box) == set()
    assert run("erasing_objects", box, bucket, "a.jpg", env=s3.env) == (0, ["erased   a.jpg"])
