"""Admission: whether a submission may enter the log as it stands. Pure: bytes and values in, values out.

What needs no knowledge of the log happens first and without any lock: `open_submission` and `decode_lines`
parse, `hash_lines` hashes. What depends on the log's state, `admit` decides under the head's lock.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from ledger.problems import Problem, Refused, refuse_by_policy
from projections import registry as rules
from projections.diagnosis import EventError
from projections.events import Event, LogCreated, decode_event
from projections.mould import Caster
from projections.refused import Refused as PolicyRefusal
from projections.registry import Key, Registry
from signing.errors import FormatError, ProofError, TooLargeError
from signing.merkle import CompactRange, leaf_hashes_of, range_of
from signing.note import format_note
from signing.submission import Submission, check_root, check_signature, parse_submission

MAX_LINES: Final = 10_000
MAX_BODY_BYTES: Final = 16 << 20
# Six lines of text, an empty one, the signature, an empty one: the first event stands on line 10 of the body.
FIRST_EVENT_LINE: Final = 10

_LINE: Final = re.compile(r"(event )?line (\d+)\b")


class Arrival(msgspec.Struct, frozen=True):
    """A submission that is well-formed and hashed. Nobody has yet said that it is true or welcome."""

    submission: Submission
    note: bytes
    events: tuple[Event[Any], ...]
    """Of each line its event, or an earlier line's that differs from it in records, id and time alone."""
    added: CompactRange
    """The lines as leaves of the source log, from its size before."""

    @property
    def entries(self) -> int:
        """How many entries of the log it makes."""
        return 1 + len(self.events)

    @property
    def size_bytes(self) -> int:
        """About what it holds in memory and on the disk."""
        return len(self.note) + sum(map(len, self.submission.lines))


class Standing(msgspec.Struct, frozen=True):
    """What of a log's state decides over one submission."""

    origin: str
    registry: Registry
    source: CompactRange
    roots: Mapping[int, bytes]
    """The root of each checkpoint that the submission might name, where the log had one of that size."""
    index: int
    time_us: int


class Admitted(msgspec.Struct, frozen=True):
    """A submission that enters the log: what it changes."""

    arrival: Arrival
    source: CompactRange
    registry: Registry
    registrations: tuple[int, ...]


def open_submission(raw: bytes) -> Submission | Refused:
    """Parse a submission's body, up to its event lines."""
    if len(raw) > MAX_BODY_BYTES:
        return Refused(problem="too-large", detail=f"a submission has at most {MAX_BODY_BYTES:,} bytes")
    try:
        submission = parse_submission(raw, MAX_LINES)
    except FormatError as error:
        return _refuse_format(error)
    return submission


def decode_lines(
    lines: Sequence[bytes], first_line: int = FIRST_EVENT_LINE, caster: Caster | None = None
) -> tuple[Event[Any], ...] | Refused:
    """Decode event lines; `first_line` is where the first of them stands in the body.

    With a caster, lines that differ in records, id and time alone give one and the same event, that of the
    first of them.
    """
    events = []
    for line in lines:
        try:
            events.append(decode_event(line) if caster is None else caster.read(line)[0])
        except FormatError as error:
            problem: Problem = "too-large" if isinstance(error, TooLargeError) else "malformed"
            field = error.field if isinstance(error, EventError) else None
            return Refused(problem=problem, detail=str(error), line=first_line + len(events), field=field)
    return tuple(events)


def hash_lines(submission: Submission, events: tuple[Event[Any], ...]) -> Arrival:
    """Hash a submission's lines, which needs no knowledge of the source log before it."""
    added = range_of(submission.text.base, leaf_hashes_of(submission.lines))
    return Arrival(submission, format_note(submission.note), events, added)


def admit(arrival: Arrival, standing: Standing) -> Admitted | Refused:
    """Decide whether a submission enters the log now. Line numbers are those of the posted body."""
    text = arrival.submission.text
    if text.log != standing.origin:
        detail = f"the submission is meant for {text.log}, and this is {standing.origin}"
        return Refused(problem="wrong-log", detail=detail, line=4, field="log")
    key = _admit_key(arrival, standing.registry)
    if isinstance(key, Refused):
        return key
    after = _extend_source(arrival, standing)
    if isinstance(after, Refused):
        return after
    if text.seen_size and standing.roots.get(text.seen_size) != text.seen_root:
        detail = f"{standing.origin} never had a checkpoint of size {text.seen_size} with this root"
        return Refused(problem="unknown-checkpoint", detail=detail, line=6, field="seen")
    return admit_events(arrival, key, after, standing)


def admit_events(arrival: Arrival, key: Key, after: CompactRange, standing: Standing) -> Admitted | Refused:
    """Let the registry decide over each event in turn; a later event sees the earlier ones."""
    registry, origin = standing.registry, arrival.submission.text.origin
    registrations = []
    let_pass: Event[Any] | None = None  # the one before
    for position, event in enumerate(arrival.events):
        # Whether it may be posted depends on the registry, and on nothing in which it differs from that one.
        if event is let_pass:
            continue
        poster = rules.poster_of(registry, key, origin, event)
        refusal = poster if isinstance(poster, PolicyRefusal) else rules.may_post(registry, poster, event)
        if refusal is not None or isinstance(poster, PolicyRefusal):
            assert refusal is not None
            return refuse_by_policy(refusal, line=FIRST_EVENT_LINE + position)
        if rules.changes_registry(event):
            index = standing.index + 1 + position
            registry = rules.apply(registry, index, poster, event)
            registrations.append(index)
        let_pass = event
    return Admitted(arrival, after, registry, tuple(registrations))


def _admit_key(arrival: Arrival, registry: Registry) -> Key | Refused:
    """The key that signed, if it may sign for this source log now and its signature is good."""
    key = _signing_key(arrival, registry)
    if isinstance(key, PolicyRefusal):
        return refuse_by_policy(key, line=8)
    text = arrival.submission.text
    refusal = rules.check_source(key, text.origin)
    if refusal is not None:
        return refuse_by_policy(refusal, line=1)
    try:
        check_signature(arrival.submission.note, text, key.verifier)
    except ProofError as error:
        return Refused(problem="bad-signature", detail=str(error), line=8)
    return key


def _signing_key(arrival: Arrival, registry: Registry) -> Key | PolicyRefusal:
    if registry.created is None:
        created = arrival.events[0].data
        if not isinstance(created, LogCreated):
            return PolicyRefusal(
                "not-allowed", "the log does not exist yet: its first event is writ.log.created.v1"
            )
        return rules.founding_key(created)
    signature = arrival.submission.note.signatures[0]
    return rules.admit_key(registry, signature.name, signature.key_id)


def _extend_source(arrival: Arrival, standing: Standing) -> CompactRange | Refused:
    text = arrival.submission.text
    if standing.source.end != text.base:
        detail = f"{text.origin} has size {standing.source.end} in this log, not {text.base}"
        return Refused(problem="size-conflict", detail=detail, line=5, field="base", size=standing.source.end)
    try:
        return check_root(text, standing.source, arrival.added)
    except ProofError as error:
        return Refused(problem="wrong-root", detail=str(error), line=3, field="root")


def _refuse_format(error: FormatError) -> Refused:
    """A refusal of bytes that are no submission; the parser names the line in its message."""
    place = _LINE.match(str(error))
    line = None if place is None else int(place[2]) + (FIRST_EVENT_LINE if place[1] else 0)
    problem: Problem = "too-large" if isinstance(error, TooLargeError) else "malformed"
    return Refused(problem=problem, detail=str(error), line=line)
