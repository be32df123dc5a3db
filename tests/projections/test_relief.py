"""Exemptions and legal holds: who gives them, what they cover, and when they end."""

from typing import Any

import pytest

from projections import events as ev
from projections.relief import holds_in_force, relief_of
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import AUTHORITY, COMPANY, ORDER, Story, handle

OTHER = "court.example"
IMAGE = ("user.content.self_image",)


def ordered() -> Story:
    story = Story()
    story.log.register(OTHER, "authority")
    story.order()
    return story


def exempt(story: Story, *numbers: int, by: str = AUTHORITY, **how: Any) -> int:
    """An exemption from the obligation to erase, for records or a class."""
    what: dict[str, Any] = {"records": tuple(handle(n) for n in numbers)} if numbers else {}
    fields: dict[str, Any] = {"obligation": "erase", "order": ORDER, **what, **how}
    return story.post(ev.ExemptionGranted(controller=CONTROLLER, ground="legal_duty", **fields), by=by)


def hold(
    story: Story, *numbers: int, by: str = AUTHORITY, until: str = "2026-03-01", name: str = "h-1"
) -> int:
    """A legal hold."""
    records = tuple(handle(n) for n in numbers)
    return story.post(
        ev.HoldPlaced(basis="legal_claims", controller=CONTROLLER, hold=name, records=records, until=until),
        by=by,
    )


def release(story: Story, *, by: str = AUTHORITY, name: str = "h-1") -> int:
    return story.post(ev.HoldReleased(controller=CONTROLLER, hold=name), by=by)


def test_an_exemption_covers_the_records_it_names() -> None:
    story = ordered()
    exempt(story, 1)
    relief = relief_of(story.case(), "erase")
    assert relief.exempts(handle(1), IMAGE)
    assert not relief.exempts(handle(2), IMAGE)


def test_an_exemption_is_from_one_obligation_of_one_order() -> None:
    story = ordered()
    exempt(story, 1, obligation="cease")
    exempt(story, 2, order=f"{AUTHORITY}/en-2026-2")
    relief = relief_of(story.case(), "erase")
    assert not relief.exempts(handle(1), IMAGE)
    assert not relief.exempts(handle(2), IMAGE)
    assert relief_of(story.case(), "cease").exempts(handle(1), IMAGE)


def test_an_exemption_of_a_class_covers_what_lies_in_it_whole() -> None:
    story = ordered()
    exempt(story, category_class="user.biometric")
    relief = relief_of(story.case(), "erase")
    assert relief.exempts(handle(1), ("user.biometric",))
    assert relief.exempts(handle(1), ("user.biometric", "user.biometric.fingerprint"))
    assert not relief.exempts(handle(1), ("user.biometric", "user.name"))
    assert not relief.exempts(handle(1), ("user",))
    assert not relief.exempts(handle(1), ())


@pytest.mark.parametrize("by", [OTHER, COMPANY])
def test_nobody_but_the_orders_authority_relieves(by: str) -> None:
    story = ordered()
    if by == OTHER:
        exempt(story, 1, by=by)
    hold(story, 1, by=by)
    relief = relief_of(story.case(), "erase")
    assert not relief.exempts(handle(1), IMAGE)
    assert relief.held == frozenset()


def test_a_hold_keeps_until_its_day_is_over() -> None:
    story = ordered()
    hold(story, 1, 2, until="2026-03-01")
    assert relief_of(story.case(59.99), "erase").held == {handle(1), handle(2)}
    assert relief_of(story.case(60), "erase").held == frozenset()


def test_a_hold_ends_when_its_authority_releases_it() -> None:
    story = ordered()
    hold(story, 1)
    hold(story, 2, name="h-2")
    release(story, by=OTHER)
    assert relief_of(story.case(), "erase").held == {handle(1), handle(2)}
    released = release(story)
    assert relief_of(story.case(), "erase").held == {handle(2)}
    assert relief_of(story.case(size=released), "erase").held == {handle(1), handle(2)}
    hold(story, 3)
    assert [one.records for one in holds_in_force(story.case())] == [(handle(2),), (handle(3),)]


def test_what_is_placed_under_the_same_id_is_added() -> None:
    story = ordered()
    hold(story, 1, until="2026-12-01")
    hold(story, 2, until="2026-02-01")
    assert relief_of(story.case(10), "erase").held == {handle(1), handle(2)}
    assert relief_of(story.case(40), "erase").held == {handle(1)}
    release(story)
    assert relief_of(story.case(10), "erase").held == frozenset()


def test_a_stolen_key_relieves_of_nothing() -> None:
    story = ordered()
    exempt(story, 1)
    hold(story, 2)
    story.revoke(AUTHORITY, "2026-01-01T00:00:00Z", role="authority")
    relief = relief_of(story.case(), "erase")
    assert relief.exempt == relief.held == frozenset()


def test_what_stands_beyond_the_size_does_not_count() -> None:
    story = ordered()
    granted = exempt(story, 1)
    assert relief_of(story.case(size=granted), "erase").exempt == frozenset()
    assert relief_of(story.case(size=granted + 1), "erase").exempt == {handle(1)}
