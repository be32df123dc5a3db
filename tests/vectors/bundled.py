"""The committed vectors of bundles, and what a reader brings to them."""

import io
import json
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from projections.moments import rfc3339_us
from projections.runners.full import Request
from signing.policy import read_policy
from tests.vectors.make import BUNDLES, FOLDER

INDEXES: Final[dict[str, dict[str, Any]]] = {
    name: json.loads((FOLDER / name / "index.json").read_text()) for name in BUNDLES
}
ALL: Final = tuple(
    (name, one["file"], one["fails"])
    for name, index in INDEXES.items()
    for one in [{"file": index["good"], "fails": "good"}, *index["bad"]]
)
"""Folder, file, and why it fails (docs/spec/bundle.md), or `good`."""
GOOD_EXIT: Final = {"bundle/full": 3, "bundle/compact": 3, "bundle/record": 0}


def exit_code(name: str, fails: str) -> int:
    """What `writ verify` ends with."""
    return GOOD_EXIT[name] if fails in ("good", "told") else 4 if fails == "word" else 1


def path_of(name: str, file: str) -> Path:
    """Where a vector stands."""
    return FOLDER / name / file


def contents(raw: bytes) -> dict[str, bytes]:
    """The members of a zip."""
    with ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def request(name: str) -> Request:
    """What the index says that a reader brings."""
    given = INDEXES[name]["given"]
    return Request(
        authority=given.get("authority"),
        now=rfc3339_us(given["now"]) // 1_000_000 if "now" in given else 0,
        log_vkey=given.get("log"),
        policy=read_policy("".join(f"{line}\n" for line in given["policy"])) if "policy" in given else None,
        workers=0,
    )
