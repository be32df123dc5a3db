"""Coverage: which declared stores somebody has looked into since the last erasure, and whether he agrees."""

from projections.case import Case
from projections.docket import Inventory
from projections.finding import Gap, Level, StoreCoverage
from signing.encoding import encode_base64


def look(case: Case, store: str, last_erasure: int) -> StoreCoverage:
    """Whose look governs: of those begun after the last erasure, the latest assessor's, else the latest."""
    since = [
        one
        for one in case.docket.inventories
        if one.store == store
        and one.index < case.size
        and one.begun > last_erasure
        and case.believes(one.by, one.time_us)
    ]
    if not since:
        return StoreCoverage(store, looked=False)
    governing = max(since, key=lambda one: (one.by in case.assessors, one.begun, one.index))
    return _compare(case, governing)


def gap_of(coverage: StoreCoverage) -> Gap | None:
    """What is missing for a store, by name: `inventory.missing` or `inventory.disagrees`."""
    if not coverage.looked:
        return Gap("inventory.missing", coverage.store)
    if not coverage.agrees:
        return Gap("inventory.disagrees", coverage.store, abs(coverage.count - coverage.ledger_count))
    return None


def level(coverage: StoreCoverage, asserted: Level) -> Level:
    """E3 by an assessor whom the order names, E2 by the holder's own look, else what was asserted."""
    if not coverage.looked or not coverage.agrees:
        return asserted
    return "E3" if coverage.assessor else "E2"


def _compare(case: Case, inventory: Inventory) -> StoreCoverage:
    ledger = case.census(inventory.store, inventory.begun)
    return StoreCoverage(
        inventory.store,
        looked=True,
        agrees=(inventory.count, inventory.digest) == (ledger.count, encode_base64(ledger.digest)),
        assessor=inventory.by in case.assessors,
        begun=inventory.begun,
        by=case.name_of(inventory.by),
        count=inventory.count,
        ledger_count=ledger.count,
    )
