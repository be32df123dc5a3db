"""Corners of conduct that chance seldom finds: short histories, each of which turns on one rule.

Beside each stands what must come of it at some moment: verdicts, counts that are not 0, rules and statuses.
"""

from collections import Counter
from typing import Any

import pytest

from projections import events as ev
from projections.order import Deadline, Obligation, Penalty
from tests.projections.laws.comparing_conduct import compare
from tests.projections.laws.conduct_histories import plain
from tests.projections.laws.histories import Step, Steps
from tests.projections.laws.worlds import (
    FACES,
    INDEX,
    OTHER_AUTHORITY,
    STRANGER,
    VAULT,
    digest,
    handles,
    make_order,
)
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, SHA

ORDERED, SEEN = Step("order"), Step("anchor")
HELD, GONE = Step("hold", ((1,), FACES)), Step("erase", ((1,), FACES))


def said(by: str, kind: Any, **fields: Any) -> Step:
    return Step("say", (by, kind, fields))


def wait(hours: int) -> Step:
    return Step("wait", (hours,))


def asked(due: str = "2026-01-09T00:00:00Z", **how: Any) -> Step:
    return said(COMPANY, ev.EnquiryReceived, request="r-1", due_at=due, right="15", **how)


def vouched(
    number: int = 0, by: str = COMPANY, oath: str = "none", beyond: int = 0, report: bool = False
) -> Step:
    return Step("vouch", (by, number, oath, beyond, report))


def turned(kind: Any, day: str, by: str = AUTHORITY) -> Step:
    return said(by, kind, order=ORDER, instrument_sha256=SHA, effective_at=f"2026-01-{day}")


def paid(amount: int, by: str = COMPANY, currency: str = "GBP") -> Step:
    return said(by, ev.PenaltyPaid, amount_minor=amount, currency=currency, order=ORDER)


def probed(by: str, found: int, control: int = 2, aim: str = "exact") -> Step:
    return Step("probe", (by, FACES, found, control, aim))


def failed(by: str, failures: int, control: int = 2) -> Step:
    found = {"failures": failures, "control_checked": 2, "control_found": control}
    return said(by, ev.SampleAttested, sample="s-1", **found)


ANSWERED = said(COMPANY, ev.EnquiryAnswered, request="r-1", outcome="refused")
GIVEN_UP = said(COMPANY, ev.EnquiryAbandoned, request="r-1")
PUT_OFF = said(COMPANY, ev.EnquiryExtended, request="r-1", due_at="2026-07-01T00:00:00Z", ground="complexity")
ASKED_FOR = {"request": "r-1", "ground": "other", "items": ("photo",)}
DEMANDED = said(COMPANY, ev.EnquiryIdentityDemanded, optional=False, **ASKED_FOR)
WISHED_FOR = said(COMPANY, ev.EnquiryIdentityDemanded, optional=True, **ASKED_FOR)
OFFERED = said(COMPANY, ev.ServiceOffered, service="s-1", territory="GB")
WITHDRAWN = said(COMPANY, ev.ServiceWithdrawn, service="s-1", territory="GB")
STAYED, APPEALED = turned(ev.OrderStayed, "01"), turned(ev.OrderAppealed, "01", COMPANY)
LOOKED = [Step("look", (store, (), ASSESSOR)) for store in (FACES, INDEX, VAULT)]
ERASED = [HELD, ORDERED, GONE, *LOOKED]
NOTHING = digest(frozenset())[1]
DRAWN = said(ASSESSOR, ev.SampleRequested, n=5, order=ORDER, sample="s-1", population_digest=NOTHING)
ERASE = plain("erase", include=())
DAILY = Penalty(amount_minor=100, currency="GBP", per="day")
ANSWER, PUBLISH = plain("answer_subjects"), plain("publish")
AGAIN = plain("publish", id="again")
OFFER = plain("cease_offering", penalty=DAILY)
OFFER_DAILY = plain("cease_offering", penalty=DAILY, recurrence="P1D")
PUBLISH_DAILY = plain("publish", penalty=DAILY)
PAY = plain("pay", penalty=Penalty(amount_minor=100, currency="GBP"))
PAY_ON = plain("pay", id="pay-on", penalty=Penalty(amount_minor=50, currency="GBP"))
ERASE_AFTER = plain("erase", include=(), depends_on=("answer_subjects",))
ATTEST_AFTER = plain("attest", depends_on=("publish",))
SWORN = plain("publish", oath="sworn")
SWORN_TO = plain("answer_subjects", oath="sworn")
MONTHLY = plain("publish", recurrence="P1M", deadline=Deadline(at="2026-01-04"))

CORNERS: dict[str, tuple[str, tuple[Obligation, ...], Steps]] = {
    "answered in time": ("answered_in_time", (ANSWER,), [ORDERED, asked(), ANSWERED, SEEN]),
    "answered late": ("enquiry.late, answered_late", (ANSWER,), [ORDERED, asked(), wait(300), ANSWERED]),
    "answered, and nobody saw when": ("answered_time_unproved", (ANSWER,), [ORDERED, asked(), ANSWERED]),
    "put off for longer than three months": (
        "extended, enquiry.overdue",
        (ANSWER,),
        [ORDERED, asked(), PUT_OFF],
    ),
    "put off too late": ("enquiry.extended_late", (ANSWER,), [ORDERED, asked(), wait(300), PUT_OFF]),
    "given up": ("abandoned", (ANSWER,), [ORDERED, asked(), GIVEN_UP]),
    "given up, and answered after all": (
        "answered_in_time",
        (ANSWER,),
        [ORDERED, asked(), GIVEN_UP, ANSWERED, SEEN],
    ),
    "given up after a wish": (
        "abandoned, answer_subjects carried_out",
        (ANSWER,),
        [ORDERED, asked(), WISHED_FOR, GIVEN_UP],
    ),
    "given up after a demand": (
        "abandoned_after_demand, enquiry.abandoned_after_demand",
        (ANSWER,),
        [
            ORDERED,
            asked(),
            said(
                COMPANY,
                ev.EnquiryIdentityDemanded,
                request="r-1",
                ground="other",
                items=("photo",),
                optional=False,
            ),
            GIVEN_UP,
        ],
    ),
    "answered, and never received": ("enquiry.orphan", (ANSWER,), [ORDERED, ANSWERED, asked()]),
    "nobody asked": ("answer_subjects carried_out", (ANSWER,), [ORDERED, vouched()]),
    "erased before it was answered": (
        "dependency.order, erase breached",
        (ANSWER, ERASE_AFTER),
        [HELD, ORDERED, asked(records=handles((1,))), wait(1), GONE, ANSWERED],
    ),
    "answered before it was erased": (
        "answered_time_unproved",
        (ANSWER, ERASE_AFTER),
        [HELD, ORDERED, asked(records=handles((1,))), ANSWERED, GONE],
    ),
    "offered during a stay": (
        "cease_offering carried_out",
        (OFFER,),
        [ORDERED, STAYED, OFFERED, WITHDRAWN, turned(ev.OrderStayLifted, "02")],
    ),
    "offered during a stay after the deadline": (
        "cease_offering carried_out",
        (OFFER,),
        [ORDERED, wait(24 * 4 + 8), turned(ev.OrderStayed, "05"), OFFERED, WITHDRAWN],
    ),
    "still on offer in a stay": (
        "cease_offering breached",
        (OFFER,),
        [OFFERED, ORDERED, STAYED],
    ),
    "on offer on one day of force": (
        "offer.not_withdrawn, penalty_days",
        (OFFER,),
        [
            OFFERED,
            ORDERED,
            turned(ev.OrderStayed, "02"),
            turned(ev.OrderStayLifted, "06"),
            wait(24 * 5 + 8),
            WITHDRAWN,
        ],
    ),
    "attested, then done": (
        "attestation.before_act",
        (plain("erase", include=()), plain("attest", depends_on=("erase",))),
        [HELD, ORDERED, vouched(1), GONE],
    ),
    "attested of what it depends on": (
        "in_time",
        (PUBLISH, ATTEST_AFTER),
        [ORDERED, vouched(), SEEN],
    ),
    "attested of each that it depends on, of one late": (
        "attestation.late, late",
        (PUBLISH, AGAIN, plain("attest", depends_on=("again", "publish"))),
        [ORDERED, vouched(0), wait(100), vouched(1)],
    ),
    "attested of more than there was": (
        "attestation.missing",
        (PUBLISH,),
        [ORDERED, vouched(beyond=1)],
    ),
    "attested before the order": ("attestation.missing", (PUBLISH,), [vouched(), ORDERED]),
    "an auditor whom the order does not name": (
        "assessment.missing, publish carried_out, attestation.stranger",
        (plain("independent_assessment"), plain("publish")),
        [ORDERED, vouched(0, STRANGER), vouched(1, STRANGER)],
    ),
    "rejected": (
        "attestation.rejected",
        (PUBLISH,),
        [ORDERED, vouched(), Step("reject", (AUTHORITY, 0))],
    ),
    "rejected under a stolen key": (
        "attestation.rejected",
        (PUBLISH,),
        [ORDERED, vouched(), Step("reject", (ASSESSOR, 0)), Step("steal", (ASSESSOR, 9))],
    ),
    "rejected by another authority": (
        "publish carried_out",
        (PUBLISH,),
        [ORDERED, vouched(), Step("reject", (OTHER_AUTHORITY, 0))],
    ),
    "rejected, and accepted since": (
        "independent_assessment carried_out",
        (plain("independent_assessment"),),
        [ORDERED, Step("reject", (ASSESSOR, 0)), vouched(0, ASSESSOR)],
    ),
    "a report that follows": (
        "publish carried_out",
        (plain("publish", min_evidence="E1"),),
        [ORDERED, vouched(), vouched(report=True)],
    ),
    "not sworn": (
        "attestation.missing",
        (SWORN,),
        [ORDERED, vouched(oath="declaration")],
    ),
    "sworn to what was done": (
        "answer_subjects carried_out",
        (SWORN_TO,),
        [ORDERED, asked(), ANSWERED, vouched(oath="sworn")],
    ),
    "sworn before it was done": (
        "oath.missing",
        (SWORN_TO,),
        [ORDERED, asked(), vouched(oath="sworn"), ANSWERED],
    ),
    "probed with the wrong key": (
        "probe.control_missed",
        (ERASE,),
        [ORDERED, probed(ASSESSOR, 0, control=0)],
    ),
    "found, and then looked for in half of the store": (
        "probe.found, probe.control_missed",
        (ERASE,),
        [*ERASED, probed(ASSESSOR, 1), probed(ASSESSOR, 0, control=1)],
    ),
    "found once, and not again": (
        "probe.found, erase carried_out",
        (ERASE,),
        [*ERASED, probed(ASSESSOR, 1), wait(200), probed(ASSESSOR, 0)],
    ),
    "found by an assessor, and not by the controller": (
        "probe.found",
        (ERASE,),
        [*ERASED, probed(ASSESSOR, 1), probed(COMPANY, 0)],
    ),
    "found by the controller after an assessor": (
        "probe.found",
        (ERASE,),
        [*ERASED, probed(ASSESSOR, 0), probed(COMPANY, 1)],
    ),
    "found, and then less looked for": (
        "probe.found, probe.other_set",
        (ERASE,),
        [*ERASED, probed(ASSESSOR, 1), probed(ASSESSOR, 0, aim="less")],
    ),
    "found of more than was erased": (
        "probe.found, probe.other_set",
        (ERASE,),
        [*ERASED, probed(ASSESSOR, 1, aim="more")],
    ),
    "found, and looked into since": (
        "erase carried_out",
        (ERASE,),
        [HELD, ORDERED, GONE, probed(ASSESSOR, 1), *LOOKED],
    ),
    "a sample that failed": (
        "sample.failed",
        (ERASE,),
        [*ERASED, DRAWN, failed(ASSESSOR, 1), failed(COMPANY, 0)],
    ),
    "a sample that failed before an assessor's": (
        "erase carried_out",
        (ERASE,),
        [*ERASED, DRAWN, failed(ASSESSOR, 0), failed(COMPANY, 1)],
    ),
    "a sample that failed, and one that found nothing of anything": (
        "sample.control_missed, sample.failed",
        (ERASE,),
        [*ERASED, DRAWN, failed(ASSESSOR, 1), failed(ASSESSOR, 0, 0)],
    ),
    "a sample of which nobody told": (
        "erase carried_out, sample.unanswered",
        (ERASE,),
        [*ERASED, DRAWN, failed(COMPANY, 0)],
    ),
    "a sample attested before it was drawn": (
        "erase carried_out, sample.unanswered",
        (ERASE,),
        [*ERASED, failed(ASSESSOR, 1), DRAWN],
    ),
    "days late for another reason": (
        "offer.prohibited, recurrence.late, penalty_days",
        (OFFER_DAILY,),
        [ORDERED, OFFERED, WITHDRAWN, wait(24 * 4 + 8), *[vouched()] * 9],
    ),
    "late days of a stay": (
        "attestation.late, penalty_days",
        (PUBLISH_DAILY,),
        [
            ORDERED,
            turned(ev.OrderStayed, "04T12:00:00Z"),
            turned(ev.OrderStayLifted, "08"),
            wait(24 * 7 + 8),
            vouched(),
        ],
    ),
    "not again": ("recurrence.missed", (MONTHLY,), [ORDERED, vouched()]),
    "vouched for the second time alone": (
        "answer_subjects carried_out, recurrence.missed",
        (plain("answer_subjects", recurrence="P1M", deadline=Deadline(at="2026-01-04")),),
        [ORDERED, asked(), ANSWERED, wait(24 * 10), vouched()],
    ),
    "again, and late": ("recurrence.late", (MONTHLY,), [ORDERED, vouched(), wait(24 * 40), vouched()]),
    "paid in two parts": ("pay carried_out", (PAY,), [ORDERED, paid(40), paid(60)]),
    "paid once, and due twice": ("pay carried_out, payment.missing", (PAY, PAY_ON), [ORDERED, paid(100)]),
    "paid in other money": ("payment.missing", (PAY,), [ORDERED, paid(100, currency="EUR")]),
    "two words are not added up": ("payment.missing", (PAY,), [ORDERED, paid(60), paid(60, AUTHORITY)]),
    "paid late": ("payment.late", (PAY,), [ORDERED, wait(100), paid(100, AUTHORITY)]),
    "served before it takes effect": (
        "issued, served",
        (PAY,),
        [ORDERED, turned(ev.OrderServed, "02"), wait(9)],
    ),
    "appealed in time by the controller": (
        "appealed",
        (OFFER,),
        [ORDERED, APPEALED, SEEN],
    ),
    "an appeal suspends from when it was posted on": (
        "appealed, offer.prohibited",
        (OFFER,),
        [ORDERED, wait(4), OFFERED, WITHDRAWN, APPEALED, SEEN],
    ),
    "an appeal that nobody saw": ("in_force", (OFFER,), [ORDERED, APPEALED]),
}


@pytest.mark.parametrize("name", CORNERS)
def test_both_say_the_same(name: str) -> None:
    """Under an order in force from the first day, and under one that takes effect on the third."""
    expected, obligations, steps = CORNERS[name]
    met: Counter[str] = Counter()
    for effective in ("2026-01-01", "2026-01-03"):
        met += compare(make_order(*obligations, effective=effective, appeal_expires="2026-01-02"), steps)
    assert met.keys() >= {*expected.split(", ")}


def test_the_controllers_own_appeal_suspends_nothing_unless_it_is_proved() -> None:
    steps = [ORDERED, APPEALED]
    assert "appealed" not in compare(make_order(OFFER, appeal_expires="2026-01-02"), steps)
    assert "appealed" in compare(make_order(OFFER, appeal_expires="2026-01-02"), [*steps, SEEN])
    assert "appealed" not in compare(make_order(OFFER), [*steps, SEEN])
