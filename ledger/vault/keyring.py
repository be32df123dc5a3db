"""The vault's keys: a file each, of mode 0600, that can be destroyed.

A key is overwritten where it stands and then removed. That destroys it on a plain disk; what snapshots, a
flash disk's spare blocks or a backup still have of it, no program can reach: docs/vault.md says where to put
the folder.
"""

import os
import re
from pathlib import Path
from typing import Final

from ledger.durable import remove_durably
from ledger.failure import Failure
from ledger.keyfiles import read_secret, write_key
from ledger.vault.sealed import KEY_BYTES, KEY_ID_BYTES

_GONE: Final = "0" * 2 * KEY_BYTES
_KEY: Final = re.compile(f"[0-9a-f]{{{2 * KEY_BYTES}}}")


class Keyring:
    """The keys in one folder, each named by 16 random bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def make(self) -> bytes:
        """Make a key that lasts from here on; returns its id."""
        key_id = os.urandom(KEY_ID_BYTES)
        write_key(self._path(key_id), os.urandom(KEY_BYTES).hex())
        return key_id

    def read(self, key_id: bytes) -> bytes:
        """The key itself. Failure: it is not there, or no longer."""
        self.require_here(key_id)
        path = self._path(key_id)
        text = read_secret(path).removesuffix("\n")
        if not _is_key(text):
            raise Failure(
                f"{path} holds no key", "its destruction was interrupted: nothing opens what it sealed"
            )
        return bytes.fromhex(text)

    def destroy(self, key_id: bytes) -> None:
        """Make sure that a key is gone for good, if it is not yet."""
        path = self._path(key_id)
        if path.exists():
            with path.open("r+b") as file:
                file.write(_GONE.encode())
                file.flush()
                os.fsync(file.fileno())
        # A crash here leaves a key of zeros, which opens nothing. Removed anew even where it is gone: the
        # name's removal may not have reached the disk.
        remove_durably(path)

    def has(self, key_id: bytes) -> bool:
        """Whether a key is there that could open something."""
        path = self._path(key_id)
        return path.exists() and _is_key(path.read_bytes().decode("latin-1").removesuffix("\n"))

    def require_here(self, key_id: bytes) -> None:
        """Return only if a key's file is here, whatever it holds."""
        if not self._path(key_id).exists():
            raise Failure(
                f"the key {key_id.hex()} is not in {self._folder}",
                "see that the folder is whole: of a key lost for good an empty file of its name says so",
            )

    def _path(self, key_id: bytes) -> Path:
        return self._folder / f"{key_id.hex()}.key"


def _is_key(text: str) -> bool:
    return text != _GONE and _KEY.fullmatch(text) is not None
