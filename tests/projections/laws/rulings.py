"""The oracle's rulings: what it says of each type of obligation that it knows."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from msgspec import UNSET

from projections import events as ev
from projections.fact import Fact
from projections.moments import first_second, last_second, rfc3339_us
from projections.order import Obligation, deadline_at
from projections.vocabulary import covers
from tests.projections.laws.oracle import BREACHED, SECOND_US, Answer, Copy, Oracle, verdict_of
from tests.projections.laws.oracle_life import by_authority, edges, in_force
from tests.projections.laws.oracle_looks import contradicted, looked, missed, named, restored, used_when_gone
from tests.projections.laws.oracle_sharing import disclosed, open_gaps

Copies = Mapping[tuple[str, str], Copy]

DAY_S = 86_400
RANK = {"clear": 1, "purge": 2, "crypto_erase": 2, "retrain": 3, "destroy": 3}


def erase(oracle: Oracle, obligation: Obligation) -> Answer:
    """Every copy in scope is gone, in every way that the order asks for, and every store was looked into."""
    copies = in_stores(oracle, obligation)
    had = None if not obligation.scope.stores else {h for h, _ in copies}
    return gone(oracle, obligation, copies, had, lambda _handle, _store: True)


def gone(
    oracle: Oracle,
    obligation: Obligation,
    copies: Copies,
    had: set[str] | None,
    is_asked: Callable[[str, str], bool],
) -> Answer:
    """Whether these copies are gone. `had`: whose disclosures count; without it everybody's. `is_asked`:
    whether a copy that nobody logged would be one of these."""
    counts: Counter[str] = Counter()
    erased: dict[str, list[Fact]] = {}
    in_scope = set()
    missing = []
    amiss = 0
    for (handle, store), copy in copies.items():
        if not reached(oracle, handle, obligation):
            counts["out_of_scope"] += 1
            continue
        before = counts["live"] + counts["in_backups"]
        count(oracle, obligation, handle, store, copy, counts)
        in_scope.add((handle, store))
        amiss += counts["live"] + counts["in_backups"] > before and not is_reported(
            oracle, obligation, handle
        )
        if copy.erasure is not None:
            erased.setdefault(store, []).append(copy.erasure)
        if store not in oracle.stores:
            missing.append("store.undeclared")
    used = used_when_gone(oracle, in_scope)
    missing += looked(oracle, obligation, erased, used)
    for kind, handle, store in named(oracle, obligation, erased, used):
        counts.update({kind} | ({"orphans"} if kind == "reappeared" else set()))
        if kind != "missing" and is_asked(handle, store) and is_due(oracle, obligation, handle):
            missing.append("copy.orphan")
            amiss += not is_reported(oracle, obligation, handle)
    missing += restored(oracle, erased, used)
    missing += contradicted(oracle, erased, used)
    if "recipients" in obligation.include:
        missing += told(oracle, obligation, had, counts)
    missing += lacking(oracle, obligation, counts)
    past = oracle.as_of > deadline_at(oracle.order, obligation)
    return Answer(verdict_of(amiss > 0, bool(missing), past), counts, tuple(missing))


def is_due(oracle: Oracle, obligation: Obligation, handle: str) -> bool:
    """Whom the order reaches, and whom nobody relieves of it."""
    return reached(oracle, handle, obligation) and not relief(oracle, obligation, handle)


def is_reported(oracle: Oracle, obligation: Obligation, handle: str) -> bool:
    """Whose residency the order wants to know before anything is said of him."""
    scope = obligation.scope
    return scope.unknown_residency == "report" and oracle.reach(handle, scope) == "unknown"


def in_stores(oracle: Oracle, obligation: Obligation) -> Copies:
    """The copies in the scope's stores, in whatever scope they are otherwise."""
    stores = obligation.scope.stores
    return {key: copy for key, copy in oracle.copies().items() if not stores or key[1] in stores}


def reached(oracle: Oracle, handle: str, obligation: Obligation) -> bool:
    """In scope; what was merely derived only where the order includes it."""
    if "derived" not in obligation.include and oracle.is_artefact(handle):
        return False
    return oracle.reaches(handle, obligation.scope)


def count(
    oracle: Oracle, obligation: Obligation, handle: str, store: str, copy: Copy, counts: Counter[str]
) -> None:
    """Put one copy under the names that it belongs to."""
    counts["in_scope"] += 1
    counts["orphaned"] += copy.orphaned
    counts["reopened"] += copy.lives > 1
    counts["unknown_residency"] += oracle.reach(handle, obligation.scope) == "unknown"
    relieved = relief(oracle, obligation, handle)
    if copy.erasure is None:
        counts[relieved or "live"] += 1
        counts["derived_live"] += not relieved and any(
            handle in f.event.data.artefacts for f in oracle.told(ev.DataDerived)
        )
        return
    counts[f"erased_{oracle.timing(copy.erasure, deadline_at(oracle.order, obligation))}"] += 1
    counts["below_method"] += RANK[copy.erasure.event.data.method] < RANK[obligation.min_method]
    counts["verified_absent"] += missed(oracle, handle, store, copy.erasure)
    if "backups" in obligation.include and not relieved:
        counts["in_backups"] += in_backup(oracle, store, copy)


def relief(oracle: Oracle, obligation: Obligation, handle: str) -> str:
    """`exempt`, `held` or nothing. Only the authority that signed the order relieves."""
    kinds = {
        kind
        for f in oracle.told(ev.DataHeld, ev.DataCollected)
        if handle in f.event.data.records
        for kind in f.event.data.categories
    }
    classes = []
    for fact in oracle.told(ev.ExemptionGranted):
        data = fact.event.data
        if not by_authority(oracle, fact) or (data.order, data.obligation) != (
            oracle.order.id,
            obligation.id,
        ):
            continue
        if data.records is not UNSET and handle in data.records:
            return "exempt"
        if data.category_class is not UNSET:
            classes.append(data.category_class)
    if kinds and all(any(covers(one, kind) for one in classes) for kind in kinds):
        return "exempt"
    return "held" if handle in _held(oracle) else ""


def _held(oracle: Oracle) -> set[str]:
    """What the authority's holds keep at this moment; a hold ends with its day, or when it is released."""
    holds: list[ev.HoldPlaced] = []
    for fact in oracle.told(ev.HoldPlaced, ev.HoldReleased):
        data = fact.event.data
        if not by_authority(oracle, fact):
            continue
        if isinstance(data, ev.HoldPlaced):
            # A large hold takes several events under one id.
            holds.append(data)
        else:
            holds = [hold for hold in holds if hold.hold != data.hold]
    running = [hold for hold in holds if oracle.as_of <= last_second(hold.until)]
    return {handle for data in running for handle in data.records}


def in_backup(oracle: Oracle, store: str, copy: Copy) -> bool:
    """Whether any backup that could hold this erased copy is still there."""
    assert copy.erasure is not None
    if copy.erasure.event.data.method == "crypto_erase":
        return False
    kept = oracle.stores[store].backup_retention_days
    if kept is not UNSET and oracle.as_of < copy.erasure.time_us / SECOND_US + kept * DAY_S:
        return True
    for fact in oracle.told(ev.BackupCreated):
        data = fact.event.data
        if data.store != store or _is_gone(oracle, fact):
            continue
        first_us = min(rfc3339_us(data.as_of), fact.time_us)
        if any(start <= fact.time_us and end > first_us for start, end in copy.spans):
            return True
    return False


def _is_gone(oracle: Oracle, backup: Fact) -> bool:
    data = backup.event.data
    if oracle.as_of * SECOND_US >= rfc3339_us(data.expires_at):
        return True
    return any(
        f.index > backup.index
        and (f.event.data.store, f.event.data.backup) == (data.store, data.backup)
        and f.poster.name == oracle.stores[data.store].operator_key
        and oracle.believed(f)
        and not _came_back(oracle, f)
        for f in oracle.told(ev.BackupExpired)
    )


def _came_back(oracle: Oracle, expiry: Fact) -> bool:
    """Whether anything was restored from it after it was said to be gone, unless another has its name."""
    for fact in oracle.told(ev.BackupCreated, ev.BackupRestored):
        if fact.index > expiry.index and fact.event.data.backup == expiry.event.data.backup:
            return isinstance(fact.event.data, ev.BackupRestored)
    return False


def told(oracle: Oracle, obligation: Obligation, had: set[str] | None, counts: Counter[str]) -> list[str]:
    """Everybody to whom a record in scope was disclosed has been told and has answered, or need not."""
    asked = disclosed(oracle, lambda one: (had is None or one in had) and reached(oracle, one, obligation))
    gaps = [gap for one in asked for gap in open_gaps(oracle, one)]
    counts["recipients_silent"] = gaps.count("recipient.silent")
    return gaps


def lacking(oracle: Oracle, obligation: Obligation, counts: Counter[str]) -> Iterator[str]:
    """What the copies themselves leave open."""
    if counts["orphaned"]:
        yield "erasure.orphan"
    if counts["in_backups"]:
        yield "backup.unexpired"
    if counts["below_method"]:
        yield "erasure.below_method"
    if counts["unknown_residency"] and obligation.scope.unknown_residency == "report":
        yield "residency.unknown"
    if obligation.scope.residency and not counts["in_scope"] and nobody_said(oracle):
        # Nothing in scope is no success while nobody said where anybody resides, if that decides.
        yield "residency.no_method"


def nobody_said(oracle: Oracle) -> bool:
    """Whether nobody ever said where anybody resides."""
    said = oracle.told(ev.DataHeld, ev.DataCollected, ev.ResidencyAsserted)
    return not any(f.event.data.residency for f in said if f.event.data.residency is not UNSET)


def cease_collecting(oracle: Oracle, obligation: Obligation) -> Answer:
    """Nothing in scope is collected from the order's effect on, and every collector accounts for it."""
    scope = obligation.scope
    counts: Counter[str] = Counter()
    missing = []
    for fact in oracle.told(ev.DataCollected, ev.DataReappeared):
        data = fact.event.data
        if isinstance(data, ev.DataReappeared) and data.cause != "recollected":
            continue
        if (scope.stores and data.store not in scope.stores) or not in_force(oracle, fact.time_us):
            continue
        for handle in data.records:
            reach = oracle.reach(handle, scope)
            if reach == "unknown" and scope.unknown_residency == "report":
                missing.append("residency.unknown")
            elif oracle.reaches(handle, scope):
                counts["collected"] += 1
    spans = list(oracle.told(ev.CollectorAttested))
    names = {f.event.data.collector for f in spans}
    counts["collectors"] = len(names)
    if not names:
        missing.append("collector.none_named")
    missing += ["collector.gap" for name in names if not accounts(oracle, obligation, name)]
    past = oracle.as_of > deadline_at(oracle.order, obligation)
    verdict = BREACHED if counts["collected"] else verdict_of(False, bool(missing), past)
    return Answer(verdict, counts, tuple(missing))


def accounts(oracle: Oracle, obligation: Obligation, name: str) -> bool:
    """Whether a collector's word covers all the time in force: cut it at every moment that
    anybody mentions, and look at each piece."""
    start_us = first_second(oracle.order.effective) * SECOND_US
    end_us = (oracle.as_of - DAY_S) * SECOND_US
    own = [f for f in oracle.told(ev.CollectorAttested) if f.event.data.collector == name]
    cuts = {start_us, end_us} | edges(oracle)
    for fact in own:
        cuts |= {rfc3339_us(fact.event.data.from_), rfc3339_us(fact.event.data.to), fact.time_us}
    within = sorted(edge for edge in cuts if start_us <= edge <= end_us)
    return all(
        any(_clears(oracle, f, left, right, obligation) for f in own)
        and not any(_admits(f, left, right, obligation) for f in own)
        for left, right in pairwise(within)
        if in_force(oracle, left)
    )


def _stood_still(fact: Fact, obligation: Obligation) -> bool:
    data = fact.event.data
    residency = set(obligation.scope.residency)
    return not data.running or (bool(residency) and residency <= set(data.exclusions))


def _clears(oracle: Oracle, fact: Fact, left_us: int, right_us: int, obligation: Obligation) -> bool:
    """Nobody attests to what has not happened yet, nor under a stolen key."""
    data = fact.event.data
    until_us = min(rfc3339_us(data.to), fact.time_us)
    covers_it = rfc3339_us(data.from_) <= left_us and right_us <= until_us
    return covers_it and _stood_still(fact, obligation) and oracle.believed(fact)


def _admits(fact: Fact, left_us: int, right_us: int, obligation: Obligation) -> bool:
    """A collector that ran without leaving the territory out did, whatever is attested beside it."""
    data = fact.event.data
    overlaps = rfc3339_us(data.from_) < right_us and rfc3339_us(data.to) > left_us
    return overlaps and not _stood_still(fact, obligation)


RULINGS = {"erase": erase, "cease_collecting": cease_collecting}
