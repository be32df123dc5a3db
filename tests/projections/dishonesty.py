"""Dishonest operators: each changes an honest log, chains everything anew and signs a fitting checkpoint.

`DISHONESTIES` pairs each with what an audit must say of it.
"""

import base64
from collections.abc import Callable
from dataclasses import replace

import msgspec

from projections import events as ev
from projections.order import Order
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.keys import ED25519, SigningKey
from signing.merkle import CompactRange, leaf_hashes_of, range_of
from signing.note import Note, NoteSignature, format_note, sign_note
from signing.submission import make_submission
from tests.projections.deeds import (
    CRAWLER,
    WITNESS,
    collected,
    deleted,
    gateway,
    handle,
    register_token,
    revoke_token,
)
from tests.projections.evidence import AUTHORITY, issued, order
from tests.projections.logbuilder import (
    ADMIN,
    OPERATOR,
    ORIGIN,
    STEP_US,
    LogBuilder,
    Row,
    key_of,
)

Dishonesty = Callable[[LogBuilder], None]
DISHONESTIES: list[tuple[Dishonesty, str]] = []


def caught(said: str) -> Callable[[Dishonesty], Dishonesty]:
    """Mark what an operator may do, and what an audit must say of it."""

    def mark(dishonesty: Dishonesty) -> Dishonesty:
        DISHONESTIES.append((dishonesty, said))
        return dishonesty

    return mark


@caught("entry 6: the events of the source log crawler.clearview.example up to 4 do not give the root")
def alter_event(log: LogBuilder) -> None:
    log.change(8, handle(2).encode(), handle(7).encode())


@caught("entry 9: 1 of the 3 events that the submission at entry 6 announces are missing before it")
def drop_event(log: LogBuilder) -> None:
    del log.rows[8]


@caught("entry 9: 1 of the 3 events that the submission at entry 6 announces are missing")
def drop_last_event(log: LogBuilder) -> None:
    del log.rows[9]


@caught("entry 6: the events of the source log crawler.clearview.example up to 4 do not give the root")
def swap_events(log: LogBuilder) -> None:
    log.move(8, 7)


@caught("entry 10: one event more than the 3 that the submission at entry 6 announces")
def insert_event(log: LogBuilder) -> None:
    log.rows.insert(8, replace(log.rows[8], body=ev.encode_event(log.event(collected(9), CRAWLER))))


@caught("entry 12: one event more than the 1 that the submission at entry 10 announces")
def append_event(log: LogBuilder) -> None:
    log.rows.append(replace(log.rows[8], time_us=log.now_us))


@caught("entry 12: its poster's source log crawler.clearview.example held 5 events before it, and 4")
def drop_submission(log: LogBuilder) -> None:
    log.post(CRAWLER, collected(4))
    log.post(CRAWLER, collected(5))
    del log.rows[12:14]


@caught("entry 10: its poster's source log crawler.clearview.example held 1 events before it, and 4")
def repeat_submission(log: LogBuilder) -> None:
    log.rows[10:10] = log.rows[6:10]


@caught("entry 6: its poster's source log crawler.clearview.example held 4 events before it, and 1")
def swap_submissions(log: LogBuilder) -> None:
    log.post(CRAWLER, collected(4))
    log.rows[6:10], log.rows[12:] = log.rows[12:], log.rows[6:10]
    del log.rows[10:12]
    log.rows = [replace(row, time_us=log.now_us) for row in log.rows]


@caught("entry 12: one event more than the 1 that the submission at entry 10 announces")
def splice(log: LogBuilder) -> None:
    """500 forged events between two honest submissions, by a frontier that pretends they were
    always there."""
    forged = [ev.encode_event(log.event(collected(at), CRAWLER, at=at)) for at in range(1000, 1500)]
    log.sources[CRAWLER] = CompactRange(0, 504, tuple(bytes([at]) * 32 for at in range((504).bit_count())))
    log.rows.extend(Row("event", log.now_us, line) for line in forged)


@caught("entry 12: crawler.clearview.example did not sign this submission")
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


@caught("entry 12: the events of the source log crawler.clearview.example up to 5")
def honest_after_false_frontier(log: LogBuilder) -> None:
    """The operator hands a false frontier; the poster signs on top of it."""
    log.sources[CRAWLER] = CompactRange(0, 4, (bytes(32),))
    log.post(CRAWLER, collected(4))


@caught("entry 12: a submission to the log ledger.example/other, not to this one")
def other_log(log: LogBuilder) -> None:
    log.post_lines(CRAWLER, [ev.encode_event(log.event(collected(4), CRAWLER))], log="ledger.example/other")


@caught("entry 12: its poster had verified a checkpoint of 8 entries that is not one of this log's")
def other_history(log: LogBuilder) -> None:
    seen = replace_root(log.checkpoint(8))
    log.post_lines(CRAWLER, [ev.encode_event(log.event(collected(4), CRAWLER))], seen=seen)


@caught("entry 12: its poster had verified a checkpoint of 13 entries that is not one of this log's")
def future_history(log: LogBuilder) -> None:
    lines = [ev.encode_event(log.event(collected(4), CRAWLER))]
    log.post_lines(CRAWLER, lines, seen=Checkpoint(ORIGIN, 13, bytes(32)))


def replace_root(checkpoint: Checkpoint) -> Checkpoint:
    return Checkpoint(checkpoint.origin, checkpoint.size, bytes(32))


@caught("entry 11: anchors a checkpoint of 10 entries with another root than these entries give")
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


@caught("entry 14: anchors a checkpoint of 10 entries with another root")
def forked_anchor_behind_a_true_one(log: LogBuilder) -> None:
    """Of several anchors in one submission each is looked at."""
    false = format_note(sign_checkpoint(Checkpoint(ORIGIN, 10, bytes(32)), key_of(ORIGIN)))
    notes = (base64.b64encode(note).decode() for note in (log.checkpoint_note(None, WITNESS), false))
    log.post(OPERATOR, *(ev.CheckpointAnchored(controller="clearview", note=note) for note in notes))


@caught("entry 13: anchors a checkpoint that is not of this log before it")
def anchor_of_another_log(log: LogBuilder) -> None:
    other = LogBuilder(origin="ledger.example/other")
    note = base64.b64encode(other.checkpoint_note(None, WITNESS)).decode()
    log.post(OPERATOR, ev.CheckpointAnchored(controller="clearview", note=note))


@caught("entry 13: anchors a checkpoint that is not of this log before it")
def anchor_of_what_is_to_come(log: LogBuilder) -> None:
    note = format_note(sign_checkpoint(Checkpoint(ORIGIN, 14, bytes(32)), key_of(ORIGIN)))
    log.post(OPERATOR, ev.CheckpointAnchored(controller="clearview", note=base64.b64encode(note).decode()))


@caught("entry 13: anchors what is no checkpoint")
def anchor_of_nothing(log: LogBuilder) -> None:
    note = base64.b64encode(b"no checkpoint").decode()
    log.post(OPERATOR, ev.CheckpointAnchored(controller="clearview", note=note))


@caught("entry 0: admin.clearview.example did not sign this submission")
def begun_under_a_forged_signature(log: LogBuilder) -> None:
    """Somebody writes a log in the name of an administrator whose key he does not have."""
    text = log.rows[0].body.decode().partition("\n\n")[0] + "\n"
    forger = SigningKey(ADMIN, ED25519, bytes(32))
    signature = sign_note(text, forger).signatures[0]
    named = NoteSignature(ADMIN, key_of(ADMIN).verifier.key_id, signature.signature)
    log.rows[0] = replace(log.rows[0], body=format_note(Note(text, (named,))))


@caught("entry 12: should not have been accepted: the key stranger.example")
def unregistered(log: LogBuilder) -> None:
    log.post("stranger.example", collected(4))


@caught("entry 12: should not have been accepted: the key late.clearview.example")
def before_registration(log: LogBuilder) -> None:
    log.post("late.clearview.example", collected(4))
    log.register("late.clearview.example", "controller")


@caught("entry 14: should not have been accepted: the key crawler.clearview.example")
def after_revocation(log: LogBuilder) -> None:
    log.revoke(CRAWLER, "controller")
    log.post(CRAWLER, collected(4))


@caught("entry 12: should not have been accepted: the key crawler.clearview.example")
def impostor(log: LogBuilder) -> None:
    """Another key under a registered name."""
    log.keys[CRAWLER] = SigningKey(CRAWLER, ED25519, bytes(32))
    log.post(CRAWLER, collected(4))


@caught("entry 14: should not have been accepted: origin: crawler.clearview.example is not this key's")
def foreign_source_log(log: LogBuilder) -> None:
    log.register("other.clearview.example", "controller")
    lines = [ev.encode_event(log.event(collected(4), CRAWLER))]
    submission, _ = make_submission(key_of(CRAWLER), CRAWLER, log.sources[CRAWLER], ORIGIN, None, lines)
    other = key_of("other.clearview.example")
    log.rows.append(Row("submission", log.now_us, format_note(sign_note(submission.note.text, other))))
    log.rows.extend(Row("event", log.now_us, line) for line in lines)


@caught("entry 13: should not have been accepted: source: is other.clearview.example")
def event_of_another_source(log: LogBuilder) -> None:
    log.post_events(CRAWLER, log.event(collected(4), "other.clearview.example"))


@caught("entry 13: should not have been accepted: type: the role controller may not post writ.key")
def overstep_register(log: LogBuilder) -> None:
    log.register("friend.example", "auditor", by=CRAWLER)


@caught("entry 13: should not have been accepted: type: the role controller may not post writ.check")
def overstep_anchor(log: LogBuilder) -> None:
    log.post(CRAWLER, ev.CheckpointAnchored(controller="clearview", note=anchor_note(log)))


@caught("entry 13: should not have been accepted: type: the role operator may not post")
def overstep_by_the_operator(log: LogBuilder) -> None:
    log.post(OPERATOR, deleted(1))


@caught("entry 15: should not have been accepted: type: the role controller may not post")
def overstep_in_the_middle(log: LogBuilder) -> None:
    log.post(
        CRAWLER,
        collected(4),
        collected(5),
        ev.CheckpointAnchored(controller="clearview", note=anchor_note(log)),
    )


def anchor_note(log: LogBuilder) -> str:
    return base64.b64encode(log.checkpoint_note(None, WITNESS)).decode()


@caught("entry 14: should not have been accepted: data.controller")
def other_controller(log: LogBuilder) -> None:
    log.post(CRAWLER, collected(4), msgspec.structs.replace(collected(5), controller="other"))


@caught("entry 12: recorded 9000000 µs before entry 11")
def clock_set_back(log: LogBuilder) -> None:
    log.now_us -= 10 * STEP_US
    log.post(CRAWLER, collected(4))


@caught("entry 8: recorded 1 µs before entry 7")
def clock_set_back_inside(log: LogBuilder) -> None:
    log.rows[8] = replace(log.rows[8], time_us=log.rows[8].time_us - 1)


@caught("entry 16: should not have been accepted: data.order: order.id: cnil.example/en-1 does not begin")
def order_of_another_authority(log: LogBuilder) -> None:
    # Behind an order of its own, which says nothing of the next.
    log.register(AUTHORITY, "authority")
    log.post(AUTHORITY, issued(order()), issued(order(id="cnil.example/en-1")))


@caught("entry 17: should not have been accepted: data.order: order.id: cnil.example/en-1 does not begin")
def variation_of_another_authoritys_order(log: LogBuilder) -> None:
    log.register(AUTHORITY, "authority")
    log.post(
        AUTHORITY, issued(order()), *map(varied, (order(version=2), order(id="cnil.example/en-1", version=2)))
    )


@caught("entry 14: not an event")
def not_an_event(log: LogBuilder) -> None:
    log.post_lines(CRAWLER, [ev.encode_event(log.event(collected(4), CRAWLER)), b'{"hello":"world"}'])


@caught("entry 13: not an event")
def not_canonical(log: LogBuilder) -> None:
    log.post_lines(CRAWLER, [ev.encode_event(log.event(collected(4), CRAWLER)).replace(b",", b", ", 1)])


@caught("entry 13: not an event")
def records_unsorted(log: LogBuilder) -> None:
    line = ev.encode_event(log.event(collected(4), CRAWLER))
    first, second = sorted([handle(4), handle(5)], reverse=True)
    log.post_lines(CRAWLER, [line.replace(handle(4).encode(), f'{first}","{second}'.encode())])


@caught("entry 13: should not have been accepted: source: no token crm.clearview.example")
def token_unregistered(log: LogBuilder) -> None:
    gateway(log)


@caught("entry 17: should not have been accepted: the token crm.clearview.example was revoked by entry 15")
def token_revoked(log: LogBuilder) -> None:
    register_token(log)
    revoke_token(log)
    gateway(log)


@caught("entry 15: should not have been accepted: type: the role recipient may not post")
def token_overstepped(log: LogBuilder) -> None:
    register_token(log, "recipient")
    gateway(log)


@caught("entry 13: should not have been accepted: type: the log ledger.example/clearview was created")
def created_twice(log: LogBuilder) -> None:
    log.post(ADMIN, log.created())


@caught("entry 0: a log begins with a submission")
def begun_by_an_event(log: LogBuilder) -> None:
    log.rows.pop(0)


@caught("entry 1: the log does not exist yet")
def begun_by_something_else(log: LogBuilder) -> None:
    log.rows.clear()
    log.sources.clear()
    log.register(CRAWLER, "controller")


@caught("entry 0: signed by crawler.clearview.example")
def begun_by_another_key(log: LogBuilder) -> None:
    log.rows.clear()
    log.sources.clear()
    log.post(CRAWLER, log.created())


@caught("entry 1: creates the log ledger.example/other")
def created_for_another_origin(log: LogBuilder) -> None:
    log.rows.clear()
    log.sources.clear()
    log.post(ADMIN, LogBuilder(origin="ledger.example/other").created())


@caught("entry 14: 1 of the 2 events that the submission at entry 12 announces are missing")
def cut_short(log: LogBuilder) -> None:
    log.post(CRAWLER, collected(4), collected(5))
    log.rows.pop()


def varied(one: Order) -> ev.OrderVaried:
    return ev.OrderVaried(
        controller="clearview", effective_at=one.effective, instrument_sha256=one.instrument_sha256, order=one
    )
