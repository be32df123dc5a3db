"""The oracle on retention: until when a record may be kept, by what the controller and the order say."""

from collections.abc import Iterator

from msgspec import UNSET, UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.moments import rfc3339_us
from tests.projections.laws.oracle import Oracle

DAY_US = 86_400_000_000
_ARRIVALS = (ev.DataHeld, ev.DataCollected, ev.DataCopied, ev.DataDerived, ev.DataReappeared)


Days = int | UnsetType


def term_us(oracle: Oracle, handle: str, ordered: Days = UNSET, before: int | None = None) -> int | None:
    """The end of a record's term; None without one.

    `ordered`: the order's own days; `before`: as the record had been collected before that entry.
    """
    gathered = [f for f in oracle.told(ev.DataCollected) if handle in f.event.data.records]
    made = [f for f in oracle.told(ev.DataDerived) if handle in f.event.data.artefacts]
    if before is not None:
        gathered = [f for f in gathered if f.index < before]
        made = [f for f in made if f.index < before]
    # Of several collections the last to end counts: it was needed anew.
    ends = [_end_of(oracle, f, ordered) for f in gathered]
    ends = ends or [_handed_on(oracle, handle, ordered, f) for f in made]
    known = [end for end in ends if end is not None]
    complete = known and len(known) == len(ends)
    found = [max(known)] if complete else _since_there(oracle, handle, ordered, before)
    since = gathered[-1].index if gathered else -1
    found += [
        f.time_us
        for f in oracle.told(ev.RetentionExpired)
        if handle in f.event.data.records and f.index > since
    ]
    return min(found, default=None)


def _since_there(oracle: Oracle, handle: str, ordered: Days, before: int | None) -> list[int]:
    """What the order leaves of what nobody collected, from the first word that it is in a store."""
    there = [
        f.time_us
        for f in oracle.facts[:before]
        if isinstance(data := f.event.data, _ARRIVALS)
        and handle in (data.artefacts if isinstance(data, ev.DataDerived) else data.records)
    ]
    return [] if isinstance(ordered, UnsetType) else [time_us + ordered * DAY_US for time_us in there[:1]]


def _end_of(oracle: Oracle, gathered: Fact, ordered: Days) -> int | None:
    """The earliest of what the collection names, what was declared of its activity, and the order's days."""
    data = gathered.event.data
    ends = [] if data.retention_until is UNSET else [rfc3339_us(data.retention_until)]
    ends += [] if isinstance(ordered, UnsetType) else [gathered.time_us + ordered * DAY_US]
    ends += [gathered.time_us + days * DAY_US for days in _declared(oracle, gathered)]
    return min(ends, default=None)


def _declared(oracle: Oracle, gathered: Fact) -> Iterator[int]:
    """The declaration that stood when it was collected, and all later ones: these can only shorten."""
    activity = gathered.event.data.activity
    declared = [f for f in oracle.told(ev.ProcessingDeclared) if f.event.data.activity == activity]
    standing = [f for f in declared if f.index < gathered.index][-1:]
    for fact in (*standing, *(f for f in declared if f.index > gathered.index)):
        if fact.event.data.retention_days is not UNSET:
            yield fact.event.data.retention_days


def _handed_on(oracle: Oracle, handle: str, ordered: Days, made: Fact) -> int | None:
    """No longer than the first of the inputs, as these were when it was made of them."""
    data = made.event.data
    inputs = () if data.records is UNSET else data.records
    if data.lineage == "each":
        inputs = [one for at, one in enumerate(inputs) if data.artefacts[at] == handle]
    ends = [term_us(oracle, one, ordered, made.index) for one in inputs]
    return min((end for end in ends if end is not None), default=None)
