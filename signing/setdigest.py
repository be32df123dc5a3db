"""Set digests: one hash for a set of lines, which anyone can recompute with `sort` and `sha256sum`.

    9ab4a73d9c91c354f6229177203bd834          a copy in one store: the record's handle

Bucket b (0 to 65535) holds the lines that begin with b's four hex digits, sorted bytewise, each with its
newline; its hash is the SHA-256 of those bytes. The digest is the RFC 6962 root over the 65,536 bucket
hashes. So only touched buckets are hashed again, partitions by prefix merge, two parties find where they
differ in one round, and a bucket with its path proves that a line is, or is not, in the set.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from signing.errors import FormatError, ProofError
from signing.merkle import leaf_hash, node_hash, verify_inclusion

BUCKETS: Final = 65_536
EMPTY_BUCKET: Final = sha256(b"").digest()

DEPTH: Final = 16
_PREFIX: Final = re.compile(rb"[0-9a-f]{4}")
_REBUILD_FROM: Final = 4_096
"""With this many touched buckets, hashing whole levels beats walking up from each."""


class SetDigest(msgspec.Struct, frozen=True):
    """How many lines a set has, and its digest."""

    count: int
    digest: bytes


class BucketProof(msgspec.Struct, frozen=True):
    """All lines of one bucket and its path to the digest: what shows presence, and absence."""

    bucket: int
    lines: tuple[bytes, ...]
    path: tuple[bytes, ...]


HashedBuckets = tuple[int, dict[int, bytes]]
"""How many lines, and the hash of each bucket that has any."""


def digest_of(lines: Iterable[bytes]) -> SetDigest:
    """Digest a set of distinct lines, in any order."""
    return digest_in_parts([lines])


def digest_in_parts(parts: Iterable[Iterable[bytes]]) -> SetDigest:
    """Digest a set that comes in parts, of which each bucket belongs to one alone: no more than one part is
    held at a time."""
    return digest_of_hashed(map(hash_buckets, parts))


def hash_buckets(lines: Iterable[bytes]) -> HashedBuckets:
    """How many lines there are, and the hashes of their buckets."""
    buckets: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for line in lines:
        buckets[line[:4]].append(line)
    hashes = {bucket_of(prefix): bucket_hash(members) for prefix, members in buckets.items()}
    return sum(map(len, buckets.values())), hashes


def digest_of_hashed(parts: Iterable[HashedBuckets]) -> SetDigest:
    """The digest of a set whose parts were hashed, of which each bucket belongs to one alone."""
    tree, count = BucketTree(), 0
    for lines, hashes in parts:
        tree.update(hashes)
        count += lines
    return SetDigest(count, tree.digest())


def bucket_root(lines: Iterable[bytes]) -> bytes:
    """What one bucket's lines are in the tree: its leaf."""
    return leaf_hash(bucket_hash(lines))


def joined_root(nodes: Sequence[bytes | None], height: int) -> bytes:
    """The root over so many subtrees (a power of two) of one height, side by side; None: an empty one.

    A bucket has height 0, the whole set `DEPTH`.
    """
    found = [_empty_nodes()[height] if node is None else node for node in nodes]
    while len(found) > 1:
        pairs = zip(found[::2], found[1::2], strict=True)
        found = [node_hash(left, right) for left, right in pairs]
    return found[0]


def copies_digest(lines: Iterable[bytes]) -> bytes:
    """The digest alone, as an inventory posts it beside its own count."""
    return digest_of(lines).digest


def bucket_of(line: bytes) -> int:
    """The bucket in which a line belongs."""
    if not _PREFIX.match(line):
        raise FormatError(f"line {line[:40]!r} does not begin with four lower-case hex digits")
    return int(line[:4], 16)


def bucket_hash(lines: Iterable[bytes]) -> bytes:
    """Hash one bucket's lines: `sort | sha256sum`."""
    ordered = sorted(lines)
    if not ordered:
        return EMPTY_BUCKET
    whole = b"\n".join(ordered) + b"\n"
    if whole.count(b"\n") != len(ordered):
        raise FormatError(f"a line of bucket {ordered[0][:4]!r} has a newline in it")
    if len(set(ordered)) != len(ordered):
        raise FormatError(f"a line of bucket {ordered[0][:4]!r} is there twice: a set has it once")
    return sha256(whole).digest()


def differing_buckets(ours: Sequence[bytes], theirs: Sequence[bytes]) -> list[int]:
    """The buckets whose hashes differ: where two parties need to compare lines."""
    pairs = zip(ours, theirs, strict=True)
    return [bucket for bucket, (mine, other) in enumerate(pairs) if mine != other]


def merge_bucket_hashes(parts: Iterable[Sequence[bytes]]) -> list[bytes]:
    """Join the bucket hashes of partitions, of which each bucket belongs to one alone."""
    merged = [EMPTY_BUCKET] * BUCKETS
    for part in parts:
        for bucket in differing_buckets(part, _empty_hashes()):
            if merged[bucket] != EMPTY_BUCKET:
                raise FormatError(f"bucket {bucket:04x} has lines in two partitions: part by handle prefix")
            merged[bucket] = part[bucket]
    return merged


def verify_presence(line: bytes, proof: BucketProof, digest: bytes) -> None:
    """Return only if the line is in the set with this digest."""
    _verify_bucket(line, proof, digest)
    if line not in proof.lines:
        raise ProofError(f"line {line[:40]!r} is not in its bucket: the set does not have it")


def verify_absence(line: bytes, proof: BucketProof, digest: bytes) -> None:
    """Return only if the line is not in the set with this digest."""
    _verify_bucket(line, proof, digest)
    if line in proof.lines:
        raise ProofError(f"line {line[:40]!r} is in its bucket: the set has it")


class BucketTree:
    """The tree over 65,536 bucket hashes, rehashed only where it changed. It knows no lines.

    Or the subtree of a lesser height, over those buckets alone: as `joined_root` takes it.
    """

    def __init__(self, hashes: Sequence[bytes] | None = None, height: int = DEPTH) -> None:
        """Begin with the empty set, or with these bucket hashes."""
        self._height = height
        self._hashes = [EMPTY_BUCKET] * (1 << height)
        # Untouched subtrees share one object a level: an empty tree is 1 MB of references.
        self._levels = [[node] * (1 << height - at) for at, node in enumerate(_empty_nodes()[: height + 1])]
        if hashes is not None:
            self.update(dict(enumerate(hashes)))

    @property
    def hashes(self) -> Sequence[bytes]:
        """The hash of each bucket: the 2 MB in which two parties find their differences."""
        return self._hashes

    def update(self, changes: dict[int, bytes]) -> None:
        """Set the hashes of some buckets."""
        touched = {bucket for bucket, new in changes.items() if self._hashes[bucket] != new}
        for bucket in touched:
            self._hashes[bucket] = changes[bucket]
            self._levels[0][bucket] = leaf_hash(changes[bucket])
        if len(touched) >= _REBUILD_FROM:
            self._rebuild()
            return
        for height in range(self._height):
            below, above = self._levels[height], self._levels[height + 1]
            touched = {node >> 1 for node in touched}
            for node in touched:
                above[node] = node_hash(below[2 * node], below[2 * node + 1])

    def digest(self) -> bytes:
        """The digest of the whole set."""
        return self._levels[self._height][0]

    def path(self, bucket: int) -> tuple[bytes, ...]:
        """The inclusion proof of one bucket's hash."""
        return tuple(self._levels[height][(bucket >> height) ^ 1] for height in range(self._height))

    def _rebuild(self) -> None:
        for height in range(self._height):
            nodes = iter(self._levels[height])
            pairs = zip(nodes, nodes, strict=True)
            self._levels[height + 1] = [sha256(b"\x01" + left + right).digest() for left, right in pairs]


class BucketDigest:
    """A set of lines that keeps its digest as lines come and go."""

    def __init__(self, lines: Iterable[bytes] = (), hashed: HashedBuckets = (0, {})) -> None:
        """Begin with some distinct lines; and with buckets of which only the hashes are there, for good."""
        self._buckets: dict[bytes, set[bytes]] = {}
        self._touched: set[bytes] = set()
        self._tree = BucketTree()
        self.count, self._closed = hashed
        self._tree.update(self._closed)
        for line in lines:
            self.add(line)

    def __contains__(self, line: bytes) -> bool:
        return line in self._buckets.get(line[:4], ())

    def add(self, line: bytes) -> None:
        """Add a line that is not in the set."""
        prefix = line[:4]
        members = self._buckets.get(prefix)
        if members is None:
            if bucket_of(line) in self._closed:
                raise FormatError(f"of bucket {prefix.decode()} only the hash is there: it takes no lines")
            members = self._buckets[prefix] = set()
        if line in members or b"\n" in line:
            raise FormatError(f"line {line[:40]!r} is already in the set, or has a newline in it")
        members.add(line)
        self._touched.add(prefix)
        self.count += 1

    def remove(self, line: bytes) -> None:
        """Remove a line that is in the set."""
        if line not in self:
            raise FormatError(f"line {line[:40]!r} is not in the set")
        self._buckets[line[:4]].remove(line)
        self._touched.add(line[:4])
        self.count -= 1

    def lines(self, bucket: int) -> list[bytes]:
        """One bucket's lines, sorted."""
        if bucket in self._closed:
            raise FormatError(f"of bucket {bucket:04x} only the hash is there")
        return sorted(self._buckets.get(b"%04x" % bucket, ()))

    def bucket_hash(self, bucket: int) -> bytes:
        """One bucket's hash."""
        return self._fresh().hashes[bucket]

    def hashes(self) -> Sequence[bytes]:
        """Every bucket's hash."""
        return self._fresh().hashes

    def digest(self) -> SetDigest:
        """The count and digest of the set as it is now."""
        return SetDigest(self.count, self._fresh().digest())

    def merge(self, other: "BucketDigest") -> "BucketDigest":
        """The union of two sets that share no line, and of which all lines are there."""
        assert not (self._closed.keys() | other._closed.keys()), "hashes don't tell which lines there are"
        return BucketDigest(
            line for part in (self, other) for members in part._buckets.values() for line in members
        )

    def prove(self, line: bytes) -> BucketProof:
        """Prove that a line is in the set, or that it is not."""
        bucket = bucket_of(line)
        return BucketProof(bucket, tuple(self.lines(bucket)), self._fresh().path(bucket))

    def _fresh(self) -> BucketTree:
        touched, self._touched = self._touched, set()
        self._tree.update({int(prefix, 16): bucket_hash(self._buckets[prefix]) for prefix in touched})
        return self._tree


def _verify_bucket(line: bytes, proof: BucketProof, digest: bytes) -> None:
    if bucket_of(line) != proof.bucket:
        raise ProofError(f"proof is of bucket {proof.bucket:04x}, not that of line {line[:40]!r}")
    try:
        hashed = bucket_hash(proof.lines)
    except FormatError as error:
        raise ProofError(str(error)) from error
    verify_inclusion(leaf_hash(hashed), proof.bucket, BUCKETS, proof.path, digest)


@lru_cache(maxsize=1)
def _empty_nodes() -> tuple[bytes, ...]:
    """The root of an empty subtree at each height."""
    nodes = [leaf_hash(EMPTY_BUCKET)]
    for _ in range(DEPTH):
        nodes.append(node_hash(nodes[-1], nodes[-1]))
    return tuple(nodes)


@lru_cache(maxsize=1)
def _empty_hashes() -> tuple[bytes, ...]:
    return (EMPTY_BUCKET,) * BUCKETS
