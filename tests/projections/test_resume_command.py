"""`--resume DIR` as who verifies a large bundle meets it: killed, interrupted, and told what can't be."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from ledger.cli import main
from projections.runners.journal import MAGIC, NAME
from projections.runners.resuming import SAVE
from projections.runners.shelf import MOST_HELD
from tests.projections.deeds import erased
from tests.projections.evidence import AUTHORITY, CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import rfc3339, vkey_of, write_tree, write_zip
from tests.projections.resumed import CHUNK, filled
from tests.projections.verifying import CARRIED_OUT, NOT_SOUND, USAGE, Out, finished, ordered

CHUNKS = 24
PATIENCE_S = 120
EARLIER = re.compile(r"  of these, entries 0 to ([0-9,]+) were checked by earlier runs, .*\n")

INTERRUPTED = (
    r"\nwrit verify: interrupted; ([0-9,]+) entries are kept in (\S+): the same command goes on from there\n"
)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """An order in a log that takes some seconds to verify."""
    log = ordered()
    log.post(CRAWLER, erased(*range(10)))
    filled(log, CHUNKS * CHUNK + 5)
    log.anchor(WITNESS)
    return Evidence(log)


@pytest.fixture(scope="module")
def files(evidence: Evidence) -> dict[str, bytes]:
    return evidence.files()


@pytest.fixture(scope="module")
def bundle(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_zip(files, tmp_path_factory.mktemp("large") / "bundle.zip")


def words(evidence: Evidence, bundle: Path, *more: str) -> list[str]:
    now = rfc3339((evidence.as_of + 60) * 1_000_000)
    return ["verify", str(bundle), "--authority", vkey_of(AUTHORITY), "--now", now, *more]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """A process of its own, in a group of its own, as from a terminal: who runs tests in the background of a
    shell has Ctrl-C ignored, and hands that on."""
    command = [sys.executable, "-m", "ledger.cli", *arguments]
    pipe, heeded = subprocess.PIPE, partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=heeded
    )


def saves(folder: Path) -> int:
    """How many saves are whole, by the lengths of the records: the process at work has it for itself."""
    path, count, at = folder / NAME, 0, len(MAGIC)
    if not path.exists():
        return 0
    with path.open("rb") as file:
        length = file.seek(0, 2)
        while at + 9 <= length:
            file.seek(at)
            size, kind = struct.unpack(">QB", file.read(9))
            at += 9 + size + 32
            count += kind == SAVE and at <= length
    return count


def saved(running: subprocess.Popen[str], folder: Path) -> bool:
    """Wait until something more is kept; false when the process has ended before."""
    begun, until_s = saves(folder), time.monotonic() + PATIENCE_S
    while running.poll() is None:
        if saves(folder) > begun:
            return True
        assert time.monotonic() < until_s
        time.sleep(0.005)
    return False


def killed(arguments: list[str], folder: Path, times: int) -> int:
    """Start it and kill it when it has kept something, so often. How often that was in time."""
    count = 0
    for number in range(times):
        with start(arguments) as running:
            if saved(running, folder):
                # Right behind a save, and some way on: perhaps in the midst of another.
                time.sleep(0.03 * number)
                os.kill(running.pid, signal.SIGKILL)
                count += 1
    return count


def test_killed_and_gone_on_with(
    evidence: Evidence, bundle: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    with start(words(evidence, bundle)) as running:
        whole = running.communicate()[0]
    folder = tmp_path / "kept"
    assert killed(words(evidence, bundle, "--resume", str(folder)), folder, 3) == 3
    # Of the first chunk, nobody reads again what nobody asks for.
    lost = {**files, "tile/0/009": b"lost", "tile/entries/009": b"lost"}
    with start(words(evidence, write_zip(lost, tmp_path / "bundle.zip"), "--resume", str(folder))) as last:
        out, err = last.communicate()
    said = EARLIER.search(out)
    assert said is not None, out + err
    assert (EARLIER.sub("", out), last.returncode, err) == (whole, running.returncode, "")
    assert (int(said[1].replace(",", "")) + 1) % CHUNK == 0
    assert not folder.exists()


def test_replay_is_killed_and_gone_on_with(files: dict[str, bytes], tmp_path: Path, capsys: Out) -> None:
    tree, folder = write_tree(files, tmp_path / "tree"), tmp_path / "kept"
    assert main(["replay", str(tree), "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    arguments = ["replay", str(tree), "--json", "--resume", str(folder)]
    assert killed(arguments, folder, 2) == 2
    assert main(arguments) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["resumed"] >= CHUNK
    for one in (said, whole):
        del one["seconds"], one["resumed"]
    assert said == whole
    assert not folder.exists()


def test_interrupted_it_says_how_to_go_on(evidence: Evidence, bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with start(words(evidence, bundle, "--resume", str(folder))) as running:
        assert saved(running, folder)
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate()
    assert (running.returncode, out) == (130, "")
    kept = re.fullmatch(INTERRUPTED, err)
    assert kept is not None, err
    assert Path(kept[2]) == folder
    assert (folder / NAME).exists()


def test_a_bundle_that_is_not_sound_keeps_its_folder(
    evidence: Evidence, files: dict[str, bytes], tmp_path: Path, capsys: Out
) -> None:
    broken = {**files, "tile/entries/100": files["tile/entries/101"]}
    folder = tmp_path / "kept"
    arguments = words(evidence, write_zip(broken, tmp_path / "bundle.zip"), "--resume", str(folder))
    assert main(arguments) == NOT_SOUND
    assert "entry 25600" in capsys.readouterr().out
    assert folder.exists()
    # The damage was in the copy.
    write_zip(files, tmp_path / "bundle.zip")
    assert main(arguments) != NOT_SOUND
    assert not folder.exists()


def test_a_small_bundle(tmp_path: Path, capsys: Out) -> None:
    done = finished()
    arguments = words(done, done.zip(tmp_path))
    assert main(arguments) == CARRIED_OUT
    whole = capsys.readouterr().out
    assert main([*arguments, "--resume", str(tmp_path / "kept")]) == CARRIED_OUT
    assert capsys.readouterr().out == whole
    assert not (tmp_path / "kept").exists()


def test_what_is_no_log_is_checked_in_one_go(tmp_path: Path, capsys: Out) -> None:
    done = finished()
    path = write_zip(done.compact("auditor.example"), tmp_path / "bundle.zip")
    assert main(words(done, path, "--resume", str(tmp_path / "kept"))) == USAGE
    assert "--resume: a compact bundle is checked in one go" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("command", ["verify", "replay"])
def test_a_folder_that_can_t_be_used(command: str, tmp_path: Path, capsys: Out) -> None:
    path = finished().zip(tmp_path)
    for folder, why in (
        (path, "is no folder"),
        (path / "kept", "Not a directory"),
        (tmp_path, "holds other things"),
    ):
        assert main([command, str(path), "--resume", str(folder)]) == USAGE
        said = capsys.readouterr()
        assert (why in said.err, said.out) == (True, "")
        assert main([command, str(path), "--resume", str(folder), "--json"]) == USAGE
        told = json.loads(capsys.readouterr().err)
        assert why in told["error"]
        assert told["remedy"]
    assert path.exists()


CRAMPED = """
import resource, signal, sys
from ledger.cli import main
from projections.runners import replay_command
replay_command.MOST_HELD = 100
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("more", [[], ["--resume", "kept"]], ids=["scratch", "resume"])
def test_without_room_it_says_where(files: dict[str, bytes], tmp_path: Path, more: list[str]) -> None:
    write_tree(files, tmp_path / "tree")
    command = [sys.executable, "-c", CRAMPED, "replay", "tree", *more]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    where = "kept/journal" if more else f"a file in {tempfile.gettempdir()}"
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.startswith(f"writ replay: {'--resume: ' if more else ''}{where}: File too large ("), (
        done
    )
    assert done.stderr.count("\n") == 1


def test_replay_puts_away_what_it_folds(tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders, digests and questions come out the same where the records are on a shelf."""
    log = filled(ordered(), CHUNK + 5)
    log.anchor(WITNESS)
    tree = write_tree(log.tree(WITNESS), tmp_path / "tree")
    arguments = ["replay", str(tree), "--json", "--questions"]
    said = []
    for most_held in (MOST_HELD, 1_000):
        monkeypatch.setattr("projections.runners.replay_command.MOST_HELD", most_held)
        assert main(arguments) == 0
        said.append(json.loads(capsys.readouterr().out))
        del said[-1]["seconds"]
    assert said[0]["orders"]
    assert sum(len(page["rows"]) for page in said[0]["questions"]) > 3
    assert said[0] == said[1]
