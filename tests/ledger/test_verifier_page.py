"""The verifier page in a real browser says of a bundle what `writ verify` says, and names the same place."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ledger.verifier_page import verifier_page
from projections import events as ev
from signing.checkpoint import sign_checkpoint
from signing.note import Note, format_note, parse_note
from tests.browser import IN_BROWSER, Browser
from tests.ledger.verifying_in_browser import both, shown
from tests.projections.deeds import TOKEN, collected, register_token, store
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import ADMIN, ORIGIN, LogBuilder, Row, key_of, vkey_of, write_zip
from tests.projections.verifying import Out, finished

pytestmark = IN_BROWSER

Files = dict[str, bytes]


@pytest.fixture
def done() -> Evidence:
    """A log whose order was carried out."""
    return finished()


async def test_a_sound_bundle(browser: Browser, done: Evidence, tmp_path: Path, capsys: Out) -> None:
    page, _ = await both(browser, done.zip(tmp_path), done, capsys)
    assert "signed by the log's operator alone" in page
    assert "believe it once writ verify has replayed the log" in page
    page, _ = await both(browser, done.zip(tmp_path, ASSESSOR), done, capsys)
    assert f"This verdict is signed by {ASSESSOR}, whom the order names as assessor" in page


async def test_a_compact_bundle(browser: Browser, done: Evidence, tmp_path: Path, capsys: Out) -> None:
    page, _ = await both(browser, write_zip(done.compact(ASSESSOR), tmp_path / "c.zip"), done, capsys)
    assert "a compact bundle" in page
    page, _ = await both(browser, write_zip(done.compact(), tmp_path / "c.zip"), done, capsys)
    assert "no assessor whom the order names has signed the statement" in page


async def test_nothing_is_loaded(browser: Browser) -> None:
    assert [one for one in browser.requested if not one.startswith(("file:", "blob:"))] == []
    assert 'src="' not in verifier_page()
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|importScripts", verifier_page())


async def test_on_one_word(browser: Browser, done: Evidence, tmp_path: Path, capsys: Out) -> None:
    page, _ = await both(browser, done.zip(tmp_path), done, capsys, authority=None)
    assert "no authority's key was given" in page
    alone = replace(done, witnesses=())
    files = alone.files(provisional=True)
    page, _ = await both(browser, write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert "lacks the cosignatures" in page


async def test_an_authority_that_ordered_nothing(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    page, _ = await both(browser, done.zip(tmp_path), done, capsys, authority=vkey_of("other.example"))
    assert "no order in this log is signed by other.example" in page
    path = write_zip(done.compact(ASSESSOR), tmp_path / "c.zip")
    page, _ = await both(browser, path, done, capsys, authority=vkey_of("other.example"))
    assert "no order in this bundle is signed by other.example" in page


async def test_a_statement_past_its_age(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    page, _ = await both(browser, done.zip(tmp_path), done, capsys, late_s=8 * 86_400)
    assert "8 days ago; the order accepts 7 days: what happened since is not in it" in page
    page, _ = await both(browser, done.zip(tmp_path), done, capsys, late_s=-3_600)
    assert "which is yet to come" in page


def last_tile(files: Files, level: str) -> str:
    return max(name for name in files if name.startswith(f"tile/{level}/"))


def flip(files: Files, name: str, at: int) -> None:
    raw = bytearray(files[name])
    raw[at] ^= 1
    files[name] = bytes(raw)


def entry_byte(files: Files) -> None:
    name = last_tile(files, "entries")
    flip(files, name, files[name].index(b'"GB"') + 1)


def entry_s_signature(files: Files) -> None:
    name = last_tile(files, "entries")
    flip(files, name, files[name].index("— ico.example ".encode()) + 40)


def level_0(files: Files) -> None:
    flip(files, last_tile(files, "0"), 100)


def truncated_hashes(files: Files) -> None:
    files[last_tile(files, "0")] = files[last_tile(files, "0")][:-1]


def truncated_entries(files: Files) -> None:
    files[last_tile(files, "entries")] = files[last_tile(files, "entries")][:-7]


def tile_left_out(files: Files) -> None:
    del files[last_tile(files, "entries")]


def statement_s_signature(files: Files) -> None:
    note = parse_note(files["statement"])
    first = note.signatures[0]
    false = type(first)(first.name, first.key_id, bytes(64))
    files["statement"] = format_note(Note(note.text, (false,)))


def log_s_signature(files: Files) -> None:
    files["checkpoint"] = files["checkpoint"].replace(b"\n27\n", b"\n26\n")


def no_statement(files: Files) -> None:
    files["statement"] = files["checkpoint"]


def loose_statement(files: Files) -> None:
    files["statement"] = files["statement"].replace(b'{"as_of":', b'{"as_of": ', 1)


TAMPERED: list[Callable[[Files], None]] = [
    entry_byte,
    entry_s_signature,
    level_0,
    truncated_hashes,
    truncated_entries,
    tile_left_out,
    statement_s_signature,
    log_s_signature,
    no_statement,
    loose_statement,
]


@pytest.mark.parametrize("tamper", TAMPERED)
async def test_a_tampered_bundle(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out, tamper: Callable[[Files], None]
) -> None:
    files = done.files()
    before = dict(files)
    tamper(files)
    assert files != before
    page, _ = await both(browser, write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert page.startswith("Not sound")


STRAY = [
    "tile/0/001.p/1",
    "tile/0/000",
    "tile/1/000.p/1",
    "tile/entries/000",
    "tile/00/000.p/27",
    "proof/007/event",
    "proof/7/event",
    "attestation/1",
    "attestation/01",
]


@pytest.mark.parametrize("path", STRAY)
async def test_what_its_kind_does_not_have(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out, path: str
) -> None:
    for files in (done.files(ASSESSOR), done.compact(ASSESSOR)):
        stray = {**files, path: files.get(path, b"")}
        page, _ = await both(browser, write_zip(stray, tmp_path / "b.zip"), done, capsys)
        assert page.startswith("Not sound")


async def test_a_proof_under_two_spellings(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    files = done.compact(ASSESSOR)
    again = {
        name.replace("proof/", "proof/0"): raw for name, raw in files.items() if name.startswith("proof/")
    }
    page, failure = await both(browser, write_zip(files | again, tmp_path / "b.zip"), done, capsys)
    assert failure.startswith("proof/0")
    assert "no part of a compact bundle" in page


async def test_a_false_cosignature_is_nobody_s(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    files = done.files(ASSESSOR)
    note = parse_note(files["checkpoint"])
    log, witness = note.signatures
    false = msgspec.structs.replace(witness, signature=witness.signature[:8] + bytes(64))
    files["checkpoint"] = format_note(Note(note.text, (log, false)))
    page, _ = await both(browser, write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert (
        f"the cosignature of the witness {WITNESS} on the checkpoint is false: it counts for nothing" in page
    )


async def test_a_statement_from_elsewhere(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    """Signed by the operator's own key, about an earlier size, and about other words of the order."""
    files = done.files()
    done.log.post(CRAWLER, collected(77))
    files["statement"] = done.files()["statement"]
    page, _ = await both(browser, write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert "the statement is about ledger.example/clearview at 29 entries, not about" in page
    said = done.statement().order
    files["statement"] = done.files(order=type(said)("A" * 43 + "=", said.id, said.version))["statement"]
    page, _ = await both(browser, write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert "its hash differs" in page


async def test_counted_is_what_the_anchors_prove(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    page, _ = await both(browser, done.zip(tmp_path, counted=20), done, capsys)
    assert "counted says 20, the log gives 25" in page


def drop(log: LogBuilder) -> None:
    del log.rows[9]


def alter(log: LogBuilder) -> None:
    index = next(at for at, row in enumerate(log.rows) if b"writ.data.held" in row.body)
    log.change(index, b'"GB"', b'"FR"')


def reorder(log: LogBuilder) -> None:
    log.move(9, 8)


def repeat(log: LogBuilder) -> None:
    log.rows[9:9] = log.rows[7:9]


def set_clock_back(log: LogBuilder) -> None:
    log.rows[9] = replace(log.rows[9], time_us=log.rows[9].time_us - 5_000_000)


def forge(log: LogBuilder) -> None:
    index = next(at for at, row in enumerate(log.rows) if row.body.startswith(b"ico.example\n"))
    note = parse_note(log.rows[index].body)
    first = note.signatures[0]
    body = format_note(Note(note.text, (type(first)(first.name, first.key_id, bytes(64)),)))
    log.rows[index] = Row("submission", log.rows[index].time_us, body)


def unregistered(log: LogBuilder) -> None:
    log.post("stranger.example", collected(78))


def revoked(log: LogBuilder) -> None:
    log.revoke(CRAWLER, "controller")
    log.post(CRAWLER, collected(78))


def out_of_role(log: LogBuilder) -> None:
    log.post(ASSESSOR, collected(78))


def for_another_log(log: LogBuilder) -> None:
    from projections.events import encode_event

    line = encode_event(log.event(collected(78), CRAWLER))
    log.post_lines(CRAWLER, [line], log="ledger.example/other")


def another_history(log: LogBuilder) -> None:
    from projections.events import encode_event
    from signing.checkpoint import Checkpoint

    line = encode_event(log.event(collected(78), CRAWLER))
    log.post_lines(CRAWLER, [line], seen=Checkpoint(ORIGIN, 5, bytes(32)))


def no_event(log: LogBuilder) -> None:
    log.post_lines(CRAWLER, [b'{"a":1}'])


def not_canonical(log: LogBuilder) -> None:
    from projections.events import encode_event

    line = encode_event(log.event(collected(78), CRAWLER))
    log.post_lines(CRAWLER, [line.replace(b":", b": ", 1)])


def revoked_twice(log: LogBuilder) -> None:
    log.revoke(CRAWLER, "controller")
    log.revoke(CRAWLER, "controller")


def token_revoked_by_another_secret(log: LogBuilder) -> None:
    register_token(log)
    said = {"controller": "clearview", "name": TOKEN, "role": "controller", "secret_sha256": "0" * 64}
    log.post(ADMIN, msgspec.convert(said, ev.TokenRevoked))


def store_of_nobody(log: LogBuilder) -> None:
    log.post(CRAWLER, msgspec.structs.replace(store("elsewhere"), operator_key="nobody.example"))


def store_registered_twice(log: LogBuilder) -> None:
    log.post(CRAWLER, store())


def store_retired_twice(log: LogBuilder) -> None:
    retired = ev.StoreRetired(controller="clearview", store="people")
    log.post(CRAWLER, retired, retired)


def clock_ahead(log: LogBuilder) -> None:
    log.anchor(WITNESS, time_s=log.now_us // 1_000_000 - 120)


DISHONEST: list[Callable[[LogBuilder], None]] = [
    drop,
    alter,
    reorder,
    repeat,
    set_clock_back,
    forge,
    unregistered,
    revoked,
    out_of_role,
    for_another_log,
    another_history,
    no_event,
    not_canonical,
    revoked_twice,
    token_revoked_by_another_secret,
    store_of_nobody,
    store_registered_twice,
    store_retired_twice,
    clock_ahead,
]


@pytest.mark.parametrize("cheat", DISHONEST)
async def test_a_thorough_operator(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out, cheat: Callable[[LogBuilder], None]
) -> None:
    """He chains everything anew and signs a fitting checkpoint and statement."""
    statement = done.files()["statement"]
    cheat(done.log)
    files = {**done.log.tree(WITNESS), "statement": statement}
    _, failure = await both(browser, write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert failure.startswith("entry "), failure


async def test_a_checkpoint_of_another_key(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    files = done.files()
    stranger = type(key_of(ORIGIN))(ORIGIN, 1, bytes(32))
    files["checkpoint"] = format_note(sign_checkpoint(done.log.checkpoint(), stranger))
    page, _ = await both(browser, write_zip(files, tmp_path / "b.zip"), done, capsys)
    assert "is not signed by 'ledger.example/clearview'" in page


async def test_what_can_t_be_used_is_told(browser: Browser, done: Evidence, tmp_path: Path) -> None:
    path = done.zip(tmp_path)
    assert "key: verifier key is not written name+hex8+base64, as writ keygen" in await shown(
        browser, path, "ico.example", ""
    )
    assert "witness's key" in await shown(browser, path, vkey_of(WITNESS, 4), ""), "a witness signs no orders"
    (text := tmp_path / "text").write_text("no bundle")
    said = await shown(browser, text, vkey_of(AUTHORITY), "")
    assert "not a bundle" in said
    assert "full bundle" not in said, "it is of no kind"
    assert "is not a time" in await shown(browser, path, None, "yesterday")
