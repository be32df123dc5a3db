"""The checker that uses none of our code, on logs made with ours, whole and damaged."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from projections.events import encode_event
from signing.keys import ED25519, SigningKey, format_vkey
from signing.merkle import leaf_hashes_of, range_of, root_of
from signing.note import format_note, sign_note
from signing.submission import SubmissionText, format_submission_text
from tests.examples.checking import BEYOND, CHECK, check
from tests.projections.deeds import TOKEN, collected, erased, looked, register_token
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import GATEWAY, ORIGIN, LogBuilder, Row, key_of, vkey_of, write_zip
from tests.projections.stamping import obeyed
from tests.projections.verifying import ordered
from tests.signing.authority import Authority
from tests.vectors.bundled import ALL, INDEXES, path_of

Files = dict[str, bytes]
LOG = vkey_of(ORIGIN)


@pytest.fixture
def long() -> Evidence:
    """A log of two tiles, with events at both doors."""
    log = ordered()
    register_token(log)
    for begin in range(0, 250, 50):
        log.post(CRAWLER, *(collected(number) for number in range(begin, begin + 50)))
    log.post_events(GATEWAY, log.event(collected(7), TOKEN), source=GATEWAY)
    log.post(CRAWLER, erased(*range(250)))
    looked(log, ASSESSOR)
    log.anchor(WITNESS)
    assert 256 < log.size < 512
    return Evidence(log)


def said_of(files: Files, folder: Path, *vkeys: str) -> tuple[int, str]:
    return check(write_zip(files, folder / "b.zip"), *(vkeys or (LOG, vkey_of(AUTHORITY))))


def test_a_sound_bundle(long: Evidence, tmp_path: Path) -> None:
    status, said = said_of(long.files(ASSESSOR), tmp_path)
    assert status == 0, said
    for words in (
        f"{long.log.size} entries, signed by the log",
        "3 hash tiles are right",
        "source logs  6",
        f"7 of {CRAWLER}, ",
        "each by a key that the log had registered",
        f"order        {AUTHORITY}/en-2026-1 version 1, signed by {AUTHORITY}",
        f"statement    it says carried_out; signed by: {ASSESSOR}",
        f"witnesses    cosigned by: {WITNESS}; enough",
    ):
        assert words in said
    status, said = said_of(long.files(), tmp_path, LOG)
    assert (status, "no authority's key is given" in said) == (0, True)


@pytest.mark.parametrize(("name", "file", "fails"), ALL, ids=[f"{name}/{file}" for name, file, _ in ALL])
def test_the_vectors(name: str, file: str, fails: str) -> None:
    given = INDEXES[name]["given"]
    vkeys = [given.get("log", LOG), *([given["authority"]] if "authority" in given else [])]
    status, said = check(path_of(name, file), *vkeys)
    is_sound = fails in {"good", "told", "word"} | BEYOND
    assert (status, "WRONG: " in said) == (0 if is_sound else 1, not is_sound), said
    assert "Traceback" not in said


def test_time_stamps(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    status, said = check(obeyed(authority).zip(tmp_path), LOG, vkey_of(AUTHORITY))
    assert (status, "time-stamps  1 of 1 are by authorities that the order names" in said) == (0, True), said
    strange = obeyed(authority, answer=Authority(tmp_path / "other").stamp)
    status, said = check(strange.zip(tmp_path), LOG, vkey_of(AUTHORITY))
    assert (status, "time-stamps  0 of 1" in said) == (0, True), said


def revoked(log: LogBuilder) -> None:
    log.revoke(CRAWLER, "controller")
    log.post(CRAWLER, collected(1))


def of_another_name(log: LogBuilder) -> None:
    """The crawler signs for a source log that is not its own."""
    line = encode_event(log.event(collected(1), "collector.example"))
    root = root_of(range_of(0, leaf_hashes_of([line])))
    text = SubmissionText("collector.example", 1, root, ORIGIN, 0, 0, None)
    note = format_note(sign_note(format_submission_text(text), key_of(CRAWLER)))
    log.rows += [Row("submission", log.now_us, note), Row("event", log.now_us, line)]


def under_another_key(log: LogBuilder) -> None:
    log.keys[CRAWLER] = SigningKey(CRAWLER, ED25519, bytes(32))
    log.post(CRAWLER, collected(1))


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (revoked, "signed by no key that is registered there"),
        (of_another_name, "the source log collector.example is another's"),
        (under_another_key, "signed by no key that is registered there"),
    ],
)
def test_a_key_that_may_not_sign(
    long: Evidence, tmp_path: Path, act: Callable[[LogBuilder], None], reason: str
) -> None:
    statement = long.files()["statement"]
    act(long.log)
    status, said = said_of({**long.log.tree(WITNESS), "statement": statement}, tmp_path)
    assert (status, reason in said) == (1, True), said


def test_a_revoked_key_may_be_followed_by_another(long: Evidence, tmp_path: Path) -> None:
    long.log.revoke(CRAWLER, "controller")
    long.log.keys[CRAWLER] = SigningKey(CRAWLER, ED25519, bytes(32))
    long.log.register(CRAWLER, "controller")
    long.log.post(CRAWLER, collected(1))
    status, said = said_of(long.files(), tmp_path)
    assert status == 0, said


@pytest.mark.parametrize(
    "level", ["tile/0/000", "tile/0/001", "tile/1/", "tile/entries/000", "tile/entries/001"]
)
def test_a_tile_with_a_byte_altered_or_left_out(long: Evidence, tmp_path: Path, level: str) -> None:
    files = long.files()
    name = next(one for one in files if one.startswith(level))
    raw = files[name]
    status, said = said_of(files | {name: raw[:17] + bytes([raw[17] ^ 1]) + raw[18:]}, tmp_path)
    assert (status, "WRONG: " in said) == (1, True)
    del files[name]
    status, said = said_of(files, tmp_path)
    assert (status, f"WRONG: {name} is missing" in said) == (1, True), said


def test_a_stray_tile(long: Evidence, tmp_path: Path) -> None:
    status, said = said_of(long.files() | {"tile/0/002": bytes(8192)}, tmp_path)
    assert (status, "tile/0/002: no tile of this tree" in said) == (1, True), said


def test_the_wrong_keys(long: Evidence, tmp_path: Path) -> None:
    files = long.files(ASSESSOR)
    impostor = format_vkey(SigningKey(ORIGIN, ED25519, bytes(32)).verifier)
    status, said = said_of(files, tmp_path, impostor)
    assert (status, "the log's signature does not verify" in said) == (1, True)
    status, said = said_of(files, tmp_path, vkey_of("ledger.example/other"))
    assert (status, "not of the log that was asked for" in said) == (1, True)
    stranger = vkey_of("stranger.example")
    status, said = said_of(files, tmp_path, LOG, stranger)
    assert (status, f"no order here is signed by {stranger}" in said) == (1, True)


def test_it_uses_none_of_our_code() -> None:
    ours = [CHECK, *(CHECK.with_name(f"check_{part}.py") for part in ("bytes", "signed"))]
    for path in ours:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            roots = {name.partition(".")[0] for name in names}
            assert roots <= {*sys.stdlib_module_names, *(one.stem for one in ours)}


def test_what_must_be_there_before_anything_is_checked(long: Evidence, tmp_path: Path) -> None:
    bundle = str(write_zip(long.files(), tmp_path / "b.zip"))
    for arguments, what in (
        ((str(tmp_path / "none.zip"), LOG), "No such file"),
        ((str(tmp_path), LOG), "Is a directory"),
        ((bundle, "garbage"), "garbage is no key"),
        ((bundle, LOG, "garbage"), "garbage is no key"),
    ):
        assert_refused(what, arguments)


@pytest.mark.parametrize("is_there", [True, False])
def test_without_an_openssl_that_knows_ed25519(is_there: bool, long: Evidence, tmp_path: Path) -> None:
    bundle = write_zip(long.files(), tmp_path / "b.zip")
    programs = tmp_path / "bin"
    programs.mkdir()
    if is_there:
        (programs / "openssl").write_text("#!/bin/sh\nexit 1\n")
        (programs / "openssl").chmod(0o755)
    assert_refused("install OpenSSL 3", (str(bundle), LOG), {"PATH": str(programs)})


def assert_refused(what: str, arguments: tuple[str, ...], places: dict[str, str] | None = None) -> None:
    """Nothing is checked, and why stands on standard error."""
    command = [sys.executable, str(CHECK), *arguments]
    found = subprocess.run(command, env=places, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, what in found.stderr) == (2, "", True), found
