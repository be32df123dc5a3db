"""The whole ledger, recomputed from its rows: what every test of the ledger ends with.

Nothing is asked of the code that wrote the rows: entries are parsed and hashed again one by one, and each
other table must hold exactly what they give.
"""

from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

import asyncpg

from projections import registry as rules
from projections.events import Event, LogCreated, decode_event
from projections.refused import Refused
from projections.registry import Key, Registry
from projections.statement import parse_statement
from signing.attestation import open_attestation
from signing.encoding import encode_base64
from signing.entry import NO_PREVIOUS, Entry, parse_entry
from signing.keys import verify_signature
from signing.merkle import EMPTY_RANGE, EMPTY_ROOT, CompactRange, grow, leaf_hash, leaf_hashes_of, range_of
from signing.note import parse_note
from signing.submission import SubmissionText, check_root, check_signature, parse_submission_text
from signing.tiles import Edge

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Part(NamedTuple):
    """A submission with its events, as they stand in the log."""

    entry: Entry
    text: SubmissionText
    lines: list[bytes]
    events: list[Event[Any]]


async def check_ledger(database: "Connection | str", log: str) -> int:
    """Return the log's size, only if every row of the log is what its entries give."""
    if isinstance(database, str):
        connection = await asyncpg.connect(database)
        try:
            return await check_ledger(connection, log)
        finally:
            await connection.close()
    raw = await _read_entries(database, log)
    entries = _check_chain(raw)
    parts = _split(entries)
    await _check_head(database, log, entries, raw)
    await _check_tiles(database, log, raw)
    roots = await _check_checkpoints(database, log, entries, raw)
    await _check_submissions(database, log, parts, roots)
    registry = await _check_registrations(database, log, parts)
    await _check_door(database, log, parts)
    await _check_statements(database, log, roots, registry)
    return len(raw)


async def _read_entries(connection: Connection, log: str) -> list[bytes]:
    rows = await connection.fetch("SELECT index, entry FROM entries WHERE log = $1 ORDER BY index", log)
    assert [row["index"] for row in rows] == list(range(len(rows))), "numbering is dense"
    return [row["entry"] for row in rows]


def _check_chain(raw: list[bytes]) -> list[Entry]:
    entries = [parse_entry(one) for one in raw]
    previous, time_us = NO_PREVIOUS, 0
    for index, (entry, one) in enumerate(zip(entries, raw, strict=True)):
        assert entry.index == index, f"entry {index} says it is {entry.index}"
        assert entry.previous == previous, f"entry {index} is not chained to the one before"
        assert entry.time_us >= time_us, f"entry {index} is older than the one before"
        previous, time_us = leaf_hash(one), entry.time_us
    return entries


def _split(entries: list[Entry]) -> list[Part]:
    parts: list[Part] = []
    for entry in entries:
        if entry.kind == "submission":
            text = parse_submission_text(parse_note(entry.body).text)
            parts.append(Part(entry, text, [], []))
        else:
            parts[-1].lines.append(entry.body)
            parts[-1].events.append(decode_event(entry.body))
    for part in parts:
        assert len(part.lines) == part.text.size - part.text.base, "a submission has all its events"
    return parts


async def _check_head(connection: Connection, log: str, entries: list[Entry], raw: list[bytes]) -> None:
    head = await connection.fetchrow("SELECT * FROM heads WHERE log = $1", log)
    assert head is not None
    tree = grow(EMPTY_RANGE, leaf_hashes_of(raw))
    assert head["size"] == len(raw)
    assert head["root"] == (tree.root if raw else EMPTY_ROOT)
    assert head["frontier"] == b"".join(tree.frontier.nodes)
    assert head["last_leaf"] == (leaf_hash(raw[-1]) if raw else NO_PREVIOUS)
    assert head["last_time_us"] == (entries[-1].time_us if raw else 0)


async def _check_tiles(connection: Connection, log: str, raw: list[bytes]) -> None:
    rows = await connection.fetch("SELECT level, index, hashes FROM tiles WHERE log = $1", log)
    stored = {(row["level"], row["index"]): row["hashes"] for row in rows}
    full = Edge.empty().extend(leaf_hashes_of(raw)) if raw else []
    assert stored == {(tile.level, tile.index): hashes for tile, hashes in full}


async def _check_checkpoints(
    connection: Connection, log: str, entries: list[Entry], raw: list[bytes]
) -> dict[int, bytes]:
    """Every checkpoint is one of this tree, and the last covers everything; returns the roots by size."""
    rows = await connection.fetch("SELECT * FROM checkpoints WHERE log = $1 ORDER BY size", log)
    frontier, size = EMPTY_RANGE, 0
    for row in rows:
        growth = grow(frontier, leaf_hashes_of(raw[size : row["size"]]))
        frontier, size = growth.frontier, row["size"]
        assert row["root"] == growth.root, f"the checkpoint of size {size} is not one of this tree"
        assert row["time_us"] == entries[size - 1].time_us
    assert size == len(raw), "the last checkpoint covers everything"
    return {row["size"]: row["root"] for row in rows}


async def _check_submissions(
    connection: Connection, log: str, parts: list[Part], roots: dict[int, bytes]
) -> None:
    rows = await connection.fetch("SELECT * FROM submissions WHERE log = $1 ORDER BY entry_index", log)
    sources: dict[str, CompactRange] = {}
    assert len(rows) == len(parts), "every submission has its row, and every row its submission"
    for row, part in zip(rows, parts, strict=True):
        text = part.text
        assert (row["source"], row["size"], row["base"]) == (text.origin, text.size, text.base)
        assert (row["entry_index"], row["note"]) == (part.entry.index, part.entry.body)
        before = sources.get(text.origin, EMPTY_RANGE)
        added = range_of(text.base, leaf_hashes_of(part.lines))
        sources[text.origin] = check_root(text, before, added)
        assert row["frontier"] == b"".join(sources[text.origin].nodes)
        end = part.entry.index + 1 + len(part.lines)
        assert row["commit_size"] == min(size for size in roots if size >= end), "its own commit's size"
        seen = roots.get(text.seen_size)
        assert text.seen_size == 0 or seen == text.seen_root, "line 6 is a checkpoint of this log"
        assert text.seen_size <= part.entry.index


async def _check_registrations(connection: Connection, log: str, parts: list[Part]) -> Registry:
    """Every event was one that its poster might post then; the table names the registrations."""
    rows = await connection.fetch("SELECT index FROM registrations WHERE log = $1 ORDER BY index", log)
    registry, found = Registry.empty(), []
    for part in parts:
        note = parse_note(part.entry.body)
        key = _key(registry, part)
        check_signature(note, part.text, key.verifier)
        assert rules.check_source(key, part.text.origin) is None
        for index, event in enumerate(part.events, part.entry.index + 1):
            poster = rules.poster_of(registry, key, part.text.origin, event)
            assert not isinstance(poster, Refused), poster
            assert rules.may_post(registry, poster, event) is None
            if rules.changes_registry(event):
                registry = rules.apply(registry, index, poster, event)
                found.append(index)
    assert [row["index"] for row in rows] == found
    return registry


def _key(registry: Registry, part: Part) -> Key:
    if part.entry.index == 0:
        created = part.events[0].data
        assert isinstance(created, LogCreated)
        return rules.founding_key(created)
    signature = parse_note(part.entry.body).signatures[0]
    key = rules.admit_key(registry, signature.name, signature.key_id)
    assert not isinstance(key, Refused), key
    return key


async def _check_door(connection: Connection, log: str, parts: list[Part]) -> None:
    """The token door remembers exactly its events, each id once."""
    rows = await connection.fetch("SELECT * FROM token_events WHERE log = $1", log)
    remembered = {(row["source"], row["id"]): (row["digest"], row["entry_index"]) for row in rows}
    posted = {}
    for part in parts:
        if part.text.origin == f"{part.text.log}/gateway":
            for index, (event, line) in enumerate(
                zip(part.events, part.lines, strict=True), part.entry.index + 1
            ):
                assert (event.source, event.id) not in posted, "an id stands once in the door's log"
                posted[event.source, event.id] = (sha256(line).digest(), index)
    assert remembered == posted


async def _check_statements(
    connection: Connection, log: str, roots: dict[int, bytes], registry: Registry
) -> None:
    """Each statement is about a root of this log, and each attestation is signed by an auditor's key."""
    texts = {}
    for row in await connection.fetch("SELECT * FROM statements WHERE log = $1", log):
        statement = parse_statement(row["text"].decode())
        assert row["hash"] == sha256(row["text"]).digest()
        assert (row["order_id"], row["as_of"]) == (statement.order.id, statement.as_of)
        assert row["size"] == statement.log.size
        assert encode_base64(roots[row["size"]]) == statement.log.root
        texts[row["hash"]] = row["text"].decode()
    for row in await connection.fetch("SELECT * FROM attestations WHERE log = $1", log):
        key = registry.keys[row["name"], row["key_id"]]
        assert key.role == "auditor"
        verify_signature(key.verifier, texts[row["hash"]].encode(), row["signature"])
        open_attestation(parse_note(row["attestation"]), key.verifier, row["hash"])
