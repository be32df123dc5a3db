"""The closed lists and the bulk checks."""

import re
from itertools import pairwise
from typing import Any, get_args

import msgspec
import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections import vocabulary as v
from projections.vocabulary import Evidence, FieldError

_A, _B = "0" * 31 + "a", "0" * 31 + "b"


def test_countries_are_those_of_iso_3166() -> None:
    assert {country.alpha_2 for country in pycountry.countries} == v.COUNTRIES
    assert {"GB", "GG", "IM", "JE"} <= v.COUNTRIES
    assert "UK" not in v.COUNTRIES


def test_territories_take_every_subdivision_of_iso_3166_2() -> None:
    for subdivision in pycountry.subdivisions:
        v.check_territories((msgspec.convert(subdivision.code, v.Territory),), "residency")


def test_of_a_subdivision_the_country_alone_is_looked_up() -> None:
    """Another year's list must not make a stored line no event; the reference page says so."""
    v.check_territory(msgspec.convert("GB-QQQ", v.Territory), "territory")
    with pytest.raises(FieldError, match="QQ is not a country"):
        v.check_territory(msgspec.convert("QQ-GB", v.Territory), "territory")


def test_words_hold_nothing_that_json_would_escape() -> None:
    lists = [value for value in vars(v).values() if getattr(value, "__origin__", None) is not None]
    words = [word for words in lists for word in get_args(words) if isinstance(word, str)]
    assert len(words) > 400
    assert all(re.fullmatch(r"[A-Za-z0-9().,_-]+", word) for word in words)


def test_a_category_covers_itself_and_those_below() -> None:
    assert v.covers("user.biometric", "user.biometric")
    assert v.covers("user.biometric", "user.biometric.voice")
    assert not v.covers("user.biometric.voice", "user.biometric")
    assert not v.covers("user.user", "user.user_sensor")


@pytest.mark.parametrize(
    ("handles", "place", "problem"),
    [
        ((_A, _B[:-1]), "records[1]", "not a handle"),
        ((_A + "0",), "records[0]", "not a handle"),
        ((_A.upper(),), "records[0]", "not a handle"),
        ((_A[:-1] + "g",), "records[0]", "not a handle"),
        ((" " * 32,), "records[0]", "not a handle"),
        ((_B, _A), "records[1]", "sorts before"),
        ((_A, _A), "records[1]", "repeats"),
    ],
)
def test_a_wrong_handle_is_named(handles: tuple[str, ...], place: str, problem: str) -> None:
    with pytest.raises(FieldError, match=problem) as caught:
        v.check_handle_set(handles)
    assert caught.value.field == place


@given(st.lists(st.sampled_from(["0" * 32, _A, _B, "f" * 32, "F" * 32, "0" * 31, "0" * 33, "x" * 32])))
def test_bulk_checks_agree_with_looking_at_each(handles: list[str]) -> None:
    good = all(re.fullmatch("[0-9a-f]{32}", handle) for handle in handles)
    rising = all(one < two for one, two in pairwise(handles))
    assert _passes(v.check_handles, tuple(handles)) == good
    assert _passes(v.check_handle_set, tuple(handles)) == (good and rising)


@given(st.text())
def test_bulk_checks_take_any_text(text: str) -> None:
    """No exception but FieldError, also for text that has no bytes."""
    assert _passes(v.check_handles, (text,)) == bool(re.fullmatch("[0-9a-f]{32}", text, re.ASCII))


def test_evidence_is_sorted_and_distinct() -> None:
    receipt, report = (Evidence(kind=kind, sha256="0" * 64) for kind in ("receipt", "report"))
    v.check_evidence((receipt, report))
    for wrong in ((report, receipt), (receipt, receipt)):
        with pytest.raises(FieldError):
            v.check_evidence(wrong)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (v.Id, ["a", "7.x_y-z", "a" * 64], ["", "-a", "A", "a b", "a" * 65, "é"]),
        (v.EventId, ["e-1", "A._"], ["", "a/b", "a" * 65]),
        (v.KeyName, ["a", "ico.example/x/y_z"], ["", "A", "a/", "/a", "a//b", "a_b", "a" * 256]),
        (v.OrderId, ["ico.example/en-1", "a/b/c"], ["ico.example", "ico.example/", "a/B", "a/" + "b" * 65]),
        (v.Sha256, ["0f" * 32], ["0F" * 32, "0f" * 31]),
        (v.Hash, ["A" * 43 + "=", "A" * 42 + "8="], ["A" * 42 + "B=", "A" * 44, "A" * 40 + "="]),
        (v.Base64, ["AAAA", "AA==", "AAA="], ["", "AAA", "AB==", "AAB=", "AAAA="]),
        (
            v.Moment,
            ["2022-06-15", "2022-06-15T09:00:00Z"],
            ["2022-06-15T09:00:00.5Z", "2022-6-15", "2022-06-15T24:00:00Z"],
        ),
        (v.Date, ["2022-06-15"], ["2022-06-15T09:00:00Z", "2022-6-15"]),
        (v.OneHandle, ["0f" * 16], ["0F" * 16, "0f" * 15, "0f" * 17]),
        (
            v.Timestamp,
            ["2022-06-15T09:00:00Z", "2022-06-15T09:00:00.000001Z"],
            ["2022-06-15", "2022-06-15T09:00:00+00:00", "2022-06-15T09:00:60Z"],
        ),
        (
            v.Duration,
            ["P3M", "P1Y2M3W4DT5H6M7S", "PT12H", "P0D"],
            ["", "P", "PT", "P1", "P1H", "P-1D", "P1DT", "P1.5D"],
        ),
        (
            v.PolicyLine,
            ["quorum none", "group g 2 a b", "witness w w+0+A"],
            ["log a", "quorum", "witness w k https://x", "# x"],
        ),
        (v.Territory, ["GB", "GB-SCT", "US-CA"], ["gb", "GBR", "GB-", "GB-ABCD"]),
    ],
)
def test_patterns(kind: Any, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert msgspec.convert(text, kind) == text
    for text in bad:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text, kind)


def _passes(check: Any, handles: tuple[str, ...]) -> bool:
    try:
        check(handles)
    except FieldError:
        return False
    return True
