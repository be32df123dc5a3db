"""The oracle on probes: which set somebody had to look for, and whether he did."""

from collections.abc import Mapping, Sequence

from projections import events as ev
from projections.fact import Fact
from projections.order import Obligation, Order
from projections.registry import Poster
from tests.projections.laws.oracle import Oracle
from tests.projections.laws.rulings import in_stores, reached


class Earlier(Oracle):
    """What was known at an earlier size, of an order as it reads now and as it was first issued."""

    authority: Poster = None  # type: ignore[assignment]
    ordered: int = -1

    def __init__(self, facts: Sequence[Fact], order: Order, found: Mapping[str, frozenset[str]]) -> None:
        super().__init__(facts, order, 0, found=found, proved=())


def erased_under(oracle: Oracle, store: str, size: int) -> frozenset[str]:
    """What the order's obligations to erase had had erased from a store by then."""
    then = Earlier(oracle.facts[:size], oracle.order, oracle.found)
    then.authority, then.ordered = oracle.authority, oracle.ordered
    gone: set[str] = set()
    for obligation in oracle.order.obligations:
        if obligation.type not in ("erase", "erase_derived") or store not in then.stores:
            continue
        for (handle, place), copy in in_stores(then, obligation).items():
            if place == store and copy.erasure is not None and _asked_for(then, handle, store, obligation):
                gone.add(handle)
    return frozenset(gone)


def is_exact(oracle: Oracle, probe: Fact) -> bool:
    """Whether he looked for exactly what was gone when he said so."""
    data = probe.event.data
    seen = oracle.found[data.checked_digest]
    return data.checked_count == len(seen) and seen == erased_under(oracle, data.store, probe.index)


def _asked_for(oracle: Oracle, handle: str, store: str, obligation: Obligation) -> bool:
    if obligation.type == "erase":
        return reached(oracle, handle, obligation)
    made = any(handle in f.event.data.artefacts for f in oracle.told(ev.DataDerived))
    kept = oracle.stores[store].kind in ("index", "model")
    return (made or kept) and oracle.reaches(handle, obligation.scope)
