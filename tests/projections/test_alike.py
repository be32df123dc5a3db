"""Who is alike is visited together, and told apart wherever a rule tells him apart.

Some do the same one after another, and whatever a rule compares their places with stands once between each
two of them. Judged together they must come out as one by one, which the judgment in memory is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from projections import alike, cease, survey
from projections import events as ev
from projections.fact import Fact
from projections.holdings import Holding
from projections.order import Deadline, Order, Scope
from projections.patterns import Pattern
from projections.scope import Reader
from projections.verdict import Judgment, judge
from projections.watched import Watched
from tests.projections.acts import back_up, exempt, place_hold
from tests.projections.logbuilder import CONTROLLER, rfc3339
from tests.projections.story import (
    AUTHORITY,
    COMPANY,
    DAY_S,
    ORDER,
    SHA,
    START_S,
    WITNESS,
    Story,
    cease_gb,
    erase_gb,
    handle,
    is_order,
)

PEOPLE = tuple(5 + 0x1000 * n for n in range(6))
"""All in one leaf."""
APART = tuple(0xF05 - 0x181 * (n // 2) + 0x1000 * n for n in range(6))
"""Two in each leaf; who comes later in the log comes sooner by his handle."""
CROWDS = pytest.mark.parametrize("people", [PEOPLE, APART], ids=["in one leaf", "in several"])
Act = Callable[[Story, int], Any]
BETWEEN = range(len(PEOPLE) + 1)

CUTS: dict[str, Callable[[Fact], bool]] = {
    "in one stretch": lambda fact: False,
    "up to each order": is_order,
    "each by itself": lambda fact: True,
}


def collect(story: Story, person: int) -> None:
    story.collect(person)


def erase(story: Story, person: int) -> None:
    story.erase(person)


def told(story: Story, k: int, act: Act, then: Act, people: tuple[int, ...] = PEOPLE) -> None:
    """Each acts; before the k-th, something happens."""
    for at, person in enumerate(people):
        if at == k:
            then(story, at)
        act(story, person)
    if k == len(people):
        then(story, k)


def same(story: Story, days: float, *, size: int | None = None, order: Order | None = None) -> Judgment:
    """The judgment on the last order, which must be the same however the records were put away."""
    case = story.case(days, size=size)
    if order is not None:
        case.issued = msgspec.structs.replace(case.issued, order=order)
    judgment = judge(case)
    for name, ends in CUTS.items():
        assert judge(story.put_away(case, ends)) == judgment, name
    return judgment


def varied(order: Order, **how: Any) -> Order:
    """The order with other obligations."""
    changed = tuple(msgspec.structs.replace(one, **how) for one in order.obligations)
    return msgspec.structs.replace(order, obligations=changed)


def both() -> tuple[Any, Any]:
    return erase_gb(), cease_gb()


def history(people: tuple[int, ...] = PEOPLE, *, erased: bool = True) -> tuple[Story, Order]:
    """All are collected, then the order is issued, then all are erased."""
    story = Story(stores=("faces",))
    for person in people:
        collect(story, person)
    order = story.order(*both())
    for person in people if erased else ():
        erase(story, person)
    story.log.anchor(WITNESS)
    return story, order


# --- Thresholds that a judgment brings.


@CROWDS
def test_at_each_size_of_the_log(people: tuple[int, ...]) -> None:
    story, _ = history(people)
    issued = story.case().issued.index
    judged = [same(story, 40, size=size) for size in range(issued + 1, story.log.size + 1)]
    assert {one.findings[0].counts["live"] for one in judged} == set(BETWEEN)


@CROWDS
def test_at_each_deadline(people: tuple[int, ...]) -> None:
    story, order = history(people)
    first_s = story.log.rows[-1].time_us // 1_000_000 - 40
    seen = set()
    for deadline_s in range(first_s, first_s + 45):
        at = Deadline(at=rfc3339(deadline_s * 1_000_000))
        counts = same(story, 40, order=varied(order, deadline=at)).findings[0].counts
        seen.add((counts["erased_in_time"], counts["erased_late"], counts["erased_time_unproved"]))
    assert {late for _, late, _ in seen} == set(BETWEEN)


@CROWDS
def test_at_each_moment_from_which_it_is_in_force(people: tuple[int, ...]) -> None:
    story, order = history(people)
    seen = set()
    for s in range(60):
        later = msgspec.structs.replace(order, effective=rfc3339((START_S + s) * 1_000_000))
        seen.add(same(story, 40, order=later).findings[1].counts["collected"])
    assert seen == set(BETWEEN)


@CROWDS
def test_at_each_end_and_beginning_of_the_time_of_collection(people: tuple[int, ...]) -> None:
    story, order = history(people)
    seen = set()
    for s in range(60):
        moment = rfc3339((START_S + s) * 1_000_000)
        for name in ("collected_from", "collected_to"):
            period: dict[str, Any] = {name: moment}
            scope = Scope(residency=("GB",), **period)
            seen.add((name, same(story, 40, order=varied(order, scope=scope)).findings[0].counts["in_scope"]))
    assert seen == {(name, n) for name in ("collected_from", "collected_to") for n in BETWEEN}


def test_at_each_moment_until_which_backups_are_kept() -> None:
    story = Story(stores=())
    story.declare("faces", backup_retention_days=3)
    for person in PEOPLE:
        collect(story, person)
    story.order(*both())
    for person in PEOPLE:
        erase(story, person)
    seen = set()
    ends_s = story.log.rows[-1].time_us // 1_000_000 + 3 * DAY_S
    for s in range(ends_s - 40, ends_s + 3):
        finding = same(story, (s - START_S) / DAY_S).findings[0]
        seen.add((finding.counts["in_backups"], *(gap.until for gap in finding.gaps if gap.until)))
    assert {n for n, *_ in seen} == set(BETWEEN)
    assert (len(PEOPLE), ends_s) in seen


# --- Thresholds that stand in the log.


def _anchor(story: Story, _: int) -> None:
    story.log.anchor(WITNESS)


def _back_up(story: Story, k: int) -> None:
    now = rfc3339(story.log.now_us)
    back_up(story, now, rfc3339((START_S + 100 * DAY_S) * 1_000_000), name=f"b-{k}")


@CROWDS
@pytest.mark.parametrize("k", BETWEEN)
def test_an_anchor_between_erasures(k: int, people: tuple[int, ...]) -> None:
    story, _ = history(people, erased=False)
    told(story, k, erase, _anchor, people)
    counts = same(story, 40).findings[0].counts
    assert (counts["erased_in_time"], counts["erased_time_unproved"]) == (k, len(PEOPLE) - k)


@pytest.mark.parametrize("k", BETWEEN)
def test_a_backup_between_erasures(k: int) -> None:
    story, _ = history(erased=False)
    told(story, k, erase, _back_up)
    assert same(story, 40).findings[0].counts["in_backups"] == len(PEOPLE) - k


@pytest.mark.parametrize("k", BETWEEN)
def test_a_backup_between_collections(k: int) -> None:
    story = Story(stores=("faces",))
    told(story, k, collect, _back_up)
    story.order(*both())
    for person in PEOPLE:
        erase(story, person)
    assert same(story, 40).findings[0].counts["in_backups"] == k


@pytest.mark.parametrize("k", BETWEEN)
def test_a_key_stolen_between_erasures(k: int) -> None:
    story, _ = history(erased=False)
    since: list[str] = []
    told(story, k, erase, lambda one, _: since.append(rfc3339(one.log.now_us + 1_000_000)))
    story.revoke(COMPANY, since[0])
    finding = same(story, 40).findings[0]
    assert finding.counts["live"] == len(PEOPLE) - k


@pytest.mark.parametrize("k", BETWEEN)
def test_a_key_stolen_between_words_on_residency(k: int) -> None:
    story = Story(stores=("faces",))
    since: list[str] = []
    then: Act = lambda one, _: since.append(rfc3339(one.log.now_us + 1_000_000))  # noqa: E731
    told(story, k, lambda one, person: one.collect(person, residency="FR"), then)
    story.order(*both())
    story.revoke(COMPANY, since[0])
    assert same(story, 40).findings[0].counts["in_scope"] == len(PEOPLE) - k


@pytest.mark.parametrize("k", BETWEEN)
def test_a_stay_between_collections(k: int) -> None:
    story = Story(stores=("faces",))
    story.order(*both())

    def stay(one: Story, _: int) -> None:
        at = rfc3339(one.log.now_us + 1_000_000)
        stayed = ev.OrderStayed(controller=CONTROLLER, effective_at=at, instrument_sha256=SHA, order=ORDER)
        one.post(stayed, by=AUTHORITY)

    told(story, k, collect, stay)
    assert same(story, 40).findings[1].counts["collected"] == k


@pytest.mark.parametrize("k", BETWEEN)
def test_an_order_between_moves_abroad(k: int) -> None:
    story = Story(stores=("faces",))
    for person in PEOPLE:
        collect(story, person)
    move: Act = lambda one, person: one.residency(person, "FR", "registration")  # noqa: E731
    scope = Scope(residency=("GB",), residency_when="at_order")
    told(story, k, move, lambda one, _: one.order(erase_gb(scope=scope)))
    assert same(story, 40).findings[0].counts["unknown_residency"] == len(PEOPLE) - k


@pytest.mark.parametrize("relieve", [exempt, place_hold])
@pytest.mark.parametrize("by", [AUTHORITY, COMPANY])
def test_who_is_named_is_told_apart(relieve: Callable[..., int], by: str) -> None:
    story, _ = history(erased=False)
    for person in PEOPLE[3:]:
        erase(story, person)
    back_up(story, rfc3339(START_S * 1_000_000), rfc3339((START_S + 100 * DAY_S) * 1_000_000))
    relieve(story, PEOPLE[0], PEOPLE[1], PEOPLE[3], by=by)
    counts = same(story, 40).findings[0].counts
    spared = counts["exempt"] + counts["held"]
    assert (spared, counts["live"]) == ((2, 1) if by == AUTHORITY else (0, 3))


def test_who_comes_first_in_a_leaf_stands_for_nobody_who_is_named() -> None:
    """Were an exempted record asked for all, nobody would be told apart by backups."""
    for k in BETWEEN:
        story, _ = history(erased=False)
        told(story, k, erase, _back_up)
        exempt(story, PEOPLE[0])
        same(story, 40)


# --- What is done of it.


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch, *modules: tuple[Any, str]) -> Iterator[list[int]]:
    """How many handles each visit was of."""
    seen: list[int] = []

    def counted(visit: Any) -> Any:
        def visited(one: Any, standing: Any, holding: Holding, handles: list[str]) -> None:
            moves = [move for moves in holding.copies.values() for move in moves]
            if not any(isinstance(move.index, Watched) for move in moves):
                seen.append(len(handles))
            visit(one, standing, holding, handles)

        return visited

    with monkeypatch.context() as patching:
        for module, name in modules:
            patching.setattr(module, name, counted(getattr(module, name)))
        yield seen


VISITS = ((survey, "_count_copies"), (cease, "_visit"))


def test_who_is_alike_is_visited_together(monkeypatch: pytest.MonkeyPatch) -> None:
    story, _ = history(erased=False)
    case = story.put_away(story.case(40), lambda fact: False)
    with counting(monkeypatch, VISITS[0]) as seen:
        judge(case)
    assert sorted(seen) == [1, len(PEOPLE) - 1], "what is said once only is of no pattern yet"


def test_of_whose_place_the_end_is_kept_is_visited_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    story, _ = history()
    with counting(monkeypatch, VISITS[0]) as seen:
        judgment = judge(story.put_away(story.case(40), is_order))
    assert sorted(seen) == [1, 1, 1, len(PEOPLE) - 3], (
        "the last erasure is kept, and that stands in a finding"
    )
    assert judgment == judge(story.case(40))


def test_who_is_listed_is_visited_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(stores=("faces",))
    story.order(*both())
    for person in PEOPLE:
        collect(story, person)
    with counting(monkeypatch, VISITS[1]) as seen:
        judge(story.put_away(story.case(40), lambda fact: False))
    assert seen == [1] * len(PEOPLE)


def test_where_few_are_in_a_box_no_more_are_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    sought = []
    seek = alike.Boxes._box

    def counted(boxes: alike.Boxes, some: alike.Alike) -> alike.Box:
        sought.append(some)
        return seek(boxes, some)

    monkeypatch.setattr(alike.Boxes, "_box", counted)
    story = Story(stores=("faces",))
    story.order(cease_gb())
    many = tuple(5 + 0x1000 * n for n in range(3 * alike.FIRST))
    for person in many:
        collect(story, person)
    case = story.case(40)
    assert judge(story.put_away(case, lambda fact: False)) == judge(case)
    assert len(sought) == alike.FIRST


def test_a_state_that_was_watched_is_forgotten_by_who_knows_states_by_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its place in memory is another state's soon."""
    story, _ = history(erased=False)
    watched: list[Holding] = []
    own = Reader.own

    def asked(reader: Reader, holding: Holding) -> Any:
        if isinstance(holding.traits[0].index, Watched):
            assert not reader._own
            watched.append(holding)
        else:
            assert not set(map(id, watched)) & reader._own.keys()
        return own(reader, holding)

    monkeypatch.setattr(Reader, "own", asked)
    judge(story.put_away(story.case(40), lambda fact: False))
    assert watched


def test_boxes_of_many_places_hold_whoever_would_be_visited_alike() -> None:
    box = alike.Box((1, 10, 0), (5, None, 1), frozenset())
    assert [box.holds((n, 10, 0)) for n in (0, 1, 4, 5)] == [False, True, True, False]
    assert [box.holds((1, n, 0)) for n in (9, 10, 10**18)] == [False, True, True]
    assert not box.holds((1, 10, 1))
    wider = box._replace(begins=(0, 10, 0))
    assert (wider.covers(box), box.covers(wider)) == (True, False)
    assert not box._replace(turns=(6, None, 1)).covers(box)


def test_who_has_what_is_divided_and_nobody_is_lost() -> None:
    pattern = Pattern(b'{"copies":{"faces":[\x00"held",1,"",false,0,0,false]]}}')
    members: list[alike.Member] = [((n, n, 0), handle(n)) for n in range(4)]
    some, rest = alike.Alike((pattern,), members).divided(lambda one: one[0][0] == 2)
    assert some is not None
    assert rest is not None
    assert (some.members, rest.members) == ([members[2]], [members[0], members[1], members[3]])
    assert all(one < other for one, other in pairwise(rest.handles))
    assert rest.bounds == ((0, 0, 0), (3, 3, 0))
