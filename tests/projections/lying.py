"""Lies of an operator who has the keys: each breaks one rule, and whatever signs or hashes it is made anew.

    lie("compact: no line 6", of_log(resubmitted((6, "x")), compact))

Bytes that are changed are tested by the thousand (`flipping.py`); these are the changes that fit.
"""

import base64
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256, sha512

import msgspec

from projections import events as ev
from projections.order import order_hash
from projections.runners.full import Request
from projections.statement import Log, OrderReference, Statement
from signing.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from signing.cosignature import cosign
from signing.encoding import encode_base64
from signing.entry import Entry, format_entry
from signing.keys import COSIGNATURE, SigningKey
from signing.merkle import (
    EMPTY_RANGE,
    CompactRange,
    grow,
    leaf_hash,
    leaf_hashes_of,
    merge,
    range_of,
    root_of,
)
from signing.note import Note, NoteSignature, add_signatures, format_note, parse_note, sign_note
from signing.tlog_proof import TlogProof, format_proof
from tests.projections.deeds import collected
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, WITNESS, Evidence, issued, order
from tests.projections.logbuilder import ORIGIN, LogBuilder, Row, key_of, vkey_of
from tests.projections.recorded import bundle
from tests.projections.verifying import finished
from tests.vectors.bundled import request
from tests.vectors.bundles import packed, statement_note, with_assessor

Files = dict[str, bytes]
Told = tuple[bytes, Request]
Make = Callable[[], Told]
NOT_SOUND, SOUND = "not sound", "sound"
LIES: list[tuple[str, str, Make]] = []
"""Name, the word of all three, and the bundle."""
STRANGER = "stranger.example"
_L = 2**252 + 27742317777372353535851937790883648493
_NEUTRAL = bytes([1]) + bytes(31)


def lie(name: str, make: Make, word: str = NOT_SOUND) -> None:
    LIES.append((name, word, make))


# --- The three kinds of bundles, of whatever the log has become.


def about(log: LogBuilder) -> Log:
    head = log.checkpoint()
    return Log(head.origin, encode_base64(head.root), head.size)


def given(done: Evidence) -> Request:
    return Request(authority=vkey_of(AUTHORITY), now=done.as_of + 60, workers=0)


def full(done: Evidence, statement: Statement) -> Files:
    stated = msgspec.structs.replace(statement, log=about(done.log))
    return with_assessor({**done.log.tree(WITNESS), "statement": statement_note(stated, ASSESSOR)})


def compact(done: Evidence, statement: Statement) -> Files:
    stated = msgspec.structs.replace(statement, log=about(done.log))
    files = {"statement": statement_note(stated, ASSESSOR), "checkpoint": head_of(done.log)}
    for index, row in enumerate(done.log.rows):
        if b'"writ.order.' in row.body:
            files |= proofs(done, index)
    return with_assessor(files)


def head_of(log: LogBuilder) -> bytes:
    return log.checkpoint_note(None, WITNESS)


def proofs(done: Evidence, index: int) -> Files:
    """All that proves an event, also where its submission's note is no longer one."""
    log = done.log
    changed, log.rows = log.rows, HONEST.get(id(log), log.rows)
    kept = done.proofs(index)[f"proof/{index}/source.tlog-proof"].partition(b"\n\n")[0]
    log.rows = changed
    entries = log.entries()
    opening = index - 1
    growth, head = grow(EMPTY_RANGE, leaf_hashes_of(entries)), parse_note(head_of(log))
    files = {f"proof/{index}/source.tlog-proof": kept + b"\n\n" + log.rows[opening].body}
    for name, at in (("event", index), ("submission", opening)):
        files[f"proof/{index}/{name}"] = entries[at]
        files[f"proof/{index}/{name}.tlog-proof"] = format_proof(TlogProof(at, growth.prove(at), head))
    return files


HONEST: dict[int, list[Row]] = {}
"""The rows of a log before its operator changed them, by the log's identity."""


def order_at(log: LogBuilder) -> int:
    return next(at for at, row in enumerate(log.rows) if b"writ.order.issued" in row.body)


def of_log(cheat: Callable[[LogBuilder], None], make: Callable[[Evidence, Statement], Files]) -> Make:
    """What an operator does to his log, in a bundle that fits."""

    def told() -> Told:
        done = finished()
        statement = done.statement()
        HONEST[id(done.log)] = list(done.log.rows)
        cheat(done.log)
        files = make(done, statement)
        del HONEST[id(done.log)]
        return packed(files), given(done)

    return told


def of_file(change: Callable[[bytes], bytes], ending: str, kind: str) -> Make:
    """The first member with such an ending is another."""

    def told() -> Told:
        done = finished()
        files = bundle(done) if kind == "record" else KINDS[kind](done, done.statement())
        name = next(one for one in files if one.endswith(ending))
        files[name] = change(files[name])
        return packed(files), request("bundle/record") if kind == "record" else given(done)

    return told


KINDS = {"full": full, "compact": compact}


# --- Lines of JSON.

LINES = {
    "beyond ASCII": '"scräpe"'.encode(),
    "in another normal form": '"scra\u0308pe"'.encode(),
    "an escaped backslash": b'"a\\\\b"',
    "a control character": b'"a\x7fb"',
    "2^53": b"9007199254740992",
    "2^64": b"18446744073709551616",
    "a long integer": b"1" + b"0" * 400,
    "minus nothing": b"-0",
    "an exponent": b"1e2",
    "nested 40 deep": b"[" * 40 + b"]" * 40,
    "nested 20,000 deep": b"[" * 20_000 + b"]" * 20_000,
    "a key twice": b'"scrape","activity":"scrape"',
    "a surrogate": b'"\\ud800"',
}


def line_of(value: bytes) -> Callable[[LogBuilder], None]:
    def cheat(log: LogBuilder) -> None:
        line = ev.encode_event(log.event(collected(77), CRAWLER))
        log.post_lines(CRAWLER, [line.replace(b'"scrape"', value, 1)])

    return cheat


for _name, _value in LINES.items():
    lie(f"event: {_name}", of_log(line_of(_value), full))


# --- Submissions.


def resubmitted(*lines: tuple[int, str]) -> Callable[[LogBuilder], None]:
    """The authority's submission of its order, with other lines, and signed by it."""

    def cheat(log: LogBuilder) -> None:
        at = order_at(log) - 1
        text = parse_note(log.rows[at].body).text.split("\n")
        for number, line in lines:
            text[number - 1] = line
        note = format_note(sign_note("\n".join(text), key_of(AUTHORITY)))
        log.rows[at] = replace(log.rows[at], body=note)

    return cheat


def signed_twice(*, last: bool) -> Callable[[LogBuilder], None]:
    def cheat(log: LogBuilder) -> None:
        at = order_at(log) - 1
        note = parse_note(log.rows[at].body)
        other = sign_note(note.text, key_of(STRANGER)).signatures
        both = note.signatures + other if last else other + note.signatures
        log.rows[at] = replace(log.rows[at], body=format_note(Note(note.text, both)))

    return cheat


def of_a_source(name: str) -> Callable[[LogBuilder], None]:
    """An event of the crawler's in a source log of this name."""

    def cheat(log: LogBuilder) -> None:
        line = ev.encode_event(log.event(collected(77), name))
        root = encode_base64(root_of(added(EMPTY_RANGE, line)))
        text = f"{name}\n1\n{root}\n{ORIGIN}\n0\n0 -\n"
        note = format_note(sign_note(text, key_of(CRAWLER)))
        log.rows += [Row("submission", log.now_us, note), Row("event", log.now_us, line)]

    return cheat


def added(before: CompactRange, line: bytes) -> CompactRange:
    return merge(before, range_of(before.end, leaf_hashes_of([line])))


def of_1001_versions() -> Told:
    """All by the authority, and each proved."""
    versions = [issued(order(version=version)) for version in range(1, 1_002)]
    done, log = finished(), LogBuilder()
    log.register(AUTHORITY, "authority")
    opening = log.post(AUTHORITY, *versions)
    entries, head = log.entries(), parse_note(head_of(log))
    in_log = grow(EMPTY_RANGE, leaf_hashes_of(entries))
    in_source = grow(EMPTY_RANGE, leaf_hashes_of([row.body for row in log.rows[opening + 1 :]]))
    note = parse_note(log.rows[opening].body)
    said = OrderReference(encode_base64(order_hash(versions[-1].order)), versions[-1].order.id, 1_001)
    stated = msgspec.structs.replace(done.statement(), log=about(log), order=said, counted=0)
    files = {"statement": statement_note(stated, ASSESSOR), "checkpoint": head_of(log)}
    for at in range(len(versions)):
        place, index = f"proof/{opening + 1 + at}", opening + 1 + at
        files |= {f"{place}/event": entries[index], f"{place}/submission": entries[opening]}
        files[f"{place}/source.tlog-proof"] = format_proof(TlogProof(at, in_source.prove(at), note))
        for name, where in (("event", index), ("submission", opening)):
            proof = TlogProof(where, in_log.prove(where), head)
            files[f"{place}/{name}.tlog-proof"] = format_proof(proof)
    return packed(with_assessor(files)), given(done)


lie("compact: 1,001 versions", of_1001_versions)


def called_a_submission(log: LogBuilder) -> None:
    """The entry of an event says that it is one of a submission."""
    at = order_at(log)
    log.rows[at] = replace(log.rows[at], kind="submission")


for _name, _cheat in {
    "a root for nothing seen": resubmitted((6, f"0 {encode_base64(bytes(32))}")),
    "nothing for something seen": resubmitted((6, "5 -")),
    "no line 6": resubmitted((6, "x")),
    "a source log of another": resubmitted((1, "other.example")),
    "a source log in capitals": resubmitted((1, f"{AUTHORITY}/A")),
    "a source log's name cut off": resubmitted((1, f"{AUTHORITY}/")),
    "signed by a stranger too": signed_twice(last=True),
    "signed by a stranger first": signed_twice(last=False),
    "an event that calls itself a submission": called_a_submission,
}.items():
    lie(f"compact: {_name}", of_log(_cheat, compact))
for _name in (f"{CRAWLER}/A", f"{CRAWLER}/", f"{CRAWLER}/" + "a" * 300):
    lie(f"full: source log {_name[:40]}", of_log(of_a_source(_name), full))


# --- Signatures that one library takes and another does not.


def neutral(key: SigningKey, message: bytes) -> bytes:
    """A signature with the neutral element for a nonce: whoever sees it can compute the key."""
    scalar = int.from_bytes(sha512(key.seed).digest()[:32], "little")
    scalar = (scalar & ((1 << 254) - 8)) | 1 << 254
    challenge = int.from_bytes(sha512(_NEUTRAL + key.verifier.public + message).digest(), "little")
    return _NEUTRAL + (challenge * scalar % _L).to_bytes(32, "little")


def with_neutral(raw: bytes, name: str) -> bytes:
    """A note's first signature, so made."""
    note, key = parse_note(raw), key_of(name)
    first = NoteSignature(name, key.verifier.key_id, neutral(key, note.text.encode()))
    return format_note(Note(note.text, (first, *note.signatures[1:])))


def posted_with_neutral(log: LogBuilder) -> None:
    at = log.post(CRAWLER, collected(78))
    log.rows[at] = replace(log.rows[at], body=with_neutral(log.rows[at].body, CRAWLER))


lie("full: a submission's nonce is none", of_log(posted_with_neutral, full))
for _kind in ("full", "compact", "record"):
    lie(
        f"{_kind}: the log's nonce is none",
        of_file(lambda raw: with_neutral(raw, ORIGIN), "checkpoint", _kind),
    )


# --- Notes and proofs.


def strangers(name: str, count: int = 1) -> Callable[[bytes], bytes]:
    """The log's head with so many more lines by this name."""
    line = f"— {name} {base64.b64encode(bytes(68)).decode()}\n".encode()
    return lambda raw: raw + line * count


for _kind in ("full", "compact", "record"):
    lie(f"{_kind}: 101 signatures", of_file(strangers("a", 99), "checkpoint", _kind))
    lie(f"{_kind}: a signer of zero width", of_file(strangers("a\u200bb"), "checkpoint", _kind))
    # Characters of Unicode 16 and 15.1, of private use, and of no use yet: readers know them or do not.
    lie(
        f"{_kind}: signers of late",
        of_file(strangers("\U0001fae9\U0002ebf0\ue000\u0378"), "checkpoint", _kind),
        SOUND,
    )


def further(line: bytes, old: bytes = b"@v1\n") -> Callable[[bytes], bytes]:
    return lambda raw: raw.replace(old, old + line, 1)


for _ending in ("event.tlog-proof", "submission.tlog-proof", "source.tlog-proof"):
    for _kind in ("compact", "record"):
        for _name, _change in {
            "extra data twice": further(b"extra aGVsbG8=\nextra aGVsbG8=\n"),
            "extra data, empty": further(b"extra \n"),
            "extra data, no base64": further(b"extra !!\n"),
            "extra data, left-over bits": further(b"extra aGVsbG9=\n"),
            "extra data at the end": lambda raw: raw.replace(b"\n\n", b"\nextra aGVsbG8=\n\n", 1),
            "a hash too many": lambda raw: raw.replace(
                b"\n\n", b"\n" + base64.b64encode(bytes(32)) + b"\n\n", 1
            ),
        }.items():
            lie(f"{_kind}: {_ending}: {_name}", of_file(_change, _ending, _kind))


# --- Sizes beyond all logs: trees of which nothing is there but what is shown.


class Sparse:
    """A perfect tree of 2^height leaves, all but a few of which hash to nothing."""

    def __init__(self, leaves: dict[int, bytes], height: int) -> None:
        self.leaves, self.height = leaves, height

    def node(self, level: int, at: int) -> bytes:
        if level == 0 or not any(leaf >> level == at for leaf in self.leaves):
            return self.leaves.get(at, bytes(32)) if level == 0 else bytes(32)
        left, right = self.node(level - 1, 2 * at), self.node(level - 1, 2 * at + 1)
        return sha256(b"\1" + left + right).digest()

    def proof(self, at: int) -> tuple[bytes, ...]:
        return tuple(self.node(level, (at >> level) ^ 1) for level in range(self.height))


def vast(height: int, at: int, source_height: int) -> Make:
    """The order stands at `at` + 1 of 2^height entries, last of its authority's 2^source_height events."""

    def told() -> Told:
        done = finished()
        time_us, line = done.log.now_us, done.log.rows[order_at(done.log)].body
        last = 2**source_height - 1
        tree = Sparse({last: leaf_hash(line)}, source_height)
        root = encode_base64(tree.node(source_height, 0))
        text = f"{AUTHORITY}\n{last + 1}\n{root}\n{ORIGIN}\n{last}\n0 -\n"
        note = sign_note(text, key_of(AUTHORITY))
        before = sha256(b"").digest() if at else bytes(32)
        opening = format_entry(Entry("submission", at, time_us, before, format_note(note)))
        event = format_entry(Entry("event", at + 1, time_us, leaf_hash(opening), line))
        place = f"proof/{at + 1}"
        files = {f"{place}/event": event, f"{place}/submission": opening}
        files[f"{place}/source.tlog-proof"] = format_proof(TlogProof(last, tree.proof(last), note))
        tree = Sparse({at: leaf_hash(opening), at + 1: leaf_hash(event)}, height)
        head = Checkpoint(ORIGIN, 2**height, tree.node(height, 0))
        signed = sign_checkpoint(head, key_of(ORIGIN))
        seen = cosign(format_checkpoint(head), key_of(WITNESS, COSIGNATURE), time_us // 1_000_000)
        signed = add_signatures(signed, seen)
        for name, index in (("submission", at), ("event", at + 1)):
            files[f"{place}/{name}.tlog-proof"] = format_proof(TlogProof(index, tree.proof(index), signed))
        log = Log(ORIGIN, encode_base64(head.root), head.size)
        stated = msgspec.structs.replace(done.statement(), log=log, counted=0)
        files |= {"statement": statement_note(stated, ASSESSOR), "checkpoint": format_note(signed)}
        return packed(with_assessor(files)), given(done)

    return told


lie("compact: two entries", vast(1, 0, 3), SOUND)
lie("compact: 256 entries", vast(8, 254, 3), SOUND)
lie("compact: 65,536 entries", vast(16, 65_534, 16), SOUND)
lie("compact: 2^52 entries", vast(52, 2**51, 3), SOUND)
lie("compact: 2^53 entries", vast(53, 2**52, 3))
lie("compact: 2^60 entries", vast(60, 2**53 + 2, 3))
lie("compact: a source log of 2^53", vast(8, 6, 53), SOUND)
lie("compact: a source log of 2^62", vast(8, 6, 62), SOUND)
