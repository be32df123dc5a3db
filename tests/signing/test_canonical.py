"""Canonical JSON: one text for each value, and the place of what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import FormatError, canonicalise, parse_canonical

_PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'), max_size=8)
_LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _PLAIN
VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_PLAIN, inner, max_size=4)
)


@given(VALUES)
def test_values_survive_and_agree_with_an_independent_writer(value: Any) -> None:
    raw = canonicalise(value)
    assert parse_canonical(raw) == value
    assert raw == json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@given(VALUES)
def test_other_texts_of_a_value_are_refused(value: Any) -> None:
    raw = canonicalise(value)
    for text in (json.dumps(value), json.dumps(value, indent=1), raw.decode() + " ", " " + raw.decode()):
        if text.encode() != raw:
            with pytest.raises(FormatError):
                parse_canonical(text.encode())


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":1,"a":1}', "duplicate key 'a'"),
        (b'{"a":{"b":[1,2.5]}}', r"\$\.a\.b\[1\] is a float"),
        (b'{"a":1e3}', r"\$\.a is a float"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":Infinity}', "not JSON"),
        (b'{"a":9007199254740992}', r"\$\.a is greater"),
        (b'{"a":-9007199254740992}', r"\$\.a is greater"),
        (b'{"a":99999999999999999999999}', r"\$\.a"),
        (b'{"b":1,"a":2}', "not canonical at byte 2"),
        (b'{"a": 1}', "not canonical at byte 5"),
        (b'{"a":-0}', "not canonical at byte 5"),
        (b'{"a":1}\n', "byte 0x0a at 7"),
        (b'{"a":"\xc3\xa9"}', "byte 0xc3 at 6"),
        (b'{"a":"\xff"}', "byte 0xff at 6"),
        (b'{"a":"\\u0041"}', "backslash at byte 6"),
        (b'{"a":"\\""}', "backslash at byte 6"),
        (b'{"a":"\x7f"}', "byte 0x7f at 6"),
        (b'{"a":1}x', "not JSON"),
        (b'{"a":1', "not JSON"),
        (b"", "not JSON"),
        (b"\xef\xbb\xbf{}", "byte 0xef at 0"),
        (b"[" * 33 + b"1" + b"]" * 33, "deeper"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_reasons(raw: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        parse_canonical(raw)


def test_values_nest_to_a_fixed_depth() -> None:
    raw = b"[" * 32 + b"1" + b"]" * 32
    assert canonicalise(parse_canonical(raw)) == raw


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        b"bytes",
        {1: 2},
        {"é": 1},
        "é",
        'a"b',
        "a\\b",
        "a\nb",
        "\ud800",
        {"a": {1, 2}},
    ],
)
def test_values_that_are_never_written(value: object) -> None:
    with pytest.raises(FormatError):
        canonicalise(value)


def test_keys_sort_bytewise() -> None:
    assert canonicalise({"b": 1, "a.b": 2, "a": 3, "A": 4, "": 5}) == b'{"":5,"A":4,"a":3,"a.b":2,"b":1}'
