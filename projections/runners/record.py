"""A record's bundle: what a log has about one handle, each entry with all that proves it.

It answers somebody who asks what is held about him, or a complaint. The operator signs which entries these
are: should one turn up that he left out, his signature says that there was none. No bundle shows more.
"""

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from projections.events import LogCreated
from projections.fact import HANDLES, named
from projections.refused import Refused
from projections.registry import (
    Poster,
    Registry,
    admit_key,
    apply,
    check_source,
    founding_key,
    may_post,
    poster_of,
)
from projections.runners import members, trust, wording
from projections.runners.full import Request, require_one_go
from projections.runners.outcome import Outcome, Told
from projections.runners.proofs import Proved, check_event, indexes, read_event
from projections.runners.source import ZipSource
from projections.runners.usage import require_unused
from projections.statement import Log
from projections.vocabulary import OneHandle
from signing.canonical import parse_canonical
from signing.checkpoint import Checkpoint, verify_checkpoint
from signing.encoding import encode_base64
from signing.errors import FormatError, ProofError
from signing.keys import parse_vkey
from signing.note import Note, parse_note, signatures_of, verify_note
from signing.policy import quorum_time
from signing.submission import check_signature, parse_submission_text

T = TypeVar("T")

HEADER: Final = "writ/record/v1\n"
REGISTERING: Final = (
    "writ.key.registered.v1",
    "writ.key.revoked.v1",
    "writ.log.created.v1",
    "writ.token.registered.v1",
    "writ.token.revoked.v1",
)
"""Beside the entries about the record, a bundle has those that say whose keys signed them."""
MAX_TOLD: Final = 1_000
"""So many entries are told one by one; all are checked."""


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator signs: these entries name the handle, of all that the log has."""

    entries: tuple[Annotated[int, Meta(ge=0)], ...]
    handle: OneHandle
    log: Log


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Record)


def format_record(record: Record) -> str:
    """The note text: header line, then one line of canonical JSON."""
    return HEADER + _encoder.encode(record).decode() + "\n"


def parse_record(text: str) -> Record:
    """Read a note text, accepting only what `format_record` writes of entries in their sequence."""
    if not text.startswith(HEADER):
        raise FormatError(f"not of a record: its first line is not {HEADER.strip()!r}")
    line = text[len(HEADER) :].removesuffix("\n").encode()
    try:
        record = _decoder.decode(line)
        parse_canonical(line)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"record: {error}") from error
    if format_record(record) != text:
        raise FormatError("record is not in canonical form")
    if list(record.entries) != sorted(set(record.entries)):
        raise FormatError("record: entries are not in their sequence, each once")
    return record


def verify_record(source: ZipSource, request: Request, outcome: Outcome) -> None:
    """Verify a record's bundle, and fill in the outcome. ProofError says what is wrong."""
    outcome.kind = "record"
    members.check_record(source.paths)
    require_unused(
        "--authority",
        request.authority,
        "a bundle of one record holds no statement on an order",
        "give --log, and --policy for the witnesses to believe",
    )
    require_one_go(request, "a bundle of one record")
    note = parse_note(source.read("record"))
    record = parse_record(note.text)
    if request.held:
        raise ProofError(
            f"{request.held[0].name}: a record's bundle can't show that it is in the log: ask for a full one"
        )
    checkpoint_note = parse_note(source.read("checkpoint"))
    created = _created(source)
    outcome.log = request.log_vkey
    checkpoint = _check_log(outcome, created, checkpoint_note)
    _check_place(record, checkpoint)
    registry = _read(source, record, checkpoint_note, outcome)
    _check_operator(outcome, registry, note)
    _check_witnesses(outcome, request, checkpoint_note)
    outcome.record = record.handle
    outcome.not_proven += _unproven(record)


def _created(source: ZipSource) -> LogCreated:
    first = read_event(source, 1).event
    if not isinstance(first.data, LogCreated):
        raise ProofError(f"entry 1: the log does not exist yet: log.created belongs here, not {first.type}")
    return first.data


def _check_log(outcome: Outcome, created: LogCreated, note: Note) -> Checkpoint:
    """The checkpoint is the log's that the reader names; else of that which the bundle names itself."""
    if outcome.log is not None and outcome.log != created.log_vkey:
        raise ProofError(f"this is of the log {created.log_vkey}, not of {outcome.log}")
    checkpoint = verify_checkpoint(note, parse_vkey(created.log_vkey))
    by = "given by you" if outcome.log is not None else "which the bundle itself names"
    outcome.keys.append(f"log {created.log_vkey}, {by}")
    outcome.checked.append(f"the checkpoint of {checkpoint.size:,} entries is signed by that log")
    if outcome.log is None:
        outcome.exceptions.append("no --log was given: that this is the log's key is the operator's word")
    return checkpoint


def _check_place(record: Record, checkpoint: Checkpoint) -> None:
    if record.log != Log(checkpoint.origin, encode_base64(checkpoint.root), checkpoint.size):
        raise ProofError(
            f"`record` is about {record.log.origin} at {record.log.size} entries, not about the log of this "
            "checkpoint"
        )


def _read(source: ZipSource, record: Record, checkpoint: Note, outcome: Outcome) -> Registry:
    """Check every event; what the log had registered, as far as the bundle shows it."""
    registry, log_key = Registry.empty(), parse_vkey(_created(source).log_vkey)
    said, proved = frozenset(record.entries), indexes(source)
    for index in proved:
        check_event(source, index, log_key, checkpoint)
        one = read_event(source, index)
        poster = _signer(registry, one)
        if index in said:
            _tell(outcome, record.handle, one, poster)
        elif one.event.type not in REGISTERING:
            raise ProofError(f"entry {index}: is not among those that the operator signed as this record's")
        else:
            registry = apply(registry, index, poster, one.event)
    missing = said.difference(proved)
    if missing:
        raise ProofError(f"entry {min(missing)}: is about this record, as the operator signed, and not here")
    outcome.checked += [
        f"{len(said):,} entries about this record, and {len(proved) - len(said):,} that register whose keys "
        "signed them, stand in that log, each under its poster's submission",
        "each submission is signed by a key that those register, in a role that may say so",
    ]
    return registry


def _tell(outcome: Outcome, handle: str, one: Proved, poster: Poster) -> None:
    if handle not in named(one.event):
        raise ProofError(f"entry {one.index}: does not name the record {handle}")
    if len(outcome.told) == MAX_TOLD:
        outcome.untold += 1
        return
    data: dict[str, Any] = msgspec.to_builtins(one.event.data)
    # Whom else an event names is nothing for who asks about this record.
    said = {name: value for name, value in data.items() if name not in HANDLES}
    key_id = None if poster.key_id is None else poster.key_id.hex()
    outcome.told.append(Told(one.index, one.time_us, one.event.type, poster.name, poster.role, key_id, said))


def _signer(registry: Registry, one: Proved) -> Poster:
    """Who answers for an event: its submission is signed by a key that stands registered there."""
    signature, origin = one.note.signatures[0], parse_submission_text(one.note.text).origin
    if isinstance(one.event.data, LogCreated) and registry.created is None:
        key = founding_key(one.event.data)
    else:
        key = _accepted(one, admit_key(registry, signature.name, signature.key_id))
    try:
        check_signature(one.note, parse_submission_text(one.note.text), key.verifier)
    except ProofError as error:
        raise ProofError(f"entry {one.index}: {key.name} did not sign its submission: {error}") from error
    _accepted(one, check_source(key, origin))
    poster = _accepted(one, poster_of(registry, key, origin, one.event))
    _accepted(one, may_post(registry, poster, one.event))
    return poster


def _accepted(one: Proved, outcome: T | Refused) -> T:
    if isinstance(outcome, Refused):
        raise ProofError(f"entry {one.index}: no log accepts it on what this bundle shows: {outcome.detail}")
    return outcome


def _check_operator(outcome: Outcome, registry: Registry, note: Note) -> None:
    """The operator signed which entries these are, so that he answers for one that he left out."""
    for key in registry.keys.values():
        if key.role == "operator" and signatures_of(note, key.verifier):
            verify_note(note, key.verifier)
            outcome.attested.append(
                f"the operator's key {key.name}, which signed that these are all entries about this record"
            )
            return
    raise ProofError("`record` is not signed by the log's operator")


def _check_witnesses(outcome: Outcome, request: Request, note: Note) -> None:
    """Whether those witnesses whom the reader believes have seen this log."""
    if request.policy is None:
        outcome.exceptions.append(
            "no --policy was given: that nobody else is shown another log is the operator's word"
        )
        return
    seen_s = quorum_time(request.policy, note)
    named = trust.cosigners(outcome, request.policy, note)
    outcome.witnessed = seen_s is not None
    if seen_s is not None:
        outcome.attested.append(
            f"witnesses named in your policy ({', '.join(named)}): they saw this log and no other, at "
            f"{wording.moment(seen_s)} at the latest"
        )
    else:
        outcome.exceptions.append("the checkpoint lacks the cosignatures that your policy asks for")


def _unproven(record: Record) -> list[str]:
    return [
        f"that no other entry below {record.log.size:,} is about this record: only who replays the whole log "
        "(a full bundle, or `writ replay`) can tell; if one is found, the operator signed that there is none",
        "that no key that signed was revoked by then: a revocation that was left out shows only there, too",
        "what was recorded after the checkpoint, and what is held under another handle",
        *wording.ALWAYS_UNPROVEN,
    ]
