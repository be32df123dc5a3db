"""The token door: plain CloudEvents with a bearer token, in a source log that the service itself signs for.

    POST /logs/clearview/events
    Authorization: Bearer <secret>
    Content-Type: application/cloudevents+json            one event
                  application/cloudevents-batch+json      a list of events

The service writes each event in its canonical form and submits what waits, of all tokens, as one submission
of its gateway key. Pure: what the writer does under the head's lock is decided here. The operator's own
events (anchors) go the same way under the operator's key.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NoReturn

import msgspec

from ledger.admission import Admitted, hash_lines
from ledger.problems import Refused, refuse_by_policy
from ledger.sealing import Draft, TokenRow
from projections import registry as rules
from projections.diagnosis import EventError
from projections.events import Event, decode_event
from projections.refused import Refused as PolicyRefusal
from projections.registry import Poster
from signing.canonical import canonicalise
from signing.checkpoint import Checkpoint
from signing.errors import FormatError, TooLargeError
from signing.keys import Signer
from signing.merkle import CompactRange
from signing.submission import Submission, make_submission

STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
MAX_EVENTS: Final = 1_000

EventKey = tuple[str, str]
"""Source and id: what makes an event the same event at this door."""


class TokenPost(msgspec.Struct, frozen=True):
    """Events of one request, canonical and well-formed, with the hash of the secret they came with."""

    secret_sha256: str
    lines: tuple[bytes, ...]
    events: tuple[Event[Any], ...]

    @property
    def keys(self) -> list[EventKey]:
        """The keys by which its events are remembered."""
        return [(event.source, event.id) for event in self.events]


class OwnPost(msgspec.Struct, frozen=True):
    """One event of the service itself, under its operator's key."""

    line: bytes
    event: Event[Any]


class Placed(msgspec.Struct, frozen=True):
    """Where the events of one post stand in the log, and which of them stood there before."""

    indexes: tuple[int, ...]
    repeated: tuple[bool, ...]


def secret_hash(secret: str) -> str:
    """What the log holds of a bearer token's secret."""
    return sha256(secret.encode()).hexdigest()


def open_token_post(body: bytes, media_type: str, secret: str) -> TokenPost | Refused:
    """Parse the events of a request and write each in its canonical form."""
    if media_type not in (STRUCTURED, BATCHED):
        return Refused(problem="wrong-media-type", detail=f"send {STRUCTURED} or {BATCHED}")
    values = _parse_values(body, batched=media_type == BATCHED)
    if isinstance(values, Refused):
        return values
    lines, events = [], []
    for position, value in enumerate(values):
        place = f"[{position}]" if media_type == BATCHED else ""
        try:
            line = canonicalise(value)
            events.append(decode_event(line))
        except FormatError as error:
            return _refuse_event(error, place)
        lines.append(line)
    return TokenPost(secret_hash(secret), tuple(lines), tuple(events))


class DoorDraft:
    """The submission of one of the service's own keys in the making, as the last of its commit so far."""

    def __init__(self, draft: Draft, signer: Signer, known: Mapping[EventKey, TokenRow]) -> None:
        self._draft = draft
        self._signer = signer
        self._known = dict(known)
        self._registry = draft.registry
        self._first = draft.size + 1
        self._lines: list[bytes] = []
        self._events: list[Event[Any]] = []
        self._registrations: list[int] = []
        self._rows: list[TokenRow] = []

    @property
    def index(self) -> int | None:
        """The index of the submission's entry, or None when it has no events to carry."""
        return self._first - 1 if self._lines else None

    def add(self, post: "TokenPost | OwnPost") -> Placed | Refused:
        """Place the events of a post; all of them or, with the reason, none."""
        return self._add_own(post) if isinstance(post, OwnPost) else self._add_tokens(post)

    def sign(self, log: str, seen: Checkpoint | None) -> tuple[Submission, CompactRange]:
        """Make the submission that carries the events, and its source log's frontier after it."""
        source = self._signer.verifier.name
        return make_submission(self._signer, source, self._draft.source(source), log, seen, self._lines)

    def enter(self, submission: Submission, after: CompactRange) -> None:
        """Let the signed submission into the commit."""
        arrival = hash_lines(submission, tuple(self._events))
        admitted = Admitted(arrival, after, self._registry, tuple(self._registrations))
        index = self._draft.take(admitted, self._rows)
        assert index == self._first - 1, "nothing was taken in between"

    def _add_tokens(self, post: TokenPost) -> Placed | Refused:
        token = rules.admit_token(self._registry, post.secret_sha256)
        if isinstance(token, PolicyRefusal):
            return refuse_by_policy(token)
        before = self._mark()
        indexes, repeated = [], []
        for position, (line, event) in enumerate(zip(post.lines, post.events, strict=True)):
            outcome = self._place(token.poster, line, event)
            if isinstance(outcome, Refused):
                self._return_to(before)
                place = f"[{position}]." if len(post.events) > 1 else ""
                return msgspec.structs.replace(outcome, field=f"{place}{outcome.field or 'id'}")
            indexes.append(outcome[0])
            repeated.append(outcome[1])
        return Placed(tuple(indexes), tuple(repeated))

    def _add_own(self, post: OwnPost) -> Placed | Refused:
        verifier = self._signer.verifier
        key = rules.admit_key(self._registry, verifier.name, verifier.key_id)
        if isinstance(key, PolicyRefusal):
            return refuse_by_policy(key)
        outcome = self._take(key.poster, post.line, post.event)
        return outcome if isinstance(outcome, Refused) else Placed((outcome,), (False,))

    def _place(self, poster: Poster, line: bytes, event: Event[Any]) -> tuple[int, bool] | Refused:
        if event.source != poster.name:
            detail = f"is {event.source}, and the token is named {poster.name}: give that"
            return Refused(problem="wrong-source", detail=detail, field="source")
        digest = sha256(line).digest()
        earlier = self._known.get((event.source, event.id))
        if earlier is None:
            index = self._take(poster, line, event)
            if isinstance(index, Refused):
                return index
            row = TokenRow(event.source, event.id, digest, index)
            self._rows.append(row)
            self._known[event.source, event.id] = row
            return index, False
        if earlier.digest != digest:
            detail = f"entry {earlier.entry_index} has this id and other content: give each event its own id"
            return Refused(problem="id-conflict", detail=detail, field="id")
        return earlier.entry_index, True

    def _take(self, poster: Poster, line: bytes, event: Event[Any]) -> int | Refused:
        refusal = rules.may_post(self._registry, poster, event)
        if refusal is not None:
            return refuse_by_policy(refusal)
        index = self._first + len(self._lines)
        if rules.changes_registry(event):
            self._registry = rules.apply(self._registry, index, poster, event)
            self._registrations.append(index)
        self._lines.append(line)
        self._events.append(event)
        return index

    def _mark(self) -> tuple[rules.Registry, int, int, int]:
        return self._registry, len(self._lines), len(self._registrations), len(self._rows)

    def _return_to(self, mark: tuple[rules.Registry, int, int, int]) -> None:
        self._registry, lines, registrations, rows = mark
        for row in self._rows[rows:]:
            del self._known[row.source, row.id]
        del self._lines[lines:], self._events[lines:], self._registrations[registrations:], self._rows[rows:]


def _parse_values(body: bytes, *, batched: bool) -> Sequence[object] | Refused:
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_refuse("a float"),
            parse_constant=_refuse("not JSON"),
        )
    except UnicodeDecodeError as error:
        return Refused(problem="malformed", detail=f"the body is not UTF-8: {error}")
    except (ValueError, RecursionError) as error:
        return Refused(problem="malformed", detail=f"the body is not JSON of this kind: {error}")
    if not batched:
        return [value]
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_EVENTS:
        return Refused(problem="malformed", detail=f"a batch is a list of 1 to {MAX_EVENTS} events")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return value


def _refuse(what: str) -> Callable[[str], NoReturn]:
    def refuse(text: str) -> NoReturn:
        raise ValueError(f"{text} is {what}: numbers are whole")

    return refuse


def _refuse_event(error: FormatError, place: str) -> Refused:
    field = error.field if isinstance(error, EventError) else None
    path = ".".join(part for part in (place, field) if part) or None
    problem = "too-large" if isinstance(error, TooLargeError) else "malformed"
    return Refused(problem=problem, detail=str(error), field=path)  # type: ignore[arg-type]
