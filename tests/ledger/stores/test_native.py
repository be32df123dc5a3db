"""Rows of keys as native ids: written in one way only, or refused."""

import datetime
import json
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.failure import Failure
from ledger.stores.native import native_ids
from signing.handle import native_text

texts = st.text(st.characters(exclude_categories=["Cs"]))
whole = st.integers(-(2**53) + 1, 2**53 - 1)


@given(st.lists(st.one_of(texts, whole)))
def test_one_column_is_written_as_the_format_says(values: list[str | int]) -> None:
    assert native_ids([(value,) for value in values], "t") == [native_text(value) for value in values]


@given(st.lists(st.tuples(texts, whole)))
def test_several_columns_are_a_json_array(rows: list[tuple[str, int]]) -> None:
    assert native_ids(rows, "t") == [native_text([text, number]) for text, number in rows]
    assert [tuple(json.loads(one)) for one in native_ids(rows, "t")] == rows


def test_what_is_a_number_or_an_identifier_in_the_store_is_one_in_the_id() -> None:
    identifier = UUID("5683783C-C3DC-4149-B572-45701A78AF2E")

    assert native_ids([(7,), (Decimal(7),), ("7",), (2**63,)], "t") == ["7", "7", "7", str(2**63)]
    assert native_ids([(identifier,)], "t") == ["5683783c-c3dc-4149-b572-45701a78af2e"]
    assert native_ids([], "t") == []


@pytest.mark.parametrize(
    "value",
    [None, 7.0, True, b"\x07", Decimal("7.0"), Decimal("NaN"), Decimal("7E+1"), datetime.date(2022, 5, 18)],
)
@pytest.mark.parametrize("beside", [(), ("x",)])
def test_a_value_that_is_written_in_more_ways_is_refused_and_not_quoted(
    value: object, beside: tuple[str, ...]
) -> None:
    with pytest.raises(Failure, match=r"estate, table people: a (key|record)") as refused:
        native_ids([("7", *beside), (value, *beside)], "estate, table people")
    assert "query" in refused.value.remedy or "columns" in refused.value.remedy
    assert value is None or str(value) not in str(refused.value)


def test_a_number_that_json_readers_disagree_about_is_no_piece_of_an_id() -> None:
    with pytest.raises(Failure, match="give it as text"):
        native_ids([("x", 2**53)], "t")
