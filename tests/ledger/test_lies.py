"""Five lies about the demonstration's real estate, each found by an auditor who looks, and named by handle.

Every story goes on: once the lie is made good, the next look agrees.
"""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from ledger.config import Database
from ledger.demo import company
from ledger.demo.estate import PEOPLE, STATISTICS
from tests.ledger import lying
from tests.ledger.lying import Beginning, Story, blinded

DISAGREES = ("inventory.disagrees", PEOPLE)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def begun(
    server: Database, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Beginning]:
    """The estate, loaded once."""
    async with lying.beginning(server, template, tmp_path_factory.mktemp("begun")) as made:
        yield made


@pytest_asyncio.fixture
async def story(begun: Beginning, server: Database, tmp_path: Path) -> AsyncIterator[Story]:
    """A company of this test's own."""
    async with lying.story(begun, server, tmp_path) as told:
        yield told


async def test_the_truth_agrees(story: Story) -> None:
    """Or nothing that is found below would mean anything."""
    await story.erase()
    for store in (PEOPLE, STATISTICS):
        found = await story.look(store)
        assert (found["agrees"], found["orphans"], found["missing"]) == (True, [], [])
    assert await story.gaps() == set()


async def test_one_row_less_is_deleted_than_is_claimed(story: Story) -> None:
    kept = (await story.britons())[0]
    conn = await asyncpg.connect(story.dsn)
    (spared,) = await conn.fetch("SELECT * FROM people WHERE player_id = $1", kept)
    gone = await company.erase(conn)
    await conn.execute(company.RESTORE_PERSON, tuple(spared))
    await conn.close()
    for store, rows in gone.items():
        await story.claim(store, rows)
    found = await story.look(PEOPLE)
    assert (found["orphans"], found["missing"]) == ([blinded(PEOPLE, kept)], [])
    assert found["native_ids"] == {blinded(PEOPLE, kept): kept}
    assert await story.gaps() >= {DISAGREES, ("copy.orphan", PEOPLE)}
    assert await story.listed("orphans") == await story.listed("reappeared") == [blinded(PEOPLE, kept)]
    assert (await story.probe(PEOPLE))["found"] == {blinded(PEOPLE, kept): kept}
    await story.really(f"DELETE FROM people WHERE player_id = '{kept}'")
    assert (await story.look(PEOPLE))["agrees"]
    assert DISAGREES not in await story.gaps()


async def test_a_copy_is_kept_in_a_second_table(story: Story) -> None:
    """No inventory of the store finds it: that is no key of it. A probe of the whole database does."""
    kept = await story.britons()
    await story.really(f"CREATE TABLE archive AS {company.A_FEW_BRITONS}")
    await story.erase()
    assert (await story.look(PEOPLE))["agrees"]
    assert (await story.probe(PEOPLE))["found"] == {}
    found = await story.probe(PEOPLE, "--everywhere")
    assert found["found"] == {blinded(PEOPLE, one): one for one in kept[:3]}
    assert set(found["places"]) == set(found["found"])
    assert all("archive.player_id" in place for places in found["places"].values() for place in places)
    assert ("probe.found", PEOPLE) in await story.gaps()
    await story.really("DROP TABLE archive")
    assert (await story.probe(PEOPLE, "--everywhere"))["found"] == {}
    assert ("probe.found", PEOPLE) not in await story.gaps()


async def test_an_old_dump_is_restored(story: Story) -> None:
    conn, dump = await asyncpg.connect(story.dsn), io.BytesIO()
    await conn.copy_from_query(company.A_FEW_BRITONS, output=dump)
    back = (await story.britons())[:3]
    await story.erase()
    assert (await story.look(PEOPLE))["agrees"]
    dump.seek(0)
    await conn.copy_to_table("people", source=dump)
    await conn.close()
    found = await story.look(PEOPLE)
    assert found["orphans"] == sorted(blinded(PEOPLE, one) for one in back)
    assert await story.gaps() >= {DISAGREES, ("copy.orphan", PEOPLE)}
    assert await story.listed("reappeared") == found["orphans"]
    assert sorted((await story.probe(PEOPLE))["found"]) == found["orphans"]
    # Owned up to, the order is open again; erased again, it is not.
    await story.say(lambda told: map(told.reappeared, back))
    assert (await story.counts())["live"] == (await story.counts())["reopened"] == 3
    await story.erase()
    assert (await story.look(PEOPLE))["agrees"]
    assert (await story.counts())["live"] == 0


async def test_a_row_is_added_behind_the_ledgers_back(story: Story) -> None:
    await story.erase()
    await story.really("INSERT INTO people VALUES ('smithjo99', 'United Kingdom', 'John Smith')")
    found = await story.look(PEOPLE)
    assert (found["orphans"], found["missing"]) == ([blinded(PEOPLE, "smithjo99")], [])
    assert found["native_ids"] == {blinded(PEOPLE, "smithjo99"): "smithjo99"}
    assert await story.gaps() >= {DISAGREES, ("copy.orphan", PEOPLE)}
    # Nobody ever spoke of it, so nothing of it was erased: a probe looks for what was.
    assert await story.listed("orphans") == [blinded(PEOPLE, "smithjo99")]
    assert await story.listed("reappeared") == []
    assert (await story.probe(PEOPLE))["found"] == {}


async def test_it_is_erased_in_the_log_only(story: Story) -> None:
    conn = await asyncpg.connect(story.dsn)
    rows = await conn.fetch(
        "SELECT player_id FROM people WHERE NOT birth_country = ANY($1)", company.ELSEWHERE
    )
    await conn.close()
    await story.claim(PEOPLE, rows)
    found = await story.look(PEOPLE)
    assert found["orphans"] == sorted(blinded(PEOPLE, row["player_id"]) for row in rows)
    assert len(found["orphans"]) > 100
    assert await story.gaps() >= {DISAGREES, ("copy.orphan", PEOPLE)}
    assert await story.listed("reappeared") == found["orphans"]
    assert sorted((await story.probe(PEOPLE))["found"]) == found["orphans"]
