"""What differs over an auditor's span, between a log that says one thing and then another."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.inventory.differences import Compared, Differences, over_span
from tests.ledger.lab import handle

numbers = st.sets(st.integers(0, 9))


def named(*given: int) -> tuple[str, ...]:
    return tuple(sorted(map(handle, given)))


def over(store: set[int], began: set[int], ended: set[int]) -> Compared:
    """A store, and what the ledger has when the look begins and when it is attested to."""
    return over_span(*(_between(store, ledger, size) for ledger, size in ((began, 10), (ended, 20))))


def _between(store: set[int], ledger: set[int], size: int) -> Differences:
    orphans, missing = named(*(store - ledger)), named(*(ledger - store))
    return Differences(size=size, ledger_count=len(ledger), orphans=orphans, missing=missing)


def test_what_the_log_explains_is_not_called_an_orphan() -> None:
    # 5 was collected during the look and 1 erased, and he saw both; 6 nobody has told of, and 2 is missing.
    found = over({1, 3, 5, 6}, {1, 2, 3}, {2, 3, 5})
    assert (found.differences.orphans, found.differences.missing) == (named(6), named(2))
    assert len(found.explained) == 1
    assert not found.may_be_named, "with these alone the sets are not the same at either end"


def test_what_differs_at_both_ends_is_named() -> None:
    found = over({1, 3, 6}, {1, 2, 3}, {2, 3})
    told = found.differences
    assert (told.size, told.orphans, told.missing) == (10, named(6), named(2))
    assert (found.explained, found.may_be_named) == ((), True)
    found = over({3, 6}, {1, 2, 3}, {2, 3})
    assert (found.differences.size, found.may_be_named) == (20, True), "as of the end, where they are all"


@given(numbers, numbers, numbers)
def test_what_may_be_named_makes_the_ledgers_set_the_stores(
    store: set[int], began: set[int], ended: set[int]
) -> None:
    found = over(store, began, ended)
    orphans, missing = set(found.differences.orphans), set(found.differences.missing)
    assert orphans <= set(named(*store)) - set(named(*began)) - set(named(*ended))
    assert not missing & set(named(*store))
    if found.may_be_named:
        ledger = set(named(*(began if found.differences.size == 10 else ended)))
        assert (ledger | orphans) - missing == set(named(*store))
