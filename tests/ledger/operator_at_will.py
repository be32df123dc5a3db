"""A log whose operator does as he likes: it takes submissions and signs, and lies when told to.

Only for what the real service never does. It keeps every entry, so that it can show any of its past states,
and a second history of the same size.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from ledger import client
from ledger.client import Poster
from ledger.remote import RemoteLog
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.entry import NO_PREVIOUS, header_bytes
from signing.keys import ED25519, SigningKey
from signing.merkle import (
    EMPTY_RANGE,
    CompactRange,
    encode_frontier,
    grow,
    leaf_hash,
    leaf_hashes_of,
    range_of,
    root_of,
)
from signing.note import format_note
from signing.submission import Submission, parse_submission
from signing.tiles import WIDTH, Tile, inclusion_from_tiles, parse_tile_path, tiles_for_inclusion
from signing.tlog_proof import TlogProof, format_proof

ORIGIN = "ledger.example/l"
Lie = Callable[[bytes], bytes]
KEY = SigningKey("poster.example", ED25519, bytes([7] * 32))
SOURCE = "poster.example/7"


class OperatorAtWill:
    """The log and its knobs."""

    def __init__(self) -> None:
        self.key = SigningKey(ORIGIN, ED25519, bytes(range(32)))
        self.entries: list[bytes] = []
        self.leaves: list[bytes] = []
        self.sources: dict[str, tuple[CompactRange, Submission]] = {}
        self.receipts: dict[bytes, bytes] = {}
        self.received: list[bytes] = []
        # What is answered in place of the truth, as long as it is set.
        self.shown_size: int | None = None
        self.receipt_lie: Lie = bytes
        self.tile_lie: Lie = bytes
        self.statuses: list[int] = []
        self.refused_lines: set[bytes] = set()
        self.replies_to_lose = 0

    def checkpoint(self, size: int) -> bytes:
        """The signed checkpoint of a size."""
        return format_note(sign_checkpoint(Checkpoint(ORIGIN, size, self._root(size)), self.key))

    def proof(self, index: int, size: int, header: bytes) -> bytes:
        """A receipt for any entry, against any size."""
        tiles = {tile: self.tile(tile) for tile in tiles_for_inclusion(index, size)}
        hashes = tuple(inclusion_from_tiles(index, size, tiles))
        note = sign_checkpoint(Checkpoint(ORIGIN, size, self._root(size)), self.key)
        return format_proof(TlogProof(index, hashes, note, header))

    def receipt_of(self, index: int, size: int) -> bytes:
        """The true receipt of the entry at `index`, against a size."""
        return self.proof(index, size, self.entries[index].partition(b"\n")[0] + b"\n")

    def append(self, kind: str, body: bytes) -> None:
        """Put an entry at the end."""
        assert kind in ("submission", "event")
        index = len(self.entries)
        previous = self.leaves[-1] if self.leaves else NO_PREVIOUS
        time_us = 1_800_000_000_000_000 + index
        entry = header_bytes(kind, index, time_us, previous) + body  # type: ignore[arg-type]
        self.entries.append(entry)
        self.leaves.append(leaf_hash(entry))

    def rewrite(self, index: int) -> None:
        """Begin another history from an entry on; all later entries are chained anew."""
        bodies = [entry.partition(b"\n") for entry in self.entries[index:]]
        del self.entries[index:], self.leaves[index:]
        for number, (header, _, body) in enumerate(bodies):
            self.append(header.split(b" ")[0].decode(), body + b" " if number == 0 else body)

    def accept(self, raw: bytes) -> bytes:
        """Take a submission as the real service would, and return its receipt."""
        submission = parse_submission(raw)
        note = format_note(submission.note)
        if note in self.receipts:
            return self.receipts[note]
        text = submission.text
        before = self.sources[text.origin][0] if text.origin in self.sources else EMPTY_RANGE
        assert text.base == before.end
        after = grow(before, leaf_hashes_of(submission.lines)).frontier
        assert root_of(after) == text.root
        index = len(self.entries)
        self.append("submission", note)
        for line in submission.lines:
            self.append("event", line)
        self.sources[text.origin] = (after, submission)
        self.receipts[note] = self.receipt_of(index, len(self.entries))
        return self.receipts[note]

    def tile(self, tile: Tile) -> bytes:
        """A hash tile of the log as it is now."""
        span = WIDTH**tile.level
        first = tile.index * WIDTH
        return b"".join(
            root_of(range_of(0, self.leaves[index * span : (index + 1) * span]))
            for index in range(first, first + tile.width)
        )

    def conflict(self, raw: bytes) -> dict[str, object] | None:
        """The state to go on from, when a submission does not extend what there is."""
        submission = parse_submission(raw)
        before, last = self.sources.get(submission.text.origin, (EMPTY_RANGE, None))
        if format_note(submission.note) in self.receipts or submission.text.base == before.end:
            return None
        value: dict[str, object] = {
            "type": "urn:writ:problem:size-conflict",
            "status": 409,
            "size": before.end,
        }
        if last is not None:
            value |= {"note": format_note(last.note).decode(), "frontier": encode_frontier(before)}
        return value

    def first_refused(self, raw: bytes) -> int | None:
        """The number of the first line of a submission that is not wanted here."""
        numbered = enumerate(raw.split(b"\n"), 1)
        return next((number for number, line in numbered if line in self.refused_lines), None)

    def _root(self, size: int) -> bytes:
        return root_of(range_of(0, self.leaves[:size]))


@asynccontextmanager
async def running(operator: OperatorAtWill) -> AsyncIterator[RemoteLog]:
    """The operator's log behind a socket, as a poster sees it."""

    async def submissions(request: web.Request) -> web.Response:
        raw = await request.read()
        operator.received.append(raw)
        if operator.statuses:
            body = json.dumps({"title": "as told", "detail": "no reason", "line": 11}).encode()
            return web.Response(status=operator.statuses.pop(0), body=body)
        if at := operator.first_refused(raw):
            return web.Response(status=403, body=json.dumps({"detail": "this one not", "line": at}))
        conflict = operator.conflict(raw)
        if conflict is not None:
            return web.Response(status=409, body=json.dumps(conflict))
        receipt = operator.accept(raw)
        if operator.replies_to_lose:
            operator.replies_to_lose -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=operator.receipt_lie(receipt))

    async def checkpoint(_: web.Request) -> web.Response:
        size = len(operator.entries) if operator.shown_size is None else operator.shown_size
        return web.Response(body=operator.checkpoint(size))

    async def tile(request: web.Request) -> web.Response:
        wanted = parse_tile_path(f"tile/{request.match_info['path']}")
        return web.Response(body=operator.tile_lie(operator.tile(wanted)))

    app = web.Application()
    app.add_routes([
        web.post("/logs/l/submissions", submissions),
        web.get("/logs/l/checkpoint", checkpoint),
        web.get("/logs/l/tile/{path:.+}", tile),
    ])  # fmt: skip
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield RemoteLog(session, str(server.make_url("")), operator.key.verifier, patience_s=1.0)


def flip(raw: bytes) -> bytes:
    """The same bytes, but for one bit in the middle."""
    middle = len(raw) // 2
    return raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]


@asynccontextmanager
async def poster_of(log: RemoteLog, state: Path) -> AsyncIterator[Poster]:
    async with client.open_poster(log, KEY, state, SOURCE) as poster:
        yield poster


def lines(first: int, count: int) -> list[bytes]:
    return [f'{{"event":{number}}}'.encode() for number in range(first, first + count)]


def events_in(operator: OperatorAtWill) -> list[bytes]:
    return [entry.partition(b"\n")[2] for entry in operator.entries if entry.startswith(b"event ")]
