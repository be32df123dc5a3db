"""A set that changes from size to size: what would be new with some lines more and others less."""

from projections.changing import Changing, Joined
from signing.setdigest import digest_of

ONE, OTHER, THIRD = (f"{number:032x}".encode() for number in (1, 0x123 << 116, 3))


def test_the_parts_together_give_the_digest_of_the_set() -> None:
    joined, parts = Joined(), (Changing(), Changing())
    for part, line in zip(parts, (ONE, OTHER), strict=True):
        joined.take(*part.change([line]))
    assert joined.seen == digest_of([ONE, OTHER])
    joined.take(*parts[0].change([ONE, THIRD]))
    assert joined.seen == digest_of([OTHER, THIRD])
    joined.take(*parts[0].change([THIRD]))
    assert joined.seen == digest_of([OTHER])


def test_a_difference_is_tried_and_leaves_the_set_as_it_was() -> None:
    joined, part = Joined(), Changing()
    joined.take(*part.change([ONE]))
    nodes = part.with_difference([THIRD], [ONE])
    assert nodes is not None
    assert joined.digest(nodes) == digest_of([THIRD]).digest
    assert joined.seen == digest_of([ONE])
    assert (ONE in part, THIRD in part) == (True, False)
    assert part.change([OTHER])[1].keys() == {0x12}


def test_what_is_there_does_not_come_and_what_is_not_does_not_go() -> None:
    part = Changing()
    part.change([ONE])
    assert part.with_difference([ONE], []) is None
    assert part.with_difference([], [OTHER]) is None
    assert part.with_difference([], []) == {}
