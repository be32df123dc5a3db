"""Patterns: what is made of one is what was taken apart, to the byte, whatever stands in strings."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.holdings import Holding, Move, ResidencyFact, Trait, Use, decode_row, encode_row
from projections.patterns import Pattern, Place, kind_of, split

# Few and small, so that a place's numbers stand elsewhere too.
NUMBERS = st.sampled_from([0, 1, 3, 13])
CLAIMED = st.sampled_from([0, 0, 1, 3, -1])
TEXTS = st.sampled_from(["", "purge", "[1,3,", "[3,3,", ",3,", ",-1,", "[-1,-1,", "\x00", "\x01", '"'])
PLACES = st.tuples(NUMBERS, NUMBERS, CLAIMED)


def moves(place: Place) -> st.SearchStrategy[Move]:
    return st.builds(
        Move,
        st.just(place[0]),
        st.just(place[1]),
        st.sampled_from(["held", "erased"]),
        NUMBERS,
        TEXTS,
        st.booleans(),
        NUMBERS,
        st.sampled_from([0, place[2]]),
        st.booleans(),
    )


def facts(place: Place) -> st.SearchStrategy[ResidencyFact]:
    codes = st.lists(TEXTS, max_size=2).map(tuple)
    return st.builds(ResidencyFact, st.just(place[0]), st.just(place[1]), NUMBERS, TEXTS, codes)


def traits(place: Place) -> st.SearchStrategy[Trait]:
    categories = st.lists(TEXTS, max_size=2).map(tuple)
    said = (categories, st.booleans(), TEXTS, TEXTS, TEXTS, NUMBERS)
    return st.builds(Trait, st.just(place[0]), st.just(place[1]), *said)


def uses(place: Place) -> st.SearchStrategy[Use]:
    said = (st.just("matched"), NUMBERS, TEXTS, TEXTS, TEXTS, st.sampled_from([0, place[2]]))
    return st.builds(Use, st.just(place[0]), st.just(place[1]), *said)


@st.composite
def holdings(draw: st.DrawFn) -> Holding:
    """What one entry says of a record, or at times a second one."""
    places = [draw(PLACES), draw(PLACES)]

    def some(of: Callable[[Place], st.SearchStrategy[Any]], least: int = 0) -> tuple[Any, ...]:
        which = st.sampled_from([places[0], places[0], places[0], places[1]])
        return tuple(draw(st.lists(which.flatmap(of), min_size=least, max_size=2)))

    stores = draw(st.lists(TEXTS, unique=True, max_size=2))
    derived = draw(st.sampled_from([(), (), (), (1,)]))
    return Holding(
        {store: some(moves, 1) for store in stores}, derived, some(facts), some(traits), some(uses)
    )


def pattern_of(holding: Holding) -> tuple[Pattern, Place] | None:
    _, text, place = split(holding)
    try:
        return None if place is None else (Pattern(text), place)
    except ValueError:
        return None


@given(holdings(), PLACES)
def test_a_pattern_gives_back_what_it_was_taken_from(holding: Holding, other: Place) -> None:
    assert split(holding)[0] == encode_row(holding)
    found = pattern_of(holding)
    if found is None:
        return
    pattern, place = found
    assert pattern.row(place) == encode_row(holding)
    assert pattern.holding(place) == holding
    assert pattern.shares == (not holding.uses)
    # And so of all that share it.
    assert pattern.holding(other) == decode_row(pattern.row(other))
    said = [move for moves in holding.copies.values() for move in moves]
    every: list[Any] = [*said, *holding.residency, *holding.traits, *holding.uses]
    assert {(one.index, one.time_us) for one in every} == {place[:2]}
    assert {move.claimed_us for move in said} <= {0, place[2]}


def collected(index: int, time_us: int, activity: str = "search") -> Holding:
    return Holding(
        {"faces": (Move(index, time_us, "collected", 2),)},
        (),
        (ResidencyFact(index, time_us, 2, "metadata", ("GB",)),),
        (Trait(index, time_us, ("user.biometric",), True, "no", "public_web", activity),),
    )


def erased(index: int, time_us: int, claimed_us: int, evidence: int = 0) -> Holding:
    move = Move(index, time_us, "erased", 2, "purge", True, evidence, claimed_us)
    return Holding({"faces": (move,)})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (collected(7, 1_000), collected(900, 2_000)),
        (erased(7, 1_000, 999), erased(900, 2_000, 1_000)),
        (erased(7, 1_000, 1_000), erased(900, 2_000, 1_000)),
        (Holding(uses=(Use(7, 8, "matched", 1),)), Holding(uses=(Use(8, 9, "matched", 1),))),
    ],
)
def test_what_one_entry_says_of_many_is_of_one_pattern(one: Holding, other: Holding) -> None:
    found = [pattern_of(each) for each in (one, other)]
    assert None not in found
    assert len({each[0].text for each in found if each}) == 1


@pytest.mark.parametrize(
    "holding",
    [
        Holding(),
        collected(7, 1_000, activity="[7,1000,"),
        erased(7, 1_000, 3, evidence=3),
        Holding({"faces": (Move(7, 8, "held", 1), Move(7, 9, "held", 1))}),
        Holding({"faces": (Move(7, 8, "derived", 1),)}, (7,)),
        Holding({"[7,8,": (Move(7, 8, "held", 1), Move(7, 9, "held", 1))}),
        Holding({"faces": (Move(7, 8, "held", 1),), "vault": (Move(9, 8, "held", 1),)}),
    ],
)
def test_what_has_another_number_somewhere_is_of_none(holding: Holding) -> None:
    assert pattern_of(holding) is None


@given(st.binary(max_size=40))
def test_other_bytes_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Pattern(text)


@st.composite
def presences(draw: st.DrawFn) -> tuple[Holding, Holding]:
    """What an entry says of a record that is there, and the same said by another entry."""
    kind: Any
    store, by, fact_by, basis, kind = draw(
        st.tuples(TEXTS, NUMBERS, NUMBERS, TEXTS, st.sampled_from(["held", "collected"]))
    )
    codes, categories = (tuple(draw(st.lists(TEXTS, max_size=2))) for _ in range(2))
    said: tuple[Any, ...] = (
        *(categories, draw(st.booleans())),
        *(draw(TEXTS), draw(TEXTS), draw(TEXTS), draw(NUMBERS)),
    )

    def by_entry(index: int, time_us: int) -> Holding:
        fact = ResidencyFact(index, time_us, fact_by, basis, codes)
        return Holding(
            {store: (Move(index, time_us, kind, by),)}, (), (fact,), (Trait(index, time_us, *said),)
        )

    return by_entry(*draw(PLACES)[:2]), by_entry(*draw(PLACES)[:2])


@given(presences())
def test_states_of_one_kind_are_of_one_pattern(pair: tuple[Holding, Holding]) -> None:
    kinds = [kind_of(one) for one in pair]
    assert kinds[0] is not None
    assert kinds[1] is not None
    assert kinds[0][0] == kinds[1][0]
    found = pattern_of(pair[0])
    if found is not None:
        assert found[1] == kinds[0][1]
        # Also where the other's place stands for something else in it, so that it has no pattern.
        assert found[0].row(kinds[1][1]) == encode_row(pair[1])


@pytest.mark.parametrize("said", ["move", "fact", "trait"])
def test_whatever_is_said_otherwise_is_of_another_kind(said: str) -> None:
    one = collected(7, 1_000)
    parts: dict[str, Any] = {
        "move": one.copies["faces"][0], "fact": one.residency[0], "trait": one.traits[0],
    }  # fmt: skip
    kinds = {kind_of(one), kind_of(Holding({"vault": (parts["move"],)}, (), one.residency, one.traits))}
    other: dict[type, Any] = {str: "held", int: 3, bool: False, tuple: ("FR",)}
    names = [name for name in parts[said].__struct_fields__ if name not in ("index", "time_us")]
    names = names[:2] if said == "move" else names  # the rest is an erasure's
    for name in names:
        value = other[type(getattr(parts[said], name))]
        changed = parts | {said: replace(parts[said], **{name: value})}
        kinds.add(
            kind_of(Holding({"faces": (changed["move"],)}, (), (changed["fact"],), (changed["trait"],)))
        )
    assert None not in kinds
    assert len(kinds) == 2 + len(names)


@pytest.mark.parametrize(
    "holding",
    [
        erased(7, 1_000, 3),
        replace(collected(7, 1_000), uses=(Use(7, 1_000, "matched", 1),)),
        replace(collected(7, 1_000), derived=(7,)),
        replace(collected(7, 1_000), copies=erased(7, 1_000, 3).copies),
        replace(collected(7, 1_000), residency=collected(9, 1_000).residency),
        replace(collected(7, 1_000), traits=collected(9, 1_000).traits),
        replace(collected(7, 1_000), residency=()),
        replace(collected(7, 1_000), copies=collected(7, 8).copies | {"vault": (Move(7, 8, "held", 1),)}),
        replace(collected(7, 1_000), copies={"faces": (Move(7, 8, "held", 1), Move(7, 9, "held", 1))}),
    ],
)
def test_other_states_have_no_kind(holding: Holding) -> None:
    assert kind_of(holding) is None
