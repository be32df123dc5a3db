"""What a service hands out about one record stands the verifier, and names all that it knows."""

import asyncio
import re
import zipfile
from pathlib import Path

import msgspec
import pytest

from ledger import cli
from ledger.cli_export import download_record
from ledger.config import Database
from ledger.readme import WIDTH
from ledger.remote import RefusedByService
from projections import events as ev
from projections.runners.record import parse_record
from signing.keys import format_vkey
from signing.note import parse_note
from tests.ledger.altering import altered
from tests.ledger.test_export import AUTHORITY, Case, line, running_case
from tests.projections.deeds import collected, handle
from tests.projections.evidence import issued

SECRET = "5" * 64
ALL_ASCII = re.compile(rf"([\x20-\x7e]{{0,{WIDTH}}}\n)+")


def read(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def log_key(case: Case) -> list[str]:
    return ["--log", format_vkey(case.lab.log.keys.log.verifier)]


async def test_everything_about_a_record(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_case(database, tmp_path / "data") as case:
        await case.lab.register_token("crm.example", SECRET)
        data = {"specversion": "1.0", "id": "c-1", "source": "crm.example", "time": "2026-01-01T00:00:00Z"}
        event = {**data, "type": ev.TYPE_OF[ev.DataCollected], "data": collected(3)}
        status, answer = await case.lab.post_events(msgspec.json.encode([event]), SECRET)
        assert status == 200, answer
        await case.lab.post(case.crawler, case.crawler.events(300))
        words = [
            "export",
            "--record",
            handle(3),
            "-o",
            str(tmp_path / "r.zip"),
            "--url",
            case.lab.service.url,
        ]
        assert await asyncio.to_thread(cli.main, [*words, *log_key(case)]) == 0
        key = log_key(case)
    assert f"writ verify {tmp_path / 'r.zip'} --log VKEY" in capsys.readouterr().out
    files = read(tmp_path / "r.zip")
    assert list(files)[:3] == ["README.txt", "record", "checkpoint"]
    assert len(parse_record(parse_note(files["record"]).text).entries) == 2
    assert ALL_ASCII.fullmatch(files["README.txt"].decode())
    assert "writ verify FILE.zip --log LOG_VKEY" in files["README.txt"].decode()
    assert "python3 check.py FILE.zip LOG_VKEY" in files["README.txt"].decode()
    # Nobody else's registration is in it: the authority posted nothing about the record.
    assert AUTHORITY.encode() not in b"".join(files.values())
    assert cli.main(["verify", str(tmp_path / "r.zip"), *key]) == 4
    out = capsys.readouterr().out
    assert out.startswith(f"{handle(3)}: 2 entries about this record")
    assert "by crm.example (controller, a token's" in out


async def test_who_is_not_there_gets_an_answer_too(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_case(database, tmp_path / "data") as case:
        await download_record(case.remote(), handle(99), tmp_path / "r.zip")
        key = log_key(case)
    assert cli.main(["verify", str(tmp_path / "r.zip"), *key]) == 4
    assert f"{handle(99)}: 0 entries about this record" in capsys.readouterr().out


async def test_the_same_log_gives_the_same_bytes(database: Database, tmp_path: Path) -> None:
    async with running_case(database, tmp_path / "data") as case:
        await download_record(case.remote(), handle(3), tmp_path / "1.zip")
        await download_record(case.remote(), handle(3), tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


async def test_what_goes_wrong_is_told(database: Database, tmp_path: Path) -> None:
    async with running_case(database, tmp_path / "data") as case:
        with pytest.raises(RefusedByService, match="32 hex digits"):
            await download_record(case.remote(), "nobody", tmp_path / "r.zip")
        # In the entry that names the record, about the record's neighbour.
        async with altered(database, handle(4), handle(98)):
            with pytest.raises(RefusedByService, match="does not stand its own verification"):
                await download_record(case.remote(), handle(3), tmp_path / "r.zip")
        assert not list(tmp_path.glob("r.zip*"))


async def test_many_entries_of_one_submission(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is proved within the submission that they share, in the middle of its source log."""
    async with running_case(database, tmp_path / "data") as case:
        lines = [line(case.crawler, collected(3), at) for at in range(40)]
        await case.lab.post(case.crawler, lines)
        await case.lab.post(case.authority, [line(case.authority, issued(case.order()))])
        await download_record(case.remote(), handle(3), tmp_path / "r.zip")
        key = log_key(case)
    assert cli.main(["verify", str(tmp_path / "r.zip"), *key]) == 4
    assert f"{handle(3)}: 41 entries about this record" in capsys.readouterr().out
