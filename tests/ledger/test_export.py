"""A bundle that the service exports stands the verifier, says the same each time, and slows nobody."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from ledger import cli
from ledger.cli_export import download
from ledger.config import Database
from ledger.remote import RefusedByService, RemoteLog
from projections import events as ev
from projections.order import Order
from signing.keys import format_vkey
from signing.note import format_note, parse_note, sign_note
from signing.tiles import tile_path, tiles_of
from tests.ledger.altering import altered
from tests.ledger.lab import Lab, Poster, running_lab
from tests.ledger.test_anchoring import WITNESS, World, made_log_key
from tests.projections.deeds import handle, held, store
from tests.projections.evidence import issued, order

AUTHORITY = "ico.example"
ASSESSOR = "auditor.example"
CRAWLER = "crawler.clearview.example"
ORDER = f"{AUTHORITY}/en-2026-1"


def line(poster: Poster, data: ev.Data, at: int = 0) -> bytes:
    number = poster.frontier.end + at
    return ev.encode_event(
        ev.make_event(data, id=f"e-{number}", source=poster.source, time="2026-01-01T00:00:00Z")
    )


class Case:
    """A running service with an order in its log."""

    def __init__(self, lab: Lab, authority: Poster, crawler: Poster, assessor: Poster) -> None:
        self.lab = lab
        self.authority = authority
        self.crawler = crawler
        self.assessor = assessor

    @property
    def authority_vkey(self) -> str:
        return format_vkey(self.authority.signer.verifier)

    def order(self, *witnesses: str) -> Order:
        trust = msgspec.structs.replace(
            order().trust,
            log_vkey=format_vkey(self.lab.log.keys.log.verifier),
            assessors=(format_vkey(self.assessor.signer.verifier),),
            witnesses=witnesses,
        )
        return msgspec.structs.replace(order(), trust=trust)

    def remote(self) -> RemoteLog:
        return RemoteLog(self.lab.session, self.lab.service.url, self.lab.log.keys.log.verifier)

    async def fetch(self, path: Path, *, compact: bool = False) -> Path:
        await download(self.remote(), ORDER, path, compact=compact)
        return path


@asynccontextmanager
async def running_case(database: Database, data: Path) -> AsyncIterator[Case]:
    async with running_lab(database, data) as lab:
        yield await begin(lab)


async def begin(lab: Lab, *witnesses: str) -> Case:
    """Five copies held, and an order to erase them."""
    crawler = await lab.register(CRAWLER)
    authority, assessor = await lab.register(AUTHORITY, "authority"), await lab.register(ASSESSOR, "auditor")
    case = Case(lab, authority, crawler, assessor)
    await lab.post(crawler, [line(crawler, store()), line(crawler, held(*range(5)), 1)])
    await lab.post(authority, [line(authority, issued(case.order(*witnesses)))])
    return case


def verify(path: Path, *more: str) -> int:
    return cli.main(["verify", str(path), *more])


async def test_an_exported_bundle_is_sound(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_case(database, tmp_path / "data") as case:
        path = await case.fetch(tmp_path / "b.zip")
        vkey = case.authority_vkey
    # No quorum of witnesses: everything holds, and the time is one party's word.
    capsys.readouterr()
    assert verify(path, "--authority", vkey) == 4
    assert "breached on the controller's own word" in capsys.readouterr().out
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist()[:4] == ["README.txt", "report.html", "statement", "checkpoint"]
        page = archive.read("report.html").decode()
        assert "breached" in page
        assert "://" not in page
        assert "writ verify FILE.zip" in archive.read("README.txt").decode()


async def test_witnesses_vouch_for_all_that_is_exported(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path)
    key = await made_log_key(world, database)
    async with world.witness(key), world.service(database) as service, aiohttp.ClientSession() as session:
        lab = Lab(service, service.logs["clearview"], session)
        case = await begin(lab, f"witness w1 {format_vkey(WITNESS.verifier)}", "quorum w1")
        path = await case.fetch(tmp_path / "b.zip")
        vkey = case.authority_vkey
    capsys.readouterr()
    code, said = verify(path, "--authority", vkey), capsys.readouterr().out
    assert code == 3, said
    assert "witnesses named in the order (witness.example/w1)" in said
    world.policy = world.write_policy("http://127.0.0.1:1")
    async with world.service(database) as service, aiohttp.ClientSession() as session:
        case.lab = Lab(service, service.logs["clearview"], session)
        with pytest.raises(RefusedByService, match="no witness cosigned"):
            await case.fetch(tmp_path / "b.zip")


@pytest.mark.parametrize("compact", [False, True])
async def test_the_same_moment_gives_the_same_bytes(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compact: bool
) -> None:
    """Of two services, one after the other, each of which makes every bundle in a process of its own."""
    monkeypatch.setattr("ledger.export.time.time", lambda: 4_000_000_000.0)
    made = []
    async with running_case(database, tmp_path / "data") as case:
        await case.lab.post(case.crawler, case.crawler.events(600))
        made += [await case.fetch(tmp_path / f"{at}.zip", compact=compact) for at in (1, 2)]
    async with running_lab(database, tmp_path / "data") as lab:
        case.lab = lab
        await asyncio.sleep(1.1)  # a second of the real clock
        made.append(await case.fetch(tmp_path / "3.zip", compact=compact))
        assert lab.log.released is not None
        size = lab.log.released.checkpoint.size
    assert len({path.read_bytes() for path in made}) == 1
    with zipfile.ZipFile(made[0]) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        names = [name for name in archive.namelist() if name.startswith("tile/")]
    assert names == ([] if compact else [tile_path(tile) for tile in tiles_of(size)])


@pytest.mark.parametrize("compact", [False, True])
async def test_the_readme_is_for_any_screen(database: Database, tmp_path: Path, compact: bool) -> None:
    async with running_case(database, tmp_path / "data") as case:
        path = await case.fetch(tmp_path / "b.zip", compact=compact)
    with zipfile.ZipFile(path) as archive:
        text = archive.read("README.txt").decode("ascii")
        names = archive.namelist()
    assert max(map(len, text.splitlines())) <= 78
    assert text.startswith(f"Evidence on the order {ORDER}, version 1\n")
    for said in ("writ verify FILE.zip --authority VKEY", "verifier.html", "openssl"):
        assert said in text
    assert "check.py FILE.zip LOG_VKEY AUTHORITY_VKEY" in text
    assert ("proof/N/event" in text) is any(name.startswith("proof/") for name in names)


async def test_a_compact_bundle_waits_for_an_assessor(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_case(database, tmp_path / "data") as case:
        looked = ev.InventoryBegun(controller="clearview", inventory="i-1", store="people")
        await case.lab.post(case.assessor, [line(case.assessor, looked)])
        path = await case.fetch(tmp_path / "c.zip", compact=True)
        signer, vkey = case.assessor.signer, case.authority_vkey
    assert verify(path, "--authority", vkey) == 1
    assert "no assessor whom the order names" in capsys.readouterr().out
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    note = parse_note(files["statement"])
    files["statement"] = format_note(
        type(note)(note.text, (*note.signatures, *sign_note(note.text, signer).signatures))
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    code, said = verify(path, "--authority", vkey), capsys.readouterr().out
    assert code == 4, said
    assert "2 events stand in that log" in said


async def test_what_goes_wrong_is_told(database: Database, tmp_path: Path) -> None:
    async with running_case(database, tmp_path / "data") as case:
        with pytest.raises(RefusedByService, match="has no order ico"):
            await download(case.remote(), "ico.example/none", tmp_path / "b.zip", compact=False)
        assert not list(tmp_path.glob("b.zip*"))
        async with case.lab.session.get(f"{case.lab.service.url}/logs/none/orders/a%2Fb/bundle") as response:
            assert response.status == 404


async def test_a_log_that_is_not_whole_is_not_exported(database: Database, tmp_path: Path) -> None:
    """Somebody with the owner's login altered an entry: the export says so, and hands out nothing."""
    async with (
        running_case(database, tmp_path / "data") as case,
        altered(database, handle(3), handle(99)),
    ):
        with pytest.raises(RefusedByService, match="does not stand its own verification: entry"):
            await case.fetch(tmp_path / "b.zip")


async def test_appends_go_on_while_a_bundle_is_made(database: Database, tmp_path: Path) -> None:
    async with running_case(database, tmp_path / "data") as case:
        making = asyncio.create_task(case.fetch(tmp_path / "b.zip"))
        posted = 0
        while not making.done():
            await case.lab.post(case.crawler, case.crawler.events(1))
            posted += 1
            await asyncio.sleep(0.01)
        await making
    assert posted > 5


async def test_a_running_log_is_replayed_from_its_url(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_case(database, tmp_path / "data") as case:
        for _ in range(3):
            await case.lab.post(case.crawler, case.crawler.events(100))
        capsys.readouterr()
        assert await asyncio.to_thread(cli.main, ["replay", case.lab.url, "--json"]) == 0
        said = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert case.lab.log.released is not None
        assert said["size"] == case.lab.log.released.checkpoint.size
        assert said["orders"][0]["id"] == ORDER


async def test_the_command(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_case(database, tmp_path / "data") as case:
        vkey = format_vkey(case.lab.log.keys.log.verifier)
        words = ["export", ORDER, "-o", str(tmp_path / "b.zip"), "--url", case.lab.service.url, "--log", vkey]
        assert await asyncio.to_thread(cli.main, words) == 0
        said = capsys.readouterr().out
        assert "writ verify" in said
        assert "assessor" not in said
        # At a terminal it is seen that the service is at work, which replays the log first.
        monkeypatch.setattr("ledger.cli_waiting.PATIENCE_S", 0.0)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        assert await asyncio.to_thread(cli.main, [*words, "--compact"]) == 0
    out, err = capsys.readouterr()
    assert "no assessor has signed its statement yet" in out, "verifying would fail"
    assert "waiting" in err
