"""A law of looks without an outbox: a set was the ledger's in a span if it was at one of its sizes."""

from hypothesis import given
from hypothesis import strategies as st

from projections.order import Order
from projections.reconciling import Named
from signing.setdigest import digest_of
from tests.projections.laws.comparing import case_of, folded
from tests.projections.laws.histories import Steps, histories, oracle_of, tell
from tests.projections.laws.test_laws import CI
from tests.projections.laws.worlds import FACES, INDEX, VAULT, handles


@given(histories(), st.integers(0, 40), st.integers(0, 40))
@CI
def test_a_set_was_the_ledgers_at_some_size_or_never(
    history: tuple[Order, Steps], one: int, other: int
) -> None:
    world = tell(*history)
    fold = folded(world)
    issued = next(one for one in fold.docket.orders if one.order == history[0])
    case = case_of(fold, issued, world, world.now_us // 1_000_000)
    first, last = sorted(min(place, world.size) for place in (one, other))
    for store in (FACES, INDEX, VAULT):
        each = [case.census(store, size) for size in range(world.size + 1)]
        for seen in set(each):
            assert case.was_ever(seen, store, first, last) == (seen in each[first : last + 1])


@given(
    histories(), st.sampled_from((FACES, INDEX)), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40),
    st.sets(st.sampled_from((1, 2, 3, 101, 900)), max_size=2),
)  # fmt: skip
@CI
def test_what_is_named_is_all_of_the_difference_and_nothing_else(
    history: tuple[Order, Steps], store: str, one: int, other: int, place: int, wrong: set[int]
) -> None:
    """Somebody found what the ledger had at any size, but for a few; he names what differs from one size of
    his span, and perhaps something else."""
    world = tell(*history)
    fold = folded(world)
    issued = next(one for one in fold.docket.orders if one.order == history[0])
    case = case_of(fold, issued, world, world.now_us // 1_000_000)
    oracle = oracle_of(world, history[0])
    first, last = sorted(min(place, world.size) for place in (one, other))
    each = [oracle.live_in(store, size) for size in range(first, last + 1)]
    found = oracle.live_in(store, min(place, world.size)) ^ frozenset(handles(tuple(wrong)))
    seen = digest_of(one.encode() for one in found)
    for ours in {each[0], each[-1], oracle.live_in(store, world.size), frozenset(handles((2,)))}:
        named = Named(tuple(sorted(found - ours)), tuple(sorted(ours - found)))
        explained = any(
            then.isdisjoint(named.orphans)
            and then.issuperset(named.missing)
            and (then | {*named.orphans}) - {*named.missing} == found
            for then in each
        )
        assert case.was_ever(seen, store, first, last, named) == explained
