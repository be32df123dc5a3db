"""Contradiction: a record that was used although the ledger knew of no copy of it any more.

Whoever uses a record has it, whatever was said of its erasure. A use names no store, so it doesn't say which
copy was left, but that one was: until a whole inventory of the store, begun later, agrees with the ledger,
nobody knows. It breaches nothing by itself, since a use that is put on record late looks the same.
"""

from collections.abc import Iterator

from projections.case import Case
from projections.holdings import USES, Holding, Use


def used_when_gone(case: Case, holding: Holding) -> Iterator[tuple[Use, list[str]]]:
    """The uses of a record at which no copy of it was live, each with the stores it had been erased from."""
    if not holding.uses:
        return
    moves = (move for moves in holding.copies.values() for move in moves)
    gone = min((move.index for move in moves if move.kind == "erased"), default=case.size)
    used = [use for use in holding.uses if use.kind in USES and gone < use.index < case.size]
    copies = case.copies(holding) if used else []
    erased_from = {store: copy.erased_from for store, copy in copies}
    for use in used:
        if all(copy.life_at(use.index) < 0 for _, copy in copies):
            yield use, [store for store, at in erased_from.items() if at is not None and at < use.index]
