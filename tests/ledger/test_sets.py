"""The ledger's own sets over HTTP: what is live in a store and what an order had erased there, at any size;
who may ask, and what a client believes of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from ledger import kept, remote_sets, sets
from ledger.config import Database
from ledger.failure import Failure
from ledger.remote import Dishonest, RefusedByService, RemoteLog
from ledger.remote_sets import erased_set, ledger_lines, ledger_set, stores
from ledger.set_wire import COUNT, DIGEST, SIZE
from signing.setdigest import BUCKETS, EMPTY_BUCKET, bucket_hash, bucket_of, digest_of
from tests.ledger.lab import running_lab
from tests.ledger.test_export import CRAWLER, ORDER, Case, begin, line
from tests.ledger.test_orders import ENCODED, PROCESSOR, READER, get
from tests.projections.deeds import collected, deleted, handle, held


@pytest_asyncio.fixture
async def case(database: Database, tmp_path: Path) -> AsyncIterator[Case]:
    """Five copies held and ordered erased; then two of them erased, and one collected of whom nobody knows
    where he resides."""
    async with running_lab(database, tmp_path) as lab:
        case = await begin(lab)
        crawler = case.crawler
        await lab.post(crawler, [line(crawler, deleted(1, 3)), line(crawler, collected(7), 1)])
        yield case


def size_of(case: Case) -> int:
    assert case.lab.log.released is not None
    return case.lab.log.released.checkpoint.size


def lines(*numbers: int) -> list[bytes]:
    return sorted(handle(number).encode() for number in numbers)


async def test_the_set_of_a_store_is_its_live_copies_at_any_size(case: Case) -> None:
    log, size = case.remote(), size_of(case)
    now = await ledger_set(log, "people")
    assert (now.size, now.seen) == (size, digest_of(lines(0, 2, 4, 7)))
    want = [EMPTY_BUCKET] * BUCKETS
    for one in lines(0, 2, 4, 7):
        want[bucket_of(one)] = bucket_hash([one])
    assert list(now.hashes) == want
    # Before the one was collected, before the two were erased, and before anybody was held.
    for back, numbers in ((1, (0, 2, 4)), (2, (0, 1, 2, 3, 4)), (size, ())):
        then = await ledger_set(log, "people", size - back)
        assert (then.size, then.seen) == (size - back, digest_of(lines(*numbers)))


async def test_the_lines_of_buckets_are_those_that_were_hashed(case: Case) -> None:
    log = case.remote()
    now = await ledger_set(log, "people")
    wanted = [bucket_of(one) for one in lines(0, 2, 3)]
    found = await ledger_lines(log, now, [*wanted, 0])
    empty: dict[int, list[bytes]] = {0: [], bucket_of(lines(3)[0]): []}
    assert found == empty | {bucket_of(one): [one] for one in lines(0, 2)}
    # One bucket of many lines, beside others of the same leaf.
    before = await ledger_set(log, "people", now.size - 2)
    alike = [number for number in range(20_000) if handle(number)[:3] == handle(1)[:3]]
    await case.lab.post(case.crawler, [line(case.crawler, held(*alike))])
    after = await ledger_set(log, "people")
    bucket = bucket_of(handle(1).encode())
    inside = [one for one in lines(*alike) if bucket_of(one) == bucket]
    assert len(inside) < len(alike)
    assert await ledger_lines(log, after, [bucket]) == {bucket: inside}
    assert await ledger_lines(log, before, [bucket]) == {bucket: lines(1)}


async def test_many_buckets_are_asked_for_in_parts(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    log = case.remote()
    now = await ledger_set(log, "people")
    monkeypatch.setattr(remote_sets, "MAX_BUCKETS", 2)
    wanted = [bucket_of(one) for one in lines(0, 2, 4, 7)]
    found = await ledger_lines(log, now, wanted)
    assert sorted(one for each in found.values() for one in each) == lines(0, 2, 4, 7)


async def test_no_answer_has_more_lines_than_it_may(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = tuple(sorted(bucket_of(one) for one in lines(0, 2)))
    # As the projector's process, here.
    for name in ("_kept", "_runners", "_connections"):
        monkeypatch.setattr(kept, name, {})
    monkeypatch.setattr(sets, "MAX_LINES", 1)
    ask = (case.lab.service.database.service_dsn, "clearview", "people", size_of(case))
    assert await asyncio.to_thread(sets.set_lines, *ask, buckets) == sets.TooMany(2)
    # A bucket is answered whole, however full it is.
    assert await asyncio.to_thread(sets.set_lines, *ask, buckets[:1]) == min(lines(0, 2)) + b"\n"
    await asyncio.to_thread(kept.queried, ask[0], closed)


async def closed(conn: "asyncpg.Connection[asyncpg.Record]") -> None:
    await conn.close()


async def test_what_an_order_had_erased_from_a_store(case: Case) -> None:
    log, size = case.remote(), size_of(case)
    found = await erased_set(log, ORDER, "people")
    assert (found.size, found.seen) == (size, digest_of(lines(1, 3)))
    assert [one.encode() for one in found.handles] == lines(1, 3)
    assert (await erased_set(log, ORDER, "people", size - 2)).handles == ()
    # What came back is erased no more.
    await case.lab.post(case.crawler, [line(case.crawler, held(3))])
    assert (await erased_set(log, ORDER, "people")).handles == (handle(1),)
    assert (await erased_set(log, ORDER, "people", size)).handles == found.handles


async def test_what_was_erased_comes_page_by_page_of_one_size(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    await case.lab.post(case.crawler, [line(case.crawler, deleted(0, 2, 4))])
    size, path, found = size_of(case), f"orders/{ENCODED}/erased?store=people&limit=2", []
    while path:
        async with case.lab.session.get(URL(f"{case.lab.url}/{path}", encoded=True)) as response:
            found += (await response.text()).splitlines()
            head = response.headers
            assert (head[SIZE], head[COUNT]) == (str(size), "5")
            following = str(response.links["next"]["url"]) if "next" in response.links else ""
        path = following.partition("/clearview/")[2]
        # The log grows between pages.
        await case.lab.post(case.crawler, [line(case.crawler, held(0))])
    assert found == [one.decode() for one in lines(0, 1, 2, 3, 4)]
    monkeypatch.setattr(remote_sets, "MAX_HANDLES", 2)
    again = await erased_set(case.remote(), ORDER, "people", size)
    assert list(again.handles) == found


async def test_a_store_is_told_as_it_was_declared(case: Case) -> None:
    found = await stores(case.remote())
    assert list(found) == ["people"]
    one = found["people"]
    assert (one.operator_key, one.namespace, one.kind, one.retired) == (CRAWLER, "people", "live", None)
    assert one.blinding_commitment == "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


WRONG = {
    "stores/none/set": (404, None),
    "stores/none/set/lines?buckets=00af": (404, None),
    "stores/people/set?size=99999": (400, "size"),
    "stores/people/set?size=-1": (400, "size"),
    "stores/people/set?size=01": (400, "size"),
    "stores/people/set/lines": (400, "buckets"),
    "stores/people/set/lines?buckets=00AF": (400, "buckets"),
    "stores/people/set/lines?buckets=00af0": (400, "buckets"),
    "stores/people/set/lines?buckets=00af,00af": (400, "buckets"),
    "stores/people/set/lines?buckets=1c2d,00af": (400, "buckets"),
    "stores/people/set/lines?buckets=" + ",".join(f"{n:04x}" for n in range(1_001)): (400, "buckets"),
    f"orders/{ENCODED}/erased": (400, "store"),
    f"orders/{ENCODED}/erased?store=No": (400, "store"),
    f"orders/{ENCODED}/erased?store=none": (404, None),
    f"orders/{ENCODED}/erased?store=people&after=x": (400, "after"),
    f"orders/{ENCODED}/erased?store=people&limit=0": (400, "limit"),
    f"orders/{ENCODED}/erased?store=people&limit=100001": (400, "limit"),
    f"orders/{ENCODED}/erased?store=people&as_of=yesterday": (400, "as_of"),
    "orders/ico.example%2Fnone/erased?store=people": (404, None),
}


async def test_what_can_not_be_answered_is_refused_by_its_field(case: Case) -> None:
    for path, (status, field) in WRONG.items():
        found, body = await get(case.lab, path)
        assert (found, json.loads(body).get("field")) == (status, field), path


async def test_sets_need_a_reader_unless_reading_is_public(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path, public_reading=False) as lab:
        await begin(lab)
        await lab.register_token("auditor2.example", READER, role="reader")
        await lab.register_token("crm.clearview.example", PROCESSOR, role="processor")
        for path in (
            "stores",
            "stores/people/set",
            "stores/people/set/lines?buckets=00af",
            f"orders/{ENCODED}/erased?store=people",
        ):
            found = [(await get(lab, path, secret))[0] for secret in (None, "x", PROCESSOR, READER)]
            assert found == [401, 401, 403, 200], path


Lie = Callable[[bytes, dict[str, str]], bytes]


@asynccontextmanager
async def between(case: Case, lie: Lie) -> AsyncIterator[RemoteLog]:
    """The same log, behind somebody who changes what it says."""

    async def forward(request: web.Request) -> web.Response:
        url = URL(case.lab.service.url + request.raw_path, encoded=True)
        async with case.lab.session.get(url) as response:
            said = {
                name: response.headers[name] for name in (SIZE, COUNT, DIGEST) if name in response.headers
            }
            body = lie(await response.read(), said)
            return web.Response(status=response.status, body=body, headers=said)

    app = web.Application()
    app.add_routes([web.get("/{path:.+}", forward)])
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        key = case.lab.log.keys.log.verifier
        yield RemoteLog(session, str(server.make_url("")), key, patience_s=1.0)


def other_count(body: bytes, said: dict[str, str]) -> bytes:
    said[COUNT] = str(int(said[COUNT]) + 1)
    return body


def other_size(body: bytes, said: dict[str, str]) -> bytes:
    said[SIZE] = str(int(said[SIZE]) - 1)
    return body


def no_digest(body: bytes, said: dict[str, str]) -> bytes:
    del said[DIGEST]
    return body


def shorter(body: bytes, said: dict[str, str]) -> bytes:
    return body[:-33]


def other_hash(body: bytes, said: dict[str, str]) -> bytes:
    return sha256(body).digest() + body[32:]


def another_line(body: bytes, said: dict[str, str]) -> bytes:
    return body + b"f" * 32 + b"\n"


def twice(body: bytes, said: dict[str, str]) -> bytes:
    return body * 2


async def test_a_client_believes_no_set_that_does_not_fit_together(case: Case) -> None:
    size = size_of(case)
    for lie, error in (
        (shorter, Failure),
        (other_hash, Dishonest),
        (no_digest, Failure),
        (other_size, Failure),
    ):
        async with between(case, lie) as log:
            with pytest.raises(error):
                await ledger_set(log, "people", size)
    honest = await ledger_set(case.remote(), "people", size)
    buckets = [bucket_of(one) for one in lines(0, 2)]
    for lie, error in ((shorter, Dishonest), (another_line, Failure), (twice, Dishonest)):
        async with between(case, lie) as log:
            with pytest.raises(error):
                await ledger_lines(log, honest, buckets)
    erased = (shorter, Dishonest), (another_line, Dishonest), (twice, Failure), (other_count, Dishonest)
    for lie, error in (*erased, (no_digest, Failure), (other_size, Failure)):
        async with between(case, lie) as log:
            with pytest.raises(error):
                await erased_set(log, ORDER, "people", size)


async def test_a_refusal_reaches_whoever_asks(case: Case) -> None:
    with pytest.raises(RefusedByService, match="has no store none"):
        await ledger_set(case.remote(), "none")
