"""What an order had erased at many sizes of the log is what it had erased at each of them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.case import Case
from projections.erased import erased_in, erased_sets
from projections.fold import Fold
from projections.order import Order
from projections.runners.shelf import Shelf
from signing.setdigest import digest_of
from tests.projections.laws import conduct_histories, record_histories
from tests.projections.laws.histories import Steps, histories, tell

CI = settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SOAK = settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
EVERY = st.one_of(histories(), record_histories.histories(), conduct_histories.conduct_histories())


def compare(order: Order, steps: Steps, step: int) -> None:
    """At some sizes, each store's sets, all asked for together; from memory and from a shelf."""
    world = tell(order, steps)
    fold, shelf = Fold.empty(), Shelf()
    for fact in world.facts:
        fold.take(fact)
    issued = next((one for one in fold.docket.orders if one.order == order), None)
    if issued is None:
        return
    asked = {(store, size) for store in fold.docket.stores for size in range(0, world.size + 1, step)}
    case = Case(fold.held, fold.docket, fold.edges, issued, as_of=0, size=world.size)
    alone = {
        (store, size): digest_of(
            handle.encode() for handle in erased_in(case.moved(issued, as_of=0, size=size), store)
        )
        for store, size in asked
    }
    assert erased_sets(case, asked) == alone
    shelf.put_away(fold.holdings)
    fold.put_away = shelf
    parted = Case(fold.held, fold.docket, fold.edges, issued, as_of=0, size=world.size)
    assert erased_sets(parted, asked) == alone


STEPS = st.integers(1, 5)


@given(EVERY, STEPS)
@CI
def test_many_sizes_are_as_each_by_itself(history: tuple[Order, Steps], step: int) -> None:
    compare(*history, step)


@pytest.mark.soak
@given(EVERY, STEPS)
@SOAK
def test_many_sizes_are_as_each_by_itself_for_long(history: tuple[Order, Steps], step: int) -> None:
    compare(*history, step)
