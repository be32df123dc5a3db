"""Kept sums where a rule of theirs alone decides; every other story compares them too (`Story.judge`)."""

import msgspec

from projections import events as ev
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, EFFECTIVE, SHA, WITNESS, Story


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


def test_a_set_that_was_known_is_another_once_a_key_is_called_stolen() -> None:
    story = Story(stores=("faces",))
    story.hold(1, 2)
    story.order()
    story.erase(1, 2)
    story.look("faces", by=ASSESSOR)
    assert story.judge(40).findings[0].coverage[0].agrees
    story.revoke(COMPANY, EFFECTIVE + "T00:00:00Z")
    covered = story.judge(40).findings[0].coverage[0]
    assert (covered.agrees, covered.count, covered.ledger_count) == (False, 0, 2)
