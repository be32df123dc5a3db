"""What the service is told at its start: one frozen struct, one reader for flags and environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

import msgspec

from ledger.failure import Failure

SERVICE_ROLE = "writ_service"

WithoutQuorum = Literal["go-on", "stop"]
"""What a log does while too few witnesses cosign."""


class ConfigError(Failure):
    """A setting that cannot be used; the message names the flag."""


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """One database by its two logins: the owner migrates, the service appends and reads."""

    owner_dsn: str
    service_dsn: str


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of `writ serve`. `database` is None when the service runs a Postgres of its own."""

    data: Path
    database: Database | None
    policy: Path | None
    host: str
    port: int
    timestamp_urls: tuple[str, ...] = ()
    without_quorum: WithoutQuorum = "go-on"


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line said; None where it said nothing."""

    data: str | None = None
    database: str | None = None
    migrate_database: str | None = None
    policy: str | None = None
    timestamp_urls: str | None = None
    host: str | None = None
    port: str | None = None
    without_quorum: str | None = None


# Flag, environment variable and default side by side. A flag wins over the environment.
_SETTINGS = {
    "data": ("--data", "WRIT_DATA", "writ-data"),
    "database": ("--database", "WRIT_DATABASE", None),
    "migrate_database": ("--migrate-database", "WRIT_MIGRATE_DATABASE", None),
    "policy": ("--policy", "WRIT_POLICY", None),
    "timestamp_urls": ("--timestamp-url", "WRIT_TIMESTAMP_URLS", ""),
    "host": ("--host", "WRIT_HOST", "127.0.0.1"),
    "port": ("--port", "WRIT_PORT", "8321"),
    "without_quorum": ("--without-quorum", "WRIT_WITHOUT_QUORUM", "go-on"),
}


def read_config(flags: Flags, environment: Mapping[str, str]) -> Config:
    """Read and validate every setting, once, or raise ConfigError naming the first that is wrong."""

    def setting(field: str) -> str | None:
        _, variable, default = _SETTINGS[field]
        given: str | None = getattr(flags, field)
        return environment.get(variable, default) if given is None else given

    policy = setting("policy")
    return Config(
        data=_data_folder(setting("data") or ""),
        database=_database(setting("database"), setting("migrate_database")),
        policy=None if policy is None else _policy_file(policy),
        host=_host(setting("host") or ""),
        port=_port(setting("port") or ""),
        timestamp_urls=tuple(_timestamp_url(one) for one in (setting("timestamp_urls") or "").split()),
        without_quorum=_without_quorum(setting("without_quorum") or "", policy),
    )


def _names(field: str) -> str:
    flag, variable, _ = _SETTINGS[field]
    return f"{flag} ({variable})"


def _data_folder(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not text or (path.exists() and not path.is_dir()):
        raise ConfigError(f"{_names('data')}: {text!r} is not a folder", "name a folder to keep keys in")
    return path


def _database(service: str | None, owner: str | None) -> Database | None:
    if service is None and owner is None:
        return None
    if service is None:
        raise ConfigError(
            f"{_names('migrate_database')} is given, but {_names('database')} is not", "give both, or neither"
        )
    if owner is None:
        raise ConfigError(
            f"{_names('database')} is given, but {_names('migrate_database')} is not",
            f"give the tables' owner too: {SERVICE_ROLE} may not change tables, and so cannot migrate",
        )
    if _user(service, "database") != SERVICE_ROLE:
        raise ConfigError(
            f"{_names('database')} does not log in as {SERVICE_ROLE}",
            f"give the URL for {SERVICE_ROLE}: the service runs with that role's few rights",
        )
    if _user(owner, "migrate_database") == SERVICE_ROLE:
        raise ConfigError(
            f"{_names('migrate_database')} logs in as {SERVICE_ROLE}", "give the URL of the tables' owner"
        )
    return Database(owner_dsn=owner, service_dsn=service)


def _user(dsn: str, field: str) -> str:
    try:
        parts = urlsplit(dsn)
        user, scheme = parts.username, parts.scheme
    except ValueError:
        user, scheme = None, ""
    if scheme not in ("postgresql", "postgres") or not user:
        # Not repeated here: a URL carries a password, and this message may be logged.
        raise ConfigError(
            f"{_names(field)} is not a database's URL", "write postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    return user


def _policy_file(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise ConfigError(f"{_names('policy')}: {text!r} is not a file", "name a tlog-policy file")
    return path


def _timestamp_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    except ValueError:
        sound = False
    if not sound:
        raise ConfigError(f"{_names('timestamp_urls')}: {text!r} is no URL", "write http://HOST/PATH")
    return text


def _host(text: str) -> str:
    if not text or any(character.isspace() for character in text):
        raise ConfigError(f"{_names('host')}: {text!r} is not a host", "give 127.0.0.1 for this machine only")
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5) or int(text) > 65535:
        raise ConfigError(f"{_names('port')}: {text!r} is not a port", "give 0 to 65535, 0 for any free one")
    return int(text)


def _without_quorum(text: str, policy: str | None) -> WithoutQuorum:
    for word in get_args(WithoutQuorum):
        if text == word:
            if word == "stop" and policy is None:
                raise ConfigError(
                    f"{_names('without_quorum')} is 'stop', but {_names('policy')} is not given",
                    "name the witnesses whose quorum is to be waited for",
                )
            return cast(WithoutQuorum, word)
    raise ConfigError(f"{_names('without_quorum')}: {text!r} is neither", "give go-on, or stop")
