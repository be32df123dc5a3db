"""The vectors of bundles: `writ verify` says of each what its index says, and they can be made again."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from projections.runners.outcome import as_json
from projections.runners.rules import rules_hash
from projections.runners.verify import verify_bundle
from tests.vectors import bundles, make
from tests.vectors.bundled import ALL, INDEXES, contents, exit_code, path_of, request
from tests.vectors.mutation import Vectors

IDS = [f"{name}/{file}" for name, file, _ in ALL]


@cache
def made_here(name: str) -> Vectors:
    """The same bundles with statements under this program's own rules."""
    return make.BUNDLES[name](rules_hash())


def verified(name: str, raw: bytes, folder: Path) -> dict[str, Any]:
    path = folder / "bundle.zip"
    path.write_bytes(raw)
    return as_json(verify_bundle(path, request(name)))


@pytest.mark.parametrize(("name", "file", "fails"), ALL, ids=IDS)
def test_each_is_what_its_index_says(name: str, file: str, fails: str, tmp_path: Path) -> None:
    vectors = made_here(name)
    raw = {f"{one.name}.zip": one.raw for one in vectors.cases}.get(file, vectors.good)
    report = verified(name, raw, tmp_path)
    assert report["exit_code"] == exit_code(name, fails), report["failure"]
    if fails == "told":
        good = verified(name, vectors.good, tmp_path)
        assert set(report["exceptions"]) > set(good["exceptions"])
    if fails == "law":
        assert "the statement is not what the log gives" in report["failure"]
        assert "other rules" not in report["failure"]


@pytest.mark.parametrize(("name", "file", "fails"), ALL, ids=IDS)
def test_the_committed_ones_are_under_rules_of_nobody(
    name: str, file: str, fails: str, tmp_path: Path
) -> None:
    report = verified(name, path_of(name, file).read_bytes(), tmp_path)
    if name == "bundle/full":
        only_rules = f"the statement is not what the log gives: rules says {bundles.RULES}"
        assert report["exit_code"] == 1
        # Signatures on the statement and its age are looked at after what it says.
        assert report["failure"].startswith(only_rules) or fails not in ("good", "told")
    else:
        assert report["exit_code"] == exit_code(name, fails)


def test_files_are_those_that_the_script_makes() -> None:
    made = make.bundle_files()
    committed = {f"{name}/{one.name}": one for name in make.BUNDLES for one in path_of(name, "").iterdir()}
    assert committed.keys() == made.keys()
    for name, path in committed.items():
        raw = path.read_bytes()
        # Another zlib packs the same bytes otherwise.
        assert raw == made[name] or contents(raw) == contents(made[name]), name


def test_they_are_small_and_differ() -> None:
    files = [path_of(name, file) for name, file, _ in ALL]
    assert sum(path.stat().st_size for path in files) < 300_000
    assert len({path.read_bytes() for path in files}) == len(files)
    assert all(one["reason"] for index in INDEXES.values() for one in index["bad"])
