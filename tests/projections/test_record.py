"""A record's bundle proves each entry that it has, and says that it can't prove that there are no others."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.cli import main
from projections.runners import record as module
from projections.runners.record import Record, format_record, parse_record
from projections.statement import Log
from signing.errors import FormatError
from signing.keys import COSIGNATURE
from signing.note import format_note, parse_note
from tests.projections.deeds import TOKEN, collected, erased, handle, held, register_token
from tests.projections.evidence import AUTHORITY, CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import (
    ADMIN,
    GATEWAY,
    ORIGIN,
    key_of,
    vkey_of,
    write_zip,
)
from tests.projections.recorded import WHO, Files, bundle, entries_with, policy, said
from tests.projections.verifying import CARRIED_OUT, NOT_SOUND, ONE_WORD, USAGE, Out, finished


@pytest.fixture
def done() -> Evidence:
    """A log in which ten records were held and erased."""
    return finished()


def verify(files: Files, folder: Path, *more: str) -> int:
    path = write_zip(files, folder / "r.zip")
    return main(["verify", str(path), *more])


def check(files: Files, folder: Path, *more: str) -> int:
    """As a reader does who brings the log's key and his witness."""
    return verify(files, folder, "--log", vkey_of(ORIGIN), "--policy", policy(folder), *more)


def refused(files: Files, folder: Path, capsys: Out) -> str:
    code = check(files, folder)
    out = capsys.readouterr().out
    assert code == NOT_SOUND, out
    assert out.startswith("NOT SOUND")
    return out


def test_what_the_log_has_of_a_record(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    code = check(bundle(done), tmp_path)
    out = capsys.readouterr().out
    assert code == CARRIED_OUT, out
    assert out.startswith(f"{WHO}: 2 entries about this record\n")
    assert f"by {CRAWLER} (controller, key id {key_of(CRAWLER).verifier.key_id.hex()}): data.held" in out
    assert "data.deleted" in out
    assert "categories=user." in out
    assert "that no other entry below" in out
    assert "they saw this log and no other" in out
    # Whom else these entries name is nothing for who asks.
    assert handle(4) not in out


def test_json(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    assert check(bundle(done), tmp_path, "--json") == CARRIED_OUT
    out = json.loads(capsys.readouterr().out)
    assert (out["kind"], out["record"], out["sound"], out["untold"]) == ("record", WHO, True, 0)
    assert [one["type"] for one in out["told"]] == ["writ.data.held.v1", "writ.data.deleted.v1"]
    assert "records" not in out["told"][0]["data"]


def test_no_entries_is_an_answer(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = {name: raw for name, raw in bundle(done).items() if not name.startswith("proof/")}
    files |= done.proofs(1) | {"record": said(done, [])}
    assert check(files, tmp_path) == CARRIED_OUT
    assert f"{WHO}: 0 entries about this record" in capsys.readouterr().out


def test_a_token_s_events_are_told_as_such(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    register_token(done.log)
    done.log.post_events(GATEWAY, done.log.event(collected(3), TOKEN))
    code = check(bundle(done), tmp_path)
    out = capsys.readouterr().out
    assert code == CARRIED_OUT, out
    assert f"by {TOKEN} (controller, a token's, not signed by its bearer): data.collected" in out


def test_many_entries_are_counted(
    done: Evidence, tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TOLD", 1)
    assert check(bundle(done), tmp_path) == CARRIED_OUT
    out = capsys.readouterr().out
    assert "2 entries about this record" in out
    assert "and 1 more" in out
    assert "data.deleted" not in out


def test_without_key_or_witnesses_it_is_one_word(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = bundle(done)
    assert verify(files, tmp_path) == ONE_WORD
    out = capsys.readouterr().out
    assert "no --log was given" in out
    assert "no --policy was given" in out
    assert "rests on the operator's word alone" in out
    assert verify(files, tmp_path, "--log", vkey_of(ORIGIN)) == ONE_WORD
    assert verify(files, tmp_path, "--policy", policy(tmp_path)) == ONE_WORD
    strangers = (f"witness w2 {vkey_of('witness.example/w2', COSIGNATURE)}", "quorum w2")
    more = ("--log", vkey_of(ORIGIN), "--policy", policy(tmp_path, *strangers))
    assert verify(files, tmp_path, *more) == ONE_WORD
    assert "lacks the cosignatures that your policy asks for" in capsys.readouterr().out


def test_the_wrong_key_or_no_policy_is_usage(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    files = bundle(done)
    other = vkey_of("ledger.example/other")
    assert verify(files, tmp_path, "--log", other) == NOT_SOUND
    assert f"this is of the log {vkey_of(ORIGIN)}, not of {other}" in capsys.readouterr().out
    assert verify(files, tmp_path, "--log", vkey_of(WITNESS, COSIGNATURE)) == USAGE
    assert verify(files, tmp_path, "--log", "x") == USAGE
    assert verify(files, tmp_path, "--policy", str(tmp_path / "none")) == USAGE
    assert verify(files, tmp_path, "--policy", policy(tmp_path, "quorum nobody")) == USAGE
    mine = tmp_path / "mine"
    mine.write_bytes(done.log.rows[0].body)
    assert verify(files, tmp_path, "--with", str(mine)) == NOT_SOUND
    assert "can't show that it is in the log" in capsys.readouterr().out


# --- What an operator may try.


def first_of(done: Evidence, what: bytes = WHO.encode()) -> int:
    return entries_with(done.log, what)[0]


def without_proof(done: Evidence, files: Files) -> None:
    """An entry about the record is left out; that it is one stays signed."""
    index = first_of(done)
    for path in [one for one in files if one.startswith(f"proof/{index}/")]:
        del files[path]


def unlisted(done: Evidence, files: Files) -> None:
    files["record"] = said(done, entries_with(done.log, WHO.encode())[1:])


def of_somebody_else(done: Evidence, files: Files) -> None:
    """An entry that does not name the record is passed off as one that does."""
    other = first_of(done, b"writ.order.issued")
    files |= done.proofs(other)
    files["record"] = said(done, sorted([*entries_with(done.log, WHO.encode()), other]))


def beside_the_point(done: Evidence, files: Files) -> None:
    files |= done.proofs(first_of(done, b"writ.order.issued"))


def without_registration(done: Evidence, files: Files) -> None:
    index = first_of(done, CRAWLER.encode())
    for path in [one for one in files if one.startswith(f"proof/{index}/")]:
        del files[path]


def without_creation(done: Evidence, files: Files) -> None:
    for path in [one for one in files if one.startswith("proof/1/")]:
        del files[path]


def by_a_stranger(done: Evidence, files: Files) -> None:
    files["record"] = said(done, entries_with(done.log, WHO.encode()), "stranger.example")


def altered(done: Evidence, files: Files) -> None:
    path = f"proof/{first_of(done)}/event"
    files[path] = files[path].replace(b'"GB"', b'"FR"')


def with_tiles(done: Evidence, files: Files) -> None:
    files["tile/0/000"] = b""


def with_statement(done: Evidence, files: Files) -> None:
    files["statement"] = done.files()["statement"]


def of_an_older_log(done: Evidence, files: Files) -> None:
    older = Evidence(replace(done.log, rows=done.log.rows[:-1]))
    files["record"] = said(older, entries_with(done.log, WHO.encode()))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (without_proof, "is about this record, as the operator signed, and not here"),
        (unlisted, "is not among those that the operator signed"),
        (of_somebody_else, f"does not name the record {WHO}"),
        (beside_the_point, "ico.example (key id"),
        (without_registration, f"the key {CRAWLER} (key id"),
        (without_creation, "proof/1/event is missing"),
        (by_a_stranger, "`record` is not signed by the log's operator"),
        (altered, "is not in the tree"),
        (with_tiles, "tile/0/000: no part of a record's bundle"),
        (with_statement, "statement: no part of a record's bundle"),
        (of_an_older_log, "not about the log of this checkpoint"),
    ],
)
def test_a_hostile_operator_is_refused(
    done: Evidence,
    tmp_path: Path,
    capsys: Out,
    change: Callable[[Evidence, Files], None],
    why: str,
) -> None:
    files = bundle(done)
    if change is beside_the_point:
        # Only the crawler's registration is there.
        for index in entries_with(done.log, AUTHORITY.encode()):
            files = {name: raw for name, raw in files.items() if not name.startswith(f"proof/{index}/")}
    change(done, files)
    assert why in refused(files, tmp_path, capsys)


def test_an_event_in_another_s_name(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    """The log let in what its administrator signed, in the crawler's source log."""
    done.log.keys[CRAWLER] = msgspec.structs.replace(key_of(CRAWLER), seed=bytes(32))
    done.log.post(CRAWLER, erased(3))
    assert "no log accepts it on what this bundle shows" in refused(bundle(done), tmp_path, capsys)


def test_a_forged_signature(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    index = first_of(done)
    opening = max(at for at in range(index) if done.log.rows[at].kind == "submission")
    note = parse_note(done.log.rows[opening].body)
    forged = msgspec.structs.replace(note.signatures[0], signature=bytes(64))
    body = format_note(msgspec.structs.replace(note, signatures=(forged,)))
    done.log.rows[opening] = replace(done.log.rows[opening], body=body)
    assert f"{CRAWLER} did not sign its submission" in refused(bundle(done), tmp_path, capsys)


def test_a_role_that_may_not_say_so(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    done.log.post(AUTHORITY, held(3))
    assert "the role authority may not post" in refused(bundle(done), tmp_path, capsys)


def test_a_revoked_key(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    done.log.revoke(CRAWLER, "controller")
    done.log.post(CRAWLER, erased(3))
    assert "was revoked by entry" in refused(bundle(done), tmp_path, capsys)


def test_a_log_created_twice(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    done.log.post(ADMIN, done.log.created())
    assert "was created by entry 1" in refused(bundle(done), tmp_path, capsys)


def test_a_revocation_of_nobody(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    done.log.revoke("nobody.example", "controller")
    assert "no log accepts it on what this bundle shows" in refused(bundle(done), tmp_path, capsys)


# --- The note.


@given(st.binary())
def test_parsing_is_exact_and_total(raw: bytes) -> None:
    text = module.HEADER + raw.decode("utf-8", "replace")
    with contextlib.suppress(FormatError):
        assert format_record(parse_record(text)) == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[1,2]", "[2,1]"),
        ("[1,2]", "[1,1]"),
        ("[1,2]", "[-1,2]"),
        ("[1,2]", "[1, 2]"),
        ("[1,2]", "[1.0,2]"),
        (WHO, WHO.upper()),
        (WHO, WHO[1:]),
        ('"size":9', '"size":9,"x":1'),
        (module.HEADER, "writ/record/v2\n"),
    ],
)
def test_what_is_no_record(old: str, new: str) -> None:
    text = format_record(Record((1, 2), WHO, Log(ORIGIN, "A" * 43 + "=", 9)))
    assert parse_record(text).entries == (1, 2)
    assert old in text
    with pytest.raises(FormatError):
        parse_record(text.replace(old, new))
