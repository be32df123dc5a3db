"""Every column of a Postgres as a place where an id may stand."""

import asyncio
from typing import Any

import asyncpg
import pytest

from ledger.config import Database
from ledger.failure import Failure
from ledger.stores import postgres
from ledger.stores.everywhere import Place, is_telling, open_places, read_place
from ledger.stores.opening import Where


async def fill(database: Database, *statements: str) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def values(url: str, **how: Any) -> dict[str, list[str]]:
    """What stands where, as ids are written."""
    source = postgres.open(Where(scheme="postgresql", url=url, **how))
    try:
        return {
            place.name: sorted(one for some in read_place(source, place) for one in some)
            for place in open_places(source)
        }
    finally:
        source.close()


def run(work: Any) -> Any:
    """In a thread of its own: a source runs a loop by itself."""
    return asyncio.to_thread(work)


async def test_each_value_is_written_as_an_id_is(empty_database: Database) -> None:
    await fill(
        empty_database,
        "CREATE DOMAIN label AS varchar(9)",
        """CREATE TABLE person (id text PRIMARY KEY, "n'1" numeric, u uuid, c char(5), d label, f float8,
           b bytea, j jsonb, t int[], day date)""",
        """INSERT INTO person VALUES ('a\\b', 7.00, '5683783C-C3DC-4149-B572-45701A78AF2E', 'ab', 'x', 1.5,
           'q', '{"k": ["v", 8, {"l": "w"}], "m": null, "o": true}', '{9,NULL}', '2022-05-18')""",
        "INSERT INTO person VALUES ('z')",
    )
    assert await run(lambda: values(empty_database.owner_dsn, table="person")) == {
        "public.person.id": ["a\\b", "z"], "public.person.n'1": ["7"], "public.person.c": ["ab"],
        "public.person.u": ["5683783c-c3dc-4149-b572-45701a78af2e"], "public.person.d": ["x"],
        "public.person.j": ["8", "v", "w"], "public.person.t": ["9"],
    }  # fmt: skip


async def test_a_domain_of_a_domain_hides_nothing(empty_database: Database) -> None:
    await fill(
        empty_database,
        "CREATE DOMAIN label AS varchar(9)", "CREATE DOMAIN tag AS label", "CREATE DOMAIN body AS jsonb",
        "CREATE DOMAIN tags AS tag[]",
        "CREATE TABLE copy (a tag, b tag[], c body, d tags)",
        """INSERT INTO copy VALUES ('x', '{y}', '["z"]', '{w}')""",
    )  # fmt: skip
    places = await run(lambda: values(empty_database.owner_dsn, query="SELECT a::text FROM copy"))
    assert places == {
        "public.copy.a": ["x"], "public.copy.b": ["y"], "public.copy.c": ["z"], "public.copy.d": ["w"],
    }  # fmt: skip


async def test_columns_may_have_any_name(empty_database: Database) -> None:
    await fill(
        empty_database,
        "CREATE TABLE t (value jsonb, item text[], scalar text, t text)",
        """INSERT INTO t VALUES ('["a"]', '{b}', 'c', 'd')""",
    )
    places = await run(lambda: values(empty_database.owner_dsn, query="SELECT scalar FROM t"))
    assert places == {
        "public.t.value": ["a"], "public.t.item": ["b"], "public.t.scalar": ["c"], "public.t.t": ["d"],
    }  # fmt: skip


async def test_partitions_materialized_views_and_other_schemas_are_read_and_views_are_not(
    empty_database: Database,
) -> None:
    await fill(
        empty_database,
        "CREATE TABLE person (id text) PARTITION BY LIST (id)",
        "CREATE TABLE person_a PARTITION OF person DEFAULT",
        "INSERT INTO person VALUES ('a')",
        "CREATE VIEW shown AS SELECT id FROM person",
        "CREATE MATERIALIZED VIEW kept AS SELECT id FROM person",
        "CREATE MATERIALIZED VIEW empty AS SELECT id FROM person WITH NO DATA",
        "CREATE SCHEMA archive", "CREATE UNLOGGED TABLE archive.person AS SELECT id FROM person",
    )  # fmt: skip
    places = await run(lambda: values(empty_database.owner_dsn, query="SELECT id FROM shown"))
    assert places == {
        "archive.person.id": ["a"], "public.kept.id": ["a"], "public.person_a.id": ["a"],
    }  # fmt: skip


async def test_an_id_of_several_columns_is_looked_for_where_all_of_them_are(empty_database: Database) -> None:
    await fill(
        empty_database,
        "CREATE TABLE face (camera text, year int, PRIMARY KEY (camera, year))",
        "CREATE TABLE old (year int, note text, camera text)", "CREATE TABLE half (camera text, year date)",
        "INSERT INTO old VALUES (2024, 'x', 'nord'), (NULL, 'x', 'süd')",
    )  # fmt: skip
    places = await run(lambda: values(empty_database.owner_dsn, table="face"))
    assert places["public.old.(camera, year)"] == ['["nord",2024]']
    assert "public.half.(camera, year)" not in places


async def test_what_may_not_be_read_is_a_failure_and_not_passed_over(empty_database: Database) -> None:
    await fill(
        empty_database, "CREATE TABLE person (id text PRIMARY KEY)", "CREATE TABLE hidden (id text)",
        "DROP ROLE IF EXISTS narrow", "CREATE ROLE narrow LOGIN PASSWORD 'narrow'",
        "GRANT SELECT ON person TO narrow",
    )  # fmt: skip
    address = empty_database.owner_dsn.rpartition("@")[2]
    try:
        with pytest.raises(Failure, match=r"public\.hidden\.id may not be read"):
            await run(lambda: values(f"postgresql://narrow:narrow@{address}", table="person"))
    finally:
        await fill(empty_database, "REVOKE ALL ON person FROM narrow", "DROP ROLE narrow")


def test_a_number_tells_only_where_somebody_says_that_ids_stand() -> None:
    place = Place("public.person.age", "")
    assert is_telling("aardsda01", place, ())
    assert is_telling("-", place, ())
    assert not is_telling("7", place, ())
    assert not is_telling("-7", place, ("public.person.id",))
    assert is_telling("7", place, ("public.person.age",))
    assert is_telling('["7",7]', Place("p", "", is_key=True), ())
