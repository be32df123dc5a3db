"""Evidence hashes: what the ledger holds of a document that stays outside, where it can be erased.

    SHA-256("writ/evidence/v1\\n" ‖ salt ‖ content), in hex

The salt is 32 random bytes, kept and destroyed with the document. Without it the hash says nothing, not even
to somebody who can guess the content; with it anybody can open the hash, with `sha256sum` alone.
"""

from hashlib import sha256
from typing import Final

from signing.errors import FormatError

SALT_BYTES: Final = 32
_DOMAIN: Final = b"writ/evidence/v1\n"


class EvidenceHash:
    """The hash of a document that is read piece by piece."""

    def __init__(self, salt: bytes) -> None:
        if len(salt) != SALT_BYTES:
            raise FormatError(f"salt has {len(salt)} bytes, not {SALT_BYTES}")
        self._hash = sha256(_DOMAIN + salt)

    def update(self, content: bytes) -> None:
        """Go on with what comes next of the document."""
        self._hash.update(content)

    def hexdigest(self) -> str:
        """The hash of what was read so far, as events name it."""
        return self._hash.hexdigest()


def evidence_hash(salt: bytes, content: bytes) -> str:
    """The hash by which events name a document."""
    hashed = EvidenceHash(salt)
    hashed.update(content)
    return hashed.hexdigest()
