"""FTC v WW and Kurbo: 2022, children's data without a parent's consent: destroy it and the models made of it,
and keep children's data no longer than a year after they were last active.
"""

from typing import Any

from projections import events as ev
from tests.projections.cases.chronicle import Chronicle, handles

CHILD = handles((1,))


def ordered() -> Chronicle:
    case = Chronicle("ftc-kurbo", "ftc.example", "2021-02-01", {"users": "live"})
    case.say(
        ev.ProcessingDeclared, activity="coaching", lawful_basis="6(1)(a)", purposes=("coaching",),
        retention_days=365,
    )  # fmt: skip
    return case


def collected(case: Chronicle, records: tuple[str, ...] = CHILD, **how: Any) -> None:
    case.say(
        ev.DataCollected, activity="coaching", categories=("user.account",), minor="yes", records=records,
        source_kind="subject", special_category=False, store="users", **how,
    )  # fmt: skip


def test_one_record_past_a_year_is_a_breach() -> None:
    case = ordered().on("2021-03-20")
    collected(case)
    case.on("2022-03-03").issue()
    case.look("users", (1,))
    assert case.verdict("2022-03-19", "limit-retention") == "carried_out"
    assert case.verdict("2022-04-02", "limit-retention") == "outstanding"
    found = next(one for one in case.judge("2022-04-03").findings if one.obligation == "limit-retention")
    assert (found.verdict, found.counts["past_retention"]) == ("breached", 1)
    assert case.judge("2022-04-03").verdict == "breached"


def test_erased_when_the_year_ended_it_is_carried_out() -> None:
    case = ordered().on("2021-03-20")
    collected(case)
    case.on("2022-03-03").issue()
    case.on("2022-03-20").erase((1,), "users")
    case.look_everywhere()
    case.anchor()
    assert case.verdict("2022-04-03", "limit-retention") == "carried_out"


def test_the_orders_year_binds_a_record_for_which_the_controller_declared_more_or_nothing() -> None:
    for days in (None, 3_650):
        case = Chronicle("ftc-kurbo", "ftc.example", "2022-02-01", {"users": "live"})
        if days is not None:
            case.say(
                ev.ProcessingDeclared, activity="coaching", lawful_basis="6(1)(a)", purposes=("coaching",),
                retention_days=days,
            )  # fmt: skip
        collected(case)
        case.on("2022-03-03").issue()
        case.look("users", (1,))
        assert case.verdict("2022-04-03", "limit-retention") == "carried_out"
        assert case.verdict("2023-02-02", "limit-retention") == "breached"


def test_adults_are_not_in_scope() -> None:
    case = ordered().on("2021-03-20")
    case.say(
        ev.DataCollected, activity="coaching", categories=("user.account",), minor="no", records=CHILD,
        residency=("US",), residency_basis="declared", source_kind="subject", special_category=False,
        store="users",
    )  # fmt: skip
    case.on("2022-03-03").issue()
    case.look("users", (1,))
    assert case.verdict("2022-04-03", "limit-retention") == "carried_out"
