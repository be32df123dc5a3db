"""Coverage: which declared stores somebody has looked into since the last erasure, and whether he agrees."""

from collections.abc import Iterable, Iterator
from operator import attrgetter

import msgspec

from projections.backups import last_restore
from projections.case import Case, Gone
from projections.docket import Store, unblinded_at
from projections.finding import Gap, Irregularity, Level, StoreCoverage
from projections.looks import Inventory
from projections.order import Scope
from projections.reconciling import NOTHING, Compared, Glance, Named, compare
from signing.encoding import decode_base64
from signing.setdigest import SetDigest


def look(case: Case, store: str, last_erasure: int) -> StoreCoverage:
    """Whose look governs a store: the latest assessor's that was begun after the last erasure there, else the
    latest. Where an assessor found a difference, only an assessor's later look settles it; where he found
    none, the latest look governs all the same if it is later than his and found one: what came back since
    (from an old dump, say) he did not see, and nobody says so against himself without cause.

    A look from before the order was issued says nothing of whether it was carried out, nor one from before a
    restore of what is there since: whoever restored says that he erased again, and nobody saw it.
    """
    looks = [one for one in case.looks.get(store, ()) if _stands(case, one)]
    after = max(last_erasure, case.first_issued, last_restore(case, store))
    assessed = max((one for one in looks if one.by in case.assessors), key=_place, default=None)
    latest = max((one for one in looks if one.begun > after), key=_place, default=None)
    if assessed is not None:
        found = _compare(case, assessed)
        if not found.agrees or latest is assessed:
            return found
        if assessed.begun > after and latest is not None:
            since = _compare(case, latest)
            return found if since.agrees else since
    return StoreCoverage(store, looked=False) if latest is None else _compare(case, latest)


def gap_of(coverage: StoreCoverage) -> Gap | None:
    """What is missing for a store, by name: `inventory.missing` or `inventory.disagrees`."""
    if not coverage.looked:
        return Gap("inventory.missing", coverage.store)
    if not coverage.agrees:
        named = len(coverage.orphans) + len(coverage.missing)
        copies = named or abs(coverage.count - coverage.ledger_count)
        return Gap("inventory.disagrees", coverage.store, copies)
    return None


def gaps(case: Case, scope: Scope, covered: tuple[StoreCoverage, ...]) -> list[Gap]:
    """What is missing of the stores in scope: `inventory.missing` and `inventory.disagrees`,
    `store.none_declared`, and `store.not_declared` where the order names one that nobody declared."""
    found = [gap for one in covered if (gap := gap_of(one))]
    if not covered:
        found.append(Gap("store.none_declared"))
    return found + [Gap("store.not_declared", name) for name in scope.stores if name not in case.stores]


def exceptions(case: Case, stores: list[str]) -> list[Irregularity]:
    """What was posted of these stores as if it counted, and what a look tells against the ledger."""
    return [*misplaced(case, stores), *differing(case, stores), *unnamed(case, stores)]


def differing(case: Case, stores: list[str]) -> list[Irregularity]:
    """`copy.orphan`, `copy.missing`: how many copies a look names that were in the store and not live in the
    ledger, and the other way round. `inventory.unexplained`: what it names is not the difference, or not all
    of it, so it is not known of any copy that it differs."""
    listed = []
    for one in _looks_into(case, stores):
        if not (one.orphans or one.missing) or not _stands(case, one):
            continue
        found, by = _compare(case, one), case.name_of(one.by)
        told = [("copy.orphan", len(found.orphans)), ("copy.missing", len(found.missing))]
        if not any(copies for _, copies in told):
            told = [("inventory.unexplained", len(one.orphans) + len(one.missing))]
        listed += [
            Irregularity(rule, one.index, one.time_us, by, one.store, copies)
            for rule, copies in told
            if copies
        ]
    return listed


def unnamed(case: Case, stores: list[str]) -> list[Irregularity]:
    """`assessor.unnamed`: looks of an auditor whose key the order does not name. They count as the
    controller's own, whatever name the key bears."""
    return [
        Irregularity("assessor.unnamed", one.index, one.time_us, case.name_of(one.by), one.store)
        for one in _looks_into(case, stores)
        if case.docket.posters[one.by].role == "auditor" and one.by not in case.assessors
    ]


def misplaced(case: Case, stores: list[str]) -> list[Irregularity]:
    """`inventory.misplaced`: looks into these stores that name a checkpoint which this log never had.
    `inventory.unplaced`: that name none, and whose beginning was not announced. They count for nothing,
    whoever's they are."""
    wanted = set(stores)
    return [
        Irregularity(
            "inventory.misplaced" if one.quotes else "inventory.unplaced",
            one.index,
            one.time_us,
            case.name_of(one.by),
            one.store,
        )
        for one in case.docket.looks.misplaced
        if one.index < case.size and one.store in wanted
    ]


def rated(covered: Iterable[StoreCoverage], levels: dict[str, Level]) -> tuple[StoreCoverage, ...]:
    """The same, each with what stands behind all that is said of its store."""
    return tuple(msgspec.structs.replace(one, evidence=levels[one.store]) for one in covered)


def level(coverage: StoreCoverage, asserted: Level) -> Level:
    """E3 by an assessor whom the order names, E2 by the holder's own look, else what was asserted."""
    if not coverage.looked or not coverage.agrees:
        return asserted
    return "E3" if coverage.assessor else "E2"


def _looks_into(case: Case, stores: Iterable[str]) -> list[Inventory]:
    """The looks into these stores, in log order."""
    return sorted((one for store in stores for one in case.looks.get(store, ())), key=attrgetter("index"))


def _place(inventory: Inventory) -> tuple[int, int]:
    return inventory.begun, inventory.index


def _stands(case: Case, inventory: Inventory) -> bool:
    """A stolen key vouches for nothing, nor does a look at handles that nobody could make any more. What an
    assessor found stands all the same: the company's own administrator says whose key was stolen and when."""
    if inventory.index >= case.size:
        return False
    if case.believes(inventory.by, inventory.time_us) and _could_look(case, inventory):
        return True
    return inventory.by in case.assessors and not _compare(case, inventory).agrees


def _could_look(case: Case, inventory: Inventory) -> bool:
    """Whether the store's blinding key, without which native ids become no handles, was still there."""
    store = case.stores.get(inventory.store)
    gone = None if store is None else unblinded_at(case.docket, store.blinding_commitment)
    return gone is None or inventory.begun < gone


def _compare(case: Case, inventory: Inventory) -> StoreCoverage:
    """Against the ledger at the place where it was begun. Of a look whose moment is not known more exactly,
    each difference must be explained by what came between that place and its attestation."""
    found = _compared(case, inventory)
    named = Named(inventory.orphans, inventory.missing) if found.explained else NOTHING
    return StoreCoverage(
        inventory.store,
        looked=True,
        agrees=found.agrees,
        assessor=inventory.by in case.assessors,
        begun=inventory.begun,
        by=case.name_of(inventory.by),
        count=inventory.count,
        ledger_count=found.ledger.count,
        ended=inventory.ended,
        attested=inventory.index,
        time_us=inventory.time_us,
        method=inventory.method,
        orphans=named.orphans,
        missing=named.missing,
    )


def _compared(case: Case, inventory: Inventory) -> Compared:
    """What it comes to, as the ledger was: worked out once, together with what will be asked for next."""
    known, keyed = case.known.compared, _keyed(case, inventory)
    if keyed not in known:
        new = {_keyed(case, one): one for one in (inventory, *_wanted(case))}
        glances = {key[0] for key in new if key not in known}
        found = compare(case, glances)
        known.update({key: found[key[0]] for key in new if key[0] in found})
    return known[keyed]


def _wanted(case: Case) -> Iterator[Inventory]:
    """Those that name something, and of each store the last ones."""
    for looks in case.looks.values():
        yield from (one for one in looks if one.orphans or one.missing)
        yield max(looks, key=_place)
        assessed = [one for one in looks if one.by in case.assessors]
        yield from [max(assessed, key=_place)] if assessed else []


def _keyed(case: Case, one: Inventory) -> tuple[Glance, Store | None, Gone]:
    seen, named = SetDigest(one.count, decode_base64(one.digest)), Named(one.orphans, one.missing)
    glance = Glance(one.store, seen, one.begun, one.ended, named)
    return glance, case.docket.stores.get(one.store), case.gone
