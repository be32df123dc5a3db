"""The obligation to limit retention, and the terms that it is judged by (DOMAIN §5, GDPR Art. 5(1)(e))."""

from typing import Any

import msgspec
import pytest

from projections import events as ev
from projections.finding import Finding
from projections.order import Obligation
from projections.vocabulary import FieldError
from tests.projections.acts import day, exempt, place_hold, wait
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import COMPANY, Story, erase_gb, handle

PAST = 40  # days; the deadline is day 30


def limit_gb(**how: object) -> Obligation:
    return msgspec.structs.replace(erase_gb(id="limit"), type="limit_retention", **how)


def declare(story: Story, days: int | None, activity: str = "search") -> int:
    more: dict[str, Any] = {} if days is None else {"retention_days": days}
    return story.post(
        ev.ProcessingDeclared(
            activity=activity,
            controller=CONTROLLER,
            lawful_basis="none",
            purposes=("search",),
            **more,
        )
    )


def collect(story: Story, *numbers: int, until: str | None = None, activity: str = "search") -> int:
    more: dict[str, Any] = {} if until is None else {"retention_until": until}
    return story.post(
        ev.DataCollected(
            activity=activity,
            categories=("user.content.self_image",),
            controller=CONTROLLER,
            minor="yes",
            records=tuple(handle(n) for n in sorted(numbers)),
            residency=("GB",),
            residency_basis="registration",
            source_kind="subject",
            special_category=False,
            store="faces",
            **more,
        )
    )


def expire(story: Story, *numbers: int) -> int:
    records = tuple(handle(n) for n in sorted(numbers))
    return story.post(ev.RetentionExpired(controller=CONTROLLER, records=records, rule="one-year"))


def finding(story: Story, days: float = PAST) -> Finding:
    return story.judge(days).findings[0]


def rules(found: Finding) -> set[str]:
    return {gap.rule for gap in found.gaps}


def told(days: int | None = 20, until: str | None = None) -> Story:
    story = Story(stores=("faces",))
    declare(story, days)
    collect(story, 1, 2, until=until)
    story.order(limit_gb())
    return story


def test_one_live_record_past_its_term_is_a_breach_after_the_deadline() -> None:
    story = told()
    story.erase(1)
    story.look("faces", 2)
    for days, verdict in ((19, "carried_out"), (25, "outstanding"), (PAST, "breached")):
        assert finding(story, days).verdict == verdict
    found = finding(story)
    assert (found.counts["in_scope"], found.counts["past_retention"]) == (1, 1)


def test_erased_and_looked_into_it_is_carried_out_with_the_days_late() -> None:
    story = told()
    wait(story, 33)
    story.erase(1, 2)
    assert rules(finding(story)) == {"inventory.missing"}
    story.look("faces")
    found = finding(story)
    assert (found.verdict, found.evidence) == ("carried_out", "E2")
    assert [(one.rule, one.days_late) for one in found.irregularities] == [("retention.late", 4)]
    assert found.counts["erased_past_term"] == 2


@pytest.mark.parametrize(
    ("days", "until", "past"),
    [
        (20, None, 2),
        (60, None, 0),
        (None, day(20), 2),
        (None, day(60), 0),
        (60, day(20), 2),
        (20, day(60), 2),
    ],
)
def test_the_earlier_of_two_terms_counts(days: int | None, until: str | None, past: int) -> None:
    assert finding(told(days, until)).counts["past_retention"] == past


def test_a_later_declaration_shortens_and_never_lengthens() -> None:
    story = told(20)
    declare(story, 1_000)
    assert finding(story).counts["past_retention"] == 2
    story = told(1_000)
    declare(story, 20)
    assert finding(story).counts["past_retention"] == 2
    story = Story(stores=("faces",))
    declare(story, 20)
    declare(story, 1_000)
    collect(story, 1)
    story.order(limit_gb())
    assert finding(story).counts["past_retention"] == 0, "it was replaced before anything was collected"


def test_the_last_collection_decides() -> None:
    story = told(20)
    wait(story, 30)
    collect(story, 1)
    assert finding(story).counts["past_retention"] == 1


def test_a_rule_that_ran_out_ends_what_was_collected_before() -> None:
    story = told(1_000)
    expire(story, 1, 2)
    assert finding(story).counts["past_retention"] == 2
    collect(story, 1)
    assert finding(story).counts["past_retention"] == 1


def test_what_has_no_term_proves_nothing() -> None:
    story = told(None)
    story.hold(3)
    story.look("faces", 1, 2, 3)
    found = finding(story)
    assert (found.verdict, rules(found)) == ("cannot_be_proved", {"retention.no_term"})
    assert found.counts["no_term"] == 3
    expire(story, 3)
    assert (finding(story).verdict, finding(story).counts["no_term"]) == ("breached", 2)


def test_one_collection_without_a_term_leaves_the_record_without() -> None:
    story = told(20)
    collect(story, 1, activity="archive")
    found = finding(story)
    assert (found.counts["past_retention"], found.counts["no_term"]) == (1, 1)


def test_an_erasure_before_the_term_asks_for_no_look_of_its_own() -> None:
    story = told(60)
    story.look("faces", 1, 2)
    story.erase(1)
    found = finding(story)
    assert (found.verdict, found.counts["erased_past_term"]) == ("carried_out", 0)


@pytest.mark.parametrize("lineage", ["all", "each"])
def test_what_was_derived_is_kept_no_longer_than_its_first_input(lineage: str) -> None:
    story = Story(stores=("faces",))
    declare(story, 20)
    declare(story, 1_000, activity="archive")
    collect(story, 1)
    collect(story, 2, activity="archive")
    if lineage == "all":
        story.derive([11], [1, 2], store="faces")
        story.derive([12], [11], store="faces")
    else:
        story.derive([11, 12], [1, 2], lineage="each", store="faces")
    story.order(limit_gb())
    assert finding(story).counts["past_retention"] == (3 if lineage == "all" else 2)


def test_what_the_authority_exempts_or_holds_may_be_kept() -> None:
    story = told()
    exempt(story, 1, obligation="limit")
    place_hold(story, 2)
    found = finding(story)
    assert (found.counts["past_retention"], found.counts["exempt"], found.counts["held"]) == (0, 1, 1)


def test_nobody_having_looked_proves_nothing() -> None:
    story = told(1_000)
    assert rules(finding(story)) == {"inventory.missing"}


def test_a_hold_of_the_controllers_own_is_listed_where_it_would_keep_what_is_past_its_term() -> None:
    story = told()
    own = place_hold(story, 1, by=COMPANY)
    assert finding(story, 19).irregularities == ()
    assert [(one.rule, one.index, one.copies) for one in finding(story).irregularities] == [
        ("hold.own", own, 1)
    ]


def test_what_was_derived_ends_when_a_rule_says_so_of_its_input() -> None:
    story = told(1_000)
    story.derive([11], [1, 2], store="faces")
    expire(story, 1)
    assert finding(story).counts["past_retention"] == 2
    collect(story, 1)
    assert finding(story).counts["past_retention"] == 1, "what was made of it before is over all the same"


def test_nobody_can_look_into_a_store_that_nobody_declared() -> None:
    story = told(1_000)
    story.post(
        ev.DataCopied(controller=CONTROLLER, from_store="faces", records=(handle(1),), to_store="hidden")
    )
    story.look("faces", 1, 2)
    assert (finding(story).verdict, rules(finding(story))) == ("cannot_be_proved", {"store.undeclared"})


def test_what_was_kept_too_long_and_is_gone_was_in_scope() -> None:
    story = Story(stores=("faces",))
    story.hold(1, residency=None)
    story.order(limit_gb())
    expire(story, 1)
    story.erase(1)
    story.look("faces")
    assert (finding(story).verdict, rules(finding(story))) == ("carried_out", set())


# The order's own days.


def ordered(days: int, *, declared: int | None = None, until: str | None = None) -> Story:
    """A collection on day 0, and an order that sets days of its own."""
    story = Story(stores=("faces",))
    declare(story, declared)
    collect(story, 1, until=until)
    story.order(limit_gb(retention_days=days))
    story.look("faces", 1)
    return story


@pytest.mark.parametrize(
    ("days", "declared", "until", "ends"),
    [
        (40, None, None, 40),
        (40, 50, None, 40),
        (50, 40, None, 40),
        (40, None, "2026-02-20T00:00:00Z", 40),
        (60, None, "2026-02-20T00:00:00Z", 50),
    ],
)
def test_an_orders_days_and_the_declared_term_whichever_ends_first(
    days: int, declared: int | None, until: str | None, ends: int
) -> None:
    story = ordered(days, declared=declared, until=until)
    assert rules(finding(story)) == set()
    assert (finding(story, ends - 0.1).verdict, finding(story, ends + 0.1).verdict) == (
        "carried_out",
        "breached",
    )


def test_an_orders_days_run_from_the_last_collection_and_of_an_opening_balance_from_the_first_word() -> None:
    story = Story(stores=("faces", "index"))
    collect(story, 1)
    story.hold(2)
    wait(story, 10)
    collect(story, 1)
    story.hold(2, store="index")
    story.order(limit_gb(retention_days=35))
    counts = [finding(story, days).counts["past_retention"] for days in (34, 36, 44, 46)]
    assert counts == [0, 2, 2, 3]
    assert finding(story).counts["no_term"] == 0


def test_what_was_derived_ends_with_its_inputs_or_of_unknown_ones_when_it_was_made() -> None:
    story = Story(stores=("faces",))
    collect(story, 1)
    wait(story, 10)
    story.derive([11], [1], store="faces")
    story.derive([12], [99], store="faces")
    story.order(limit_gb(retention_days=35))
    assert [finding(story, days).counts["past_retention"] for days in (34, 36, 46)] == [0, 2, 3]


def test_days_of_its_own_has_an_obligation_to_limit_retention_alone() -> None:
    with pytest.raises(FieldError, match="retention_days"):
        erase_gb(retention_days=365)
    assert b"retention_days" not in msgspec.json.encode(limit_gb())
    assert b'"retention_days":365' in msgspec.json.encode(limit_gb(retention_days=365))
