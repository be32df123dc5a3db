"""Attested: who vouches for an order's being carried out: attestations and rejections, probes, samples.

A part of the docket: one state row. Anybody whose role allows it may say such a thing; whose word it is, and
whether it counts, is decided where it is read (`vouching.py`).
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, UnsetType

from projections import events as ev
from projections.fact import Fact


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
    """Somebody looked in a store for what was erased under an order, and for what should be there still."""

    index: int
    time_us: int
    by: int
    order: str
    store: str
    found: int
    control_found: int


class Drawn(Struct, frozen=True, array_like=True):
    """What looking at a sample gave."""

    index: int
    time_us: int
    by: int
    failures: int


class Sample(Struct, frozen=True):
    """A sample of what was erased under an order was asked for, and what was found in it."""

    index: int
    order: str
    size: int
    drawn: tuple[Drawn, ...] = ()


class Attested(Struct, frozen=True):
    """State after some number of entries. Tuples are in log order; samples stand under their ids."""

    vouched: tuple[Vouched, ...] = ()
    probes: tuple[Probe, ...] = ()
    samples: dict[str, Sample] = {}


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
    return msgspec.structs.replace(part, vouched=(*part.vouched, said))


def _probed(part: Attested, fact: Fact, by: int) -> Attested:
    data: ev.ProbeAttested = fact.event.data
    probe = Probe(fact.index, fact.time_us, by, data.order, data.store, data.found, data.control_found)
    return msgspec.structs.replace(part, probes=(*part.probes, probe))


def _requested(part: Attested, fact: Fact, by: int) -> Attested:
    """The first request counts: a sample is not drawn anew because of what it gave."""
    data: ev.SampleRequested = fact.event.data
    sample = Sample(fact.index, data.order, data.n)
    return msgspec.structs.replace(part, samples={data.sample: sample, **part.samples})


def _drawn(part: Attested, fact: Fact, by: int) -> Attested:
    """Of a sample that nobody had asked for it is not known what it was a sample of."""
    data: ev.SampleAttested = fact.event.data
    sample = part.samples.get(data.sample)
    if sample is None:
        return part
    drawn = Drawn(fact.index, fact.time_us, by, data.failures)
    grown = msgspec.structs.replace(sample, drawn=(*sample.drawn, drawn))
    return msgspec.structs.replace(part, samples={**part.samples, data.sample: grown})


STEPS: dict[type[Any], Callable[[Attested, Fact, int], Attested]] = {
    ev.ComplianceAttested: _vouched,
    ev.ComplianceRejected: _vouched,
    ev.ProbeAttested: _probed,
    ev.SampleRequested: _requested,
    ev.SampleAttested: _drawn,
}
