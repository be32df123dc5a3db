"""Segment: everything a run of entries proves by itself.

A log is checked in segments, by as many processes as there are, and the segments are joined in order
(`projections.audit`). `scan` is a pure function over bytes, and what it returns can be pickled. It checks

* the header of every entry, exactly (DESIGN §3 Entry): kind, index, recorded time, previous leaf hash,
* the chain inside the segment: each entry names the leaf hash of the entry before it,
* that recorded time never decreases inside it,
* that every submission is one, and how many of its events stand in this segment.

It hashes every entry as a leaf of the ledger and every event line as a leaf of its source log. What needs
the neighbours stays open: the first entry's previous hash, and events of a submission begun before.
"""

from binascii import b2a_base64
from hashlib import sha256

from msgspec import Struct

from signing.encoding import MAX_SIZE, encode_base64
from signing.entry import Entry, parse_entry
from signing.errors import FormatError, ProofError
from signing.merkle import CompactRange, leaf_hashes_of, range_of
from signing.note import Note
from signing.submission import SubmissionText, parse_submission_note


class Part(Struct, frozen=True):
    """The part of one submission that stands in one segment: its entry, and the range of its event lines."""

    index: int
    note: Note
    text: SubmissionText
    lines: CompactRange


class Segment(Struct, frozen=True):
    """A run of entries, checked as far as it can be checked alone."""

    first_index: int
    first_previous: bytes
    first_time_us: int
    last_time_us: int
    leaf_hashes: list[bytes]
    times_us: list[int]
    lines: list[bytes]
    continued: list[bytes]
    """Source-log leaf hashes of the leading events, whose submission began in an earlier segment."""
    parts: list[Part]

    @property
    def end_index(self) -> int:
        """The index after the last entry."""
        return self.first_index + len(self.leaf_hashes)


def scan(first_index: int, entries: list[bytes]) -> Segment:
    """Check a run of entries that begins at `first_index`; ProofError names the entry and what is wrong."""
    if not entries:
        raise ValueError("a segment has at least one entry")
    first = _parse(first_index, entries[0])
    leaf_hashes, times_us = _walk_chain(first, entries)
    openings = [at for at, entry in enumerate(entries) if entry.startswith(b"submission ")]
    lines = [entry[entry.index(b"\n") + 1 :] for entry in entries if entry.startswith(b"event ")]
    if b"\n" in b"".join(lines) or not all(lines):
        _parse_all(first_index, entries)
    line_hashes = leaf_hashes_of(lines)
    leading = openings[0] if openings else len(entries)
    return Segment(
        first_index=first_index,
        first_previous=first.previous,
        first_time_us=first.time_us,
        last_time_us=times_us[-1],
        leaf_hashes=leaf_hashes,
        times_us=times_us,
        lines=lines,
        continued=line_hashes[:leading],
        parts=_read_parts(first_index, entries, openings, line_hashes),
    )


def _walk_chain(first: Entry, entries: list[bytes]) -> tuple[list[bytes], list[int]]:
    """Leaf hashes and recorded times of entries whose headers are exact and whose chain holds."""
    leaf_hashes: list[bytes] = []
    times_us: list[int] = []
    previous = encode_base64(first.previous).encode()
    last_us = 0
    for index, entry in enumerate(entries, first.index):
        header = entry[: entry.find(b"\n")]
        try:
            kind, _, time_text, _ = header.split(b" ")
            time_us = int(time_text)
        except ValueError:
            raise _explain(index, entry, leaf_hashes) from None
        # Comparing with the header as it must be replaces parsing it, and refuses "+5", "05" and the like.
        if (
            header != b"%b %d %d %b" % (kind, index, time_us, previous)
            or kind not in _KINDS
            or time_us > MAX_SIZE
        ):
            raise _explain(index, entry, leaf_hashes)
        if time_us < last_us:
            raise clock_set_back(index, last_us - time_us)
        leaf_hash = sha256(b"\x00" + entry).digest()
        leaf_hashes.append(leaf_hash)
        times_us.append(time_us)
        previous = b2a_base64(leaf_hash, newline=False)
        last_us = time_us
    return leaf_hashes, times_us


_KINDS = frozenset((b"event", b"submission"))


def _parse(index: int, raw: bytes) -> Entry:
    try:
        entry = parse_entry(raw)
    except FormatError as error:
        raise ProofError(f"entry {index}: not in the form of an entry: {error}") from error
    if entry.index != index:
        raise ProofError(
            f"entry {index}: the entry in this place says that it is entry {entry.index}: "
            "entries were dropped, inserted or reordered here"
        )
    return entry


def _parse_all(first_index: int, entries: list[bytes]) -> None:
    for index, raw in enumerate(entries, first_index):
        _parse(index, raw)


def _explain(index: int, raw: bytes, leaf_hashes: list[bytes]) -> ProofError:
    """Why an entry whose header is not the expected one is wrong."""
    try:
        entry = _parse(index, raw)
    except ProofError as error:
        return error
    assert entry.previous != leaf_hashes[-1]
    return broken_chain(index)


def broken_chain(index: int) -> ProofError:
    """The failure of an entry that does not name the leaf hash of the entry before it."""
    return ProofError(
        f"entry {index}: it names another entry before it than entry {index - 1} as it stands here: "
        f"entry {index - 1} was altered, or entries were dropped, inserted or reordered"
    )


def clock_set_back(index: int, by_us: int) -> ProofError:
    """The failure of an entry recorded before the one that stands before it."""
    return ProofError(
        f"entry {index}: recorded {by_us} µs before entry {index - 1}, which stands before it: "
        "the clock was set back"
    )


def surplus(index: int, submission: int, count: int) -> ProofError:
    """The failure of an event that no submission announced."""
    return ProofError(
        f"entry {index}: one event more than the {count} that the submission at entry {submission} "
        "announces: an event was inserted, or the next submission dropped"
    )


def _read_parts(
    first_index: int, entries: list[bytes], openings: list[int], line_hashes: list[bytes]
) -> list[Part]:
    parts: list[Part] = []
    for number, (at, following) in enumerate(zip(openings, [*openings, len(entries)][1:], strict=True)):
        index = first_index + at
        note, text = _read_submission(index, entries[at])
        # Before entry `at` of the segment stand `number` submissions and otherwise events.
        begin = at - number
        leaves = line_hashes[begin : begin + following - at - 1]
        if len(leaves) > text.size - text.base:
            count = text.size - text.base
            raise surplus(index + 1 + count, index, count)
        parts.append(Part(index=index, note=note, text=text, lines=range_of(text.base, leaves)))
    return parts


def _read_submission(index: int, entry: bytes) -> tuple[Note, SubmissionText]:
    try:
        return parse_submission_note(entry[entry.index(b"\n") + 1 :])
    except FormatError as error:
        raise ProofError(f"entry {index}: not a submission: {error}") from error
