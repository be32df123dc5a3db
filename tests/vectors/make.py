"""Make the mutation vectors: for each format one good file, and one file for each way to break it.

    python -m tests.vectors.make        writes tests/vectors/<format>/<case> and <format>/index.json

Everything follows from fixed seeds, so the committed files can be made again. A bad file differs from the
good one in one thing; where that thing is signed, it is signed again, so that nothing else is wrong with it.
"""

import json
from collections.abc import Callable
from pathlib import Path

from tests.vectors import forks, notes, records
from tests.vectors.mutation import Vectors

FOLDER = Path(__file__).parent

FORMATS: dict[str, Callable[[], Vectors]] = {
    "vkey": notes.vkeys,
    "note": notes.notes,
    "checkpoint": notes.checkpoints,
    "cosignature": notes.cosignatures,
    "policy": notes.policies,
    "log-list": notes.log_lists,
    "tlog-proof": records.proofs,
    "entry": records.entries,
    "submission": records.submissions,
    "attestation": records.attestations,
    "set-digest": records.sets,
    "fork": forks.forks,
}


def files() -> dict[str, bytes]:
    """Every vector file by its path below this folder."""
    made: dict[str, bytes] = {}
    for name, build in FORMATS.items():
        vectors = build()
        made[f"{name}/good"] = vectors.good
        made |= {f"{name}/{case.name}": case.raw for case in vectors.cases}
        listed = [{"file": case.name, "fails": case.fails, "reason": case.reason} for case in vectors.cases]
        index = {"good": "good", "given": vectors.given, "bad": listed}
        made[f"{name}/index.json"] = json.dumps(index, indent=1, ensure_ascii=False).encode() + b"\n"
    return made


def main() -> None:
    """Write every vector file."""
    for path, raw in files().items():
        (FOLDER / path).parent.mkdir(exist_ok=True)
        (FOLDER / path).write_bytes(raw)


if __name__ == "__main__":
    main()
