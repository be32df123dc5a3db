"""The system user that Postgres runs as when the service is root, which Postgres itself refuses to be."""

import os
import pwd
import subprocess
from pathlib import Path

import msgspec

from ledger.failure import Failure

USER_NAME = "writ-postgres"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs Postgres: the ids its folders belong to, and the words that put before a command run it so."""

    uid: int
    gid: int
    prefix: tuple[str, ...]


def choose_account(must_reach: tuple[Path, ...]) -> Account:
    """Name the account for Postgres: ourselves, or for root a system user that reaches the paths."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), prefix=())
    entry = _system_user()
    plain = _prefix(entry)
    if all(_reaches(plain, path) for path in must_reach):
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, prefix=plain)
    # Some folder above is closed to others, /root for one. Opening it up is not ours to do, so the
    # process keeps the one capability of passing through, and loses every other for good.
    passing = _prefix(
        entry,
        "--securebits=+no_setuid_fixup",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "--bounding-set=-all,+dac_override",
    )
    for path in must_reach:
        if not _reaches(passing, path):
            raise Failure(
                f"Postgres cannot run as root, and the user {USER_NAME} cannot reach {path}",
                "choose another --data folder, run as an ordinary user, or name a database with --database",
            )
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, prefix=passing)


def _prefix(entry: pwd.struct_passwd, *options: str) -> tuple[str, ...]:
    user, group = f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}"
    return ("setpriv", *options, user, group, "--clear-groups", "--")


def _reaches(prefix: tuple[str, ...], path: Path) -> bool:
    return (
        subprocess.run([*prefix, "test", "-x", str(path)], capture_output=True, check=False).returncode == 0
    )


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(USER_NAME)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        made = subprocess.run([*command, USER_NAME], capture_output=True, text=True, check=False)
    try:
        # Asked again whatever useradd said: another process may have made the user at the same moment.
        return pwd.getpwnam(USER_NAME)
    except KeyError:
        raise Failure(
            f"Postgres cannot run as root, and the user {USER_NAME} was not made: {made.stderr.strip()}",
            "make it by hand, run as an ordinary user, or name a database with --database",
        ) from None
