"""`writ watch`: what it keeps, what it calls an alarm, and that no crash makes it forget either."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.follow_config import parse_config
from ledger.follow_cosigning import Cosigner
from ledger.follow_memory import Alarm
from ledger.follow_round import Follower, Round
from ledger.keyfiles import write_key
from signing.cosignature import verify_cosignature
from signing.fork import parse_fork, verify_fork
from signing.keys import COSIGNATURE, SigningKey, format_signing_key, format_vkey
from signing.note import parse_note, signatures_of
from tests.ledger.command_line import writ
from tests.ledger.operator_at_will import flip
from tests.ledger.processes import many
from tests.ledger.static_log import KEY, StaticLog, handing_out, loaded

VKEY = format_vkey(KEY.verifier)
WITNESS = SigningKey("watch.example", COSIGNATURE, bytes(range(32, 64)))
ORDER = "ico.example/en-2026-1"
STATUS = f"orders/{ORDER.replace('/', '%2F')}"


class Watcher:
    """A follower of one log, and a clock that the test moves."""

    def __init__(self, url: str, data: Path, *, cosigner: Cosigner | None = None, orders: str = "[]") -> None:
        text = f'stale_after_s = 100\n[[log]]\nurl = "{url}"\nvkey = "{VKEY}"\norders = {orders}\n'
        self.follower = Follower(parse_config(text.encode()), data, data, cosigner)
        self.now_s = 1_000

    def look(self, later_s: int = 10) -> Round:
        self.now_s += later_s
        return self.follower.round(self.now_s)

    def kinds(self) -> list[str]:
        return [alarm.kind for alarm in self.follower.memory.standing()]

    def alarm(self, kind: str) -> Alarm:
        return next(alarm for alarm in self.follower.memory.standing() if alarm.kind == kind)


def kept(data: Path) -> list[tuple[int, int]]:
    with sqlite3.connect(data / "watch.sqlite") as db:
        return db.execute("SELECT size, proved FROM checkpoints ORDER BY number").fetchall()


def status(verdict: str | None, obligation: str, deadline: int) -> bytes:
    one = {"id": "o1", "deadline": deadline, "verdict": obligation, "more": 1}
    statement = {"obligations": [one]} | ({"verdict": verdict} if verdict else {"would_be": "breached"})
    return json.dumps({"headline": "h", "statement": statement}).encode()


def test_a_log_that_grows_is_kept_whole_and_is_no_alarm(tmp_path: Path) -> None:
    log = StaticLog(700)
    with handing_out(log) as url:
        watcher = Watcher(url, tmp_path)
        for size in (0, 1, 255, 256, 300, 300, 700):
            log.show(size)
            watcher.look()
    assert kept(tmp_path) == [(size, 1) for size in (0, 1, 255, 256, 300, 700)]
    assert watcher.kinds() == []


def test_what_is_kept_can_be_neither_changed_nor_removed(tmp_path: Path) -> None:
    log = StaticLog(3)
    with handing_out(log) as url:
        Watcher(url, tmp_path).look()
    for statement in ("DELETE FROM checkpoints", "UPDATE checkpoints SET size = 1"):
        with sqlite3.connect(tmp_path / "watch.sqlite") as db, pytest.raises(sqlite3.IntegrityError):
            db.execute(statement)


@pytest.mark.parametrize(("first", "second"), [(300, 300), (300, 600), (256, 600), (600, 300)])
def test_a_fork_is_an_alarm_for_ever_with_a_proof(tmp_path: Path, first: int, second: int) -> None:
    log, fork = StaticLog(600), StaticLog(600, history=1, forked_at=200)
    with handing_out(log) as url:
        watcher = Watcher(url, tmp_path)
        log.show(first)
        watcher.look()
        fork.show(second)
        honest, log.files = log.files, dict(fork.files)
        if second < first:  # the tiles of the greater tree must be had from somewhere
            log.files |= {path: raw for path, raw in honest.items() if path != "checkpoint"}
        watcher.look()
        alarm = watcher.alarm("fork")
        verify_fork(parse_fork(Path(alarm.evidence).read_bytes()), KEY.verifier)
        watcher.look()  # the same again is no other alarm
        log.files = honest
        watcher.look()
    assert watcher.kinds() == ["fork"]
    assert kept(tmp_path) == [(first, 1), (second, 0)]


def test_a_rollback_is_an_alarm_until_the_log_is_back(tmp_path: Path) -> None:
    log = StaticLog(600)
    with handing_out(log) as url:
        watcher = Watcher(url, tmp_path)
        watcher.look()
        log.show(300)
        watcher.look()
        assert watcher.kinds() == ["rollback"]
        log.show(600)
        assert [alarm.kind for alarm in watcher.look().cleared] == ["rollback"]
    assert kept(tmp_path) == [(600, 1), (300, 0)]


def test_growth_that_nothing_proves_is_an_alarm_and_does_not_count(tmp_path: Path) -> None:
    log = StaticLog(600)
    with handing_out(log) as url:
        watcher = Watcher(url, tmp_path)
        log.show(300)
        watcher.look()
        log.show(600)
        log.lies["tile/0/001"] = flip(log.files["tile/0/001"])
        watcher.look()
        assert watcher.kinds() == ["unproved"]
        assert kept(tmp_path) == [(300, 1), (600, 0)]
        log.lies.clear()
        watcher.look()
    assert watcher.kinds() == []
    assert kept(tmp_path) == [(300, 1), (600, 0), (600, 1)]


@pytest.mark.parametrize("lie", [b"", b"no note", bytes(5 << 20), "stranger"])
def test_what_the_log_did_not_sign_is_an_alarm(tmp_path: Path, lie: bytes | str) -> None:
    log = StaticLog(3)
    true = log.files["checkpoint"]
    log.lies["checkpoint"] = lie if isinstance(lie, bytes) else true.replace(b"\n3\n", b"\n4\n")
    with handing_out(log) as url:
        watcher = Watcher(url, tmp_path)
        watcher.look()
        assert watcher.kinds() == ["unsigned"]
        log.lies.clear()
        watcher.look()
    assert watcher.kinds() == []
    assert kept(tmp_path) == [(3, 1)]


def test_a_log_that_stands_still_or_is_away_is_stale(tmp_path: Path) -> None:
    log = StaticLog(600)
    with handing_out(log) as url:
        watcher = Watcher(url, tmp_path)
        log.show(1)
        watcher.look()
        watcher.look(100)
        assert watcher.kinds() == []
        watcher.look(1)
        assert watcher.kinds() == ["stale"]
        log.show(2)
        watcher.look()
        assert watcher.kinds() == []
    watcher.look(101)
    assert "refused" in watcher.alarm("stale").what


def test_a_log_that_was_never_there_is_stale_too(tmp_path: Path) -> None:
    watcher = Watcher("http://127.0.0.1:1", tmp_path)
    assert watcher.look().logs[0].trouble
    assert watcher.kinds() == []
    watcher.look(101)
    assert watcher.kinds() == ["stale"]


def test_a_missed_deadline_is_an_alarm_until_it_is_carried_out(tmp_path: Path) -> None:
    log = StaticLog(3)
    with handing_out(log) as url:
        watcher = Watcher(url, tmp_path, orders=f'["{ORDER}"]')
        for now, answer, kinds in (
            (1_020, status("outstanding", "outstanding", 1_020), []),
            (1_021, status("outstanding", "outstanding", 1_020), ["deadline"]),
            (1_030, status("cannot_be_proved", "cannot_be_proved", 1_020), ["deadline"]),
            (1_040, b"{", ["deadline"]),
            (1_050, status("carried_out", "carried_out", 1_020), []),
            (1_060, status(None, "breached", 1_020), []),  # stayed, say
        ):
            log.lies[STATUS] = answer
            watcher.look(now - watcher.now_s)
            assert watcher.kinds() == kinds, now


def test_an_order_on_which_the_service_is_silent_is_an_alarm(tmp_path: Path) -> None:
    log = StaticLog(600)
    with handing_out(log) as url:
        watcher = Watcher(url, tmp_path, orders=f'["{ORDER}"]')
        for size in (1, 2, 3):
            log.show(size)
            watcher.look(60)
        assert watcher.kinds() == ["unanswered"]
        assert "404" in watcher.alarm("unanswered").what
        log.lies[STATUS] = status("outstanding", "outstanding", 9_999)
        watcher.look(1)
    assert watcher.kinds() == []


def test_what_was_proved_is_cosigned_and_put_where_it_is_fetched(tmp_path: Path) -> None:
    log = StaticLog(600)
    file = tmp_path / "cosigned" / sha256(KEY.name.encode()).hexdigest() / "checkpoint"
    with handing_out(log) as url:
        watcher = Watcher(url, tmp_path, cosigner=Cosigner(tmp_path, WITNESS))
        for size in (0, 3, 300, 300, 600):
            log.show(size)
            assert watcher.look().logs[0].trouble == ""
            note = parse_note(file.read_bytes())
            (signature,) = signatures_of(note, WITNESS.verifier)
            assert verify_cosignature(note.text, signature, WITNESS.verifier) == watcher.now_s
            assert note.text.split("\n")[1] == str(size)
        before = file.read_bytes()
        fork = StaticLog(600, history=1)
        log.files = fork.files
        watcher.look()
    assert watcher.kinds() == ["fork"]
    assert file.read_bytes() == before


# The command.


def config_at(folder: Path, url: str) -> Path:
    path = folder / "logs.toml"
    path.write_text(f'every_s = 1\n[[log]]\nurl = "{url}"\nvkey = "{VKEY}"\n')
    return path


def test_once_ends_with_three_while_an_alarm_stands(tmp_path: Path) -> None:
    log, fork = StaticLog(300), StaticLog(300, history=1)
    heard = tmp_path / "heard"
    with handing_out(log) as url:
        words = ["watch", "--config", str(config_at(tmp_path, url)), "--data", str(tmp_path / "d"), "--once"]
        command = [
            "--on-alarm",
            f"{sys.executable} -c \"import sys; open('{heard}', 'a').write(sys.stdin.read())\"",
        ]
        done = writ(*words, *command)
        assert (done.returncode, done.stdout) == (
            0,
            "ledger.example/static: 300 entries\nno alarm stands\n",
        ), done
        log.files = fork.files
        assert writ(*words, "--on-alarm", "false").returncode == 3
        for _ in range(2):
            done = writ(*words, *command, "--json")
            assert done.returncode == 3
    (line,) = heard.read_text().splitlines()
    alarm = json.loads(line)
    assert (alarm["state"], alarm["kind"], alarm["log"]) == ("raised", "fork", KEY.name)
    assert writ("fork", alarm["evidence"], "--log", VKEY).returncode == 0
    assert json.loads(done.stdout)["state"] == "stands"


def test_a_verifiers_machine_is_enough(tmp_path: Path) -> None:
    with handing_out(StaticLog(300)) as url:
        write_key(tmp_path / "w.key", format_signing_key(WITNESS))
        words = ("--config", str(config_at(tmp_path, url)), "--data", str(tmp_path / "d"), "--once")
        assert loaded("watch", *words, "--key", str(tmp_path / "w.key")) == "0 []\n"


def test_a_wrong_file_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("log = 1")
    done = writ("watch", "--config", str(tmp_path / "f"), "--data", str(tmp_path / "d"))
    assert done.returncode == 2
    assert "not a file of logs" in done.stderr
    done = writ("watch", "--config", str(tmp_path / "none"), "--data", str(tmp_path / "d"))
    assert done.returncode == 2
    assert (
        done.stderr
        == f"writ: {tmp_path}/none: No such file or directory — docs/mirror.md shows such a file\n"
    )


@pytest.mark.parametrize("times", many(5, 100))
def test_a_watch_that_is_killed_forgets_nothing(tmp_path: Path, times: int) -> None:
    log = StaticLog(2_000)
    dice = random.Random(3)
    write_key(tmp_path / "w.key", format_signing_key(WITNESS))
    with handing_out(log) as url:
        command = [
            sys.executable, "-m", "ledger.cli", "watch", "--config", str(config_at(tmp_path, url)),
            "--data", str(tmp_path / "d"), "--key", str(tmp_path / "w.key"),
        ]  # fmt: skip
        before: list[tuple[int, int]] = []
        for number in range(times):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            log.show(100 * (number % 20) + 1)
            time.sleep(dice.uniform(0.3, 1.5))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            after = kept(tmp_path / "d") if (tmp_path / "d" / "watch.sqlite").exists() else []
            assert after[: len(before)] == before
            before = after
        log.show(2_000)
        assert writ(*command[3:], "--once").returncode == 0
    assert kept(tmp_path / "d")[-1] == (2_000, 1)


def test_a_watch_goes_on_until_it_is_told_to_end(tmp_path: Path) -> None:
    log = StaticLog(300)
    with handing_out(log) as url:
        log.show(1)
        words = ["watch", "--config", str(config_at(tmp_path, url)), "--data", str(tmp_path / "d")]
        command = [sys.executable, "-m", "ledger.cli", *words]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline_s = time.monotonic() + 30
        while not log.asked and time.monotonic() < deadline_s:
            time.sleep(0.05)
        done = writ(*words, "--once")
        assert (done.returncode, "another process watches" in done.stderr) == (1, True)
        log.show(300)
        while "tile/0/000" not in log.asked and time.monotonic() < deadline_s:
            time.sleep(0.05)
        process.terminate()
        assert process.wait(30) == 0
    assert kept(tmp_path / "d") == [(1, 1), (300, 1)]
