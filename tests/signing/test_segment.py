"""A run of entries is checked exactly, and every way to break one is named with its entry."""

import contextlib
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.entry import Entry, format_entry
from signing.errors import ProofError
from signing.keys import ED25519, SigningKey
from signing.merkle import EMPTY_RANGE, CompactRange, leaf_hash, merge, range_of, root_of
from signing.note import format_note
from signing.segment import Segment, scan
from signing.submission import make_submission

KEY = SigningKey("crawler.example", ED25519, bytes(range(32)))
NO_PREVIOUS = bytes(32)
START_US = 1_767_225_600_000_000

Row = tuple[str, int, bytes]


def rows_of(*batches: list[bytes]) -> list[Row]:
    rows: list[Row] = []
    frontier = EMPTY_RANGE
    for lines in batches:
        submission, frontier = make_submission(
            KEY, "crawler.example/7", frontier, "ledger.example/a", None, lines
        )
        time_us = START_US + len(rows)
        rows.append(("submission", time_us, format_note(submission.note)))
        rows.extend(("event", time_us, line) for line in lines)
    return rows


def chain(rows: list[Row], first_index: int = 0, previous: bytes = NO_PREVIOUS) -> list[bytes]:
    entries = []
    for index, (kind, time_us, body) in enumerate(rows, first_index):
        raw = format_entry(Entry(kind, index, time_us, previous, body))  # type: ignore[arg-type]
        entries.append(raw)
        previous = leaf_hash(raw)
    return entries


def lines(count: int, start: int = 0) -> list[bytes]:
    return [b'{"n":%d}' % number for number in range(start, start + count)]


def test_a_segment_is_what_its_entries_say() -> None:
    entries = chain(rows_of(lines(3), lines(2, 3)))
    segment = scan(0, entries)
    assert segment.leaf_hashes == [leaf_hash(entry) for entry in entries]
    assert segment.lines == lines(5)
    assert segment.continued == []
    assert [part.index for part in segment.parts] == [0, 4]
    assert [(part.lines.begin, part.lines.end) for part in segment.parts] == [(0, 3), (3, 5)]
    assert segment.end_index == 7
    assert (segment.first_time_us, segment.last_time_us) == (START_US, START_US + 4)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.data())
def test_segments_join_into_the_source_log_wherever_they_are_cut(
    sizes: list[int], data: st.DataObject
) -> None:
    batches = [lines(size, 10 * number) for number, size in enumerate(sizes)]
    entries = chain(rows_of(*batches))
    cut = data.draw(st.integers(1, len(entries)))
    parts = [entries[:cut], entries[cut:]] if cut < len(entries) else [entries]
    segments: list[Segment] = []
    for run in parts:
        segments.append(pickle.loads(pickle.dumps(scan(sum(map(len, parts[: len(segments)])), run))))
    frontier: CompactRange = EMPTY_RANGE
    for segment in segments:
        frontier = merge(frontier, range_of(frontier.end, segment.continued))
        for part in segment.parts:
            frontier = merge(frontier, part.lines)
    assert frontier.end == sum(sizes)
    last = [part for segment in segments for part in segment.parts][-1]
    assert root_of(frontier) == last.text.root
    if len(segments) == 2:
        assert segments[1].first_previous == segments[0].leaf_hashes[-1]


def drop(entries: list[bytes]) -> list[bytes]:
    return entries[:3] + entries[4:]


def insert(entries: list[bytes]) -> list[bytes]:
    return [*entries[:3], entries[2], *entries[3:]]


def swap(entries: list[bytes]) -> list[bytes]:
    return [*entries[:2], entries[3], entries[2], *entries[4:]]


def alter(entries: list[bytes]) -> list[bytes]:
    return [*entries[:2], entries[2].replace(b'"n":1', b'"n":9'), *entries[3:]]


def lax(old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    return lambda entries: [*entries[:2], entries[2].replace(old, new, 1)]


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (drop, "entry 3: the entry in this place says that it is entry 4"),
        (insert, "entry 3: the entry in this place says that it is entry 2"),
        (swap, "entry 2: the entry in this place says that it is entry 3"),
        (alter, "entry 3: it names another entry before it than entry 2 as it stands here"),
        (lax(b"event 2", b"event +2"), "entry 2: not in the form of an entry"),
        (lax(b"event 2", b"event 02"), "entry 2: not in the form of an entry"),
        (lax(b"event 2 ", b"event  2 "), "entry 2: not in the form of an entry"),
        (lax(b"event 2", b"remark 2"), "entry 2: not in the form of an entry"),
        (lax(b" 17", b" 9999999999999999999917"), "entry 2: not in the form of an entry"),
        (lax(b" 17", b" 1_7"), "entry 2: not in the form of an entry"),
        (lax(b" 17", b" 16"), "entry 2: recorded 100000000000000 µs before entry 1"),
        (lax(b'"n"', b'"n\n"'), "entry 2: not in the form of an entry"),
        (lax(b"\n", b""), "entry 2: not in the form of an entry"),
    ],
)
def test_what_is_wrong_is_named(break_it: Callable[[list[bytes]], list[bytes]], said: str) -> None:
    entries = chain(rows_of(lines(3), lines(2, 3)))
    with pytest.raises(ProofError) as failure:
        scan(0, break_it(entries))
    assert said in str(failure.value)


def test_the_first_entry_must_be_the_one_asked_for() -> None:
    entries = chain(rows_of(lines(3)))
    with pytest.raises(ProofError, match="entry 7: the entry in this place says that it is entry 0"):
        scan(7, entries)


def test_an_event_that_no_submission_announced_is_named() -> None:
    rows = rows_of(lines(3))
    with pytest.raises(ProofError, match="entry 4: one event more than the 3 that the submission at entry 0"):
        scan(0, chain([*rows, ("event", START_US, b'{"n":77}')]))


@pytest.mark.parametrize("body", [b"not a note", b"one\n\n\xe2\x80\x94 a AAAA\n"])
def test_a_submission_entry_that_is_none_is_named(body: bytes) -> None:
    with pytest.raises(ProofError, match="entry 0: not a submission"):
        scan(0, chain([("submission", START_US, body)]))


def test_two_signatures_are_one_too_many() -> None:
    rows = rows_of(lines(1))
    note = rows[0][2]
    with pytest.raises(ProofError, match="entry 0: not a submission: 2 signature lines"):
        scan(0, chain([("submission", START_US, note + note.split(b"\n\n")[1]), *rows[1:]]))


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_scan_is_total(entries: list[bytes]) -> None:
    with contextlib.suppress(ProofError):
        scan(0, entries)
