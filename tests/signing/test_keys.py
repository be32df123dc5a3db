"""Keys: their text, their names, and which points are keys at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from signing import (
    COSIGNATURE,
    ED25519,
    FormatError,
    ProofError,
    SigningKey,
    VerifierKey,
    format_signing_key,
    format_vkey,
    is_valid_name,
    is_within,
    parse_signing_key,
    parse_vkey,
    verify_signature,
)
from tests.signing.mutating import flips

KEY = SigningKey("ledger.example/clearview", ED25519, bytes(range(32)))

# Points of order 1, 2, 4 and 8, in the encodings that RFC 8032 decoders take.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]


@given(st.binary(min_size=32, max_size=32), st.sampled_from([ED25519, COSIGNATURE]))
def test_keys_survive_their_text(seed: bytes, algorithm: int) -> None:
    key = SigningKey("a.example/b_c", algorithm, seed)
    assert parse_signing_key(format_signing_key(key)) == key
    assert parse_vkey(format_vkey(key.verifier)) == key.verifier


def test_the_standards_example() -> None:
    vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    assert format_vkey(parse_vkey(vkey)) == vkey


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_points_of_small_order_are_no_keys(point: str) -> None:
    text = format_vkey(VerifierKey("a.example", ED25519, bytes.fromhex(point)))
    with pytest.raises(FormatError, match="point"):
        parse_vkey(text)


def test_the_representation_of_a_private_key_hides_its_seed() -> None:
    assert KEY.seed.hex() not in repr(KEY)
    assert repr(KEY.seed) not in repr(KEY)


@pytest.mark.parametrize(
    "name", ["a", "a.b-c.9", "a/b", "a.example/x_y/z.1", "127.0.0.1", "a" * 255, "ledger.example/gateway"]
)
def test_valid_names(name: str) -> None:
    assert is_valid_name(name)


@pytest.mark.parametrize(
    "name", ["", "/", "a/", "/a", "a//b", "A", "a b", "a+b", "a_b", "a/B", "é", "a\n", "a:1", "a" * 256, "١"]
)
def test_invalid_names(name: str) -> None:
    assert not is_valid_name(name)


def test_within_is_by_path_not_by_prefix() -> None:
    assert is_within("a.b", "a.b")
    assert is_within("a.b/c/d", "a.b")
    assert not is_within("a.bc", "a.b")
    assert not is_within("a", "a/b")


def test_witnesses_name_themselves_but_posters_do_not() -> None:
    witness = SigningKey("Witness_1", COSIGNATURE, bytes(32)).verifier
    assert parse_vkey(format_vkey(witness)) == witness
    poster = SigningKey("Witness_1", ED25519, bytes(32)).verifier
    with pytest.raises(FormatError, match="name"):
        parse_vkey(format_vkey(poster))


def test_a_private_key_is_no_verifier_key() -> None:
    with pytest.raises(FormatError):
        parse_vkey(format_signing_key(KEY))
    with pytest.raises(FormatError):
        parse_signing_key(format_vkey(KEY.verifier))


def test_signatures_verify_and_no_changed_one_does() -> None:
    message = b"a message"
    signature = KEY.sign(message)
    verify_signature(KEY.verifier, message, signature)
    for false in (*flips(signature), signature[:63], signature + b"\0", b""):
        with pytest.raises(ProofError):
            verify_signature(KEY.verifier, message, false)
    for false in (*flips(message), b"", message + b"\n"):
        with pytest.raises(ProofError):
            verify_signature(KEY.verifier, false, signature)


def test_signature_and_message_are_not_one_string() -> None:
    """Both are joined for the library: a byte moved over the border must not verify."""
    signature = KEY.sign(b"message")
    for false, message in ((signature[:63], signature[63:] + b"message"), (signature + b"m", b"essage")):
        with pytest.raises(ProofError):
            verify_signature(KEY.verifier, message, false)


def test_a_signature_with_a_greater_scalar_is_refused() -> None:
    """S + L verifies the same equation: a second signature that nobody made."""
    order = 2**252 + 27742317777372353535851937790883648493
    signature = KEY.sign(b"m")
    scalar = int.from_bytes(signature[32:], "little") + order
    malleable = signature[:32] + scalar.to_bytes(32, "little")
    with pytest.raises(BadSignatureError):
        crypto_sign_open(malleable + b"m", KEY.verifier.public)
    with pytest.raises(ProofError):
        verify_signature(KEY.verifier, b"m", malleable)
