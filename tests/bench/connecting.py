"""Connectors: keys a second as each reads them, and as a probe looks for handles among them on all cores."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import duckdb
import msgspec
import pymysql

from ledger.inventory.crew import Crew
from ledger.probing import look
from ledger.stores.opening import Where, open_at
from tests.bench.figures import Figure
from tests.bench.place import Place
from tests.ledger.stores.private_servers import BINARY, mariadb, mysql_url

KEY = bytes(range(32))
FILES = 1_000
WANTED = 100_000


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured. Of files in a directory there are a tenth."""

    keys: int
    rounds: int


FULL = Scale(keys=2_000_000, rounds=3)
QUICK = Scale(keys=20_000, rounds=1)


async def measure(scale: Scale, place: Place) -> list[Figure]:
    """Fill a store of each kind, read it, and look for handles in it."""
    figures = []
    with ExitStack() as stack:
        for kind, where in _stores(scale.keys, place.folder / "connectors", stack):
            place.say(f"connectors: {kind}")
            keys = scale.keys // 10 if kind == "a directory" else scale.keys
            read = [keys / _took_s(where, keys, None) for _ in range(scale.rounds)]
            with Crew(KEY, "people", _wanted()) as crew:
                _took_s(where, keys, crew)  # which starts its workers
                probed = [keys / _took_s(where, keys, crew) for _ in range(scale.rounds)]
            figures += [
                Figure(name=f"{kind}, {keys:,} keys read", unit="keys/s", samples=read),
                Figure(name=f"· {kind}: blinded, and looked for too", unit="keys/s", samples=probed),
            ]
    return figures


def _took_s(where: Where, keys: int, crew: Crew | None) -> float:
    began_s = time.perf_counter()
    with closing(open_at(where)) as source:
        if crew is None:
            count = sum(len(some) for part in source.parts() for some in source.keys(part))
        else:
            count = look(source, crew, lambda _: None).keys
    assert count == keys
    return time.perf_counter() - began_s


def _wanted() -> frozenset[bytes]:
    """Handles of nobody there, as after an erasure."""
    return frozenset(number.to_bytes(16, "big") for number in range(WANTED))


def _stores(keys: int, folder: Path, stack: ExitStack) -> Iterator[tuple[str, Where]]:
    folder.mkdir()
    ids = f"SELECT 'person-' || lpad(range::text, 9, '0') AS id FROM range({keys})"
    with duckdb.connect() as database:
        for kind, how in (("parquet", "parquet"), ("csv", "csv, header"), ("jsonl", "json")):
            database.execute(f"COPY ({ids}) TO '{folder}/ids.{kind}' (FORMAT {how})")
            yield kind, Where(scheme=kind, url=f"{kind}:{folder}/ids.{kind}", columns=("id",))
    with closing(sqlite3.connect(folder / "db")) as connection, connection:
        connection.execute("CREATE TABLE people (id TEXT PRIMARY KEY) WITHOUT ROWID")
        connection.executemany("INSERT INTO people VALUES (?)", ((_id(one),) for one in range(keys)))
    yield "sqlite", Where(scheme="sqlite", url=f"sqlite:{folder / 'db'}", table="people")
    if BINARY is not None:
        yield "mysql", _mysql(stack.enter_context(mariadb()), keys)
    for number in range(keys // 10):
        (folder / "tree" / f"{number % FILES}").mkdir(parents=True, exist_ok=True)
        (folder / "tree" / f"{number % FILES}" / _id(number)).touch()
    yield "a directory", Where(scheme="dir", url=f"dir:{folder / 'tree'}", pattern="[0-9]+/(.*)")


def _mysql(socket: Path, keys: int) -> Where:
    connection = pymysql.connect(unix_socket=str(socket), user="root", autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE people")
        cursor.execute("USE people")
        cursor.execute("CREATE TABLE people (id VARCHAR(20) PRIMARY KEY)")
        cursor.execute(
            f"INSERT INTO people SELECT concat('person-', lpad(seq, 9, '0')) FROM seq_0_to_{keys - 1}"
        )
    return Where(scheme="mysql", url=mysql_url(socket, "people"), table="people")


def _id(number: int) -> str:
    return f"person-{number:09d}"
