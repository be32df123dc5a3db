"""Sealing: from submissions that were let in to one commit. Pure: numbering, chain, trees and rows as values.

A `Draft` takes submissions one by one on top of a log's state; each is admitted as if those before it were in
the log already, and a refused one leaves no trace. `seal` turns it into all that one transaction writes.
"""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from ledger.admission import Admitted, Arrival, Standing, admit
from ledger.problems import Refused
from projections.registry import Registry
from signing.entry import NO_PREVIOUS, header_bytes
from signing.merkle import EMPTY_RANGE, EMPTY_ROOT, CompactRange, Growth, grow
from signing.tiles import Edge, Tile


class Head(msgspec.Struct, frozen=True):
    """Where a log ends: what the next entry is chained to and the tree grows from."""

    size: int
    root: bytes
    last_leaf: bytes
    last_time_us: int
    frontier: CompactRange


EMPTY_HEAD = Head(0, EMPTY_ROOT, NO_PREVIOUS, 0, EMPTY_RANGE)


class LogState(msgspec.Struct, frozen=True):
    """All of a log that is needed to append to it, apart from source logs and earlier checkpoints."""

    origin: str
    head: Head
    edge: Edge
    registry: Registry


class Memory(msgspec.Struct, frozen=True):
    """What was fetched of a log beside its state: frontiers of source logs, roots of checkpoints."""

    sources: Mapping[str, CompactRange]
    roots: Mapping[int, bytes]


class SubmissionRow(msgspec.Struct, frozen=True):
    """What is stored of one submission beside its entry."""

    source: str
    size: int
    base: int
    entry_index: int
    commit_size: int
    note: bytes
    frontier: CompactRange


class TokenRow(msgspec.Struct, frozen=True):
    """What the token door remembers of one event, so that a retry is known for one."""

    source: str
    id: str
    digest: bytes
    entry_index: int


class Sealed(msgspec.Struct, frozen=True):
    """One commit: every row that its transaction writes, and the state once it is durable."""

    before: Head
    after: LogState
    growth: Growth
    entries: list[bytes]
    tiles: list[tuple[Tile, bytes]]
    submissions: list[SubmissionRow]
    registrations: list[int]
    token_rows: list[TokenRow]
    sources: dict[str, CompactRange]


class Draft:
    """A commit being put together on top of a log's state."""

    def __init__(self, state: LogState, memory: Memory, now_us: int) -> None:
        self.registry = state.registry
        # Recorded time never decreases, whatever the clock does (DESIGN §3, Time).
        self.time_us = max(now_us, state.head.last_time_us)
        self._state = state
        self._memory = memory
        self._previous = state.head.last_leaf
        self._entries: list[bytes] = []
        self._leaf_hashes: list[bytes] = []
        self._admitted: list[tuple[int, Admitted]] = []
        self._registrations: list[int] = []
        self._token_rows: list[TokenRow] = []
        self._sources: dict[str, CompactRange] = {}

    @property
    def before(self) -> Head:
        """Where the log ended before."""
        return self._state.head

    @property
    def size(self) -> int:
        """The size of the log with what was taken in so far."""
        return self._state.head.size + len(self._entries)

    @property
    def is_empty(self) -> bool:
        return not self._entries

    def source(self, origin: str) -> CompactRange:
        """The frontier of a source log with what was taken in so far."""
        return self._sources.get(origin) or self._memory.sources.get(origin, EMPTY_RANGE)

    def standing(self, origin: str) -> Standing:
        """What decides over the next submission to a source log."""
        return Standing(
            origin=self._state.origin,
            registry=self.registry,
            source=self.source(origin),
            roots=self._memory.roots,
            index=self.size,
            time_us=self.time_us,
        )

    def add(self, arrival: Arrival) -> int | Refused:
        """Admit a submission and take it in; returns the index of its entry."""
        outcome = admit(arrival, self.standing(arrival.submission.text.origin))
        return outcome if isinstance(outcome, Refused) else self.take(outcome)

    def take(self, admitted: Admitted, token_rows: list[TokenRow] | None = None) -> int:
        """Number and chain an admitted submission and its events."""
        index = self.size
        self._append(admitted)
        self._admitted.append((index, admitted))
        self._registrations.extend(admitted.registrations)
        self._token_rows.extend(token_rows or ())
        self._sources[admitted.arrival.submission.text.origin] = admitted.source
        self.registry = admitted.registry
        return index

    def seal(self) -> Sealed:
        """Grow the tree and lay out every row of the commit."""
        before = self._state.head
        growth = grow(before.frontier, self._leaf_hashes)
        edge = self._state.edge.copy()
        tiles = edge.follow(growth)
        head = Head(self.size, growth.root, self._previous, self.time_us, growth.frontier)
        return Sealed(
            before=before,
            after=LogState(self._state.origin, head, edge, self.registry),
            growth=growth,
            entries=self._entries,
            tiles=tiles,
            submissions=[_row(index, admitted, self.size) for index, admitted in self._admitted],
            registrations=self._registrations,
            token_rows=self._token_rows,
            sources=self._sources,
        )

    def _append(self, admitted: Admitted) -> None:
        """The hot loop: header, chain and leaf hash of each entry."""
        index, time_us, previous = self.size, self.time_us, self._previous
        entry = header_bytes("submission", index, time_us, previous) + admitted.arrival.note
        previous = sha256(b"\x00" + entry).digest()
        entries, leaf_hashes = [entry], [previous]
        for place, line in enumerate(admitted.arrival.submission.lines, index + 1):
            entry = header_bytes("event", place, time_us, previous) + line
            previous = sha256(b"\x00" + entry).digest()
            entries.append(entry)
            leaf_hashes.append(previous)
        self._entries += entries
        self._leaf_hashes += leaf_hashes
        self._previous = previous


def _row(index: int, admitted: Admitted, commit_size: int) -> SubmissionRow:
    text = admitted.arrival.submission.text
    return SubmissionRow(
        source=text.origin,
        size=text.size,
        base=text.base,
        entry_index=index,
        commit_size=commit_size,
        note=admitted.arrival.note,
        frontier=admitted.source,
    )
