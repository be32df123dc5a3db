"""Mirroring: what is kept is what the log's checkpoint confirms, whatever the server does."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger.growth import Refuted
from ledger.mirroring import Copied, Patient, mirror
from ledger.treefolder import TreeFolder
from projections.runners import source as sources
from projections.runners.source import UrlSource
from signing.errors import FormatError, ProofError
from signing.fork import parse_fork, verify_fork
from signing.keys import format_vkey
from signing.tiles import static_tree
from tests.ledger.command_line import writ
from tests.ledger.operator_at_will import flip
from tests.ledger.processes import many
from tests.ledger.static_log import KEY, StaticLog, handing_out, loaded

VKEY = format_vkey(KEY.verifier)


def copy(url: str, folder: Path, *, all_widths: bool = True, patience_s: float = 0.0) -> Copied:
    source = Patient(UrlSource(url, None), patience_s)
    return mirror(source, TreeFolder(folder), KEY.verifier, all_widths=all_widths)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".new"
    }


def evidence(folder: Path) -> list[str]:
    kept = folder.with_name(f"{folder.name}.state") / "evidence"
    return sorted(path.name.rsplit("-", 1)[0] for path in kept.iterdir()) if kept.is_dir() else []


@pytest.mark.parametrize(
    "sizes", [(0,), (1,), (255, 256, 257), (10, 600, 601), (512, 1024), (300, 65_800)], ids=str
)
def test_a_mirror_holds_exactly_the_logs_tree(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    log = StaticLog(max(sizes))
    with handing_out(log) as url:
        before = 0
        for size in sizes:
            log.show(size)
            copied = copy(url, tmp_path / "m")
            assert (copied.size_before, copied.signed.size) == (before, size)
            assert files_in(tmp_path / "m") == log.files
            before = size


def test_only_what_is_new_is_fetched(tmp_path: Path) -> None:
    log = StaticLog(1_000)
    with handing_out(log) as url:
        log.show(900)
        copy(url, tmp_path / "m")
        log.show(1_000)
        log.asked.clear()
        copy(url, tmp_path / "m")
        assert set(log.asked) == {
            "checkpoint", "tile/0/003.p/232", "tile/1/000.p/3", "tile/entries/003.p/232",
        }  # fmt: skip
        log.asked.clear()
        assert copy(url, tmp_path / "m").files == 0
        assert log.asked == ["checkpoint"]


def test_a_published_tree_keeps_partial_tiles_until_the_full_one_is_there(tmp_path: Path) -> None:
    log = StaticLog(600)
    with handing_out(log) as url:
        for size in (300, 400, 512, 600):
            log.show(size)
            copy(url, tmp_path / "p", all_widths=False)
            if size == 400:
                assert (
                    files_in(tmp_path / "p")["tile/0/001.p/44"]
                    == static_tree(log.entries[:300])["tile/0/001.p/44"]
                )
    assert {path for path in files_in(tmp_path / "p") if ".p/" in path} == {
        "tile/0/002.p/88", "tile/entries/002.p/88", "tile/1/000.p/1", "tile/1/000.p/2",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/001",
        "tile/entries/002.p/88",
    ],
)
@pytest.mark.parametrize("how", ["altered", "cut", "longer", "absent", "huge"])
def test_a_tile_that_is_not_what_the_checkpoint_confirms_is_not_kept(
    tmp_path: Path, path: str, how: str
) -> None:
    log = StaticLog(600)
    true = log.files[path]
    lies = {"altered": flip(true), "cut": true[:-1], "longer": true + bytes(32), "huge": bytes(17_000_000)}
    if how == "absent":
        del log.files[path]
    else:
        log.lies[path] = lies[how]
    with handing_out(log) as url:
        with pytest.raises((ProofError, FormatError)):
            copy(url, tmp_path / "m")
        kept = files_in(tmp_path / "m")
        assert path not in kept
        assert "checkpoint" not in kept
        assert kept.items() <= static_tree(log.entries).items()
        log.lies, log.files = {}, static_tree(log.entries) | {"checkpoint": log.checkpoint(600)}
        copy(url, tmp_path / "m")
        assert files_in(tmp_path / "m") == log.files


@pytest.mark.parametrize("index", [77, 256, 599])
def test_an_entry_of_another_content_is_named(tmp_path: Path, index: int) -> None:
    log, other = StaticLog(600), StaticLog(600)
    other.entries[index] = other.entries[index][::-1]
    lies = static_tree(other.entries).items() - log.files.items()
    (log.lies,) = [{path: raw} for path, raw in lies if path.startswith("tile/entries")]
    with handing_out(log) as url, pytest.raises(ProofError, match=f"entry {index} is not what"):
        copy(url, tmp_path / "m")
    assert not log.lies.keys() & files_in(tmp_path / "m").keys()


def test_one_false_leaf_hash_that_only_a_proof_reveals_is_found(tmp_path: Path) -> None:
    """The entry and its hash agree with each other, and nothing else looks wrong."""
    log, other = StaticLog(600), StaticLog(600)
    other.entries[77] = b"another"
    for path in ("tile/0/000", "tile/entries/000"):
        log.lies[path] = static_tree(other.entries)[path]
    with handing_out(log) as url, pytest.raises(ProofError, match="tile/0/000 is not what"):
        copy(url, tmp_path / "m")


@pytest.mark.parametrize(
    ("first", "second"), [(300, 300), (300, 600), (256, 600), (512, 513), (600, 300), (600, 256)]
)
def test_a_fork_is_refused_and_proved(tmp_path: Path, first: int, second: int) -> None:
    log, fork = StaticLog(600), StaticLog(600, history=1, forked_at=200)
    with handing_out(log) as url:
        log.show(first)
        copy(url, tmp_path / "m")
    before = files_in(tmp_path / "m")
    with handing_out(fork) as url:
        fork.show(second)
        with pytest.raises(Refuted, match="forked"):
            copy(url, tmp_path / "m")
    assert files_in(tmp_path / "m") == before
    (proof,) = (tmp_path / "m.state" / "evidence").iterdir()
    older, newer = verify_fork(parse_fork(proof.read_bytes()), KEY.verifier)
    assert (older.size, newer.size) == (min(first, second), max(first, second))
    done = writ("fork", str(proof), "--log", VKEY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("FORKED: ledger.example/static")


def test_a_rollback_is_refused_and_both_checkpoints_are_kept(tmp_path: Path) -> None:
    log = StaticLog(600)
    with handing_out(log) as url:
        copy(url, tmp_path / "m")
        log.show(300)
        with pytest.raises(Refuted, match="shows size 300, but it signed size 600"):
            copy(url, tmp_path / "m")
    assert evidence(tmp_path / "m") == ["rollback-300", "rollback-600"]
    assert (tmp_path / "m" / "checkpoint").read_bytes() == log.checkpoint(600)


def test_growth_that_nothing_proves_is_refused(tmp_path: Path) -> None:
    log = StaticLog(600)
    with handing_out(log) as url:
        log.show(300)
        copy(url, tmp_path / "m")
        log.show(600)
        log.lies["tile/0/001"] = flip(log.files["tile/0/001"])
        with pytest.raises(ProofError, match="nothing shows that size 600"):
            copy(url, tmp_path / "m")
    assert evidence(tmp_path / "m") == ["unproved-600"]


def test_what_an_interrupted_run_went_for_binds_the_log(tmp_path: Path) -> None:
    log, fork = StaticLog(600), StaticLog(600, history=1, forked_at=400)
    with handing_out(log) as url:
        del log.files["tile/entries/001"]
        with pytest.raises(ProofError):
            copy(url, tmp_path / "m")
    with handing_out(fork) as url, pytest.raises(Refuted, match="forked"):
        copy(url, tmp_path / "m")
    log.show(300)
    with handing_out(log) as url, pytest.raises(Refuted, match="shows size 300"):
        copy(url, tmp_path / "m")


def test_a_server_that_drips_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "URL_TOTAL_S", 0.5)
    log = StaticLog(600)
    log.drip_s = 0.05
    with handing_out(log) as url:
        began_s = time.monotonic()
        with pytest.raises(OSError, match="took too long"):
            copy(url, tmp_path / "m")
        assert time.monotonic() - began_s < 5


@pytest.mark.parametrize("elsewhere", ["/other", "http://[", "file:///etc/passwd", "//127.0.0.1:1/x"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_sent_elsewhere(tmp_path: Path, status: int, elsewhere: str) -> None:
    log = StaticLog(1)
    log.answers["checkpoint"] = (status, elsewhere)
    with handing_out(log) as url, pytest.raises(OSError, match=str(status)):
        copy(url, tmp_path / "m")
    assert log.asked == ["checkpoint"]


def test_what_is_refused_is_not_asked_for_again(tmp_path: Path) -> None:
    log = StaticLog(1)
    with handing_out(log) as url:
        log.answers["checkpoint"] = (403, "")
        with pytest.raises(OSError, match="403"):
            copy(url, tmp_path / "m", patience_s=5)
        assert log.asked == ["checkpoint"]
        log.answers["checkpoint"] = (503, "")
        with pytest.raises(OSError, match="503"):
            copy(url, tmp_path / "m", patience_s=1)
        assert len(log.asked) > 2


def test_a_service_that_is_not_there_is_named_with_a_remedy(tmp_path: Path) -> None:
    with handing_out(StaticLog(1)) as url:
        pass
    done = writ("mirror", url, str(tmp_path / "m"), "--log", VKEY, "--patience", "0")
    assert done.returncode == 1
    assert done.stderr.startswith(f"writ: {url}: Connection refused — see that it is running")


def test_two_do_not_write_one_folder(tmp_path: Path) -> None:
    log = StaticLog(1)
    with handing_out(log) as url, TreeFolder(tmp_path / "m").writing():
        done = writ("mirror", url, str(tmp_path / "m"), "--log", VKEY)
    assert done.returncode == 1
    assert "another process writes" in done.stderr


@pytest.mark.parametrize("times", many(12, 300))
def test_a_mirror_that_is_killed_goes_on(tmp_path: Path, times: int) -> None:
    """At no moment is anything there that the log has not, and a checkpoint without its tiles never."""
    log = StaticLog(30_000)
    whole = static_tree(log.entries)
    dice = random.Random(7)
    with handing_out(log) as url:
        log.show(9_000)
        command = [sys.executable, "-m", "ledger.cli", "mirror", url, str(tmp_path / "m"), "--log", VKEY]
        for number in range(times):
            if number == times // 2:
                log.show(30_000)
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(dice.uniform(0.2, 0.9))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kept = files_in(tmp_path / "m")
            checkpoint = kept.pop("checkpoint", None)
            full = {path: raw for path, raw in kept.items() if ".p/" not in path}
            assert full.items() <= whole.items()
            if checkpoint is not None:
                size = 9_000 if checkpoint == log.checkpoint(9_000) else 30_000
                assert kept.items() >= static_tree(log.entries[:size]).items()
        done = writ("mirror", url, str(tmp_path / "m"), "--log", VKEY)
        assert done.returncode == 0, done.stderr
    assert files_in(tmp_path / "m") == log.files


def test_a_verifiers_machine_is_enough(tmp_path: Path) -> None:
    with handing_out(StaticLog(300)) as url:
        assert loaded("mirror", url, str(tmp_path / "m"), "--log", VKEY) == "0 []\n"
