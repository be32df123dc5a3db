"""The committed vectors of bundles, and what a reader brings to them."""

import json
from pathlib import Path
from typing import Any, Final

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
"""Folder, file, and why it fails: `format`, `proof`, `law`; or `word`, `told`, `good`."""
GOOD_EXIT: Final = {"bundle/full": 3, "bundle/compact": 3, "bundle/record": 0}


def exit_code(name: str, fails: str) -> int:
    """What `writ verify` ends with."""
    return {"format": 1, "proof": 1, "law": 1, "word": 4}.get(fails, GOOD_EXIT[name])


def path_of(name: str, file: str) -> Path:
    """Where a vector stands."""
    return FOLDER / name / file


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
