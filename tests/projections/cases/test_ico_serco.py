"""ICO v Serco Leisure: notice of 19 February 2024: cease the use of biometrics for attendance, and destroy
them within three months (19 May 2024), except what law obliges to retain.
"""

from typing import Any

from projections import events as ev
from tests.projections.cases.chronicle import FACE, Chronicle, handles

STAFF, IN_DISPUTE = (1, 2, 3), (4,)
PAYROLL = "user.authorization.biometric"
AFTER = "2024-05-20"


def noticed(category: str = FACE) -> Chronicle:
    case = Chronicle("ico-serco", "ico.example", "2024-02-01", {"terminals": "live"})
    case.hold(STAFF, "terminals", code="GB", category=FACE)
    case.hold(IN_DISPUTE, "terminals", code="GB", category=category)
    case.on("2024-02-19").issue()
    return case


def erased_but_for_the_dispute(case: Chronicle) -> None:
    case.on("2024-04-02").erase(STAFF, "terminals")
    case.look("terminals", IN_DISPUTE)
    case.anchor()


def exempt(case: Chronicle, by: str, **what: Any) -> None:
    case.on("2024-04-01").say(
        ev.ExemptionGranted, by, ground="legal_duty", obligation="destroy", order=case.order.id, **what
    )


def test_with_an_exemption_for_a_class_it_is_carried_out_and_the_exempt_are_counted_apart() -> None:
    case = noticed(category="user.biometric.health")
    exempt(case, case.authority, category_class="user.biometric.health")
    erased_but_for_the_dispute(case)
    for day in ("2024-04-03", AFTER):
        found = next(one for one in case.judge(day).findings if one.obligation == "destroy")
        assert found.verdict == "carried_out"
        counts = found.counts
        assert (counts["in_scope"], counts["erased_in_time"], counts["exempt"], counts["live"]) == (
            4,
            3,
            1,
            0,
        )


def test_with_an_exemption_for_records_too() -> None:
    case = noticed()
    exempt(case, case.authority, records=handles((4,)))
    erased_but_for_the_dispute(case)
    assert case.verdict(AFTER, "destroy") == "carried_out"


def test_the_controllers_own_claim_of_a_duty_is_none() -> None:
    case = noticed()
    case.on("2024-04-01").say(
        ev.HoldPlaced, basis="legal_duty", hold="h-1", records=handles((4,)), until="2030-01-01"
    )
    erased_but_for_the_dispute(case)
    assert case.verdict("2024-05-19", "destroy") == "outstanding"
    assert case.verdict(AFTER, "destroy") == "breached"


def test_the_whole_notice_is_carried_out_so_far() -> None:
    case = noticed()
    case.on("2024-04-02").erase((*STAFF, *IN_DISPUTE), "terminals")
    case.look_everywhere()
    case.on("2024-05-20").stand_still("2024-02-19", "2024-05-20")
    assert case.judge(AFTER).verdict == "carried_out"
