"""Trees against RFC 6962 read word for word, for every size up to 300 where that is cheap."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import (
    EMPTY_RANGE,
    EMPTY_ROOT,
    CompactRange,
    FormatError,
    ProofError,
    decode_frontier,
    encode_frontier,
    grow,
    leaf_hash,
    leaf_hashes_of,
    merge,
    range_of,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.signing.mutating import flips
from tests.signing.reference import consistency_proof, inclusion_path, tree_hash

LARGEST = 300
LEAVES = [leaf_hash(b"%d" % number) for number in range(LARGEST)]


@cache
def root(size: int) -> bytes:
    return tree_hash(LEAVES[:size])


def test_hashes_have_their_prefixes() -> None:
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hashes_of([b"", b"1"]) == [leaf_hash(b""), leaf_hash(b"1")]


def test_root_of_every_size() -> None:
    for size in range(LARGEST + 1):
        assert root_of(range_of(0, LEAVES[:size])) == root(size)


def test_every_split_merges_to_the_whole() -> None:
    for size in range(70):
        whole = range_of(0, LEAVES[:size])
        for middle in range(size + 1):
            assert merge(range_of(0, LEAVES[:middle]), range_of(middle, LEAVES[middle:size])) == whole


@given(st.lists(st.integers(0, LARGEST), min_size=3, max_size=6))
def test_ranges_merge_wherever_they_begin(cuts: list[int]) -> None:
    begin, *middles, end = sorted(cuts)
    joined = range_of(begin, [])
    last = begin
    for cut in (*middles, end):
        joined = merge(joined, range_of(last, LEAVES[last:cut]))
        last = cut
    assert joined == range_of(begin, LEAVES[begin:end])


def test_growth_from_every_size_to_every_size() -> None:
    for old in range(68):
        before = range_of(0, LEAVES[:old])
        for size in range(old, 68):
            growth = grow(before, LEAVES[old:size])
            assert (growth.frontier, growth.root) == (range_of(0, LEAVES[:size]), root(size))
            assert growth.completed(2) == [
                root_of(range_of(0, LEAVES[at : at + 4])) for at in _fours(old, size)
            ]


def _fours(old: int, size: int) -> range:
    return range(old // 4 * 4, size // 4 * 4, 4)


def test_growth_proves_every_new_leaf() -> None:
    for old, size in ((0, 1), (0, 5), (1, 2), (7, 33), (255, 258), (0, 300), (200, 300), (128, 129)):
        growth = grow(range_of(0, LEAVES[:old]), LEAVES[old:size])
        for index in range(old, size):
            assert list(growth.prove(index)) == inclusion_path(index, LEAVES[:size])
        for index in (old - 1, size):
            with pytest.raises(ProofError):
                growth.prove(index)


def test_every_inclusion_proof_verifies_and_no_other_index_does() -> None:
    for size in range(1, 34):
        for index in range(size):
            path = inclusion_path(index, LEAVES[:size])
            verify_inclusion(LEAVES[index], index, size, path, root(size))
            for wrong in range(-1, size + 1):
                if wrong != index:
                    with pytest.raises(ProofError):
                        verify_inclusion(LEAVES[index], wrong, size, path, root(size))


def test_every_leaf_of_every_size_is_proved_and_verified() -> None:
    for size in range(1, LARGEST + 1):
        growth = grow(EMPTY_RANGE, LEAVES[:size])
        for index in range(size):
            verify_inclusion(LEAVES[index], index, size, growth.prove(index), root(size))


def test_every_size_is_consistent_with_the_sizes_before() -> None:
    for size in range(1, LARGEST + 1):
        for old in range(1, size + 1, 1 if size < 64 else 11):
            verify_consistency(old, size, consistency_proof(old, LEAVES[:size]), root(old), root(size))


def test_a_consistency_proof_of_other_sizes_is_refused() -> None:
    for size in range(2, 20):
        for old in range(1, size):
            proof = consistency_proof(old, LEAVES[:size])
            for wrong in range(size + 1):
                if wrong != old:
                    with pytest.raises(ProofError):
                        verify_consistency(wrong, size, proof, root(wrong), root(size))


@pytest.mark.parametrize(("index", "size"), [(0, 2), (6, 11), (10, 11), (255, 300), (299, 300)])
def test_every_flipped_byte_of_an_inclusion_proof_is_caught(index: int, size: int) -> None:
    path = inclusion_path(index, LEAVES[:size])
    for at, node in enumerate(path):
        for false in flips(node):
            with pytest.raises(ProofError):
                verify_inclusion(LEAVES[index], index, size, [*path[:at], false, *path[at + 1 :]], root(size))
    for shape in (
        path[:-1],
        [*path, path[0]],
        [path[0][:31], *path[1:]],
        path[::-1] if len(path) > 1 else [],
    ):
        with pytest.raises(ProofError):
            verify_inclusion(LEAVES[index], index, size, shape, root(size))


@pytest.mark.parametrize(("old", "size"), [(1, 2), (3, 7), (4, 8), (6, 11), (200, 300), (256, 300)])
def test_every_flipped_byte_of_a_consistency_proof_is_caught(old: int, size: int) -> None:
    proof = consistency_proof(old, LEAVES[:size])
    for at, node in enumerate(proof):
        for false in flips(node):
            with pytest.raises(ProofError):
                verify_consistency(old, size, [*proof[:at], false, *proof[at + 1 :]], root(old), root(size))
    for false in flips(root(old)):
        with pytest.raises(ProofError):
            verify_consistency(old, size, proof, false, root(size))
    for shape in ([], proof[:-1], [*proof, proof[0]], [proof[0] + b"\0", *proof[1:]]):
        with pytest.raises(ProofError):
            verify_consistency(old, size, shape, root(old), root(size))


def test_a_byte_moved_from_one_hash_to_its_sibling_is_caught() -> None:
    """Hashes are joined before they are hashed: 33 and 31 bytes make the same parent as 32 and 32."""
    left, right = LEAVES[:2]
    with pytest.raises(ProofError, match="32 bytes"):
        verify_inclusion(left + right[:1], 0, 2, [right[1:]], root(2))
    with pytest.raises(ProofError, match="32 bytes"):
        verify_consistency(1, 2, [right[1:]], left + right[:1], root(2))


def test_a_root_of_a_smaller_tree_does_not_pass_for_a_greater_one() -> None:
    with pytest.raises(ProofError, match="too short"):
        verify_consistency(4, 16, consistency_proof(4, LEAVES[:8]), root(4), root(8))
    with pytest.raises(ProofError, match="too short"):
        verify_inclusion(LEAVES[3], 3, 16, inclusion_path(3, LEAVES[:8]), root(8))


def test_size_zero_never_enters_consistency() -> None:
    with pytest.raises(ProofError):
        verify_consistency(0, 5, [], EMPTY_ROOT, root(5))
    with pytest.raises(ProofError):
        verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)


def test_equal_sizes_are_consistent_only_with_equal_roots_and_no_proof() -> None:
    verify_consistency(5, 5, [], root(5), root(5))
    for proof, other in (([root(1)], root(5)), ([], root(4))):
        with pytest.raises(ProofError):
            verify_consistency(5, 5, proof, root(5), other)


@given(st.integers(0, LARGEST))
def test_frontier_survives_its_text(size: int) -> None:
    frontier = range_of(0, LEAVES[:size])
    assert decode_frontier(size, encode_frontier(frontier)) == frontier


def test_frontier_of_another_size_is_refused() -> None:
    text = encode_frontier(range_of(0, LEAVES[:7]))
    for size in (0, 6, 8, 15):
        with pytest.raises(FormatError):
            decode_frontier(size, text)


def test_a_frontier_is_largest_first() -> None:
    assert encode_frontier(EMPTY_RANGE) == ""
    assert range_of(0, LEAVES[:7]).nodes == (root(4), tree_hash(LEAVES[4:6]), LEAVES[6])


def test_ranges_that_do_not_touch_or_begin_late_are_refused() -> None:
    with pytest.raises(ProofError):
        merge(range_of(0, LEAVES[:3]), range_of(4, LEAVES[4:5]))
    with pytest.raises(ProofError):
        root_of(CompactRange(1, 2, (LEAVES[1],)))
