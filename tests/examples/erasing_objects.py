"""Erase objects of an S3 bucket with all their versions, and tell the ledger.

    python -m tests.examples.erasing_objects OUTBOX BLINDING_KEY BUCKET ID…

In a bucket that keeps versions a plain delete only adds a marker: the object is there, a version older. So
all versions go, and the markers last; who looked between would else see an older version come back.
Credentials and endpoint are the usual environment variables (AWS_…).
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from ledger.kit.deeds import Grounds
from ledger.kit.erasing import Answers, NotErased
from ledger.kit.intents import Pieces
from tests.examples.erasing import erase, report

GROUNDS = Grounds(cause="order", cause_ref="ico.example/en-2022-1", method="purge")
LOCKED = "ObjectLockMode", "ObjectLockLegalHoldStatus"


class Objects:
    """A bucket as a store; an id is an object's key, and its pieces are versions and delete markers."""

    def __init__(self, bucket: str, client: Any = None) -> None:
        self._bucket = bucket
        self._s3 = client or boto3.client("s3")

    def look(self, ids: Sequence[str]) -> Pieces:
        """Every version and marker of each key, whatever a plain read would show."""
        found = {id: tuple(self._versions(id)) for id in ids}
        return {id: pieces for id, pieces in found.items() if pieces}

    def erase(self, there: Pieces) -> Answers:
        """Delete these versions by their numbers, for good."""
        return {id: self._delete(id, pieces) for id, pieces in there.items()}

    def _delete(self, id: str, pieces: Sequence[str]) -> Mapping[str, object] | NotErased:
        found = self._versions(id)
        requests = []
        for piece in sorted(set(pieces) & set(found), key=_is_marker):
            try:
                answer = self._s3.delete_object(Bucket=self._bucket, Key=id, VersionId=found[piece])
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("AccessDenied", "InvalidRequest"):
                    raise
                return NotErased(self._why(id, found[piece]))
            requests.append(answer["ResponseMetadata"].get("RequestId", ""))
        return {"versions_deleted": len(requests), "requests": requests}

    def _versions(self, id: str) -> dict[str, str]:
        """The version's number by piece. Where nothing is versioned all have `null`: hence the rest."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=id)
        return {
            f"{kind} {one['VersionId']} {one['LastModified'].timestamp()} {one.get('ETag', '')}": one[
                "VersionId"
            ]
            for page in pages
            for kind in ("Versions", "DeleteMarkers")
            for one in page.get(kind, ())
            if one["Key"] == id
        }

    def _why(self, id: str, version: str) -> Any:
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=id, VersionId=version)
        except ClientError:
            return "permission_denied"
        return "locked" if any(head.get(name) for name in LOCKED) else "permission_denied"


def _is_marker(piece: str) -> bool:
    return piece.startswith("DeleteMarkers ")


def main(outbox: str, key: str, bucket: str, *ids: str) -> int:
    """Erase, and say what became of each."""
    return report(erase(Objects(bucket), "objects", GROUNDS, Path(outbox), Path(key), ids))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
