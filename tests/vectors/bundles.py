"""Vectors of bundles: a small log, its full bundle, and each way to break one; `proved` has the other kinds.

What a bundle holds is signed again where something signed was changed, so that nothing else is wrong with it.
A vector's statement names `RULES`: the hash of a program's own rules changes with each version, and nobody
but that program can check it. Each function makes the same bundles under other rules, too.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec

from projections import events as ev
from projections.statement import Log, OrderReference, Statement, format_statement
from signing.attestation import Attestation, format_attestation, statement_hash
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.encoding import encode_base64
from signing.keys import ED25519, SigningKey
from signing.note import Note, format_note, parse_note, sign_note
from tests.projections.deeds import collected, erased, held, store
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, WITNESS, Evidence, issued, order
from tests.projections.logbuilder import OPERATOR, ORIGIN, LogBuilder, key_of, rfc3339, vkey_of
from tests.projections.recorded import entries_with
from tests.vectors.mutation import Case, Vectors, bad, false, flipped

Files = dict[str, bytes]
RULES = "0" * 64
STRANGER = "stranger.example"
SHORT_TILE = "tile/0/000.p/"
FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)


def unanchored() -> LogBuilder:
    """Three copies held, ordered to be erased, and erased; no witness has seen it."""
    log = LogBuilder()
    for name, role in ((CRAWLER, "controller"), (AUTHORITY, "authority")):
        log.register(name, role)
    log.post(CRAWLER, store(), held(1, 2, 3))
    log.post(AUTHORITY, issued(order()))
    log.post(CRAWLER, erased(1, 2, 3))
    return log


def evidence() -> Evidence:
    """The same, anchored."""
    log = unanchored()
    log.anchor(WITNESS)
    return Evidence(log)


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip that depends on nothing but its members and on zlib."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", compresslevel=9) as archive:
        for name, raw in files.items():
            info = ZipInfo(name, FIRST_MOMENT)
            info.create_system, info.external_attr, info.compress_type = 3, 0o644 << 16, ZIP_DEFLATED
            archive.writestr(info, raw)
    return buffer.getvalue()


def statement_note(statement: Statement, *signers: str) -> bytes:
    """A statement as the operator and others sign it."""
    return format_note(sign_note(format_statement(statement), *map(key_of, (OPERATOR, *signers))))


def attestation(statement: bytes, signer: str = ASSESSOR) -> bytes:
    """What an assessor left unchecked of a signed statement."""
    left = Attestation(ORIGIN, statement_hash(parse_note(statement).text), ("lineage",))
    return format_note(sign_note(format_attestation(left), key_of(signer)))


def given_order(done: Evidence) -> dict[str, object]:
    """What the reader of an order's bundle brings."""
    return {"authority": vkey_of(AUTHORITY), "now": rfc3339((done.as_of + 60) * 1_000_000)}


def with_assessor(files: Files) -> Files:
    """What stands in a bundle that an assessor has attested, in the order of the spec."""
    pages = {"README.txt": b"A vector of Writ's bundles.\n", "report.html": b"<p>A vector.</p>\n"}
    ours = {"statement": files["statement"], "checkpoint": files["checkpoint"]}
    return {**pages, **ours, "attestation/0": attestation(files["statement"]), **files}


# --- Full.


def full(rules: str) -> Vectors:
    """A full bundle, and what may be wrong with one."""
    done = evidence()
    statement = done.statement(rules=rules)
    files = with_assessor({**done.log.tree(WITNESS), "statement": statement_note(statement, ASSESSOR)})
    cases = [
        *broken_zips(files),
        *tampered_files(files),
        *false_statements(files, statement),
        *told(files),
        *(_served(name, reason, change, statement) for name, reason, change in DISHONEST),
    ]
    return Vectors(packed(files), given_order(done), cases, ".zip")


def broken_zips(files: Files) -> Iterator[Case]:
    """What is no bundle at all."""
    good = packed(files)
    yield bad("byte-after-the-end", "something stands behind the zip's directory", good + b"\0")
    yield bad("other-member", "a name that no bundle has", packed(files | {"notes.txt": b"hello\n"}))
    lied = good.replace(b"tile/entries/000.p/", b"tile/entries/001.p/", 1)
    yield bad("two-names", "a member's own header has another name than the directory", lied)


def tampered_files(files: Files) -> Iterator[Case]:
    """Members changed by who has no key."""
    entries = next(path for path in files if path.startswith("tile/entries/"))
    hashes = next(path for path in files if path.startswith(SHORT_TILE))

    def changed(name: str, reason: str, path: str, raw: bytes) -> Case:
        assert files[path] != raw, name
        return false(name, reason, packed(files | {path: raw}))

    yield changed(
        "entry-altered", "an entry is another", entries, files[entries].replace(b'"GB"', b'"FR"', 1)
    )
    yield changed("hash-altered", "a hash of a tile is another", hashes, flipped(files[hashes], 40))
    left = {path: raw for path, raw in files.items() if path != hashes}
    yield false("tile-left-out", "a hash tile is missing", packed(left))
    wide = hashes.partition(".p/")[0]
    padded = {**left, wide: files[hashes] + bytes(8192 - len(files[hashes]))}
    yield false("tile-too-wide", "a full tile, where the tree has a partial one", packed(padded))
    yield false(
        "attestation-left-out",
        "attestation/1 stands there without attestation/0",
        packed({("attestation/1" if path == "attestation/0" else path): raw for path, raw in files.items()}),
    )
    stranger = SigningKey(ORIGIN, ED25519, bytes(32))
    text = parse_note(files["checkpoint"]).text
    yield changed(
        "other-log-key",
        "another key of the log's name signed",
        "checkpoint",
        format_note(sign_note(text, stranger)),
    )
    false_root = Checkpoint(ORIGIN, int(text.split("\n")[1]), bytes(32))
    root = format_note(sign_checkpoint(false_root, key_of(ORIGIN)))
    yield changed("other-root", "the log signed another root", "checkpoint", root)


def false_statements(files: Files, statement: Statement) -> Iterator[Case]:
    """Statements that the log does not give, rightly signed unless told otherwise."""

    def stated(name: str, reason: str, fails: str, **changes: object) -> Case:
        other = statement_note(msgspec.structs.replace(statement, **changes), ASSESSOR)
        return Case(
            name, fails, reason, packed(files | {"statement": other, "attestation/0": attestation(other)})
        )

    one = statement.obligations[0]
    counts = {**one.counts, "in_scope": 2, "erased_in_time": 2}
    yield stated(
        "other-counts",
        "the log gives other counts",
        "law",
        obligations=(msgspec.structs.replace(one, counts=counts),),
    )
    yield stated(
        "other-size",
        "it is about another size of the log",
        "proof",
        log=msgspec.structs.replace(statement.log, size=5),
    )
    other = OrderReference("A" * 43 + "=", statement.order.id, 1)
    yield stated("other-order", "it is about other words of the order", "proof", order=other)
    yield stated("counts-too-few", "an anchor proves more entries", "time", counted=9)
    yield stated("yet-to-come", "it is as of tomorrow", "time", as_of=statement.as_of + 86_400)
    note = parse_note(files["statement"])
    for at, name in enumerate(("operator", "assessor")):
        lines = list(note.signatures)
        lines[at] = msgspec.structs.replace(lines[at], signature=bytes(64))
        raw = packed(files | {"statement": format_note(Note(note.text, tuple(lines)))})
        yield false(f"{name}-signature-false", f"the {name} did not sign this statement", raw)
    another = Attestation(ORIGIN, bytes(32), ("lineage",))
    strange = format_note(sign_note(format_attestation(another), key_of(ASSESSOR)))
    yield false(
        "attestation-of-another", "it is about another statement", packed(files | {"attestation/0": strange})
    )


def told(files: Files) -> Iterator[Case]:
    """Bundles that are sound all the same: the report claims less, and says so."""
    yield Case(
        "cosignature-false",
        "told",
        "a false cosignature counts for nothing",
        packed(files | {"checkpoint": with_false_cosignature(files)}),
    )
    stranger = attestation(files["statement"], STRANGER)
    yield Case(
        "attestation-by-a-stranger",
        "told",
        "the order does not name who signed it",
        packed(files | {"attestation/0": stranger}),
    )


def with_false_cosignature(files: Files) -> bytes:
    """The checkpoint with its witness's signature of nothing."""
    note = parse_note(files["checkpoint"])
    log, witness = note.signatures
    forged = msgspec.structs.replace(witness, signature=witness.signature[:8] + bytes(64))
    return format_note(Note(note.text, (log, forged)))


# --- What an operator may do who chains everything anew, and signs it.

Dishonest = Callable[[LogBuilder], None]


def _at(log: LogBuilder, what: bytes) -> int:
    return entries_with(log, what)[0]


def altered(log: LogBuilder) -> None:
    log.change(_at(log, b"writ.data.held"), b'"GB"', b'"FR"')


def dropped(log: LogBuilder) -> None:
    del log.rows[_at(log, b"writ.data.held")]


def swapped(log: LogBuilder) -> None:
    log.move(_at(log, b"writ.data.held"), _at(log, b"writ.data.held") - 1)


def repeated(log: LogBuilder) -> None:
    at = _at(log, b"writ.data.deleted")
    log.rows[at + 1 : at + 1] = log.rows[at - 1 : at + 1]


def clock_set_back(log: LogBuilder) -> None:
    at = _at(log, b"writ.data.deleted")
    log.rows[at] = replace(log.rows[at], time_us=log.rows[at].time_us - 5_000_000)


def forged(log: LogBuilder) -> None:
    at = _at(log, b"writ.order.issued") - 1
    note = parse_note(log.rows[at].body)
    line = msgspec.structs.replace(note.signatures[0], signature=bytes(64))
    log.rows[at] = replace(log.rows[at], body=format_note(Note(note.text, (line,))))


def unregistered(log: LogBuilder) -> None:
    log.post(STRANGER, collected(9))


def out_of_role(log: LogBuilder) -> None:
    log.post(AUTHORITY, collected(9))


def of_another_history(log: LogBuilder) -> None:
    line = ev.encode_event(log.event(collected(9), CRAWLER))
    log.post_lines(CRAWLER, [line], seen=Checkpoint(ORIGIN, 5, bytes(32)))


def forked_anchor(log: LogBuilder) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 5, bytes(32)), key_of(ORIGIN))
    data = ev.CheckpointAnchored(controller="clearview", note=encode_base64(format_note(note)))
    log.post(OPERATOR, data)


def not_canonical(log: LogBuilder) -> None:
    line = ev.encode_event(log.event(collected(9), CRAWLER))
    log.post_lines(CRAWLER, [line.replace(b":", b": ", 1)])


DISHONEST: tuple[tuple[str, str, Dishonest], ...] = (
    ("log-event-altered", "an event is not what its poster signed", altered),
    ("log-event-dropped", "an event that a submission announces is missing", dropped),
    ("log-events-swapped", "events are not in their poster's sequence", swapped),
    ("log-submission-repeated", "a submission does not go on from its source log's size", repeated),
    ("log-clock-set-back", "an entry is recorded before the one before it", clock_set_back),
    ("log-signature-forged", "the authority did not sign its submission", forged),
    ("log-key-unregistered", "no registered key signed", unregistered),
    ("log-role-overstepped", "an authority may not post this", out_of_role),
    (
        "log-of-another-history",
        "a poster had verified a checkpoint that this log never had",
        of_another_history,
    ),
    ("log-anchor-forked", "an anchor has a root that this log never had", forked_anchor),
    ("log-event-not-canonical", "an event has a space too many", not_canonical),
)


def _served(name: str, reason: str, change: Dishonest, statement: Statement) -> Case:
    """The bundle of a dishonest log: anchor, checkpoint, tiles and statement fit it."""
    log = unanchored()
    change(log)
    counted = log.size
    log.anchor(WITNESS)
    checkpoint = log.checkpoint()
    about = Log(ORIGIN, encode_base64(checkpoint.root), checkpoint.size)
    as_of = log.now_us // 1_000_000 + 1
    claimed = msgspec.structs.replace(statement, as_of=as_of, counted=counted, log=about)
    stated = statement_note(claimed, ASSESSOR)
    raw = packed(with_assessor({**log.tree(WITNESS), "statement": stated}))
    return Case(name, "role" if change is out_of_role else "proof", reason, raw)
