"""Timelines: the changes told are the changes that judging at every entry and every hour finds."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.case import Case
from projections.fold import Fold
from projections.timeline import Change, Place, Seen, Step, Timeline, see, step_of, walk
from projections.verdict import judge
from projections.watched import Watch, watched
from signing.entry import parse_entry
from tests.projections.story import START_S, Story, cease_gb, erase_gb

HOUR_S = 3_600
DAY_S = 86_400
END = START_S + 45 * DAY_S

NUMBERS = st.lists(st.integers(1, 5), min_size=1, max_size=2, unique=True)
DEEDS = st.one_of(
    st.tuples(st.just("hold"), NUMBERS, st.sampled_from(["GB", "FR", None])),
    st.tuples(st.just("collect"), NUMBERS, st.sampled_from(["GB", "FR"])),
    st.tuples(st.just("erase"), NUMBERS, st.sampled_from([False, True])),
    st.tuples(st.just("look"), NUMBERS, st.sampled_from(["auditor.example", "systems.clearview.example"])),
    st.tuples(st.just("empty"), NUMBERS, st.just("auditor.example")),
    st.tuples(st.just("attest"), NUMBERS, st.booleans()),
    st.tuples(st.just("residency"), NUMBERS, st.sampled_from(["GB", "FR"])),
    st.tuples(st.just("anchor"), NUMBERS, st.none()),
    st.tuples(
        st.just("wait"), st.sampled_from([[HOUR_S // 2], [7 * HOUR_S], [2 * DAY_S], [12 * DAY_S]]), st.none()
    ),
)


def told(deeds: list[Any], obligations: list[Any], backups: int) -> Story:
    story = Story(stores=())
    kept: dict[str, Any] = {"backup_retention_days": backups} if backups else {}
    story.declare("faces", **kept)
    story.hold(1, 2)
    story.order(*obligations, effective="2026-01-03")
    for what, numbers, how in deeds:
        do(story, what, numbers, how)
    return story


def do(story: Story, what: str, numbers: list[int], how: Any) -> None:
    if what == "wait":
        story.log.now_us += numbers[0] * 1_000_000 + 333_333
    elif what in ("hold", "collect"):
        getattr(story, what)(*numbers, residency=how)
    elif what == "erase":
        for number in numbers:
            story.erase(number, evidence=how)
    elif what in ("look", "empty"):
        story.look("faces", *(numbers if what == "look" else ()), by=how)
    elif what == "attest":
        story.attest("2026-01-01T00:00:00Z", "2026-01-20T00:00:00Z", running=how)
    elif what == "residency":
        story.residency(numbers[0], how, "registration")
    else:
        story.log.anchor("witness.example/w1")


def looker(fold: Fold) -> Callable[[Place], Seen]:
    (issued,) = fold.docket.orders

    def look(place: Place) -> Seen:
        watch = Watch(place.as_of)
        as_of = watched(watch)
        case = Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=place.size)
        return see(judge(case), issued.order.version, watch)

    return look


def steps_of(story: Story, begin: int) -> list[Step]:
    entries = [parse_entry(raw) for raw in story.log.entries()]
    return [step_of(e.index, e.time_us, e.body) for e in entries[begin:] if e.kind == "event"]


def timeline_of(story: Story) -> tuple[Timeline, Callable[[Place], Seen], list[Step], Place]:
    fold = story.fold()
    (issued,) = fold.docket.orders
    begin = Place(-(-issued.time_us // 1_000_000), issued.index + 1)
    look, (cause, *steps) = looker(fold), steps_of(story, issued.index)
    return walk(look, steps, begin, END, cause=cause), look, steps, begin


def standing(timeline: Timeline, place: Place) -> tuple[str, str, dict[str, str]]:
    """What the timeline says of a place on its chain."""
    obligations: dict[str, str] = {}
    last: Change | None = None
    for change in timeline.changes:
        if (change.as_of, change.size) <= (place.as_of, place.size):
            obligations |= change.obligations
            last = change
    assert last is not None
    return last.status, last.verdict, obligations


def said(seen: Seen) -> tuple[str, str, dict[str, str]]:
    return seen.status, seen.verdict, dict(seen.obligations)


OBLIGATIONS = st.sampled_from(
    [
        [erase_gb()],
        [erase_gb(include=("backups",))],
        [cease_gb()],
        [cease_gb(), erase_gb(min_evidence="E3", include=("backups",), depends_on=("cease",))],
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(DEEDS, max_size=12), OBLIGATIONS, st.sampled_from([0, 3]))
def test_every_change_is_told_and_no_other(deeds: list[Any], obligations: list[Any], backups: int) -> None:
    story = told(deeds, obligations, backups)
    timeline, look, steps, begin = timeline_of(story)
    assert (timeline.complete, timeline.as_of) == (True, END)
    places = [begin, *(Place(step.as_of, step.index + 1) for step in steps if step.as_of <= END)]
    for place, after in zip(places, [*places[1:], Place(END + 1, 0)], strict=True):
        hours = range(place.as_of, after.as_of, 5 * HOUR_S)
        for as_of in {*hours, max(place.as_of, after.as_of - 1)}:
            at = Place(as_of, place.size)
            assert standing(timeline, at) == said(look(at)), at
    for before, change in zip(timeline.changes, timeline.changes[1:], strict=False):
        earlier = Place(change.as_of - (change.entry < 0), change.size - (change.entry >= 0))
        assert said(look(earlier))[1:] == standing(timeline, earlier)[1:], (before, change)
        assert change.entry in (-1, change.size - 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(DEEDS, max_size=12), OBLIGATIONS, st.integers(0, 3))
def test_a_walk_in_stages_is_the_same_walk(deeds: list[Any], obligations: list[Any], patience: int) -> None:
    story = told(deeds, obligations, 3)
    whole, look, steps, begin = timeline_of(story)
    changes: list[Change] = []
    at, cause = begin, steps_of(story, begin.size - 1)[:1]
    for _ in range(1_000):
        patience_left = iter(range(patience))
        rest = [step for step in steps if step.index >= at.size]
        part = walk(
            look, rest, at, END, cause=next(iter(cause), None), may_go_on=partial(any_left, patience_left)
        )
        changes += part.changes
        at, cause = Place(part.as_of, part.size), []
        if part.complete:
            break
    assert tuple(changes) == whole.changes
    assert (at.as_of, at.size) == (whole.as_of, whole.size)


def any_left(left: Iterator[int]) -> bool:
    return next(left, None) is not None


def test_a_thousand_erasures_cost_a_few_judgments() -> None:
    story = Story(stores=("faces",))
    story.hold(*range(1, 501))
    story.order()
    for number in range(1, 501):
        story.erase(number)
    begun = story.look("faces", by="auditor.example")
    timeline, *_ = timeline_of(story)
    first, last = timeline.changes
    assert (first.verdict, first.entry, first.type) == ("outstanding", 13, "writ.order.issued.v1")
    assert (last.verdict, last.entry, last.type) == ("carried_out", begun + 2, "writ.inventory.attested.v1")
    assert (last.by, last.obligations) == ("auditor.example", {"erase": "carried_out"})
    assert timeline.judgments < 40


def test_what_comes_and_goes_within_a_run_is_told() -> None:
    """The words at its ends are the same, what they rest on is not."""
    asked: list[Place] = []

    def look(place: Place) -> Seen:
        asked.append(place)
        live, missing = place.size < 70, place.size >= 71
        verdict = "outstanding" if live or missing else "carried_out"
        grounds = {*(["live"] if live else []), *(["missing"] if missing else [])}
        return Seen("in_force", 1, verdict, (("erase", verdict),), frozenset(grounds))

    steps = [Step(index, index, "writ.data.deleted.v1", "company", "alike") for index in range(1, 1_000)]
    timeline = walk(look, steps, Place(0, 1), 2_000)
    assert [(one.entry, one.verdict) for one in timeline.changes] == [
        (69, "carried_out"),
        (70, "outstanding"),
    ]
    assert len(asked) == timeline.judgments < 30


def test_events_of_one_manner_differ_in_their_records_only() -> None:
    story = Story()
    story.hold(1)
    story.hold(2)
    story.hold(3, residency="FR")
    story.residency(3, "GB", "declared")
    manners = [step.manner for step in steps_of(story, 0)][-4:]
    assert manners[0] == manners[1] != manners[2]
    assert (manners[3], bool(manners[0])) == ("", True)


def test_a_run_ends_where_time_changes_something() -> None:
    """A stay that comes and goes while records are erased, one each second."""

    def look(place: Place) -> Seen:
        stayed = 50 <= place.as_of < 60
        turn = next((turn for turn in (50, 60) if turn > place.as_of), None)
        return Seen("stayed" if stayed else "in_force", 1, "outstanding", (), turn=turn)

    steps = [Step(index, index, "writ.data.deleted.v1", "company", "alike") for index in range(1, 1_000)]
    timeline = walk(look, steps, Place(0, 1), 2_000)
    found = [(one.as_of, one.size, one.entry, one.status) for one in timeline.changes]
    assert found == [(50, 50, -1, "stayed"), (60, 60, -1, "in_force")]
