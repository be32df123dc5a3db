"""Bundles to verify, large ones: of a log with millions of events, and of an order over a million copies."""

import shutil
import time
from pathlib import Path

from msgspec import Struct

from ledger.compacting import indexes
from ledger.packing import Pack
from projections import events as ev
from projections.runners.offline import replay
from projections.runners.restating import end_of, state_end
from projections.runners.shelf import MOST_HELD
from projections.runners.source import DirectorySource
from projections.statement import format_statement
from projections.stating import find_order
from signing.checkpoint import format_checkpoint, sign_checkpoint
from signing.cosignature import cosign
from signing.encoding import encode_base64
from signing.keys import COSIGNATURE, SigningKey, format_vkey
from signing.note import add_signatures, format_note, sign_note
from signing.tiles import tile_path, tiles_of
from tests.bench.events import CONTROLLER, CRAWLER, ORIGIN, TIME
from tests.bench.growing import ADMINISTRATOR, Grown
from tests.bench.judging import AUTHORITY, SHA, declared, ordered
from tests.ledger.lab import registered, seeded_key
from tests.projections import evidence
from tests.projections.deeds import erased, held, looked, store
from tests.projections.evidence import ASSESSOR, WITNESS, Evidence
from tests.projections.logbuilder import OPERATOR, LogBuilder, MemorySource, key_of, vkey_of, write_zip

PER_EVENT = 1_000
"""Records of one bulk event."""
ORDER = f"{AUTHORITY}/en-1"
_WITNESS = SigningKey("witness.example/w1", COSIGNATURE, bytes(range(32)))


class Bundle(Struct, frozen=True, kw_only=True):
    """A bundle, and what its reader brings."""

    path: Path
    authority: str
    now: int
    size: int


def full(folder: Path, size: int) -> Bundle:
    """Of a log of at least so many entries: each collects one record, under an order to erase them."""
    tree = folder / "tree"
    log = Grown(tree)
    log.post(ADMINISTRATOR, registered(seeded_key(AUTHORITY), "authority", ADMINISTRATOR))
    log.post(CRAWLER, _line(CRAWLER, declared()))
    log.post(AUTHORITY, _line(AUTHORITY, _issued()))
    log.grow(size)
    anchored = ev.CheckpointAnchored(controller=CONTROLLER, note=encode_base64(_cosigned(log)))
    log.post(f"{ORIGIN}/operator", _line(f"{ORIGIN}/operator", anchored))
    log.finish()
    checkpoint = _cosigned(log)
    replayed = replay(DirectorySource(tree), most_held=MOST_HELD, folder=folder)
    as_of = end_of(replayed)
    issued = find_order(replayed.fold, ORDER, None, None, as_of=as_of)
    assert issued is not None
    stated, vouched = state_end(replayed, issued, as_of)
    assert vouched, "the witness has seen all but the anchor"
    path = folder / "full.zip"
    with Pack(path) as pack:
        note = sign_note(format_statement(stated.statement), seeded_key(f"{ORIGIN}/operator"))
        pack.add("statement", format_note(note))
        pack.add("checkpoint", checkpoint)
        for tile in tiles_of(log.checkpoint.size):
            pack.add(tile_path(tile), replayed.tile(tile))
    shutil.rmtree(tree)
    authority = format_vkey(seeded_key(AUTHORITY).verifier)
    return Bundle(path=path, authority=authority, now=as_of + 60, size=log.checkpoint.size)


def compact(folder: Path, copies: int) -> Bundle:
    """Of an order over so many copies, all erased; the company and an assessor looked, and he signed."""
    log = LogBuilder()
    for name, role in ((CRAWLER, "controller"), (evidence.AUTHORITY, "authority"), (ASSESSOR, "auditor")):
        log.register(name, role)
    log.post(CRAWLER, store())
    for first in range(0, copies, PER_EVENT):
        log.post(CRAWLER, held(*range(first, first + PER_EVENT)))
    log.post(evidence.AUTHORITY, evidence.issued(evidence.order()))
    log.anchor(WITNESS)
    for first in range(0, copies, PER_EVENT):
        log.post(CRAWLER, erased(*range(first, first + PER_EVENT)))
    looked(log, CRAWLER)
    looked(log, ASSESSOR)
    log.anchor(WITNESS)
    made = Evidence(log)
    replayed = replay(MemorySource(log.tree(WITNESS)), most_held=MOST_HELD, folder=folder)
    issued = find_order(replayed.fold, evidence.ORDER, None, None, as_of=made.as_of)
    assert issued is not None
    stated, _ = state_end(replayed, issued, made.as_of)
    assert stated.judgment.verdict == "carried_out"
    note = sign_note(format_statement(stated.statement), key_of(OPERATOR), key_of(ASSESSOR))
    files = {"statement": format_note(note), "checkpoint": format_note(replayed.note)}
    for index in indexes(replayed.fold.docket, issued, stated):
        files |= made.proofs(index)
    path = write_zip(files, folder / "compact.zip")
    authority = vkey_of(evidence.AUTHORITY)
    return Bundle(path=path, authority=authority, now=made.as_of + 60, size=log.size)


def _issued() -> ev.OrderIssued:
    witnesses = (f"witness w1 {format_vkey(_WITNESS.verifier)}", "quorum w1")
    order = ordered(ORDER, format_vkey(seeded_key(ORIGIN).verifier), witnesses)
    return ev.OrderIssued(
        controller=CONTROLLER, effective_at=order.effective, instrument_sha256=SHA, order=order
    )


def _cosigned(log: Grown) -> bytes:
    """The checkpoint as log and witness sign it now."""
    note = sign_checkpoint(log.checkpoint, seeded_key(ORIGIN))
    cosigned = cosign(format_checkpoint(log.checkpoint), _WITNESS, int(time.time()) + 1)
    return format_note(add_signatures(note, cosigned))


def _line(source: str, data: ev.Data) -> bytes:
    return ev.encode_event(
        ev.make_event(data, id=f"said-{source.rpartition('/')[2]}", source=source, time=TIME)
    )
