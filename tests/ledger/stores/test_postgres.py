"""Keys of a real Postgres: which, in which form, of which moment, and at which place of its outbox."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.config import Database
from ledger.failure import Failure
from ledger.kit.outbox_table import DDL, put
from ledger.stores import postgres
from ledger.stores.opening import Where
from projections import events as ev
from signing.handle import native_text

SOURCE = "crm.clearview.example/outbox"


def line(number: int, store: str = "people") -> bytes:
    data = ev.InventoryBegun(controller="clearview", inventory=f"look-{number}", store=store)
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ev.encode_event(ev.make_event(data, id=f"look-{number}", source=SOURCE, time=time))


def at(database: Database, **given: object) -> Where:
    words = {"scheme": "postgresql", "url": database.owner_dsn, **given}
    return Where(**words)  # type: ignore[arg-type]


async def execute(database: Database, *statements: str) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def everything(source: postgres.PostgresSource) -> list[str]:
    """All keys, read to the end; the source closed."""
    try:
        (part,) = source.parts()
        return [key for some in source.keys(part) for key in some]
    finally:
        source.close()


async def keys(where: Where) -> list[str]:
    return await asyncio.to_thread(lambda: everything(postgres.open(where)))


async def refusal(where: Where) -> Failure:
    with pytest.raises(Failure) as refused:
        await keys(where)
    return refused.value


async def test_the_primary_key_is_what_is_read(empty_database: Database) -> None:
    await execute(
        empty_database,
        "CREATE TABLE people (player_id text PRIMARY KEY, country text)",
        "INSERT INTO people SELECT 'player-' || n, 'GB' FROM generate_series(1, 50000) AS n",
        'CREATE TABLE "Rows" (source text, line int, extra text, PRIMARY KEY (source, line))',
        "INSERT INTO \"Rows\" VALUES ('Batting', 1, 'x'), ('Über \"all\"', -2, 'x')",
    )

    assert sorted(await keys(at(empty_database, table="people"))) == sorted(
        f"player-{n}" for n in range(1, 50_001)
    )
    assert await keys(at(empty_database, table='public."Rows"')) == ['["Batting",1]', '["Über \\"all\\"",-2]']
    assert await keys(at(empty_database, table='"Rows"', columns=("line",))) == ["1", "-2"]
    assert await keys(at(empty_database, query='SELECT extra, line FROM "Rows" WHERE line > 0; ')) == [
        '["x",1]'
    ]
    assert await keys(at(empty_database, query="SELECT player_id FROM people WHERE false -- none")) == []


@pytest.mark.parametrize(
    "key", ["", "a\tb", "a\nb", "\\N", "\\", "\\.", "a\\nb", "\x01\b\f\r\v", "☃", "'\"", " padded "]
)
async def test_a_key_comes_as_it_stands(empty_database: Database, key: str) -> None:
    connection = await asyncpg.connect(empty_database.owner_dsn)
    await connection.execute("CREATE TABLE t (a text PRIMARY KEY, n bigint)")
    await connection.execute("INSERT INTO t VALUES ($1, 7)", key)
    await connection.close()

    assert await keys(at(empty_database, table="t")) == [key]
    assert await keys(at(empty_database, table="t", columns=("a", "n"))) == [native_text([key, 7])]


def escaped(key: str) -> str:
    names = {"\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", "\\": "\\\\"}
    return "".join(names.get(one, one) for one in key)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(st.lists(st.tuples(texts, st.integers(-(2**53) + 1, 2**53 - 1)), max_size=6), st.integers(1, 9))
def test_rows_are_read_however_they_are_cut(rows: list[tuple[str, int]], size: int) -> None:
    whole = "".join(f"{escaped(text)}\t{number}\n" for text, number in rows).encode()
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    two, one = postgres._Rows(["text", "int8"]), postgres._Rows(["text"])
    read = [key for piece in pieces for key in two.take(piece)]
    two.end()
    assert read == [native_text(list(row)) for row in rows]
    single = "".join(f"{escaped(text)}\n" for text, _ in rows).encode()
    assert one.take(single) == [text for text, _ in rows]


def test_a_row_that_is_cut_off_is_no_row() -> None:
    rows = postgres._Rows(["text"])
    assert rows.take(b"one\ntw") == ["one"]
    with pytest.raises(Failure, match="in the middle of a row"):
        rows.end()


async def test_a_snapshot_stays_as_it_was(empty_database: Database) -> None:
    await execute(empty_database, "CREATE TABLE t (a int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    source = await asyncio.to_thread(postgres.open, at(empty_database, table="t"))
    await execute(empty_database, "DELETE FROM t WHERE a = 1", "INSERT INTO t VALUES (3)")

    assert await asyncio.to_thread(everything, source) == ["1", "2"]
    assert await keys(at(empty_database, table="t")) == ["2", "3"]


async def test_a_reader_stops_early_and_leaves_nothing_behind(empty_database: Database) -> None:
    await execute(empty_database, "CREATE TABLE t AS SELECT n AS a FROM generate_series(1, 500000) AS n")

    def begin() -> None:
        source = postgres.open(at(empty_database, query="SELECT a FROM t"))
        assert next(source.keys(source.parts()[0]))[0] == "1"
        source.close()
        source.close()

    await asyncio.to_thread(begin)


async def test_an_estimate_costs_no_reading(empty_database: Database) -> None:
    await execute(
        empty_database, "CREATE TABLE t AS SELECT n AS a FROM generate_series(1, 20000) AS n", "ANALYZE t"
    )

    def estimate() -> int | None:
        source = postgres.open(at(empty_database, table="t", columns=("a",)))
        try:
            return source.estimate()
        finally:
            source.close()

    assert await asyncio.to_thread(estimate) == 20_000


@pytest.mark.parametrize(
    ("statement", "words", "says"),
    [
        ("SELECT 1", {}, "many tables"),
        ("SELECT 1", {"table": "nowhere"}, "no table nowhere"),
        ("CREATE VIEW t AS SELECT 1 AS a", {"table": "t"}, "is a view"),
        ("CREATE MATERIALIZED VIEW t AS SELECT 1 AS a", {"table": "t"}, "is a view"),
        ("CREATE TABLE t (a int)", {"table": "t"}, "no primary key"),
        ("CREATE TABLE t (a int)", {"table": "t", "columns": ("b",)}, "does not exist"),
        ("CREATE TABLE t (a float PRIMARY KEY)", {"table": "t"}, "float8"),
        ("CREATE TABLE t (a timestamptz PRIMARY KEY)", {"table": "t"}, "timestamptz"),
        ("CREATE TABLE t (a char(4) PRIMARY KEY)", {"table": "t"}, "bpchar"),
        ("CREATE TABLE t AS SELECT NULL::text AS a", {"query": "SELECT a FROM t"}, "NULL"),
        ("CREATE TABLE t AS SELECT 1 AS a", {"query": "DELETE FROM t RETURNING a"}, "read-only"),
        (
            "CREATE TABLE t AS SELECT 2^60::bigint::numeric AS a",
            {"query": "SELECT a::bigint, 1 FROM t"},
            "can't be blinded",
        ),
    ],
)
async def test_what_gives_no_whole_list_of_ids_is_refused(
    empty_database: Database, statement: str, words: dict[str, object], says: str
) -> None:
    await execute(empty_database, statement)
    refused = await refusal(at(empty_database, **words))
    assert says in str(refused)
    assert refused.remedy


async def test_partitions_are_read_with_their_table(empty_database: Database) -> None:
    await execute(
        empty_database,
        "CREATE TABLE t (a int PRIMARY KEY) PARTITION BY RANGE (a)",
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (9)",
        "INSERT INTO t VALUES (1), (2)",
    )
    assert await keys(at(empty_database, table="t")) == ["1", "2"]


@asynccontextmanager
async def login(database: Database, *grants: str) -> AsyncIterator[str]:
    """A login of its own, as whoever looks into a store has it: its address."""
    role = f"reader{urlsplit(database.owner_dsn).path[1:]}"
    await execute(database, f"CREATE ROLE {role} LOGIN PASSWORD 'x'", *[f"{one} TO {role}" for one in grants])
    try:
        host = database.owner_dsn.rpartition("@")[2]
        yield f"postgresql://{role}:x@{host}"
    finally:
        await execute(database, "DROP TABLE t", "DROP TABLE IF EXISTS writ_outbox", f"DROP ROLE {role}")


async def test_rows_that_a_policy_would_hide_are_not_passed_over(empty_database: Database) -> None:
    await execute(
        empty_database,
        "CREATE TABLE t (a int PRIMARY KEY, hidden boolean NOT NULL)",
        "INSERT INTO t VALUES (1, false), (2, true)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON t USING (NOT hidden)",
    )
    async with login(empty_database, "GRANT SELECT ON t") as url:
        refused = await refusal(at(empty_database, url=url, table="t"))
    assert "row-level security" in str(refused)


async def test_a_look_through_the_outbox_needs_these_rights_and_no_others(empty_database: Database) -> None:
    await execute(empty_database, "CREATE TABLE t (a int PRIMARY KEY)", "INSERT INTO t VALUES (1)", DDL)
    async with login(empty_database, "GRANT SELECT ON t", "GRANT INSERT, UPDATE ON writ_outbox") as url:
        where = at(empty_database, url=url, table="t")
        source = await asyncio.to_thread(postgres.open_begun, where, line(1))
        assert await asyncio.to_thread(everything, source) == ["1"]
        await asyncio.to_thread(postgres.put_line, where, line(2))
        assert await outbox(empty_database) == ["look-1", "look-2"]


async def test_a_table_of_the_same_name_elsewhere_is_not_taken_for_it(empty_database: Database) -> None:
    await execute(
        empty_database,
        "CREATE TABLE t (a int PRIMARY KEY)",
        "INSERT INTO t VALUES (1), (2)",
        "CREATE SCHEMA decoy",
        "CREATE TABLE decoy.t (a int PRIMARY KEY)",
        "INSERT INTO decoy.t VALUES (1)",
        f"ALTER DATABASE {urlsplit(empty_database.owner_dsn).path[1:]} SET search_path = decoy, public",
    )
    assert await keys(at(empty_database, table="t")) == ["1", "2"]
    assert await keys(at(empty_database, table="decoy.t")) == ["1"]


async def test_a_password_is_not_said(empty_database: Database) -> None:
    login, _, host = empty_database.owner_dsn.rpartition("@")
    refused = await refusal(at(empty_database, url=f"{login}wrong@{host}", table="t"))
    assert "wrong" not in f"{refused} {refused.remedy}"


async def outbox(database: Database) -> list[str]:
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        return [
            json.loads(row[0])["id"]
            for row in await connection.fetch("SELECT line FROM writ_outbox ORDER BY seq")
        ]
    finally:
        await connection.close()


_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'writ_outbox'::regclass"


async def wait_in_line(database: Database, number: int) -> None:
    """Return once so many wait for the outbox."""
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval(_WAITING) < number:
                await asyncio.sleep(0.01)
    finally:
        await connection.close()


async def test_a_snapshot_has_exactly_what_stands_before_it_in_the_outbox(empty_database: Database) -> None:
    await execute(
        empty_database, "CREATE TABLE t (a int PRIMARY KEY)", DDL, "INSERT INTO t VALUES (1), (2), (3)"
    )
    early, late = [await asyncpg.connect(empty_database.owner_dsn) for _ in range(2)]
    # One has changed data and put its event, the other has changed data and not yet put its own.
    for one, row in ((early, 1), (late, 2)):
        await one.execute("BEGIN")
        await one.execute("DELETE FROM t WHERE a = $1", row)
    await put(early, line(1))
    opening = asyncio.create_task(
        asyncio.to_thread(postgres.open_begun, at(empty_database, table="t"), line(2))
    )
    await wait_in_line(empty_database, 1)
    assert not opening.done(), "the first one's event stands before: it has to end first"

    async def put_late() -> None:
        await put(late, line(3))
        await late.execute("COMMIT")

    putting = asyncio.create_task(put_late())
    await wait_in_line(empty_database, 2)
    await early.execute("COMMIT")
    source = await opening
    await putting

    assert await asyncio.to_thread(everything, source) == ["2", "3"]
    assert await outbox(empty_database) == ["look-1", "look-2", "look-3"]
    for one in (early, late):
        await one.close()


async def test_an_outbox_that_is_held_is_not_waited_for_in_front_of_everybody(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_LOCK_TIMEOUT", "SET LOCAL lock_timeout = '50ms'")
    monkeypatch.setattr(postgres, "_HOLD_PAUSE_S", 0.01)
    await execute(empty_database, "CREATE TABLE t (a int PRIMARY KEY)", DDL)
    holder = await asyncpg.connect(empty_database.owner_dsn)
    await holder.execute("BEGIN")
    await put(holder, line(1))

    with pytest.raises(Failure, match="does not end"):
        await asyncio.to_thread(postgres.open_begun, at(empty_database, table="t"), line(2))
    await holder.execute("COMMIT")
    await holder.close()
    assert await outbox(empty_database) == ["look-1"]


async def test_a_store_without_an_outbox_says_so(empty_database: Database) -> None:
    await execute(empty_database, "CREATE TABLE t (a int PRIMARY KEY)")
    for work in (postgres.open_begun, postgres.put_line):
        with pytest.raises(Failure, match="outbox writ_outbox can't be written"):
            await asyncio.to_thread(work, at(empty_database, table="t"), line(1))


async def test_a_line_is_put_once(empty_database: Database) -> None:
    await execute(empty_database, DDL)
    put_line: Callable[[Where, bytes], None] = postgres.put_line
    for _ in range(2):
        await asyncio.to_thread(put_line, at(empty_database, table="t"), line(1))
    assert await outbox(empty_database) == ["look-1"]
