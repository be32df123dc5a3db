"""Glimpses: each change told is one that judging finds, and with judgments enough it stands exactly there."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.glimpses import Glimpse, chain_of, glimpse
from projections.order import deadline_at
from projections.timeline import Place, Seen, Step
from tests.projections.test_timeline import DEEDS, END, OBLIGATIONS, looker, said, steps_of, told


def searched(
    deeds: list[Any], obligations: list[Any], most: int
) -> tuple[list[Glimpse], list[Place], dict[Place, Seen]]:
    """What a search finds, the places it could look at, and what is to be seen there."""
    story = told(deeds, obligations, 3)
    fold = story.fold()
    (issued,) = fold.docket.orders
    look, steps = looker(fold), steps_of(story, issued.index)
    moments = [issued.order.effective_s, *(deadline_at(issued.order, one) + 1 for one in obligations)]
    chain, first = chain_of(steps, moments, END)
    return glimpse(look, steps, chain, first, most), chain, {place: look(place) for place in chain}


@settings(max_examples=40, deadline=None)
@given(st.lists(DEEDS, max_size=12), OBLIGATIONS, st.integers(2, 60))
def test_what_is_told_can_be_seen(deeds: list[Any], obligations: list[Any], most: int) -> None:
    found, chain, seen = searched(deeds, obligations, most)
    assert chain == sorted(set(chain))
    standing: dict[str, str] = {}
    places = [Place(one.change.as_of, one.change.size) for one in found]
    assert places == sorted(places)
    for one, place in zip(found, places, strict=True):
        standing |= one.change.obligations
        if place in seen:
            assert (one.change.status, one.change.verdict, standing) == said(seen[place])
        if one.since is not None:
            assert said(seen[one.since]) != (one.change.status, one.change.verdict, standing)
    assert (found[-1].change.status, found[-1].change.verdict, standing) == said(seen[chain[-1]])


@settings(max_examples=40, deadline=None)
@given(st.lists(DEEDS, max_size=12), OBLIGATIONS)
def test_with_judgments_enough_every_entry_is_named(deeds: list[Any], obligations: list[Any]) -> None:
    found, _, _ = searched(deeds, obligations, 1_000)
    for one in found:
        given_up = one.since is not None and one.since.size < one.change.size
        assert not given_up
        assert one.change.entry in (-1, one.change.size - 1)


STEPS = [Step(at, 100 + 10 * at, "writ.data.held.v1", "somebody") for at in range(100)]


def verdict(*, is_done: bool) -> Seen:
    return Seen("in_force", 1, "carried_out" if is_done else "outstanding", ())


def test_few_judgments_tell_between_which_places_and_more_tell_the_entry() -> None:
    chain, first = chain_of(STEPS, [], 9_999)

    def look(place: Place) -> Seen:
        return verdict(is_done=place.size > 57)

    _, rough = glimpse(look, STEPS, chain, first, 4)
    assert rough.since is not None
    assert rough.since.size <= 57 < rough.change.size
    assert rough.change.entry == -1
    _, exact = glimpse(look, STEPS, chain, first, 20)
    assert (exact.since, exact.change.entry, exact.change.by) == (None, 57, "somebody")


def test_a_moment_that_is_looked_for_is_found_to_the_second() -> None:
    chain, first = chain_of(STEPS, [5_000], 9_999)
    _, found = glimpse(lambda place: verdict(is_done=place.as_of >= 5_000), STEPS, chain, first, 4)
    assert (found.since, found.change.as_of, found.change.entry) == (None, 5_000, -1)


def test_what_time_alone_did_is_no_entrys_doing() -> None:
    chain, first = chain_of(STEPS, [], 9_999)
    _, found = glimpse(lambda place: verdict(is_done=place.as_of >= 405), STEPS, chain, first, 30)
    assert found.since == Place(400, 31)
    assert (found.change.as_of, found.change.size, found.change.entry) == (410, 31, -1)
