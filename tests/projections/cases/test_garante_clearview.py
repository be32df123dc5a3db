"""Garante v Clearview AI: order of 10 February 2022, 20 million euros: a ban, erasure of people in Italy, and
a representative in the Union. The reports name no day by which; the template's thirty are a placeholder.
"""

from tests.projections.cases.chronicle import Chronicle


def ordered() -> Chronicle:
    case = Chronicle("garante-clearview", "garante.example", "2022-02-01", {"faces": "live"})
    case.hold((1, 2), "faces", code="IT")
    case.on("2022-02-10").issue()
    return case


def test_a_representative_alone_leaves_it_outstanding() -> None:
    case = ordered()
    case.attest("representative")
    case.anchor()
    assert case.judge("2022-02-10").verdict == "outstanding"
    case.on("2022-03-01").stand_still("2022-02-10", "2022-03-01")
    assert case.verdict("2022-03-01", "representative") == "carried_out"
    assert case.verdict("2022-03-01", "erase") == "outstanding"
    assert case.judge("2022-03-01").verdict == "outstanding"


def test_without_one_that_is_outstanding_and_then_cannot_be_proved() -> None:
    case = ordered()
    assert case.verdict("2022-03-12", "representative") == "outstanding"
    assert case.verdict("2022-03-13", "representative") == "cannot_be_proved"


def test_live_copies_after_the_deadline_are_a_breach() -> None:
    case = ordered()
    assert case.verdict("2022-03-12", "erase") == "outstanding"
    assert case.verdict("2022-03-13", "erase") == "breached"
