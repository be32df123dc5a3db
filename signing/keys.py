"""Signing and verifying keys, as C2SP signed-note writes them.

    ledger.example/clearview+hex8(key id)+base64(algorithm byte ‖ public key)

Two algorithms are in use: Ed25519 over a note's text (0x01), for logs and posters, and the time-stamped
Ed25519 cosignature (0x04), for witnesses. A key id is derived from the name, so a key cannot be renamed.
"""

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

from signing.encoding import decode_base64, encode_base64
from signing.errors import FormatError, ProofError

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
MAX_NAME_BYTES: Final = 255

_NAME: Final = re.compile(r"[a-z0-9.-]+(/[a-z0-9._-]+)*")
# No plus, no white space, and nothing that is not seen (controls, zero width, direction). What else a
# character is changes with each version of Unicode, and readers of two versions would differ.
_NOTE_NAME: Final = re.compile(
    r"[^\x00-\x20\x7f-\xa0\xad+\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\udfff\ufeff]+"
)
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_KEY_ID: Final = re.compile("[0-9a-f]{8}")
_PRIVATE_PREFIX: Final = "PRIVATE+KEY+"


def is_valid_name(name: str) -> bool:
    """Whether this can name a log, a poster's key or a source log."""
    return len(name) <= MAX_NAME_BYTES and _NAME.fullmatch(name) is not None


def is_note_key_name(name: str) -> bool:
    """Whether C2SP signed-note allows this name in a signature line; it allows far more than we register."""
    return _NOTE_NAME.fullmatch(name) is not None


def is_within(name: str, prefix: str) -> bool:
    """Whether `name` is `prefix` or a path under it."""
    return name == prefix or name.startswith(prefix + "/")


class VerifierKey(msgspec.Struct, frozen=True):
    """A public key with its name: what a verifier is configured with."""

    name: str
    algorithm: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that, beside the name, pick this key's signatures out of a note."""
        return _key_id(self.name, self.algorithm, self.public)


class Signer(Protocol):
    """Whatever can sign with one key: a key in memory, or a command in front of an HSM."""

    @property
    def verifier(self) -> VerifierKey: ...

    def sign(self, message: bytes) -> bytes: ...


class SigningKey(msgspec.Struct, frozen=True):
    """A private key. Its representation never shows the seed, so that a traceback cannot leak it."""

    name: str
    algorithm: int
    seed: bytes

    def __repr__(self) -> str:
        return f"SigningKey(name={self.name!r}, algorithm={self.algorithm})"

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.algorithm, _keypair(self.seed)[0])

    def sign(self, message: bytes) -> bytes:
        """Make the 64-byte Ed25519 signature of `message`."""
        return bytes(crypto_sign(message, _keypair(self.seed)[1])[:_SIGNATURE_BYTES])


def parse_vkey(text: str) -> VerifierKey:
    """Parse a verifier key, accepting only what `format_vkey` writes for a usable key."""
    key = parse_foreign_vkey(text)
    _check_name(key.name, key.algorithm)
    return key


def parse_foreign_vkey(text: str) -> VerifierKey:
    """Parse a verifier key of somebody who is not registered with us: any name that signed-note allows."""
    name, key_id, encoded = _split_key(text, "verifier key")
    raw = decode_base64(encoded, "verifier key")
    if len(raw) != 1 + _KEY_BYTES or raw[0] not in (ED25519, COSIGNATURE):
        raise FormatError(f"verifier key of {name!r} is not of type 1 (Ed25519) or 4 (cosignature)")
    if not is_note_key_name(name):
        raise FormatError(f"key name {name!r} has white space, or is empty")
    # A point of small order verifies signatures that nobody made.
    if not crypto_core_ed25519_is_valid_point(raw[1:]):
        raise FormatError(f"verifier key of {name!r} is not a point of the Ed25519 group")
    return _matching_key_id(VerifierKey(name, raw[0], raw[1:]), key_id)


def format_vkey(key: VerifierKey) -> str:
    """Write a verifier key."""
    return f"{key.name}+{key.key_id.hex()}+{encode_base64(bytes([key.algorithm]) + key.public)}"


def parse_signing_key(text: str) -> SigningKey:
    """Parse a private key, accepting only what `format_signing_key` writes."""
    if not text.startswith(_PRIVATE_PREFIX):
        raise FormatError(f"private key does not begin with {_PRIVATE_PREFIX!r}")
    name, key_id, encoded = _split_key(text.removeprefix(_PRIVATE_PREFIX), "private key")
    raw = decode_base64(encoded, "private key")
    if len(raw) != 1 + _KEY_BYTES or raw[0] not in (ED25519, COSIGNATURE):
        raise FormatError(f"private key of {name!r} is not of type 1 (Ed25519) or 4 (cosignature)")
    _check_name(name, raw[0])
    key = SigningKey(name, raw[0], raw[1:])
    _matching_key_id(key.verifier, key_id)
    return key


def format_signing_key(key: SigningKey) -> str:
    """Write a private key; the caller keeps it in a file of mode 0600."""
    encoded = encode_base64(bytes([key.algorithm]) + key.seed)
    return f"{_PRIVATE_PREFIX}{key.name}+{key.verifier.key_id.hex()}+{encoded}"


def verify_signature(key: VerifierKey, message: bytes, signature: bytes) -> None:
    """Return only if `signature` is the key's Ed25519 signature of `message`."""
    if len(signature) != _SIGNATURE_BYTES:
        raise ProofError(f"signature of {key.name!r} has {len(signature)} bytes, not {_SIGNATURE_BYTES}")
    try:
        crypto_sign_open(signature + message, key.public)
    except BadSignatureError as error:
        raise ProofError(f"signature of {key.name!r} does not verify") from error


@lru_cache(maxsize=4_096)
def _key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """Asked for thrice a submission."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


@lru_cache(maxsize=64)
def _keypair(seed: bytes) -> tuple[bytes, bytes]:
    """Public and expanded secret key; deriving them costs as much as a signature."""
    return crypto_sign_seed_keypair(seed)


def _split_key(text: str, what: str) -> tuple[str, str, str]:
    # A name has no plus, base64 may: only the first two separate.
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
        # What stands there is not shown: it may be a private key, given by mistake.
        raise FormatError(f"{what} is not written name+hex8+base64, as writ keygen prints it")
    return parts[0], parts[1], parts[2]


def _check_name(name: str, algorithm: int) -> None:
    # Witnesses are third parties and name themselves; every other key is registered with us.
    valid = is_note_key_name(name) if algorithm == COSIGNATURE else is_valid_name(name)
    if not valid:
        raise FormatError(f"key name {name!r} is not made of [a-z0-9.-] and paths of [a-z0-9._-]")


def _matching_key_id(key: VerifierKey, key_id: str) -> VerifierKey:
    if key.key_id.hex() != key_id:
        raise FormatError(f"key id of {key.name!r} is {key_id}: name and key make {key.key_id.hex()}")
    return key
