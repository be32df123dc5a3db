"""The same records in stores of every kind are the same set: what one connector reads, each of them reads."""

import asyncio
import csv
import json
import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import boto3
import duckdb
import pymysql
import pytest

from ledger.config import Database
from ledger.stores.blinding import Blinder
from ledger.stores.opening import Where
from signing.handle import handle
from tests.ledger.stores import test_s3_report as report
from tests.ledger.stores.private_servers import mysql_url, needs_mariadb
from tests.ledger.stores.readings import keys_at

IDS = [
    "aardsda01",
    "007",
    "-1",
    "ü ñ",
    "größe 'x' \"y\" %20+",
    "a,b",
    "#8",
    "NULL",
    "é",
    "日本",
    "\\N",
    "x\\y",
]
Made = Callable[[Path], Where]


def folder(at: Path) -> Where:
    for number, one in enumerate(IDS):
        (at / f"{number % 3}").mkdir(exist_ok=True)
        (at / f"{number % 3}" / f"{one}.jpg").write_bytes(b"x")
    return Where(scheme="dir", url=f"dir:{at}", pattern=r"[0-2]/(.*)\.jpg")


def sqlite(at: Path) -> Where:
    with closing(sqlite3.connect(at / "db")) as connection, connection:
        connection.execute("CREATE TABLE person (id TEXT PRIMARY KEY)")
        connection.executemany("INSERT INTO person VALUES (?)", [(one,) for one in IDS])
    return Where(scheme="sqlite", url=f"sqlite:{at / 'db'}", table="person")


def comma_separated(at: Path) -> Where:
    with (at / "a.csv").open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([("n", "id"), *enumerate(IDS)])
    return Where(scheme="csv", url=f"csv:{at}/*.csv", columns=("id",))


def json_lines(at: Path) -> Where:
    (at / "a.jsonl").write_text("".join(json.dumps({"id": one}) + "\n" for one in IDS))
    return Where(scheme="jsonl", url=f"jsonl:{at}/*.jsonl", columns=("id",))


def parquet(at: Path) -> Where:
    with duckdb.connect() as database:
        database.execute("CREATE TABLE t (id VARCHAR)")
        database.executemany("INSERT INTO t VALUES (?)", [[one] for one in IDS])
        database.execute(f"COPY t TO '{at}/a.parquet' (FORMAT parquet)")
    return Where(scheme="parquet", url=f"parquet:{at}/*.parquet", columns=("id",))


def command(at: Path) -> Where:
    (at / "ids").write_text("".join(f"{one}\n" for one in IDS))
    return Where(scheme="command", url=f"command:cat {at}/ids")


def s3_report(at: Path) -> Where:
    manifest = report.write(at, [report.as_csv([("faces", one, "1", True, False) for one in IDS])])
    return Where(scheme="s3-report", url=f"s3-report:{manifest}")


def require_all(where: Where) -> None:
    """The store's handles are those that the format gives the ids, one by one."""
    key = os.urandom(32)
    keys = keys_at(where)
    assert sorted(keys) == sorted(IDS)
    rows = Blinder(key, "people").blind(sorted(keys))
    assert rows.hex() == "".join(handle(key, "people", one) for one in sorted(IDS))


@pytest.mark.parametrize("made", [folder, sqlite, comma_separated, json_lines, parquet, command, s3_report])
def test_files(made: Made, tmp_path: Path) -> None:
    require_all(made(tmp_path))


@needs_mariadb
def test_mariadb(mariadb_socket: Path) -> None:
    name = f"estate_{secrets.token_hex(4)}"
    connection = pymysql.connect(unix_socket=str(mariadb_socket), user="root", autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(f"CREATE TABLE {name}.person (id VARCHAR(40) COLLATE utf8mb4_bin PRIMARY KEY)")
        cursor.executemany(f"INSERT INTO {name}.person VALUES (%s)", [(one,) for one in IDS])
        require_all(Where(scheme="mysql", url=mysql_url(mariadb_socket, name), table="person"))
        cursor.execute(f"DROP DATABASE {name}")


def test_a_bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"faces-{secrets.token_hex(4)}"
    client: Any = boto3.client("s3", endpoint_url=s3_url)
    client.create_bucket(Bucket=bucket)
    for one in IDS:
        client.put_object(Bucket=bucket, Key=f"f/{one}.jpg", Body=b"x")
    client.close()
    require_all(Where(scheme="s3", url=f"s3://{bucket}/f/", pattern=r"f/(.*)\.jpg", endpoint=s3_url))


async def test_postgres(empty_database: Database) -> None:
    connection = await asyncpg.connect(empty_database.owner_dsn)
    await connection.execute("CREATE TABLE person (id text PRIMARY KEY)")
    await connection.copy_records_to_table("person", records=[(one,) for one in IDS])
    await connection.close()
    where = Where(scheme="postgresql", url=empty_database.owner_dsn, table="person")
    await asyncio.to_thread(require_all, where)
