"""Members of counts: what is listed is what was counted, on any history and with any page."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.case import Case
from projections.finding import Finding
from projections.members import list_members
from projections.order import Obligation
from projections.tally import Member, Page, Tally
from projections.verdict import judge
from signing.setdigest import digest_of
from tests.projections.story import Story, cease_gb, erase_gb, handle, replace_scope

NUMBERS = st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True)
STORES = st.sampled_from(["faces", "index", "undeclared"])
PLACES = st.sampled_from(["GB", "FR", "", None])
DEEDS = st.one_of(
    st.tuples(st.just("hold"), NUMBERS, STORES, PLACES),
    st.tuples(st.just("collect"), NUMBERS, STORES, st.sampled_from(["GB", "FR", ""])),
    st.tuples(st.just("erase"), NUMBERS, STORES, st.sampled_from(["purge", "soft", "clear"])),
    st.tuples(st.just("derive"), NUMBERS, NUMBERS, st.just("all")),
)
INCLUDE = st.sets(st.sampled_from(["derived", "backups"]))
UNKNOWN = st.sampled_from(["in_scope", "report", "out_of_scope"])


def told(deeds: list[Any], include: set[Any], unknown: Any) -> Case:
    """A history with an order in the middle of it."""
    story = Story()
    half = len(deeds) // 2
    do(story, deeds[:half])
    scope = replace_scope(unknown_residency=unknown)
    erase = erase_gb(scope=scope, include=tuple(sorted(include)), min_method="purge")
    story.order(erase, cease_gb(scope=scope))
    do(story, deeds[half:])
    story.attest("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    return story.case(40)


def do(story: Story, deeds: list[Any]) -> None:
    for what, numbers, where, how in deeds:
        if what == "hold":
            story.hold(*numbers, store=where, residency=how)
        elif what == "collect":
            story.collect(*numbers, store=where, residency=how)
        elif what == "erase":
            story.erase(*numbers, store=where, method=how, irrecoverable=how != "soft")
        else:
            story.derive(sorted(n + 100 for n in numbers), sorted(where))


def pages(case: Case, obligation: Obligation, name: str, limit: int) -> Iterator[Page]:
    """Every page of a count's members."""
    after: Member | None = None
    while True:
        page = list_members(case, obligation, name, after, limit)
        yield page
        if page.is_last():
            return
        after = page.members()[-1]


def findings(case: Case) -> Iterator[tuple[Obligation, Finding]]:
    return zip(case.order.obligations, judge(case).findings, strict=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(DEEDS, max_size=8), INCLUDE, UNKNOWN, st.integers(1, 7))
def test_as_many_are_listed_as_were_counted(
    deeds: list[Any], include: set[Any], unknown: Any, limit: int
) -> None:
    case = told(deeds, include, unknown)
    for obligation, finding in findings(case):
        for name, count in finding.counts.items():
            found = [page.members() for page in pages(case, obligation, name, limit)]
            listed = [member for page in found for member in page]
            assert len(listed) == count, name
            assert listed == sorted(listed), name
            assert all(len(set(page)) == limit for page in found[:-1]), name


@settings(max_examples=20, deadline=None)
@given(st.lists(DEEDS, max_size=8), INCLUDE, UNKNOWN)
def test_the_list_of_live_copies_has_their_digest(deeds: list[Any], include: set[Any], unknown: Any) -> None:
    case = told(deeds, include, unknown)
    obligation, finding = next(findings(case))
    (page,) = pages(case, obligation, "live", 1_000)
    lines = [f"{member.handle} {member.store}".encode() for member in page.members()]
    assert digest_of(lines).digest == finding.digests["live"]


def test_copies_are_listed_by_handle_and_collections_by_entry() -> None:
    story = Story()
    story.hold(1, 2)
    story.hold(3, residency="FR")
    story.order(erase_gb(), cease_gb())
    again = [story.collect(2), story.collect(2)]
    case = story.case()
    erase, cease = case.order.obligations
    assert members(case, erase, "live") == [Member(handle(1), "faces"), Member(handle(2), "faces")]
    assert members(case, erase, "out_of_scope") == [Member(handle(3), "faces")]
    assert members(case, cease, "collected") == [Member(handle(2), "faces", index) for index in again]
    assert members(case, erase, "no such count") == []


def members(case: Case, obligation: Obligation, name: str) -> list[Member]:
    return list_members(case, obligation, name, None, 100).members()


def test_a_page_holds_little_however_much_is_told() -> None:
    page = Page("live", None, 3)
    tally = Tally(page)
    for number in reversed(range(1_000)):
        tally.add("live", [handle(number)], "faces")
        tally.add("erased", [handle(number)], "faces")
        assert len(page._held) <= 6
    assert [one.handle for one in page.members()] == [handle(0), handle(1), handle(2)]
    assert not page.is_last()
    assert tally.counts(["live", "erased", "none"]) == {"live": 1_000, "erased": 1_000, "none": 0}


def test_who_is_counted_twice_is_listed_twice() -> None:
    page = Page("used", Member(handle(1)), 2)
    tally = Tally(page)
    tally.add("used", [handle(number) for number in (2, 1, 3, 2)])
    assert page.members() == [Member(handle(2)), Member(handle(2)), Member(handle(3))]
    assert (page.is_last(), tally["used"]) == (True, 4)
