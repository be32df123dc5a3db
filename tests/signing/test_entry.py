"""Entries: the header, the chain and the size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import MAX_ENTRY_BYTES, NO_PREVIOUS, Entry, FormatError, TooLargeError, format_entry, parse_entry

PREVIOUS = bytes(range(32))


@given(
    st.integers(1, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=1).filter(lambda body: b"\n" not in body),
)
def test_entries_survive(index: int, time_us: int, previous: bytes, body: bytes) -> None:
    entry = Entry("event", index, time_us, previous, body)
    assert parse_entry(format_entry(entry)) == entry


def test_the_header_is_as_the_spec_shows() -> None:
    raw = format_entry(Entry("event", 42, 1767225600123456, NO_PREVIOUS, b'{"data":{}}'))
    assert raw == b"event 42 1767225600123456 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" + b'{"data":{}}'


def test_a_submission_keeps_its_lines() -> None:
    entry = Entry("submission", 0, 0, NO_PREVIOUS, b"one\n\n\xe2\x80\x94 two\n")
    assert parse_entry(format_entry(entry)) == entry


def test_the_largest_entry() -> None:
    header = len(format_entry(Entry("event", 1, 1, PREVIOUS, b"x"))) - 1
    largest = Entry("event", 1, 1, PREVIOUS, b"x" * (MAX_ENTRY_BYTES - header))
    assert parse_entry(format_entry(largest)) == largest
    with pytest.raises(TooLargeError):
        format_entry(Entry("event", 1, 1, PREVIOUS, largest.body + b"x"))
    with pytest.raises(TooLargeError):
        parse_entry(format_entry(largest) + b"x")


@pytest.mark.parametrize(
    "entry",
    [
        Entry("event", 1, 1, PREVIOUS, b""),
        Entry("event", 1, 1, PREVIOUS, b"a\nb"),
        Entry("event", 1, 1, PREVIOUS, b"a\n"),
        Entry("submission", 0, 1, PREVIOUS, b"a\n"),
    ],
)
def test_entries_that_are_never_written(entry: Entry) -> None:
    with pytest.raises(FormatError):
        format_entry(entry)
