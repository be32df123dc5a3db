"""What the projector's process says of an order, over the state it keeps: in parts as at once."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from ledger import judging, kept
from ledger.config import Database
from ledger.judging import Asked, MembersPage, NoSuchCount, OrderTimeline, Wanted
from projections import members
from projections.runners import live
from projections.tally import Member
from projections.timeline import Place
from tests.projections.story import DAY_S, ORDER, START_S, Story, cease_gb, erase_gb, handle
from tests.projections.test_live import LOG, write

END = START_S + 40 * DAY_S


@pytest_asyncio.fixture
async def dsn(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A log whose verdict changes with its entries and with time. This process keeps nothing from before."""
    monkeypatch.setattr(kept, "_kept", {})
    monkeypatch.setattr(judging, "_listed", {})
    story = Story(stores=("faces",))
    story.hold(*range(1, 30))
    story.order(erase_gb(), cease_gb())
    story.erase(*range(1, 20))
    story.log.now_us += 10 * DAY_S * 1_000_000
    story.collect(40)
    story.log.now_us += 25 * DAY_S * 1_000_000
    story.erase(*range(20, 30), 40)
    story.look("faces", by="auditor.example")
    connection = await asyncpg.connect(database.service_dsn)
    await write(connection, story.log)
    await live.catch_up(connection, LOG)
    await connection.close()
    yield database.service_dsn
    await asyncio.to_thread(kept.queried, database.service_dsn, close)


async def close(connection: asyncpg.Connection) -> None:
    await connection.close()


async def walked(dsn: str, begin: Place | None = None, end: int = END) -> OrderTimeline:
    found = await asyncio.to_thread(judging.timeline, dsn, LOG, ORDER, end, begin)
    assert found is not None
    return found


async def test_a_timeline_that_is_cut_short_goes_on_where_it_stopped(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await walked(dsn)
    assert whole.complete
    assert [(one.type, one.by, one.verdict) for one in whole.changes] == [
        ("writ.order.issued.v1", "ico.example", "outstanding"),
        ("writ.data.collected.v1", "systems.clearview.example", "breached"),
        ("deadline", "erase", "breached"),
        ("writ.data.deleted.v1", "systems.clearview.example", "breached"),
        ("writ.inventory.attested.v1", "auditor.example", "breached"),
    ]
    monkeypatch.setattr(judging, "PATIENCE_S", 0.0)
    parts = [await walked(dsn)]
    while not parts[-1].complete:
        parts.append(await walked(dsn, Place(parts[-1].as_of, parts[-1].size)))
        assert len(parts) < 50
    assert tuple(change for part in parts for change in part.changes) == whole.changes
    assert (len(parts) > 5, parts[-1].size) == (True, whole.size)
    assert (await walked(dsn, end=START_S - 1)).changes == ()


async def test_members_are_worked_out_ahead(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    walks: list[str] = []
    list_members = members.list_members

    def counted(*how: object) -> object:
        walks.append("walk")
        return list_members(*how)  # type: ignore[arg-type]

    monkeypatch.setattr(judging, "list_members", counted)
    for ahead, expected in ((5, 3), (1_000, 1)):
        monkeypatch.setattr(judging, "READ_AHEAD", ahead)
        walks.clear()
        found: list[Member] = []
        for _ in range(10):
            wanted = Wanted("erased_late", "", found[-1] if found else None, 4)
            page = await asyncio.to_thread(judging.members, dsn, LOG, ORDER, Asked(0, END), wanted)
            assert isinstance(page, MembersPage)
            found += page.members
            if page.is_last:
                break
        assert isinstance(page, MembersPage)
        assert [one.handle for one in found] == [handle(number) for number in (*range(20, 30), 40)]
        assert (page.counted, page.obligation, len(walks)) == (11, "erase", expected)
        monkeypatch.setattr(judging, "_listed", {})


async def test_an_amount_is_not_listed(dsn: str) -> None:
    wanted = Wanted("due_minor", "", None, 4)
    found = await asyncio.to_thread(judging.members, dsn, LOG, ORDER, Asked(0, END), wanted)
    assert isinstance(found, NoSuchCount)
    assert await asyncio.to_thread(judging.members, dsn, LOG, "x", Asked(0, END), wanted) is None
