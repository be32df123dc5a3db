"""Kept sums where a rule of theirs alone decides; every other story compares them too (`Story.judge`)."""

import msgspec

from projections import events as ev
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import AUTHORITY, SHA, WITNESS, Story


def test_a_version_with_other_witnesses_has_another_clock() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    order = story.order()
    story.erase(1)
    story.log.anchor(WITNESS)
    assert story.judge(40).findings[0].counts["erased_in_time"] == 1
    varied = msgspec.structs.replace(
        order, version=2, trust=msgspec.structs.replace(order.trust, witnesses=())
    )
    effective = order.effective
    story.post(
        ev.OrderVaried(controller=CONTROLLER, effective_at=effective, instrument_sha256=SHA, order=varied),
        by=AUTHORITY,
    )
    assert story.judge(40).findings[0].counts["erased_time_unproved"] == 1
