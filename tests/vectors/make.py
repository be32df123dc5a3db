"""Make the mutation vectors: for each format one good file, and one file for each way to break it.

    python -m tests.vectors.make        writes tests/vectors/<format>/<case> and <format>/index.json

Everything follows from fixed seeds, so the committed files can be made again. A bad file differs from the
good one in one thing; where that thing is signed, it is signed again, so that nothing else is wrong with it.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.vectors import bundles, forks, notes, proved, records
from tests.vectors.mutation import Vectors

FOLDER = Path(__file__).parent
Makers = Mapping[str, Callable[[], Vectors]]

FORMATS: Makers = {
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
    "statement": proved.statements,
}
BUNDLES: Mapping[str, Callable[[str], Vectors]] = {
    "bundle/full": bundles.full,
    "bundle/compact": proved.compact,
    "bundle/record": proved.record,
}


def files(makers: Makers) -> dict[str, bytes]:
    """Every vector file by its path below this folder."""
    made: dict[str, bytes] = {}
    for name, build in makers.items():
        vectors = build()
        good = f"good{vectors.suffix}"
        named = {f"{case.name}{vectors.suffix}": case for case in vectors.cases}
        made[f"{name}/{good}"] = vectors.good
        made |= {f"{name}/{file}": case.raw for file, case in named.items()}
        listed = [{"file": file, "fails": case.fails, "reason": case.reason} for file, case in named.items()]
        index = {"good": good, "given": vectors.given, "bad": listed}
        made[f"{name}/index.json"] = json.dumps(index, indent=1, ensure_ascii=False).encode() + b"\n"
    return made


def bundle_files() -> dict[str, bytes]:
    """The bundles' files, with statements under rules of nobody."""
    return files({name: partial(build, bundles.RULES) for name, build in BUNDLES.items()})


def main() -> None:
    """Write every vector file."""
    for path, raw in (files(FORMATS) | bundle_files()).items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_bytes(raw)


if __name__ == "__main__":
    main()
