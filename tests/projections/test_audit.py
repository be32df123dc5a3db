"""A dishonest operator, or company, is caught, and what he did is named with its entry.

`log.rows` is tampered with by an operator who then chains everything anew and signs a fitting checkpoint;
`files` by one who only changes bytes.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from projections import events as ev
from projections.audit import Audit
from projections.repeats import Repeats
from projections.runners.crew import read_chunk
from projections.runners.offline import Replayed, replay
from projections.runners.source import DirectorySource
from projections.runners.tiles import TileReader
from signing.checkpoint import Checkpoint
from signing.errors import FormatError, ProofError
from signing.keys import ED25519, SigningKey
from signing.merkle import CompactRange, leaf_hashes_of, range_of
from signing.note import Note, NoteSignature, format_note, sign_note
from signing.submission import make_submission
from tests.projections.logbuilder import (
    ADMIN,
    GATEWAY,
    OPERATOR,
    ORIGIN,
    STEP_US,
    LogBuilder,
    MemorySource,
    Row,
    key_of,
    tree_of,
    vkey_of,
    write_tree,
)

CRAWLER = "crawler.clearview.example"
REGULATOR = "ico.example"
TOKEN = "crm.clearview.example"
WITNESS = "witness.example/w1"


def handle(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()[:32]


def store(name: str = "people") -> ev.StoreRegistered:
    return ev.StoreRegistered(
        blinding_commitment=base64.b64encode(bytes(32)).decode(),
        controller="clearview",
        country="US",
        kind="live",
        namespace="people",
        object_locked=False,
        operator_key=CRAWLER,
        store=name,
        versioned=False,
    )


def collected(*numbers: int) -> ev.DataCollected:
    return ev.DataCollected(
        activity="scrape",
        categories=("user.biometric",),
        controller="clearview",
        minor="unknown",
        records=tuple(sorted(map(handle, numbers))),
        source_kind="public_web",
        special_category=True,
        store="people",
    )


def deleted(*numbers: int) -> ev.DataDeleted:
    return ev.DataDeleted(
        cause="order",
        controller="clearview",
        irrecoverable=True,
        method="purge",
        records=tuple(sorted(map(handle, numbers))),
        store="people",
    )


@pytest.fixture
def log() -> LogBuilder:
    """Entries: 0-1 log.created, 2-3 the crawler's key, 4-5 its store, 6-9 three collections, 10-11 "
    "an anchor."""
    log = LogBuilder()
    log.register(CRAWLER, "controller")
    log.post(CRAWLER, store())
    log.post(CRAWLER, collected(1), collected(2), collected(3))
    log.anchor(WITNESS)
    return log


def audit(log: LogBuilder) -> Replayed:
    return replay(MemorySource(log.tree()))


def test_an_honest_log_is_proved(log: LogBuilder) -> None:
    log.post(CRAWLER, deleted(1, 2), source=f"{CRAWLER}/worker")
    replayed = audit(log)
    assert replayed.audited.checkpoint == log.checkpoint()
    assert replayed.audited.submissions == 6
    assert replayed.audited.events == 8
    assert replayed.audited.sources[CRAWLER] == 4
    assert len(replayed.fold.holdings) == 3
    assert replayed.repeats == []


def test_every_event_reaches_the_fold_as_its_poster_said_it(log: LogBuilder) -> None:
    log.post(CRAWLER, deleted(3), collected(4, 5), deleted(4, 5), collected(6))
    register_token(log)
    gateway(log)
    reader = TileReader(MemorySource(log.tree()), log.size)
    audited = Audit(log.checkpoint(), reader.read)
    chunk = read_chunk(reader, 0, with_events=True)
    audited.take(chunk)
    facts = list(audited.facts(chunk))
    assert [fact.index for fact in facts] == [1, 3, 5, 7, 8, 9, 11, 13, 14, 15, 16, 18, 20]
    for fact in facts:
        assert ev.encode_event(fact.event) == log.rows[fact.index].body
        assert fact.time_us == log.rows[fact.index].time_us
    assert [fact.poster.name for fact in facts[:4]] == [ADMIN, ADMIN, CRAWLER, CRAWLER]
    assert facts[2].poster.vkey == vkey_of(CRAWLER)
    assert facts[-1].poster.name == TOKEN


# --- Bytes changed, nothing else.

Files = dict[str, bytes]


def flip(path: str, at: int) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        raw = bytearray(files[path])
        raw[at] ^= 1
        files[path] = bytes(raw)

    return change


def remove(path: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        del files[path]

    return change


ENTRIES = "tile/entries/000.p/12"


def test_any_flipped_byte_is_found(log: LogBuilder) -> None:
    files = log.tree()
    for path, raw in files.items():
        if path == "checkpoint":
            continue
        for at in range(0, len(raw), 37):
            broken = dict(files)
            flip(path, at)(broken)
            with pytest.raises((ProofError, FormatError)):
                replay(MemorySource(broken), fold=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (flip("tile/0/000.p/12", 7 * 32), "entry 7: its hash is not the one in the log's level-0 tile"),
        (flip("tile/0/000.p/12", 12 * 32 - 1), "entry 11: its hash is not the one in the log's level-0 tile"),
        (flip(ENTRIES, -1), "entry 11: its hash is not the one in the log's level-0 tile"),
        (flip(ENTRIES, -3), "entry 11: its hash is not the one in the log's level-0 tile"),
        (remove(ENTRIES), "tile/entries/000 is missing"),
        (remove("tile/0/000.p/12"), "tile/0/000 is missing"),
        (lambda files: files.update({ENTRIES: files[ENTRIES][:-1]}), "entries 0 to 11"),
        (lambda files: files.update({ENTRIES: files[ENTRIES] + b"\0\0"}), "entries 0 to 11"),
        (lambda files: files.update({"tile/0/000.p/12": files["tile/0/000.p/12"][:-32]}), "another length"),
    ],
)
def test_changed_bytes_are_named(log: LogBuilder, change: Callable[[Files], None], said: str) -> None:
    files = log.tree()
    change(files)
    with pytest.raises(ProofError) as failure:
        replay(MemorySource(files))
    assert said in str(failure.value)


# --- Everything chained anew and a new checkpoint signed.

Dishonesty = Callable[[LogBuilder], None]


def alter_event(log: LogBuilder) -> None:
    log.change(8, handle(2).encode(), handle(7).encode())


def drop_event(log: LogBuilder) -> None:
    del log.rows[8]


def drop_last_event(log: LogBuilder) -> None:
    del log.rows[9]


def swap_events(log: LogBuilder) -> None:
    log.move(8, 7)


def insert_event(log: LogBuilder) -> None:
    log.rows.insert(8, replace(log.rows[8], body=ev.encode_event(log.event(collected(9), CRAWLER))))


def append_event(log: LogBuilder) -> None:
    log.rows.append(replace(log.rows[8], time_us=log.now_us))


def drop_submission(log: LogBuilder) -> None:
    log.post(CRAWLER, collected(4))
    log.post(CRAWLER, collected(5))
    del log.rows[12:14]


def repeat_submission(log: LogBuilder) -> None:
    log.rows[10:10] = log.rows[6:10]


def swap_submissions(log: LogBuilder) -> None:
    log.post(CRAWLER, collected(4))
    log.rows[6:10], log.rows[12:] = log.rows[12:], log.rows[6:10]
    del log.rows[10:12]
    log.rows = [replace(row, time_us=log.now_us) for row in log.rows]


def splice(log: LogBuilder) -> None:
    """500 forged events between two honest submissions, by a frontier that pretends they were "
    "always there."""
    forged = [ev.encode_event(log.event(collected(at), CRAWLER, at=at)) for at in range(1000, 1500)]
    log.sources[CRAWLER] = CompactRange(0, 504, tuple(bytes([at]) * 32 for at in range((504).bit_count())))
    log.rows.extend(Row("event", log.now_us, line) for line in forged)


def splice_under_a_forged_note(log: LogBuilder) -> None:
    forged = [ev.encode_event(log.event(collected(at), CRAWLER, at=at)) for at in range(1000, 1500)]
    impostor = SigningKey(CRAWLER, ED25519, bytes(32))
    submission, _ = make_submission(impostor, CRAWLER, log.sources[CRAWLER], ORIGIN, None, forged)
    signature = replace_key_id(submission.note.signatures[0])
    body = format_note(Note(submission.note.text, (signature,)))
    log.rows.append(Row("submission", log.now_us, body))
    log.rows.extend(Row("event", log.now_us, line) for line in forged)


def replace_key_id(signature: NoteSignature) -> NoteSignature:
    return NoteSignature(signature.name, key_of(CRAWLER).verifier.key_id, signature.signature)


def honest_after_false_frontier(log: LogBuilder) -> None:
    """The operator hands a false frontier; the poster signs on top of it."""
    log.sources[CRAWLER] = CompactRange(0, 4, (bytes(32),))
    log.post(CRAWLER, collected(4))


def other_log(log: LogBuilder) -> None:
    log.post_lines(CRAWLER, [ev.encode_event(log.event(collected(4), CRAWLER))], log="ledger.example/other")


def other_history(log: LogBuilder) -> None:
    seen = replace_root(log.checkpoint(8))
    log.post_lines(CRAWLER, [ev.encode_event(log.event(collected(4), CRAWLER))], seen=seen)


def future_history(log: LogBuilder) -> None:
    lines = [ev.encode_event(log.event(collected(4), CRAWLER))]
    log.post_lines(CRAWLER, lines, seen=Checkpoint(ORIGIN, 13, bytes(32)))


def replace_root(checkpoint: Checkpoint) -> Checkpoint:
    return Checkpoint(checkpoint.origin, checkpoint.size, bytes(32))


def forked_anchor(log: LogBuilder) -> None:
    """The witnesses cosigned another history than the one that is shown."""
    log.rows[8] = replace(log.rows[8], body=ev.encode_event(log.event(collected(9), CRAWLER)))
    submission, _ = make_submission(
        key_of(CRAWLER),
        CRAWLER,
        frontier_of(log.rows[5:6]),
        ORIGIN,
        None,
        [row.body for row in log.rows[7:10]],
    )
    log.rows[6] = replace(log.rows[6], body=format_note(submission.note))


def frontier_of(rows: list[Row]) -> CompactRange:
    return range_of(0, leaf_hashes_of([row.body for row in rows]))


def unregistered(log: LogBuilder) -> None:
    log.post("stranger.example", collected(4))


def before_registration(log: LogBuilder) -> None:
    log.post("late.clearview.example", collected(4))
    log.register("late.clearview.example", "controller")


def after_revocation(log: LogBuilder) -> None:
    log.revoke(CRAWLER, "controller")
    log.post(CRAWLER, collected(4))


def impostor(log: LogBuilder) -> None:
    """Another key under a registered name."""
    log.keys[CRAWLER] = SigningKey(CRAWLER, ED25519, bytes(32))
    log.post(CRAWLER, collected(4))


def foreign_source_log(log: LogBuilder) -> None:
    log.register("other.clearview.example", "controller")
    lines = [ev.encode_event(log.event(collected(4), CRAWLER))]
    submission, _ = make_submission(key_of(CRAWLER), CRAWLER, log.sources[CRAWLER], ORIGIN, None, lines)
    other = key_of("other.clearview.example")
    log.rows.append(Row("submission", log.now_us, format_note(sign_note(submission.note.text, other))))
    log.rows.extend(Row("event", log.now_us, line) for line in lines)


def event_of_another_source(log: LogBuilder) -> None:
    log.post_events(CRAWLER, log.event(collected(4), "other.clearview.example"))


def overstep_register(log: LogBuilder) -> None:
    log.register("friend.example", "auditor", by=CRAWLER)


def overstep_anchor(log: LogBuilder) -> None:
    log.post(CRAWLER, ev.CheckpointAnchored(controller="clearview", note=anchor_note(log)))


def overstep_by_the_operator(log: LogBuilder) -> None:
    log.post(OPERATOR, deleted(1))


def overstep_in_the_middle(log: LogBuilder) -> None:
    log.post(
        CRAWLER,
        collected(4),
        collected(5),
        ev.CheckpointAnchored(controller="clearview", note=anchor_note(log)),
    )


def anchor_note(log: LogBuilder) -> str:
    return base64.b64encode(log.checkpoint_note(None, WITNESS)).decode()


def other_controller(log: LogBuilder) -> None:
    log.post(CRAWLER, collected(4), msgspec.structs.replace(collected(5), controller="other"))


def clock_set_back(log: LogBuilder) -> None:
    log.now_us -= 10 * STEP_US
    log.post(CRAWLER, collected(4))


def clock_set_back_inside(log: LogBuilder) -> None:
    log.rows[8] = replace(log.rows[8], time_us=log.rows[8].time_us - 1)


def not_an_event(log: LogBuilder) -> None:
    log.post_lines(CRAWLER, [ev.encode_event(log.event(collected(4), CRAWLER)), b'{"hello":"world"}'])


def not_canonical(log: LogBuilder) -> None:
    log.post_lines(CRAWLER, [ev.encode_event(log.event(collected(4), CRAWLER)).replace(b",", b", ", 1)])


def records_unsorted(log: LogBuilder) -> None:
    line = ev.encode_event(log.event(collected(4), CRAWLER))
    first, second = sorted([handle(4), handle(5)], reverse=True)
    log.post_lines(CRAWLER, [line.replace(handle(4).encode(), f'{first}","{second}'.encode())])


def gateway(log: LogBuilder, *, source: str = TOKEN) -> None:
    log.post_events(GATEWAY, log.event(collected(4), source), source=GATEWAY)


def register_token(log: LogBuilder, role: str = "controller") -> None:
    secret = hashlib.sha256(b"secret").hexdigest()
    said = {"controller": "clearview", "name": TOKEN, "role": role, "secret_sha256": secret}
    log.post(ADMIN, msgspec.convert(said, ev.TokenRegistered))


def token_unregistered(log: LogBuilder) -> None:
    gateway(log)


def token_revoked(log: LogBuilder) -> None:
    register_token(log)
    secret = hashlib.sha256(b"secret").hexdigest()
    log.post(
        ADMIN, ev.TokenRevoked(controller="clearview", name=TOKEN, role="controller", secret_sha256=secret)
    )
    gateway(log)


def token_overstepped(log: LogBuilder) -> None:
    register_token(log, "recipient")
    gateway(log)


def created_twice(log: LogBuilder) -> None:
    log.post(ADMIN, log.created())


def begun_by_an_event(log: LogBuilder) -> None:
    log.rows.pop(0)


def begun_by_something_else(log: LogBuilder) -> None:
    log.rows.clear()
    log.sources.clear()
    log.register(CRAWLER, "controller")


def begun_by_another_key(log: LogBuilder) -> None:
    log.rows.clear()
    log.sources.clear()
    log.post(CRAWLER, log.created())


def created_for_another_origin(log: LogBuilder) -> None:
    log.rows.clear()
    log.sources.clear()
    log.post(ADMIN, LogBuilder(origin="ledger.example/other").created())


def cut_short(log: LogBuilder) -> None:
    log.post(CRAWLER, collected(4), collected(5))
    log.rows.pop()


DISHONESTIES: list[tuple[Dishonesty, str]] = [
    (
        alter_event,
        "entry 6: the events of the source log crawler.clearview.example up to 4 do not give the root",
    ),
    (drop_event, "entry 9: 1 of the 3 events that the submission at entry 6 announces are missing before it"),
    (drop_last_event, "entry 9: 1 of the 3 events that the submission at entry 6 announces are missing"),
    (
        swap_events,
        "entry 6: the events of the source log crawler.clearview.example up to 4 do not give the root",
    ),
    (insert_event, "entry 10: one event more than the 3 that the submission at entry 6 announces"),
    (append_event, "entry 12: one event more than the 1 that the submission at entry 10 announces"),
    (
        drop_submission,
        "entry 12: its poster's source log crawler.clearview.example held 5 events before it, and 4",
    ),
    (
        repeat_submission,
        "entry 10: its poster's source log crawler.clearview.example held 1 events before it, and 4",
    ),
    (
        swap_submissions,
        "entry 6: its poster's source log crawler.clearview.example held 4 events before it, and 1",
    ),
    (splice, "entry 12: one event more than the 1 that the submission at entry 10 announces"),
    (splice_under_a_forged_note, "entry 12: crawler.clearview.example did not sign this submission"),
    (honest_after_false_frontier, "entry 12: the events of the source log crawler.clearview.example up to 5"),
    (other_log, "entry 12: a submission to the log ledger.example/other, not to this one"),
    (
        other_history,
        "entry 12: its poster had verified a checkpoint of 8 entries that is not one of this log's",
    ),
    (
        future_history,
        "entry 12: its poster had verified a checkpoint of 13 entries that is not one of this log's",
    ),
    (forked_anchor, "entry 11: anchors a checkpoint of 10 entries with another root than these entries give"),
    (unregistered, "entry 12: should not have been accepted: the key stranger.example"),
    (before_registration, "entry 12: should not have been accepted: the key late.clearview.example"),
    (after_revocation, "entry 14: should not have been accepted: the key crawler.clearview.example"),
    (impostor, "entry 12: should not have been accepted: the key crawler.clearview.example"),
    (
        foreign_source_log,
        "entry 14: should not have been accepted: origin: crawler.clearview.example is not this key's",
    ),
    (event_of_another_source, "entry 13: should not have been accepted: source: is other.clearview.example"),
    (
        overstep_register,
        "entry 13: should not have been accepted: type: the role controller may not post writ.key",
    ),
    (
        overstep_anchor,
        "entry 13: should not have been accepted: type: the role controller may not post writ.check",
    ),
    (
        overstep_by_the_operator,
        "entry 13: should not have been accepted: type: the role operator may not post",
    ),
    (
        overstep_in_the_middle,
        "entry 15: should not have been accepted: type: the role controller may not post",
    ),
    (other_controller, "entry 14: should not have been accepted: data.controller"),
    (clock_set_back, "entry 12: recorded 9000000 µs before entry 11"),
    (clock_set_back_inside, "entry 8: recorded 1 µs before entry 7"),
    (not_an_event, "entry 14: not an event"),
    (not_canonical, "entry 13: not an event"),
    (records_unsorted, "entry 13: not an event"),
    (token_unregistered, "entry 13: should not have been accepted: source: no token crm.clearview.example"),
    (
        token_revoked,
        "entry 17: should not have been accepted: the token crm.clearview.example was revoked by entry 15",
    ),
    (token_overstepped, "entry 15: should not have been accepted: type: the role recipient may not post"),
    (
        created_twice,
        "entry 13: should not have been accepted: type: the log ledger.example/clearview was created",
    ),
    (begun_by_an_event, "entry 0: a log begins with a submission"),
    (begun_by_something_else, "entry 1: the log does not exist yet"),
    (begun_by_another_key, "entry 0: signed by crawler.clearview.example"),
    (created_for_another_origin, "entry 1: creates the log ledger.example/other"),
    (cut_short, "entry 14: 1 of the 2 events that the submission at entry 12 announces are missing"),
]


@pytest.mark.parametrize(("dishonesty", "said"), DISHONESTIES, ids=[one.__name__ for one, _ in DISHONESTIES])
def test_a_thorough_operator_is_caught(log: LogBuilder, dishonesty: Dishonesty, said: str) -> None:
    dishonesty(log)
    with pytest.raises(ProofError) as failure:
        audit(log)
    assert said in str(failure.value)


def test_a_token_s_event_is_its_holder_s(log: LogBuilder) -> None:
    register_token(log)
    gateway(log)
    replayed = audit(log)
    assert TOKEN in [poster.name for poster in replayed.fold.docket.posters]


def test_a_checkpoint_of_another_size_or_root_is_named(log: LogBuilder) -> None:
    files = tree_of(log.entries())
    files["checkpoint"] = log.checkpoint_note(10)
    with pytest.raises(ProofError, match="tile/entries/000 is missing"):
        replay(MemorySource(files))
    log.rows[11] = replace(log.rows[11], time_us=log.now_us + 1)
    files["checkpoint"] = log.checkpoint_note(None)
    with pytest.raises(ProofError, match="the 12 entries do not give the root of the checkpoint"):
        replay(MemorySource(files))


def test_a_grown_log_is_read_at_the_size_of_its_checkpoint(log: LogBuilder) -> None:
    checkpoint = log.checkpoint_note(None)
    for number in range(300):
        log.post(CRAWLER, collected(number))
    files = log.tree()
    files["checkpoint"] = checkpoint
    assert replay(MemorySource(files)).audited.checkpoint.size == 12


def test_repeated_ids_are_listed(log: LogBuilder) -> None:
    event = log.event(collected(4), CRAWLER)
    log.post_events(CRAWLER, event)
    log.post_events(CRAWLER, replace_data(event, collected(5)), event)
    assert audit(log).repeats == [(13, 15), (13, 16)]


def replace_data(event: ev.Event[ev.DataCollected], data: ev.DataCollected) -> ev.Event[ev.DataCollected]:
    return msgspec.structs.replace(event, data=data)


def test_repeats_are_found_in_passes() -> None:
    repeats = Repeats(per_pass=5)
    names = [hashlib.sha256(b"%d" % (at % 17)).digest()[:8] for at in range(20)]
    repeats.add(b"".join(names) + bytes(16))
    assert repeats.candidates() == [(0, 17), (1, 18), (2, 19)]


# --- On many processes, across many chunks.


@pytest.fixture(scope="module")
def large() -> LogBuilder:
    log = LogBuilder()
    log.register(CRAWLER, "controller")
    log.post(CRAWLER, store())
    for batch in range(9):
        seen = log.checkpoint()
        numbers = range(1000 * batch, 1000 * batch + 1000)
        lines = [ev.encode_event(log.event(collected(at), CRAWLER, at=at)) for at in numbers]
        log.post_lines(CRAWLER, lines, seen=seen)
    log.anchor(WITNESS)
    return log


def test_processes_reach_what_one_reaches(
    large: LogBuilder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write_tree(large.tree(), tmp_path_factory.mktemp("large"))
    source = DirectorySource(folder)
    alone, together = replay(source, workers=0), replay(source, workers=2)
    assert alone.audited == together.audited
    assert alone.fold.digests() == together.fold.digests()
    assert len(alone.fold.holdings) == 9000


@pytest.mark.parametrize("path", ["tile/0/003", "tile/1/000.p/35"])
def test_one_tampered_tile_of_many_is_caught(large: LogBuilder, path: str) -> None:
    files = large.tree()
    flip(path, 5)(files)
    with pytest.raises(ProofError, match="altered"):
        replay(MemorySource(files), fold=False)
