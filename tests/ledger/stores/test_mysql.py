"""MySQL and MariaDB as stores: a real MariaDB."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymysql
import pytest

from ledger.failure import Failure, Misuse
from ledger.stores.opening import Where, open_at
from tests.ledger.stores.private_servers import mysql_url, needs_mariadb
from tests.ledger.stores.readings import all_keys, keys_at

pytestmark = needs_mariadb


class Estate:
    """A database of one test."""

    def __init__(self, socket: Path, name: str) -> None:
        self.socket, self.name = socket, name
        self.connection = pymysql.connect(unix_socket=str(socket), user="root", autocommit=True)
        self.run(f"CREATE DATABASE {name} CHARACTER SET latin1", f"USE {name}")

    def run(self, *statements: str) -> None:
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def where(self, **how: Any) -> Where:
        return Where(scheme="mysql", url=mysql_url(self.socket, self.name), **how)


@pytest.fixture
def estate(mariadb_socket: Path) -> Iterator[Estate]:
    made = Estate(mariadb_socket, f"estate_{secrets.token_hex(4)}")
    try:
        yield made
    finally:
        made.run("SET GLOBAL init_connect = ''", f"DROP DATABASE {made.name}")
        made.connection.close()


def test_the_keys_are_those_of_the_primary_key_in_its_own_sequence(estate: Estate) -> None:
    estate.run(
        "CREATE TABLE person (id BIGINT UNSIGNED PRIMARY KEY)",
        "INSERT INTO person VALUES (7), (18446744073709551615)",
        "CREATE TABLE face (year INT, camera VARCHAR(20), PRIMARY KEY (camera, year))",
        "INSERT INTO face VALUES (2024, 'nord \"1\"'), (2023, 'süd')",
        "CREATE TABLE `odd ``table` (`odd ``key` CHAR(8) PRIMARY KEY, u UUID)",
        "INSERT INTO `odd ``table` VALUES ('007', '5683783C-C3DC-4149-B572-45701A78AF2E')",
        "CREATE TABLE whole (id DECIMAL(20, 0) PRIMARY KEY)",
        "INSERT INTO whole VALUES (12345678901234567890)",
    )
    assert sorted(keys_at(estate.where(table="person"))) == ["18446744073709551615", "7"]
    assert sorted(keys_at(estate.where(table="face"))) == ['["nord \\"1\\"",2024]', '["süd",2023]']
    assert keys_at(estate.where(table="odd `table")) == ["007"]
    assert keys_at(estate.where(table="odd `table", columns=("u",))) == [
        "5683783c-c3dc-4149-b572-45701a78af2e"
    ]
    assert keys_at(estate.where(table="whole")) == ["12345678901234567890"]
    assert keys_at(estate.where(query="SELECT upper(camera) FROM face WHERE year = 2023")) == ["SÜD"]


def test_all_keys_are_those_of_one_moment(estate: Estate) -> None:
    estate.run(
        "CREATE TABLE person (id INT PRIMARY KEY)", "INSERT INTO person SELECT seq FROM seq_1_to_30000"
    )
    source = open_at(estate.where(table="person"))
    assert source.is_snapshot
    assert abs((source.estimate() or 0) - 30_000) < 15_000
    estate.run("DELETE FROM person WHERE id <= 10", "INSERT INTO person VALUES (1000000)")
    seen = all_keys(source)
    source.close()

    assert sorted(map(int, seen)) == list(range(1, 30_001))
    assert len(keys_at(estate.where(table="person"))) == 29_991


def test_an_engine_without_transactions_gives_no_snapshot(estate: Estate) -> None:
    estate.run(
        "CREATE TABLE person (id INT PRIMARY KEY) ENGINE = InnoDB",
        "CREATE TABLE moved (id INT PRIMARY KEY) ENGINE = MyISAM",
    )
    for how, snapshot in (
        ({"table": "person"}, True),
        ({"table": "moved"}, False),
        ({"query": "SELECT id FROM person"}, False),  # a query may read any table, and one of them has none
    ):
        source = open_at(estate.where(**how))
        assert source.is_snapshot is snapshot
        source.close()


def test_what_was_deleted_from_a_table_that_keeps_former_rows_is_still_in_it(estate: Estate) -> None:
    estate.run(
        "CREATE TABLE person (id INT PRIMARY KEY, name TEXT) WITH SYSTEM VERSIONING",
        "CREATE TABLE shown (id INT, b TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED"
        " ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (b, e), PRIMARY KEY (id)) WITH SYSTEM VERSIONING",
    )
    for table in ("person", "shown"):
        estate.run(
            f"INSERT INTO {table} (id) VALUES (1), (2), (3)",
            f"DELETE FROM {table} WHERE id = 2",
        )
        assert sorted(set(keys_at(estate.where(table=table)))) == ["1", "2", "3"]
        estate.run(f"DELETE HISTORY FROM {table}")
        assert sorted(set(keys_at(estate.where(table=table)))) == ["1", "3"]


def test_a_server_that_cuts_answers_short_is_not_heeded(estate: Estate) -> None:
    estate.run(
        "CREATE TABLE person (id INT PRIMARY KEY)", "INSERT INTO person SELECT seq FROM seq_1_to_100",
        "CREATE USER IF NOT EXISTS auditor@localhost",
        f"GRANT SELECT ON {estate.name}.* TO auditor@localhost",
        "SET GLOBAL init_connect = 'SET sql_select_limit = 5'",
    )  # fmt: skip
    url = estate.where().url.replace("root@", "auditor@")
    plain = pymysql.connect(unix_socket=str(estate.socket), user="auditor", database=estate.name)
    with plain, plain.cursor() as cursor:
        assert cursor.execute("SELECT id FROM person") == 5

    assert len(keys_at(Where(scheme="mysql", url=url, table="person"))) == 100


def test_a_reader_that_is_ended_in_the_middle_says_so(estate: Estate) -> None:
    estate.run(
        "CREATE TABLE person (id INT PRIMARY KEY, filling CHAR(200))",
        "INSERT INTO person SELECT seq, 'x' FROM seq_1_to_300000",
    )
    source = open_at(estate.where(table="person", columns=("filling", "id")))
    batches = source.keys(source.parts()[0])
    next(batches)
    with estate.connection.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = database() AND id <>"
                       " connection_id()")  # fmt: skip
        for (number,) in cursor.fetchall():
            cursor.execute(f"KILL {number}")
    with pytest.raises(Failure, match="table person"):
        list(batches)
    source.close()


def test_letting_go_in_the_middle_does_not_read_the_rest(estate: Estate) -> None:
    source = open_at(estate.where(query="SELECT a.seq, b.seq FROM seq_1_to_100000 a JOIN seq_1_to_100000 b"))
    assert len(next(iter(source.keys(source.parts()[0])))) == 10_000
    source.close()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"table": "absent"}, "has no table absent"),
        ({"table": "people"}, "is a view"),
        ({"table": "keyless"}, "declares no primary key"),
        ({"table": "person", "columns": ("id", "nmae")}, "has no column nmae"),
        ({"table": "keyless", "columns": ("odd",)}, "of the kind float"),
        ({"table": "packed"}, "of the kind bytes"),
        ({"query": "SELECT FROM"}, "SQL syntax"),
        ({"query": "SELECT NULL"}, "no key there"),
        ({"query": "DELETE FROM person RETURNING id"}, "READ ONLY"),
    ],
)
def test_what_would_leave_records_out_or_guess_is_refused(
    estate: Estate, how: dict[str, Any], says: str
) -> None:
    estate.run(
        "CREATE TABLE person (id INT PRIMARY KEY)", "INSERT INTO person VALUES (1)",
        "CREATE VIEW people AS SELECT id FROM person WHERE id > 5",
        "CREATE TABLE keyless (odd DOUBLE)", "INSERT INTO keyless VALUES (1.5)",
        "CREATE TABLE packed (id BINARY(4) PRIMARY KEY)", "INSERT INTO packed VALUES ('abcd')",
    )  # fmt: skip
    with pytest.raises(Failure, match=says) as refused:
        keys_at(estate.where(**how))
    assert refused.value.remedy


def test_the_login_may_stand_in_a_file_and_no_message_shows_a_password(
    estate: Estate, tmp_path: Path
) -> None:
    estate.run(
        "CREATE TABLE person (id INT PRIMARY KEY)", "INSERT INTO person VALUES (1)",
        "CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'hunter2'",
        f"GRANT SELECT ON {estate.name}.* TO reader@localhost",
    )  # fmt: skip
    file = tmp_path / "my.cnf"
    file.write_text("[client]\nuser=reader\npassword=hunter2\n")
    at = f"localhost/{estate.name}?unix_socket={quote(str(estate.socket))}"

    assert keys_at(
        Where(scheme="mysql", url=f"mysql://{at}&read_default_file={quote(str(file))}", table="person")
    ) == ["1"]
    assert keys_at(Where(scheme="mysql", url=f"mysql://reader:hunter2@{at}", table="person")) == ["1"]
    with pytest.raises(Failure, match="can't be opened: Access denied") as refused:
        keys_at(Where(scheme="mysql", url=f"mysql://reader:hunter3@{at}", table="person"))
    assert "hunter3" not in str(refused.value) + refused.value.remedy


@pytest.mark.parametrize(
    "url", ["mysql://root@localhost", "mysql://root@localhost/d?unix=/s", "mysql://root@localhost/d"]
)
def test_an_address_that_says_too_little_is_misuse(url: str) -> None:
    with pytest.raises(Misuse):
        keys_at(Where(scheme="mysql", url=url, table=None if url.endswith("/d") else "person"))
