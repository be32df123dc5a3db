"""Contradiction: a record that was used although the ledger knew of no copy of it any more.

Whoever uses a record has it, whatever was said of its erasure. A use names no store, so it doesn't say which
copy was left, but that one was: until a whole inventory of the store, begun later, agrees with the ledger,
nobody knows. It breaches nothing by itself, since a use that is put on record late looks the same.
"""

from collections.abc import Iterator

from projections.case import Case
from projections.holdings import USES, Holding, Use
from projections.lives import is_live, read_copy


def used_when_gone(case: Case, holding: Holding) -> Iterator[tuple[Use, list[str]]]:
    """The uses of a record at which no copy of it was live, each with the stores it had been erased from."""
    if not holding.uses:
        return
    moves = (move for moves in holding.copies.values() for move in moves)
    gone = min((move.index for move in moves if move.kind == "erased"), default=case.size)
    for use in holding.uses:
        if use.kind in USES and gone < use.index < case.size:
            states = _states(case, holding, use.index)
            if "live" not in states.values():
                yield use, [store for store, state in states.items() if state == "erased"]


def live_at(case: Case, holding: Holding, store: str, size: int) -> bool:
    """Whether the record's copy in the store was live, as the ledger has it, below an earlier size."""
    return is_live(holding.copies[store], case.stores.get(store), case.docket, case.discredited, size)


def _states(case: Case, holding: Holding, size: int) -> dict[str, str]:
    return {
        store: read_copy(moves, case.stores.get(store), case.docket, case.discredited, size).state
        for store, moves in holding.copies.items()
    }
