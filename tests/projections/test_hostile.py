"""Bundles made to waste a reader's time and memory, or to show two readers two things, end in a refusal.

Each is read in a process of its own that may have little more memory than it takes to verify an honest one.
"""

import io
import json
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.note import format_note
from tests.projections.deeds import collected
from tests.projections.evidence import ASSESSOR, CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import ORIGIN, key_of, rfc3339, vkey_of, write_zip
from tests.projections.verifying import NOT_SOUND, finished

Files = dict[str, bytes]
WRIT = "import sys; from ledger.cli import main; sys.exit(main())"
ADDRESS_SPACE = 1 << 30
TIME_S = 20.0
BILLIONS = 10**15


@pytest.fixture
def done() -> Evidence:
    return finished()


def refusal(path: Path, evidence: Evidence, authority: str) -> str:
    """What a reader is told, in bounded time and memory."""
    now = rfc3339((evidence.as_of + 60) * 1_000_000)
    told = subprocess.run(
        [sys.executable, "-c", WRIT, "verify", str(path), "--authority", authority, "--now", now, "--json"],
        capture_output=True,
        text=True,
        timeout=TIME_S,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE)),
    )
    assert told.returncode == NOT_SOUND, told
    return str(json.loads(told.stdout)["failure"])


def claiming(files: Files, size: int) -> None:
    """The log's own key signs a checkpoint of so many entries."""
    note = sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), key_of(ORIGIN))
    files["checkpoint"] = format_note(note)


def far_too_large(done: Evidence) -> Files:
    files = done.files()
    claiming(files, BILLIONS)
    return files


def large_after_some(done: Evidence) -> Files:
    """A submission claims that billions of events follow, and the log ends after one."""
    statement = done.files()["statement"]
    body = done.log.rows[-2].body
    size = body.split(b"\n")[1]
    done.log.rows[-2] = replace(done.log.rows[-2], body=body.replace(b"\n" + size, b"\n%d" % BILLIONS, 1))
    return {**done.log.tree(WITNESS), "statement": statement}


def many_proofs(done: Evidence) -> Files:
    """A compact bundle with the same large event in many places."""
    index = done.log.post(CRAWLER, collected(*range(900))) + 1
    files = done.compact(ASSESSOR)
    proof = done.proofs(index)
    for at in range(10_000, 11_500):
        for name, raw in proof.items():
            files[name.replace(str(index), str(at), 1)] = raw
    return files


def many_orders(done: Evidence) -> Files:
    """A compact bundle with the authority's order in many places."""
    files = done.compact(ASSESSOR)
    proof = {name: raw for name, raw in files.items() if name.startswith("proof/")}
    for at in range(10_000, 11_100):
        files |= {re.sub(r"\d+", str(at), name, count=1): raw for name, raw in proof.items()}
    return files


def cut_tile(done: Evidence) -> Files:
    files = done.files()
    path = next(one for one in files if one.startswith("tile/0/"))
    files[path] = files[path][:-1]
    return files


def cut_entries(done: Evidence) -> Files:
    files = done.files()
    path = next(one for one in files if one.startswith("tile/entries/"))
    files[path] = files[path][:-7]
    return files


def tampered_hash(done: Evidence) -> Files:
    """Entries, root and statement are true; one hash of the tiles is not, which only a proof would meet."""
    files = done.files()
    path = next(one for one in files if one.startswith("tile/0/"))
    files[path] = files[path][:64] + bytes(32) + files[path][96:]
    return files


def zip_in_zip(done: Evidence) -> Files:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, raw in done.files().items():
            archive.writestr(name, raw)
    return done.files() | {"checkpoint": buffer.getvalue()}


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (far_too_large, "is missing"),
        (large_after_some, "did not sign this submission"),
        (many_proofs, "not a proof of this entry"),
        (many_orders, "it holds over 1,000 orders"),
        (cut_tile, "another length"),
        (cut_entries, "an entry was cut, dropped or inserted"),
        (tampered_hash, "entry 2: its hash is not the one in the log's level-0 tile"),
        (zip_in_zip, "note"),
    ],
)
def test_a_hostile_bundle_is_refused_in_little_memory_and_time(
    done: Evidence, tmp_path: Path, make: Callable[[Evidence], Files], why: str
) -> None:
    path = write_zip(make(done), tmp_path / "b.zip")
    assert why in refusal(path, done, vkey_of("ico.example"))
