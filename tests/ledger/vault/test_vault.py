"""The vault beside a real log: kept, shown, erased for good; and put back from backups by the careless."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ledger import cli
from ledger.config import Database
from ledger.vault.announcing import speaker
from ledger.vault.vault import open_vault
from tests.ledger.command_line import Session, running_session, writ
from tests.ledger.test_cli_story import tell
from tests.ledger.vault.keeping import KEEPER, Keeping
from tests.projections.deeds import handle
from tests.projections.evidence import ORDER

RECORD = handle(1)


@pytest_asyncio.fixture
async def session(database: Database, tmp_path: Path) -> AsyncIterator[Session]:
    async with running_session(database, tmp_path, public=True) as session:
        yield session


@pytest_asyncio.fixture
async def keeping(session: Session, tmp_path: Path) -> Keeping:
    return Keeping(session, await session.register(KEEPER, "controller"), tmp_path / "vault")


def shell(script: str) -> str:
    """What a shell prints."""
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


async def test_from_keeping_to_erasing(keeping: Keeping, tmp_path: Path) -> None:
    first, second = await keeping.keep("certificate of Jane Doe\n", "log of 7 November\n")
    other = (await keeping.keep("receipt\n", subject=("--record", RECORD)))[0]
    assert await keeping.said() == [("kept", tuple(sorted((first, second)))), ("kept", (other,))]
    events = [event for event in await keeping.session.events() if event["type"].startswith("writ.evidence")]
    assert [event["data"].get("order") for event in events] == [ORDER, None]
    assert [event["data"].get("records") for event in events] == [None, [RECORD]]
    # An order has one key, a record another.
    assert keeping.key_of(first) == keeping.key_of(second) != keeping.key_of(other)
    assert not any(b"Jane" in path.read_bytes() for path in keeping.vault.rglob("*") if path.is_file()), (
        "nothing is legible at rest"
    )
    words = ("--cause", "request", "--cause-ref", "dsr-2026-7")
    done = await keeping.run("erase", "--record", RECORD, *words)
    assert done["erased"] == [other]
    assert (await keeping.said())[2:] == [("requested", (other,)), ("erased", (other,))]
    assert keeping.pieces() == {first, second}
    assert keeping.key_ids() == {keeping.key_of(first)}
    assert keeping.content(first) == "certificate of Jane Doe\n"
    listed = json.loads(writ("vault", "list", str(keeping.vault), "--json").stdout)["pieces"]
    assert {one["sha256"]: one["state"] for one in listed} == {first: "kept", second: "kept", other: "erased"}
    shown = writ("vault", "show", str(keeping.vault), other, "-o", str(tmp_path / "out"))
    assert (shown.returncode, "was erased" in shown.stderr) == (1, True)


async def test_anybody_opens_a_hash_with_sha256sum(keeping: Keeping, tmp_path: Path) -> None:
    (piece,) = await keeping.keep("certificate\n")
    out = tmp_path / "out.txt"
    assert writ("vault", "show", str(keeping.vault), piece, "-o", str(out)).returncode == 0
    assert {path.stat().st_mode & 0o777 for path in (out, tmp_path / "out.txt.salt")} == {0o600}
    script = f"{{ printf 'writ/evidence/v1\\n'; xxd -r -p {out}.salt; cat {out}; }} | sha256sum"
    if shutil.which("xxd"):
        assert shell(script).split()[0] == piece
    # What stands there already is not replaced.
    again = writ("vault", "show", str(keeping.vault), piece, "-o", str(out))
    assert (again.returncode, "exists" in again.stderr) == (1, True)


async def test_one_of_several_under_a_key_is_erased_and_the_others_stay(keeping: Keeping) -> None:
    documents = [f"document {number}\n" for number in range(4)]
    pieces = await keeping.keep(*documents)
    old, sealed = keeping.key_of(pieces[0]), (keeping.vault / "pieces" / pieces[1]).read_bytes()
    await keeping.run("erase", "--piece", pieces[0], pieces[2])
    assert keeping.pieces() == {pieces[1], pieces[3]}
    assert [keeping.content(pieces[number]) for number in (1, 3)] == [documents[1], documents[3]]
    # A backup of what was sealed before is worth nothing: its key is gone, of the others too.
    assert old not in keeping.key_ids()
    (keeping.vault / "pieces" / pieces[1]).write_bytes(sealed)
    shown = writ("vault", "show", str(keeping.vault), pieces[1], "-o", str(keeping.vault.parent / "x"))
    assert f"the key {old} is not in" in shown.stderr


async def test_more_pieces_than_an_event_can_name(keeping: Keeping) -> None:
    documents = [f"receipt {number}\n" for number in range(203)]
    pieces = await keeping.keep(*documents)
    await keeping.run("erase", "--order", ORDER)
    said = await keeping.said()
    assert [word for word, _ in said] == ["kept"] * 3 + ["requested"] * 3 + ["erased"] * 3
    for word in ("kept", "requested", "erased"):
        assert sorted(one for told, names in said if told == word for one in names) == sorted(pieces)
    assert keeping.pieces() == set()
    assert keeping.key_ids() == set()


async def test_nothing_is_destroyed_while_the_log_is_away(keeping: Keeping) -> None:
    (piece,) = await keeping.keep("certificate\n")
    words = ["vault", "erase", str(keeping.vault), "--order", ORDER, "--patience", "0.1"]
    words += ["--log", keeping.session.log_vkey, "--key", keeping.key, "--url", "http://127.0.0.1:9"]
    assert writ(*words).returncode == 1
    assert keeping.content(piece) == "certificate\n"
    assert [word for word, _ in await keeping.said()] == ["kept"]


async def test_a_log_that_refuses_the_request_keeps_the_key(keeping: Keeping) -> None:
    """Whose key was revoked can't say that he erases, so he does not erase."""
    session = keeping.session
    (piece,) = await keeping.keep("certificate\n")
    await session.value(
        "key", "revoke", session.vkeys[KEEPER], "--role", "controller", key=session.service.admin_key_path
    )
    assert "revoked" in await keeping.refused("erase", "--order", ORDER)
    assert keeping.key_ids() == {keeping.key_of(piece)}
    assert [word for word, _ in await keeping.said()] == ["kept"]


async def test_a_key_that_is_elsewhere_is_not_gone(keeping: Keeping, tmp_path: Path) -> None:
    """As where the volume that the keys are on is not there."""
    (piece,) = await keeping.keep("certificate\n")
    (keeping.vault / "keys").rename(tmp_path / "volume")
    more = keeping.document("log\n")
    assert "is not in" in await keeping.refused("keep", str(more), "--order", ORDER)
    assert "is not in" in await keeping.refused("erase", "--order", ORDER)
    assert [word for word, _ in await keeping.said()] == ["kept", "requested"]
    assert keeping.pieces() == {piece}
    (keeping.vault / "keys").rmdir()
    (tmp_path / "volume").rename(keeping.vault / "keys")
    await keeping.run("erase")
    assert [word for word, _ in await keeping.said()] == ["kept", "requested", "erased"]
    assert keeping.key_ids() == keeping.pieces() == set()


async def test_of_a_document_that_is_gone_the_keys_go_too(keeping: Keeping, tmp_path: Path) -> None:
    """A copy of it may be elsewhere. What is sealed beside it stays."""
    first, second = await keeping.keep("certificate\n", "log\n")
    old = keeping.key_of(first)
    (keeping.vault / "pieces" / first).rename(tmp_path / "copy")
    await keeping.run("erase", "--piece", first)
    assert old not in keeping.key_ids()
    assert keeping.content(second) == "log\n"


async def test_a_key_put_back_from_a_backup_is_destroyed_again(keeping: Keeping, tmp_path: Path) -> None:
    await keeping.keep("certificate\n")
    for name in ("keys", "pieces"):
        shutil.copytree(keeping.vault / name, tmp_path / f"backup-{name}")
    await keeping.run("erase", "--order", ORDER)
    for name in ("keys", "pieces"):
        shutil.rmtree(keeping.vault / name)
        shutil.copytree(tmp_path / f"backup-{name}", keeping.vault / name)
    assert keeping.key_ids()
    with open_vault(keeping.vault):
        pass
    assert keeping.key_ids() == set()
    assert keeping.pieces() == set()


@pytest.mark.parametrize("state", [False, True])
async def test_a_vault_put_back_whole_learns_from_the_log(
    keeping: Keeping, tmp_path: Path, *, state: bool
) -> None:
    """With its memory, and with the poster's memory too: nothing here knows of the erasure any more."""
    first, second = await keeping.keep("certificate\n", "log\n")
    shutil.copytree(keeping.vault, tmp_path / "backup")
    shutil.copytree(f"{keeping.key}.state", tmp_path / "backup-state")
    await keeping.run("erase", "--piece", first)
    (later,) = await keeping.keep("kept after the backup\n")
    shutil.rmtree(keeping.vault)
    shutil.copytree(tmp_path / "backup", keeping.vault)
    if state:
        shutil.rmtree(f"{keeping.key}.state")
        shutil.copytree(tmp_path / "backup-state", f"{keeping.key}.state")
    assert keeping.content(first) == "certificate\n", "it is back"
    said = await keeping.said()
    old = keeping.key_of(first)
    await keeping.run("erase")
    assert old not in keeping.key_ids()
    assert keeping.pieces() == {second}
    assert keeping.content(second) == "log\n"
    assert await keeping.said() == said, "the log knows it already"
    listed = json.loads(writ("vault", "list", str(keeping.vault), "--json").stdout)["pieces"]
    assert {one["sha256"]: one["state"] for one in listed} == {
        first: "erased", second: "kept", later: "kept"
    }  # fmt: skip
    shown = writ("vault", "show", str(keeping.vault), later, "-o", str(tmp_path / "x"))
    assert "is gone" in shown.stderr


async def test_a_key_put_back_without_its_pieces_is_destroyed_again(keeping: Keeping, tmp_path: Path) -> None:
    """A backup of the pieces may be elsewhere. The memory that is put back knows of no erasure, nor which key
    what is gone was sealed under."""
    first, second = await keeping.keep("certificate\n", "log\n")
    shutil.copytree(keeping.vault, tmp_path / "backup")
    old = keeping.key_of(first)
    await keeping.run("erase", "--piece", first)
    new = keeping.key_of(second)
    shutil.copy(tmp_path / "backup" / "memory", keeping.vault / "memory")
    shutil.copy(tmp_path / "backup" / "keys" / f"{old}.key", keeping.vault / "keys")
    await keeping.run("erase")
    assert keeping.key_ids() == {new}
    assert keeping.content(second) == "log\n"
    (third,) = await keeping.keep("another\n")
    assert keeping.key_of(third) != old


async def test_a_copy_of_a_vault_that_goes_on_by_itself_is_stopped(keeping: Keeping, tmp_path: Path) -> None:
    await keeping.keep("certificate\n")
    shutil.copytree(keeping.vault, tmp_path / "copy")
    await keeping.keep("log\n")
    copy = Keeping(keeping.session, keeping.key, tmp_path / "copy")
    with open_vault(copy.vault) as vault:
        pieces = vault.memory.pieces()
        identity = vault.memory.identity
        assert identity is not None
        vault.request(pieces, "erasure-1", "other", "", speaker(identity.source))
    assert "tell two stories" in await copy.refused("erase")
    assert copy.content(pieces[0].sha256) == "certificate\n"


async def test_who_names_nothing_that_is_there_is_told(keeping: Keeping) -> None:
    (piece,) = await keeping.keep("certificate\n")
    assert "nothing is kept for" in await keeping.refused("erase", "--record", RECORD)
    assert "was never kept" in await keeping.refused("erase", "--piece", "0" * 64)
    assert (await keeping.run("erase", "--piece", piece))["erased"] == [piece]
    assert (await keeping.run("erase", "--piece", piece))["erased"] == []
    with open_vault(keeping.vault):
        assert "has the vault" in await keeping.refused("erase")
    none = writ("vault", "list", str(keeping.vault.parent / "elsewhere"))
    assert (none.returncode, "is no vault" in none.stderr) == (1, True)


async def test_every_proof_verifies_after_the_erasure_as_it_did(
    session: Session, keeping: Keeping, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await tell(session)
    (piece,) = await keeping.keep("certificate of destruction\n")
    deleted: dict[str, Any] = {
        "type": "writ.data.deleted.v1",
        "data": {
            "cause": "order", "cause_ref": ORDER, "controller": "clearview", "irrecoverable": True,
            "evidence": [{"kind": "certificate", "sha256": piece}], "method": "purge",
            "records": sorted(handle(number) for number in range(7)), "store": "people",
        },
    }  # fmt: skip
    crawler = str(session.folder / "crawler.clearview.example.key")
    await session.value("post", "-", key=crawler, stdin=json.dumps(deleted).encode())
    before, after = tmp_path / "before.zip", tmp_path / "after.zip"
    for path in (before, after):
        await session.ask("export", ORDER, "-o", str(path))
        if path is before:
            await keeping.run("erase", "--piece", piece)
    statements = []
    for path in (before, after):
        capsys.readouterr()
        # No witnesses are named, so no time is proved; all else is sound.
        code = cli.main(["verify", str(path), "--authority", session.vkeys["ico.example"], "--json"])
        said = json.loads(capsys.readouterr().out)
        assert code == 4, said
        statements.append(said)
    assert statements[0]["verdict"] == statements[1]["verdict"]
    assert cli.main(["replay", str(after), "--json"]) == 0
