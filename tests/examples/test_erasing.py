"""The examples of erasing as people run them: a process each, on a real store."""

import os
from pathlib import Path

import asyncpg
import pytest
from nacl.exceptions import CryptoError

from ledger.config import Database
from ledger.outbox.store import Outbox
from projections.events import DataDeleted, DeletionFailed, decode_event
from tests.examples.erasing_index import Index
from tests.examples.erasing_keys import Keys
from tests.examples.running import handles, run, told
from tests.ledger.outbox_at_hand import data_store, said


def test_files(box: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "2022").mkdir(parents=True)
    for name in ("2022/a.jpg", "2022/b.jpg", "c.jpg"):
        (folder / name).write_text("photo")
    os.link(folder / "c.jpg", folder / "d.jpg")
    code, lines = run("erasing_files", box, folder, "2022/a.jpg", "c.jpg", "none.jpg")
    assert (code, lines) == (1, ["erased   2022/a.jpg", "absent   none.jpg", "failed   c.jpg: referenced"])
    assert told(box) == handles("images", "2022/a.jpg")
    with Outbox.open(box) as outbox:
        failed = said(outbox)[1].data
    assert isinstance(failed, DeletionFailed)
    assert (failed.records, failed.error) == (tuple(handles("images", "c.jpg")), "referenced")


@pytest.mark.parametrize("id", ["../secret", "/etc/passwd", "2022/../c.jpg", "2022//a.jpg", "2022", ""])
def test_what_is_no_file_of_the_folder_is_refused(box: Path, tmp_path: Path, id: str) -> None:
    folder = tmp_path / "images"
    (folder / "2022").mkdir(parents=True)
    (folder / "c.jpg").write_text("photo")
    (tmp_path / "secret").write_text("not a record")
    code, lines = run("erasing_files", box, folder, id)
    assert (code, "is no" in lines[-1]) == (1, True), lines
    assert (tmp_path / "secret").exists()
    assert (folder / "c.jpg").exists()
    assert told(box) == set()


def test_a_symbolic_link_is_not_followed(box: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (tmp_path / "secret").write_text("not a record")
    (folder / "a.jpg").symlink_to(tmp_path / "secret")
    code, lines = run("erasing_files", box, folder, "a.jpg")
    assert (code, "a.jpg is not a file" in lines[-1]) == (1, True), lines
    assert (tmp_path / "secret").exists()


def test_keys(box: Path, tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    encrypted = {id: keys.encrypt(id, b"about " + id.encode()) for id in ("anna", "b/../ruth")}
    backup = dict(encrypted)
    code, lines = run("erasing_keys", box, tmp_path / "keys", "anna", "nobody")
    assert (code, lines) == (0, ["erased   anna", "absent   nobody"])
    assert keys.decrypt("b/../ruth", encrypted["b/../ruth"]) == b"about b/../ruth"
    with pytest.raises(FileNotFoundError):
        keys.decrypt("anna", backup["anna"])
    # A new key under the same id opens nothing of the old.
    keys.encrypt("anna", b"a new life")
    with pytest.raises(CryptoError):
        keys.decrypt("anna", backup["anna"])
    assert told(box) == handles("vault", "anna")
    with Outbox.open(box) as outbox:
        (event,) = said(outbox)
    assert isinstance(event.data, DataDeleted)
    assert event.data.method == "crypto_erase"


def test_index(box: Path, tmp_path: Path) -> None:
    file = tmp_path / "index.db"
    index = Index(file)
    for number in range(100):
        index.add(f"id-{number}", f"common rareword{number}")
    index.add("id-7", "another document of theirs")
    code, lines = run("erasing_index", box, file, "id-7", "id-7777")
    assert (code, lines) == (0, ["erased   id-7", "absent   id-7777"])
    assert index.find("rareword7") == []
    assert index.find("theirs") == []
    assert len(index.find("common")) == 99
    index.close()
    # Not only unfindable: neither its text nor its words are in the file, and its neighbours' are.
    raw = file.read_bytes()
    assert b"another document of theirs" not in raw
    assert b"theirs" not in raw
    assert b"common rareword8" in raw
    assert raw.count(b"common rareword7") == 10
    assert told(box) == handles("index", "id-7")


async def test_rows(box: Path, empty_database: Database) -> None:
    async with data_store(empty_database.owner_dsn) as store:
        code, lines = run("erasing_rows", box, store.dsn, "2", "3", "77")
        assert (code, lines) == (0, ["erased   2 of 3; the others were not there"])
        connection: asyncpg.Connection = await store.connect()
        (line,) = [row["line"] for row in await connection.fetch("SELECT line FROM writ_outbox")]
        assert set(decode_event(line.encode()).data.records) == handles("people", 2, 3)
        left = {row["id"] for row in await connection.fetch("SELECT id FROM people")}
        assert left == {1, 4, 5, 6, 7, 8, 9}
