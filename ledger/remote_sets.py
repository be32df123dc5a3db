"""The ledger's own sets, asked of a service: what it has live in a store, and what an order had erased there.

What comes back is checked against what was said of it: bucket hashes against the digest, lines against the
hashes, erased handles against count and digest. Whether the digest is the log's own, a replay tells.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ledger.failure import Failure
from ledger.remote import MAX_ANSWER_BYTES, Answer, Dishonest, RemoteLog
from ledger.set_wire import COUNT, DIGEST, MAX_BUCKETS, MAX_HANDLES, MAX_LINES, SIZE, StoreLine
from signing.encoding import decode_base64, parse_decimal
from signing.errors import FormatError
from signing.handle import is_handle
from signing.setdigest import BUCKETS, BucketTree, SetDigest, bucket_hash, bucket_of, digest_of

HASH_BYTES: Final = 32
LINE_BYTES: Final = 33
SET_BYTES: Final = BUCKETS * HASH_BYTES
LINES_AT_ONCE: Final = MAX_LINES // 2
"""Few enough that no such answer is refused: buckets are as full as each other."""


class LedgerSet(Struct, frozen=True):
    """The handles of a store's live copies at `size`, as far as two parties compare them in one round."""

    store: str
    size: int
    seen: SetDigest
    hashes: tuple[bytes, ...]


class ErasedSet(Struct, frozen=True):
    """The handles erased from a store as an order asks, at `size`: all of them, sorted."""

    order: str
    store: str
    size: int
    seen: SetDigest
    handles: tuple[str, ...]


async def stores(log: RemoteLog) -> dict[str, StoreLine]:
    """The stores that were declared, by their names."""
    answer = await log.get("stores")
    try:
        found = msgspec.json.decode(answer.body, type=list[StoreLine])
    except msgspec.MsgspecError as error:
        raise Failure(f"{log.url}/stores is no list of stores: {error}") from error
    return {one.store: one for one in found}


async def ledger_set(log: RemoteLog, store: str, size: int | None = None) -> LedgerSet:
    """What the ledger has live in a store at `size`; at the log's own size where it is left out."""
    path = f"stores/{quote(store, safe='')}/set{_query(size=size)}"
    answer = await log.get(path, SET_BYTES)
    if len(answer.body) != SET_BYTES:
        raise Failure(f"{log.url}/{path} is {len(answer.body)} bytes, not {BUCKETS} hashes")
    place, seen = _said(log, path, answer, size)
    hashes = tuple(answer.body[at : at + HASH_BYTES] for at in range(0, SET_BYTES, HASH_BYTES))
    if BucketTree(hashes).digest() != seen.digest:
        raise Dishonest(f"{log.url}/{path}: the hashes do not give the digest that is named")
    return LedgerSet(store, place, seen, hashes)


async def ledger_lines(log: RemoteLog, ours: LedgerSet, buckets: Sequence[int]) -> dict[int, list[bytes]]:
    """The handles of some buckets of that set, as its hashes have them."""
    found: dict[int, list[bytes]] = {}
    for some in _batches(sorted(set(buckets)), ours.seen.count):
        named = ",".join(f"{bucket:04x}" for bucket in some)
        path = f"stores/{quote(ours.store, safe='')}/set/lines?buckets={named}&size={ours.size}"
        answer = await log.get(path, max(MAX_ANSWER_BYTES, 2 * MAX_LINES * LINE_BYTES))
        found.update({bucket: [] for bucket in some})
        for line in answer.body.splitlines():
            try:
                found[bucket_of(line)].append(line)
            except (FormatError, KeyError) as error:
                raise Failure(f"{log.url}/{path}: {line[:40]!r} was not asked for") from error
        for bucket in some:
            _require_lines(log, bucket, found[bucket], ours.hashes[bucket])
    return found


async def erased_set(log: RemoteLog, order: str, store: str, size: int | None = None) -> ErasedSet:
    """The handles erased from a store as an order asks, at `size`; at the log's own where it is left out."""
    base = f"orders/{quote(order, safe='')}/erased"
    handles: list[str] = []
    first: tuple[int, SetDigest] | None = None
    while True:
        after = handles[-1] if handles else None
        place = size if first is None else first[0]
        path = base + _query(store=store, size=place, after=after, limit=MAX_HANDLES)
        answer = await log.get(path, MAX_HANDLES * LINE_BYTES)
        said, page = _said(log, path, answer, place), answer.body.decode("utf-8", "replace").splitlines()
        if first not in (None, said) or page != sorted(set(page)) or not all(map(is_handle, page)):
            raise Failure(f"{log.url}/{path} is no page of the same handles: ask again")
        if after is not None and page and page[0] <= after:
            raise Failure(f"{log.url}/{path} begins again at {page[0]}")
        first = said
        handles += page
        if not answer.following or not page:
            break
    found = digest_of(handle.encode() for handle in handles)
    if found != first[1]:
        raise Dishonest(f"{log.url}/{base}: the handles do not give the count and digest that are named")
    return ErasedSet(order, store, first[0], found, tuple(handles))


def _require_lines(log: RemoteLog, bucket: int, lines: list[bytes], hashed: bytes) -> None:
    try:
        is_same = bucket_hash(lines) == hashed
    except FormatError:
        is_same = False
    if not is_same:
        raise Dishonest(f"{log.url}: the lines of bucket {bucket:04x} do not give the hash that was named")


def _said(log: RemoteLog, path: str, answer: Answer, size: int | None) -> tuple[int, SetDigest]:
    """Size, count and digest, as the head of an answer has them."""
    try:
        place = parse_decimal(answer.headers.get(SIZE, ""), maximum=2**62, what=SIZE)
        count = parse_decimal(answer.headers.get(COUNT, ""), maximum=2**62, what=COUNT)
        digest = decode_base64(answer.headers.get(DIGEST, ""))
    except FormatError as error:
        raise Failure(f"{log.url}/{path} does not say what it is: {error}") from error
    if size not in (None, place):
        raise Failure(f"{log.url}/{path} answers for size {place}")
    return place, SetDigest(count, digest)


def _batches(buckets: Sequence[int], count: int) -> Iterator[Sequence[int]]:
    each = max(1, min(MAX_BUCKETS, LINES_AT_ONCE * BUCKETS // max(count, 1)))
    return (buckets[at : at + each] for at in range(0, len(buckets), each))


def _query(**given: object) -> str:
    said = {name: quote(str(value), safe="") for name, value in given.items() if value is not None}
    return "?" + "&".join(f"{name}={value}" for name, value in said.items()) if said else ""
