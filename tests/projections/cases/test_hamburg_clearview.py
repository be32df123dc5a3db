"""Hamburg v Clearview AI: order of 27 January 2021, about one person: erase the mathematical template of his
face, and confirm it. The image was not ordered to be erased.
"""

import pytest

from tests.projections.cases.chronicle import Chronicle

IMAGE, TEMPLATE = 1, 101


def ordered() -> Chronicle:
    case = Chronicle(
        "hamburg-clearview", "hmbbfdi.example", "2021-01-20", {"faces": "live", "index": "index"}
    )
    case.hold((IMAGE,), "faces", code="DE")
    case.derive((TEMPLATE,), (IMAGE,), "index", "template")
    case.on("2021-01-27").issue()
    return case


def looked_into(case: Chronicle) -> None:
    case.look("faces", (IMAGE,))
    case.look("index")


def test_template_gone_and_confirmed_with_the_image_kept_is_carried_out() -> None:
    case = ordered()
    assert case.judge("2021-01-27").verdict == "outstanding"
    case.on("2021-02-01").erase((TEMPLATE,), "index")
    looked_into(case)
    assert case.verdict("2021-02-01", "erase-template") == "carried_out"
    assert case.judge("2021-02-01").verdict == "outstanding"
    case.on("2021-02-02").attest("confirm", "declaration")
    case.anchor()
    for day in ("2021-02-02", "2021-02-13"):
        assert case.judge(day).verdict == "carried_out"


@pytest.mark.parametrize(
    ("erased", "confirmed", "verdict"),
    [(False, True, "breached"), (True, False, "cannot_be_proved"), (False, False, "breached")],
)
def test_either_alone_is_not(erased: bool, confirmed: bool, verdict: str) -> None:
    case = ordered().on("2021-02-01")
    if erased:
        case.erase((TEMPLATE,), "index")
        looked_into(case)
    if confirmed:
        case.attest("confirm", "declaration")
    assert case.judge("2021-02-12").verdict == "outstanding"
    assert case.judge("2021-02-13").verdict == verdict


def test_an_image_erased_instead_is_no_template_erased() -> None:
    case = ordered().on("2021-02-01")
    case.erase((IMAGE,), "faces")
    case.attest("confirm", "declaration")
    assert case.verdict("2021-02-13", "erase-template") == "breached"
