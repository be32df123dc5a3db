"""Servers of the tests' own: a MariaDB on a socket in a temporary folder, and S3 as moto speaks it."""

import getpass
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote

import pytest

from tests.ledger.processes import free_port

START_S = 60.0
BINARY = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
needs_mariadb = pytest.mark.skipif(BINARY is None, reason="no MariaDB is installed")


@contextmanager
def mariadb() -> Iterator[Path]:
    """The socket of a new MariaDB, where `root` needs no password. It is gone at the end."""
    assert BINARY is not None
    with tempfile.TemporaryDirectory(prefix="writ-maria-") as name:
        folder = Path(name)
        data, socket = folder / "data", folder / "s"
        data.mkdir()
        account = [f"--user={getpass.getuser()}"]
        made = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"]
        normal = "--auth-root-authentication-method=normal"
        subprocess.run([*made, normal, *account], check=True, capture_output=True)
        words = [BINARY, "--no-defaults", f"--datadir={data}", f"--socket={socket}", "--skip-networking"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*words, *account], stdout=log, stderr=log)
        try:
            _await(socket.exists, process)
            yield socket
        finally:
            process.terminate()
            process.wait(START_S)


@contextmanager
def s3_service() -> Iterator[str]:
    """The URL of a service that speaks S3 and forgets everything at the end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
        )
        try:
            _await(lambda: _answers(url), process)
            yield url
        finally:
            process.terminate()
            process.wait(START_S)


def mysql_url(socket: Path, database: str, options: str = "") -> str:
    """The address of a database on that server."""
    return f"mysql://root@localhost/{database}?unix_socket={quote(str(socket))}{options}"


def _await(is_ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while not is_ready():
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except (URLError, ConnectionError, TimeoutError):
        return False
    return True
