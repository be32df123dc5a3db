"""Assessors attest a statement and post it; a bundle made of it later carries what all of them signed."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from ledger import cli
from ledger.attesting import MAX_BYTES, Deposit, attest
from ledger.cli_export import download
from ledger.config import Database
from ledger.keyfiles import write_key
from ledger.remote import RefusedByService
from projections import events as ev
from projections.statement import Statement, format_statement, parse_statement
from signing.attestation import statement_hash
from signing.checkpoint import sign_checkpoint
from signing.encoding import encode_base64
from signing.keys import SigningKey, format_signing_key, format_vkey
from signing.note import Note, NoteSignature, format_note, parse_note
from tests.check_ledger import check_ledger
from tests.ledger.lab import Lab, running_lab, seeded_key
from tests.ledger.test_anchoring import WITNESS, World, made_log_key
from tests.ledger.test_export import ASSESSOR, AUTHORITY, CRAWLER, ORDER, Case, line, verify
from tests.projections.deeds import held, store
from tests.projections.evidence import issued

SECOND = "second.example"
Out = pytest.CaptureFixture[str]


async def demand_two(lab: Lab, *witnesses: str) -> Case:
    """Five copies held, and an order to erase them, which takes two assessors."""
    crawler = await lab.register(CRAWLER)
    authority, assessor = await lab.register(AUTHORITY, "authority"), await lab.register(ASSESSOR, "auditor")
    second = await lab.register(SECOND, "auditor")
    case = Case(lab, authority, crawler, assessor)
    order = case.order(*witnesses)
    assessors = tuple(sorted(format_vkey(one.signer.verifier) for one in (assessor, second)))
    trust = msgspec.structs.replace(order.trust, assessors=assessors, assessors_needed=2)
    order = msgspec.structs.replace(order, trust=trust)
    await lab.post(crawler, [line(crawler, store()), line(crawler, held(*range(5)), 1)])
    await lab.post(authority, [line(authority, issued(order))])
    return case


@asynccontextmanager
async def witnessed_case(database: Database, folder: Path) -> AsyncIterator[Case]:
    """With a witness, so that a bundle rests on more than the operator's word."""
    world = World(folder)
    key = await made_log_key(world, database)
    async with world.witness(key), world.service(database) as service, aiohttp.ClientSession() as session:
        lab = Lab(service, service.logs["clearview"], session)
        yield await demand_two(lab, f"witness w1 {format_vkey(WITNESS.verifier)}", "quorum w1")
    await check_ledger(database.owner_dsn, "clearview")


async def writ(*words: str) -> int:
    return await asyncio.to_thread(cli.main, [*words])


async def attested(case: Case, folder: Path, source: str, *more: str, signer: str = ASSESSOR) -> int:
    """Run `writ attest` as one of the assessors."""
    key = folder / f"{signer}.key"
    if not key.exists():
        write_key(key, format_signing_key(seeded_key(signer)))
    words = ("attest", source, "--authority", case.authority_vkey, "--key", str(key))
    return await writ(*words, *more)


async def exported(case: Case, path: Path, statement: Path, *more: str) -> Path:
    vkey = format_vkey(case.lab.log.keys.log.verifier)
    given = ("--url", case.lab.service.url, "--log", vkey, "--statement", str(statement))
    assert await writ("export", ORDER, "-o", str(path), *given, *more) == 0
    return path


async def compact_of_two(case: Case, folder: Path) -> Path:
    """A compact bundle that two assessors signed: one on a mirror, one on the log's URL, which has grown."""
    full = await case.fetch(folder / "full.zip")
    with zipfile.ZipFile(full) as archive:
        archive.extractall(folder / "mirror")
    await case.lab.post(case.crawler, case.crawler.events(3))
    mirror, url = str(folder / "mirror"), case.lab.service.url
    unchecked = ("--unchecked", "lineage", "store:people")
    assert await attested(case, folder, mirror, "-o", str(folder / "s"), "--url", url, *unchecked) == 0
    mine = ("--statement", str(full), "-o", str(folder / "s2"))
    assert await attested(case, folder, case.lab.url, *mine, signer=SECOND) == 0
    return await exported(case, folder / "compact.zip", folder / "s", "--compact")


async def listed(case: Case) -> Any:
    async with case.lab.session.get(f"{case.lab.url}/statements", params={"order": ORDER}) as got:
        assert got.status == 200
        return await got.json()


async def test_a_bundle_carries_what_assessors_signed(
    database: Database, tmp_path: Path, capsys: Out
) -> None:
    async with witnessed_case(database, tmp_path) as case:
        path = await compact_of_two(case, tmp_path)
        again = await exported(case, tmp_path / "again.zip", tmp_path / "s2", "--compact")
        full = await exported(case, tmp_path / "full2.zip", tmp_path / "full.zip")
        (found,) = await listed(case)
        async with case.lab.session.get(f"{case.lab.url}/statements/{found['statement']}") as got:
            note = parse_note(await got.read())
        vkey = case.authority_vkey
    assert path.read_bytes() == again.read_bytes()
    assert [(one["name"], one["unchecked"]) for one in found["signed"]] == [
        (ASSESSOR, ["lineage", "store:people"]), (SECOND, []),
    ]  # fmt: skip
    with zipfile.ZipFile(path) as archive:
        bundled = parse_note(archive.read("statement"))
    assert note.text == bundled.text
    assert [one.name for one in bundled.signatures] == ["ledger.example/clearview/operator", ASSESSOR, SECOND]
    assert note.signatures == bundled.signatures[1:]
    capsys.readouterr()
    for one in (path, full):
        code, said = verify(one, "--authority", vkey), capsys.readouterr().out
        assert code == 3, said
        assert "2 of the 2 assessors that the order names signed; 2 are needed" in said
        assert "auditor.example did not check: what was derived from what, the store people" in said
        assert "more than the assessor second.example checked, who names nothing that he left out" in said
        assert "witnesses named in the order (witness.example/w1)" in said


async def test_one_of_two_is_not_enough(database: Database, tmp_path: Path, capsys: Out) -> None:
    async with running_lab(database, tmp_path / "data") as lab:
        case = await demand_two(lab)
        full = await case.fetch(tmp_path / "full.zip")
        words = (str(full), "-o", str(tmp_path / "s"), "--url", lab.service.url)
        for _ in range(2):
            assert await attested(case, tmp_path, *words) == 0
        path = await exported(case, tmp_path / "c.zip", tmp_path / "s", "--compact")
        vkey = case.authority_vkey
    capsys.readouterr()
    assert verify(path, "--authority", vkey) == 1
    assert "1 of the 2 assessors that the order names signed; 2 are needed" in capsys.readouterr().out


async def test_an_assessor_makes_a_statement_of_his_own(
    database: Database, tmp_path: Path, capsys: Out
) -> None:
    """Without the operator's: as of the log's end, and the service makes the bundle of it all the same."""
    async with witnessed_case(database, tmp_path) as case:
        await case.fetch(tmp_path / "full.zip")
        for signer in (ASSESSOR, SECOND):
            output = ("--order", ORDER, "-o", str(tmp_path / signer))
            assert await attested(case, tmp_path, case.lab.url, *output, signer=signer) == 0
        (found,) = await listed(case)
        path = await exported(case, tmp_path / "c.zip", tmp_path / SECOND, "--compact")
        vkey = case.authority_vkey
    assert len(found["signed"]) == 2
    capsys.readouterr()
    # The checkpoint that a log's URL gives is signed by the log alone: the time is the operator's word.
    code, said = verify(path, "--authority", vkey), capsys.readouterr().out
    assert code == 4, said


class Posted:
    """An honest deposit of an assessor, and what may be wrong with it."""

    def __init__(self, case: Case, bundle: Path) -> None:
        self.case = case
        with zipfile.ZipFile(bundle) as archive:
            self.text = parse_note(archive.read("statement")).text
            self.checkpoint = archive.read("checkpoint").decode()

    @property
    def statement(self) -> Statement:
        return parse_statement(self.text)

    def deposit(
        self,
        said: Statement | None = None,
        signer: SigningKey | None = None,
        unchecked: tuple[str, ...] = (),
        **changes: str,
    ) -> bytes:
        said = said or self.statement
        text = format_statement(said)
        note, attestation = attest(said, text, signer or seeded_key(ASSESSOR), unchecked)
        values = {
            "statement": format_note(note).decode(),
            "attestation": format_note(attestation).decode(),
            "checkpoint": self.checkpoint,
        }
        return msgspec.json.encode(Deposit(**(values | changes)))

    async def post(self, body: bytes) -> tuple[int, dict[str, Any]]:
        async with self.case.lab.session.post(f"{self.case.lab.url}/statements", data=BytesIO(body)) as got:
            return got.status, json.loads(await got.read())

    def about(self, **changes: Any) -> Statement:
        log = msgspec.structs.replace(self.statement.log, **changes)
        return msgspec.structs.replace(self.statement, log=log)

    def forged(self) -> str:
        line = NoteSignature(ASSESSOR, seeded_key(ASSESSOR).verifier.key_id, bytes(64))
        return format_note(Note(self.text, (line,))).decode()

    def of_another(self) -> str:
        other = format_statement(self.about(size=1))
        return format_note(attest(self.statement, other, seeded_key(ASSESSOR), ())[1]).decode()

    def older_checkpoint(self) -> str:
        released, key = self.case.lab.log.released, self.case.lab.log.keys.log
        assert released is not None
        older = msgspec.structs.replace(released.checkpoint, size=1)
        return format_note(sign_checkpoint(older, key)).decode()


WRONG: dict[str, tuple[Callable[[Posted], bytes], int, str, str | None]] = {
    "no JSON": (lambda one: b"{", 400, "malformed", None),
    "a field too many": (lambda one: one.deposit()[:-1] + b',"x":1}', 400, "malformed", None),
    "no note": (lambda one: one.deposit(statement="x"), 400, "malformed", "statement"),
    "another form": (lambda one: one.deposit(attestation=one.checkpoint), 400, "malformed", "attestation"),
    "too large": (lambda one: b" " * (MAX_BYTES + 1), 413, "too-large", None),
    "another log": (
        lambda one: one.deposit(one.about(origin="ledger.example/other")), 422, "wrong-log", "statement"
    ),
    "another root": (
        lambda one: one.deposit(one.about(root=encode_base64(bytes(32)))),
        422, "unknown-checkpoint", "statement",
    ),
    "a size it never had": (
        lambda one: one.deposit(one.about(size=999_999)), 422, "unknown-checkpoint", "statement"
    ),
    "of another statement": (
        lambda one: one.deposit(attestation=one.of_another()), 422, "wrong-log", "attestation"
    ),
    "an unknown key": (
        lambda one: one.deposit(signer=seeded_key("nobody.example")), 401, "unknown-key", "attestation"
    ),
    "no auditor's key": (
        lambda one: one.deposit(signer=seeded_key(CRAWLER)), 403, "not-allowed", "attestation"
    ),
    "a false signature": (
        lambda one: one.deposit(statement=one.forged()), 401, "bad-signature", "statement"
    ),
    "another size's checkpoint": (
        lambda one: one.deposit(checkpoint=one.older_checkpoint()), 422, "wrong-log", "checkpoint"
    ),
}  # fmt: skip


async def test_what_is_not_an_auditor_s_on_this_log_is_refused(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path / "data") as lab:
        case = await demand_two(lab)
        posted = Posted(case, await case.fetch(tmp_path / "full.zip"))
        for name, (make, status, problem, field) in WRONG.items():
            got, said = await posted.post(make(posted))
            expected = (status, f"urn:writ:problem:{problem}", field)
            assert (got, said["type"], said.get("field")) == expected, (name, said)
        assert await listed(case) == []
        first = await posted.post(posted.deposit(unchecked=("lineage",)))
        assert first[0] == 200
        # A retry finds what it made; another word of the same key is none.
        assert await posted.post(posted.deposit(unchecked=("lineage",))) == first
        status, said = await posted.post(posted.deposit())
        assert (status, said["type"]) == (409, "urn:writ:problem:attestation-conflict")
        assert await listed(case) == [first[1]]
        await revoke(lab, seeded_key(SECOND))
        status, said = await posted.post(posted.deposit(signer=seeded_key(SECOND)))
        assert (status, said["type"]) == (403, "urn:writ:problem:revoked")
        async with lab.session.get(f"{lab.url}/statements") as answer:
            assert (answer.status, (await answer.json())["field"]) == (400, "order")


async def revoke(lab: Lab, key: SigningKey) -> None:
    await lab.adopt(lab.administrator)
    name = key.verifier.name
    data = ev.KeyRevoked(
        controller="clearview", name=name, reason="retired", role="auditor", vkey=format_vkey(key.verifier)
    )
    await lab.post(lab.administrator, [line(lab.administrator, data)])


async def test_what_the_log_does_not_give_is_not_exported(database: Database, tmp_path: Path) -> None:
    """An auditor's word is kept, but no bundle is made of it."""
    async with running_lab(database, tmp_path / "data") as lab:
        case = await demand_two(lab)
        posted = Posted(case, await case.fetch(tmp_path / "full.zip"))
        false = msgspec.structs.replace(posted.statement, verdict="carried_out")
        assert (await posted.post(posted.deposit(false)))[0] == 200
        assert (await posted.post(posted.deposit()))[0] == 200
        named = statement_hash(format_statement(false)).hex()
        for order, hash, why in (
            (ORDER, named, "this log does not give it: .* verdict says carried_out, the log gives"),
            (ORDER, "0" * 64, "nobody attested such a statement"),
            (ORDER, "x", "nobody attested such a statement"),
            ("ico.example/none", named, "nobody attested such a statement"),
        ):
            with pytest.raises(RefusedByService, match=why):
                await download(case.remote(), order, tmp_path / "c.zip", compact=True, statement=hash)
        assert not (tmp_path / "c.zip").exists()
