"""ICO v Clearview AI: notice of 18 May 2022, effective then. Appeal period to 15 June 2022; cease within
three months of its end (15 September 2022), erase within six (15 December 2022). Appealed; set aside by the
First-tier Tribunal on 17 October 2023; jurisdiction restored by the Upper Tribunal on 6 October 2025.

Not known from the reports: the day of the appeal (here 10 June 2022), and what the tribunal will make of the
deadlines (here, once, a variation that counts them anew).
"""

import msgspec
import pytest

from projections import events as ev
from tests.projections.cases.chronicle import Chronicle, handles

ERASE = "erase"


def noticed(*, live: bool = False) -> Chronicle:
    case = Chronicle("ico-clearview", "ico.example", "2022-05-01", {"faces": "live", "templates": "index"})
    if live:
        case.hold((1, 2, 3), "faces", code="GB")
    case.on("2022-05-18").issue()
    return case


def appealed(*, live: bool = False) -> Chronicle:
    case = noticed(live=live)
    case.on("2022-06-10").turn(ev.OrderAppealed, "2022-06-10")
    return case


def set_aside(*, live: bool = False) -> Chronicle:
    case = appealed(live=live)
    case.on("2023-10-17").turn(ev.OrderSetAside, "2023-10-17")
    return case


def reinstated(*, live: bool = False) -> Chronicle:
    case = set_aside(live=live)
    case.on("2025-10-06").turn(ev.OrderReinstated, "2025-10-06")
    return case


@pytest.mark.parametrize("live", [False, True])
def test_before_the_appeal_it_is_outstanding(live: bool) -> None:
    case = noticed(live=live)
    for day in ("2022-05-18", "2022-06-09"):
        found = case.judge(day)
        assert (found.status, found.verdict) == ("in_force", "outstanding")


@pytest.mark.parametrize(("live", "after"), [(False, "cannot_be_proved"), (True, "breached")])
def test_appealed_it_is_not_in_force_and_shows_what_would_be(live: bool, after: str) -> None:
    case = appealed(live=live)
    assert case.judge("2022-06-09").status == "in_force"
    found = case.judge("2022-06-10")
    assert (found.status, found.verdict) == ("appealed", "outstanding")
    assert case.judge("2022-09-15").verdict == "outstanding"
    assert case.verdict("2022-12-15", ERASE) == "outstanding"
    found = case.judge("2022-12-16")
    assert (found.status, found.verdict, case.verdict("2022-12-16", ERASE)) == ("appealed", after, after)


def test_set_aside_it_has_no_verdict() -> None:
    case = set_aside()
    assert case.judge("2023-10-16").status == "appealed"
    assert case.judge("2023-10-17").status == "set_aside"
    assert case.judge("2025-10-05").status == "set_aside"


@pytest.mark.parametrize(("live", "verdict"), [(False, "cannot_be_proved"), (True, "breached")])
def test_reinstated_it_is_in_force_with_the_orders_own_deadlines(live: bool, verdict: str) -> None:
    case = reinstated(live=live)
    assert case.judge("2025-10-05").status == "set_aside"
    found = case.judge("2025-10-06")
    assert (found.status, found.verdict) == ("in_force", verdict)


def test_reinstated_and_varied_the_clock_runs_anew() -> None:
    case = reinstated()
    anew = msgspec.structs.replace(case.order, version=2, effective="2025-10-06", appeal_expires="2025-11-03")
    case.vary(anew, "2025-10-06")
    assert (case.judge("2025-10-06").status, case.judge("2025-10-06").verdict) == ("in_force", "outstanding")
    assert case.verdict("2026-05-03", ERASE) == "outstanding"
    assert case.verdict("2026-05-04", ERASE) == "cannot_be_proved"


def test_what_was_collected_while_it_was_not_in_force_breaches_nothing() -> None:
    case = appealed()
    case.on("2022-08-01").say(
        ev.DataCollected, activity="search", categories=("user.content.self_image",), minor="unknown",
        records=handles((9,)), residency=("GB",), residency_basis="registration", special_category=True,
        source_kind="public_web", store="faces",
    )  # fmt: skip
    assert case.verdict("2022-08-02", "cease-collecting") == "outstanding"
    in_force = noticed()
    in_force.facts += [msgspec.structs.replace(case.facts[-1], index=len(in_force.facts))]
    assert in_force.verdict("2022-08-02", "cease-collecting") == "breached"
