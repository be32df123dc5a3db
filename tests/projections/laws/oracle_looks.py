"""The oracle on evidence: who looked into the stores, and how much stands behind what is said of them."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import UNSET

from projections import events as ev
from projections.fact import Fact
from projections.order import Obligation
from tests.projections.laws.oracle import Copy, Oracle

Erased = Mapping[str, Sequence[Fact]]
Used = Mapping[str, Sequence[int]]
NONE: Used = {}


def looked(oracle: Oracle, obligation: Obligation, erased: Erased, used: Used = NONE) -> Iterator[str]:
    """Every declared store in scope was looked into after its last erasure, by whom the order asks for.
    `erased`: store by store, the erasures that ended the copies; `used`: the uses that contradict them."""
    wanted = obligation.scope.stores
    stores = [store for store in oracle.stores if not wanted or store in wanted]
    if not stores:
        yield "store.none_declared"
    yield from ("store.not_declared" for store in wanted if store not in oracle.stores)
    levels = []
    for store in stores:
        look = oracle.agrees(store, _last(oracle, store, erased, used))
        if look is None:
            yield "inventory.missing"
        elif not look[0]:
            yield "inventory.disagrees"
        if look is not None and look[0]:
            levels.append("E3" if look[1] else "E2")
        else:
            levels.append(min(map(_asserted, erased.get(store, ())), default="E0"))
    yield from weak(obligation, min(levels, default="E0"))


def named(
    oracle: Oracle, obligation: Obligation, erased: Erased, used: Used
) -> Iterator[tuple[str, str, str]]:
    """Whom the looks that govern found in a store alone (`orphans`; `reappeared`, whom the ledger knew as
    erased) or in the ledger alone (`missing`), with the store, unless the ledger knows it by now."""
    wanted, copies = obligation.scope.stores, oracle.copies()
    for store in oracle.stores if not wanted else [one for one in oracle.stores if one in wanted]:
        look = oracle.governing(store, _last(oracle, store, erased, used))
        came, went = oracle.differs(*look) if look is not None else ((), ())
        for handle in came:
            copy = copies.get((handle, store), Copy())
            assert look is not None
            if copy.live or (copy.erasure is not None and copy.erasure.index > oracle.last_size(*look)):
                continue
            yield ("orphans" if copy.erasure is None else "reappeared"), handle, store
        yield from (("missing", handle, store) for handle in went if copies[handle, store].live)


def weak(obligation: Obligation, level: str) -> Iterator[str]:
    """What the order asks for beyond what there is; only an assessor is independent."""
    if level < obligation.min_evidence:
        yield "evidence.below_required"
    if obligation.independent and level < "E3":
        yield "evidence.not_independent"


def restored(oracle: Oracle, erased: Erased, used: Used = NONE) -> Iterator[str]:
    """What was erased may be back from a backup, until somebody has looked since."""
    for store, erasures in erased.items():
        back = _restores(oracle, store, undone=True)
        undone = back and back[-1] > max(f.index for f in erasures)
        if undone and oracle.agrees(store, _last(oracle, store, erased, used)) is None:
            yield "backup.restored"


def contradicted(oracle: Oracle, erased: Erased, used: Used) -> Iterator[str]:
    """What was erased was not gone when it was used, until somebody has looked since."""
    for store in used:
        if store not in oracle.stores or oracle.agrees(store, _last(oracle, store, erased, used)) is None:
            yield "erasure.contradicted"


def used_when_gone(oracle: Oracle, in_scope: set[tuple[str, str]]) -> dict[str, list[int]]:
    """Store by store, the uses of what had been erased from it, when nobody knew of a copy anywhere."""
    found: dict[str, list[int]] = {}
    for fact in oracle.told(ev.DataAccessed, ev.DataMatched, ev.DataDisclosed):
        copies = oracle.copies(fact.index)
        live = {handle for (handle, _), copy in copies.items() if copy.live}
        for (handle, store), copy in copies.items():
            named = handle in fact.event.data.records and (handle, store) in in_scope
            if named and copy.erasure is not None and handle not in live:
                found.setdefault(store, []).append(fact.index)
    return found


def missed(oracle: Oracle, handle: str, store: str, erasure: Fact) -> bool:
    """Whether somebody looked for an erased copy by name, and did not find it."""
    return any(
        f.event.data.store == store
        and f.event.data.records is not UNSET
        and handle in f.event.data.records
        and f.index > erasure.index
        and oracle.believed(f)
        for f in oracle.told(ev.DeletionVerified)
    )


def _last(oracle: Oracle, store: str, erased: Erased, used: Used) -> int:
    """A look must come after the order, the last erasure and restore, and after what belied erasures."""
    erasures = [f.index for f in erased.get(store, ())]
    return max([oracle.ordered, *erasures, *_restores(oracle, store), *used.get(store, ())])


def _restores(oracle: Oracle, store: str, undone: bool = False) -> list[int]:
    """Every restore into a store; or those only after which nobody says that he erased again."""
    told = [f for f in oracle.told(ev.BackupRestored) if f.event.data.store == store]
    return [f.index for f in told if not (undone and f.event.data.erasures_reapplied)]


def _asserted(erasure: Fact) -> str:
    """A receipt, or a processor's own signature: the controller did not write it."""
    receipt = erasure.event.data.evidence
    return "E1" if (receipt is not UNSET and receipt) or erasure.poster.role == "processor" else "E0"
