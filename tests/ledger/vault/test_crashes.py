"""The vault killed between each two steps: nothing is lost, and nothing is claimed that was not done."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.config import Database
from tests.ledger.command_line import running_session
from tests.ledger.killed import spread
from tests.ledger.processes import many
from tests.ledger.vault.keeping import KEEPER, Keeping
from tests.projections.evidence import ORDER

FIRST, SECOND = "certificate\n", "log\n"


class Vaults:
    """One vault after the other beside the same log."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._made = 0

    def next(self) -> Keeping:
        """A vault that is not there yet."""
        self._made += 1
        folder = self._keeping.vault / f"vault-{self._made}"
        folder.mkdir(parents=True)
        return Keeping(self._keeping.session, self._keeping.key, folder / "vault")


@pytest_asyncio.fixture
async def vaults(database: Database, tmp_path: Path) -> AsyncIterator[Vaults]:
    async with running_session(database, tmp_path, public=True) as session:
        yield Vaults(Keeping(session, await session.register(KEEPER, "controller"), tmp_path))


async def erasing(vaults: Vaults) -> tuple[Keeping, list[str]]:
    """A vault with two documents under one key, of which the first is to be erased."""
    keeping = vaults.next()
    return keeping, await keeping.keep(FIRST, SECOND)


@pytest.mark.parametrize("kills", many(6, 150))
async def test_erasing(vaults: Vaults, kills: int) -> None:
    keeping, pieces = await erasing(vaults)
    lines = await keeping.killed(0, "erase", "--piece", pieces[0])
    assert lines is not None
    reached = set()
    for line in spread(lines, kills):
        keeping, (first, second) = await erasing(vaults)
        old = keeping.key_of(first)
        await keeping.killed(line, "erase", "--piece", first)
        # As the kill left it: whoever opens the vault finishes what it has decided.
        is_there = old in keeping.key_ids()
        said = Counter(await keeping.said())
        reached.add((said["requested", (first,)], is_there, said["erased", (first,)]))
        # Asked for before it is destroyed, and destroyed before it is said to be.
        assert is_there or said["requested", (first,)] == 1, line
        assert not is_there or said["erased", (first,)] == 0, line
        assert keeping.content(second) == SECOND, line
        # Whatever is done next, what was begun is finished; what was not begun, not.
        await keeping.run("erase")
        said = Counter(await keeping.said())
        assert said["requested", (first,)] == said["erased", (first,)] == (old not in keeping.key_ids()), line
        assert (first in keeping.pieces()) == (old in keeping.key_ids()), line
        assert keeping.content(second) == SECOND, line
        assert keeping.pieces() <= {first, second}, line
    assert len(reached) >= min(kills, 3), "the kills came in the middle"


@pytest.mark.parametrize("kills", many(4, 100))
async def test_keeping(vaults: Vaults, kills: int) -> None:
    keeping = vaults.next()
    words = ("--order", ORDER, "--kind", "certificate")
    lines = await keeping.killed(0, "keep", str(keeping.document(FIRST)), *words)
    assert lines is not None
    reached = set()
    for line in spread(lines, kills):
        keeping = vaults.next()
        document = keeping.document(FIRST)
        await keeping.killed(line, "keep", str(document), *words)
        # What the log has been told is kept is there, whole.
        said = await keeping.said() if (keeping.vault / "memory").exists() else []
        reached.add(len(said))
        for _, names in said:
            assert [keeping.content(name) for name in names] == [FIRST], line
        # Kept again or for the first time: nothing stays that nobody speaks of, and nothing is said twice.
        await keeping.run("keep", str(document), *words)
        said = await keeping.said()
        told = [name for word, names in said if word == "kept" for name in names]
        assert set(told) == keeping.pieces(), line
        assert len(told) == len(set(told)) in (1, 2), line
    assert reached == {0, 1}, "the kills came in the middle"
