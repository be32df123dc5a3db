"""What `writ watch` follows: a TOML file that a person writes.

every_s = 60
stale_after_s = 10800

[[log]]
url = "https://ledger.example/logs/clearview"
vkey = "ledger.example/clearview+…"
token_file = "clearview.token"
orders = ["ico.example/en-2026-1"]
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from signing.errors import FormatError
from signing.keys import ED25519, VerifierKey, parse_vkey

MAX_CONFIG_BYTES: Final = 1 << 20

_ORDER: Final = re.compile(r"[a-z0-9.-]+(/[a-z0-9._-]+)*/[a-z0-9.-]{1,64}")

Seconds = Annotated[int, Meta(ge=1, le=10**9)]


class FollowedLog(Struct, frozen=True, forbid_unknown_fields=True):
    """One log: where it is, whose it is, and which of its orders have deadlines to watch."""

    url: str
    vkey: str
    token_file: str = ""
    orders: tuple[str, ...] = ()
    stale_after_s: Seconds | None = None
    """In place of the whole file's."""

    @property
    def key(self) -> VerifierKey:
        """Whose signature its checkpoints need."""
        return parse_vkey(self.vkey)

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.key.name


class FollowConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Which logs, how often, and after how long a log that does not grow is an alarm."""

    log: Annotated[tuple[FollowedLog, ...], Meta(min_length=1)]
    every_s: Seconds = 60
    stale_after_s: Seconds = 10_800

    def stale_s(self, log: FollowedLog) -> int:
        """After how long this log is stale."""
        return log.stale_after_s or self.stale_after_s


def parse_config(raw: bytes) -> FollowConfig:
    """Parse the file; FormatError says which field is wrong."""
    if len(raw) > MAX_CONFIG_BYTES:
        raise FormatError(f"a file of logs has at most {MAX_CONFIG_BYTES} bytes")
    try:
        config = msgspec.convert(tomllib.loads(raw.decode()), FollowConfig)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not a file of logs: {error}") from error
    for log in config.log:
        _check(log)
    origins = [log.origin for log in config.log]
    again = next((name for name in origins if origins.count(name) > 1), None)
    if again is not None:
        raise FormatError(f"{again} stands in it twice")
    return config


def read_config(path: Path) -> FollowConfig:
    """Read the file at `path`. OSError when there is none."""
    with path.open("rb") as file:
        return parse_config(file.read(MAX_CONFIG_BYTES + 1))


def read_token(log: FollowedLog, folder: Path) -> str | None:
    """The log's bearer token, from a file named beside the configuration."""
    if not log.token_file:
        return None
    token = (folder / log.token_file).read_text().strip()
    if not (token and token.isascii() and token.isprintable()):
        raise FormatError(f"{log.token_file} holds no token")
    return token


def _check(log: FollowedLog) -> None:
    if log.key.algorithm != ED25519:
        raise FormatError(f"{log.vkey} is a witness's key, not a log's")
    try:
        parts = urlsplit(log.url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        usable = False
    if not (usable and log.url.isascii() and log.url.isprintable() and " " not in log.url):
        raise FormatError(
            f"{log.url[:80]!r} is no URL of a log, such as https://ledger.example/logs/clearview"
        )
    if "\x00" in log.token_file:
        raise FormatError("token_file is no name of a file")
    wrong = next((order for order in log.orders if not _ORDER.fullmatch(order)), None)
    if wrong is not None:
        raise FormatError(f"{wrong[:80]!r} is no id of an order, such as ico.example/en-2026-1")
