"""Private keys at rest: a file of mode 0600, or a command in front of an HSM.

A key file holds one of two things:

    PRIVATE+KEY+ledger.example/clearview+…

    vkey: ledger.example/clearview+…
    command: ["/usr/local/bin/hsm-sign", "--slot", "3"]

The command reads the message on its standard input and writes the 64-byte Ed25519 signature to its output.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from ledger.durable import sync_folder
from ledger.failure import Failure
from signing.errors import FormatError, ProofError
from signing.keys import (
    ED25519,
    Signer,
    SigningKey,
    VerifierKey,
    format_signing_key,
    format_vkey,
    is_valid_name,
    parse_signing_key,
    parse_vkey,
    verify_signature,
)

COMMAND_TIMEOUT_S = 10.0
_FORBIDDEN_MODE = 0o077


class CommandSigner(msgspec.Struct, frozen=True):
    """A key that only an external command can use."""

    verifier: VerifierKey
    command: tuple[str, ...]

    def sign(self, message: bytes) -> bytes:
        """Let the command sign, and check what it returns: a wrong signature must never leave."""
        try:
            done = subprocess.run(
                self.command, input=message, capture_output=True, timeout=COMMAND_TIMEOUT_S, check=True
            )
            verify_signature(self.verifier, message, done.stdout)
        except (OSError, subprocess.SubprocessError, ProofError) as error:
            raise Failure(
                f"the signing command {self.command[0]} failed for {self.verifier.name}: {error}",
                "it must read the message on stdin and write the 64-byte Ed25519 signature to stdout",
            ) from error
        return done.stdout


def make_key(path: Path, name: str, algorithm: int = ED25519) -> SigningKey:
    """Make a new key in a new file of mode 0600; an existing file is never replaced."""
    if not is_valid_name(name):
        raise FormatError(f"{name!r} is not a key name: use [a-z0-9.-]+, and paths of [a-z0-9._-]+ under it")
    key = SigningKey(name, algorithm, os.urandom(32))
    write_key(path, format_signing_key(key))
    return key


def write_key(path: Path, content: str) -> None:
    """Write a key file durably; an existing file is never replaced."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(content + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, refuses to replace; a crash before it leaves no half-written key behind.
        os.link(temporary, path)
    except FileExistsError as error:
        raise Failure(f"{path} exists", "choose another name, or move the old key away") from error
    finally:
        os.unlink(temporary)
    sync_folder(path.parent)


def read_key(path: Path) -> Signer:
    """Read a key file, refusing one that others may read."""
    try:
        return parse_key_file(read_secret(path))
    except FormatError as error:
        raise Failure(f"{path} is not a key file: {error}", "it holds one PRIVATE+KEY line") from error


def read_blinding_key(path: Path) -> bytes:
    """Read a blinding key: 64 lower-case hex digits in a file that nobody else may read."""
    text = read_secret(path).removesuffix("\n")
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise Failure(f"{path} is no blinding key", "it holds 64 hex digits (writ keygen --blinding)")
    return bytes.fromhex(text)


def parse_key_file(content: str) -> Signer:
    """Parse a key file's content: a private key, or a verifier key with the command that signs for it."""
    lines = content.split("\n")
    if lines[-1] != "" or len(lines) not in (2, 3):
        raise FormatError("not one PRIVATE+KEY line, nor a `vkey:` and a `command:` line")
    if len(lines) == 2:
        return parse_signing_key(lines[0])
    if not lines[0].startswith("vkey: ") or not lines[1].startswith("command: "):
        raise FormatError("the two lines must begin with `vkey: ` and `command: `")
    try:
        command = msgspec.json.decode(lines[1].removeprefix("command: "), type=tuple[str, ...])
    except msgspec.MsgspecError as error:
        raise FormatError(f"command is not a JSON list of strings: {error}") from error
    if not command:
        raise FormatError("command is empty")
    return CommandSigner(parse_vkey(lines[0].removeprefix("vkey: ")), command)


def format_command(key: VerifierKey, command: tuple[str, ...]) -> str:
    """Write the key file of a key behind a command, but for the last newline: `write_key` adds it."""
    return f"vkey: {format_vkey(key)}\ncommand: {msgspec.json.encode(command).decode()}"


def read_secret(path: Path) -> str:
    """The text of a file that nobody else may read."""
    try:
        with open(path, encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            content = file.read()
    except FileNotFoundError as error:
        raise Failure(f"there is no key at {path}", "make one with `writ keygen`") from error
    except UnicodeDecodeError as error:
        raise Failure(f"{path} is not a key file: {error}", "make one with `writ keygen`") from error
    if mode & _FORBIDDEN_MODE:
        raise Failure(f"{path} has mode {mode:04o}: others may read this key", f"chmod 600 {path}")
    return content


class LogKeys(msgspec.Struct, frozen=True):
    """The keys that run one log."""

    log: Signer
    operator: Signer
    gateway: Signer


class KeyFolder:
    """The keys of a service: its administrator's, and those of each log.

    keys/administrator.key
    keys/logs/clearview/{log,operator,gateway}.key
    """

    ADMINISTRATOR: Final = "administrator"

    def __init__(self, data: Path) -> None:
        self.path = data / "keys"

    @property
    def administrator_path(self) -> Path:
        """Where the administrator's key is."""
        return self.path / "administrator.key"

    def administrator(self) -> Signer:
        """The administrator's key, made at the first start."""
        if not self.administrator_path.exists():
            make_key(self.administrator_path, self.ADMINISTRATOR)
        return read_key(self.administrator_path)

    def has_log(self, log: str) -> bool:
        """Whether the keys of a log are here."""
        return (self._folder(log) / "log.key").exists()

    def read_log(self, log: str) -> LogKeys:
        """The keys of a log."""
        return LogKeys(
            *(read_key(self._folder(log) / f"{role}.key") for role in ("log", "operator", "gateway"))
        )

    def make_log(self, log: str, origin: str) -> LogKeys:
        """Make those keys of a log which are not here yet, and read them."""
        names = {"operator": f"{origin}/operator", "gateway": f"{origin}/gateway", "log": origin}
        for role, name in names.items():
            if not (self._folder(log) / f"{role}.key").exists():
                make_key(self._folder(log) / f"{role}.key", name)
        return self.read_log(log)

    def _folder(self, log: str) -> Path:
        return self.path / "logs" / log
