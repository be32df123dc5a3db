"""The oracle on evidence: who looked into the stores, and how much stands behind what is said of them."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import UNSET

from projections import events as ev
from projections.fact import Fact
from projections.order import Obligation
from tests.projections.laws.oracle import Oracle

Erased = Mapping[str, Sequence[Fact]]


def looked(oracle: Oracle, obligation: Obligation, erased: Erased) -> Iterator[str]:
    """Every declared store in scope was looked into after its last erasure, by whom the order asks for.
    `erased`: store by store, the erasures that ended the copies."""
    wanted = obligation.scope.stores
    stores = [store for store in oracle.stores if not wanted or store in wanted]
    if not stores:
        yield "store.none_declared"
    yield from ("store.not_declared" for store in wanted if store not in oracle.stores)
    levels = []
    for store in stores:
        look = oracle.agrees(store, _last(oracle, store, erased))
        if look is None:
            yield "inventory.missing"
        elif not look[0]:
            yield "inventory.disagrees"
        if look is not None and look[0]:
            levels.append("E3" if look[1] else "E2")
        else:
            levels.append(min(map(_asserted, erased.get(store, ())), default="E0"))
    yield from weak(obligation, min(levels, default="E0"))


def weak(obligation: Obligation, level: str) -> Iterator[str]:
    """What the order asks for beyond what there is; only an assessor is independent."""
    if level < obligation.min_evidence:
        yield "evidence.below_required"
    if obligation.independent and level < "E3":
        yield "evidence.not_independent"


def restored(oracle: Oracle, erased: Erased) -> Iterator[str]:
    """What was erased may be back from a backup, until somebody has looked since."""
    for store, erasures in erased.items():
        back = _restores(oracle, store)
        if back and back[-1] > max(f.index for f in erasures):
            if oracle.agrees(store, _last(oracle, store, erased)) is None:
                yield "backup.restored"


def _last(oracle: Oracle, store: str, erased: Erased) -> int:
    """A look must come after the order, after the last erasure, and after what undid erasures."""
    erasures = [f.index for f in erased.get(store, ())]
    back = _restores(oracle, store) if erasures else []
    return max([oracle.ordered, *erasures, *back])


def _restores(oracle: Oracle, store: str) -> list[int]:
    told = oracle.told(ev.BackupRestored)
    return [f.index for f in told if f.event.data.store == store and not f.event.data.erasures_reapplied]


def _asserted(erasure: Fact) -> str:
    """A receipt, or a processor's own signature: the controller did not write it."""
    receipt = erasure.event.data.evidence
    return "E1" if (receipt is not UNSET and receipt) or erasure.poster.role == "processor" else "E0"
