"""CNIL v Clearview AI: formal notice of 26 November 2021; sanction of 17 October 2022: 20 million euros, two
months to answer the access requests that were pending and *then* erase, and 100,000 euros for every day after
that. On 13 April 2023 5.2 million euros were called in, because nothing had been sent.
"""

import pytest

from projections import events as ev
from projections.moments import last_second
from tests.projections.cases.chronicle import Chronicle, handles

DAY_S = 86_400
DEADLINE = "2022-12-17"
FIVE_POINT_TWO_MILLION = 5_200_000_00


def sanctioned(*, asked: bool = False) -> Chronicle:
    case = Chronicle("cnil-clearview", "cnil.example", "2022-09-01", {"faces": "live"})
    if asked:
        case.hold((1, 2), "faces", code="FR")
        case.say(
            ev.EnquiryReceived,
            due_at="2022-10-01T00:00:00Z",
            records=handles((1,)),
            request="r-1",
            right="15",
        )
    case.on("2022-10-17").issue()
    return case


def test_with_nothing_sent_it_cannot_be_proved_after_the_deadline() -> None:
    case = sanctioned()
    assert case.judge("2022-10-17").verdict == "outstanding"
    assert case.judge(DEADLINE).verdict == "outstanding"
    for day in ("2022-12-18", "2023-04-13", "2024-01-01"):
        assert case.judge(day).verdict == "cannot_be_proved"


@pytest.mark.parametrize(("days", "euros"), [(0, 0), (1, 100_000), (52, 5_200_000)])
def test_the_penalty_accrues_by_the_day(days: int, euros: int) -> None:
    case = sanctioned()
    counts = erase(case, last_second(DEADLINE) + days * DAY_S)
    assert (counts["penalty_days"], counts["penalty_minor"]) == (days, euros * 100)


def test_fifty_two_days_were_called_in() -> None:
    case = sanctioned()
    called_at = last_second("2023-04-12")
    assert erase(case, called_at)["called_minor"] == 0
    case.on("2023-04-13").say(
        ev.PenaltyAccrued, case.authority, amount_minor=FIVE_POINT_TWO_MILLION, currency="EUR",
        order=case.order.id,
    )  # fmt: skip
    counts = erase(case, last_second("2023-04-13"))
    assert counts["called_minor"] == FIVE_POINT_TWO_MILLION == 52 * 100_000_00


def test_erasing_before_answering_is_a_breach_for_good() -> None:
    case = sanctioned(asked=True)
    case.on("2022-11-01").erase((1, 2), "faces")
    assert case.verdict("2022-11-01", "erase") == "breached"
    case.on("2022-11-20").say(ev.EnquiryAnswered, outcome="no_match", request="r-1")
    case.look_everywhere()
    case.anchor()
    for day in ("2022-11-21", "2022-12-18"):
        found = next(one for one in case.judge(day).findings if one.obligation == "erase")
        assert found.verdict == "breached"
        assert "dependency.order" in [one.rule for one in found.irregularities]


def test_answering_and_then_erasing_is_carried_out() -> None:
    case = sanctioned(asked=True)
    case.on("2022-11-01").say(ev.EnquiryAnswered, outcome="fulfilled", request="r-1")
    case.anchor()
    assert case.verdict("2022-11-01", "answer-requests") == "carried_out"
    case.on("2022-11-20").erase((1, 2), "faces")
    case.look_everywhere()
    case.anchor()
    assert case.verdict("2022-11-21", "erase") == "carried_out"


def erase(case: Chronicle, as_of: int) -> dict[str, int]:
    return next(one.counts for one in case.judge_at(as_of).findings if one.obligation == "erase")
