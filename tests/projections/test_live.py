"""The live runner against a real Postgres: the same state as a fold in memory, exactly once."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise, product
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from ledger.config import Database
from ledger.judging import Asked
from ledger.projector import Projector
from projections import store
from projections.events import decode_event
from projections.fact import Fact
from projections.fold import Fold
from projections.registrations import STEPS
from projections.runners import live
from signing.checkpoint import Checkpoint
from signing.merkle import leaf_hashes_of, range_of, root_of
from signing.note import parse_note
from signing.submission import parse_submission_text
from signing.tiles import tile_root
from tests.projections.deeds import gateway, register_token, revoke_token
from tests.projections.logbuilder import LogBuilder
from tests.projections.story import DAY_S, START_S, WITNESS, Story, cease_gb, erase_gb, handle

LOG = "clearview"


async def write(conn: asyncpg.Connection, log: LogBuilder, begin: int = 0) -> None:
    """Put a log's entries from `begin` on into the ledger's tables, one commit a submission."""
    if begin == 0:
        await conn.execute("INSERT INTO logs VALUES ($1, $2, 0)", LOG, log.origin)
    entries = log.entries()
    leaves = leaf_hashes_of(entries)
    for index in range(begin, log.size):
        row = log.rows[index]
        await conn.execute("INSERT INTO entries VALUES ($1, $2, $3)", LOG, index, entries[index])
        if row.kind == "event":
            if type(decode_event(row.body).data) in STEPS:
                await conn.execute("INSERT INTO registrations VALUES ($1, $2)", LOG, index)
            continue
        text = parse_submission_text(parse_note(row.body).text)
        size = index + 1 + text.size - text.base
        await conn.execute(
            "INSERT INTO submissions VALUES ($1, $2, $3, $4, $5, $6, $7, '')",
            *(LOG, text.origin, text.size, text.base, index, size, row.body),
        )
        root = root_of(range_of(0, leaves[:size]))
        await conn.execute("INSERT INTO checkpoints VALUES ($1, $2, $3, $4)", LOG, size, root, row.time_us)


@pytest_asyncio.fixture
async def conn(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.service_dsn)
    yield connection
    await connection.close()


def told() -> Story:
    story = Story()
    story.hold(*range(1, 50))
    story.hold(*range(50, 80), residency="US")
    story.derive(list(range(101, 110)), [1])
    story.order(erase_gb(), cease_gb())
    story.erase(*range(1, 20))
    return story


def assert_same(loaded: Fold, story: Story) -> None:
    assert loaded.digests() == story.fold().digests()


async def test_the_live_state_is_that_of_a_fold_in_memory(conn: asyncpg.Connection) -> None:
    story = told()
    await write(conn, story.log)
    assert await live.catch_up(conn, LOG) == story.log.size
    fold, size = await live.load(conn, LOG)
    assert size == story.log.size
    assert_same(fold, story)


async def test_a_batch_may_take_longer_than_a_session_may_be_idle(
    conn: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = told()
    await write(conn, story.log)
    await conn.execute("SET idle_in_transaction_session_timeout = '100ms'")
    take = Fold.take

    def take_long(fold: Fold, fact: Fact) -> None:
        if fact.index == story.log.size - 1:
            time.sleep(0.5)
        take(fold, fact)

    monkeypatch.setattr(Fold, "take", take_long)
    assert await live.catch_up(conn, LOG) == story.log.size


async def test_a_batch_ends_where_a_commit_did_within_its_entries_and_its_bytes(
    conn: asyncpg.Connection,
) -> None:
    story = told()
    await write(conn, story.log)
    lengths = [len(entry) for entry in story.log.entries()]
    commits = [0, *(row["size"] for row in await conn.fetch("SELECT size FROM checkpoints ORDER BY size"))]
    for begin, most, most_bytes in product(commits, (1, 4, 1_000), (1, 2_000, 5_000, 1 << 30)):
        within = [
            end for end in commits if begin < end <= begin + most and sum(lengths[begin:end]) <= most_bytes
        ]
        later = [end for end in commits if end > begin]
        expected = max(within, default=min(later, default=begin))
        assert await store.next_size(conn, LOG, begin, most, most_bytes) == expected


@pytest.mark.parametrize(("batch", "batch_bytes"), [(1, 1 << 30), (3, 1 << 30), (7, 1 << 30), (1_000, 3_000)])
async def test_small_batches_and_later_entries(
    conn: asyncpg.Connection, batch: int, batch_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BATCH_ENTRIES", batch)
    monkeypatch.setattr(live, "BATCH_BYTES", batch_bytes)
    story = told()
    await write(conn, story.log)
    await live.catch_up(conn, LOG)
    before = story.log.size
    story.erase(*range(20, 50))
    story.hold(1)
    await write(conn, story.log, before)
    await live.catch_up(conn, LOG)
    fold, _ = await live.load(conn, LOG)
    assert_same(fold, story)


async def test_two_runners_at_once_fold_each_entry_once(database: Database, conn: asyncpg.Connection) -> None:
    story = told()
    await write(conn, story.log)
    other = await asyncpg.connect(database.service_dsn)
    await asyncio.gather(live.catch_up(conn, LOG), live.catch_up(other, LOG))
    await other.close()
    fold, _ = await live.load(conn, LOG)
    assert_same(fold, story)


async def test_a_batch_that_fails_is_folded_again_whole(
    conn: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by the runner that failed: who was revoked in that batch had posted in it before."""
    story, kept = told(), live.Kept()
    register_token(story.log)
    await write(conn, story.log)
    begin = await live.catch_up(conn, LOG, kept)
    gateway(story.log)
    revoke_token(story.log)
    await write(conn, story.log, begin)

    async def cut_off(*_: Any) -> None:
        raise asyncpg.ConnectionDoesNotExistError("cut off before the cursor moved")

    with monkeypatch.context() as patch:
        patch.setattr(store, "move_cursor", cut_off)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await live.catch_up(conn, LOG, kept)
    assert await store.folded_size(conn, LOG) == begin
    await live.catch_up(conn, LOG, kept)
    fold, _ = await live.load(conn, LOG)
    assert_same(fold, story)


async def written(conn: asyncpg.Connection) -> dict[tuple[str, int], str]:
    """The docket's rows by their keys, each with the transaction that wrote it last."""
    found = await conn.fetch("SELECT series, number, xmin::text FROM docket WHERE log = $1", LOG)
    return {(row["series"], row["number"]): row["xmin"] for row in found}


async def test_a_batch_writes_rows_for_what_it_says_and_touches_no_other(conn: asyncpg.Connection) -> None:
    """Counted, not timed: a fourth anchor costs what the first did."""
    story = told()
    seen: list[dict[tuple[str, int], str]] = []
    begin, sizes = 0, set()
    for number in range(4):
        story.log.anchor(WITNESS)
        story.look("faces", number)
        await write(conn, story.log, begin)
        await live.catch_up(conn, LOG)
        begin = story.log.size
        seen.append(await written(conn))
        sizes.add(
            await conn.fetchval("SELECT octet_length(state) FROM projection_cursors WHERE log = $1", LOG)
        )
    for before, after in pairwise(seen):
        assert before.items() <= after.items()
        assert {name for name, _ in after.keys() - before.keys()} == {"anchors", "begun", "inventories"}
        assert len(after) - len(before) == 3
    assert len(sizes) == 1, "the cursor keeps nothing that grows"
    assert_same((await live.load(conn, LOG))[0], story)


async def test_what_a_runner_keeps_is_not_read_again(conn: asyncpg.Connection) -> None:
    story, kept = told(), live.Kept()
    reads: list[str] = []
    begin = 0

    def note(query: Any) -> None:
        reads.extend(name for name in ("DOCKET_ROWS", "REGISTRATIONS") if query.query == getattr(store, name))

    with conn.query_logger(note):
        for number in range(3):
            story.erase(20 + number)
            await write(conn, story.log, begin)
            begin = story.log.size
            assert await live.catch_up(conn, LOG, kept) == kept.size == begin
    assert reads == []
    fold, _ = await live.load(conn, LOG)
    assert_same(fold, story)
    assert fold.docket == kept.docket


async def test_what_a_runner_keeps_is_read_again_where_another_has_gone_on(conn: asyncpg.Connection) -> None:
    story, kept = told(), live.Kept()
    await write(conn, story.log)
    await live.catch_up(conn, LOG, kept)
    for runner in (None, kept):
        begin = story.log.size
        story.log.anchor(WITNESS)
        await write(conn, story.log, begin)
        await live.catch_up(conn, LOG, runner)
    fold, _ = await live.load(conn, LOG)
    assert_same(fold, story)
    assert (kept.size, kept.docket) == (story.log.size, fold.docket)


async def test_a_new_version_is_folded_beside_an_older_one(
    conn: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = told()
    await write(conn, story.log)
    await live.catch_up(conn, LOG)
    begin = story.log.size
    story.erase(20)
    await write(conn, story.log, begin)
    older = store.VERSION
    with monkeypatch.context() as patch:
        patch.setattr(store, "VERSION", older + 1)
        patch.setattr(live, "BATCH_ENTRIES", 7)
        assert await live.catch_up(conn, LOG) == story.log.size
        assert_same((await live.load(conn, LOG))[0], story)
    assert await store.folded_size(conn, LOG) == begin
    named = "SELECT count(*) FROM record_entries WHERE log = $1 AND handle = $2"
    assert await conn.fetchval(named, LOG, bytes.fromhex(handle(20))) == 2


async def test_every_entry_that_names_a_record_is_found(conn: asyncpg.Connection) -> None:
    story = told()
    await write(conn, story.log)
    await live.catch_up(conn, LOG)
    found = await conn.fetch(
        "SELECT index FROM record_entries WHERE log = $1 AND handle = $2 ORDER BY index",
        LOG,
        bytes.fromhex(handle(101)),
    )
    derived = [i for i, row in enumerate(story.log.rows) if b"data.derived" in row.body]
    assert [record["index"] for record in found] == derived


async def test_a_quoted_checkpoint_is_compared_with_the_stored_log(conn: asyncpg.Connection) -> None:
    story = told()
    story.look("faces", quotes=story.log.checkpoint())
    for size in (1, 7, story.log.size - 1):  # no commit ended at most sizes
        story.look("faces", quotes=story.log.checkpoint(size))
    story.look("faces", quotes=Checkpoint(story.log.origin, 5, bytes(32)))
    story.look("faces", quotes=Checkpoint(story.log.origin, story.log.size + 9, bytes(32)))
    await write(conn, story.log)
    await live.catch_up(conn, LOG)
    fold, _ = await live.load(conn, LOG)
    assert_same(fold, story)
    assert (len(fold.docket.looks.inventories), len(fold.docket.looks.misplaced)) == (4, 2)


async def test_the_root_of_any_size_comes_from_tiles_and_entries(conn: asyncpg.Connection) -> None:
    entries = [b"%d" % at for at in range(70_000)]
    leaves = leaf_hashes_of(entries)
    await conn.copy_records_to_table("entries", records=[(LOG, at, raw) for at, raw in enumerate(entries)])
    tiles = [(0, at, b"".join(leaves[at * 256 : at * 256 + 256])) for at in range(273)]
    tiles.append((1, 0, b"".join(tile_root(hashes) for _, _, hashes in tiles[:256])))
    await conn.copy_records_to_table("tiles", records=[(LOG, *tile) for tile in tiles])
    for size in (1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 69_632, 69_999, 70_000):
        assert await live.root_at(conn, LOG, size) == root_of(range_of(0, leaves[:size])), size


async def test_a_verdict_from_the_projector_now_and_then(
    database: Database, conn: asyncpg.Connection
) -> None:
    story = told()
    await write(conn, story.log)
    projector = Projector(database.service_dsn, "0" * 64)
    try:
        order = story.case().order.id
        now = await projector.status(LOG, order, Asked(0, START_S + DAY_S))
        assert now is not None
        assert now.statement.verdict == story.judge(1).verdict
        assert now.statement.obligations[0].counts == story.judge(1).findings[0].counts
        erased_us = story.log.rows[-1].time_us
        earlier = await projector.status(LOG, order, Asked(0, erased_us // 1_000_000 - 1))
        assert earlier is not None
        assert earlier.statement.obligations[0].counts["live"] == 49 + 9
        assert await projector.status(LOG, "ico.example/none", Asked(START_S)) is None
        assert [line.id for line in await projector.orders(LOG)] == [order]
    finally:
        projector.close()


async def test_statements_prepare_against_the_schema(conn: asyncpg.Connection) -> None:
    for name, sql in vars(store).items():
        if name.isupper() and name[0] != "_" and isinstance(sql, str):
            await conn.prepare(sql)
