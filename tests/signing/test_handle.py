"""Handles: what is blinded, exactly."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import FormatError, blinding_commitment, is_handle, native_text
from signing.handle import NativeId, handle

KEY = bytes(range(32))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_handle_is_the_hmac_of_the_design(native: str) -> None:
    message = b"writ/handle/v1\npeople\n" + native.encode()
    assert handle(KEY, "people", native) == hmac.new(KEY, message, hashlib.sha256).hexdigest()[:32]
    assert is_handle(handle(KEY, "people", native))


@pytest.mark.parametrize(
    ("native", "text"),
    [
        ("aardsda01", "aardsda01"),
        ("", ""),
        (7, "7"),
        (-7, "-7"),
        (["aardsda01", 2004, 1], '["aardsda01",2004,1]'),
        ([], "[]"),
        (["Zoë", 'a"b\\c', "\n\x01\x7f/"], '["Zoë","a\\"b\\\\c","\\n\\u0001\x7f/"]'),
    ],
)
def test_native_ids_have_one_text(native: NativeId, text: str) -> None:
    assert native_text(native) == text


@pytest.mark.parametrize("native", [True, 1.5, None, 2**53, [1.5], [True], [2**53], [["nested"]], b"raw"])
def test_other_native_ids_are_refused(native: object) -> None:
    with pytest.raises(FormatError):
        native_text(native)  # type: ignore[arg-type]  # callers read them from files


def test_namespace_key_and_text_are_checked() -> None:
    for key, namespace, native in (
        (KEY[:31], "people", "a"),
        (KEY, "People", "a"),
        (KEY, "a\nb", "a"),
        (KEY, "", "a"),
        (KEY, "people", "\ud800"),
    ):
        with pytest.raises(FormatError):
            handle(key, namespace, native)
    with pytest.raises(FormatError):
        blinding_commitment(b"short")


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "0" * 32 + "\n"])
def test_other_texts_are_no_handles(text: str) -> None:
    assert not is_handle(text)
