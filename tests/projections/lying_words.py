"""Lies in what is signed about a log, as statements and orders; and zips that nobody made so."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from projections import events as ev
from projections.order import Order, order_hash
from projections.statement import OrderReference, format_statement
from signing.canonical import canonicalise
from signing.encoding import encode_base64
from signing.keys import COSIGNATURE, ED25519, SigningKey
from signing.note import format_note, parse_note, sign_note
from tests.projections.deeds import erased, held, looked, store
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, WITNESS, Evidence, issued, order
from tests.projections.logbuilder import OPERATOR, LogBuilder, key_of, vkey_of
from tests.projections.lying import (
    KINDS,
    NOT_SOUND,
    SOUND,
    STRANGER,
    Files,
    Make,
    Told,
    about,
    compact,
    full,
    given,
    of_file,
    of_log,
)
from tests.projections.recorded import WHO, bundle
from tests.projections.streamed import streamed
from tests.projections.test_registrations import TWO_OF_ONE_KEY_ID
from tests.projections.verifying import finished
from tests.vectors.bundled import request
from tests.vectors.bundles import packed

LIES: list[tuple[str, str, Make]] = []


def lie(name: str, make: Make, word: str = NOT_SOUND) -> None:
    LIES.append((name, word, make))


# --- Statements.


def worded(change: Callable[[Any], object], kind: str) -> Make:
    """A statement that the operator and the assessor sign, whatever it says."""

    def told() -> Told:
        done = finished()
        statement = msgspec.structs.replace(done.statement(), log=about(done.log))
        header, line, _ = format_statement(statement).split("\n")
        value = json.loads(line)
        change(value)
        line = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        note = sign_note(f"{header}\n{line}\n", key_of(OPERATOR), key_of(ASSESSOR))
        files = KINDS[kind](done, statement) | {"statement": format_note(note)}
        del files["attestation/0"]
        return packed(files), given(done)

    return told


WORDS: dict[str, Callable[[Any], object]] = {
    "beyond ASCII": lambda said: said.update(rules="ä"),
    "a backslash": lambda said: said.update(rules="a\\b"),
    "2^53": lambda said: said["obligations"][0]["counts"].update(live=2**53),
    "would be, beside a verdict": lambda said: said.update(would_be="outstanding"),
    "a verdict while stayed": lambda said: said.update(status="stayed"),
    "counts more than there is": lambda said: said.update(counted=2**40),
    "counts less than nothing": lambda said: said.update(counted=-1),
    "a field of the log": lambda said: said["log"].update(x=1),
    "a field of an obligation": lambda said: said["obligations"][0].update(x=1),
    "no counts": lambda said: said["obligations"][0].pop("counts"),
    "a true count": lambda said: said["obligations"][0]["counts"].update(live=True),
    "not provisional": lambda said: said.update(provisional=False),
    "an odd store": lambda said: said["obligations"][0].update(stores=[{"x": 1}]),
    "an odd projection": lambda said: said.update(projections=[1]),
    "a default": lambda said: said["obligations"][0].update(
        gaps=[{"copies": 1, "rule": "a", "subject": "b", "until": 0}]
    ),
}
for _kind in KINDS:
    for _name, _change in WORDS.items():
        lie(f"{_kind}: statement: {_name}", worded(_change, _kind))


# --- Attestations.


def attesting(old: str, new: str, signer: str = ASSESSOR) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        text = parse_note(raw).text.replace(old, new)
        return format_note(sign_note(text, key_of(signer)))

    return change


for _name, _old, _new in (
    ("a word of no list", "lineage", "everything"),
    ("not sorted", "lineage\n", "lineage\nbackups\n"),
    ("a word twice", "lineage\n", "lineage\nlineage\n"),
    ("of no log", "ledger.example/clearview", "Ö"),
    ("a store in capitals", "lineage\n", "lineage\nstore:X\n"),
    ("a line that is none", "lineage", "lineage\u2028stores"),
    ("an empty line", "lineage\n", "lineage\n\n"),
    ("1,001 words", "lineage\n", "".join(f"store:s{at:04}\n" for at in range(1_001))),
):
    lie(f"compact: attestation: {_name}", of_file(attesting(_old, _new), "attestation/0", "compact"))
lie(
    "compact: a stranger's attestation of anything",
    of_file(attesting("lineage", "everything", STRANGER), "attestation/0", "compact"),
    SOUND,
)


# --- Records.


def recording(change: Callable[[Any], object]) -> Callable[[bytes], bytes]:
    def changed(raw: bytes) -> bytes:
        header, line, _ = parse_note(raw).text.split("\n")
        value = json.loads(line)
        change(value)
        line = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return format_note(sign_note(f"{header}\n{line}\n", key_of(OPERATOR)))

    return changed


for _name, _change in {
    "an entry twice": lambda said: said["entries"].append(said["entries"][-1]),
    "entries the other way round": lambda said: said["entries"].reverse(),
    "a field too many": lambda said: said.update(x=1),
    "a field of the log": lambda said: said["log"].update(x=1),
    "an entry below 0": lambda said: said["entries"].insert(0, -1),
    "an entry that is true": lambda said: said["entries"].insert(0, True),
    "no handle": lambda said: said.update(handle=""),
}.items():
    lie(f"record: {_name}", of_file(recording(_change), "record", "record"))


def a_store_of_that_name() -> Told:
    """Who is a handle in one event is the name of a store in another, which does not name him."""
    done = finished()
    done.log.post(CRAWLER, store(WHO))
    return packed(bundle(done)), request("bundle/record")


lie("record: a store of that name", a_store_of_that_name)


# --- Orders, and how a log begins.


def begun_by_its_operator() -> Evidence:
    """The operator's key signs entry 0, which only the administrator's may."""
    log = LogBuilder()
    log.rows, log.sources = [], {}
    log.post(OPERATOR, log.created())
    for name, role in ((CRAWLER, "controller"), (AUTHORITY, "authority"), (ASSESSOR, "auditor")):
        log.register(name, role)
    log.post(CRAWLER, store(), held(*range(10)))
    log.post(AUTHORITY, issued(order()))
    log.anchor(WITNESS)
    log.post(CRAWLER, erased(*range(10)))
    for name in (CRAWLER, ASSESSOR):
        looked(log, name)
    log.anchor(WITNESS)
    return Evidence(log)


def full_of_the_operator() -> Told:
    done = begun_by_its_operator()
    return packed(full(done, finished().statement())), given(done)


def record_of_the_operator() -> Told:
    return packed(bundle(begun_by_its_operator())), request("bundle/record")


def superseded(make: Callable[..., Files]) -> Make:
    """The statement is about the first version; the second governs."""

    def told() -> Told:
        done = finished()
        first, second = done.statement(), order(version=2, legal_basis="uk-gdpr.58.2.g")
        done.log.post(AUTHORITY, varied(second))
        done.log.anchor(WITNESS)
        stated = msgspec.structs.replace(first, as_of=done.as_of, counted=done.log.size - 2)
        return packed(make(done, stated)), given(done)

    return told


def varied(one: Order) -> ev.OrderVaried:
    return ev.OrderVaried(
        controller="clearview",
        effective_at=one.effective,
        instrument_sha256=one.instrument_sha256,
        order=one,
    )


def of_another_authority() -> Told:
    """The authority's key signs an order in another's name."""
    done = finished()
    statement, other = done.statement(), order(id="other.example/en-2026-1")
    log = LogBuilder()
    log.register(AUTHORITY, "authority")
    log.post_lines(AUTHORITY, [ev.encode_event(log.event(issued(other), AUTHORITY))])
    log.anchor(WITNESS)
    said = OrderReference(encode_base64(order_hash(other)), other.id, other.version)
    stated = msgspec.structs.replace(statement, order=said, counted=log.size - 2)
    return packed(compact(Evidence(log), stated)), given(done)


def believing(*policy: str) -> Make:
    """The order has a policy by which its one witness counts twice, or nobody need have seen anything."""

    def told() -> Told:
        done = finished()
        statement, log = done.statement(), LogBuilder()
        log.register(AUTHORITY, "authority")
        line = ev.encode_event(log.event(issued(order()), AUTHORITY))
        event = json.loads(line)
        event["data"]["order"]["trust"]["witnesses"] = list(policy)
        line, words = (canonicalise(one) for one in (event, event["data"]["order"]))
        log.post_lines(AUTHORITY, [line])
        log.anchor(WITNESS)
        said = OrderReference(encode_base64(sha256(words).digest()), statement.order.id, 1)
        stated = msgspec.structs.replace(statement, order=said, counted=log.size - 2)
        return packed(compact(Evidence(log), stated)), given(done)

    return told


_W1 = f"witness a {vkey_of(WITNESS, COSIGNATURE)}"
for _name, _lines in {
    "a witness under two names": (_W1, _W1.replace(" a ", " b "), "group g 2 a b", "quorum g"),
    "a member twice": (_W1, "group g 2 a a", "quorum g"),
    "a witness by two ways": (_W1, "group g any a", "group h any a", "group i 2 g h", "quorum i"),
    "a group of none": (_W1, "group g 0 a", "quorum g"),
    "two quorums": (_W1, "quorum a", "quorum none"),
    "a quorum of nobody": (_W1, "quorum b"),
}.items():
    lie(f"compact: {_name}", believing(*_lines))


def revoked_by_another(log: LogBuilder) -> None:
    """Two keys of one name have one key id; the one that is registered is revoked by naming the other."""
    one, other = (SigningKey(CRAWLER, ED25519, seed.to_bytes(32, "big")) for seed in TWO_OF_ONE_KEY_ID)
    log.keys[CRAWLER] = one
    log.register(CRAWLER, "controller")
    log.keys[CRAWLER] = other
    log.revoke(CRAWLER, "controller")


lie("full: a key revoked by another of its key id", of_log(revoked_by_another, full))
lie("full: begun by its operator", full_of_the_operator)
lie("record: begun by its operator", record_of_the_operator)
lie("full: an order that was superseded", superseded(full))
lie("compact: an order that was superseded", superseded(compact))
lie("compact: an order of another authority", of_another_authority)


# --- Zips.


def zipped(change: Callable[[Files], bytes]) -> Make:
    def told() -> Told:
        done = finished()
        return change(compact(done, done.statement())), given(done)

    return told


def shifted(raw: bytes, at: int, more: bytes) -> bytes:
    """A zip into which something is put at a place, its directory corrected."""
    begin = raw.index(b"PK\1\2")
    listed = bytearray(raw[begin:])
    place = 0
    while listed[place : place + 4] == b"PK\1\2":
        (offset,) = struct.unpack_from("<L", listed, place + 42)
        struct.pack_into("<L", listed, place + 42, offset + (len(more) if offset >= at else 0))
        place += 46 + sum(struct.unpack_from("<3H", listed, place + 28))
    struct.pack_into("<L", listed, place + 16, begin + len(more))
    return raw[:at] + more + raw[at:begin] + bytes(listed)


def with_something_before(files: Files) -> bytes:
    return shifted(packed(files), 0, b"#!/bin/sh\n")


def with_a_gap(files: Files) -> bytes:
    raw = packed(files)
    return shifted(raw, raw.index(b"PK\3\4", raw.index(b"checkpoint")), b"what nobody reads")


def with_a_gap_before_the_directory(files: Files) -> bytes:
    raw = packed(files)
    return shifted(raw, raw.index(b"PK\1\2"), b"what nobody reads")


def with_shared_bytes(files: Files) -> bytes:
    """By the length in its own header, a member's bytes are those of the next."""
    first = {"checkpoint": files["checkpoint"]}
    raw = bytearray(stored(first | {one: raw for one, raw in files.items() if one not in first}))
    assert raw[:4] == b"PK\3\4"
    copy = raw.index(files["checkpoint"], 60)
    struct.pack_into("<H", raw, 28, copy - 30 - len("checkpoint"))
    return bytes(raw)


def stored(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return buffer.getvalue()


def with_odd_extra(files: Files) -> bytes:
    """A field in the directory that says it is longer than there is room: framing, and nobody's."""
    raw = packed(files)
    at = raw.index(b"PK\1\2")
    end = at + 46 + struct.unpack_from("<H", raw, at + 28)[0]
    changed = bytearray(raw[:end] + b"\x99\x99\xff\x00" + raw[end:])
    struct.pack_into("<H", changed, at + 30, 4)
    place = changed.rindex(b"PK\5\6")
    struct.pack_into("<L", changed, place + 12, struct.unpack_from("<L", changed, place + 12)[0] + 4)
    return bytes(changed)


lie("zip: something before, and the directory knows", zipped(with_something_before))
lie("zip: a gap", zipped(with_a_gap))
lie("zip: a gap before the directory", zipped(with_a_gap_before_the_directory))
lie("zip: two members, one content", zipped(with_shared_bytes))
lie("zip: an odd field", zipped(with_odd_extra), SOUND)
lie("zip: sizes behind the members", zipped(streamed), SOUND)
lie("zip: the other way round", zipped(lambda files: packed(dict(reversed(files.items())))), SOUND)
lie("zip: a page of 5 MiB", zipped(lambda files: stored(files | {"README.txt": bytes(5 << 20)})))
lie("zip: a name in capitals", zipped(lambda files: packed(files | {"Checkpoint": b""})))
lie("zip: a folder", zipped(lambda files: packed(files | {"proof/": b""})))
lie("zip: a backslash", zipped(lambda files: packed(files | {"proof\\12\\event": b""})))
lie("zip: an empty member", zipped(lambda files: packed(files | {"attestation/1": b""})))
lie("zip: a name in another normal form", zipped(lambda files: packed(files | {"statemént": b""})))
