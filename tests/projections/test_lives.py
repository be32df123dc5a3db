"""Lives of a copy: what each kind of move does to it."""

from typing import Any

import msgspec
import pytest

from projections import events as ev
from projections import holdings
from projections.fact import named
from projections.finding import Finding
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import Story, erase_gb, handle

PAST = 40


def counts(story: Story) -> dict[str, int]:
    found: Finding = story.judge(PAST).findings[0]
    return found.counts


def ordered() -> Story:
    story = Story()
    story.hold(1)
    story.order()
    return story


def test_a_copy_in_another_store_is_erased_by_itself() -> None:
    story = ordered()
    story.post(
        ev.DataCopied(controller=CONTROLLER, from_store="faces", records=(handle(1),), to_store="index")
    )
    assert counts(story)["live"] == 2
    story.erase(1)
    assert counts(story)["live"] == 1
    story.erase(1, store="index")
    assert counts(story)["live"] == 0


def test_a_failed_deletion_leaves_its_copy_live() -> None:
    story = ordered()
    story.post(ev.DeletionFailed(controller=CONTROLLER, error="timeout", records=(handle(1),), store="faces"))
    assert counts(story)["live"] == 1


def test_a_failed_deletion_makes_no_copy() -> None:
    story = ordered()
    story.erase(1)
    story.post(ev.DeletionFailed(controller=CONTROLLER, error="timeout", records=(handle(1),), store="faces"))
    assert (counts(story)["live"], counts(story)["reopened"]) == (0, 0)


@pytest.mark.parametrize("cause", ["restore", "resync", "recollected", "unknown"])
def test_what_reappears_begins_a_new_life(cause: str) -> None:
    story = ordered()
    story.erase(1)
    story.post(
        ev.DataReappeared(cause=cause, controller=CONTROLLER, records=(handle(1),), store="faces")  # type: ignore[arg-type]
    )
    assert (counts(story)["live"], counts(story)["reopened"]) == (1, 1)


def test_artefacts_are_erased_by_that_name_too() -> None:
    story = ordered()
    story.derive([11], [1])
    story.post(
        ev.DataDeleted(
            artefacts=(handle(11),),
            cause="order",
            controller=CONTROLLER,
            irrecoverable=True,
            method="destroy",
            store="index",
        )
    )
    assert (counts(story)["live"], counts(story)["derived_live"]) == (1, 0)


@pytest.mark.parametrize(("kind", "live"), [("model", 0), ("live", 1), ("index", 1)])
def test_only_a_model_is_retrained(kind: str, live: int) -> None:
    """Else the strongest method of all would cost nothing in a store of images."""
    story = Story(stores=())
    story.declare("faces", kind=kind)
    story.hold(1)
    story.order()
    story.erase(1, method="retrain")
    assert counts(story)["live"] == live


def test_erasing_twice_keeps_the_first_erasure() -> None:
    story = ordered()
    first = story.erase(1)
    story.erase(1)
    (copy,) = [copy for _, copy in story.case().copies(story.fold().holdings[handle(1)])]
    assert copy.erasure is not None
    assert (copy.state, copy.lives, copy.erasure.index) == ("erased", 1, first)


def test_holding_again_what_is_held_is_the_same_life() -> None:
    story = ordered()
    story.hold(1)
    assert counts(story)["reopened"] == 0


def test_records_that_stand_alike_share_one_state() -> None:
    story = Story()
    story.hold(1, 2, 3)
    story.hold(3, store="index")
    story.erase(1, 2)
    held = story.fold().holdings
    assert held[handle(1)] is held[handle(2)]
    assert held[handle(1)] is not held[handle(3)]


def test_what_says_nothing_of_a_record_leaves_its_state_alone() -> None:
    story = Story()
    story.hold(1)
    before = story.fold().holdings[handle(1)]
    hold = ev.HoldPlaced(
        basis="other", controller=CONTROLLER, hold="h-1", records=(handle(1),), until="2027-01-01"
    )
    story.post(hold)
    assert story.fold().holdings[handle(1)] == before
    event = ev.make_event(hold, id="x", source="s", time="2026-01-01T00:00:00Z")
    assert holdings.keys(event) == ()
    assert named(event) == {handle(1)}


@pytest.mark.parametrize(
    ("kind", "fields", "use"),
    [
        (ev.DataAccessed, {"actor": "a", "actor_country": "US", "purpose": "p"}, ("accessed", "", "", "US")),
        (
            ev.DataMatched,
            {"actor": "a", "actor_country": "FR", "probe": handle(9)},
            ("matched", "", "", "FR"),
        ),
        (
            ev.DataDisclosed,
            {"disclosure": "d-1", "recipient": "police.example", "country": "US", "public": False},
            ("disclosed", "", "d-1", "US"),
        ),
        (ev.DeletionVerified, {"method": "rescan", "store": "faces"}, ("verified", "faces", "", "")),
        (ev.DataRestricted, {"store": "faces"}, ("restricted", "faces", "", "")),
        (ev.DataUnrestricted, {"store": "faces"}, ("unrestricted", "faces", "", "")),
        (ev.ConsentGiven, {"activity": "search"}, ("consented", "", "search", "")),
        (ev.ConsentWithdrawn, {"activity": "search"}, ("withdrew", "", "search", "")),
        (
            ev.EnquiryReceived,
            {"due_at": "2026-02-01T00:00:00Z", "request": "r-1", "right": "15"},
            ("enquired", "", "r-1", ""),
        ),
        (ev.ObjectionRaised, {"ground": "other", "request": "r-1"}, ("objected", "", "r-1", "")),
        (ev.ObjectionUpheld, {"ground": "other", "request": "r-1"}, ("upheld", "", "r-1", "")),
        (ev.ObjectionRefused, {"ground": "legal_claims", "request": "r-1"}, ("refused", "", "r-1", "")),
        (ev.RetentionExpired, {"rule": "one-year"}, ("expired", "", "one-year", "")),
    ],
)
def test_uses_are_kept_beside_the_moves(
    kind: type[ev.Data], fields: dict[str, Any], use: tuple[str, ...]
) -> None:
    story = Story()
    story.hold(1)
    before = story.fold().holdings[handle(1)]
    index = story.post(kind(controller=CONTROLLER, records=(handle(1),), **fields))
    after = story.fold().holdings[handle(1)]
    (kept,) = after.uses
    assert (kept.kind, kept.store, kept.ref, kept.country) == use
    assert (kept.index, kept.time_us) == (index, story.log.rows[index].time_us)
    helps = kept.kind in ("restricted", "consented")
    assert bool(kept.claimed_us) == helps, "kept only where an earlier time would help the poster"
    assert (after.copies, after.traits) == (before.copies, before.traits)


def test_a_state_without_uses_says_nothing_of_them() -> None:
    story = Story()
    story.hold(1)
    assert set(msgspec.json.decode(holdings.encode_row(story.fold().holdings[handle(1)]))) == {
        "copies",
        "residency",
        "traits",
    }


def test_a_collection_is_kept_with_its_activity_and_term() -> None:
    story = Story()
    story.collect(1)
    (trait,) = story.fold().holdings[handle(1)].traits
    assert (trait.source_kind, trait.activity, trait.retention_us) == ("public_web", "search", 0)


def test_a_derivation_names_its_inputs_but_changes_only_artefacts() -> None:
    derived = ev.DataDerived(
        artefacts=(handle(2),),
        controller=CONTROLLER,
        kind="template",
        lineage="all",
        records=(handle(1),),
        store="index",
    )
    event = ev.make_event(derived, id="x", source="s", time="2026-01-01T00:00:00Z")
    assert holdings.keys(event) == (handle(2),)
    assert named(event) == {handle(1), handle(2)}


def test_lineage_known_by_a_digest_alone_is_unknown() -> None:
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
    story.order(erase_gb())
    assert (counts(story)["in_scope"], counts(story)["unknown_residency"]) == (1, 1)
