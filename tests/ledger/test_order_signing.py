"""What speaks against an order is told before it is signed, and a mistake is never signed."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.cli import main
from ledger.order_templates import policy_lines
from projections.examples import AUTHORITY, ORIGIN, WITNESS, example_order, vkey
from projections.order import Order, encode_order
from signing.keys import COSIGNATURE
from tests.ledger.command_line import writ

Out = pytest.CaptureFixture[str]
# Nobody listens there: what gets so far has been accepted.
NOBODY = ["--url", "http://127.0.0.1:1", "--patience", "0", "--log", vkey(ORIGIN)]
ACCEPTED = "is not answered"


def meant(**how: Any) -> Order:
    """An order about which there is one thing to think: its single witness."""
    return msgspec.structs.replace(example_order(), **how)


def words(folder: Path, order: Order, command: str) -> list[str]:
    """A command that signs an order, of an authority with a key."""
    if not (folder / f"{AUTHORITY}.key").exists():
        writ("keygen", AUTHORITY, cwd=folder)
    path = folder / "order.json"
    path.write_bytes(encode_order(order))
    whose = ["--controller", order.controllers[0], "--key", str(folder / f"{AUTHORITY}.key")]
    return ["order", command, str(path), *NOBODY, *whose]


@pytest.mark.parametrize("command", ["issue", "vary"])
def test_a_mistake_is_never_signed(command: str, tmp_path: Path, capsys: Out) -> None:
    trust = msgspec.structs.replace(example_order().trust, witnesses=())
    line = words(tmp_path, meant(trust=trust), command)
    for more in ([], ["--yes"], ["--yes", "--json"]):
        assert main([*line, *more]) == 1
        err = capsys.readouterr().err
        assert "order.json: trust.witnesses: no witnesses, or no quorum of them" in err
        assert "(trust.no_witnesses)" in err
        assert "read it with `writ order check" in err
        assert ACCEPTED not in err


@pytest.mark.parametrize("command", ["issue", "vary"])
def test_what_is_to_be_thought_about_is_accepted_on_purpose(
    command: str, tmp_path: Path, capsys: Out
) -> None:
    line = words(tmp_path, meant(), command)
    assert main(line) == 1
    err = capsys.readouterr().err
    assert "trust.witnesses: a single witness" in err
    assert "if all of it is meant so, give --yes" in err
    assert main([*line, "--json"]) == 1
    said = json.loads(capsys.readouterr().err)
    assert (said["remedy"], "trust.one_witness" in said["error"]) == (
        "if all of it is meant so, give --yes", True,
    )  # fmt: skip
    assert main([*line, "--yes"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("What to think about\n- trust.witnesses: a single witness")
    assert ACCEPTED in err
    assert main([*line, "--yes", "--json"]) == 1
    assert ACCEPTED in json.loads(capsys.readouterr().err)["error"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [(b"y\n", ACCEPTED), (b"Yes\n", ACCEPTED), (b"n\n", "is not signed"), (b"\n", "is not signed"),
     (b"\x04", "is not signed")],
)  # fmt: skip
def test_at_a_terminal_it_is_asked(answer: bytes, says: str, tmp_path: Path) -> None:
    line = words(tmp_path, meant(), "issue")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ledger.cli", *line], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while not shown.endswith(b"[y/N] "):
        shown += os.read(ours, 1000)
    os.write(ours, answer)
    try:
        while piece := os.read(ours, 1000):
            shown += piece
    except OSError:
        pass  # So Linux says that the other end of a terminal is closed.
    out, _ = process.communicate()
    os.close(ours)
    text = " ".join(shown.decode().split())
    assert (process.returncode, out) == (1, b"")
    assert "trust.witnesses: a single witness" in text
    assert f"Sign {meant().id}, version 1, as it stands?" in text
    assert says in text


def test_nothing_is_asked_where_nothing_is_to_be_thought_about(tmp_path: Path, capsys: Out) -> None:
    names = [f"{name}.{WITNESS}" for name in "abc"]
    lines = policy_lines(tuple(vkey(name, COSIGNATURE) for name in names))
    trust = msgspec.structs.replace(example_order().trust, witnesses=tuple(lines))
    assert main(words(tmp_path, meant(trust=trust), "issue")) == 1
    err = capsys.readouterr().err
    assert ACCEPTED in err
    assert "think about" not in err
