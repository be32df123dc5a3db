"""Resuming: what a replay has proved so far, kept in a folder, from which another run of it goes on.

Kept is what stands before a place at which all signatures met so far have been verified; not the entries. The
hashes of those read before and of those read now must together give the root that the checkpoint names: a
source that has changed since is found out, or gives the same log. What is believed is the folder
(docs/spec/bundle.md): who can write there could as well replace this program.
"""

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from projections import docket_rows
from projections.audit import Audit, Standing
from projections.chunk import Chunk
from projections.docket import EMPTY, Edge, decode_edge, encode_edge
from projections.fold import Fold
from projections.repeats import Repeats
from projections.runners.crew import CHUNK_TILES
from projections.runners.journal import CannotResume, Journal, Record
from projections.runners.rules import code_hash
from projections.runners.shelf import Shelf, Shelving
from signing.checkpoint import Checkpoint, format_checkpoint
from signing.encoding import HASH_SIZE
from signing.errors import FormatError
from signing.tiles import WIDTH, split_hashes

CLAIM, HOLDINGS, SAVE = 1, 2, 3
"""The kinds of records: first what is verified; then blocks of a shelf, which count once a save follows."""
LEAST_S, MOST_S, SHARE = 0.1, 30.0, 20
_ANEW: Final = "remove the folder to begin anew"
_ELSE: Final = "name another folder for it; of a log that grows, replay a copy (writ mirror)"


class Claim(Struct, frozen=True):
    """What a replay is of: saves of one claim are of no use to another."""

    code: str
    checkpoint: str
    watched: tuple[str, ...]


class Save(Struct, frozen=True, array_like=True):
    """What has been proved since the last save. Standing and stores are whole, all else is what was added."""

    size: int
    tile_roots: bytes
    tail: bytes
    id_hashes: bytes
    standing: Standing
    stores: bytes
    docket: list[tuple[str, int, bytes]]
    edges: list[tuple[int, bytes]]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Save)


def encode_save(save: Save) -> bytes:
    """Write a save."""
    return _encoder.encode(save)


def decode_save(raw: bytes) -> Save:
    """Read what `encode_save` wrote; FormatError when it's nothing of the kind."""
    try:
        save = _decoder.decode(raw)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"no save: {error}") from error
    if encode_save(save) != raw:
        raise FormatError("a save written in another way than ours")
    return save


def pause_s(ran_s: float, save_s: float) -> float:
    """How long to go on without a save: what a kill loses is at most a twentieth of the work done, and half
    a minute; and a save takes a twentieth of the time where it takes less than a second and a half."""
    return min(MOST_S, max(LEAST_S, ran_s / SHARE, save_s * SHARE))


def told(begun: int) -> str:
    """What a report says of entries that an earlier run has verified."""
    return f"entries 0 to {begun - 1:,} were checked by earlier runs, by the word of the folder of --resume"


class Resuming:
    """Keeps what one replay proves, and gives back what was kept."""

    def __init__(self, folder: Path, pause_s: Callable[[float, float], float] = pause_s) -> None:
        """Work in a folder, which is made and looked into once the replay begins."""
        self.folder = folder
        self._pause_s = pause_s
        self.begun = 0
        """How many entries earlier runs have verified."""
        self.saved = 0
        """How many are in the folder by now."""
        self._journal: Journal | None = None
        self._kept = _Kept()
        self._docket = EMPTY
        self._edges = 0
        self._tile_roots: list[bytes] = []
        self._tail: list[bytes] = []
        self._id_hashes = bytearray()
        self._began_s = self._last_s = time.monotonic()
        self._save_s = 0.0

    def begin(self, checkpoint: Checkpoint, watched: frozenset[str]) -> Shelf:
        """Open the folder for this replay, and give the shelf in it. CannotResume says why not."""
        claim = Claim(code_hash(), format_checkpoint(checkpoint), tuple(sorted(watched)))
        self._journal = Journal(self.folder)
        shelf = Shelf(_InJournal(self._journal))
        try:
            last = self._read(self._journal, claim, checkpoint.size, shelf)
        except FormatError as error:
            raise CannotResume(f"{self._journal.path} is damaged: {error}", _ANEW) from error
        self._journal.go_on_after(last)
        if last is None:
            self._journal.write(CLAIM, [msgspec.json.encode(claim)])
        self.begun = self.saved = self._kept.size
        return shelf

    def restore(self, audit: Audit, fold: Fold, repeats: Repeats) -> int:
        """Bring a replay that has just begun to where the last save was; returns how many entries that is."""
        kept = self._kept
        if kept.standing is not None:
            audit.history.extend(kept.tile_roots, kept.tail)
            audit.go_on(kept.standing)
            repeats.add(bytes(kept.id_hashes))
            fold.docket = self._docket = docket_rows.make_docket(kept.stores, kept.series)
            fold.edges.update(kept.edges)
            self._edges = len(kept.edges)
        self._kept = _Kept()
        return self.begun

    def took(self, chunk: Chunk) -> None:
        """The replay has taken a chunk."""
        self._tile_roots += chunk.tile_roots
        self._tail = chunk.tail
        self._id_hashes += chunk.id_hashes

    def is_due(self) -> bool:
        """Whether it is time for a save."""
        now_s = time.monotonic()
        return now_s - self._last_s >= self._pause_s(now_s - self._began_s, self._save_s)

    def save(self, audit: Audit, fold: Fold, shelving: Shelving) -> None:
        """Keep all that was taken. The signatures met by then are verified, all of them."""
        assert self._journal is not None, "a replay begins first"
        began_s = time.monotonic()
        size = audit.history.size
        shelving.put_away(fold.holdings)
        if size > self.saved:
            self._journal.write(SAVE, [encode_save(self._made(size, audit, fold))])
            # A kill before this loses what came since the last save, and no more.
            self._journal.make_durable()
            self.saved, self._docket, self._edges = size, fold.docket, len(fold.edges)
            self._tile_roots, self._tail, self._id_hashes = [], [], bytearray()
        self._last_s = time.monotonic()
        self._save_s = self._last_s - began_s

    def remove(self) -> None:
        """Remove the folder: all is verified and told, so there is nothing left to go on with."""
        if self._journal is not None:
            self._journal.remove()

    def close(self) -> None:
        """Let go of the folder, and of the shelf in it."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _made(self, size: int, audit: Audit, fold: Fold) -> Save:
        added = islice(fold.edges.items(), self._edges, None)
        return Save(
            size,
            b"".join(self._tile_roots),
            b"".join(self._tail),
            bytes(self._id_hashes),
            audit.standing(),
            docket_rows.encode_stores(fold.docket),
            list(docket_rows.added_rows(self._docket, fold.docket)),
            [(index, encode_edge(edge)) for index, edge in added],
        )

    def _read(self, journal: Journal, claim: Claim, size: int, shelf: Shelf) -> Record | None:
        """Take up all saves, and the blocks that stand before them. Returns the last record that counts."""
        records = journal.records()
        last = next(records, None)
        if last is None:
            return None
        _compare(_claim(last, journal), claim, self.folder)
        blocks: list[Record] = []
        for record in records:
            if record.kind == HOLDINGS:
                blocks.append(record)
                continue
            if record.kind != SAVE:
                raise FormatError(f"a record of an unknown kind, {record.kind}")
            self._kept.take(decode_save(journal.read(record.begin, record.size)), size)
            for block in blocks:
                shelf.adopt(block.begin, block.size)
            last, blocks = record, []
        return last


class _Kept:
    """What saves amount to, one after another."""

    def __init__(self) -> None:
        self.size = 0
        self.tile_roots: list[bytes] = []
        self.tail: list[bytes] = []
        self.id_hashes = bytearray()
        self.standing: Standing | None = None
        self.stores = b""
        self.series: dict[str, list[Any]] = {}
        self.edges: dict[int, Edge] = {}

    def take(self, save: Save, size: int) -> None:
        """Take the next save of a log of `size` entries; FormatError where it does not follow the last."""
        _check_sizes(self.size, save, size)
        self.tile_roots += split_hashes(save.tile_roots)
        self.tail = split_hashes(save.tail)
        self.id_hashes += save.id_hashes
        try:
            for name, number, row in save.docket:
                elements = self.series.setdefault(name, [])
                if number != len(elements):
                    raise FormatError(f"a row of {name} is missing")
                elements.append(docket_rows.decode_row(name, row))
            for index, edge in save.edges:
                if index in self.edges:
                    raise FormatError(f"the derivation at entry {index} stands there twice")
                self.edges[index] = decode_edge(edge)
            docket_rows.make_docket(save.stores, {})
        except (KeyError, ValueError, RecursionError) as error:
            raise FormatError(f"rows that are none: {error}") from error
        self.size, self.standing, self.stores = save.size, save.standing, save.stores


class _InJournal:
    """A shelf's blocks, as records of a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def append(self, pieces: list[bytes]) -> int:
        """See shelf.Blocks."""
        return self._journal.write(HOLDINGS, pieces)

    def read(self, begin: int, size: int) -> bytes:
        """See shelf.Blocks."""
        return self._journal.read(begin, size)


def _claim(first: Record, journal: Journal) -> Claim:
    if first.kind != CLAIM:
        raise FormatError("it does not begin with what is verified")
    try:
        return msgspec.json.decode(journal.read(first.begin, first.size), type=Claim)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"it does not begin with what is verified: {error}") from error


def _compare(kept: Claim, claim: Claim, folder: Path) -> None:
    if kept.code != claim.code:
        raise CannotResume(f"{folder}: another version of Writ, or a changed one, began there", _ANEW)
    if kept.checkpoint != claim.checkpoint:
        named, here = (_named(one.checkpoint) for one in (kept, claim))
        raise CannotResume(f"{folder}: begun for {named}; this is {here}", _ELSE)
    if kept.watched != claim.watched:
        raise CannotResume(
            f"{folder}: begun with other submissions in --with, which nobody looked for in its entries",
            f"give the same, or {_ANEW}",
        )


def _named(checkpoint: str) -> str:
    lines: Iterator[str] = iter((*checkpoint.split("\n"), "", "", ""))
    return f"the checkpoint of {next(lines)} at {next(lines)} entries, root {next(lines)}"


def _check_sizes(begin: int, save: Save, size: int) -> None:
    count = save.size - begin
    whole = save.size // WIDTH - begin // WIDTH
    ends_a_chunk = save.size == size or save.size % (CHUNK_TILES * WIDTH) == 0
    if begin % WIDTH or not 0 < count <= size - begin or not ends_a_chunk:
        raise FormatError(f"a save at {save.size:,} of {size:,} entries, after one at {begin:,}")
    expected = (whole * HASH_SIZE, save.size % WIDTH * HASH_SIZE, count * 8)
    if (len(save.tile_roots), len(save.tail), len(save.id_hashes)) != expected:
        raise FormatError(f"a save at {save.size:,} entries without the hashes of all of them")
    _check_standing(save.standing)


def _check_standing(standing: Standing) -> None:
    if standing.registry.created is None:
        raise FormatError("a save of a log that was never created")
    opened = () if standing.opened is None else (standing.opened.frontier,)
    for one in (*standing.sources.values(), *opened):
        if (
            one.begin
            or len(one.nodes) != one.end.bit_count()
            or any(len(node) != HASH_SIZE for node in one.nodes)
        ):
            raise FormatError("a source log without the hashes of its tree")
