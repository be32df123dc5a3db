"""Beside the verdict: two orders that want the opposite name each other, and a correction undoes nothing."""

from typing import Any

import msgspec

from projections import events as ev
from projections.beside import Beside, Conflict, beside
from projections.case import Case
from projections.order import Deadline, Obligation, Scope
from projections.runners.shelf import Shelf
from projections.verdict import judge
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import (
    AUTHORITY,
    COMPANY,
    EFFECTIVE,
    ORDER,
    SHA,
    START_S,
    Story,
    erase_gb,
    handle,
    replace_scope,
)

OTHER = "court.example"
OTHER_ORDER = f"{OTHER}/keep-1"
DAY_S = 86_400


def restrict(**how: Any) -> Obligation:
    """Keep what is about residents of GB and don't use it."""
    return Obligation(
        deadline=Deadline(at="2026-01-31T00:00:00Z"),
        id="keep",
        scope=how.pop("scope", Scope(residency=("GB",))),
        type="restrict",
        **how,
    )


def told(*keeps: Obligation) -> Story:
    """Three records, an order to erase them, and another authority's to keep some."""
    story = Story(stores=("faces",))
    story.log.register(OTHER, "authority")
    story.hold(1, 2)
    story.hold(3, residency="FR")
    order = story.order()
    other = msgspec.structs.replace(order, id=OTHER_ORDER, obligations=keeps or (restrict(),))
    issue(story, other)
    return story


def issue(story: Story, order: Any, by: str = OTHER) -> int:
    return story.post(
        ev.OrderIssued(
            controller=CONTROLLER, effective_at=order.effective, instrument_sha256=SHA, order=order
        ),
        by=by,
    )


def seen(story: Story, order: str, days: float = 1, size: int | None = None) -> Beside:
    fold = story.fold()
    issued = next(one for one in fold.docket.orders if one.order.id == order)
    upto = story.log.size if size is None else size
    as_of = START_S + int(days * DAY_S)
    found = []
    for put_away in (False, True):
        if put_away:
            shelf = Shelf()
            shelf.put_away(fold.holdings)
            fold.put_away = shelf
        case = Case(fold.held, fold.docket, fold.edges, issued, as_of=as_of, size=upto)
        found.append(beside(case, judge(case)))
    assert found[0] == found[1], "wherever the records are"
    return found[0]


def test_two_orders_that_want_the_opposite_name_each_other() -> None:
    story = told()
    size = story.log.size
    (erase,) = seen(story, ORDER).conflicts
    assert erase == Conflict("conflict.order", "erase", OTHER_ORDER, "keep", OTHER, size - 1, "in_force", 2)
    (keep,) = seen(story, OTHER_ORDER).conflicts
    assert (keep.obligation, keep.other, keep.theirs, keep.by) == ("keep", ORDER, "erase", AUTHORITY)
    assert keep.records == 2
    # Neither verdict is touched by the other.
    assert story.case().order.id == OTHER_ORDER
    assert seen(story, ORDER, size=size - 1).conflicts == ()


def test_an_order_not_in_force_is_shown_with_its_status() -> None:
    story = told()
    turn = {
        "controller": CONTROLLER,
        "effective_at": EFFECTIVE,
        "instrument_sha256": SHA,
        "order": OTHER_ORDER,
    }
    story.post(msgspec.convert(turn, ev.OrderStayed), by=OTHER)
    assert [one.stands for one in seen(story, ORDER).conflicts] == ["stayed"]


def test_orders_that_reach_no_common_record_do_not_conflict() -> None:
    apart = told(restrict(scope=replace_scope(residency=("DE",), unknown_residency="out_of_scope")))
    assert seen(apart, ORDER).conflicts == ()
    elsewhere = told(restrict(scope=replace_scope(stores=("index",))))
    assert seen(elsewhere, ORDER).conflicts == ()
    alike = told(erase_gb(id="erase-too"))
    assert seen(alike, ORDER).conflicts == ()


def test_another_version_of_the_same_order_is_no_other_order() -> None:
    story = told()
    again = msgspec.structs.replace(story.case().order, version=2)
    issue(story, again)
    (erase,) = seen(story, ORDER).conflicts
    assert (erase.other, erase.entry) == (OTHER_ORDER, story.log.size - 1)


def test_a_hold_is_shown_until_after_its_end_whoever_placed_it() -> None:
    story = told(erase_gb())
    placed = story.post(
        ev.HoldPlaced(basis="legal_claims", controller=CONTROLLER, hold="h-1", records=(handle(1), handle(3)),
                      until="2026-01-10")
    )  # fmt: skip
    hold = Conflict("conflict.hold", "erase", "h-1", "legal_claims", COMPANY, placed, "in_force", 1)
    assert seen(story, ORDER).conflicts == (hold,)
    after = seen(story, ORDER, days=30).conflicts
    assert after == (msgspec.structs.replace(hold, stands="ended"),)
    story.post(ev.HoldReleased(controller=CONTROLLER, hold="h-1"))
    assert seen(story, ORDER).conflicts == after


def test_a_correction_stands_beside_what_it_corrects_and_undoes_nothing() -> None:
    story = Story(stores=("faces",))
    held = story.hold(1)
    story.order()
    story.log.now_us += 31 * DAY_S * 1_000_000
    late = story.erase(1)
    before = judge(story.case(40))
    for corrects in (late, held):
        story.post(ev.EventCorrected(controller=CONTROLLER, corrects=corrects, reason="wrong_records"))
    stands = seen(story, ORDER, days=40)
    assert [(one.corrects, one.beside, one.by) for one in stands.corrections] == [
        (late, ("erasure.late",), COMPANY),
        (held, (), COMPANY),
    ]
    assert judge(story.case(40)) == before
