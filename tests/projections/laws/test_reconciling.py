"""A law of looks without an outbox: a set was the ledger's in a span if it was at one of its sizes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.case import Case
from projections.fold import Fold
from projections.order import Order
from projections.reconciling import Compared, Glance, Named, compare
from projections.runners.shelf import Shelf
from signing.setdigest import digest_of
from tests.projections.laws.histories import Steps, histories, oracle_of, tell
from tests.projections.laws.test_laws import CI
from tests.projections.laws.worlds import FACES, INDEX, VAULT, World, handles

SOAK = settings(CI, max_examples=3_000, derandomize=False)
PLACE = st.integers(0, 40)
LOOK = st.tuples(
    st.sampled_from((FACES, INDEX, VAULT)), PLACE, PLACE, PLACE,
    st.sets(st.sampled_from((1, 2, 3, 101, 900)), max_size=2),
)  # fmt: skip
Look = tuple[str, int, int, int, set[int]]
Set = frozenset[str]


def looked(each: dict[str, list[Set]], look: Look) -> dict[Glance, Compared]:
    """Somebody found what the ledger had at any size, but for a few. He says nothing of it, or names what
    differs from some size, or something else; as it should come to."""
    store, one, other, place, wrong = look
    sets = each[store]
    first, last = sorted(at % len(sets) for at in (one, other))
    found = sets[place % len(sets)] ^ frozenset(handles(tuple(wrong)))
    seen, spanned = digest_of(one.encode() for one in found), sets[first : last + 1]
    agrees, judged = found in spanned, {}
    for ours in (found, spanned[0], spanned[-1], sets[-1], frozenset(handles((2,)))):
        more, less = tuple(sorted(found - ours)), tuple(sorted(ours - found))
        # Also who mistakes the one for the other.
        for named in (Named(more, less), Named(less, more)):
            explained = any(
                then.isdisjoint(named.orphans)
                and then.issuperset(named.missing)
                and (then | {*named.orphans}) - {*named.missing} == found
                for then in spanned
            )
            ledger = digest_of(one.encode() for one in spanned[0])
            judged[Glance(store, seen, first, last, named)] = Compared(
                ledger, agrees, bool(named) and explained and not agrees
            )
    return judged


def cases_of(world: World, order: Order) -> tuple[Case, Case]:
    """All records in memory, and on a shelf."""
    fold, shelf = Fold.empty(), Shelf()
    for fact in world.facts:
        fold.take(fact)
    issued = next(one for one in fold.docket.orders if one.order == order)
    cases = []
    for held in (dict(fold.holdings), shelf):
        cases.append(Case(held, fold.docket, fold.edges, issued, as_of=0, size=world.size))
    shelf.put_away(fold.holdings)
    return cases[0], cases[1]


def check(history: tuple[Order, Steps], looks: list[Look]) -> None:
    world = tell(*history)
    oracle = oracle_of(world, history[0])
    each = {
        store: [oracle.live_in(store, size) for size in range(world.size + 1)]
        for store in (FACES, INDEX, VAULT)
    }
    expected: dict[Glance, Compared] = {}
    for look in looks:
        expected.update(looked(each, look))
    memory, shelf = cases_of(world, history[0])
    assert compare(memory, expected) == expected
    assert compare(shelf, expected) == expected


@given(histories(), st.lists(LOOK, min_size=1, max_size=8))
@settings(CI, max_examples=500)
def test_looks_agree_or_name_all_of_the_difference_and_nothing_else(
    history: tuple[Order, Steps], looks: list[Look]
) -> None:
    check(history, looks)


@pytest.mark.soak
@given(histories(), st.lists(LOOK, min_size=1, max_size=8))
@SOAK
def test_they_do_for_long(history: tuple[Order, Steps], looks: list[Look]) -> None:
    check(history, looks)
