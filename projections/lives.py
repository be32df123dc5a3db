"""Lives of a copy: what its moves amount to at some size of the log.

A copy is live from the moment anybody says it is there until the store's own operator says that it is
irrecoverably erased. A copy that appears again afterwards begins a new life.
"""

from bisect import bisect_left
from collections.abc import Mapping
from operator import itemgetter
from typing import Literal

from msgspec import Struct

from projections.docket import Docket, Store
from projections.holdings import Move

State = Literal["absent", "live", "erased"]

# NIST SP 800-88 ranks clear < purge < destroy; cryptographic erase is one of its purge techniques.
METHOD_RANK: Mapping[str, int] = {
    "soft": 0,
    "clear": 1,
    "purge": 2,
    "crypto_erase": 2,
    "retrain": 3,
    "destroy": 3,
}


class Copy(Struct, frozen=True):
    """One copy at one size. `erasure` is the move that ended its last life; `misfits` had no effect.

    `begun` is the entry at which its last life began. `spans` are its ended lives, by recorded time (us);
    what was held when the ledger began, began at 0. `ended` are the same by entry.
    """

    state: State
    lives: int = 0
    erasure: Move | None = None
    collections: tuple[Move, ...] = ()
    misfits: tuple[tuple[str, Move], ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    begun: int = -1
    ended: tuple[tuple[int, int], ...] = ()

    def life_at(self, index: int) -> int:
        """The entry at which the life began that the copy was leading at `index`; -1 when it led none."""
        if self.state == "live" and index > self.begun:
            return self.begun
        at = bisect_left(self.ended, index, key=itemgetter(0)) - 1
        begun, ended = self.ended[at] if at >= 0 else (-1, -1)
        return begun if index < ended else -1

    @property
    def erased_from(self) -> int | None:
        """The entry from which on it was erased, whenever it was not live; None: it never was."""
        orphans = (move.index for rule, move in self.misfits if rule == "erasure.orphan")
        return min((*(ended for _, ended in self.ended[:1]), *orphans), default=None)


ABSENT = Copy("absent")


def read_copy(
    moves: tuple[Move, ...], store: Store | None, docket: Docket, gone: Mapping[int, int], size: int
) -> Copy:
    """Follow the moves below `size`. `gone` are the discredited posters (`docket.discredited`).

    Rules by name: `erasure.foreign` (only the key named as the store's operator erases from it),
    `erasure.recoverable` (soft, or not irrecoverable, or a versioned or locked store keeps it),
    `erasure.orphan` (what was erased had never been held: the ledger is incomplete),
    `erasure.compromised` (said under a key that was no longer to be believed). What such a key said to be
    there stays: that is no way to make a copy vanish.
    """
    state: State = "absent"
    lives = 0
    erasure: Move | None = None
    collections: list[Move] = []
    misfits: list[tuple[str, Move]] = []
    spans: list[tuple[int, int]] = []
    ended: list[tuple[int, int]] = []
    began_us, begun = 0, -1
    for move in moves:
        if move.index >= size:
            break
        if move.kind == "erased":
            fault = _fault(move, store, docket, gone, state)
            if fault is not None:
                misfits.append((fault, move))
            if fault in (None, "erasure.orphan") and state != "erased":
                if state == "live":
                    spans.append((began_us, move.time_us))
                    ended.append((begun, move.index))
                state, erasure = "erased", move
        elif move.kind != "failed":
            if move.kind == "collected":
                collections.append(move)
            if state != "live":
                # An opening balance claims no time of collection: it was in every backup made before.
                began_us = 0 if move.kind == "held" and not lives else move.time_us
                state, lives, erasure, begun = "live", lives + 1, None, move.index
    return Copy(state, lives, erasure, tuple(collections), tuple(misfits), tuple(spans), begun, tuple(ended))


def is_live(
    moves: tuple[Move, ...], store: Store | None, docket: Docket, gone: Mapping[int, int], size: int
) -> bool:
    """Whether the copy is in the store, as the ledger has it, at `size`."""
    return read_copy(moves, store, docket, gone, size).state == "live"


def _fault(
    move: Move, store: Store | None, docket: Docket, gone: Mapping[int, int], state: State
) -> str | None:
    if move.by in gone and move.time_us >= gone[move.by]:
        return "erasure.compromised"
    if store is None or docket.posters[move.by].name != store.operator_key:
        return "erasure.foreign"
    if not move.irrecoverable or METHOD_RANK[move.method] == 0 or _survives(move.method, store):
        return "erasure.recoverable"
    return "erasure.orphan" if state == "absent" else None


def _survives(method: str, store: Store) -> bool:
    """Versions outlive an overwrite, locks outlive a purge; neither outlives its key or its medium.
    Retraining makes a model forget, and nothing else."""
    if method == "retrain" and store.kind != "model":
        return True
    if store.object_locked:
        return method not in ("crypto_erase", "destroy")
    return store.versioned and METHOD_RANK[method] < METHOD_RANK["purge"]
