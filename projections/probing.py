"""Probing: what assessors found who looked for what was said to be erased.

A probe or a sample that found nothing never stands in for a whole inventory; one that found something tells
against the obligation, whatever the copies' states say.
"""

from collections.abc import Iterable

import msgspec

from projections.attested import Drawn, Probe, Requested, Sample, read_samples
from projections.case import Case
from projections.erased import erased_sets
from projections.finding import Gap, Irregularity, Probed, StoreCoverage
from projections.order import Obligation
from signing.encoding import decode_base64
from signing.setdigest import SetDigest


def findings_against(case: Case, obligation: Obligation, covered: Iterable[StoreCoverage]) -> list[Gap]:
    """`probe.found`, by store; `sample.failed`, by sample. Copies: how many were found.

    What was found is settled by a later probe of the whole set that found nothing, with its control, or by a
    later inventory that agrees: what an assessor found by an assessor's only.
    """
    looks = {one.store: one for one in covered}
    telling, gaps = _telling(case), []
    for store in case.stores_of(obligation.scope):
        probes = [one for one in telling if one.store == store]
        found = [
            one.found for one in probes if one.found and not _settled(case, one, probes, looks.get(store))
        ]
        if found:
            gaps.append(Gap("probe.found", store, found[-1]))
    return gaps + _samples(case)


def beside_looks(case: Case, covered: Iterable[StoreCoverage]) -> tuple[StoreCoverage, ...]:
    """The same, each with the last probe of its store that counts, an assessor's before others'."""
    probes: dict[str, Probed] = {}
    for one in sorted(_telling(case), key=lambda one: (one.by in case.assessors, one.index)):
        who = (case.name_of(one.by), one.by in case.assessors)
        probes[one.store] = Probed(one.index, one.time_us, *who, one.count, one.found, one.control_found)
    return tuple(msgspec.structs.replace(one, probe=probes.get(one.store)) for one in covered)


def without_effect(case: Case) -> list[Irregularity]:
    """`probe.control_missed`: found nothing of what is gone, nor all that should be there: as with a wrong
    key, or in a part of the store; `sample.control_missed` likewise. `probe.other_set`: looked for another
    set than the ledger's own. That nothing was found says nothing there. `sample.unanswered`: whoever asked
    for the sample has not told what he found."""
    probes = _probes(case)
    exact = _exact(case, probes)
    faults = [("probe.control_missed", one) for one in probes if not one.tells]
    faults += [("probe.other_set", one) for one in probes if one not in exact]
    listed = [
        Irregularity(rule, one.index, one.time_us, case.name_of(one.by), one.store) for rule, one in faults
    ]
    return listed + _samples_without_effect(case)


def _probes(case: Case) -> list[Probe]:
    return [
        one
        for one in case.docket.attested.probes
        if one.index < case.size and one.order == case.order.id and _stands(case, one, one.found)
    ]


def _exact(case: Case, probes: list[Probe]) -> set[Probe]:
    """Those that looked for exactly what the order had erased from the store, as the ledger has it at the
    probe's own entry. Whoever is to look chooses neither a smaller set, nor yesterday's."""
    sets = erased_sets(case, {(one.store, one.index) for one in probes})
    return {
        one for one in probes if sets[one.store, one.index] == SetDigest(one.count, decode_base64(one.digest))
    }


def _telling(case: Case) -> list[Probe]:
    """Those that count: what was found counts whatever was looked for, that nothing was found only with the
    whole control, and of exactly the ledger's set."""
    probes = _probes(case)
    exact = _exact(case, probes)
    return [one for one in probes if one.found or (one.tells and one in exact)]


def _stands(case: Case, one: Probe | Drawn, failures: int) -> bool:
    """What an assessor found stands also when somebody says later that his key was stolen."""
    return case.believes(one.by, one.time_us) or (one.by in case.assessors and failures > 0)


def _settled(case: Case, probe: Probe, probes: Iterable[Probe], look: StoreCoverage | None) -> bool:
    alike = case.assessors if probe.by in case.assessors else None
    for one in probes:
        if one.index > probe.index and not one.found and (alike is None or one.by in alike):
            return True
    if look is None or not look.looked or not look.agrees or look.begun <= probe.index:
        return False
    return look.assessor or alike is None


def _samples(case: Case) -> list[Gap]:
    """The last word on each sample that tells anything: an assessor's, else anybody's."""
    gaps = []
    for name, sample in _samples_of(case):
        drawn = [one for one in sample.drawn if one.tells and _stands(case, one, one.failures)]
        assessed = [one for one in drawn if one.by in case.assessors]
        failures = (assessed or drawn)[-1].failures if drawn else 0
        if failures:
            gaps.append(Gap("sample.failed", name, failures))
    return gaps


def _samples_without_effect(case: Case) -> list[Irregularity]:
    listed: list[tuple[str, Drawn | Requested]] = []
    for _, sample in _samples_of(case):
        asked, stands = sample.requested, [one for one in sample.drawn if _stands(case, one, one.failures)]
        listed += [("sample.control_missed", one) for one in stands if not one.tells]
        # Who asks for ten samples and tells the one that he likes has left nine unanswered.
        told_by = {case.name_of(one.by) for one in stands}
        if case.believes(asked.by, asked.time_us) and case.name_of(asked.by) not in told_by:
            listed.append(("sample.unanswered", asked))
    return [Irregularity(rule, one.index, one.time_us, case.name_of(one.by)) for rule, one in listed]


def _samples_of(case: Case) -> list[tuple[str, Sample]]:
    """The samples of what the order erased, by their names."""
    samples = sorted(read_samples(case.docket.attested, case.size).items())
    return [(name, sample) for name, sample in samples if sample.requested.order == case.order.id]
