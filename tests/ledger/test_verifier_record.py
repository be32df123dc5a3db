"""The verifier page says of a bundle about one record what `writ verify --log --policy` says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from signing.keys import COSIGNATURE
from signing.note import format_note, parse_note
from tests.browser import IN_BROWSER, Browser
from tests.ledger.verifying_in_browser import both, both_of_record, shown
from tests.projections.deeds import TOKEN, collected, erased, handle, held, register_token
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import ADMIN, GATEWAY, ORIGIN, LogBuilder, key_of, vkey_of, write_zip
from tests.projections.recorded import WHO, bundle, entries_with, policy, said
from tests.projections.test_record import (
    altered,
    beside_the_point,
    by_a_stranger,
    of_an_older_log,
    of_somebody_else,
    unlisted,
    with_statement,
    with_tiles,
    without_creation,
    without_proof,
    without_registration,
)
from tests.projections.verifying import Out, finished

pytestmark = IN_BROWSER

Files = dict[str, bytes]


@pytest.fixture
def done() -> Evidence:
    """A log in which ten records were held and erased."""
    return finished()


async def check(browser: Browser, files: Files, folder: Path, out: Out, *lines: str) -> tuple[str, str]:
    """As a reader does who brings the log's key and his witness."""
    path = write_zip(files, folder / "r.zip")
    return await both_of_record(browser, path, out, vkey_of(ORIGIN), Path(policy(folder, *lines)))


async def test_a_sound_bundle(browser: Browser, done: Evidence, tmp_path: Path, capsys: Out) -> None:
    register_token(done.log)
    done.log.post_events(GATEWAY, done.log.event(collected(3), TOKEN))
    page, _ = await check(browser, bundle(done), tmp_path, capsys)
    assert page.startswith("Sound\n")
    assert "3 entries about this record" in page
    assert "a token's, not signed by its bearer): data.collected" in page
    assert "that no other entry below" in page
    assert handle(4) not in page, "whom else these entries name is nothing for who asks"


async def test_no_entries_is_an_answer(browser: Browser, done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = {name: raw for name, raw in bundle(done).items() if not name.startswith("proof/")}
    files |= done.proofs(1) | {"record": said(done, [])}
    page, _ = await check(browser, files, tmp_path, capsys)
    assert "0 entries about this record" in page


async def test_many_entries_are_counted(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    """A thousand are told one by one, the rest counted."""
    done.log.post(CRAWLER, *(held(3) for _ in range(1_001)))
    page, _ = await check(browser, bundle(done), tmp_path, capsys)
    assert "1,003 entries about this record" in page
    assert "and 3 more" in page


async def test_on_one_word(browser: Browser, done: Evidence, tmp_path: Path, capsys: Out) -> None:
    path = write_zip(bundle(done), tmp_path / "r.zip")
    mine = Path(policy(tmp_path))
    page, _ = await both_of_record(browser, path, capsys, None, None)
    assert "rests on the operator's word alone" in page
    assert "no log's key was given" in page
    assert "no witnesses were given" in page
    await both_of_record(browser, path, capsys, vkey_of(ORIGIN), None)
    await both_of_record(browser, path, capsys, None, mine)
    strangers = (f"witness w2 {vkey_of('witness.example/w2', COSIGNATURE)}", "quorum w2")
    page, _ = await check(browser, bundle(done), tmp_path, capsys, *strangers)
    assert "lacks the cosignatures that your policy asks for" in page


async def test_a_policy_as_people_write_it(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    first, second = (vkey_of(name, COSIGNATURE) for name in (WITNESS, "witness.example/w2"))
    lines = ("# whom I know", f"witness  w1\t{first}", f"witness w2 {second} https://w2.example/", "")
    page, _ = await check(browser, bundle(done), tmp_path, capsys, *lines, "group us 1 w1 w2", "quorum us ")
    assert page.startswith("Sound\n")
    page, _ = await check(browser, bundle(done), tmp_path, capsys, *lines, "group us all w1 w2", "quorum us")
    assert "rests on the operator's word alone" in page
    await check(browser, bundle(done), tmp_path, capsys, *lines, "quorum none")


async def test_what_can_t_be_used_is_told(browser: Browser, done: Evidence, tmp_path: Path) -> None:
    path = write_zip(bundle(done), tmp_path / "r.zip")
    assert "the log's key: this is a witness's key" in await shown(
        browser, path, None, "", log=vkey_of(WITNESS, COSIGNATURE)
    )
    assert "the log's key: " in await shown(browser, path, None, "", log="x")
    for text in ("quorum nobody", "witness w1 x\nquorum w1", "quorum none\nquorum none", "nonsense", "\x01"):
        assert "the witnesses: policy" in await shown(browser, path, None, "", policy=text)


async def test_the_fields_that_a_bundle_needs_are_shown(
    browser: Browser, done: Evidence, tmp_path: Path
) -> None:
    await browser.choose("#file", write_zip(bundle(done), tmp_path / "r.zip"))
    await browser.until("byId('on-order').hidden && !byId('on-record').hidden")
    await browser.choose("#file", done.zip(tmp_path))
    await browser.until("byId('on-record').hidden && !byId('on-order').hidden")


# --- What an operator may try.


async def test_another_log(browser: Browser, done: Evidence, tmp_path: Path, capsys: Out) -> None:
    path, other = write_zip(bundle(done), tmp_path / "r.zip"), vkey_of("ledger.example/other")
    page, _ = await both_of_record(browser, path, capsys, other, Path(policy(tmp_path)))
    assert f"this is of the log {vkey_of(ORIGIN)}, not of {other}" in page


def with_loose_json(done: Evidence, files: Files) -> None:
    files["record"] = files["record"].replace(b'{"entries":', b'{"entries": ')


def with_one_byte_more(done: Evidence, files: Files) -> None:
    path = max(name for name in files if name.endswith("submission"))
    files[path] += b"\n"


def with_a_cut_proof(done: Evidence, files: Files) -> None:
    path = min(name for name in files if name.endswith("event.tlog-proof"))
    lines = files[path].split(b"\n")
    files[path] = b"\n".join([*lines[:2], *lines[3:]])


@pytest.mark.parametrize(
    "change",
    [
        without_proof,
        unlisted,
        of_somebody_else,
        beside_the_point,
        without_registration,
        without_creation,
        by_a_stranger,
        altered,
        with_tiles,
        with_statement,
        of_an_older_log,
        with_loose_json,
        with_one_byte_more,
        with_a_cut_proof,
    ],
)
async def test_a_hostile_operator(
    browser: Browser,
    done: Evidence,
    tmp_path: Path,
    capsys: Out,
    change: Callable[[Evidence, Files], None],
) -> None:
    files = bundle(done)
    change(done, files)
    page, _ = await check(browser, files, tmp_path, capsys)
    assert page.startswith("Not sound")
    assert "of no expected form" not in page


def in_another_s_name(log: LogBuilder) -> None:
    log.keys[CRAWLER] = msgspec.structs.replace(key_of(CRAWLER), seed=bytes(32))
    log.post(CRAWLER, erased(3))


def forged(log: LogBuilder) -> None:
    index = entries_with(log, WHO.encode())[0]
    opening = max(at for at in range(index) if log.rows[at].kind == "submission")
    note = parse_note(log.rows[opening].body)
    false = msgspec.structs.replace(note.signatures[0], signature=bytes(64))
    body = format_note(msgspec.structs.replace(note, signatures=(false,)))
    log.rows[opening] = replace(log.rows[opening], body=body)


def out_of_role(log: LogBuilder) -> None:
    log.post(AUTHORITY, held(3))


def under_a_revoked_key(log: LogBuilder) -> None:
    log.revoke(CRAWLER, "controller")
    log.post(CRAWLER, erased(3))


def created_twice(log: LogBuilder) -> None:
    log.post(ADMIN, log.created())


def revoking_nobody(log: LogBuilder) -> None:
    log.revoke("nobody.example", "controller")


def revoking_twice(log: LogBuilder) -> None:
    log.revoke(CRAWLER, "controller")
    log.revoke(CRAWLER, "controller")


DISHONEST: list[Callable[[LogBuilder], None]] = [
    in_another_s_name,
    forged,
    out_of_role,
    under_a_revoked_key,
    created_twice,
    revoking_nobody,
    revoking_twice,
]


@pytest.mark.parametrize("cheat", DISHONEST)
async def test_a_dishonest_log(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out, cheat: Callable[[LogBuilder], None]
) -> None:
    cheat(done.log)
    _, failure = await check(browser, bundle(done), tmp_path, capsys)
    assert failure.startswith("entry "), failure


async def test_a_bundle_on_an_order_asks_for_an_authority(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    """What was typed for another kind of bundle does not count for this one."""
    page, _ = await both(browser, done.zip(tmp_path, ASSESSOR), done, capsys)
    assert page.startswith("Sound\n")
    path = write_zip(bundle(done), tmp_path / "r.zip")
    page = await shown(browser, path, vkey_of(AUTHORITY), "")
    assert page.startswith("Sound, but it rests on the operator's word alone")
