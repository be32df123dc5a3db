"""Standing questions: each answered over real events, with the entries behind every count."""

from hashlib import sha256
from typing import Any

import pytest

from projections import events as ev
from projections.question import Answer
from projections.runners.asking import WORDS
from projections.standing import QUESTIONS
from signing.encoding import encode_base64
from signing.setdigest import digest_of
from tests.projections.asked import Inquiry, access, disclose, named, table
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import handle


def test_what_is_collected_is_counted_by_basis_category_and_whom() -> None:
    story = Inquiry()
    story.gather(1, activity="scrape", residency=("GB",), residency_basis="ip")
    story.declare_activity("scrape")
    both = story.gather(
        2, 3, activity="scrape", minor="yes", residency=("GB-SCT",), residency_basis="ip",
        categories=("user.name", "user.social"),
    )  # fmt: skip
    story.declare_activity("scrape", "6(1)(a)")
    story.hold(4, residency="")
    story.erase(2)
    answer = story.ask("collection")
    assert answer.columns == ("basis", "category", "residency", "minor")
    assert table(answer) == {
        # Nothing had been declared of the first; the declaration after it does not bless it.
        ("not_declared", "user.name", "GB", "no"): (1, 1),
        # A later basis isn't the one that it was collected on. One of the two is gone.
        ("6(1)(f)", "user.name", "GB", "yes"): (2, 1),
        ("6(1)(f)", "user.social", "GB", "yes"): (2, 1),
        # An opening balance claims no collection.
        ("not_stated", "user.content.self_image", "unknown", "unknown"): (1, 1),
    }
    assert named(answer, "6(1)(f)", "user.social", "GB", "yes") == {handle(2): (both,), handle(3): (both,)}


def test_a_record_counts_once_for_each_basis_it_was_collected_on() -> None:
    story = Inquiry()
    story.declare_activity("scrape")
    first, again = story.gather(1, activity="scrape"), story.gather(1, activity="scrape", store="index")
    answer = story.ask("collection")
    assert table(answer) == {("6(1)(f)", "user.name", "unknown", "no"): (1, 1)}
    assert named(answer, "6(1)(f)", "user.name", "unknown", "no") == {handle(1): (first, again)}


def test_special_category_data_needs_a_condition_or_consent() -> None:
    story = Inquiry()
    story.declare_activity("scrape")
    story.declare_activity("declined", art9_condition="none")
    story.declare_activity("health", art9_condition="9(2)(h)")
    story.declare_activity("unlock", art9_condition="9(2)(a)")
    bare = story.gather(1, 2, activity="scrape", special_category=True)
    said = story.gather(3, activity="declined", special_category=True)
    story.gather(4, activity="health", special_category=True)
    asked = story.gather(5, 6, activity="unlock", special_category=True)
    story.say(ev.ConsentGiven, 2, activity="scrape")
    story.say(ev.ConsentGiven, 5, activity="unlock")
    # Consent to one activity is none to another, and ends when it is withdrawn.
    story.say(ev.ConsentGiven, 1, activity="unlock")
    story.say(ev.ConsentGiven, 6, activity="unlock")
    story.say(ev.ConsentWithdrawn, 6, activity="unlock")
    story.say(ev.ConsentWithdrawn, 5, activity="scrape")
    answer = story.ask("special-category")
    assert table(answer) == {
        ("special", "condition", "scrape"): (1,),
        ("special", "condition", "declined"): (1,),
        ("special", "consent", "unlock"): (1,),
    }
    assert named(answer, "special", "condition", "scrape") == {handle(1): (bare,)}
    assert named(answer, "special", "condition", "declined") == {handle(3): (said,)}
    assert named(answer, "special", "consent", "unlock") == {handle(6): (asked,)}
    story.erase(1, 3, 6)
    assert table(story.ask("special-category")) == {}


def test_a_record_that_came_back_is_what_it_is_now() -> None:
    story = Inquiry()
    story.declare_activity("scrape")
    story.gather(1, activity="scrape", special_category=True, minor="yes")
    story.erase(1)
    story.gather(1, activity="scrape")
    assert table(story.ask("special-category")) == {}
    # Where a copy stayed, what was said of it stays true.
    story.gather(2, activity="scrape", special_category=True)
    story.gather(2, activity="scrape", store="index")
    assert table(story.ask("special-category")) == {("special", "condition", "scrape"): (1,)}


def test_childrens_data_needs_consent() -> None:
    story = Inquiry()
    story.declare_activity("app", "6(1)(b)")
    story.gather(1, 2, activity="app", minor="yes")
    story.gather(3, activity="app", minor="unknown")
    story.say(ev.ConsentGiven, 1, activity="app")
    answer = story.ask("special-category")
    assert table(answer) == {("child", "consent", "app"): (1,)}
    assert list(named(answer, "child", "consent", "app")) == [handle(2)]


def test_a_template_needs_the_condition_that_its_image_did_not() -> None:
    story = Inquiry()
    story.declare_activity("scrape")
    story.declare_activity("unlock", art9_condition="9(2)(a)")
    story.gather(1, 2, activity="scrape")
    story.gather(3, activity="unlock")
    story.say(ev.ConsentGiven, 3, activity="unlock")
    pairs = story.derive([11, 12, 13], [1, 2, 3], "each")
    mixed = story.derive([14], [2, 3], "all")
    answer = story.ask("special-category")
    assert table(answer) == {("template", "condition", "scrape"): (3,)}
    assert named(answer, "template", "condition", "scrape") == {
        handle(11): (pairs,), handle(12): (pairs,), handle(14): (mixed,),
    }  # fmt: skip
    unknown = story.derive([15], [99], "all")
    made: dict[str, Any] = {"controller": CONTROLLER, "lineage": "all", "store": "index"}
    untold = story.post(
        ev.DataDerived(
            artefacts=(handle(16),), inputs_digest=encode_base64(bytes(32)), kind="template", **made
        )
    )
    # What is no template is as harmless as its image.
    story.post(ev.DataDerived(artefacts=(handle(17),), kind="index", records=(handle(1),), **made))
    answer = story.ask("special-category")
    assert table(answer) == {
        ("template", "condition", "scrape"): (3,), ("template", "not_stated", ""): (2,),
    }  # fmt: skip
    assert named(answer, "template", "not_stated", "") == {handle(15): (unknown,), handle(16): (untold,)}


def test_what_is_kept_past_its_retention_or_without_any_is_told() -> None:
    story = Inquiry()
    story.declare_activity("orders", retention_days=30)
    story.declare_activity("scrape")
    month = story.gather(1, 2, activity="orders")
    own = story.gather(3, activity="orders", retention_until=story.time_in(90))
    never = story.gather(4, activity="scrape")
    held = story.hold(5)
    template = story.derive([6], [1])
    within = {("within", "collected", "orders"): (3, 0)}
    endless = {
        ("no_period", "collected", "scrape"): (1, 0),
        ("no_period", "held", ""): (1, 0),
        ("no_period", "derived", ""): (1, 0),
    }
    assert table(story.ask("retention", 29)) == within | endless
    answer = story.ask("retention", 41)
    assert table(answer) == endless | {
        ("past", "collected", "orders"): (2, 10), ("within", "collected", "orders"): (1, 0),
    }  # fmt: skip
    assert named(answer, "past", "collected", "orders") == {handle(1): (month,), handle(2): (month,)}
    assert named(answer, "within", "collected", "orders") == {handle(3): (own,)}
    assert named(answer, "no_period", "collected", "scrape") == {handle(4): (never,)}
    assert named(answer, "no_period", "held", "") == {handle(5): (held,)}
    assert named(answer, "no_period", "derived", "") == {handle(6): (template,)}
    story.erase(1, 2)
    assert ("past", "collected", "orders") not in table(story.ask("retention", 41))


def test_the_longest_overdue_tells_how_far_past_a_row_is() -> None:
    story = Inquiry()
    story.declare_activity("orders", retention_days=30)
    story.gather(1, activity="orders")
    story.wait(5)
    story.gather(2, activity="orders")
    assert table(story.ask("retention", 40)) == {("past", "collected", "orders"): (2, 9)}


def test_a_period_declared_afterwards_is_not_that_of_what_came_before() -> None:
    story = Inquiry()
    story.declare_activity("orders", retention_days=30)
    story.gather(1, activity="orders")
    story.declare_activity("orders", retention_days=3_000)
    assert table(story.ask("retention", 100)) == {("past", "collected", "orders"): (1, 69)}


def test_of_several_periods_the_last_to_end_counts() -> None:
    story = Inquiry()
    story.declare_activity("orders", retention_days=30)
    story.declare_activity("tax", retention_days=60)
    story.gather(1, activity="tax")
    story.gather(1, activity="orders")
    assert table(story.ask("retention", 50)) == {("within", "collected", "orders"): (1, 0)}
    assert table(story.ask("retention", 70)) == {("past", "collected", "orders"): (1, 9)}


def test_what_the_controller_itself_calls_expired_is_past() -> None:
    story = Inquiry()
    story.declare_activity("orders", retention_days=3_000)
    story.gather(1, activity="orders")
    expired = story.say(ev.RetentionExpired, 1, rule="inactive-1y")
    answer = story.ask("retention", 5)
    assert table(answer) == {("expired", "collected", "orders"): (1, 4)}
    assert named(answer, "expired", "collected", "orders") == {handle(1): (expired,)}
    # What was collected again is kept for a reason of its own.
    story.gather(1, activity="orders")
    assert table(story.ask("retention", 5)) == {("within", "collected", "orders"): (1, 0)}


def test_consent_only_collection_is_told_from_any_other() -> None:
    story = Inquiry()
    story.declare_activity("unlock", "6(1)(a)")
    story.declare_activity("scrape")
    story.say(ev.ConsentGiven, 1, 2, activity="unlock")
    story.gather(1, 2, 3, 4, activity="unlock", source_kind="subject")
    story.say(ev.ConsentWithdrawn, 2, activity="unlock")
    story.say(ev.ConsentGiven, 4, activity="unlock")
    story.gather(5, activity="scrape")
    story.gather(6, activity="other")
    story.hold(7)
    story.erase(2)
    answer = story.ask("consent")
    assert table(answer) == {
        ("given", "unlock", "subject"): (1, 1),
        ("withdrawn", "unlock", "subject"): (1, 0),
        ("missing", "unlock", "subject"): (1, 1),
        ("given_later", "unlock", "subject"): (1, 1),
        ("other_basis", "scrape", "public_web"): (1, 1),
        ("not_declared", "other", "public_web"): (1, 1),
    }
    assert list(named(answer, "missing", "unlock", "subject")) == [handle(3)]


def eventful() -> Inquiry:
    """A little of everything."""
    story = Inquiry()
    story.declare_activity("scrape", retention_days=30)
    story.gather(1, 2, activity="scrape", special_category=True, residency=("GB",), residency_basis="ip")
    story.enquire("r-0")
    story.enquire("r-1")
    story.demand("r-1", "photo")
    story.say(ev.ObjectionRaised, 1, request="r-1", ground="other")
    access(story, 1)
    disclose(story, 1, 2)
    story.say(ev.EnquiryAbandoned, request="r-1")
    story.erase(1)
    return story


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_asked_at_a_size_depends_on_nothing_behind_it(name: str) -> None:
    story = eventful()
    sizes = [*range(0, story.log.size, 3), story.log.size]
    before = {size: story.ask(name, 100, size=size).digest() for size in sizes}
    assert len(set(before.values())) > 1
    story.declare_activity("scrape", "6(1)(a)", retention_days=9_000)
    story.gather(1, activity="scrape", minor="yes")
    story.say(ev.ConsentGiven, 1, 2, activity="scrape")
    story.say(ev.RetentionExpired, 1, 2, rule="all")
    story.say(ev.DataRestricted, 1, 2, store="faces")
    access(story, 1, 2)
    disclose(story, 1, 2, name="d-2")
    story.say(ev.EnquiryAnswered, request="r-0", outcome="fulfilled")
    story.enquire("r-2")
    story.post(ev.RecipientNotified(controller=CONTROLLER, disclosure="d-1"))
    story.erase(2)
    assert {size: story.ask(name, 100, size=size).digest() for size in sizes} == before


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_has_words_and_lines_that_are_a_set(name: str) -> None:
    answer = eventful().ask(name, 100)
    lines = list(answer.lines())
    assert len(lines) == len(set(lines)) == len(answer.rows) + answer.member_count
    assert answer.rows, "the story has something of everything"
    assert answer.digest() == digest_of(reversed(lines))
    assert answer.name == name
    assert all(WORDS[name])
    assert {one.group for one in answer.members()} <= set(table(answer))


def test_a_members_line_begins_with_its_handle_or_else_the_hash_of_its_id() -> None:
    story = eventful()
    lines = list(story.ask("retention", 100).lines())
    assert [line for line in lines if line.startswith(handle(2).encode() + b" ")] == [
        handle(2).encode() + b' {"entries":[15],"group":["past","collected","scrape"]}'
    ]
    lines = list(story.ask("enquiries", 100).lines())
    key = sha256(b'["enquiries","member","r-0"]').hexdigest()[:32].encode()
    assert sum(line.startswith(key + b" {") for line in lines) == 1
    key = sha256(b'["enquiries","row",["15","photo"]]').hexdigest()[:32].encode()
    assert key + b' {"counts":[1,0,0,1,0,0,0],"group":["15","photo"]}' in lines


def test_every_digest_depends_on_rows_and_on_who_stands_in_them() -> None:
    def told(number: int, categories: tuple[str, ...]) -> Answer:
        story = Inquiry()
        story.gather(number, categories=categories)
        return story.ask("collection")

    digests = [told(*given).digest() for given in ((1, ("user.name",)), (2, ("user.name",)), (1, ("user",)))]
    assert len({one.digest for one in digests}) == 3
