"""The spec pages: their examples are the vectors, their commands run, and what they name exists."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from signing import encode_base64
from signing.setdigest import EMPTY_BUCKET, bucket_hash, digest_of

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "docs" / "spec"
VECTORS = ROOT / "tests" / "vectors"
PAGES = ["note-and-proofs", "entry", "submission", "set-digest", "handle", "fork", "time"]
VERIFIED = [*PAGES, "statement", "bundle", "order"]


@pytest.mark.parametrize(
    ("page", "vector"),
    [
        ("note-and-proofs", "tlog-proof/good"),
        ("note-and-proofs", "policy/good"),
        ("entry", "entry/good"),
        ("submission", "submission/good"),
        ("fork", "fork/good"),
    ],
)
def test_the_example_is_the_good_vector(page: str, vector: str) -> None:
    assert (VECTORS / vector).read_text() in (SPEC / f"{page}.md").read_text()


@pytest.mark.parametrize("page", PAGES)
def test_an_example_stands_on_the_first_screen(page: str) -> None:
    lines = (SPEC / f"{page}.md").read_text().splitlines()
    assert "```" in lines[:8]


@pytest.mark.parametrize("page", VERIFIED)
def test_how_to_verify_is_numbered_and_vectors_are_named(page: str) -> None:
    text = (SPEC / f"{page}.md").read_text()
    assert "```" in "".join(text.splitlines(keepends=True)[:8])
    parts = re.split(r"^##+ ", text, flags=re.MULTILINE)
    verifying = [part for part in parts if re.match(r"(To verify|Verifying|Check one)", part)]
    assert verifying, "no part says how to verify"
    for part in verifying:
        steps = re.findall(r"^(\d)\. ", part, re.MULTILINE)
        assert len(steps) >= 2
        assert steps == [str(number) for number in range(1, len(steps) + 1)]
    # An order's vectors are those of what carries it.
    assert page == "order" or any(part.startswith("Vectors\n") for part in parts)


@pytest.mark.parametrize("page", PAGES)
def test_files_and_pages_that_are_named_exist(page: str) -> None:
    text = (SPEC / f"{page}.md").read_text()
    for path in re.findall(r"`((?:tests|signing)/[A-Za-z0-9_./-]+)`", text):
        assert (ROOT / path).exists(), path
    for link in re.findall(r"\]\(([a-z-]+\.md)\)", text):
        assert (SPEC / link).exists(), link


def test_the_handle_command_prints_the_handle() -> None:
    text = (SPEC / "handle.md").read_text()
    command = text.split("```\n$ ")[1].split("\nSHA2-256")[0]
    printed = subprocess.check_output(["bash", "-c", command], text=True)
    shown = re.search(r"The handle is `([0-9a-f]{32})`", text)
    assert shown is not None
    assert printed.rpartition("= ")[2].startswith(shown[1])


def test_the_commands_of_the_time_page_say_what_it_shows(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not installed")
    for name, vector in (("checkpoint", "checkpoint"), ("response.tsr", "good"), ("root.pem", "root.pem")):
        shutil.copy(VECTORS / "timestamp" / vector, tmp_path / name)
    shown = (SPEC / "time.md").read_text().split("```\n")[1]
    commands = "".join(line[2:] for line in shown.splitlines(keepends=True) if line.startswith("$ "))
    said = subprocess.check_output(
        ["bash", "-c", commands], cwd=tmp_path, text=True, stderr=subprocess.STDOUT
    )
    answers = [line for line in shown.splitlines() if not line.startswith("$ ")]
    assert [line for line in answers if line not in said.splitlines()] == []


def test_the_set_digest_page_shows_the_true_digests() -> None:
    text = (SPEC / "set-digest.md").read_text()
    lines = (VECTORS / "set-digest/good").read_bytes().splitlines()
    assert encode_base64(digest_of(lines).digest) in text
    assert encode_base64(digest_of([]).digest) in text
    command = text.split("```\n$ ")[1].split("\n```")[0]
    printed = subprocess.check_output(["bash", "-c", command], text=True)
    assert printed.split()[0] == bucket_hash(lines[:1]).hex()
    assert bucket_hash([]) == EMPTY_BUCKET
