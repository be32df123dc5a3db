"""SQLite files as stores."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.failure import Failure, Misuse
from ledger.stores.opening import Where, open_at
from signing.handle import native_text
from tests.ledger.stores.readings import all_keys, keys_at


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database, and a connection to it that writes."""
    with closing(sqlite3.connect(tmp_path / "estate?#.db", isolation_level=None)) as connection:
        yield connection


def where(estate: sqlite3.Connection, **how: Any) -> Where:
    path = estate.execute("SELECT file FROM pragma_database_list").fetchone()[0]
    return Where(scheme="sqlite", url=f"sqlite:{path}", **how)


def test_the_keys_are_those_of_the_primary_key_in_its_own_sequence(estate: sqlite3.Connection) -> None:
    estate.executescript(
        """
        CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT);
        INSERT INTO person VALUES (7, 'a'), (-1, 'b'), (9223372036854775807, 'c');
        CREATE TABLE face (year INTEGER, camera TEXT, PRIMARY KEY (camera, year)) WITHOUT ROWID;
        INSERT INTO face VALUES (2024, 'nord "1"'), (2023, 'süd');
        CREATE TABLE "odd ""table" ("odd ""key" PRIMARY KEY); INSERT INTO "odd ""table" VALUES ('007'), (7);
        """
    )
    assert sorted(keys_at(where(estate, table="person"))) == ["-1", "7", "9223372036854775807"]
    assert sorted(keys_at(where(estate, table="face"))) == sorted(
        [native_text(['nord "1"', 2024]), native_text(["süd", 2023])]
    )
    assert sorted(keys_at(where(estate, table='odd "table'))) == ["007", "7"]
    assert '["süd",2023]' in keys_at(where(estate, table="face", columns=("camera", "year")))
    assert keys_at(where(estate, query="SELECT upper(name) FROM person WHERE id = 7")) == ["A"]


def test_all_keys_are_those_of_one_moment(estate: sqlite3.Connection) -> None:
    estate.execute("PRAGMA journal_mode = wal")
    estate.execute("CREATE TABLE person (id INTEGER PRIMARY KEY)")
    estate.execute("BEGIN")
    estate.executemany("INSERT INTO person VALUES (?)", [(n,) for n in range(50_000)])
    estate.execute("COMMIT")

    source = open_at(where(estate, table="person"))
    assert source.is_snapshot
    assert source.estimate() == 49_999
    estate.execute("DELETE FROM person WHERE id < 10")
    estate.execute("INSERT INTO person VALUES (1000000)")
    seen = all_keys(source)
    source.close()

    assert sorted(map(int, seen)) == list(range(50_000))
    assert len(keys_at(where(estate, table="person"))) == 49_991


def test_nothing_can_be_written_through_it(estate: sqlite3.Connection) -> None:
    estate.execute("CREATE TABLE person (id INTEGER PRIMARY KEY)")
    for query in ("INSERT INTO person VALUES (1) RETURNING id", "PRAGMA user_version = 3"):
        with pytest.raises(Failure, match=r"readonly|read-only|query_only"):
            keys_at(where(estate, query=query))
        assert estate.execute("SELECT count(*) FROM person").fetchone() == (0,)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"table": "absent"}, "has no table absent"),
        ({"table": "people"}, "people is a view"),
        ({"table": "keyless"}, "declares no primary key"),
        ({"table": "person", "columns": ("id", "nmae")}, "has no column nmae"),
        ({"table": "keyless", "columns": ("odd",)}, "of the kind float"),
        ({"query": "SELECT FROM"}, "syntax error"),
        ({"query": "SELECT CAST(x'ff' AS TEXT)"}, "decode"),
        ({"query": "SELECT NULL"}, "no key there"),
    ],
)
def test_what_would_leave_records_out_or_guess_is_refused(
    estate: sqlite3.Connection, how: dict[str, Any], says: str
) -> None:
    estate.executescript(
        """
        CREATE TABLE person (id INTEGER PRIMARY KEY);
        CREATE VIEW people AS SELECT id FROM person WHERE id > 5;
        CREATE TABLE keyless (odd); INSERT INTO keyless VALUES (1.5);
        """
    )
    with pytest.raises(Failure, match=says) as refused:
        keys_at(where(estate, **how))
    assert refused.value.remedy


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not one, and longer than the header of one would be" * 10)
    for name, says in (("a.db", "not a database"), ("absent.db", "no file")):
        with pytest.raises(Failure, match=says):
            keys_at(Where(scheme="sqlite", url=f"sqlite:{tmp_path / name}", table="person"))
    with pytest.raises(Misuse, match="which keys"):
        keys_at(Where(scheme="sqlite", url=f"sqlite:{tmp_path / 'a.db'}"))
