"""What the examples of erasing share: how an eraser of the deletion kit is put together and called.

    erasing_….py OUTBOX BLINDING_KEY WHERE ID…

OUTBOX is a folder that `writ outbox OUTBOX send` has made: that process sends what these put.
"""

from collections.abc import Sequence
from pathlib import Path

from ledger.keyfiles import read_blinding_key
from ledger.kit.deeds import Grounds, Holding, keep_in
from ledger.kit.erasing import Eraser, Outcome, Store
from ledger.outbox.store import Outbox

CONTROLLER = "clearview"


def erase(store: Store, name: str, grounds: Grounds, outbox: Path, key: Path, ids: Sequence[str]) -> Outcome:
    """Carry out what an earlier run was killed at, then erase some more."""
    with Outbox.open(outbox) as waiting:
        holding = Holding(
            controller=CONTROLLER,
            store=name,
            namespace=name,
            source=waiting.source,
            key=read_blinding_key(key),
        )
        with Eraser(waiting, store, holding, keep_in(outbox / "receipts")) as eraser:
            return eraser.resume() + eraser.erase(ids, grounds)


def report(outcome: Outcome) -> int:
    """Say what became of each id; 1 if something that was to go is there."""
    for id in outcome.erased:
        print(f"erased   {id}")
    for id in outcome.absent:
        print(f"absent   {id}")
    for id, error in outcome.failed:
        print(f"failed   {id}: {error}")
    return 1 if outcome.failed else 0
