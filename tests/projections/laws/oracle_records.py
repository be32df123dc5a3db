"""The oracle's rulings on obligations about records, other than to erase them: what was derived of them,
their use, restriction and retention, and who else has them."""

from collections import Counter
from collections.abc import Iterator

from msgspec import UNSET
from msgspec.structs import replace

from projections import events as ev
from projections.fact import Fact
from projections.order import Obligation, deadline_at
from projections.vocabulary import covers
from tests.projections.laws.oracle import BREACHED, SECOND_US, Answer, Oracle, verdict_of
from tests.projections.laws.oracle_life import by_authority, in_force
from tests.projections.laws.oracle_looks import contradicted, looked, restored, used_when_gone, weak
from tests.projections.laws.oracle_sharing import acknowledged, disclosed, notices, open_gaps
from tests.projections.laws.oracle_terms import term_us
from tests.projections.laws.rulings import (
    accounts,
    gone,
    in_stores,
    is_reported,
    nobody_said,
    reached,
    relief,
)

USES = (ev.DataAccessed, ev.DataMatched, ev.DataDisclosed)


def erase_derived(oracle: Oracle, obligation: Obligation) -> Answer:
    """Whatever a derivation made is gone, and whatever is kept in an index or a model."""
    made = {one for f in oracle.told(ev.DataDerived) for one in f.event.data.artefacts}
    kept = {name for name, store in oracle.stores.items() if store.kind in ("index", "model")}
    copies = {
        (handle, store): copy
        for (handle, store), copy in in_stores(oracle, obligation).items()
        if handle in made or store in kept
    }
    included = tuple(sorted({*obligation.include, "derived"}))
    had = {handle for handle, _ in copies}
    all_of_them = replace(obligation, include=included)
    return gone(oracle, all_of_them, copies, had, lambda handle, store: handle in made or store in kept)


def cease_using(oracle: Oracle, obligation: Obligation) -> Answer:
    """Nothing in scope is used from the order's effect on, and every program accounts for the time."""
    counts: Counter[str] = Counter()
    missing = []
    for _, handle in _uses(oracle, obligation):
        if is_reported(oracle, obligation, handle):
            missing.append("residency.unknown")
        else:
            counts["used"] += 1
    for (handle, store), copy in in_stores(oracle, obligation).items():
        usable = copy.erasure is None and _restriction(oracle, handle, store) is None
        if reached(oracle, handle, obligation) and not is_reported(oracle, obligation, handle):
            counts["usable"] += usable
    names = {f.event.data.collector for f in oracle.told(ev.CollectorAttested)}
    counts["collectors"] = len(names)
    missing += [] if names else ["collector.none_named"]
    missing += ["collector.gap" for name in names if not accounts(oracle, obligation, name)]
    missing += weak(obligation, "E0")
    past = oracle.as_of > deadline_at(oracle.order, obligation)
    verdict = BREACHED if counts["used"] else verdict_of(False, bool(missing), past)
    return Answer(verdict, counts, tuple(missing))


def restrict(oracle: Oracle, obligation: Obligation) -> Answer:
    """Every live copy in scope is restricted, and nothing is used or set free after that."""
    counts: Counter[str] = Counter()
    missing = []
    deadline = deadline_at(oracle.order, obligation)
    amiss, somebody = 0, False
    for (handle, store), copy in in_stores(oracle, obligation).items():
        if not reached(oracle, handle, obligation):
            counts["out_of_scope"] += 1
            continue
        somebody = True
        if copy.erasure is not None:
            continue
        counts["in_scope"] += 1
        counts["unknown_residency"] += oracle.reach(handle, obligation.scope) == "unknown"
        restriction = _restriction(oracle, handle, store)
        if restriction is not None:
            counts[f"restricted_{oracle.timing(restriction, deadline)}"] += 1
        elif relief(oracle, obligation, handle) == "exempt":
            counts["exempt"] += 1
        else:
            counts["unrestricted"] += 1  # What is held is kept, and not to be used.
            amiss += not is_reported(oracle, obligation, handle)
        if store not in oracle.stores:
            missing.append("store.undeclared")
    asked = _count_breaches(oracle, obligation, deadline, counts)
    if obligation.scope.unknown_residency == "report" and counts["unknown_residency"] + asked:
        missing.append("residency.unknown")
    if obligation.scope.residency and not somebody and nobody_said(oracle):
        missing.append("residency.no_method")
    missing += [gap for gap in looked(oracle, obligation, {}) if not gap.startswith("evidence.")]
    missing += weak(obligation, "E0")
    verdict = verdict_of(amiss > 0, bool(missing), oracle.as_of > deadline)
    return Answer(BREACHED if counts["used"] + counts["lifted"] else verdict, counts, tuple(missing))


def _count_breaches(oracle: Oracle, obligation: Obligation, deadline: int, counts: Counter[str]) -> int:
    """Count them; returns how many would be some if it were known that their subjects reside there."""
    stores = {store for _, store in in_stores(oracle, obligation)}
    for fact, handle in _uses(oracle, obligation):
        restricted = any(_restriction(oracle, handle, store, fact.index) for store in stores)
        name = "asked" if is_reported(oracle, obligation, handle) else "used"
        counts[name] += restricted or fact.time_us > deadline * SECOND_US
    for fact, handle in _uses(oracle, obligation, ev.DataUnrestricted):
        store = fact.event.data.store
        name = "asked" if is_reported(oracle, obligation, handle) else "lifted"
        counts[name] += store in stores and _restriction(oracle, handle, store, fact.index) is not None
    return counts["asked"]


def _uses(oracle: Oracle, obligation: Obligation, *kinds: type[ev.Data]) -> Iterator[tuple[Fact, str]]:
    """What was done in force with records in scope, without leave given before."""
    had = {handle for handle, _ in in_stores(oracle, obligation)} if obligation.scope.stores else None
    for fact in oracle.told(*(kinds or USES)):
        if not in_force(oracle, fact.time_us):
            continue
        for handle in fact.event.data.records:
            asked = (had is None or handle in had) and reached(oracle, handle, obligation)
            if asked and not _allowed(oracle, obligation, handle, fact.index):
                yield fact, handle


def _allowed(oracle: Oracle, obligation: Obligation, handle: str, index: int) -> bool:
    """Exempted before, by name or by all that it was known to be by then."""
    before = [f for f in oracle.told(ev.ExemptionGranted) if f.index < index and by_authority(oracle, f)]
    granted = [f.event.data for f in before if f.event.data.order == oracle.order.id]
    granted = [data for data in granted if data.obligation == obligation.id]
    if any(data.records is not UNSET and handle in data.records for data in granted):
        return True
    classes = [data.category_class for data in granted if data.category_class is not UNSET]
    kinds = {
        kind
        for f in oracle.told(ev.DataHeld, ev.DataCollected)
        if f.index < index and handle in f.event.data.records
        for kind in f.event.data.categories
    }
    return bool(kinds) and all(any(covers(one, kind) for one in classes) for kind in kinds)


def _restriction(oracle: Oracle, handle: str, store: str, size: int | None = None) -> Fact | None:
    """What restricts a live copy: its store's operator's word, in this life of it, until anybody says that it
    is lifted."""
    now = oracle.copies(size).get((handle, store))
    if now is None or not now.live:
        return None
    standing: Fact | None = None
    for fact in oracle.told(ev.DataRestricted, ev.DataUnrestricted):
        data = fact.event.data
        if handle not in data.records or data.store != store or (size is not None and fact.index >= size):
            continue
        then = oracle.copies(fact.index).get((handle, store))
        if then is None or not then.live or then.lives != now.lives:
            continue
        if isinstance(data, ev.DataUnrestricted):
            standing = None
        elif _operates(oracle, fact, store):
            standing = standing or fact
    return standing


def _operates(oracle: Oracle, fact: Fact, store: str) -> bool:
    declared = oracle.stores.get(store)
    return declared is not None and fact.poster.name == declared.operator_key and oracle.believed(fact)


def limit_retention(oracle: Oracle, obligation: Obligation) -> Answer:
    """No live copy in scope is past its term."""
    counts: Counter[str] = Counter()
    erased: dict[str, list[Fact]] = {}
    ended = set()
    missing = []
    amiss, somebody = 0, False
    for (handle, store), copy in in_stores(oracle, obligation).items():
        if not reached(oracle, handle, obligation):
            counts["out_of_scope"] += 1
            continue
        somebody = True
        end_us = term_us(oracle, handle, obligation.retention_days)
        if copy.erasure is not None:
            if end_us is not None and copy.erasure.time_us >= end_us:
                counts["erased_past_term"] += 1
                erased.setdefault(store, []).append(copy.erasure)
                ended.add((handle, store))
            continue
        counts["in_scope"] += 1
        counts["unknown_residency"] += oracle.reach(handle, obligation.scope) == "unknown"
        relieved = relief(oracle, obligation, handle)
        past_term = end_us is not None and end_us <= oracle.as_of * SECOND_US
        counts[relieved or ("no_term" if end_us is None else "past_retention" if past_term else "kept")] += 1
        amiss += past_term and not relieved and not is_reported(oracle, obligation, handle)
        if store not in oracle.stores:
            missing.append("store.undeclared")
    if counts["no_term"]:
        missing.append("retention.no_term")
    if obligation.scope.unknown_residency == "report" and counts["unknown_residency"]:
        missing.append("residency.unknown")
    if obligation.scope.residency and not somebody and nobody_said(oracle):
        missing.append("residency.no_method")
    used = used_when_gone(oracle, ended)
    missing += looked(oracle, obligation, erased, used)
    missing += restored(oracle, erased, used)
    missing += contradicted(oracle, erased, used)
    past = oracle.as_of > deadline_at(oracle.order, obligation)
    return Answer(verdict_of(amiss > 0, bool(missing), past), counts, tuple(missing))


def notify_recipients(oracle: Oracle, obligation: Obligation) -> Answer:
    """Everybody who was given a record in scope was told, and answered."""
    had = {handle for handle, _ in in_stores(oracle, obligation)} if obligation.scope.stores else None
    asked = disclosed(oracle, lambda one: (had is None or one in had) and reached(oracle, one, obligation))
    deadline = deadline_at(oracle.order, obligation)
    counts: Counter[str] = Counter(disclosures=len(asked))
    counts["out_of_scope"] = sum(
        not reached(oracle, one, obligation) for one, _ in in_stores(oracle, obligation)
    )
    missing = [] if asked else ["disclosure.none_declared"]
    for one in asked:
        missing += open_gaps(oracle, one)
        counts["recipients_silent"] += "recipient.silent" in open_gaps(oracle, one)
        for notice in notices(oracle, one)[:1]:
            counts[f"notified_{oracle.timing(notice, deadline)}"] += 1
    signed = asked and all(acknowledged(oracle, one) for one in asked)
    missing += weak(obligation, "E1" if signed else "E0")
    return Answer(verdict_of(False, bool(missing), oracle.as_of > deadline), counts, tuple(missing))


RULINGS = {
    "cease_using": cease_using,
    "erase_derived": erase_derived,
    "limit_retention": limit_retention,
    "notify_recipients": notify_recipients,
    "restrict": restrict,
}
