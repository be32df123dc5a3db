"""What a service is sent that it can't take: each with its status, its problem, its place, and its words."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.config import Database
from ledger.gateway import BATCHED, STRUCTURED, open_token_post
from ledger.problems import Refused
from ledger.web import Limits
from signing.note import format_note, sign_note
from signing.submission import Submission, format_submission, format_submission_text
from tests.ledger.lab import Lab, Poster, collected, registered, running_lab, seeded_key

CRAWLER = seeded_key("crawler.clearview.example")
SECRET = "5" * 64
LINE = collected(CRAWLER.name, 0)
TOKEN_LINE = collected("crm.clearview.example", 0)


@pytest_asyncio.fixture
async def lab(database: Database, tmp_path: Path) -> AsyncIterator[Lab]:
    """A service with a crawler's key and a CRM's token, and little patience."""
    limits = Limits(body_bytes=1 << 20, body_timeout_s=0.5)
    async with running_lab(database, tmp_path, limits=limits) as running:
        await running.register(CRAWLER.name)
        await running.register_token("crm.clearview.example", SECRET)
        yield running


def signed(*lines: bytes, **changes: object) -> bytes:
    """A crawler's submission of these lines, its text changed before it is signed."""
    submission, _ = Poster(CRAWLER).sign(lines)
    text = msgspec.structs.replace(submission.text, **changes)
    note = sign_note(format_submission_text(text), CRAWLER)
    return format_submission(Submission(note, text, submission.lines))


def edited(old: str, new: str) -> bytes:
    """A submission of one line in which something was replaced before it was signed."""
    assert old.encode() in LINE
    return signed(LINE.replace(old.encode(), new.encode()))


def with_records(count: int) -> bytes:
    return signed(collected(CRAWLER.name, 0, records=count))


def twice_signed() -> bytes:
    submission, _ = Poster(CRAWLER).sign([LINE])
    note = sign_note(submission.note.text, CRAWLER, seeded_key("other.example"))
    return format_note(note) + b"\n" + LINE + b"\n"


def forged() -> bytes:
    body = signed(LINE)
    signature = body.split(b"\n")[7]
    return body.replace(signature, signature[:-6] + b"AAAA" + signature[-2:])


HANDLE = json.loads(LINE)["data"]["records"][0]

Expected = tuple[int, str, int | None, str | None, str]
"""Status, problem, line, field, and what the detail says."""


def malformed(says: str, field: str | None = None, line: int | None = 10) -> Expected:
    return 400, "malformed", line, field, says


SIGNED: dict[str, tuple[Callable[[], bytes], Expected]] = {
    "nothing": (lambda: b"", (400, "malformed", None, None, "six lines")),
    "not UTF-8": (
        lambda: signed(LINE.replace(b"public_web", b"public\xffweb")),
        malformed("byte"),
    ),
    "not UTF-8 in the note": (lambda: b"\xff" + signed(LINE), (400, "malformed", None, None, "UTF-8")),
    "not JSON": (lambda: signed(b"hello"), malformed("JSON")),
    "not an object": (lambda: signed(b"[1]"), malformed("object")),
    "not canonical": (lambda: edited(":", ": "), malformed("canonical")),
    "duplicate key": (
        lambda: edited('"minor":"unknown",', '"minor":"unknown","minor":"unknown",'),
        malformed("minor"),
    ),
    "float": (
        lambda: edited('"special_category":true', '"special_category":1.0'),
        malformed("is a float"),
    ),
    "number too great": (
        lambda: edited('"special_category":true', '"special_category":9007199254740993'),
        malformed(""),
    ),
    "unknown attribute": (
        lambda: signed(b'{"comment":"x",' + LINE[1:]),
        malformed("unknown", "comment"),
    ),
    "unknown field": (
        lambda: edited('"minor"', '"major":1,"minor"'),
        malformed("unknown", "data.major"),
    ),
    "unknown type": (
        lambda: edited("data.collected", "data.sold"),
        malformed("data.sold", "type"),
    ),
    "free text": (
        lambda: edited('"face_search"', '"he said so"'),
        malformed("match", "data.activity"),
    ),
    "an escape": (lambda: edited("face_search", "face\\u0041"), malformed("")),
    "wrong handle": (
        lambda: edited(HANDLE, HANDLE.upper()),
        malformed("handle", "data.records[0]"),
    ),
    "no records": (lambda: edited(f'"{HANDLE}"', ""), malformed("empty", "data.records")),
    "1,001 records": (
        lambda: with_records(1_001),
        malformed("1,000 are the most", "data.records"),
    ),
    "unsorted records": (
        lambda: edited(f'"{HANDLE}"', f'"{"f" * 32}","{"e" * 32}"'),
        malformed("sorted", "data.records[1]"),
    ),
    "the same record twice": (
        lambda: edited(f'"{HANDLE}"', f'"{HANDLE}","{HANDLE}"'),
        malformed("repeats", "data.records[1]"),
    ),
    "the second of two lines": (
        lambda: signed(LINE, b"{}"),
        malformed("missing", "type", line=11),
    ),
    "empty line": (lambda: signed(LINE) + b"\n", (400, "malformed", None, None, "announce")),
    "wrong size": (lambda: signed(LINE, size=2), (400, "malformed", None, None, "announce 2")),
    "size before beyond size": (
        lambda: signed(LINE).replace(b"\n1\n", b"\n0\n", 1),
        (400, "malformed", 5, None, "size before"),
    ),
    "size with a leading zero": (
        lambda: signed(LINE).replace(b"\n1\n", b"\n01\n", 1),
        (400, "malformed", 2, None, "leading"),
    ),
    "truncated body": (lambda: signed(LINE)[:-40], (400, "malformed", None, None, "cut off")),
    "truncated after a line": (
        lambda: signed(LINE, collected(CRAWLER.name, 1))[: -len(LINE) - 1],
        (400, "malformed", None, None, "announce"),
    ),
    "two signatures": (twice_signed, (400, "malformed", None, None, "one signature line")),
    "wrong signature": (forged, (401, "bad-signature", 8, None, "does not verify")),
    "unknown key": (
        lambda: Poster(seeded_key("stranger.example")).make([collected("stranger.example", 0)])[0],
        (401, "unknown-key", 8, None, "not registered"),
    ),
    "wrong root": (lambda: signed(LINE, root=bytes(32)), (422, "wrong-root", 3, "root", "root")),
    "another log": (
        lambda: signed(LINE, log="ledger.example/other"),
        (422, "wrong-log", 4, "log", "ledger.example/other"),
    ),
    "another controller": (
        lambda: edited('"controller":"clearview"', '"controller":"pimeyes"'),
        (422, "wrong-log", 10, "data.controller", "pimeyes"),
    ),
    "a checkpoint never had": (
        lambda: signed(LINE, seen_size=2, seen_root=bytes(32)),
        (422, "unknown-checkpoint", 6, "seen", "never had"),
    ),
    "wrong size before": (
        lambda: signed(LINE, base=7, size=8),
        (409, "size-conflict", 5, "base", "has size 0"),
    ),
    "wrong role": (
        lambda: signed(registered(seeded_key("x.example"), "controller", CRAWLER.name)),
        (403, "not-allowed", 10, "type", "admin"),
    ),
    "somebody else's source": (
        lambda: signed(LINE, origin="other.example"),
        (403, "wrong-source", 1, "origin", "other.example"),
    ),
    "an event's other source": (
        lambda: signed(collected("other.example", 0)),
        (403, "wrong-source", 10, "source", "other.example"),
    ),
    "49 KiB event": (
        lambda: _note_over(b"x" * (49 << 10)),
        (413, "too-large", 10, None, "49152"),
    ),
    # Neither an event (48 KiB) nor a note (names of 255 bytes) can make an entry beyond 65,535 bytes.
    "65,536-byte entry of an event": (
        lambda: _note_over(b"x" * (65_536 - 90)),
        (413, "too-large", 10, None, "49152"),
    ),
    "65,536-byte entry of a note": (
        lambda: b"a" * 65_536 + signed(LINE),
        malformed("not the name of a source log", line=1),
    ),
    "100,000 lines": (lambda: _note_over(*[b"x"] * 100_000), (413, "too-large", None, None, "at most 10000")),
    "2 MiB": (lambda: bytes(2 << 20), (413, "too-large", None, None, "more bytes")),
}


def _note_over(*lines: bytes) -> bytes:
    """A body whose lines the maker of submissions would not sign."""
    head = format_note(Poster(CRAWLER).sign([LINE])[0].note)
    return head.replace(b"\n1\n", b"\n%d\n" % len(lines), 1) + b"\n" + b"\n".join(lines) + b"\n"


async def test_each_bad_submission_has_its_status_and_message(lab: Lab) -> None:
    """All in one service: no refusal hurts the next, and the honest submission at the end is let in."""
    wrong = {}
    for name, (make, expected) in SIGNED.items():
        status, body = await lab.send(make())
        problem = json.loads(body)
        found = (status, problem["type"].rpartition(":")[2], problem.get("line"), problem.get("field"))
        if found != expected[:4] or expected[4] not in problem["detail"]:
            wrong[name] = (found, problem["detail"])
    assert wrong == {}
    poster = Poster(CRAWLER)
    await lab.post(poster, poster.events(1))


async def test_a_size_conflict_says_what_to_go_on_from(lab: Lab) -> None:
    poster = Poster(CRAWLER)
    first, after = poster.make(poster.events(2))
    assert (await lab.send(first))[0] == 200
    status, body = await lab.send(signed(LINE))
    problem = json.loads(body)
    assert (status, problem["size"]) == (409, 2)
    assert first.startswith(problem["note"].encode())
    async with lab.session.get(f"{lab.url}/sources/{CRAWLER.name}") as response:
        assert await response.json() == {key: problem[key] for key in ("size", "note", "frontier")}
    poster.frontier = after
    await lab.post(poster, poster.events(1))


async def test_a_revoked_key_is_refused(lab: Lab) -> None:
    line = registered(CRAWLER, "controller", lab.administrator.source)
    revoked = line.replace(b"key.registered", b"key.revoked").replace(b'"id":"key-', b'"id":"end-')
    await lab.post(lab.administrator, [revoked])
    status, body = await lab.send(signed(LINE))
    assert (status, json.loads(body)["type"]) == (403, "urn:writ:problem:revoked")


async def test_unknown_log_path_and_method(lab: Lab) -> None:
    async with lab.session.post(f"{lab.service.url}/logs/nobody/submissions", data=b"x") as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")
        assert (await response.json())["type"] == "urn:writ:problem:unknown-log"
    async with lab.session.get(f"{lab.url}/nothing") as response:
        assert (response.status, (await response.json())["type"]) == (404, "urn:writ:problem:not-found")
    async with lab.session.put(f"{lab.url}/submissions", data=b"x") as response:
        assert (response.status, (await response.json())["type"]) == (405, "urn:writ:problem:wrong-method")
        assert response.headers["Allow"] == "POST"


async def test_a_slow_body_is_given_up(lab: Lab) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        yield b"crawler"
        await asyncio.sleep(5)

    async with lab.session.post(f"{lab.url}/submissions", data=trickle()) as response:
        assert (response.status, (await response.json())["type"]) == (408, "urn:writ:problem:too-slow")


async def test_a_body_that_breaks_off_leaves_nothing(lab: Lab) -> None:
    body = signed(LINE)
    _, writer = await asyncio.open_connection("127.0.0.1", int(lab.service.url.rpartition(":")[2]))
    start = f"POST /logs/{lab.log.name}/submissions HTTP/1.1\r\nHost: x\r\n"
    writer.write(f"{start}Content-Length: {len(body)}\r\n\r\n".encode() + body[:100])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await lab.send(body))[0] == 200


def batch(*lines: bytes) -> bytes:
    return b"[" + b",".join(lines) + b"]"


TOKENS: dict[str, tuple[bytes, str | None, str, tuple[int, str, str | None]]] = {
    "no token": (batch(TOKEN_LINE), None, BATCHED, (401, "unknown-token", None)),
    "unknown token": (batch(TOKEN_LINE), "x", BATCHED, (401, "unknown-token", None)),
    "another media type": (batch(TOKEN_LINE), SECRET, "application/json", (415, "wrong-media-type", None)),
    "not JSON": (b"x", SECRET, BATCHED, (400, "malformed", None)),
    "not UTF-8": (b"[\xff]", SECRET, BATCHED, (400, "malformed", None)),
    "no events": (b"[]", SECRET, BATCHED, (400, "malformed", None)),
    "not a list": (TOKEN_LINE, SECRET, BATCHED, (400, "malformed", None)),
    "a list where one belongs": (batch(TOKEN_LINE), SECRET, STRUCTURED, (400, "malformed", None)),
    "nested too deep": (b"[" * 100_000, SECRET, BATCHED, (400, "malformed", None)),
    "duplicate key": (
        batch(TOKEN_LINE.replace(b'"minor"', b'"minor":"yes","minor"')),
        SECRET,
        BATCHED,
        (400, "malformed", None),
    ),
    "float": (batch(TOKEN_LINE.replace(b"true", b"1.5")), SECRET, BATCHED, (400, "malformed", None)),
    "NaN": (batch(TOKEN_LINE.replace(b"true", b"NaN")), SECRET, BATCHED, (400, "malformed", None)),
    "an unknown field of the second": (
        batch(TOKEN_LINE, TOKEN_LINE.replace(b'"minor"', b'"major":1,"minor"')),
        SECRET,
        BATCHED,
        (400, "malformed", "[1].data.major"),
    ),
    "another source": (
        batch(collected("other.example", 0)),
        SECRET,
        BATCHED,
        (403, "wrong-source", "source"),
    ),
    "two events with one id": (
        batch(TOKEN_LINE, TOKEN_LINE.replace(b'"unknown"', b'"yes"')),
        SECRET,
        BATCHED,
        (409, "id-conflict", "[1].id"),
    ),
    "a role overstepped": (
        batch(registered(seeded_key("x.example"), "controller", "crm.clearview.example")),
        SECRET,
        BATCHED,
        (403, "not-allowed", "type"),
    ),
}


async def test_each_bad_token_post_has_its_status_and_message(lab: Lab) -> None:
    wrong = {}
    for name, (body, secret, media_type, expected) in TOKENS.items():
        status, problem = await lab.post_events(body, secret, media_type)
        found = (status, problem["type"].rpartition(":")[2], problem.get("field"))
        if found != expected:
            wrong[name] = (found, problem["detail"])
    assert wrong == {}
    assert (await lab.post_events(batch(TOKEN_LINE), SECRET))[0] == 200


async def test_two_different_events_with_one_id(lab: Lab) -> None:
    status, answer = await lab.post_events(batch(TOKEN_LINE), SECRET)
    assert status == 200
    other = TOKEN_LINE.replace(b'"unknown"', b'"yes"')
    status, problem = await lab.post_events(batch(other), SECRET)
    assert (status, problem["type"]) == (409, "urn:writ:problem:id-conflict")
    assert f"entry {answer['events'][0]['index']} " in problem["detail"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
async def test_any_body_has_an_answer(lab: Lab, body: bytes) -> None:
    status, answer = await lab.send(body)
    assert 400 <= status < 500, answer
    assert set(json.loads(answer)) >= {"type", "title", "status", "detail", "request"}
    status, problem = await lab.post_events(body, SECRET)
    assert 400 <= status < 500, problem


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_damaged_submission_has_an_answer(lab: Lab, data: st.DataObject) -> None:
    whole = signed(LINE)
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, min(begin + 40, len(whole))))
    put = data.draw(st.binary(max_size=10))
    body = whole[:begin] + put + whole[end:]
    if body != whole:
        status, answer = await lab.send(body)
        assert 400 <= status < 500, answer


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5)
)
def test_any_json_is_refused_or_an_event(value: Any) -> None:
    for media_type in (STRUCTURED, BATCHED):
        assert isinstance(open_token_post(json.dumps(value).encode(), media_type, "x"), Refused)
