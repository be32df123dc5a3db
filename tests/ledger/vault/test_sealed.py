"""Documents at rest: opened whole, or not at all."""

import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings as sodium

from ledger.vault.sealed import BLOCK_BYTES, open_sealed, read_key_id, seal
from signing.errors import FormatError, ProofError

KEY_ID, KEY, SALT = bytes(range(16)), bytes(range(32)), bytes(range(32, 64))
BLOCK = BLOCK_BYTES + 17
HEAD = 14 + 16 + 24 + 32 + 17
MESSAGE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
REKEY = sodium.crypto_secretstream_xchacha20poly1305_TAG_REKEY
FINAL = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL


def sealed(content: bytes, key: bytes = KEY) -> bytes:
    return b"".join(seal(KEY_ID, key, SALT, [content]))


def opened(raw: bytes, key: bytes = KEY) -> tuple[bytes, bytes]:
    document = open_sealed(io.BytesIO(raw).read, key)
    return document.salt, b"".join(document.content)


@given(
    st.lists(st.binary(max_size=50), max_size=5),
    st.sampled_from((0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES)),
)
def test_what_is_sealed_is_opened(pieces: list[bytes], filling: int) -> None:
    pieces = [*pieces, bytes(filling)]
    raw = b"".join(seal(KEY_ID, KEY, SALT, pieces))
    assert opened(raw) == (SALT, b"".join(pieces))
    assert read_key_id(io.BytesIO(raw).read) == KEY_ID


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: sealed(b"x")[:40] + tail))
def test_opening_is_total(raw: bytes) -> None:
    with pytest.raises((FormatError, ProofError)):
        opened(raw)


@given(st.integers(0, len(sealed(b"certificate")) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(at: int, mask: int) -> None:
    raw = bytearray(sealed(b"certificate"))
    raw[at] ^= mask
    with pytest.raises((FormatError, ProofError)):
        opened(bytes(raw))


def wrong() -> Iterator[tuple[str, bytes]]:
    """Ways to be another document, block by block."""
    content = b"a" * BLOCK_BYTES + b"b" * BLOCK_BYTES + b"c"
    raw = sealed(content)
    blocks = [raw[HEAD : HEAD + BLOCK], raw[HEAD + BLOCK : HEAD + 2 * BLOCK], raw[HEAD + 2 * BLOCK :]]
    yield "cut after a block", raw[: HEAD + BLOCK]
    yield "cut after the salt", raw[:HEAD]
    yield "without its last byte", raw[:-1]
    yield "with something behind", raw + b"\0"
    yield "a block left out", raw[:HEAD] + blocks[1] + blocks[2]
    yield "blocks in another sequence", raw[:HEAD] + blocks[1] + blocks[0] + blocks[2]
    yield "the last block alone", raw[:HEAD] + blocks[2]
    yield "another document's content", sealed(b"other")[:HEAD] + b"".join(blocks)


@pytest.mark.parametrize(("what", "raw"), list(wrong()))
def test_no_block_can_be_moved(what: str, raw: bytes) -> None:
    with pytest.raises(ProofError):
        opened(raw)


@pytest.mark.parametrize(
    "blocks",
    [
        [(b"a" * BLOCK_BYTES, FINAL)],
        [(b"a" * BLOCK_BYTES, MESSAGE), (b"b", MESSAGE)],
        [(b"a", MESSAGE), (b"b", FINAL)],
        [(b"a" * BLOCK_BYTES, REKEY), (b"b", FINAL)],
    ],
)
def test_whoever_has_the_key_has_one_way_to_cut_a_document(blocks: list[tuple[bytes, int]]) -> None:
    state, front = sodium.crypto_secretstream_xchacha20poly1305_state(), b"writ/vault/v1\n" + KEY_ID
    raw = front + sodium.crypto_secretstream_xchacha20poly1305_init_push(state, KEY)
    raw += sodium.crypto_secretstream_xchacha20poly1305_push(state, SALT, front, MESSAGE)
    for block, tag in blocks:
        raw += sodium.crypto_secretstream_xchacha20poly1305_push(state, block, None, tag)
    with pytest.raises(ProofError):
        opened(raw)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(ProofError, match="under another key"):
        opened(sealed(b"certificate"), bytes(32))


def test_two_seals_of_one_document_have_nothing_in_common() -> None:
    assert sealed(b"certificate")[30:] != sealed(b"certificate")[30:]
    assert b"certificate" not in sealed(b"certificate")
    assert SALT not in sealed(b"certificate")
