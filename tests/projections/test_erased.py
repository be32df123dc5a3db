"""What an order had erased from a store, asked for at all sizes of a log together: what may change it."""

from projections.erased import erased_in, erased_sets
from signing.setdigest import digest_of
from tests.projections.story import AUTHORITY, COMPANY, Story, erase_gb, handle, replace_scope


def sets(story: Story, store: str = "faces") -> list[list[str]]:
    """The sets that there were, one after another, however they are asked for."""
    case = story.case()
    sizes = range(story.log.size + 1)
    alone = [erased_in(case.moved(case.issued, as_of=0, size=size), store) for size in sizes]
    digests = {
        (store, size): digest_of(map(str.encode, found)) for size, found in zip(sizes, alone, strict=True)
    }
    assert erased_sets(case, digests) == digests
    assert erased_sets(story.put_away(case), digests) == digests
    return [found for size, found in enumerate(alone) if not size or found != alone[size - 1]]


def test_it_came_back_and_went_again() -> None:
    story = Story()
    story.hold(1, 2)
    story.order(erase_gb())
    story.erase(1)
    story.hold(1)
    story.erase(1, 2)
    assert sets(story) == [[], [handle(1)], [], [handle(1), handle(2)]]


def test_where_they_reside_is_said_afterwards() -> None:
    story = Story()
    story.hold(1, 2, residency=None)
    story.order(erase_gb())
    story.erase(1, 2)
    story.residency(1, "US", "declared", by=AUTHORITY)
    assert sets(story) == [[], [handle(1), handle(2)], [handle(2)]]


def test_where_the_person_resides_of_whose_image_it_was_made() -> None:
    story = Story()
    story.hold(1, residency=None)
    story.derive([101], [1])
    story.order(erase_gb())
    story.erase(101, store="index")
    story.residency(1, "US", "declared", by=AUTHORITY)
    assert sets(story, "index") == [[], [handle(101)], []]


def test_the_store_is_declared_only_afterwards() -> None:
    story = Story(stores=("faces",))
    story.hold(1, store="late")
    story.order(erase_gb())
    story.erase(1, store="late")
    story.declare("late")
    assert sets(story, "late") == [[], [handle(1)]]


def test_who_erased_is_said_to_have_lost_his_key() -> None:
    story = Story()
    story.hold(1)
    story.order(erase_gb())
    story.erase(1)
    story.revoke(COMPANY, "2025-12-01T00:00:00Z")
    assert sets(story) == [[], [handle(1)], []]


def test_that_it_is_a_childs_is_said_afterwards_of_another_copy() -> None:
    story = Story()
    story.hold(1, minor="no")
    story.order(erase_gb(scope=replace_scope(minors="only")))
    story.erase(1)
    story.hold(1, store="index", minor="yes", residency=None)
    assert sets(story) == [[], [handle(1)]]
