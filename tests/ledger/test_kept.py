"""What the projector's process keeps: a log in memory that grows with the stored one, whoever folds that."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from ledger import judging, kept
from ledger.config import Database
from ledger.judging import Asked, OrderStatus
from projections.case import Case
from projections.runners import live
from projections.survey import Survey
from projections.verdict import judge
from tests.projections.story import DAY_S, ORDER, START_S, Story, cease_gb, erase_gb
from tests.projections.test_live import LOG, write

NOW = START_S + 20 * DAY_S


class Growing:
    """A story whose log is stored as it is told."""

    def __init__(self, dsn: str, conn: asyncpg.Connection) -> None:
        self.dsn = dsn
        self.conn = conn
        self.story = Story(stores=("faces",))
        self._stored = 0

    async def store(self) -> None:
        """Store what was told since."""
        await write(self.conn, self.story.log, self._stored)
        self._stored = self.story.log.size

    async def status(self, now: int = NOW, **how: int) -> OrderStatus:
        found = await asyncio.to_thread(judging.status, self.dsn, LOG, ORDER, Asked(now, **how), "")
        assert found is not None
        return found

    def judged(self, now: int = NOW) -> Any:
        """What a reader of the whole log says of it."""
        fold = self.story.fold()
        (issued,) = fold.docket.orders
        size = self.story.log.size
        return judge(Case(fold.holdings, fold.docket, fold.edges, issued, as_of=now, size=size))


@pytest_asyncio.fixture
async def growing(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Growing]:
    """Sixty records in scope and an order. This process keeps nothing from before."""
    for name in ("_kept", "_runners", "_connections"):
        monkeypatch.setattr(kept, name, {})
    conn = await asyncpg.connect(database.service_dsn)
    growing = Growing(database.service_dsn, conn)
    for number in range(1, 61):
        growing.story.hold(number)
    growing.story.order(erase_gb(), cease_gb())
    await growing.store()
    yield growing
    await conn.close()
    await asyncio.to_thread(kept.queried, database.service_dsn, close)


async def close(connection: asyncpg.Connection) -> None:
    await connection.close()


def assert_same(status: OrderStatus, judgment: Any) -> None:
    said = {one.id: (one.verdict, one.counts, one.digests) for one in status.statement.obligations}
    assert {one.obligation: (one.verdict, one.counts, set(one.digests)) for one in judgment.findings} == {
        name: (verdict, counts, set(digests)) for name, (verdict, counts, digests) in said.items()
    }
    assert [list(listed) for name, listed in status.exceptions if name] == [
        list(one.irregularities) for one in judgment.findings
    ]


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many parts of the population have been walked since it was asked last."""
    parts: list[Survey] = []
    fresh = Survey.fresh

    def counted(self: Survey) -> Survey:
        parts.append(self)
        return fresh(self)

    def since() -> int:
        found = len(parts)
        parts.clear()
        return found

    monkeypatch.setattr(Survey, "fresh", counted)
    return since


async def test_only_what_is_new_is_judged_again(growing: Growing, walked: Callable[[], int]) -> None:
    assert_same(await growing.status(), growing.judged())
    assert walked() == 2 * 60
    for number in (7, 8):
        growing.story.erase(number)
        await growing.store()
        assert_same(await growing.status(), growing.judged())
        assert walked() == 2 * 1
    assert_same(await growing.status(NOW + 1), growing.judged(NOW + 1))
    assert walked() == 0


async def test_few_states_are_walked_each_time(growing: Growing, walked: Callable[[], int]) -> None:
    growing.story.hold(*range(200, 900))
    await growing.store()
    for number in (200, 201):
        growing.story.erase(number)
        await growing.store()
        assert_same(await growing.status(), growing.judged())
        assert walked() == 0


async def test_what_another_process_folded_is_taken_too(growing: Growing, walked: Callable[[], int]) -> None:
    await growing.status()
    for number in range(1, 21):
        growing.story.erase(number)
    await growing.store()
    await live.catch_up(growing.conn, LOG)
    walked()
    assert_same(await growing.status(), growing.judged())
    assert walked() == 2 * 20


async def test_earlier_moments_and_sizes_disturb_nothing(growing: Growing, walked: Callable[[], int]) -> None:
    await growing.status()
    size = growing.story.log.size
    growing.story.erase(1)
    await growing.store()
    assert (await growing.status(size=size)).statement.obligations[0].counts["live"] == 60
    assert (await growing.status(as_of=NOW + 400 * DAY_S)).statement.obligations[0].verdict == "breached"
    walked()
    assert (await growing.status()).statement.obligations[0].counts["live"] == 59
    assert walked() == 2 * 1


async def test_requests_that_overtake_each_other_see_one_moment(growing: Growing) -> None:
    first = await growing.status(NOW + 2)
    assert (await growing.status(NOW)).statement.as_of == first.statement.as_of == NOW + 2
    # Somebody has set the clock.
    assert (await growing.status(NOW - 3_600)).statement.as_of == NOW - 3_600


async def test_what_breaks_off_leaves_nothing_half_taken(
    growing: Growing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await growing.status()
    growing.story.erase(1)
    growing.story.erase(2)
    await growing.store()
    read_facts, calls = live.read_facts, iter((True, False, True))

    async def torn(*how: Any) -> Any:
        facts = await read_facts(*how)
        if next(calls):
            return facts  # the first call folds into Postgres
        return [*facts[:1], msgspec.structs.replace(facts[1], event=None)]

    with monkeypatch.context() as broken:
        broken.setattr(live, "read_facts", torn)
        with pytest.raises(AttributeError):
            await growing.status()
    assert_same(await growing.status(), growing.judged())
