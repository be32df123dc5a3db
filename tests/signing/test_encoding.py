"""Base64 and decimals: one spelling each."""

import pytest

from signing import FormatError, decode_base64, decode_hash, encode_base64, parse_decimal


@pytest.mark.parametrize(
    "text", ["aGVsbG8", "aGVsbG8==", "aGVsbG9=", "aGVs bG8=", "aGVsbG8=\n", "aGVsbG8-", "é", "="]
)
def test_base64_of_other_spellings_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        decode_base64(text)


def test_the_empty_text_is_no_bytes() -> None:
    assert decode_base64("") == b""


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_hashes_have_32_bytes(size: int) -> None:
    with pytest.raises(FormatError, match="my hash"):
        decode_hash(encode_base64(bytes(size)), "my hash")


@pytest.mark.parametrize(
    "text", ["", "01", "+5", "-5", "1_000", "٥", "5 ", "0x5", "5.0", "1e3", "9" * 5000, "00"]
)
def test_decimals_of_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_decimal(text)


def test_decimals_have_a_greatest_value() -> None:
    assert parse_decimal("9223372036854775807") == 2**63 - 1
    with pytest.raises(FormatError):
        parse_decimal("9223372036854775808")
    assert parse_decimal("7", maximum=7) == 7
    with pytest.raises(FormatError, match="size 8"):
        parse_decimal("8", maximum=7, what="size")
