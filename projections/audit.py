"""Audit: the chunks of a log joined, in order, into one proof that the log is what its checkpoint says.

Rules, each of which fails with a ProofError that names the entry (DESIGN §3):

* chain: the first entry of a chunk names the last leaf hash of the chunk before; time never decreases;
* tree: the entries give the checkpoint's root, and every hash tile holds the hashes that the entries give;
* source logs: a submission extends its source log from the size it had (line 5) to the size it says (line 2),
  and the events that follow it give the root that its poster signed;
* the log: a submission is meant for this log (line 4), and quotes a checkpoint that it really had (line 6);
* keys: it is signed by a key that is registered and unrevoked at that entry, and the role of its poster — for
  gateway events, of the token that `source` names — allows every event;
* the beginning: entry 0 is a submission of the administrator's key whose first event is `log.created`.

What the events mean is not judged here. An audited log can still be a log of lies.
"""

from array import array
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from projections.chunk import Chunk, Look
from projections.events import (
    CheckpointAnchored,
    CheckpointTimestamped,
    Event,
    InventoryAttested,
    LogCreated,
    decode_event,
)
from projections.fact import Fact, quoted
from projections.mould import unpack
from projections.refused import Refused
from projections.registry import (
    Key,
    Poster,
    Registry,
    admit_key,
    check_source,
    founding_key,
    may_post,
    poster_of,
)
from projections.registry import apply as register
from signing.checkpoint import Checkpoint, parse_checkpoint
from signing.encoding import decode_base64
from signing.errors import FormatError, ProofError
from signing.history import History, ReadTile
from signing.keys import VerifierKey, verify_signature
from signing.merkle import EMPTY_RANGE, CompactRange, merge, range_of, root_of
from signing.note import parse_note
from signing.segment import Part, broken_chain, clock_set_back, surplus


class SignatureCheck(Struct, frozen=True, array_like=True):
    """A signature still to be verified; any process can do it."""

    index: int
    key: VerifierKey
    text: str
    signature: bytes


class Audited(Struct, frozen=True):
    """What a finished audit knows of the log as a whole."""

    checkpoint: Checkpoint
    registry: Registry
    sources: dict[str, int]
    submissions: int
    events: int


class _Open(Struct):
    """The submission whose events are being read."""

    part: Part
    frontier: CompactRange
    key: Key | None
    posters: dict[str, Poster]
    """By event source: one poster at the signed door, those of the tokens seen so far at the gateway's."""


class Standing(Struct, frozen=True):
    """Where an audit stands between two chunks: all that it goes on from, beside the log's history."""

    registry: Registry
    found: dict[str, int]
    last_leaf: bytes
    last_time_us: int
    sources: dict[str, CompactRange]
    opened: _Open | None
    submissions: int


class Audit:
    """Joins chunks in the order of the log. Holds state; does no IO but through `read_tile`."""

    def __init__(self, claim: Checkpoint, read_tile: ReadTile, watched: frozenset[str] = frozenset()) -> None:
        """Audit the log that `claim` describes; the caller checks whose signature it bears.

        `watched` are note texts of submissions that somebody holds: `found` tells where they stand.
        """
        self.registry = Registry.empty()
        self.found: dict[str, int] = {}
        self._watched = watched
        self._claim = claim
        self.history = History(read_tile)
        self._last_leaf = bytes(32)
        self._last_time_us = 0
        self._first_index = 0
        self._times_us = array("q")
        self._sources: dict[str, CompactRange] = {}
        self._open: _Open | None = None
        self._checks: list[SignatureCheck] = []
        self._runs: list[tuple[int, int, dict[str, Poster]]] = []
        self._submissions = 0

    def standing(self) -> Standing:
        """Where it stands, for `go_on`. Proved is what is before it once all checks taken so far hold; of a
        submission whose events have not all come, its poster's root is still to be given."""
        return Standing(
            self.registry,
            self.found,
            self._last_leaf,
            self._last_time_us,
            self._sources,
            self._open,
            self._submissions,
        )

    def go_on(self, standing: Standing) -> None:
        """Stand where another audit of the same claim stood. The caller has extended `history` as far."""
        self.registry, self.found = standing.registry, standing.found
        self._last_leaf, self._last_time_us = standing.last_leaf, standing.last_time_us
        self._sources, self._open = standing.sources, standing.opened
        self._submissions = standing.submissions

    def take(self, chunk: Chunk) -> None:
        """Join the next chunk."""
        self._join(chunk)
        self._runs = []
        if chunk.continued:
            self._continue(chunk)
        for step in chunk.steps:
            if isinstance(step, Part):
                self._begin(step)
            else:
                self._look(step)

    def facts(self, chunk: Chunk) -> Iterator[Fact]:
        """The events of the chunk taken last, in order, each with its poster, if the chunk carries them."""
        if chunk.events is None:
            return
        times_us, begin = self._times_us, self._first_index
        events = unpack(chunk.events)
        for first, count, posters in self._runs:
            for index, event in zip(range(first, first + count), events, strict=False):
                misquotes = type(event.data) is InventoryAttested and self._misquotes(index, event)
                yield Fact(index, times_us[index - begin], posters[event.source], event, misquotes)

    def take_checks(self) -> list[SignatureCheck]:
        """The signatures met since the last call: the log is proved only when all of them hold."""
        checks, self._checks = self._checks, []
        return checks

    def finish(self) -> Audited:
        """The log is whole: compare it with the checkpoint and with its hash tiles."""
        size = self.history.size
        if self._open is not None:
            self._require_complete(self._open, size)
        if size != self._claim.size:
            raise ProofError(f"the log ends after {size} entries; its checkpoint counts {self._claim.size}")
        if self.history.root_at(size) != self._claim.root:
            raise ProofError(
                f"the {size} entries do not give the root of the checkpoint: an entry was altered, "
                "dropped, inserted "
                "or reordered and everything after it chained anew, or this is another log's checkpoint"
            )
        self.history.compare_upper_tiles()
        return Audited(
            checkpoint=self._claim,
            registry=self.registry,
            sources={source: frontier.end for source, frontier in self._sources.items()},
            submissions=self._submissions,
            events=size - self._submissions,
        )

    def _join(self, chunk: Chunk) -> None:
        index = chunk.first_index
        if index != self.history.size:
            raise ProofError(f"entry {self.history.size} is missing")
        if chunk.first_previous != self._last_leaf:
            if index == 0:
                raise ProofError("entry 0: it names an entry before it; the first has none")
            raise broken_chain(index)
        if chunk.first_time_us < self._last_time_us:
            raise clock_set_back(index, self._last_time_us - chunk.first_time_us)
        if index == 0 and not (chunk.steps and isinstance(chunk.steps[0], Part)):
            raise ProofError("entry 0: a log begins with a submission of its administrator's key")
        self.history.extend(chunk.tile_roots, chunk.tail)
        self._last_leaf, self._last_time_us = chunk.last_leaf, chunk.last_time_us
        self._first_index, self._times_us = index, array("q", chunk.times_us)

    def _continue(self, chunk: Chunk) -> None:
        """Take the leading events of a chunk, whose submission an earlier one began."""
        assert self._open is not None
        index, count = chunk.first_index, len(chunk.continued)
        opened, text = self._open, self._open.part.text
        left = text.size - opened.frontier.end
        if count > left:
            raise surplus(index + left, opened.part.index, text.size - text.base)
        opened.frontier = merge(opened.frontier, range_of(opened.frontier.end, chunk.continued))
        self._runs.append((index, count, opened.posters))
        self._check_source_root(opened)

    def _begin(self, part: Part) -> None:
        text, index = part.text, part.index
        if self._open is not None:
            self._require_complete(self._open, index)
        if text.log != self._claim.origin:
            raise ProofError(
                f"entry {index}: a submission to the log {text.log}, not to this one: it was replayed"
            )
        before = self._sources.get(text.origin, EMPTY_RANGE)
        if text.base != before.end:
            raise ProofError(
                f"entry {index}: its poster's source log {text.origin} held {text.base} events before "
                "it, and "
                f"{before.end} stand in this log: a submission was dropped, repeated or reordered"
            )
        self._check_quoted(part)
        opened = _Open(part, merge(before, part.lines), self._check_signer(part), {})
        self._open = opened
        self._submissions += 1
        if part.note.text in self._watched:
            self.found[part.note.text] = index
        self._runs.append((index + 1, part.lines.end - part.lines.begin, opened.posters))
        self._check_source_root(opened)

    def _check_quoted(self, part: Part) -> None:
        """Line 6: a checkpoint that this log really had, so that every honest poster is a witness."""
        size, root = part.text.seen_size, part.text.seen_root
        if size == 0:
            return
        if size > part.index or self.history.root_at(size) != root:
            raise ProofError(
                f"entry {part.index}: its poster had verified a checkpoint of {size} entries that is "
                "not one of this "
                "log's: somebody was shown another history"
            )

    def _check_signer(self, part: Part) -> Key | None:
        """The key that signed a submission, if it may sign here at all; None for the first, which
        brings its own."""
        if part.index == 0:
            return None
        signature = part.note.signatures[0]
        key = admit_key(self.registry, signature.name, signature.key_id)
        if isinstance(key, Refused):
            raise _refused(part.index, key)
        refused = check_source(key, part.text.origin)
        if refused is not None:
            raise _refused(part.index, refused)
        self._checks.append(SignatureCheck(part.index, key.verifier, part.note.text, signature.signature))
        return key

    def _look(self, look: Look) -> None:
        """May this poster post this event, here?"""
        event = decode_event(look.line)
        opened = self._open
        assert opened is not None
        if opened.key is None:
            self._found(opened, event)
        assert opened.key is not None
        poster = poster_of(self.registry, opened.key, opened.part.text.origin, event)
        if isinstance(poster, Refused):
            raise _refused(look.index, poster)
        refused = may_post(self.registry, poster, event)
        if refused is not None:
            raise _refused(look.index, refused)
        opened.posters[event.source] = poster
        self._check_registered(look.index, event)
        self.registry = register(self.registry, look.index, poster, event)

    def _found(self, opened: _Open, event: Event[Any]) -> None:
        """Entry 1 creates the log and names the key that signed entry 0."""
        if not isinstance(event.data, LogCreated):
            raise ProofError(
                f"entry 1: the log does not exist yet: log.created belongs here, not {event.type}"
            )
        key = founding_key(event.data)
        signature = opened.part.note.signatures[0]
        if (signature.name, signature.key_id) != (key.name, key.verifier.key_id):
            raise ProofError(
                f"entry 0: signed by {signature.name} (key id {signature.key_id.hex()}), and "
                "log.created names "
                f"{key.name} (key id {key.verifier.key_id.hex()}) as the administrator's key"
            )
        self._checks.append(SignatureCheck(0, key.verifier, opened.part.note.text, signature.signature))
        opened.key = key

    def _check_registered(self, index: int, event: Event[Any]) -> None:
        """What an event says of this very log must be so."""
        data = event.data
        if isinstance(data, LogCreated) and data.origin != self._claim.origin:
            raise ProofError(
                f"entry {index}: creates the log {data.origin}; the checkpoint is {self._claim.origin}'s"
            )
        if isinstance(data, CheckpointAnchored | CheckpointTimestamped):
            self._check_anchor(index, data)

    def _check_anchor(self, index: int, data: CheckpointAnchored | CheckpointTimestamped) -> None:
        """An anchor is a checkpoint of this log: who vouches for it saw this history and no other."""
        try:
            anchored = parse_checkpoint(parse_note(decode_base64(data.note)).text)
        except FormatError as error:
            raise ProofError(f"entry {index}: anchors what is no checkpoint: {error}") from error
        if anchored.origin != self._claim.origin or not 0 < anchored.size <= index:
            raise ProofError(f"entry {index}: anchors a checkpoint that is not of this log before it")
        if self.history.root_at(anchored.size) != anchored.root:
            raise ProofError(
                f"entry {index}: anchors a checkpoint of {anchored.size} entries with another root "
                "than these entries "
                "give: the witnesses were shown another history"
            )

    def _misquotes(self, index: int, event: Event[Any]) -> bool:
        """Whether the checkpoint that an event names is none of this log's before it."""
        named = quoted(event)
        if named is None:
            return False
        size, root = named
        return not 0 < size <= index or self.history.root_at(size) != root

    def _require_complete(self, opened: _Open, index: int) -> None:
        missing = opened.part.text.size - opened.frontier.end
        if missing:
            raise ProofError(
                f"entry {index}: {missing} of the {opened.part.text.size - opened.part.text.base} "
                "events that the "
                f"submission at entry {opened.part.index} announces are missing before it"
            )

    def _check_source_root(self, opened: _Open) -> None:
        """Once all events of a submission are there: do they give what their poster signed?"""
        text = opened.part.text
        if opened.frontier.end < text.size:
            return
        if root_of(opened.frontier) != text.root:
            raise ProofError(
                f"entry {opened.part.index}: the events of the source log {text.origin} up to "
                f"{text.size} do not give "
                "the root that its poster signed: an event was altered, dropped, inserted or reordered"
            )
        self._sources[text.origin] = opened.frontier


def check_signatures(checks: list[SignatureCheck]) -> None:
    """Verify signatures, in the order of the log; ProofError names the first false one."""
    for check in checks:
        try:
            verify_signature(check.key, check.text.encode(), check.signature)
        except ProofError as error:
            raise ProofError(
                f"entry {check.index}: {check.key.name} did not sign this submission: {error}"
            ) from error


def _refused(index: int, refused: Refused) -> ProofError:
    where = f"{refused.field}: " if refused.field else ""
    return ProofError(f"entry {index}: should not have been accepted: {where}{refused.detail}")
