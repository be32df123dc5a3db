"""A regulator's laptop: a second environment with the verifier's two dependencies, and no network."""

import json
import os
import socket
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.config import Database
from ledger.demo.stage import bare_environment, without_network
from projections.runners.rules import rules_hash
from tests.ledger.test_export import ORDER, running_case
from tests.ledger.test_statements import compact_of_two, witnessed_case

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv" / "bare" / "bin"
# What the two packages need, what `venv` brings, and the verifier itself.
INSTALLED = {"msgspec", "pynacl", "cffi", "pycparser", "pip", "setuptools", "writ"}
LIST_PACKAGES = "from importlib.metadata import distributions as d; print(*{one.name.lower() for one in d()})"
CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)"


def run_bare(program: str, *words: str, network: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a program of the bare environment, which sees nothing of ours; without network where that works."""
    cut: Sequence[str] = () if network else without_network()
    command = [*cut, str(BIN / program), *words]
    return subprocess.run(
        command, cwd="/", env=bare_environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def bare() -> None:
    """See that the environment is there, and holds the code as it is now: the Makefile knows how."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--silent", ".venv/bare/.done"]
    try:
        made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("the bare environment cannot be made: there is no `make` here")
    if made.returncode != 0:
        why = (made.stderr.strip() or made.stdout.strip()).splitlines()[-1:]
        pytest.skip(f"the bare environment cannot be made: {' '.join(why)}")


@pytest.mark.usefixtures("bare")
async def test_an_exported_bundle_is_verified_in_a_bare_environment(
    database: Database, tmp_path: Path
) -> None:
    async with running_case(database, tmp_path / "data") as case:
        path = await case.fetch(tmp_path / "b.zip")
        authority = case.authority_vkey
    done = run_bare("writ", "verify", str(path), "--authority", authority, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, done.stderr, said["order"]) == (4, "", ORDER), done
    again = run_bare("writ", "replay", str(path), "--json")
    assert (again.returncode, json.loads(again.stdout)["orders"][0]["id"]) == (0, ORDER), again
    # And it is no rubber stamp there.
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(broken, "w") as archive:
        for name in whole.namelist():
            content = whole.read(name)
            archive.writestr(name, content.replace(b"data.held", b"data.hold"))
    refused = run_bare("writ", "verify", str(broken), "--authority", authority)
    assert (refused.returncode, "NOT SOUND" in refused.stdout) == (1, True), refused


@pytest.mark.usefixtures("bare")
async def test_what_two_assessors_attested_is_verified_in_a_bare_environment(
    database: Database, tmp_path: Path
) -> None:
    async with witnessed_case(database, tmp_path) as case:
        path, authority = await compact_of_two(case, tmp_path), case.authority_vkey
    done = run_bare("writ", "verify", str(path), "--authority", authority, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, done.stderr, said["kind"]) == (3, "", "compact"), done
    assert said["assessors_needed"] == 2
    assert [(one["name"], one["unchecked"]) for one in said["assessors"]] == [
        ("auditor.example", ["lineage", "store:people"]), ("second.example", []),
    ]  # fmt: skip
    # A third assessor needs nothing more to sign: no service, and no package of one.
    mirror, note = str(tmp_path / "mirror"), str(tmp_path / "mine")
    words = ("attest", mirror, "--authority", authority, "--key", str(tmp_path / "auditor.example.key"))
    signed = run_bare("writ", *words, "-o", note)
    assert (signed.returncode, "they give this statement" in signed.stdout) == (0, True), signed
    again = run_bare("writ", "replay", mirror, "--statement", note)
    assert (again.returncode, "byte for byte" in again.stdout) == (0, True), again


@pytest.mark.usefixtures("bare")
def test_the_environment_is_bare_and_its_code_is_ours() -> None:
    installed = set(run_bare("python", "-c", LIST_PACKAGES).stdout.split())
    assert {"msgspec", "pynacl", "writ"} <= installed <= INSTALLED
    rules = "from projections.runners.rules import rules_hash as rules; print(rules())"
    assert run_bare("python", "-c", rules).stdout.strip() == rules_hash()
    served = run_bare("writ", "serve")
    assert served.returncode == 1
    assert "which is not installed — install the service's packages" in served.stderr


@pytest.mark.usefixtures("bare")
def test_without_network_means_without() -> None:
    if not without_network():
        pytest.skip("this system lets nobody start a program without network (`unshare -rn`)")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert run_bare("python", "-c", CONNECT, port, network=True).returncode == 0
        assert run_bare("python", "-c", CONNECT, port).returncode != 0
