"""An outbox on disk: which events are to be in a source log, in which order, and which of them are in.

    DIR/outbox.db     every event's id, place and leaf hash; the lines of those that wait (SQLite)
    DIR/source/       the source log's state, receipts and lock (`ledger/source_state.py`)

An event's place here is its index in the source log, which this outbox alone writes. So nothing says what was
sent: events below the source log's size are in, the others wait. `settle` holds that against the log's root.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from ledger.durable import at_once, open_memory
from ledger.failure import Failure
from projections.events import decode_event
from signing.keys import parse_vkey
from signing.merkle import (
    EMPTY_RANGE,
    CompactRange,
    decode_frontier,
    encode_frontier,
    leaf_hash,
    merge,
    range_of,
)

FILE: Final = "outbox.db"
MOST_WAITING: Final = 100_000
"""How many events wait before further ones are refused, unless it was said otherwise."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS outbox (
    one INTEGER PRIMARY KEY CHECK (one = 1), log TEXT NOT NULL, source TEXT NOT NULL,
    most_waiting INTEGER NOT NULL, settled INTEGER NOT NULL, frontier TEXT NOT NULL, sent_s INTEGER
);
CREATE TABLE IF NOT EXISTS events (place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, leaf BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (place INTEGER PRIMARY KEY, line BLOB NOT NULL, put_s INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS aside (
    id TEXT PRIMARY KEY, leaf BLOB NOT NULL, line BLOB NOT NULL, at_s INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS troubles (
    kind TEXT PRIMARY KEY, what TEXT NOT NULL, remedy TEXT NOT NULL, since_s INTEGER NOT NULL
);
"""
_BEGIN: Final = "INSERT OR IGNORE INTO outbox VALUES (1, ?, ?, ?, 0, '', NULL)"
_OUTBOX: Final = "SELECT log, source, most_waiting, settled, frontier, sent_s FROM outbox"
_SET_MOST: Final = "UPDATE outbox SET most_waiting = ?"
_SETTLE: Final = "UPDATE outbox SET settled = ?, frontier = ?, sent_s = ?"
_END: Final = "SELECT coalesce(max(place) + 1, 0) FROM events"
_KNOWN: Final = "SELECT leaf FROM events WHERE id = ?1 UNION ALL SELECT leaf FROM aside WHERE id = ?1"
_LEAVES: Final = "SELECT leaf FROM events WHERE place >= ? AND place < ? ORDER BY place"
_ADD: Final = "INSERT INTO events VALUES (?, ?, ?)"
_WAIT: Final = "INSERT INTO waiting VALUES (?, ?, ?)"
_WAITING: Final = "SELECT line FROM waiting WHERE place >= ? ORDER BY place LIMIT ?"
_OLDEST: Final = "SELECT put_s FROM waiting ORDER BY place LIMIT 1"
_SENT: Final = "DELETE FROM waiting WHERE place < ?"
_FIRST: Final = """
SELECT events.place, leaf, line FROM waiting JOIN events USING (place) WHERE id = ? AND events.place = ?
"""
_SET_ASIDE: Final = "INSERT INTO aside VALUES (?, ?, ?, ?)"
_ASIDE: Final = "SELECT id FROM aside ORDER BY at_s, id"
# In two steps, for no two rows may have one place meanwhile.
_CLOSE_UP: Final = tuple(
    statement.format(table=table)
    for table in ("events", "waiting")
    for statement in (
        "DELETE FROM {table} WHERE place = :place",
        "UPDATE {table} SET place = -place WHERE place > :place",
        "UPDATE {table} SET place = -place - 1 WHERE place < 0",
    )
)
_TROUBLES: Final = "SELECT kind, what, remedy, since_s FROM troubles ORDER BY since_s, kind"
_TROUBLE: Final = """
INSERT INTO troubles VALUES (?, ?, ?, ?)
ON CONFLICT (kind) DO UPDATE SET what = excluded.what, remedy = excluded.remedy
"""
_ALL_OVER: Final = "DELETE FROM troubles"
_OVER: Final = "DELETE FROM troubles WHERE kind = ?"


class OutboxFull(Failure):
    """As much waits as may: whoever puts events has to wait too. Nothing of this call was put."""


class Trouble(msgspec.Struct, frozen=True):
    """Why something does not go on, and since when."""

    kind: str
    what: str
    remedy: str
    since_s: int


class Status(msgspec.Struct, frozen=True):
    """How an outbox stands."""

    log: str
    source: str
    in_log: int
    waiting: int
    most_waiting: int
    oldest_s: int | None
    """When the event was put that has waited longest."""
    sent_s: int | None
    """When events last got into the log."""
    aside: tuple[str, ...]
    """The ids of events that were left out for good."""
    troubles: tuple[Trouble, ...]

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be put."""
        return self.waiting >= self.most_waiting


class Outbox:
    """The file of an outbox. Any number of processes may put; one thread at a time uses an instance."""

    def __init__(self, folder: Path, memory: sqlite3.Connection) -> None:
        self.folder = folder
        self.memory = memory
        self.log, self.source = memory.execute(_OUTBOX).fetchone()[:2]

    @classmethod
    def create(cls, folder: Path, log: str, source: str) -> Outbox:
        """Open the outbox for a source log of a log (its vkey), making it at first."""
        parse_vkey(log)
        memory = _open_file(folder)
        memory.execute(_BEGIN, (log, source, MOST_WAITING))
        outbox = cls(folder, memory)
        if (outbox.log, outbox.source) != (log, source):
            outbox.close()
            raise Failure(
                f"{folder / FILE} is the outbox of {outbox.source} in {outbox.log}",
                "each source log has an outbox of its own: give another folder",
            )
        return outbox

    @classmethod
    def open(cls, folder: Path) -> Outbox:
        """Open an outbox that is there."""
        if not (folder / FILE).exists():
            raise Failure(
                f"there is no outbox in {folder}", "make it with `writ outbox DIR send --log --key`"
            )
        memory = _open_file(folder)
        if memory.execute(_OUTBOX).fetchone() is None:
            memory.close()
            raise Failure(f"the outbox in {folder} was not finished", "give --log and --key once more")
        return cls(folder, memory)

    def close(self) -> None:
        """Close the file."""
        self.memory.close()

    def __enter__(self) -> Outbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def limit(self, most_waiting: int) -> None:
        """Let so many events wait, and no more, from now on and whoever puts them."""
        self.memory.execute(_SET_MOST, (most_waiting,))

    def put(self, lines: Iterable[bytes]) -> int:
        """Let events wait, all of them or none; on return they last. Returns how many were not known yet.

        An event that was put before, and may be in the log by now, is passed over: to repeat is safe.
        """
        with self.at_once():
            return self.put_within(lines)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is put within the block, and whatever else is written to the file, lasts as one."""
        with at_once(self.memory):
            yield

    def put_within(self, lines: Iterable[bytes]) -> int:
        """Put events within a block of `at_once`."""
        first = place = self._end()
        now_s = int(time.time())
        for line in lines:
            id = self._id_if_new(line)
            if id is None:
                continue
            self.memory.execute(_ADD, (place, id, leaf_hash(line)))
            self.memory.execute(_WAIT, (place, line, now_s))
            place += 1
        if place > first:
            self._require_room(place)
        return place - first

    def next_lines(self, size: int, most: int) -> list[bytes]:
        """The first events that a source log of this size does not have."""
        return [row[0] for row in self.memory.execute(_WAITING, (size, most))]

    def settle(self, frontier: CompactRange) -> None:
        """Let go of the lines that are in the source log, which has this frontier."""
        _, _, _, settled, known, _ = self.memory.execute(_OUTBOX).fetchone()
        if frontier.end == settled and encode_frontier(frontier) == known:
            return
        before = decode_frontier(settled, known) if settled else EMPTY_RANGE
        if frontier.end < settled or self.extend(before, frontier.end) != frontier:
            raise Failure(
                f"{self.source} has {frontier.end} events, which are not those that this outbox put there",
                f"one of {FILE} and source/ in {self.folder} was restored or copied without the other: bring "
                "both back from one moment, or begin anew under a source of its own (--source)",
            )
        with at_once(self.memory):
            self.memory.execute(_SETTLE, (frontier.end, encode_frontier(frontier), int(time.time())))
            self.memory.execute(_SENT, (frontier.end,))

    def extend(self, frontier: CompactRange, size: int) -> CompactRange | None:
        """The later frontier of a source log that these events go on with; None where they end before."""
        leaves = [row[0] for row in self.memory.execute(_LEAVES, (frontier.end, size))]
        if len(leaves) != size - frontier.end:
            return None
        return merge(frontier, range_of(frontier.end, leaves))

    def set_aside(self, id: str, size: int) -> None:
        """Leave out the first event that a source log of this size does not have, which the log refuses.

        It never gets in, and `status` names it from now on. Nobody may send meanwhile.
        """
        with at_once(self.memory):
            row = self.memory.execute(_FIRST, (id, size)).fetchone()
            if row is None:
                raise Failure(
                    f"event {id} is not the first of those that wait",
                    "only the event that the log refuses can be left out: `writ outbox DIR status` names it",
                )
            place, leaf, line = row
            self.memory.execute(_SET_ASIDE, (id, leaf, line, int(time.time())))
            for statement in _CLOSE_UP:
                self.memory.execute(statement, {"place": place})

    def status(self) -> Status:
        """How it stands, and what keeps it from going on."""
        log, source, most, settled, _, sent_s = self.memory.execute(_OUTBOX).fetchone()
        oldest = self.memory.execute(_OLDEST).fetchone()
        troubles = tuple(Trouble(*row) for row in self.memory.execute(_TROUBLES))
        return Status(
            log=log,
            source=source,
            in_log=settled,
            waiting=self._end() - settled,
            most_waiting=most,
            oldest_s=None if oldest is None else oldest[0],
            sent_s=sent_s,
            aside=tuple(row[0] for row in self.memory.execute(_ASIDE)),
            troubles=troubles,
        )

    def note_trouble(self, kind: str, trouble: Failure | None) -> None:
        """Remember what keeps one kind of work from going on, for `status`; None when it goes on."""
        if trouble is None:
            self.memory.execute(_OVER, (kind,))
        else:
            self.memory.execute(_TROUBLE, (kind, str(trouble), trouble.remedy, int(time.time())))

    def forget_troubles(self) -> None:
        """Who begins to send finds out for himself what is wrong."""
        self.memory.execute(_ALL_OVER)

    def _id_if_new(self, line: bytes) -> str | None:
        event = decode_event(line)
        if event.source != self.source:
            raise Failure(
                f"event {event.id} is of {event.source}, and this outbox posts as {self.source}",
                "give the event that source, or put it into the outbox of its own",
            )
        known = self.memory.execute(_KNOWN, (event.id,)).fetchone()
        if known is not None and known[0] != leaf_hash(line):
            raise Failure(
                f"event {event.id} was put before with other content", "give each event an id of its own"
            )
        return event.id if known is None else None

    def _require_room(self, end: int) -> None:
        _, _, most, settled, _, _ = self.memory.execute(_OUTBOX).fetchone()
        if end - settled > most:
            raise OutboxFull(
                f"{end - settled} events would wait in {self.folder}, and {most} may",
                "see `writ outbox DIR status` for why they don't leave; wait, and put the same again",
            )

    def _end(self) -> int:
        end: int = self.memory.execute(_END).fetchone()[0]
        return end


def _open_file(folder: Path) -> sqlite3.Connection:
    remedy = "bring back a copy of the whole folder; without it nobody knows which events wait"
    return open_memory(folder / FILE, _SCHEMA, what="an outbox", remedy=remedy)
