"""The life of an order: when it is in force, whose word moves it, and which of its versions governs."""

from typing import Any

import msgspec
import pytest

from projections import events as ev
from projections.case import Case
from projections.moments import first_second
from projections.order import Order
from projections.stating import find_order
from projections.status import TURNS, Status, exceptions, governing, in_force_at, status_at
from projections.verdict import headline, judge
from signing.keys import ED25519, SigningKey
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import (
    AUTHORITY,
    COMPANY,
    DAY_S,
    ORDER,
    SHA,
    START_S,
    WITNESS,
    Story,
    cease_gb,
)

EVENTS: dict[str, type[Any]] = {
    "served": ev.OrderServed,
    "appealed": ev.OrderAppealed,
    "stayed": ev.OrderStayed,
    "stay_lifted": ev.OrderStayLifted,
    "set_aside": ev.OrderSetAside,
    "reinstated": ev.OrderReinstated,
    "revoked": ev.OrderRevoked,
    "discharged": ev.OrderDischarged,
}


def turn(story: Story, kind: str, effective_at: str, *, by: str = AUTHORITY, order: str = ORDER) -> int:
    """Something happens to the order."""
    return story.post(
        EVENTS[kind](controller=CONTROLLER, effective_at=effective_at, instrument_sha256=SHA, order=order),
        by=by,
    )


def vary(story: Story, order: Order, effective_at: str, *, by: str = AUTHORITY) -> int:
    """A version of the order that governs from then on."""
    return story.post(
        ev.OrderVaried(controller=CONTROLLER, effective_at=effective_at, instrument_sha256=SHA, order=order),
        by=by,
    )


def day(story: Story, number: float) -> Status:
    """The order's status so many days after it took effect."""
    return status_at(story.case(number))


def ordered(**how: Any) -> Story:
    story = Story()
    story.order(**how)
    return story


def test_an_order_is_issued_then_served_then_in_force() -> None:
    story = ordered(effective="2026-01-05", served="2026-01-03")
    assert [day(story, at) for at in (1, 2, 3.9, 4, 400)] == [
        "issued", "served", "served", "in_force", "in_force",
    ]  # fmt: skip
    assert status_at(story.case(4 - 1 / DAY_S)) == "served"


def test_service_may_be_told_later_and_holds_nothing_up() -> None:
    story = ordered(effective="2026-01-05")
    turn(story, "stayed", "2026-01-10")
    turn(story, "served", "2026-01-02")
    turn(story, "served", "2026-01-12")
    assert [day(story, at) for at in (0.5, 1, 4, 9, 12)] == [
        "issued", "served", "in_force", "stayed", "stayed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        (["appealed"], "appealed"),
        (["stayed"], "stayed"),
        (["stayed", "stay_lifted"], "in_force"),
        (["appealed", "stay_lifted"], "in_force"),
        (["appealed", "reinstated"], "in_force"),
        (["stayed", "appealed"], "appealed"),
        (["appealed", "stayed"], "stayed"),
        (["stayed", "reinstated"], "in_force"),
        (["set_aside"], "set_aside"),
        (["appealed", "set_aside"], "set_aside"),
        (["set_aside", "reinstated"], "in_force"),
        # What was set aside is neither appealed back into being, nor freed of a stay.
        (["set_aside", "appealed"], "set_aside"),
        (["set_aside", "stay_lifted"], "set_aside"),
        (["stayed", "set_aside", "stay_lifted"], "set_aside"),
        (["revoked"], "revoked"),
        (["revoked", "reinstated"], "revoked"),
        (["revoked", "discharged"], "revoked"),
        (["set_aside", "revoked"], "revoked"),
        (["discharged"], "discharged"),
        (["discharged", "stayed"], "discharged"),
        (["discharged", "reinstated"], "discharged"),
        (["stay_lifted"], "in_force"),
        (["reinstated"], "in_force"),
    ],
)
def test_each_turn_leads_where_the_diagram_says(kinds: list[str], status: Status) -> None:
    story = ordered()
    for at, kind in enumerate(kinds):
        turn(story, kind, f"2026-01-{at + 2:02}")
    assert day(story, 20) == status
    assert day(story, 0) == "in_force"


def test_a_turn_that_the_status_does_not_allow_is_listed() -> None:
    story = ordered()
    revoked = turn(story, "revoked", "2026-01-02")
    idle = turn(story, "reinstated", "2026-01-03")
    assert revoked != idle
    (one,) = exceptions(story.case(20))
    assert (one.rule, one.index, one.by) == ("status.no_turn", idle, AUTHORITY)


def test_every_kind_of_turn_is_in_the_table() -> None:
    assert EVENTS.keys() - {"served"} == TURNS.keys()


def test_turns_count_in_the_order_of_their_effect_then_of_the_log() -> None:
    story = ordered()
    turn(story, "stay_lifted", "2026-01-20")
    turn(story, "stayed", "2026-01-10")
    assert [day(story, at) for at in (8, 10, 18, 19)] == ["in_force", "stayed", "stayed", "in_force"]
    same = ordered()
    turn(same, "stayed", "2026-01-10")
    turn(same, "stay_lifted", "2026-01-10")
    assert day(same, 10) == "in_force"


def test_what_happened_is_told_by_what_stands_below_the_size() -> None:
    story = ordered()
    stayed = turn(story, "stayed", "2026-01-02")
    assert status_at(story.case(5, size=stayed)) == "in_force"
    assert status_at(story.case(5, size=stayed + 1)) == "stayed"


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_only_the_key_that_signed_the_order_moves_it(kind: str) -> None:
    story = ordered(effective="2026-01-05")
    story.log.register("other.example", "authority")
    posted = turn(story, kind, "2026-01-01", by="other.example")
    assert [day(story, at) for at in (2, 6)] == ["issued", "in_force"]
    (one,) = exceptions(story.case(6))
    assert (one.rule, one.index, one.by) == ("status.own_key", posted, "other.example")


def test_a_namesake_of_the_authority_moves_nothing() -> None:
    story = ordered()
    story.log.keys[AUTHORITY] = SigningKey(AUTHORITY, ED25519, bytes(32))
    story.log.register(AUTHORITY, "authority")
    turn(story, "revoked", "2026-01-02")
    assert day(story, 5) == "in_force"
    assert [one.rule for one in exceptions(story.case(5))] == ["status.own_key"]


def test_another_orders_turns_are_its_own() -> None:
    story = ordered()
    turn(story, "revoked", "2026-01-02", order=f"{AUTHORITY}/en-2026-2")
    assert day(story, 5) == "in_force"
    assert exceptions(story.case(5)) == ()


def test_a_stolen_key_moves_nothing() -> None:
    story = ordered()
    turn(story, "stayed", "2026-01-02")
    assert day(story, 5) == "stayed"
    story.revoke(AUTHORITY, "2026-01-01T00:00:00Z", role="authority")
    assert day(story, 5) == "in_force"


# The controller's own appeal.


def appealed(expires: str | None, *, anchored: bool = True, claimed: str = "2026-01-01") -> Case:
    """The controller announces its appeal on the first day; the case a day later."""
    story = ordered(**({} if expires is None else {"appeal_expires": expires}))
    turn(story, "appealed", claimed, by=COMPANY)
    if anchored:
        story.log.anchor(WITNESS)
    return story.case(1)


def test_the_controllers_appeal_suspends_within_the_appeal_period() -> None:
    case = appealed("2026-01-28")
    assert status_at(case) == "appealed"
    assert exceptions(case) == ()


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(lambda: appealed(None), id="the order names no period"),
        pytest.param(lambda: appealed("2025-12-31"), id="too late"),
        pytest.param(lambda: appealed("2026-01-28", anchored=False), id="no witness saw it"),
    ],
)
def test_no_other_appeal_of_the_controllers_own_suspends(case: Any) -> None:
    made = case()
    assert status_at(made) == "in_force"
    assert [one.rule for one in exceptions(made)] == ["appeal.own_word"]


def test_the_witnesses_not_the_operator_say_that_an_appeal_was_in_time() -> None:
    story = ordered(appeal_expires="2026-01-01")
    turn(story, "appealed", "2026-01-01", by=COMPANY)
    story.log.anchor(WITNESS, time_s=START_S + DAY_S)
    assert status_at(story.case(3)) == "in_force"


def test_the_controllers_appeal_suspends_from_when_it_was_recorded() -> None:
    case = appealed("2026-01-28", claimed="2025-06-01")
    recorded_s = case.docket.proceedings.turns[0].time_us // 1_000_000
    assert recorded_s > START_S
    assert in_force_at(case, recorded_s - 1)
    assert not in_force_at(case, recorded_s)


def test_the_authority_may_tell_of_an_appeal_whenever_it_likes() -> None:
    story = ordered()
    turn(story, "appealed", "2026-01-03")
    assert [day(story, at) for at in (1, 2)] == ["in_force", "appealed"]


# History and verdict.


def test_the_history_tells_each_change_and_the_entry_that_made_it() -> None:
    story = ordered(effective="2026-01-05", served="2026-01-03")
    stayed = turn(story, "stayed", "2026-02-01")
    lifted = turn(story, "stay_lifted", "2026-03-01")
    turn(story, "stay_lifted", "2026-03-05")
    assert story.case(100).life.history() == [
        (first_second("2026-01-03"), "served", None),
        (first_second("2026-01-05"), "in_force", None),
        (first_second("2026-02-01"), "stayed", stayed),
        (first_second("2026-03-01"), "in_force", lifted),
    ]


def test_a_stay_that_ends_before_the_order_takes_effect_is_history_too() -> None:
    story = ordered(effective="2026-01-05")
    stayed = turn(story, "stayed", "2026-01-02")
    lifted = turn(story, "stay_lifted", "2026-01-03")
    assert story.case(100).life.history() == [
        (first_second("2026-01-02"), "stayed", stayed),
        (first_second("2026-01-03"), "issued", lifted),
        (first_second("2026-01-05"), "in_force", None),
    ]


@pytest.mark.parametrize("kind", ["appealed", "stayed", "set_aside", "revoked", "discharged"])
def test_an_order_that_is_not_in_force_has_no_verdict(kind: str) -> None:
    story = ordered()
    story.hold(1)
    turn(story, kind, "2026-01-02")
    judgment = judge(story.case(60))
    assert (judgment.status, judgment.verdict) == (kind, "breached")
    assert "would be breached" in headline(judgment)
    assert judge(story.case(0.5)).status == "in_force"


def test_in_force_again_it_has_one() -> None:
    story = ordered()
    story.hold(1)
    turn(story, "set_aside", "2026-01-02")
    turn(story, "reinstated", "2026-03-01")
    assert judge(story.case(58)).status == "set_aside"
    judgment = judge(story.case(59))
    # The clock goes on as reinstated: the deadline is the order's, unless it is varied.
    assert (judgment.status, judgment.verdict) == ("in_force", "breached")


# Versions.


def versions(story: Story) -> dict[int, int]:
    """The version that governs, by day."""
    fold = story.fold()
    found = {}
    for at in (0, 5, 10, 20):
        one = find_order(fold, ORDER, None, None, as_of=START_S + at * DAY_S, size=story.log.size)
        assert one is not None
        found[at] = one.order.version
    return found


def version_of(story: Story, number: int) -> Order:
    """A further version of the story's order, not posted."""
    first = story.fold().docket.orders[0].order
    return msgspec.structs.replace(first, version=number)


def test_a_variation_governs_from_when_it_takes_effect() -> None:
    story = ordered()
    vary(story, version_of(story, 2), "2026-01-08")
    assert versions(story) == {0: 1, 5: 1, 10: 2, 20: 2}


def test_the_highest_version_governs_whenever_it_was_posted() -> None:
    story = ordered()
    vary(story, version_of(story, 3), "2026-01-03")
    vary(story, version_of(story, 2), "2026-01-08")
    assert versions(story) == {0: 1, 5: 3, 10: 3, 20: 3}


def test_a_variation_to_come_leaves_the_one_before() -> None:
    story = ordered()
    posted = vary(story, version_of(story, 2), "2026-01-01")
    fold = story.fold()
    found = [
        find_order(fold, ORDER, None, None, as_of=START_S + DAY_S, size=size) for size in (posted, posted + 1)
    ]
    assert [one.order.version for one in found if one is not None] == [1, 2]


def test_without_a_size_the_orders_own_witnesses_say_what_counts() -> None:
    story = ordered()
    story.log.anchor(WITNESS, time_s=START_S + 60)
    vary(story, version_of(story, 2), "2026-01-01")
    story.log.anchor(WITNESS, time_s=START_S + 10 * DAY_S)
    fold = story.fold()
    found = [find_order(fold, ORDER, None, None, as_of=START_S + at * DAY_S) for at in (1, 9, 10)]
    assert [one.order.version for one in found if one is not None] == [1, 1, 2]


def test_before_any_version_takes_effect_the_first_to_do_so_is_shown() -> None:
    story = ordered(effective="2026-02-01")
    vary(story, version_of(story, 2), "2026-03-01")
    one = governing(story.fold().docket.orders, START_S)
    assert one is not None
    assert one.order.version == 1
    assert governing([], START_S) is None


def test_a_prohibition_is_no_breach_while_the_order_is_stayed() -> None:
    story = Story()
    story.order(cease_gb())
    turn(story, "stayed", "2026-01-02")
    case = story.case(10)
    assert in_force_at(case, START_S)
    assert not in_force_at(case, START_S + DAY_S)


def test_a_judgment_lists_what_had_no_effect_on_the_order() -> None:
    story = ordered()
    idle = turn(story, "stay_lifted", "2026-01-02")
    judgment = judge(story.case(3))
    assert [(one.rule, one.index) for one in judgment.irregularities] == [("status.no_turn", idle)]
    assert judgment.listed[0] == judgment.irregularities[0]
