"""Erase by destroying keys (crypto-erase), and tell the ledger.

    python -m tests.examples.erasing_keys OUTBOX BLINDING_KEY FOLDER ID…

Each subject has a key of its own in FOLDER, and whatever is kept of him anywhere, backups too, is encrypted
with it (PyNaCl SecretBox). Without the key nobody reads any copy. That holds as far as the key had no
copies: keep these files out of backups, or the keys in an HSM.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from nacl.secret import SecretBox

from ledger.durable import remove_durably
from ledger.keyfiles import write_key
from ledger.kit.deeds import Grounds
from ledger.kit.erasing import Answers
from ledger.kit.intents import Pieces
from tests.examples.erasing import erase, report

GROUNDS = Grounds(cause="order", cause_ref="ico.example/en-2022-1", method="crypto_erase")


class Keys:
    """A folder of keys as a store: who has no key there is erased."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def encrypt(self, id: str, content: bytes) -> bytes:
        """Encrypt with the subject's key, which is made at first and durable before it is used."""
        path = self._path(id)
        if not path.exists():
            write_key(path, os.urandom(SecretBox.KEY_SIZE).hex())
        return bytes(SecretBox(self._key(path)).encrypt(content))

    def decrypt(self, id: str, encrypted: bytes) -> bytes:
        """Decrypt what was encrypted for a subject whose key is there."""
        return SecretBox(self._key(self._path(id))).decrypt(encrypted)

    def look(self, ids: Sequence[str]) -> Pieces:
        """Which keys are there, by a fingerprint: a new key under the same id is another piece."""
        return {id: (_fingerprint(content),) for id in ids if any(content := self._content(id))}

    def erase(self, there: Pieces) -> Answers:
        """Overwrite the keys and remove them, both durably."""
        return {id: self._destroy(id, pieces) for id, pieces in there.items()}

    def _destroy(self, id: str, pieces: Sequence[str]) -> Mapping[str, object]:
        path = self._path(id)
        content = self._content(id)
        # Zeros are what a run that was killed between the two has left.
        if _fingerprint(content) in pieces or (content and not any(content)):
            with open(path, "r+b") as file:
                file.write(bytes(len(content)))
                file.flush()
                os.fsync(file.fileno())
        remove = not any(self._content(id))
        if remove:
            remove_durably(path)
        return {"key": pieces[0] if pieces else "", "removed": remove}

    def _content(self, id: str) -> bytes:
        try:
            return self._path(id).read_bytes()
        except FileNotFoundError:
            return b""

    def _key(self, path: Path) -> bytes:
        return bytes.fromhex(path.read_text())

    def _path(self, id: str) -> Path:
        return self._folder / f"{quote(id, safe='')}.key"


def _fingerprint(content: bytes) -> str:
    return sha256(b"key file\n" + content).hexdigest()


def main(outbox: str, key: str, folder: str, *ids: str) -> int:
    """Destroy the keys, and say what became of each."""
    return report(erase(Keys(Path(folder)), "vault", GROUNDS, Path(outbox), Path(key), ids))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
