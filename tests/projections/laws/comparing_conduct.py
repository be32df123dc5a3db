"""Whole judgments side by side, with all that binds an obligation from outside."""

from collections import Counter

from projections.finding import Finding
from projections.order import Obligation, Order
from projections.verdict import judge
from tests.projections.laws.comparing import case_of, folded
from tests.projections.laws.conduct_histories import conduct_moments
from tests.projections.laws.histories import Steps, oracle_of, tell
from tests.projections.laws.oracle_binding import rule
from tests.projections.laws.oracle_conduct import CONDUCT
from tests.projections.laws.oracle_life import status
from tests.projections.laws.oracle_ruling import Ruling

# What binds any obligation; what else is missing of an erasure or a collection is compared elsewhere.
BINDING = frozenset({
    "attestation.before_act", "attestation.rejected", "dependency.not_carried_out", "oath.missing",
    "probe.found", "recurrence.missed", "sample.failed",
})  # fmt: skip
EXCEPTIONS = frozenset({
    "attestation.beyond_log", "attestation.late", "attestation.stranger", "dependency.order",
    "enquiry.extended_late", "enquiry.late", "enquiry.overdue", "offer.not_withdrawn", "offer.prohibited",
    "payment.late", "probe.control_missed", "probe.other_set", "recurrence.late", "sample.unanswered",
    "sample.control_missed",
})  # fmt: skip
Said = tuple[str, dict[str, int], set[str], set[str]]


def compare(order: Order, steps: Steps) -> Counter[str]:
    """Judge at several moments, once by each; returns how often which status, verdict, count and rule was
    met."""
    world = tell(order, steps)
    fold = folded(world)
    issued = next(one for one in fold.docket.orders if one.order == order)
    met: Counter[str] = Counter()
    for as_of in conduct_moments(world):
        if issued.index >= world.size_at(as_of):
            continue
        judgment = judge(case_of(fold, issued, world, as_of))
        oracle = oracle_of(world, order, as_of)
        ruled = rule(oracle)
        assert judgment.status == status(oracle), as_of
        met[judgment.status] += 1
        for obligation, finding in zip(order.obligations, judgment.findings, strict=True):
            found, ruling = said(finding), answered(obligation, finding, ruled[obligation.id])
            assert found == ruling, f"{obligation.id} at {as_of}:\n{found}\nthe oracle:\n{ruling}"
            met.update([f"{obligation.type} {finding.verdict}", *found[2], *found[3]])
            met.update(name for name, number in finding.counts.items() if number)
    return met


def said(finding: Finding) -> Said:
    """The verdict, the counts, and the rules by which something is missing or listed."""
    gaps = {gap.rule for gap in finding.gaps}
    listed = {one.rule for one in finding.irregularities} & EXCEPTIONS
    return finding.verdict, finding.counts, gaps if finding.type in CONDUCT else gaps & BINDING, listed


def answered(obligation: Obligation, finding: Finding, ruling: Ruling) -> Said:
    """The same, as the oracle has it."""
    missing, counts = set(ruling.missing), {name: ruling.counts[name] for name in finding.counts}
    return (
        ruling.verdict,
        counts,
        missing if obligation.type in CONDUCT else missing & BINDING,
        {*ruling.listed},
    )
