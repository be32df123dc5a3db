"""Time-stamps, by an authority of OpenSSL's: what counts, and every way in which one does not."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ObjectIdentifier, load_pem_x509_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from projections.specimens import TIMESTAMP_RESPONSE
from signing.encoding import encode_base64
from signing.errors import FormatError, ProofError
from signing.note import parse_note
from signing.timestamp import MAX_RESPONSE_BYTES, Seen, check_response, is_root, read_timestamp
from tests.signing.authority import Authority

VECTORS = Path(__file__).parents[1] / "vectors" / "timestamp"
TEXT = b"ledger.example/clearview\n5\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"


def vectors() -> list[tuple[str, str]]:
    return [(bad["file"], bad["fails"]) for bad in json.loads((VECTORS / "index.json").read_text())["bad"]]


def read_vector(name: str) -> Seen:
    root = load_pem_x509_certificate((VECTORS / "root.pem").read_bytes()).public_bytes(Encoding.DER)
    text = parse_note((VECTORS / "checkpoint").read_bytes()).text.encode()
    return read_timestamp((VECTORS / name).read_bytes(), text, [root])


def test_the_good_vector_is_the_example_and_proves_its_time() -> None:
    seen = read_vector("good")
    assert seen.by_s - seen.from_s == 3
    assert encode_base64((VECTORS / "good").read_bytes()) == TIMESTAMP_RESPONSE


@pytest.mark.parametrize(("name", "fails"), vectors())
def test_each_broken_vector_is_refused(name: str, fails: str) -> None:
    with pytest.raises(FormatError if fails == "format" else ProofError):
        read_vector(name)


def test_another_hash_is_told() -> None:
    with pytest.raises(ProofError, match="not over a SHA-256"):
        read_vector("other-hash")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def response(authority: Authority) -> bytes:
    return authority.stamp(TEXT)


def test_a_sound_one_says_when_the_text_was_seen(authority: Authority, response: bytes) -> None:
    seen = read_timestamp(response, TEXT, [authority.root_der])
    assert seen.by_s - seen.from_s == 3, "a second of accuracy either way, and one that the library cuts off"
    assert seen.from_s <= int(time.time()) <= seen.by_s + 60


def test_without_an_accuracy_the_moment_counts(tmp_path: Path) -> None:
    authority = Authority(tmp_path, accuracy="")
    seen = read_timestamp(authority.stamp(TEXT), TEXT, [authority.root_der])
    assert seen.by_s - seen.from_s == 1


def test_fractions_of_an_accuracy_are_rounded_away_from_the_moment(tmp_path: Path) -> None:
    authority = Authority(tmp_path, accuracy="accuracy = secs:1, millisecs:1")
    seen = read_timestamp(authority.stamp(TEXT), TEXT, [authority.root_der])
    assert seen.by_s - seen.from_s == 5


def test_one_that_is_accurate_to_two_days_proves_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path, accuracy="accuracy = secs:172800")
    with pytest.raises(ProofError, match="not accurate to the day"):
        read_timestamp(authority.stamp(TEXT), TEXT, [authority.root_der])


def test_it_is_about_one_text(authority: Authority, response: bytes) -> None:
    with pytest.raises(ProofError, match="another text"):
        read_timestamp(response, TEXT.replace(b"5", b"6"), [authority.root_der])


def test_an_authority_that_is_not_named_proves_nothing(
    tmp_path: Path, authority: Authority, response: bytes
) -> None:
    stranger = Authority(tmp_path, name="stranger.example")
    with pytest.raises(ProofError, match="no authority that is believed"):
        read_timestamp(response, TEXT, [stranger.root_der])
    with pytest.raises(ProofError, match="no authority that is believed"):
        read_timestamp(response, TEXT, [])
    assert read_timestamp(response, TEXT, [stranger.root_der, authority.root_der])


def test_an_authority_that_signs_its_own_certificate_is_its_own_root(tmp_path: Path) -> None:
    authority = Authority(tmp_path, alone=True)
    assert is_root(authority.root_der)
    assert read_timestamp(authority.stamp(TEXT), TEXT, [authority.root_der])


def test_a_certificate_that_is_no_root_proves_nothing(authority: Authority, response: bytes) -> None:
    with pytest.raises(ProofError, match="no authority that is believed"):
        read_timestamp(response, TEXT, [authority.signer.public_bytes(Encoding.DER)])


def test_a_root_of_the_same_name_is_another_root(tmp_path: Path, response: bytes) -> None:
    with pytest.raises(ProofError, match="no authority that is believed"):
        read_timestamp(response, TEXT, [Authority(tmp_path).root_der])


@pytest.mark.parametrize(("begin", "end"), [(-20, -10), (10, 20)])
def test_the_signers_certificate_was_valid_at_that_moment(tmp_path: Path, begin: int, end: int) -> None:
    now = datetime.now(UTC)
    authority = Authority(tmp_path, valid=(now + timedelta(days=begin), now + timedelta(days=end)))
    with pytest.raises(ProofError, match="certificate"):
        read_timestamp(authority.stamp(TEXT), TEXT, [authority.root_der])


def test_the_signers_certificate_may_expire_later(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = Authority(tmp_path, valid=(now - timedelta(days=1), now + timedelta(seconds=2)))
    stamped = authority.stamp(TEXT)
    time.sleep(2.5)
    assert read_timestamp(stamped, TEXT, [authority.root_der])


@pytest.mark.parametrize("usage", [ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH])
def test_a_certificate_for_something_else_stamps_no_time(
    tmp_path: Path, response: bytes, usage: ObjectIdentifier
) -> None:
    other = Authority(tmp_path / "other", usage=ExtendedKeyUsageOID.TIME_STAMPING)
    assert read_timestamp(other.resign(response), TEXT, [other.root_der]), "so re-signing is no mistake"
    abused = Authority(tmp_path / "abused", usage=usage)
    with pytest.raises(ProofError, match="no authority that is believed"):
        read_timestamp(abused.resign(response), TEXT, [abused.root_der])


def test_a_response_that_was_not_granted_is_none(authority: Authority) -> None:
    with pytest.raises(ProofError, match=r"did not grant .*status 2"):
        read_timestamp(authority.answer(b"no request"), TEXT, [authority.root_der])


@given(st.data())
def test_whatever_is_altered_nothing_else_is_proved(
    authority: Authority, response: bytes, data: st.DataObject
) -> None:
    """Some bytes are signed by nobody; what is said stays what was said."""
    raw = bytearray(response)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    before = read_timestamp(response, TEXT, [authority.root_der])
    with suppress(FormatError, ProofError):
        assert read_timestamp(bytes(raw), TEXT, [authority.root_der]) == before


@given(st.binary(max_size=200), st.integers(0, 900), st.integers(0, 900))
def test_garbage_is_refused(authority: Authority, response: bytes, junk: bytes, begin: int, end: int) -> None:
    for raw in (junk, response[:begin] + junk + response[end:]):
        with suppress(FormatError, ProofError):
            assert raw == response or read_timestamp(raw, TEXT, [authority.root_der])


def test_it_is_bounded(authority: Authority) -> None:
    with pytest.raises(FormatError, match="over 24,576"):
        read_timestamp(b"\x30" * (MAX_RESPONSE_BYTES + 1), TEXT, [authority.root_der])


def test_a_service_hears_that_its_request_was_answered(authority: Authority) -> None:
    asked = TimestampRequestBuilder(TEXT, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
    assert asked.nonce is not None
    answer = authority.answer(asked.as_bytes())
    check_response(answer, TEXT, asked.nonce)
    with pytest.raises(ProofError, match="nonce differs"):
        check_response(answer, TEXT, asked.nonce ^ 1)
    with pytest.raises(ProofError, match="another text"):
        check_response(answer, b"another", asked.nonce)


def test_a_response_without_the_signers_certificate_is_told(authority: Authority) -> None:
    asked = TimestampRequestBuilder(TEXT, HashAlgorithm.SHA256, nonce=True, cert_req=False).build()
    assert asked.nonce is not None
    answer = authority.answer(asked.as_bytes())
    with pytest.raises(ProofError, match="lacks its signer's certificate"):
        check_response(answer, TEXT, asked.nonce)
    with pytest.raises(ProofError):
        read_timestamp(answer, TEXT, [authority.root_der])


def test_only_what_signs_itself_is_a_root(authority: Authority) -> None:
    assert is_root(authority.root_der)
    assert not is_root(authority.signer.public_bytes(Encoding.DER))
    with pytest.raises(FormatError, match="not a certificate"):
        is_root(b"0\x03abc")
