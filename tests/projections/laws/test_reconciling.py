"""A law of looks without an outbox: a set was the ledger's in a span if it was at one of its sizes."""

from hypothesis import given
from hypothesis import strategies as st

from projections.order import Order
from tests.projections.laws.comparing import case_of, folded
from tests.projections.laws.histories import Steps, histories, tell
from tests.projections.laws.test_laws import CI
from tests.projections.laws.worlds import FACES, INDEX, VAULT


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
