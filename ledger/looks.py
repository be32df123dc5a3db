"""Looks: the report's table of stores: which were declared, and who looked into them, when and how."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from projections.docket import Store
from projections.finding import Probed, StoreCoverage
from projections.moments import SECOND_US
from projections.runners.offline import Replayed
from projections.runners.wording import METHODS, moment
from projections.stating import Stated


class Look(Struct, frozen=True, kw_only=True):
    """A store as one or more obligations ask for it. `level` is the evidence behind all that is said of it.
    Where nobody looked, the rest of the look says nothing."""

    store: str
    kind: str
    country: str
    notes: tuple[str, ...]
    obligations: tuple[str, ...]
    level: str
    looked: bool
    by: str = ""
    assessor: bool = False
    entry: int = 0
    when: str = ""
    how: str = ""
    agrees: bool = False
    found: int = 0
    ledger: int = 0
    orphans: int = 0
    missing: int = 0
    probe: "Probe | None" = None


class Probe(Struct, frozen=True):
    """Somebody looked for what was erased from a store, and for a control."""

    by: str
    assessor: bool
    entry: int
    when: str
    checked: int
    found: int
    control: int


def looks(stated: Stated, replayed: Replayed) -> list[Look]:
    """Every store that an obligation reaches, by name; once where the obligations see it alike."""
    asked: dict[StoreCoverage, list[str]] = {}
    for finding in stated.judgment.findings:
        for one in finding.coverage:
            asked.setdefault(one, []).append(finding.obligation)
    return [
        _look(stated, replayed, one, tuple(obligations))
        for one, obligations in sorted(asked.items(), key=lambda pair: pair[0].store)
    ]


def unasked(stated: Stated) -> list[str]:
    """Stores that were declared and that no obligation reaches."""
    asked = {one.store for finding in stated.judgment.findings for one in finding.coverage}
    return sorted(stated.case.stores.keys() - asked)


def _look(stated: Stated, replayed: Replayed, one: StoreCoverage, obligations: tuple[str, ...]) -> Look:
    declared = stated.case.stores.get(one.store)
    seen: dict[str, Any] = _seen(replayed, one) if one.looked else {}
    return Look(
        store=one.store,
        kind="" if declared is None else declared.kind,
        country="" if declared is None else declared.country,
        notes=() if declared is None else tuple(_notes(declared, stated.case.size)),
        obligations=obligations,
        looked=one.looked,
        level=one.evidence,
        probe=None if one.probe is None else _probe(one.probe),
        **seen,
    )


def _seen(replayed: Replayed, one: StoreCoverage) -> dict[str, Any]:
    return {
        "by": one.by,
        "assessor": one.assessor,
        "entry": one.begun,
        "when": moment(replayed.entry(one.begun).time_us // SECOND_US),
        "how": f"{METHODS.get(one.method, one.method)} (entry {one.attested})",
        "agrees": one.agrees,
        "found": one.count,
        "ledger": one.ledger_count,
        "orphans": len(one.orphans),
        "missing": len(one.missing),
    }


def _probe(one: Probed) -> Probe:
    when = moment(one.time_us // SECOND_US)
    return Probe(one.by, one.assessor, one.entry, when, one.checked, one.found, one.control)


def _notes(store: Store, size: int) -> Iterable[str]:
    if store.versioned:
        yield "versioned"
    if store.object_locked:
        yield "locked"
    if store.retired is not None and store.retired < size:
        yield f"retired at entry {store.retired}"
