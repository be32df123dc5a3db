"""Standing questions about use, requests and recipients, over real events."""

from projections import events as ev
from tests.projections.asked import Inquiry, access, disclose, named, table
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import handle


def test_use_after_an_objection_is_told_with_both_entries() -> None:
    story = Inquiry()
    story.gather(*range(1, 6))
    access(story, *range(1, 6))
    raised = story.say(ev.ObjectionRaised, 1, 2, 3, request="r-1", ground="particular_situation")
    undecided = access(story, 1, 4)
    upheld = story.say(ev.ObjectionUpheld, 1, request="r-1", ground="particular_situation")
    story.say(ev.ObjectionRefused, 2, request="r-1", ground="compelling_grounds")
    used = access(story, 1, 2, 4)
    answer = story.ask("use-after-objection")
    assert table(answer) == {("undecided", "accessed"): (1, 1), ("upheld", "accessed"): (1, 1)}
    assert named(answer, "undecided", "accessed") == {handle(1): (raised, undecided)}
    assert named(answer, "upheld", "accessed") == {handle(1): (upheld, used)}
    access(story, 1)
    assert table(story.ask("use-after-objection"))["upheld", "accessed"] == (1, 2)


def test_a_refusal_ends_its_own_objection_only() -> None:
    story = Inquiry()
    story.gather(1)
    for request in ("r-1", "r-2"):
        story.say(ev.ObjectionRaised, 1, request=request, ground="other")
    story.say(ev.ObjectionRefused, 1, request="r-1", ground="other")
    access(story, 1)
    assert table(story.ask("use-after-objection")) == {("undecided", "accessed"): (1, 1)}
    story.say(ev.ObjectionRefused, 1, request="r-2", ground="other")
    access(story, 1)
    assert table(story.ask("use-after-objection")) == {("undecided", "accessed"): (1, 1)}


def test_use_under_a_restriction_is_told_until_it_is_lifted_everywhere() -> None:
    story = Inquiry()
    story.gather(1, 2)
    in_faces = story.say(ev.DataRestricted, 1, store="faces")
    in_index = story.say(ev.DataRestricted, 1, store="index")
    story.say(ev.DataUnrestricted, 1, store="faces")
    probe = {"actor": "customer-17", "actor_country": "US", "probe": handle(99)}
    matched = story.say(ev.DataMatched, 1, 2, **probe)
    story.say(ev.DataUnrestricted, 1, store="index")
    story.say(ev.DataMatched, 1, 2, **probe)
    answer = story.ask("use-after-objection")
    assert in_faces < in_index
    assert table(answer) == {("restricted", "matched"): (1, 1)}
    assert named(answer, "restricted", "matched") == {handle(1): (in_index, matched)}


def test_use_from_another_country_is_told_by_whose_data_and_from_where() -> None:
    story = Inquiry()
    story.gather(1, 2, residency=("GB",), residency_basis="metadata")
    story.gather(3, residency=("US",), residency_basis="metadata")
    story.gather(4)
    used = access(story, 1, 2, 3, 4)
    access(story, 1, country="GB")
    answer = story.ask("use-abroad")
    assert table(answer) == {
        ("GB", "US", "accessed"): (2, 2),
        # Where nobody knows where somebody lives, nobody can say that it was his own country.
        ("unknown", "US", "accessed"): (1, 1),
    }
    assert named(answer, "GB", "US", "accessed") == {handle(1): (used,), handle(2): (used,)}
    # Where she moved afterwards is not where she was.
    story.residency(1, "US", "registration")
    assert table(story.ask("use-abroad"))["GB", "US", "accessed"] == (2, 2)
    story.say(ev.DataDisclosed, 1, country="PA", disclosure="d-1", public=False, recipient="police.example")
    assert table(story.ask("use-abroad"))["GB", "PA", "disclosed"] == (1, 1)


def test_enquiries_are_told_by_what_was_demanded_first() -> None:
    story = Inquiry()
    received = story.enquire("r-1")
    story.enquire("r-2")
    asked = story.demand("r-2", "id_document", "photo")
    story.enquire("r-3", right="21")
    story.wait(10)
    answered = story.say(ev.EnquiryAnswered, request="r-1", outcome="fulfilled")
    gave_up = story.say(ev.EnquiryAbandoned, request="r-2")
    answer = story.ask("enquiries", 20)
    rows = table(answer)
    assert rows["15", "nothing"][:5] == (1, 1, 0, 0, 0)
    median_s, longest_s = rows["15", "nothing"][5:]
    assert median_s == longest_s == 10 * 86_400 + 4
    assert rows["15", "photo+id_document"] == (1, 0, 0, 1, 0, 0, 0)
    assert rows["21", "nothing"] == (1, 0, 0, 0, 0, 0, 0)
    assert named(answer, "15", "nothing") == {"r-1": (received, answered)}
    assert named(answer, "15", "photo+id_document")["r-2"][1:] == (asked, gave_up)
    assert table(story.ask("enquiries", 31))["21", "nothing"] == (1, 0, 0, 0, 1, 0, 0)


def test_an_answer_that_came_late_is_told_and_an_extension_counts_only_in_time() -> None:
    story = Inquiry()
    for request in ("late", "put-off", "put-off-late"):
        story.enquire(request)
    put_off = {"due_at": story.time_in(90), "ground": "complexity"}
    story.say(ev.EnquiryExtended, request="put-off", **put_off)
    story.wait(40)
    story.say(ev.EnquiryExtended, request="put-off-late", **put_off)
    story.say(ev.EnquiryAnswered, request="late", outcome="partial")
    assert table(story.ask("enquiries", 50))["15", "nothing"][:5] == (3, 1, 1, 0, 1)
    assert table(story.ask("enquiries", 100))["15", "nothing"][:5] == (3, 1, 1, 0, 2)


def test_what_happens_after_the_end_of_an_enquiry_changes_nothing() -> None:
    story = Inquiry()
    story.enquire("r-1")
    story.say(ev.EnquiryAbandoned, request="r-1")
    story.demand("r-1", "photo")
    story.say(ev.EnquiryAnswered, request="r-1", outcome="fulfilled")
    assert table(story.ask("enquiries", 90)) == {("15", "nothing"): (1, 0, 0, 1, 0, 0, 0)}


def test_the_time_to_answer_is_that_of_half_of_them_and_of_the_slowest() -> None:
    story = Inquiry()
    for number in range(3):
        story.enquire(f"r-{number}")
    for number, days in enumerate((1, 4, 15)):
        story.wait(days)
        story.say(ev.EnquiryAnswered, request=f"r-{number}", outcome="fulfilled")
    median_s, longest_s = table(story.ask("enquiries"))["15", "nothing"][5:]
    assert (median_s // 86_400, longest_s // 86_400) == (5, 20)


def test_disclosures_whose_recipients_were_not_told_of_an_erasure() -> None:
    story = Inquiry()
    story.gather(1, 2, 3)
    to = ("police.example", "US")
    shared = disclose(story, 1, 2, 3)
    assert table(story.ask("disclosures")) == {("nothing_to_tell", *to): (1, 0)}
    early = story.post(ev.RecipientNotified(controller=CONTROLLER, disclosure="d-1"))
    erased = story.erase(1, 2)
    answer = story.ask("disclosures")
    assert table(answer) == {("told_before", *to): (1, 2)}
    assert named(answer, "told_before", *to) == {"d-1": (shared, early, erased)}
    told = story.post(ev.RecipientNotified(controller=CONTROLLER, disclosure="d-1"))
    answer = story.ask("disclosures")
    assert named(answer, "notified", *to) == {"d-1": (shared, erased, told)}
    # Another record was objected to since: he does not know of it.
    story.say(ev.ObjectionUpheld, 3, request="r-1", ground="other")
    assert table(story.ask("disclosures")) == {("told_before", *to): (1, 3)}


def test_a_disclosure_is_not_told_of_what_happened_before_it() -> None:
    story = Inquiry()
    story.gather(1, 2)
    story.say(ev.DataRestricted, 1, store="faces")
    disclose(story, 1, name="d-1")
    assert table(story.ask("disclosures")) == {("nothing_to_tell", "police.example", "US"): (1, 0)}
    story.say(ev.DataRestricted, 1, store="faces")
    disclose(story, 2, name="d-2")
    assert table(story.ask("disclosures")) == {
        ("nothing_to_tell", "police.example", "US"): (1, 0), ("not_told", "police.example", "US"): (1, 1),
    }  # fmt: skip
