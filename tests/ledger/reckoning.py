"""Holding all that services ever told against the whole log as it is shown in the end.

The log is read over HTTP and checked with plain loops: what the service thinks of itself plays no part.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping

import aiohttp
import asyncpg
import msgspec

from projections import store
from projections.fold import Fold
from projections.reading import FactReader
from projections.registry import Registry
from projections.runners import live
from signing.checkpoint import Checkpoint, open_checkpoint
from signing.entry import NO_PREVIOUS, Entry, parse_entry
from signing.keys import VerifierKey
from signing.merkle import (
    EMPTY_RANGE,
    CompactRange,
    grow,
    leaf_hashes_of,
    range_of,
    root_of,
    verify_consistency,
)
from signing.note import format_note, parse_note
from signing.submission import check_root, check_signature, parse_submission, parse_submission_text
from signing.tiles import (
    ENTRIES,
    WIDTH,
    Tile,
    consistency_from_tiles,
    decode_bundle,
    tile_path,
    tiles_of,
)
from signing.tlog_proof import parse_proof, verify_proof
from tests.ledger.lab import ORIGIN
from tests.ledger.load import TOKEN, Told, posters

FOLD_TIMEOUT_S = 60.0
NAME = ORIGIN.rpartition("/")[2]


class Shown(msgspec.Struct, frozen=True):
    """A whole log as a service shows it."""

    key: VerifierKey
    checkpoint: Checkpoint
    raw: list[bytes]
    entries: list[Entry]
    leaf_hashes: list[bytes]
    tiles: Mapping[Tile, bytes]


async def reckon(session: aiohttp.ClientSession, url: str, key: VerifierKey, told: Told) -> Shown:
    """Everything acknowledged is in the log once and whole, and every checkpoint is of this one log."""
    shown = await read_log(session, url, key)
    check_chain_and_tree(shown)
    lines = check_sources(shown)
    check_receipts(shown, told)
    check_door(shown, told, lines)
    check_checkpoints(shown, told)
    return shown


async def read_log(session: aiohttp.ClientSession, url: str, key: VerifierKey) -> Shown:
    """Read a log from its tiles."""
    log = f"{url}/logs/{ORIGIN.rpartition('/')[2]}"

    async def get(path: str) -> bytes:
        async with session.get(f"{log}/{path}") as response:
            assert response.status == 200, await response.text()
            return await response.read()

    checkpoint, _ = open_checkpoint(await get("checkpoint"), key)
    tiles = {tile: await get(tile_path(tile)) for tile in tiles_of(checkpoint.size)}
    bundles = [(tile, raw) for tile, raw in tiles.items() if tile.level == ENTRIES]
    raw = [entry for tile, bundle in bundles for entry in decode_bundle(bundle, tile.width)]
    return Shown(key, checkpoint, raw, list(map(parse_entry, raw)), leaf_hashes_of(raw), tiles)


def check_chain_and_tree(shown: Shown) -> None:
    """Numbers are dense, each entry names the one before, time never decreases, tree and tiles agree."""
    previous, time_us = NO_PREVIOUS, 0
    assert len(shown.entries) == shown.checkpoint.size
    for index, (entry, leaf) in enumerate(zip(shown.entries, shown.leaf_hashes, strict=True)):
        assert (entry.index, entry.previous) == (index, previous)
        assert entry.time_us >= time_us
        previous, time_us = leaf, entry.time_us
    assert root_of(range_of(0, shown.leaf_hashes)) == shown.checkpoint.root
    for tile, hashes in shown.tiles.items():
        if tile.level == 0:
            first = tile.index * WIDTH
            assert hashes == b"".join(shown.leaf_hashes[first : first + tile.width])


def check_sources(shown: Shown) -> dict[str, list[bytes]]:
    """Each submission has all of its events behind it, signed for; returns the lines of each source log."""
    keys = {poster.source: poster.signer.verifier for poster in posters()}
    frontiers: dict[str, CompactRange] = {}
    lines: dict[str, list[bytes]] = {}
    position = 0
    while position < len(shown.entries):
        assert shown.entries[position].kind == "submission", f"entry {position} belongs to no submission"
        note = parse_note(shown.entries[position].body)
        text = parse_submission_text(note.text)
        events = shown.entries[position + 1 : position + 1 + text.size - text.base]
        assert [event.kind for event in events] == ["event"] * (text.size - text.base), f"half of {position}"
        bodies = [event.body for event in events]
        added = range_of(text.base, leaf_hashes_of(bodies))
        frontiers[text.origin] = check_root(text, frontiers.get(text.origin, EMPTY_RANGE), added)
        if text.origin in keys:
            check_signature(note, text, keys[text.origin])
        lines.setdefault(text.origin, []).extend(bodies)
        position += 1 + len(events)
    return lines


def check_receipts(shown: Shown, told: Told) -> None:
    """What was acknowledged to posters is what the log holds of theirs: each submission once, none else."""
    keys = {poster.source.encode() for poster in posters()}
    held = [
        entry.body
        for entry in shown.entries
        if entry.kind == "submission" and entry.body.partition(b"\n")[0] in keys
    ]
    submissions = {body: parse_submission(body) for body in told.receipts}
    assert sorted(held) == sorted(format_note(submission.note) for submission in submissions.values())
    for body, submission in submissions.items():
        proof = parse_proof(told.receipts[body])
        verify_proof(proof, shown.leaf_hashes[proof.index], shown.key)
        assert shown.raw[proof.index] == (proof.extra or b"") + format_note(submission.note)
        behind = shown.entries[proof.index + 1 : proof.index + 1 + len(submission.lines)]
        assert tuple(entry.body for entry in behind) == submission.lines


def check_door(shown: Shown, told: Told, lines: Mapping[str, list[bytes]]) -> None:
    """The same for the token door: each event once, where it was said to be, under a receipt that holds."""
    posted = []
    for body, answer in told.door.items():
        for event, place in zip(json.loads(body), answer["events"], strict=True):
            entry = shown.entries[place["index"]]
            assert (entry.kind, json.loads(entry.body)) == ("event", event)
            assert str(place["submission"]) in answer["receipts"]
            posted.append(entry.body)
        for index, receipt in answer["receipts"].items():
            proof = parse_proof(receipt.encode())
            assert proof.index == int(index)
            verify_proof(proof, shown.leaf_hashes[proof.index], shown.key)
    assert sorted(posted) == sorted(lines.get(f"{ORIGIN}/gateway", []))
    assert all(json.loads(line)["source"] == TOKEN for line in posted)


def check_checkpoints(shown: Shown, told: Told) -> None:
    """Every checkpoint ever handed out is signed, and a beginning of the log by its leaves and by proof."""
    root, size = shown.checkpoint.root, shown.checkpoint.size
    roots = dict(_roots(shown.leaf_hashes, sorted(told.checkpoints)))
    for old_size, raw in told.checkpoints.items():
        old, _ = open_checkpoint(raw, shown.key)
        assert old == Checkpoint(ORIGIN, old_size, roots[old_size])
        proof = [] if old_size == size else consistency_from_tiles(old_size, size, shown.tiles)
        verify_consistency(old_size, size, proof, old.root, root)


async def check_projections(owner_dsn: str, shown: Shown) -> None:
    """What the service folded, however often its projector died, is what anybody folds from the entries."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        await wait_until_folded(connection, shown.checkpoint.size)
        folded, size = await live.load(connection, NAME)
    finally:
        await connection.close()
    assert size == shown.checkpoint.size
    reader, fold = FactReader(Registry.empty()), Fold.empty()
    for raw in shown.raw:
        fact = reader.read(raw)
        if fact is not None:
            fold.take(fact)
    assert folded.digests() == fold.digests()


async def wait_until_folded(connection: "asyncpg.Connection[asyncpg.Record]", size: int) -> None:
    """Return once the projector has got so far."""
    async with asyncio.timeout(FOLD_TIMEOUT_S):
        while await store.folded_size(connection, NAME) < size:
            await asyncio.sleep(0.05)


def _roots(leaf_hashes: list[bytes], sizes: list[int]) -> Iterator[tuple[int, bytes]]:
    frontier = EMPTY_RANGE
    for size in sizes:
        growth = grow(frontier, leaf_hashes[frontier.end : size])
        frontier = growth.frontier
        yield size, growth.root
