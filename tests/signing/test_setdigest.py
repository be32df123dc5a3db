"""Set digests: incremental equals one-shot, partitions merge, differences are found, presence is proved."""

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing import (
    BucketDigest,
    BucketProof,
    BucketTree,
    FormatError,
    ProofError,
    bucket_hash,
    bucket_of,
    copies_digest,
    differing_buckets,
    digest_of,
    leaf_hash,
    merge_bucket_hashes,
    verify_absence,
    verify_presence,
)
from signing.setdigest import hash_buckets
from tests.signing.mutating import flips
from tests.signing.reference import tree_hash


def handles(count: int, seed: int = 1) -> list[bytes]:
    source = random.Random(seed)
    return [source.randbytes(16).hex().encode() for _ in range(count)]


LINES = handles(300)
# Few prefixes, so that buckets hold several lines.
CROWDED = st.builds(
    lambda prefix, rest: b"%04x%02x" % (prefix * 21845, rest), st.integers(0, 3), st.integers(0, 40)
)


def test_digest_against_the_slow_reference() -> None:
    buckets: list[list[bytes]] = [[] for _ in range(65_536)]
    for line in LINES:
        buckets[int(line[:4], 16)].append(line)
    expected = tree_hash([leaf_hash(bucket_hash(lines)) for lines in buckets])
    assert copies_digest(LINES) == expected
    assert digest_of(reversed(LINES)).digest == expected
    assert digest_of(LINES).count == 300


def test_a_bucket_is_what_sort_and_sha256sum_say(tmp_path: Path) -> None:
    lines = [b"00ff" + line for line in LINES]
    (tmp_path / "lines").write_bytes(b"".join(line + b"\n" for line in lines))
    said = subprocess.check_output("LC_ALL=C sort lines | sha256sum", shell=True, cwd=tmp_path, text=True)
    assert bucket_hash(lines).hex() == said.split()[0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(CROWDED, st.booleans()), max_size=60))
def test_incremental_equals_one_shot(steps: list[tuple[bytes, bool]]) -> None:
    kept: set[bytes] = set()
    digest = BucketDigest()
    for number, (line, look) in enumerate(steps):
        (digest.remove if line in kept else digest.add)(line)
        kept ^= {line}
        if look and number % 5 == 0:
            assert digest.digest() == digest_of(kept)
    assert digest.digest() == digest_of(kept)
    assert all((line in digest) == (line in kept) for line, _ in steps)


def test_many_touched_buckets_rebuild_to_the_same_tree() -> None:
    lines = handles(9_000)
    digest = BucketDigest(lines)
    whole = digest.digest()
    one_by_one = BucketTree()
    for bucket in {bucket_of(line) for line in lines}:
        one_by_one.update({bucket: digest.bucket_hash(bucket)})
    assert one_by_one.digest() == whole.digest == digest_of(lines).digest
    assert BucketTree(digest.hashes()).digest() == whole.digest


def test_a_set_emptied_has_the_empty_digest() -> None:
    digest = BucketDigest(LINES)
    assert digest.digest() == digest_of(LINES)
    for line in LINES:
        digest.remove(line)
    assert digest.digest() == digest_of([])


def test_what_is_there_by_its_hashes_alone_counts_and_stays() -> None:
    low, high = ([line for line in LINES if (line < b"8") is side] for side in (True, False))
    digest = BucketDigest(low, hash_buckets(high))
    assert digest.digest() == digest_of(LINES)
    digest.remove(low[0])
    assert digest.digest() == digest_of(line for line in LINES if line != low[0])
    for change in (digest.add, digest.remove):
        with pytest.raises(FormatError):
            change(high[0])
    with pytest.raises(FormatError, match="only the hash"):
        digest.prove(high[0])


def test_partitions_merge() -> None:
    low, high = ([line for line in LINES if (line < b"8") is side] for side in (True, False))
    parts = BucketDigest(low), BucketDigest(high)
    assert parts[0].merge(parts[1]).digest() == digest_of(LINES)
    assert BucketTree(merge_bucket_hashes(part.hashes() for part in parts)).digest() == copies_digest(LINES)
    with pytest.raises(FormatError, match="two partitions"):
        merge_bucket_hashes([parts[0].hashes(), parts[0].hashes()])


def test_differing_buckets_name_the_differing_lines() -> None:
    ours, theirs = BucketDigest(LINES), BucketDigest(LINES[3:])
    theirs.add(b"0123" + b"0" * 28)
    expected = {bucket_of(line) for line in LINES[:3]} | {0x0123}
    assert set(differing_buckets(ours.hashes(), theirs.hashes())) == expected
    assert differing_buckets(ours.hashes(), ours.hashes()) == []
    assert b"0123" + b"0" * 28 in theirs.lines(0x0123)


def test_presence_and_absence_are_proved_and_not_the_other_way_round() -> None:
    digest = BucketDigest(LINES)
    whole = digest.digest().digest
    for line in LINES[:20]:
        verify_presence(line, digest.prove(line), whole)
        with pytest.raises(ProofError):
            verify_absence(line, digest.prove(line), whole)
    for line in (*handles(20, seed=2), LINES[0][:31] + b"x"):
        verify_absence(line, digest.prove(line), whole)
        with pytest.raises(ProofError):
            verify_presence(line, digest.prove(line), whole)


def test_a_proof_altered_or_of_another_bucket_is_refused() -> None:
    digest = BucketDigest(LINES)
    whole, line = digest.digest().digest, LINES[0]
    proof = digest.prove(line)
    false = [
        BucketProof(proof.bucket, (), proof.path),
        BucketProof(proof.bucket, (*proof.lines, line), proof.path),
        BucketProof(proof.bucket, proof.lines, proof.path[:-1]),
        BucketProof(proof.bucket ^ 1, proof.lines, proof.path),
        digest.prove(LINES[1]),
        *(BucketProof(proof.bucket, proof.lines, (node, *proof.path[1:])) for node in flips(proof.path[0])),
    ]
    for wrong in false:
        for verify in (verify_presence, verify_absence):
            with pytest.raises(ProofError):
                verify(line, wrong, whole)
    with pytest.raises(ProofError):
        verify_presence(line, proof, digest_of(LINES[1:]).digest)


@pytest.mark.parametrize(
    "line", [b"", b"012", b"012G", b"ABCD", b"+123", b"0x12", b"1_23", b" 123", b"0123\n"]
)
def test_lines_without_a_bucket_or_with_a_newline_are_refused(line: bytes) -> None:
    with pytest.raises(FormatError):
        digest_of([line])
    with pytest.raises(FormatError):
        BucketDigest([line])


def test_a_set_has_a_line_once() -> None:
    with pytest.raises(FormatError, match="twice"):
        digest_of([LINES[0], LINES[0]])
    digest = BucketDigest(LINES)
    with pytest.raises(FormatError):
        digest.add(LINES[0])
    with pytest.raises(FormatError):
        digest.remove(handles(1, seed=3)[0])
    assert digest.digest() == digest_of(LINES)
