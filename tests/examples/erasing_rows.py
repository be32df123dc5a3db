"""Erase rows of a table on Postgres, and tell the ledger.

    python -m tests.examples.erasing_rows OUTBOX BLINDING_KEY postgresql://… ID…

The rows and the event leave in one transaction, so there is nothing to resume: killed before the commit,
nothing has happened. `writ outbox OUTBOX send --from postgresql://…` takes the event from there.
"""

import asyncio
import sys
from pathlib import Path

import asyncpg

from ledger.keyfiles import read_blinding_key
from ledger.kit.deeds import Grounds, Holding, keep_in
from ledger.kit.rows import erase_rows
from ledger.outbox.store import Outbox
from tests.examples.erasing import CONTROLLER

GROUNDS = Grounds(cause="order", cause_ref="ico.example/en-2022-1", method="clear")
ERASE = "DELETE FROM people WHERE id = ANY($1) RETURNING id"
LOOK = "SELECT id FROM people WHERE id = ANY($1)"


async def erase(outbox: Path, key: Path, url: str, ids: list[int]) -> list[str]:
    """Erase people by their ids; returns the handles of those who were there."""
    with Outbox.open(outbox) as waiting:
        source = waiting.source
    blinding = read_blinding_key(key)
    holding = Holding(controller=CONTROLLER, store="people", namespace="people", source=source, key=blinding)
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            return await erase_rows(
                connection, holding, GROUNDS, keep_in(outbox / "receipts"), ERASE, LOOK, ids
            )
    finally:
        await connection.close()


def main(outbox: str, key: str, url: str, *ids: str) -> int:
    """Erase, and say how many there were."""
    erased = asyncio.run(erase(Path(outbox), Path(key), url, [int(id) for id in ids]))
    print(f"erased   {len(erased)} of {len(ids)}; the others were not there")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
