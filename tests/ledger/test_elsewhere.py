"""What a probe sees in the other tables of a real Postgres."""

import asyncio
from collections.abc import Sequence
from contextlib import closing

import asyncpg
import pytest

from ledger.config import Database
from ledger.elsewhere import look_everywhere
from ledger.failure import Failure
from ledger.inventory.crew import Crew
from ledger.probing import Sight, Sought, look
from ledger.remote_sets import ErasedSet
from ledger.stores import postgres
from ledger.stores.opening import Where
from signing.handle import NativeId, handle
from signing.setdigest import digest_of

KEY = bytes(range(32))


def handles(*ids: NativeId) -> list[str]:
    return [handle(KEY, "people", one) for one in ids]


def sought(erased: Sequence[str], control: Sequence[str] = ()) -> Sought:
    lines = tuple(sorted(erased))
    seen = digest_of(one.encode() for one in lines)
    return Sought(ErasedSet("ico.example/en-1", "people", 9, seen, lines), frozenset(control))


def seen(url: str, wanted: Sought, table: str, also: Sequence[str] = ()) -> Sight:
    source = postgres.open(Where(scheme="postgresql", url=url, table=table))
    with closing(source), Crew(KEY, "people", wanted.rows(), workers=0) as crew:
        sight = look(source, crew, lambda _: None)
        return look_everywhere(source, crew, wanted, also, sight, lambda _: None)


async def fill(database: Database, *statements: str) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_a_number_is_told_and_counts_where_somebody_says_that_ids_stand(
    empty_database: Database,
) -> None:
    await fill(
        empty_database,
        "CREATE TABLE person (id int PRIMARY KEY, age int)", "INSERT INTO person VALUES (1, 41), (2, 42)",
        "CREATE TABLE old (person_id bigint, said text)", "INSERT INTO old VALUES (41, 'x'), (43, '42')",
    )  # fmt: skip
    wanted = sought(handles(41, 42), handles(1, 2))
    url = empty_database.owner_dsn

    sight = await asyncio.to_thread(seen, url, wanted, "person")
    assert (sight.keys, set(sight.natives), sight.elsewhere) == (2, set(handles(1, 2)), {})
    assert sight.unsure == {"public.old.person_id": 1, "public.old.said": 1, "public.person.age": 2}

    sight = await asyncio.to_thread(seen, url, wanted, "person", ["public.old.person_id"])
    assert sight.elsewhere == {handles(41)[0]: "41"}
    assert sight.places == {handles(41)[0]: ("public.old.person_id",)}
    assert set(sight.unsure) == {"public.old.said", "public.person.age"}

    with pytest.raises(Failure, match=r"no column public\.old\.nmae"):
        await asyncio.to_thread(seen, url, wanted, "person", ["public.old.nmae"])


async def test_an_id_of_several_columns_is_found_in_a_table_that_has_them(empty_database: Database) -> None:
    await fill(
        empty_database,
        "CREATE TABLE face (camera text, year int, PRIMARY KEY (camera, year))",
        "INSERT INTO face VALUES ('nord', 2023)",
        "CREATE TABLE copied AS SELECT 2024 AS year, 'kept'::text AS why, 'nord'::text AS camera",
    )
    wanted = sought(handles(["nord", 2024], ["nord", 2025]), handles(["nord", 2023]))
    sight = await asyncio.to_thread(seen, empty_database.owner_dsn, wanted, "face")

    assert sight.elsewhere == {handles(["nord", 2024])[0]: '["nord",2024]'}
    assert list(sight.places.values()) == [("public.copied.(camera, year)",)]


async def test_what_is_alive_elsewhere_is_neither_found_nor_a_control(empty_database: Database) -> None:
    await fill(
        empty_database, "CREATE TABLE person (id text PRIMARY KEY)",
        "CREATE TABLE old AS SELECT 'alive'::text AS id",
    )  # fmt: skip
    wanted = sought(handles("gone"), handles("alive"))
    sight = await asyncio.to_thread(seen, empty_database.owner_dsn, wanted, "person")
    assert (sight.keys, sight.natives, sight.elsewhere, sight.unsure) == (0, {}, {}, {})


async def test_all_tables_are_those_of_one_moment(empty_database: Database) -> None:
    """Who moves a row to another table while it is looked for finds it where it was."""
    await fill(
        empty_database, "CREATE TABLE person (id text PRIMARY KEY)", "CREATE TABLE aside (id text)",
        "INSERT INTO aside VALUES ('gone')",
    )  # fmt: skip
    wanted = sought(handles("gone"), handles("alive"))

    def work() -> Sight:
        source = postgres.open(Where(scheme="postgresql", url=empty_database.owner_dsn, table="person"))
        with closing(source), Crew(KEY, "people", wanted.rows(), workers=0) as crew:
            sight = look(source, crew, lambda _: None)
            asyncio.run(fill(empty_database, "DELETE FROM aside", "INSERT INTO person VALUES ('gone')"))
            return look_everywhere(source, crew, wanted, (), sight, lambda _: None)

    sight = await asyncio.to_thread(work)
    assert sight.natives == {}
    assert sight.places == {handles("gone")[0]: ("public.aside.id",)}
