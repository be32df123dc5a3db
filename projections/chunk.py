"""Chunk: a segment whose events are read too — what one worker process makes of a run of entries.

A log has as many events as its controller has records; what an audit must look at one by one are few:
submissions, events that change who may post what, orders, anchors. A chunk names those, and of all other
events only the first of each kind in its submission: whether a poster may post an event depends on nothing
else. That every event is one, in canonical form, a worker has checked.
"""

from array import array
from hashlib import blake2b

from msgspec import Struct

from projections.events import CheckpointAnchored, CheckpointTimestamped, OrderIssued, OrderVaried
from projections.mould import Caster, Packed
from projections.registry import changes_registry
from signing.errors import FormatError, ProofError
from signing.merkle import range_of
from signing.segment import Part, Segment, scan
from signing.tiles import WIDTH


class Look(Struct, frozen=True, array_like=True):
    """An event that the audit must look at: its entry's index and its line."""

    index: int
    line: bytes


Step = Part | Look


class Chunk(Struct, frozen=True):
    """What the audit needs of a run of entries, in the order of the log."""

    first_index: int
    first_previous: bytes
    last_leaf: bytes
    first_time_us: int
    last_time_us: int
    count: int
    tile_roots: list[bytes]
    tail: list[bytes]
    """Leaf hashes after the last whole tile; only the log's last chunk has any."""
    continued: list[bytes]
    steps: list[Step]
    id_hashes: bytes
    """Eight bytes an entry: of an event's source and id, zero for a submission."""
    times_us: bytes
    events: Packed | None
    """The events, when asked for: what a fold reads."""


def inspect(first_index: int, entries: list[bytes], tiles: list[bytes], *, with_events: bool) -> Chunk:
    """Check a run of entries against itself and its level-0 tiles. It begins on a tile's edge."""
    segment = scan(first_index, entries)
    _compare_tiles(segment, tiles)
    caster = Caster()
    steps, id_hashes = _read_events(segment, caster)
    hashes = segment.leaf_hashes
    whole = len(hashes) // WIDTH * WIDTH
    return Chunk(
        first_index=first_index,
        first_previous=segment.first_previous,
        last_leaf=hashes[-1],
        first_time_us=segment.first_time_us,
        last_time_us=segment.last_time_us,
        count=len(entries),
        tile_roots=[range_of(0, hashes[at : at + WIDTH]).nodes[0] for at in range(0, whole, WIDTH)],
        tail=hashes[whole:],
        continued=segment.continued,
        steps=steps,
        id_hashes=id_hashes,
        times_us=array("q", segment.times_us).tobytes(),
        events=caster.pack() if with_events else None,
    )


def _compare_tiles(segment: Segment, tiles: list[bytes]) -> None:
    """Every hash of a level-0 tile must be the one that its entry has."""
    for number, tile in enumerate(tiles):
        begin = number * WIDTH
        hashes = segment.leaf_hashes[begin : begin + WIDTH]
        if b"".join(hashes) == tile:
            continue
        first = segment.first_index + begin
        if len(tile) != 32 * len(hashes):
            raise ProofError(
                f"the hash tile of entries {first} to {first + len(hashes) - 1} has another length"
            )
        wrong = next(at for at, leaf in enumerate(hashes) if tile[32 * at : 32 * at + 32] != leaf)
        raise ProofError(
            f"entry {first + wrong}: its hash is not the one in the log's level-0 tile: one was altered"
        )


def _read_events(segment: Segment, caster: Caster) -> tuple[list[Step], bytes]:
    steps: list[Step] = []
    id_hashes = [_NO_ID] * len(segment.leaf_hashes)
    begin = 0
    leading = len(segment.continued)
    for part in (None, *segment.parts):
        index, count = (segment.first_index, leading) if part is None else (part.index + 1, _lines_of(part))
        if part is not None:
            steps.append(part)
        lines = segment.lines[begin : begin + count]
        at = index - segment.first_index
        id_hashes[at : at + count] = _read_lines(lines, index, caster, steps)
        begin += count
    return steps, b"".join(id_hashes)


def _read_lines(lines: list[bytes], first_index: int, caster: Caster, steps: list[Step]) -> list[bytes]:
    """Read the events of one submission, and note which of them the audit must look at."""
    id_hashes: list[bytes] = []
    seen: set[tuple[str, str, str]] = set()
    for index, line in enumerate(lines, first_index):
        try:
            event, id = caster.read(line)
        except FormatError as error:
            raise ProofError(f"entry {index}: not an event: {error}") from error
        source, data = event.source, event.data
        id_hashes.append(blake2b(source.encode() + b"\n" + id, digest_size=8).digest())
        kind = (source, event.type, data.controller)
        if kind in seen:
            continue
        steps.append(Look(index, line))
        if not (changes_registry(event) or isinstance(data, LOOKED_AT)):
            seen.add(kind)
    return id_hashes


_NO_ID = bytes(8)
LOOKED_AT = OrderIssued | OrderVaried | CheckpointAnchored | CheckpointTimestamped


def _lines_of(part: Part) -> int:
    return part.lines.end - part.lines.begin
