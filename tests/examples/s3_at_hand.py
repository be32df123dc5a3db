"""A service that speaks S3, and buckets in it."""

from collections.abc import Mapping
from typing import Any

import boto3


class S3:
    """The service, and the variables that lead to it."""

    def __init__(self, url: str) -> None:
        self.env: Mapping[str, str] = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "reader",
            "AWS_SECRET_ACCESS_KEY": "reader",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self.client: Any = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="writer",
            aws_secret_access_key="writer",
        )  # fmt: skip

    def make(self, bucket: str, *, versioned: bool = True, locked: bool = False) -> str:
        """A new bucket."""
        self.client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=locked)
        if versioned and not locked:
            kept = {"Status": "Enabled"}
            self.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=kept)
        return bucket

    def put(self, bucket: str, key: str, *bodies: bytes) -> None:
        """One version after another."""
        for body in bodies:
            self.client.put_object(Bucket=bucket, Key=key, Body=body)

    def pieces(self, bucket: str) -> list[str]:
        """The key of each version and marker that is there."""
        page = self.client.list_object_versions(Bucket=bucket)
        return sorted(one["Key"] for kind in ("Versions", "DeleteMarkers") for one in page.get(kind, ()))
