"""The poster that uses none of our code makes submissions that ours accepts."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from signing import (
    ED25519,
    EMPTY_RANGE,
    SigningKey,
    check_submission,
    format_submission,
    format_vkey,
    make_submission,
    parse_submission,
    parse_vkey,
)

POST = Path(__file__).with_name("post.sh")
NAME, LOG = "crawler.example", "ledger.example/clearview"
SEED = bytes(range(32))
# Beside curl, openssl and sha256sum, what every Debian has: bash, sed and the other core utilities.
PROGRAMS = [
    "bash",
    "base64",
    "cat",
    "curl",
    "cut",
    "mktemp",
    "od",
    "openssl",
    "rm",
    "sed",
    "sha256sum",
    "tail",
    "tr",
]


def post(
    *arguments: str, events: bytes = b"", source: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | ({"SOURCE": source} if source else {})
    return subprocess.run(["bash", str(POST), *arguments], input=events, env=environment, capture_output=True)


@pytest.fixture
def keyfile(tmp_path: Path) -> str:
    (tmp_path / "seed").write_text(SEED.hex() + "\n")
    return str(tmp_path / "seed")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_the_submission_is_byte_for_byte_ours(count: int, keyfile: str) -> None:
    key = SigningKey(NAME, ED25519, SEED)
    lines = [
        b'{"data":{"records":["%032x"]},"id":"%d %%s \\\\n"}' % (number, number) for number in range(count)
    ]
    done = post("--dry-run", keyfile, NAME, LOG, events=b"\n".join(lines) + b"\n", source=f"{NAME}/7")
    assert done.returncode == 0, done.stderr
    expected, after = make_submission(key, f"{NAME}/7", EMPTY_RANGE, LOG, None, lines)
    assert done.stdout == format_submission(expected)
    assert check_submission(parse_submission(done.stdout), key.verifier, EMPTY_RANGE) == after


def test_the_source_log_is_the_keys_name_unless_said_otherwise(keyfile: str) -> None:
    done = post("--dry-run", keyfile, NAME, LOG, events=b"{}\n")
    assert parse_submission(done.stdout).text.origin == NAME


def test_a_bare_debian_with_curl_and_openssl_is_enough(keyfile: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        where = shutil.which(name)
        assert where is not None, name
        (tmp_path / "bin" / name).symlink_to(where)
    command = ["bash", str(POST), "--dry-run", keyfile, NAME, LOG]
    environment = {"PATH": str(tmp_path / "bin")}
    done = subprocess.run(command, input=b"{}\n" * 3, env=environment, capture_output=True)
    assert done.stdout == post("--dry-run", keyfile, NAME, LOG, events=b"{}\n" * 3).stdout, done.stderr


def test_the_verifier_key_is_ours(keyfile: str) -> None:
    done = post("--vkey", keyfile, NAME)
    assert done.stdout.decode() == format_vkey(SigningKey(NAME, ED25519, SEED).verifier) + "\n"


def test_a_missing_key_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    keyfile = tmp_path / "new"
    first, second = (post("--vkey", str(keyfile), NAME).stdout.decode() for _ in range(2))
    assert first == second
    assert parse_vkey(first.strip()).name == NAME
    assert keyfile.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("arguments", [[], ["key", NAME], ["--dry-run", "key"], ["--help"]])
def test_usage(arguments: list[str]) -> None:
    done = post(*arguments)
    assert done.returncode == 2
    assert b"post.sh --vkey" in done.stderr


def test_no_events_are_no_submission(keyfile: str) -> None:
    assert post("--dry-run", keyfile, NAME, LOG).returncode == 2
