"""Whom an order reaches: residency and lineage, rule by rule (DOMAIN §5)."""

import pytest

from projections import events as ev
from projections.finding import Finding
from projections.verdict import judge
from tests.projections.conduct import PAST, finding
from tests.projections.logbuilder import CONTROLLER, rfc3339
from tests.projections.story import ASSESSOR, AUTHORITY, Story, erase_gb, handle, replace_scope


def rules(found: Finding) -> set[str]:
    return {gap.rule for gap in found.gaps}


@pytest.mark.parametrize(
    ("setting", "in_scope", "gaps"),
    [("in_scope", 1, set()), ("out_of_scope", 0, set()), ("report", 1, {"residency.unknown"})],
)
def test_unknown_residency_is_as_the_scope_says(setting: str, in_scope: int, gaps: set[str]) -> None:
    story = Story(stores=("faces",))
    story.hold(1, residency="")
    story.hold(2, residency="US")
    story.order(erase_gb(scope=replace_scope(unknown_residency=setting)))
    if in_scope:
        story.erase(1)
    story.look("faces", *([2] if in_scope else [1, 2]))
    found = finding(story)
    assert found.counts["in_scope"] == found.counts["unknown_residency"] == in_scope
    assert rules(found) == gaps


def test_a_weak_basis_takes_nothing_out_of_scope() -> None:
    story = Story()
    story.hold(1, residency="US", basis="inference")
    story.order()
    assert finding(story).counts["unknown_residency"] == 1


def test_a_weak_basis_brings_into_scope() -> None:
    story = Story()
    story.hold(1, residency="US")
    story.residency(1, "GB", "ip")
    story.order()
    assert (finding(story).counts["in_scope"], finding(story).counts["unknown_residency"]) == (1, 0)


def test_only_the_ordering_authority_speaks_as_one() -> None:
    story = Story()
    story.hold(1, residency=None)
    story.order()
    story.residency(1, "US", "authority")
    assert finding(story).counts["in_scope"] == 1
    story.residency(1, "US", "authority", by=AUTHORITY)
    assert finding(story).counts["in_scope"] == 0


def test_ever_a_resident_sticks() -> None:
    story = Story()
    story.hold(1)
    story.residency(1, "US", "registration")
    story.order()
    assert finding(story).counts["in_scope"] == 1


def test_a_move_out_of_scope_after_the_order_needs_a_trusted_word() -> None:
    story = Story()
    story.hold(1)
    story.order(erase_gb(scope=replace_scope(residency_when="at_order")))
    story.residency(1, "US", "registration")
    assert finding(story).counts["unknown_residency"] == 1
    story.residency(1, "US", "registration", by=ASSESSOR)
    assert finding(story).counts["in_scope"] == 0


def test_a_part_of_the_country_is_in_it_and_the_country_may_be_in_its_part() -> None:
    story = Story()
    story.hold(1, residency="GB-SCT")
    story.hold(2, residency="GB")
    story.hold(3, residency="GG")
    story.order()
    assert finding(story).counts["in_scope"] == 2
    story.order(erase_gb(scope=replace_scope(residency=("GB-SCT",))))
    found = finding(story)
    assert (found.counts["in_scope"], found.counts["unknown_residency"]) == (2, 1)


# Lineage.


def test_derived_records_follow_their_inputs() -> None:
    story = Story()
    story.hold(1)
    story.hold(2, residency="US")
    story.derive([11, 12], [1])
    story.derive([21], [2])
    story.derive([31], [1, 2])
    story.derive([41], [99])
    story.order()
    found = finding(story)
    assert found.counts["derived_live"] == 4
    assert found.counts["unknown_residency"] == 1
    assert [(one.basis, one.copies) for one in found.out_of_scope] == [("lineage", 1), ("registration", 1)]


def test_pairwise_lineage_keeps_pairs_apart() -> None:
    story = Story()
    story.hold(1)
    story.hold(2, residency="US")
    story.derive([11, 12, 13], [1, 2, 2], lineage="each")
    story.order()
    assert finding(story).counts["derived_live"] == 1


def test_lineage_runs_through_long_chains() -> None:
    story = Story()
    story.hold(1)
    for number in range(2, 1500):
        story.derive([number], [number - 1])
    story.order()
    assert finding(story).counts["in_scope"] == 1499


def test_derived_records_can_be_left_out() -> None:
    story = Story()
    story.hold(1)
    story.derive([11], [1])
    story.order(erase_gb(include=("copies",)))
    assert finding(story).counts["in_scope"] == 1


def test_a_derived_records_own_residency_brings_it_in() -> None:
    story = Story()
    story.hold(2, residency="US")
    story.derive([21], [2])
    story.residency(21, "GB", "ip")
    story.order()
    assert finding(story).counts["in_scope"] == 1


def test_a_derivation_counts_from_its_own_entry_on() -> None:
    story = Story()
    story.hold(1)
    story.hold(11, residency=None, store="index")
    story.order()
    derived = story.derive([11], [1])
    before, after = (judge(story.case(size=size)).findings[0].counts for size in (derived, derived + 1))
    assert (before["unknown_residency"], after["unknown_residency"]) == (1, 0)
    assert (before["in_scope"], after["in_scope"]) == (2, 2)


def test_what_goes_into_an_input_later_is_not_in_what_was_made_of_it() -> None:
    story = Story()
    story.hold(1)
    story.hold(2, residency="US")
    story.derive([20], [2])
    story.derive([30], [20])
    story.derive([20], [1])
    story.order()
    found = finding(story)
    assert found.counts["derived_live"] == 1


def test_a_statement_of_residency_counts_from_its_own_entry_on() -> None:
    story = Story()
    story.hold(1, residency=None)
    story.order()
    said = story.residency(1, "US", "registration")
    before, after = (judge(story.case(size=size)).findings[0].counts for size in (said, said + 1))
    assert (before["in_scope"], after["in_scope"]) == (1, 0)


@pytest.mark.parametrize("setting", ["at_order", "at_collection"])
def test_the_last_word_before_the_order_decides_when_only_the_moment_counts(setting: str) -> None:
    story = Story()
    story.hold(1)
    story.residency(1, "US", "registration")
    story.order(erase_gb(scope=replace_scope(residency_when=setting)))
    assert finding(story).counts["in_scope"] == (0 if setting == "at_order" else 1)


def test_an_unknown_after_a_known_residency_is_unknown() -> None:
    story = Story()
    story.hold(1, residency="US")
    story.residency(1, "", "registration")
    story.order()
    assert finding(story).counts["unknown_residency"] == 1


def test_calling_a_record_derived_takes_it_nowhere() -> None:
    """An order may leave derived data alone; a record that was held is none, whatever is said of it later."""
    story = Story()
    story.hold(1)
    story.hold(2, residency="US")
    story.derive([1], [2], store="faces")
    story.order(erase_gb(include=("copies",)))
    assert finding(story).counts["in_scope"] == 1


def test_an_artefact_that_is_held_later_is_a_record_too() -> None:
    story = Story()
    story.hold(1)
    story.derive([11], [1])
    story.hold(11, store="index")
    story.order(erase_gb(include=("copies",)))
    assert finding(story).counts["in_scope"] == 2


@pytest.mark.parametrize("held_first", [True, False])
def test_lineage_settles_nobodys_residency_but_an_artefacts(held_first: bool) -> None:
    """Else any record of unknown residency could be derived out of scope."""
    story = Story()
    story.hold(2, residency="US")
    if held_first:
        story.hold(1, residency=None)
    else:
        story.post(
            ev.DataCopied(controller=CONTROLLER, from_store="faces", records=(handle(1),), to_store="index")
        )
    story.derive([1], [2], store="faces" if held_first else "index")
    story.order()
    assert finding(story).counts["unknown_residency"] == 1


@pytest.mark.parametrize("setting", ["in_scope", "out_of_scope"])
def test_unknown_lineage_is_in_scope_whatever_unknown_residency_is(setting: str) -> None:
    story = Story()
    story.post(
        ev.DataDerived(
            artefacts=(handle(11),),
            controller=CONTROLLER,
            inputs_digest="A" * 43 + "=",
            kind="model",
            lineage="all",
            store="index",
        )
    )
    story.order(erase_gb(scope=replace_scope(unknown_residency=setting)))
    assert finding(story).counts["in_scope"] == 1


@pytest.mark.parametrize("setting", ["in_scope", "out_of_scope"])
def test_unknown_lineage_counts_in_the_window_only(setting: str) -> None:
    """What was made before the scope's time of collection began holds nothing that was collected in it."""
    story = Story()
    story.post(
        ev.DataDerived(
            artefacts=(handle(11),),
            controller=CONTROLLER,
            inputs_digest="A" * 43 + "=",
            kind="model",
            lineage="all",
            store="index",
        )
    )
    at_s = story.log.now_us // 1_000_000
    for first, in_scope in ((at_s, 1), (at_s + 1, 0)):
        scope = replace_scope(unknown_residency=setting, collected_from=rfc3339(first * 1_000_000))
        story.order(erase_gb(scope=scope))
        assert finding(story).counts["in_scope"] == in_scope
    story.order(erase_gb(scope=replace_scope(unknown_residency=setting, collected_to="2025-01-01")))
    assert finding(story).counts["in_scope"] == 1, "what was in the period may be in it still"


def test_a_variation_of_the_order_blesses_no_move_out_of_scope() -> None:
    story = Story()
    scope = replace_scope(residency_when="at_order")
    story.hold(1)
    story.order(erase_gb(scope=scope))
    story.residency(1, "US", "registration")
    story.order(erase_gb(scope=scope), version=2)
    assert finding(story).counts["unknown_residency"] == 1


def test_what_was_first_said_after_the_order_is_not_taken_back_either() -> None:
    story = Story()
    story.order(erase_gb(scope=replace_scope(residency_when="at_order")))
    story.hold(1)
    story.residency(1, "US", "registration")
    assert finding(story).counts["unknown_residency"] == 1


def test_to_say_that_nothing_is_known_is_no_method() -> None:
    """Nor is a method what comes after the entries that count."""
    story = Story(stores=("faces",))
    story.hold(1, residency="")
    story.order(erase_gb(scope=replace_scope(unknown_residency="out_of_scope")))
    story.look("faces", 1)
    size = story.log.size
    story.hold(2, residency="US")
    assert rules(judge(story.case(PAST, size=size)).findings[0]) == {"residency.no_method"}


def test_lineage_under_a_stolen_key_takes_nothing_out() -> None:
    story = Story()
    story.log.register("other.clearview.example", "controller")
    story.hold(2, residency="US")
    story.derive([21], [2], by="other.clearview.example")
    story.order()
    assert finding(story).counts["in_scope"] == 0
    story.revoke("other.clearview.example", "2026-01-01T00:00:00Z")
    assert finding(story).counts["unknown_residency"] == 1


def test_a_template_is_biometric_whatever_it_was_made_of() -> None:
    """An order about biometric data leaves the images alone, and not the templates made of them."""
    story = Story()
    story.hold(1)
    story.hold(2, residency="US")
    story.derive([11], [1])
    story.derive([21], [2])
    story.derive([31], [11], lineage="each")
    story.order(erase_gb(scope=replace_scope(categories=("user.biometric",))))
    assert (finding(story).counts["in_scope"], finding(story).counts["unknown_residency"]) == (2, 0)
    story.order(erase_gb(scope=replace_scope(categories=("user.contact",))))
    assert finding(story).counts["in_scope"] == 0


# What the data itself is.


@pytest.mark.parametrize(
    ("narrowed", "in_scope"),
    [
        ({"categories": ("user.content",)}, 1),
        ({"categories": ("user.biometric",)}, 0),
        ({"source_kinds": ("public_web",)}, 1),
        ({"source_kinds": ("broker",)}, 0),
        ({"minors": "only"}, 1),
        ({"collected_from": "2026-01-01", "collected_to": "2026-01-01"}, 1),
        ({"collected_to": "2025-12-31"}, 0),
        ({"collected_from": "2026-01-02"}, 0),
        ({"stores": ("faces",)}, 1),
        ({"stores": ("index",)}, 0),
    ],
)
def test_a_scope_can_be_narrowed(narrowed: dict[str, object], in_scope: int) -> None:
    story = Story()
    story.collect(1)
    story.order(erase_gb(scope=replace_scope(**narrowed)))
    assert finding(story).counts["in_scope"] == in_scope


def test_an_opening_balance_says_nothing_of_its_source() -> None:
    story = Story()
    story.hold(1)
    story.order(erase_gb(scope=replace_scope(source_kinds=("broker",))))
    assert finding(story).counts["in_scope"] == 1


def test_what_is_out_by_its_kind_is_out_on_nobodys_word() -> None:
    story = Story()
    story.hold(1)
    story.order(erase_gb(scope=replace_scope(categories=("user.biometric",))))
    assert [(one.basis, one.by, one.copies) for one in finding(story).out_of_scope] == [("category", "", 1)]


def test_adults_are_out_of_a_scope_of_minors() -> None:
    story = Story()
    story.hold(1, minor="no")
    story.hold(2, minor="yes")
    story.order(erase_gb(scope=replace_scope(minors="only")))
    assert finding(story).counts["in_scope"] == 1


def test_a_scope_without_territory_reaches_everybody() -> None:
    story = Story()
    story.hold(1, residency="US")
    story.order(erase_gb(scope=replace_scope(residency=())))
    assert finding(story).counts["in_scope"] == 1


def test_an_opening_balance_claims_no_time_of_collection() -> None:
    story = Story()
    story.hold(1)
    story.order(erase_gb(scope=replace_scope(collected_to="2020-12-31")))
    assert finding(story).counts["in_scope"] == 1


def test_a_moment_counts_to_the_microsecond_where_a_collection_meets_its_period() -> None:
    story = Story()
    story.collect(1)
    at_s = story.log.now_us // 1_000_000
    for moment, in_scope in ((at_s, 1), (at_s + 1, 0)):
        story.order(erase_gb(scope=replace_scope(collected_from=rfc3339(moment * 1_000_000))))
        assert finding(story).counts["in_scope"] == in_scope
    for moment, in_scope in ((at_s, 1), (at_s - 1, 0)):
        story.order(erase_gb(scope=replace_scope(collected_to=rfc3339(moment * 1_000_000))))
        assert finding(story).counts["in_scope"] == in_scope


def test_at_collection_the_first_statement_stands_in_for_a_missing_one() -> None:
    story = Story()
    story.hold(1, residency=None)
    story.residency(1, "US", "registration")
    story.order(erase_gb(scope=replace_scope(residency_when="at_collection")))
    assert finding(story).counts["in_scope"] == 0
