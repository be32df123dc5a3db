"""A document at rest: encrypted piece by piece, with its salt, under a key that is named in front.

    writ/vault/v1\\n ‖ key id (16 bytes) ‖ header (24 bytes) ‖ block of the salt ‖ blocks of the content

Blocks are those of libsodium's secretstream (XChaCha20-Poly1305): 64 KiB of content and 17 bytes each, in
sequence; the last one is shorter, and marked as the last. So nothing can be cut off unnoticed, and a document
of any length is read in little memory. The format is the vault's own: the ledger knows the salted hash alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct
from nacl import bindings as sodium
from nacl.exceptions import CryptoError

from signing.errors import FormatError, ProofError
from signing.evidence import SALT_BYTES

KEY_BYTES: Final = sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES
KEY_ID_BYTES: Final = 16
BLOCK_BYTES: Final = 64 << 10
_MAGIC: Final = b"writ/vault/v1\n"
_HEADER_BYTES: Final = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES
_OVERHEAD_BYTES: Final = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
_MESSAGE: Final = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL: Final = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_push: Final = sodium.crypto_secretstream_xchacha20poly1305_push
_State = sodium.crypto_secretstream_xchacha20poly1305_state

Read = Callable[[int], bytes]
"""Reads so many bytes of a file, and fewer only at its end."""


class Opened(Struct, frozen=True):
    """A sealed document: its salt, and the content as it is read on."""

    salt: bytes
    content: Iterator[bytes]


def seal(key_id: bytes, key: bytes, salt: bytes, content: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes to keep of a document. `open_sealed` reads them."""
    assert len(key_id) == KEY_ID_BYTES, "a key is named by 16 bytes"
    assert len(salt) == SALT_BYTES, "a salt has 32 bytes"
    state = _State()
    front = _MAGIC + key_id
    yield front + sodium.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    # The first block vouches for what stands in front of it.
    yield _push(state, salt, front, _MESSAGE)
    last = b""
    for last in _blocks(content):
        if len(last) == BLOCK_BYTES:
            yield _push(state, last, None, _MESSAGE)
    yield _push(state, last, None, _FINAL)


def read_key_id(read: Read) -> bytes:
    """The id of the key under which a document is sealed. FormatError: it is no sealed document."""
    front = read(len(_MAGIC) + KEY_ID_BYTES)
    if len(front) != len(_MAGIC) + KEY_ID_BYTES or not front.startswith(_MAGIC):
        raise FormatError("this is no document of a vault")
    return front[len(_MAGIC) :]


def open_sealed(read: Read, key: bytes) -> Opened:
    """Open what `seal` wrote. ProofError, also from `content`: it was changed, or another key."""
    front = _MAGIC + read_key_id(read)
    state = _State()
    header = read(_HEADER_BYTES)
    if len(header) != _HEADER_BYTES:
        raise FormatError("this document of a vault ends in its header")
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
    salt, tag = _pulled(state, read(SALT_BYTES + _OVERHEAD_BYTES), front)
    if len(salt) != SALT_BYTES or tag != _MESSAGE:
        raise ProofError("the document does not begin with its salt")
    return Opened(salt, _content(state, read))


def _content(state: _State, read: Read) -> Iterator[bytes]:
    while True:
        block, tag = _pulled(state, read(BLOCK_BYTES + _OVERHEAD_BYTES), None)
        # A whole block has another behind it: so a document has one way to be cut into blocks.
        if (tag == _MESSAGE) != (len(block) == BLOCK_BYTES) or tag not in (_MESSAGE, _FINAL):
            raise ProofError("the document ends where it should not")
        if block:
            yield block
        if tag == _FINAL:
            return  # shorter than what was asked for, so nothing stands behind it


def _pulled(state: _State, block: bytes, front: bytes | None) -> tuple[bytes, int]:
    try:
        return sodium.crypto_secretstream_xchacha20poly1305_pull(state, block, front)
    except CryptoError as error:
        raise ProofError("the document was changed, cut off, or sealed under another key") from error


def _blocks(content: Iterable[bytes]) -> Iterator[bytes]:
    """The content in whole blocks, and then what is left: less than a block, and it may be nothing."""
    held = b""
    for piece in content:
        held += piece
        while len(held) >= BLOCK_BYTES:
            yield held[:BLOCK_BYTES]
            held = held[BLOCK_BYTES:]
    yield held
