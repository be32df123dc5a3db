"""Corners of the obligations about records that chance seldom finds: short histories, each judged by both.

Beside each stands the verdict ten days after the deadline; the oracle must say the same, then and at every
other moment, with the same counts. Together they reach every verdict, count and gap that there is.
"""

from collections import Counter
from functools import cache

import pytest

from projections.finding import Finding
from projections.order import Scope
from projections.verdict import EVALUATORS
from tests.projections.laws.comparing import case_of, compare, folded
from tests.projections.laws.corners_kept import DERIVED, KEEPING, NOTIFYING
from tests.projections.laws.corners_used import RESTRICTING, USING
from tests.projections.laws.histories import tell
from tests.projections.laws.record_histories import obligation
from tests.projections.laws.test_corners import LATER
from tests.projections.laws.worlds import make_order

UK = Scope(residency=("GB",))
CORNERS = {
    "cease_using": USING,
    "erase_derived": DERIVED,
    "limit_retention": KEEPING,
    "notify_recipients": NOTIFYING,
    "restrict": RESTRICTING,
}
NAMES = [(type, name) for type, corners in CORNERS.items() for name in corners]


LOOKS = {"inventory.disagrees", "inventory.missing", "store.none_declared", "store.not_declared"}
WEAK = {"evidence.below_required", "evidence.not_independent"}
UNSAID = {"residency.no_method", "residency.unknown", "store.undeclared"}
SILENT = {"recipient.not_notified", "recipient.silent"}
DOUBTS = {"backup.restored", "backup.unexpired", "erasure.contradicted"}
GAPS = {
    "cease_using": {"collector.gap", "collector.none_named", "residency.unknown", *WEAK},
    "erase_derived": {
        "copy.orphan",
        "erasure.below_method",
        "erasure.orphan",
        *DOUBTS,
        *LOOKS,
        *SILENT,
        *UNSAID,
        *WEAK,
    },
    "limit_retention": {
        "backup.restored",
        "erasure.contradicted",
        "retention.no_term",
        *LOOKS,
        *UNSAID,
        *WEAK,
    },
    "notify_recipients": {"disclosure.none_declared", *SILENT, *WEAK},
    "restrict": {*LOOKS, *UNSAID, *WEAK},
}
VERDICTS = {"breached", "cannot_be_proved", "carried_out", "outstanding"}


@cache
def judged(type: str, name: str) -> tuple[Finding, Counter[str]]:
    """What holds ten days after the deadline, and all that was found at any moment."""
    corner = CORNERS[type][name]
    how = {"scope": UK, **corner.how}
    effective = how.pop("effective", "2026-01-01")
    order = make_order(obligation(type, **how), effective=effective)
    seen = compare(order, corner.steps, later=[LATER])
    world = tell(order, corner.steps)
    fold = folded(world)
    issued = next(one for one in fold.docket.orders if one.order == order)
    return EVALUATORS[type](case_of(fold, issued, world, LATER), order.obligations[0]), seen


@pytest.mark.parametrize(("type", "name"), NAMES)
def test_both_say_the_same(type: str, name: str) -> None:
    assert judged(type, name)[0].verdict == CORNERS[type][name].verdict


@pytest.mark.parametrize("type", CORNERS)
def test_every_verdict_count_and_gap_is_reached(type: str) -> None:
    seen: Counter[str] = Counter()
    for name in CORNERS[type]:
        finding, found = judged(type, name)
        seen.update(found)
    verdicts = VERDICTS - ({"breached"} if type == "notify_recipients" else set())
    assert set(seen) == {f"{type} {one}" for one in {*verdicts, *GAPS[type], *finding.counts}}
