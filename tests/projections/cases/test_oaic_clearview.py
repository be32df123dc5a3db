"""OAIC v Clearview AI: determination of 14 October 2021: cease, destroy within 90 days (12 January 2022), and
confirm. Closed in August 2024, with compliance never shown.
"""

from tests.projections.cases.chronicle import Chronicle


def determined() -> Chronicle:
    case = Chronicle("oaic-clearview", "oaic.example", "2021-10-01", {"faces": "live"})
    case.on("2021-10-14").issue()
    return case


def test_compliance_never_shown_cannot_be_proved() -> None:
    case = determined()
    assert case.judge("2021-10-14").verdict == "outstanding"
    assert case.verdict("2022-01-12", "destroy") == "outstanding"
    for day in ("2022-01-13", "2024-08-21"):
        assert case.judge(day).verdict == "cannot_be_proved"
        assert {one.verdict for one in case.judge(day).findings} == {"cannot_be_proved"}


def test_saying_so_shows_nothing() -> None:
    case = determined()
    case.on("2022-01-10").attest("confirm", "declaration")
    assert case.verdict("2022-01-13", "destroy") == "cannot_be_proved"
    assert case.verdict("2022-01-13", "confirm") == "cannot_be_proved"
    assert case.judge("2022-01-13").verdict == "cannot_be_proved"
