"""Looks: the report's table of stores: which were declared, and who looked into them, when and how."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from projections.docket import Store
from projections.events import decode_event
from projections.finding import StoreCoverage
from projections.moments import SECOND_US
from projections.runners.offline import Replayed
from projections.runners.wording import moment
from projections.stating import Stated

METHODS = {
    "quiescent": "counted while nothing was written",
    "reconcile": "counted beside a store in use, compared with the log",
    "snapshot": "counted in a snapshot",
}


class Look(Struct, frozen=True, kw_only=True):
    """A store as one or more obligations ask for it. Where nobody looked, the rest says nothing."""

    store: str
    kind: str
    country: str
    notes: tuple[str, ...]
    obligations: tuple[str, ...]
    looked: bool
    by: str = ""
    assessor: bool = False
    entry: int = 0
    when: str = ""
    how: str = ""
    level: str = ""
    agrees: bool = False
    found: int = 0
    ledger: int = 0


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
    seen: dict[str, Any] = _seen(stated, replayed, one) if one.looked else {}
    return Look(
        store=one.store,
        kind="" if declared is None else declared.kind,
        country="" if declared is None else declared.country,
        notes=() if declared is None else tuple(_notes(declared, stated.case.size)),
        obligations=obligations,
        looked=one.looked,
        **seen,
    )


def _seen(stated: Stated, replayed: Replayed, one: StoreCoverage) -> dict[str, Any]:
    level = "E3" if one.assessor else "E2"
    return {
        "by": one.by,
        "assessor": one.assessor,
        "entry": one.begun,
        "when": moment(replayed.entry(one.begun).time_us // SECOND_US),
        "how": _method(stated, replayed, one),
        "level": level if one.agrees else "",
        "agrees": one.agrees,
        "found": one.count,
        "ledger": one.ledger_count,
    }


def _method(stated: Stated, replayed: Replayed, one: StoreCoverage) -> str:
    """How it was looked: the docket does not keep it, the entry says."""
    case = stated.case
    attested = max(
        made.index
        for made in case.docket.looks.inventories
        if (made.store, made.begun, made.count) == (one.store, one.begun, one.count)
        and made.index < case.size
        and case.name_of(made.by) == one.by
    )
    method = decode_event(replayed.entry(attested).body).data.method
    return f"{METHODS.get(method, method)} (entry {attested})"


def _notes(store: Store, size: int) -> Iterable[str]:
    if store.versioned:
        yield "versioned"
    if store.object_locked:
        yield "locked"
    if store.retired is not None and store.retired < size:
        yield f"retired at entry {store.retired}"
