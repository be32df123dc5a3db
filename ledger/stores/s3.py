"""S3 and what speaks like it: the objects of a bucket, with all their versions and what is half uploaded.

A delete marker hides an object and removes none of its versions, each of which anybody may fetch: a
noncurrent version is a copy. A marker with no version left behind it holds nothing but a name. The parts of
an upload that was never finished are kept too, and no listing of objects shows them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote_plus

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ledger.failure import Failure, Misuse
from ledger.stores.opening import Where
from ledger.stores.paths import Naming
from ledger.stores.source import Part

PAGE: Final = 1000
RETRIES: Final = {"mode": "standard", "max_attempts": 8}
REMEDIES: Final = {
    "AccessDenied": "the login needs s3:ListBucket, s3:ListBucketVersions and s3:ListBucketMultipartUploads",
    "NoSuchBucket": "see the bucket's name, and --endpoint where the service is not Amazon's",
    "NotImplemented": "where the service keeps no versions, somebody may vouch for that: --current-only",
    "MethodNotAllowed": "where the service keeps no versions, somebody may vouch for that: --current-only",
}
USUAL: Final = "see the AWS settings (AWS_PROFILE, AWS_ACCESS_KEY_ID, …), --endpoint and the bucket's name"


class Bucket:
    """The keys below a prefix. It can't be read in one moment: objects come and go while it is listed."""

    is_snapshot = False

    def __init__(self, client: Any, bucket: str, prefix: str, naming: Naming, *, current_only: bool) -> None:
        self._client = client
        self._at = {"Bucket": bucket, "Prefix": prefix}
        self._naming = naming
        name = f"s3://{bucket}/{prefix}"
        self._listings = {
            f"{name}, objects" if current_only else f"{name}, versions": (
                ("list_objects_v2", "Contents") if current_only else ("list_object_versions", "Versions")
            ),
            f"{name}, unfinished uploads": ("list_multipart_uploads", "Uploads"),
        }

    def estimate(self) -> int | None:
        """None: to count objects is to list them."""
        return None

    def parts(self) -> Sequence[Part]:
        """Versions, and unfinished uploads. Nothing tells whether either has changed."""
        return [Part(name) for name in self._listings]

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        """The keys of one listing, a page at a time. An object's versions stand together, and count once."""
        listing, member = self._listings[part.name]
        last = None
        for page in self._pages(part, listing):
            ids = []
            for entry in page.get(member, ()):
                if entry["Key"] != last:
                    last = entry["Key"]
                    ids.append(self._naming.id_of(_decoded(page, last) if member == "Uploads" else last))
            if ids:
                yield ids

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _pages(self, part: Part, listing: str) -> Iterator[dict[str, Any]]:
        try:
            if listing == "list_multipart_uploads":
                yield from self._upload_pages()
            else:
                pages = self._client.get_paginator(listing)
                yield from pages.paginate(**self._at, PaginationConfig={"PageSize": PAGE})
        except (BotoCoreError, ClientError) as error:
            raise failure(part.name, error) from error

    def _upload_pages(self) -> Iterator[dict[str, Any]]:
        """Keys may hold what XML can't, so they are asked for encoded. Boto3 does so by itself where objects
        are listed; of uploads it would decode neither the keys nor the place from which to go on."""
        place: dict[str, str] = {}
        while True:
            page = self._client.list_multipart_uploads(
                **self._at, **place, EncodingType="url", MaxUploads=PAGE
            )
            yield page
            if not page.get("IsTruncated"):
                return
            following = {
                "KeyMarker": _decoded(page, page["NextKeyMarker"]),
                "UploadIdMarker": page["NextUploadIdMarker"],
            }
            if following == place:
                raise Failure(f"s3://{self._at['Bucket']}: the listing of uploads does not go on", USUAL)
            place = following


def open(where: Where) -> Bucket:
    """Make a client; the first page tells whether the bucket may be listed."""
    bucket, prefix = address_of(where.url)
    return Bucket(
        client(where.endpoint), bucket, prefix, Naming(where.pattern), current_only=where.current_only
    )


def client(endpoint: str | None) -> Any:
    """A client with the login that the AWS settings of this machine give."""
    try:
        return boto3.client("s3", endpoint_url=endpoint, config=Config(retries=dict(RETRIES)))
    except (BotoCoreError, ValueError) as error:
        raise Failure(f"no client for S3: {error}", USUAL) from error


def address_of(url: str) -> tuple[str, str]:
    """Bucket and key, or prefix, of `s3://BUCKET/KEY`. A key may hold any sign, `?` and `#` too."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not bucket:
        raise Misuse(f"{url} names no bucket", "give s3://BUCKET/PREFIX")
    return bucket, key


def failure(name: str, error: Exception) -> Failure:
    """A refusal or a broken connection, with what may be done about it."""
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    return Failure(f"{name}: {error}", REMEDIES.get(code, USUAL))


def _decoded(page: dict[str, Any], key: str) -> str:
    return unquote_plus(key, errors="strict") if page.get("EncodingType") == "url" else key
