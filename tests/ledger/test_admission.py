"""Admission and sealing, without a database: values in, values out."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.admission import (
    MAX_BODY_BYTES,
    MAX_LINES,
    Arrival,
    admit,
    decode_lines,
    hash_lines,
    open_submission,
)
from ledger.problems import LASTING, MEANINGS, Refused, format_problem, headers_of, status_of
from ledger.sealing import EMPTY_HEAD, Draft, LogState, Memory, Sealed
from projections import events as ev
from projections.mould import Caster
from projections.registry import Registry
from signing.checkpoint import Checkpoint
from signing.entry import parse_entry
from signing.keys import format_vkey
from signing.merkle import EMPTY_RANGE, leaf_hash, verify_inclusion
from signing.note import format_note, sign_note
from signing.submission import Submission, format_submission, format_submission_text, make_submission
from signing.tiles import Edge
from tests.ledger.lab import CONTROLLER, ORIGIN, TIME, Poster, collected, registered, seeded_key

ADMINISTRATOR = seeded_key("administrator")
CRAWLER = seeded_key("crawler.clearview.example")


def arrive(submission: Submission) -> Arrival:
    opened = open_submission(format_submission(submission))
    assert not isinstance(opened, Refused), opened
    events = decode_lines(opened.lines, caster=Caster())
    assert not isinstance(events, Refused), events
    return hash_lines(opened, events)


def created_line() -> bytes:
    data = ev.LogCreated(
        admin_vkey=format_vkey(ADMINISTRATOR.verifier),
        controller=CONTROLLER,
        gateway_vkey=format_vkey(seeded_key(f"{ORIGIN}/gateway").verifier),
        log_vkey=format_vkey(seeded_key(ORIGIN).verifier),
        operator_vkey=format_vkey(seeded_key(f"{ORIGIN}/operator").verifier),
        origin=ORIGIN,
        public_reading=True,
    )
    return ev.encode_event(ev.make_event(data, id="created", source="administrator", time=TIME))


@pytest.fixture(scope="module")
def founded() -> Sealed:
    """A log with its first submission and a crawler's key."""
    draft = Draft(LogState(ORIGIN, EMPTY_HEAD, Edge.empty(), Registry.empty()), Memory({}, {}), 1_000)
    lines = [created_line(), registered(CRAWLER, "controller", "administrator")]
    submission, _ = make_submission(ADMINISTRATOR, "administrator", EMPTY_RANGE, ORIGIN, None, lines)
    assert draft.add(arrive(submission)) == 0
    return draft.seal()


@pytest.fixture
def draft(founded: Sealed) -> Draft:
    """The next commit of that log."""
    head = founded.after.head
    return Draft(founded.after, Memory(founded.sources, {head.size: head.root}), 2_000)


def signed(lines: list[bytes] | None = None, **changes: object) -> Submission:
    """A crawler's submission, with some lines of its text changed before it is signed."""
    poster = Poster(CRAWLER)
    submission, _ = poster.sign(lines or poster.events(3))
    if not changes:
        return submission
    text = msgspec.structs.replace(submission.text, **changes)
    return Submission(sign_note(format_submission_text(text), CRAWLER), text, submission.lines)


def refusal(draft: Draft, submission: Submission) -> tuple[str, int | None]:
    """What a submission is refused for, and the line of its body."""
    size = draft.size
    outcome = draft.add(arrive(submission))
    assert isinstance(outcome, Refused), "it was let in"
    assert draft.size == size, "a refused submission leaves no trace"
    return outcome.problem, outcome.line


def test_entries_are_numbered_chained_and_in_the_tree(draft: Draft, founded: Sealed) -> None:
    assert draft.add(arrive(signed())) == 3
    other = Poster(CRAWLER, f"{CRAWLER.name}/7")
    assert draft.add(arrive(other.sign(other.events(2))[0])) == 7
    sealed = draft.seal()
    entries = [parse_entry(raw) for raw in sealed.entries]
    assert [entry.index for entry in entries] == list(range(3, 10))
    assert [entry.kind for entry in entries] == ["submission", *["event"] * 3, "submission", *["event"] * 2]
    previous = founded.after.head.last_leaf
    for entry, raw in zip(entries, sealed.entries, strict=True):
        assert entry.previous == previous
        assert entry.time_us == 2_000
        previous = leaf_hash(raw)
        proof = sealed.growth.prove(entry.index)
        verify_inclusion(previous, entry.index, 10, proof, sealed.after.head.root)
    assert sealed.after.head.last_leaf == previous
    assert [(row.entry_index, row.commit_size) for row in sealed.submissions] == [(3, 10), (7, 10)]
    # Sealing a commit changes nothing of the state that it grows from.
    assert founded.after.edge.size == 3


@pytest.mark.parametrize("wrong", ["role", "controller", "source", None])
def test_lines_cast_in_one_mould_are_judged_like_each_alone(draft: Draft, wrong: str | None) -> None:
    poster = Poster(CRAWLER)
    lines = poster.events(6)
    if wrong == "role":
        lines[3] = registered(seeded_key("other.example"), "controller", CRAWLER.name)
    if wrong == "controller":
        lines[3] = lines[3].replace(b'"controller":"clearview"', b'"controller":"another"')
    if wrong == "source":
        lines[3] = lines[3].replace(b'"source":"crawler.', b'"source":"other.')
    opened = open_submission(poster.make(lines)[0])
    assert not isinstance(opened, Refused)
    alone, cast = decode_lines(opened.lines), decode_lines(opened.lines, caster=Caster())
    assert not isinstance(alone, Refused)
    assert not isinstance(cast, Refused)
    assert len({id(event) for event in cast}) == (1 if wrong is None else 2)
    outcomes = [admit(hash_lines(opened, events), draft.standing(CRAWLER.name)) for events in (alone, cast)]
    assert isinstance(outcomes[1], Refused) == (wrong is not None)
    if wrong is not None:
        assert outcomes[0] == outcomes[1]
        assert outcomes[1].line == 10 + 3  # type: ignore[union-attr]


@pytest.mark.parametrize("place", [1, 4])
def test_a_wrong_line_among_cast_ones_is_named(place: int) -> None:
    lines = Poster(CRAWLER).events(6)
    lines[place] = lines[place].replace(b'"records":["', b'"records":["x')
    refused = decode_lines(lines, caster=Caster())
    assert refused == decode_lines(lines)
    assert isinstance(refused, Refused)
    assert (refused.line, refused.field) == (10 + place, "data.records[0]")


def test_recorded_time_never_goes_back(founded: Sealed) -> None:
    draft = Draft(founded.after, Memory({}, {}), now_us=1)
    draft.add(arrive(signed()))
    assert {parse_entry(raw).time_us for raw in draft.seal().entries} == {1_000}


def test_a_later_event_sees_the_earlier_ones(draft: Draft) -> None:
    """In one submission the administrator registers a key; in the next of the same commit that key posts."""
    dpo = seeded_key("dpo.clearview.example")
    administrator = Poster(ADMINISTRATOR)
    administrator.frontier = draft.source("administrator")
    assert draft.add(arrive(Poster(dpo).sign(Poster(dpo).events(1))[0])) == Refused(
        problem="unknown-key",
        detail=f"the key {dpo.name} (key id {dpo.verifier.key_id.hex()}) is not registered: "
        "ask the log's administrator to",
        line=8,
    )
    draft.add(arrive(administrator.sign([registered(dpo, "processor", "administrator")])[0]))
    assert draft.add(arrive(Poster(dpo).sign(Poster(dpo).events(1))[0])) == 5
    assert draft.seal().registrations == [4]


REFUSALS: dict[str, tuple[Callable[[], Submission], tuple[str, int | None]]] = {
    "another log": (lambda: signed(log="ledger.example/other"), ("wrong-log", 4)),
    "another root": (lambda: signed(root=bytes(32)), ("wrong-root", 3)),
    "size before": (lambda: signed(base=5, size=8), ("size-conflict", 5)),
    "a checkpoint never had": (lambda: signed(seen_size=3, seen_root=bytes(32)), ("unknown-checkpoint", 6)),
    "a size never had": (lambda: signed(seen_size=2, seen_root=bytes(32)), ("unknown-checkpoint", 6)),
    "somebody else's source": (lambda: signed(origin="other.example"), ("wrong-source", 1)),
    "a source beside the key's name": (lambda: signed(origin=f"{CRAWLER.name}x"), ("wrong-source", 1)),
    "an event of another source": (
        lambda: signed([collected(CRAWLER.name, 0), collected("other.example", 1)]),
        ("wrong-source", 11),
    ),
    "a role overstepped": (
        lambda: signed([registered(seeded_key("x.example"), "controller", CRAWLER.name)]),
        ("not-allowed", 10),
    ),
    "another controller": (
        lambda: signed([collected(CRAWLER.name, 0).replace(b'"clearview"', b'"pimeyes"')]),
        ("wrong-log", 10),
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refused(draft: Draft, case: str) -> None:
    make, expected = REFUSALS[case]
    assert refusal(draft, make()) == expected


def forged() -> Submission:
    """A submission that somebody else signed in the crawler's name."""
    submission = signed()
    signature = msgspec.structs.replace(
        submission.note.signatures[0],
        signature=seeded_key("stranger.example").sign(submission.note.text.encode()),
    )
    note = msgspec.structs.replace(submission.note, signatures=(signature,))
    return msgspec.structs.replace(submission, note=note)


def test_a_signature_of_another_key_is_refused(draft: Draft) -> None:
    assert refusal(draft, forged()) == ("bad-signature", 8)


def test_a_checkpoint_that_the_log_had_is_accepted(draft: Draft, founded: Sealed) -> None:
    poster = Poster(CRAWLER)
    poster.seen = Checkpoint(ORIGIN, 3, founded.after.head.root)
    assert draft.add(arrive(poster.sign(poster.events(1))[0])) == 3


def test_the_same_size_twice_in_one_commit_is_a_conflict(draft: Draft) -> None:
    poster = Poster(CRAWLER)
    assert draft.add(arrive(poster.sign(poster.events(2))[0])) == 3
    outcome = draft.add(arrive(poster.sign(poster.events(1))[0]))
    assert isinstance(outcome, Refused)
    assert (outcome.problem, outcome.size) == ("size-conflict", 2)


def test_only_log_created_begins_a_log() -> None:
    draft = Draft(LogState(ORIGIN, EMPTY_HEAD, Edge.empty(), Registry.empty()), Memory({}, {}), 1_000)
    assert refusal(draft, signed()) == ("not-allowed", 8)


def test_too_many_lines_are_too_large() -> None:
    body = format_submission(signed())
    many = body + body.splitlines(keepends=True)[-1] * MAX_LINES
    outcome = open_submission(many)
    assert isinstance(outcome, Refused)
    assert outcome.problem == "too-large"


@given(st.binary())
def test_any_bytes_are_opened_or_refused(raw: bytes) -> None:
    outcome = open_submission(raw)
    assert isinstance(outcome, Refused) or format_submission(outcome) == raw


@given(st.data())
def test_one_changed_byte_is_refused_or_another_submission(data: st.DataObject) -> None:
    """Whatever byte is changed, nothing falls over, and nothing is let in under the old signature."""
    whole = bytearray(format_submission(signed()))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    outcome = open_submission(bytes(whole))
    if isinstance(outcome, Refused):
        return
    events = decode_lines(outcome.lines)
    if not isinstance(events, Refused):
        assert hash_lines(outcome, events).added != arrive(signed()).added or format_note(
            outcome.note
        ) != format_note(signed().note)


def test_every_problem_has_its_form() -> None:
    for problem, meaning in MEANINGS.items():
        refused = Refused(problem=problem, detail="why", line=3)
        body = msgspec.json.decode(format_problem(refused, "abc"))
        assert body == {
            "type": f"urn:writ:problem:{problem}",
            "title": meaning.title,
            "status": meaning.status,
            "detail": "why",
            "line": 3,
            "request": "abc",
        }
        assert status_of(refused) == meaning.status
        assert ("Retry-After" in headers_of(refused)) == (meaning.status == 503 and problem not in LASTING)


def test_the_spec_lists_every_problem_and_the_limits() -> None:
    page = (Path(__file__).parents[2] / "docs" / "spec" / "http.md").read_text()
    rows = [f"| {meaning.status} | `{name}` | {meaning.title} |" for name, meaning in MEANINGS.items()]
    assert page.endswith("\n".join(rows) + "\n")
    assert f"at most {MAX_BODY_BYTES >> 20} MiB and {MAX_LINES:,} event lines" in page
