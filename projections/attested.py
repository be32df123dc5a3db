"""Attested: who vouches for an order's being carried out: attestations and rejections, probes, samples.

A part of the docket. Anybody whose role allows it may say such a thing; whose word it is, and whether it
counts, is decided where it is read (`vouching.py`, `probing.py`).
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.series import Series


class Vouched(Struct, frozen=True, array_like=True):
    """Somebody says that an obligation is carried out by what stands below `log_size`, or (`accepted` false)
    that it is not. `report` tells that a report's hash was committed to."""

    index: int
    time_us: int
    by: int
    order: str
    obligation: str
    log_size: int
    accepted: bool
    oath: str
    report: bool


class Probe(Struct, frozen=True, array_like=True):
    """Somebody looked in a store for what was erased under an order, and for what should be there still.

    `count` and `digest` (base64) are of the set that he looked for.
    """

    index: int
    time_us: int
    by: int
    order: str
    store: str
    found: int
    control_checked: int
    control_found: int
    count: int
    digest: str

    @property
    def tells(self) -> bool:
        """That nothing was found says something only where all that should be there was."""
        return self.found > 0 or 0 < self.control_checked == self.control_found


class Requested(Struct, frozen=True, array_like=True):
    """Somebody asked for a sample of what was erased under an order."""

    index: int
    sample: str
    order: str
    size: int
    time_us: int
    by: int


class Drawn(Struct, frozen=True, array_like=True):
    """What looking at a sample gave, and at how many that should be there still."""

    index: int
    time_us: int
    by: int
    sample: str
    failures: int
    control_checked: int
    control_found: int

    @property
    def tells(self) -> bool:
        """As of a probe."""
        return self.failures > 0 or 0 < self.control_checked == self.control_found


class Sample(Struct, frozen=True):
    """A sample as it was first asked for, and what was found in it afterwards, in log order."""

    requested: Requested
    drawn: tuple[Drawn, ...]


class Attested(Struct, frozen=True):
    """State after some number of entries. Series are in log order."""

    vouched: Series[Vouched] = Series()
    probes: Series[Probe] = Series()
    requested: Series[Requested] = Series()
    drawn: Series[Drawn] = Series()


def read_samples(part: Attested, size: int) -> dict[str, Sample]:
    """The samples by their ids, with what was found in them below `size`.

    The first request counts: a sample is not drawn anew because of what it gave. Of one that nobody had asked
    for it is not known what it was a sample of.
    """
    first: dict[str, Requested] = {}
    for one in part.requested:
        first.setdefault(one.sample, one)
    found: dict[str, list[Drawn]] = {name: [] for name in first}
    for drawn in part.drawn:
        if drawn.index < size and drawn.sample in first and first[drawn.sample].index < drawn.index:
            found[drawn.sample].append(drawn)
    return {name: Sample(one, tuple(found[name])) for name, one in first.items() if one.index < size}


def _vouched(part: Attested, fact: Fact, by: int) -> Attested:
    data: ev.ComplianceAttested | ev.ComplianceRejected = fact.event.data
    said = Vouched(
        fact.index,
        fact.time_us,
        by,
        data.order,
        data.obligation,
        data.log_size,
        isinstance(data, ev.ComplianceAttested),
        data.oath if isinstance(data, ev.ComplianceAttested) else "none",
        not isinstance(data.report_sha256, UnsetType),
    )
    return msgspec.structs.replace(part, vouched=part.vouched.grown(said))


def _probed(part: Attested, fact: Fact, by: int) -> Attested:
    data: ev.ProbeAttested = fact.event.data
    control = (data.control_checked, data.control_found)
    looked_for = (data.checked_count, data.checked_digest)
    probe = Probe(fact.index, fact.time_us, by, data.order, data.store, data.found, *control, *looked_for)
    return msgspec.structs.replace(part, probes=part.probes.grown(probe))


def _requested(part: Attested, fact: Fact, by: int) -> Attested:
    data: ev.SampleRequested = fact.event.data
    requested = Requested(fact.index, data.sample, data.order, data.n, fact.time_us, by)
    return msgspec.structs.replace(part, requested=part.requested.grown(requested))


def _drawn(part: Attested, fact: Fact, by: int) -> Attested:
    data: ev.SampleAttested = fact.event.data
    control = [0 if isinstance(n, UnsetType) else n for n in (data.control_checked, data.control_found)]
    drawn = Drawn(fact.index, fact.time_us, by, data.sample, data.failures, *control)
    return msgspec.structs.replace(part, drawn=part.drawn.grown(drawn))


STEPS: dict[type[Any], Callable[[Attested, Fact, int], Attested]] = {
    ev.ComplianceAttested: _vouched,
    ev.ComplianceRejected: _vouched,
    ev.ProbeAttested: _probed,
    ev.SampleRequested: _requested,
    ev.SampleAttested: _drawn,
}
