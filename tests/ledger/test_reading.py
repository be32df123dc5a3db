import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from ledger import store
from ledger.config import Database
from ledger.reading import Reader, TileCache, read_hash_tiles
from ledger.resume import Inconsistent, resume
from ledger.sealing import Head, LogState
from projections.registry import Registry
from signing.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from signing.merkle import EMPTY_RANGE, grow, leaf_hash, verify_consistency
from signing.tiles import (
    WIDTH,
    Edge,
    Tile,
    consistency_from_tiles,
    decode_bundle,
    root_from_tiles,
    tile_path,
    tiles_for_consistency,
    tiles_for_root,
    tiles_of,
)
from signing.tlog_proof import parse_proof, verify_proof
from tests.ledger.lab import ORIGIN, Lab, running_lab, seeded_key

SECRET = "9" * 64


async def get(lab: Lab, path: str, secret: str | None = None) -> tuple[int, bytes]:
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    async with lab.session.get(f"{lab.url}/{path}", headers=headers) as response:
        return response.status, await response.read()


async def test_the_whole_log_can_be_read_as_static_tiles(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        for count in (100, 300, 7, 1_000):
            await lab.post(poster, poster.events(count))
        _, raw = await get(lab, "checkpoint")
        checkpoint, _ = open_checkpoint(raw, lab.log.keys.log.verifier)
        assert checkpoint.size == 4 + 100 + 300 + 7 + 1_000 + 4
        tiles: dict[Tile, bytes] = {}
        for tile in tiles_of(checkpoint.size):
            status, tiles[tile] = await get(lab, tile_path(tile))
            assert status == 200, tile
        assert root_from_tiles(checkpoint.size, tiles) == checkpoint.root
        for tile, content in tiles.items():
            if tile.level == -1:
                hashes = [leaf_hash(entry) for entry in decode_bundle(content, tile.width)]
                assert b"".join(hashes) == tiles[Tile(0, tile.index, tile.width)]
        for index in (0, 3, 255, 256, 700, checkpoint.size - 1):
            _, entry = await get(lab, f"entries/{index}")
            _, proof = await get(lab, f"entries/{index}/proof")
            assert verify_proof(parse_proof(proof), leaf_hash(entry), lab.log.keys.log.verifier) == checkpoint


async def test_old_and_partial_tiles_stay_readable(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        sizes: dict[int, bytes] = {}
        for count in (1, 250, 3, 260):
            await lab.post(poster, poster.events(count))
            assert lab.log.released is not None
            sizes[lab.log.released.checkpoint.size] = lab.log.released.checkpoint.root
        last = max(sizes)
        for size, root in sizes.items():
            tiles = {tile: (await get(lab, tile_path(tile)))[1] for tile in tiles_for_root(size)}
            assert root_from_tiles(size, tiles) == root
            wanted = tiles_for_consistency(size, last)
            proof = consistency_from_tiles(
                size, last, {tile: (await get(lab, tile_path(tile)))[1] for tile in wanted}
            )
            verify_consistency(size, last, proof, root, sizes[last])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tile/0/000", 404),
        ("tile/0/000.p/5", 404),
        ("tile/0/000.p/4", 200),
        ("tile/0/000.p/04", 404),
        ("tile/entries/000.p/5", 404),
        ("tile/entries/000.p/2", 200),
        ("tile/1/000.p/1", 404),
        ("tile/9/000", 404),
        ("tile/0/x000/000", 404),
        ("tile/0/x999/999", 404),
        ("entries/4", 404),
        ("entries/3", 200),
        ("entries/-1", 400),
        ("entries/+1", 400),
        ("entries/4611686018427387904", 404),
        ("entries/9223372036854775808", 400),
        ("entries/4/proof", 404),
        ("sources/administrator", 200),
        ("sources/nobody.example", 404),
        ("events?limit=0", 400),
        ("events?limit=1001", 400),
        ("events?type=writ.data.sold.v1", 400),
        ("events?record=xyz", 400),
        ("events?after=x", 400),
    ],
)
async def test_what_is_not_there_is_said(lab: Lab, path: str, status: int) -> None:
    found, body = await get(lab, path)
    assert found == status, body


@pytest.fixture
async def lab(database: Database, tmp_path: Path):  # type: ignore[no-untyped-def]
    async with running_lab(database, tmp_path) as running:
        await running.register("crawler.clearview.example")
        yield running


async def test_events_beyond_the_log_are_refused_and_none_is_skipped(lab: Lab) -> None:
    poster = await lab.register("api.clearview.example")
    await lab.post(poster, poster.events(20))
    size = lab.log.writer.state.head.size if lab.log.writer.state else 0
    page = await lab.log.reader.events(-1, None, 1_000, size)
    assert (page.events[-1].index, page.next_after) == (size - 1, None)
    for after, beyond in ((-1, size + 1), (size - 1, size + 300), (size + 5, size + 9)):
        async with asyncio.timeout(20):
            with pytest.raises(Inconsistent, match=r"of its entries from \d+ to \d+ are missing"):
                await lab.log.reader.events(after, None, 1_000, beyond)


async def test_a_log_with_a_hole_is_not_read_over(lab: Lab, database: Database) -> None:
    """Somebody with the owner's login took an entry out: whoever comes to it hears that, and what to do."""
    poster = await lab.register("api.clearview.example")
    await lab.post(poster, poster.events(20))
    assert (await get(lab, "orders"))[0] == 200  # all that there is is folded
    last = json.loads((await get(lab, "events"))[1].splitlines()[-1])
    (record,) = last["event"]["data"]["records"]
    assert (await get(lab, f"events?record={record}"))[0] == 200
    away, back = (MOVE.format(*places) for places in ((last["index"], 999), (999, last["index"])))
    await as_owner(database, OFF.format("entries_00000") + away)
    for path in ("events", f"events?record={record}"):
        async with lab.session.get(f"{lab.url}/{path}") as response:
            said = await response.json()
            found = (response.status, response.content_type, said["type"], "Retry-After" in response.headers)
        assert found == (500, "application/problem+json", "urn:writ:problem:inconsistent", False), path
        assert "missing" in said["detail"]
        assert said["remedy"].startswith("the database was altered or restored in part: bring back one")
    await as_owner(database, back + ON.format("entries_00000"))


async def test_source_logs_below_a_key_are_found(lab: Lab) -> None:
    poster = await lab.register("api.clearview.example")
    poster.source += "/eu/7"
    receipt = await lab.post(poster, poster.events(2))
    assert receipt
    for written in ("api.clearview.example/eu/7", "api.clearview.example%2Feu%2F7"):
        status, body = await get(lab, f"sources/{written}")
        assert (status, json.loads(body)["size"]) == (200, 2)


async def test_events_come_in_pages(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        await lab.post(poster, poster.events(30))
        found: list[int] = []
        target = f"{lab.url}/events?limit=9&type=writ.data.collected.v1"
        while target:
            async with lab.session.get(target) as response:
                assert response.content_type == "application/x-ndjson"
                found += [json.loads(line)["index"] for line in (await response.read()).splitlines()]
                target = str(response.links["next"]["url"]) if "next" in response.links else ""
        assert found == list(range(5, 35))
        _, body = await get(lab, "events?after=33")
        line = json.loads(body)
        assert (line["index"], line["event"]["type"]) == (34, "writ.data.collected.v1")


async def test_reading_needs_a_reader_unless_it_is_public(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path, public_reading=False) as lab:
        await lab.register_token("auditor.example", SECRET, role="reader")
        await lab.register_token("crm.clearview.example", "8" * 64)
        closed = ["tile/entries/000.p/1", "entries/0", "entries/0/proof", "events"]
        for path in closed:
            assert (await get(lab, path))[0] == 401
            assert (await get(lab, path, "x"))[0] == 401
            assert (await get(lab, path, "8" * 64))[0] == 403
            assert (await get(lab, path, SECRET))[0] == 200
        # Hashes are as public as the checkpoint: every poster can tell that the log only grows.
        for path in ("checkpoint", "sources/administrator", "tile/0/000.p/1"):
            assert (await get(lab, path))[0] == 200


async def test_health_sees_an_entry_that_was_altered(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        await lab.post(poster, poster.events(300))
        for change, undo, what in ALTERATIONS:
            assert await lab.service.check_health() == {}
            await as_owner(database, change)
            assert what in (await lab.service.check_health())["clearview"], change
            await as_owner(database, undo)
        assert await lab.service.check_health() == {}


OFF, ON = "ALTER TABLE {0} DISABLE TRIGGER USER; ", "; ALTER TABLE {0} ENABLE TRIGGER USER"
MOVE = "UPDATE entries SET index = {1} WHERE index = {0}"
FLIP = "UPDATE {0} SET {1} = set_byte({1}, 0, get_byte({1}, 0) # 1) WHERE {2}"
ALTERATIONS = [
    (OFF.format(table) + flip + ON.format(table), OFF.format(table) + flip + ON.format(table), what)
    for table, flip, what in (
        ("entries_00000", FLIP.format("entries", "entry", "index = 299"), "its entries from 256"),
        ("tiles", FLIP.format("tiles", "hashes", "index = 0"), "its tile 0"),
        ("checkpoints", FLIP.format("checkpoints", "root", "size > 300"), "its stored checkpoint"),
    )
]


async def as_owner(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    await connection.execute(OFF.format("entries") + statement + ON.format("entries"))
    await connection.close()


async def test_a_log_that_was_altered_is_not_resumed(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        await lab.post(poster, poster.events(300))
    connection = await asyncpg.connect(database.owner_dsn)
    head = await store.read_head(connection, "clearview")
    assert (await resume(connection, "clearview", ORIGIN, head)).head == head
    for change, undo, _ in ALTERATIONS[:2]:
        await as_owner(database, change)
        with pytest.raises(Inconsistent, match="do not give the root"):
            await resume(connection, "clearview", ORIGIN, head)
        await as_owner(database, undo)
    await connection.close()


async def test_a_proof_at_a_million_entries_comes_from_tiles(database: Database) -> None:
    """Tiles alone, made without entries: a proof never looks at any."""
    count = 1_000_000
    leaves = [leaf_hash(b"%d" % number) for number in range(count)]
    edge = Edge.empty()
    growth = grow(EMPTY_RANGE, leaves)
    tiles = edge.follow(growth)
    assert isinstance(growth.root, bytes)
    connection = await asyncpg.connect(database.owner_dsn)
    rows = [("million", tile.level, tile.index, hashes) for tile, hashes in tiles]
    await connection.copy_records_to_table("tiles", records=rows)
    await connection.close()
    head = Head(count, growth.root, leaves[-1], 0, growth.frontier)
    state = LogState(ORIGIN, head, edge, Registry.empty())
    key = seeded_key(ORIGIN)
    note = sign_checkpoint(Checkpoint(ORIGIN, count, growth.root), key)
    pool = await asyncpg.create_pool(database.service_dsn, min_size=1, max_size=1)
    reader = Reader(pool, "million", ORIGIN)
    for index in range(17, count, 20_011):
        proof = await reader.prove(index, note, count, state)
        verify_proof(parse_proof(proof), leaves[index], key.verifier)
    await pool.close()


async def test_the_cache_keeps_what_was_asked_for_last() -> None:
    cache = TileCache(capacity=2)
    tiles = [Tile(0, index) for index in range(3)]
    cache.put(tiles[0], b"0")
    cache.put(tiles[1], b"1")
    assert cache.get(tiles[0]) == b"0"
    cache.put(tiles[2], b"2")
    assert [cache.get(tile) for tile in tiles] == [b"0", None, b"2"]


async def test_only_the_tiles_that_are_there_are_returned(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        await lab.post(poster, poster.events(WIDTH))
        state = lab.log.writer.state
        assert state is not None
        wanted = [Tile(0, 0), Tile(0, 0, 3), Tile(0, 1, 5), Tile(0, 1, 6), Tile(0, 2, 1), Tile(1, 0, 1)]
        found = await read_hash_tiles(lab.service.pool, "clearview", wanted, state)
        assert [tile in found for tile in wanted] == [True, True, True, False, False, True]
