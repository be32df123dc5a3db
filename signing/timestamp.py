"""RFC 3161 time-stamps: a time-stamp authority's signed word that a text existed by some moment.

    TimeStampResp { status granted, SignedData over TSTInfo { SHA-256 of the text, genTime, accuracy, … } }

Whoever reads one brings the authorities' root certificates; the response carries its signer's. DER, CMS and
chains are read by rfc3161-client (the extra `time`), imported once there is a response to read: all else runs
without it. See docs/spec/time.md.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from signing.errors import FormatError, MissingPackage, ProofError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

MAX_RESPONSE_BYTES: Final = 24_576
# A moment that is known to the day at best is nobody's clock.
MAX_ACCURACY_S: Final = 86_400

_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_GRANTED: Final = 0


class Seen(Struct, frozen=True):
    """When an authority saw a text: Unix seconds, its own accuracy taken off and added."""

    from_s: int
    by_s: int


def read_timestamp(response: bytes, text: bytes, roots: Sequence[bytes]) -> Seen:
    """When an authority under one of these root certificates (DER) saw exactly this text.

    The signer's chain must have been valid at that moment, and its certificate be one for time-stamping.
    FormatError: not a response. ProofError: it proves nothing about this text under these roots.
    """
    opened = _open(response)
    _check_imprint(opened, text)
    _check_signer(opened, text, roots)
    return _span(opened)


def check_response(response: bytes, text: bytes, nonce: int) -> None:
    """Whether it answers a request for this text with this nonce: all that can be said without a root."""
    opened = _open(response)
    _check_imprint(opened, text)
    if opened.tst_info.nonce != nonce:
        raise ProofError("the time-stamp answers another request: its nonce differs")
    if not opened.signed_data.certificates:
        raise ProofError("the time-stamp lacks its signer's certificate, which was asked for")


def is_root(certificate: bytes) -> bool:
    """Whether this certificate signs itself: nothing else can be a root. FormatError: it is none."""
    try:
        from cryptography import exceptions, x509
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    try:
        read = x509.load_der_x509_certificate(certificate)
    except (ValueError, x509.InvalidVersion) as error:
        raise FormatError(f"not a certificate: {error}") from error
    try:
        read.verify_directly_issued_by(read)
    except (ValueError, TypeError, exceptions.InvalidSignature, exceptions.UnsupportedAlgorithm):
        return False
    return True


def _open(response: bytes) -> "TimeStampResponse":
    try:
        from rfc3161_client import decode_timestamp_response
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    if len(response) > MAX_RESPONSE_BYTES:
        raise FormatError(f"a time-stamp response of {len(response):,} bytes: over {MAX_RESPONSE_BYTES:,}")
    try:
        opened = decode_timestamp_response(response)
        status = opened.status
    except ValueError as error:
        raise FormatError(f"not a time-stamp response: {error}") from error
    if status != _GRANTED:
        raise ProofError(f"the authority did not grant the time-stamp (status {status})")
    try:
        _ = opened.tst_info, opened.signed_data
    except ValueError as error:
        raise FormatError(f"not a time-stamp response: {error}") from error
    return opened


def _check_imprint(opened: "TimeStampResponse", text: bytes) -> None:
    imprint = opened.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256:
        raise ProofError("the time-stamp is not over a SHA-256")
    if imprint.message != hashlib.sha256(text).digest():
        raise ProofError("the time-stamp is over another text")


def _check_signer(opened: "TimeStampResponse", text: bytes, roots: Sequence[bytes]) -> None:
    from cryptography import exceptions, x509
    from rfc3161_client import VerificationError, VerifierBuilder

    odd = (x509.InvalidVersion, x509.DuplicateExtension, exceptions.UnsupportedAlgorithm)
    try:
        believed = [x509.load_der_x509_certificate(root) for root in roots]
        VerifierBuilder(roots=believed).build().verify_message(opened, text)
    # Nobody signs which certificates come along, so that anything may be wrong with them.
    except (VerificationError, ValueError, *odd) as error:
        raise ProofError(f"no authority that is believed signed the time-stamp: {error}") from error


def _span(opened: "TimeStampResponse") -> Seen:
    """The library reads genTime in whole seconds, so what it cut off may be up to one more."""
    info = opened.tst_info
    accuracy_us = 0
    if info.accuracy is not None:
        parts = (info.accuracy.seconds, info.accuracy.millis, info.accuracy.micros)
        accuracy_us = sum((part or 0) * us for part, us in zip(parts, (1_000_000, 1_000, 1), strict=True))
    accuracy_s = -(-accuracy_us // 1_000_000)
    if accuracy_s > MAX_ACCURACY_S:
        raise ProofError("the time-stamp is not accurate to the day")
    seen_s = int(info.gen_time.timestamp())
    return Seen(seen_s - accuracy_s, seen_s + 1 + accuracy_s)


def _missing(error: ModuleNotFoundError) -> MissingPackage:
    return MissingPackage(f"to read time-stamps takes {error.name}, which is not installed")
