"""Patterns: what the rows of many records share, whom one entry each says the same of.

In one stretch of a log one entry speaks of most records, and of very many it says the same. Their rows differ
in that entry's index and recorded time, and an erasure's in the time that its poster claims: the places. A
pattern is a row without them. It is one only where they stand for all indexes and times in the row and for
nothing else, so a row or a state is made of it exactly as it was.
"""

from collections.abc import Hashable
from typing import Any, Final

import msgspec

from projections.holdings import Holding, Move, ResidencyFact, Trait, Use, decode_row, encode_row

Place = tuple[int, int, int]
"""Index, recorded time and claimed time (us) of the entry; the last is 0 where no erasure claims one."""
# What JSON writes otherwise, also in a string.
_PLACE, _CLAIMED = b"\x00", b"\x01"
# What no entry has for its index.
_NOWHERE: Final = -1


class Pattern:
    """A pattern, by its text. Anything that `pattern_of` did not give as one is a ValueError."""

    __slots__ = ("_claims", "_copies", "_pieces", "_residency", "_traits", "_uses", "shares", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._pieces = text.split(_PLACE)
        self._claims = _CLAIMED in text
        one = decode_row(self.row((_NOWHERE, _NOWHERE, _NOWHERE)))
        if not _is_exact(text, one):
            raise ValueError("the places stand for something else too, or not for all")
        self.shares = not one.uses
        """Whether records may be judged together by it: where nobody used or asked about them."""
        self._copies = [(store, [_rest(move) for move in moves]) for store, moves in one.copies.items()]
        self._residency = [_rest(fact) for fact in one.residency]
        self._traits = [_rest(trait) for trait in one.traits]
        self._uses = [_rest(use) for use in one.uses]

    def row(self, place: Place) -> bytes:
        """The row (`holdings.encode_row`) of a record that stands in this place."""
        row = (b"[%d,%d," % place[:2]).join(self._pieces)
        return row.replace(_CLAIMED, b",%d," % place[2]) if self._claims else row

    def holding(self, place: Place) -> Holding:
        """The state of that record."""
        index, time_us, claimed_us = place
        return Holding(
            {
                store: tuple([_move(index, time_us, claimed_us, rest) for rest in moves])
                for store, moves in self._copies
            },
            (),
            tuple([ResidencyFact(index, time_us, *rest) for rest in self._residency]),
            tuple([Trait(index, time_us, *rest) for rest in self._traits]),
            tuple([Use(index, time_us, *rest) for rest in self._uses]),
        )


def kind_of(holding: Holding) -> tuple[Hashable, Place] | None:
    """What tells two patterns apart, of states that one entry gave which says that a record is there: two of
    one kind have one text. And the place. None of other states; much quicker than `split`."""
    if holding.derived or holding.uses or len(holding.copies) != 1:
        return None
    ((store, moves),) = holding.copies.items()
    residency, traits = holding.residency, holding.traits
    if not len(moves) == len(residency) == len(traits) == 1:
        return None
    move, fact, trait = moves[0], residency[0], traits[0]
    index = move.index
    if move.kind not in ("held", "collected") or fact.index != index or trait.index != index:
        return None
    kind = (
        *(store, move.kind, move.by, fact.by, fact.basis, fact.codes, trait.categories),
        *(trait.special_category, trait.minor, trait.source_kind, trait.activity, trait.retention_us),
    )
    return kind, (index, move.time_us, 0)


def split(holding: Holding) -> tuple[bytes, bytes, Place | None]:
    """A state's row, and its text and place: the text is a pattern unless `Pattern` says otherwise; None: it
    can't be one."""
    row = encode_row(holding)
    place = None if holding.derived else _place(holding)
    if place is None:
        return row, row, None
    text = row.replace(b"[%d,%d," % place[:2], _PLACE)
    if place[2]:
        text = text.replace(b",%d," % place[2], _CLAIMED)
    return row, text, place


def _place(holding: Holding) -> Place | None:
    """Where the first entry stands that says anything of it."""
    for moves in holding.copies.values():
        move = moves[0]
        return move.index, move.time_us, move.claimed_us
    said: tuple[ResidencyFact | Trait | Use, ...] = holding.residency or holding.traits or holding.uses
    return (said[0].index, said[0].time_us, 0) if said else None


def _is_exact(text: bytes, one: Holding) -> bool:
    """Whether the text, read with no entry's place, has that wherever a place belongs and nowhere else."""
    moves = [move for moves in one.copies.values() for move in moves]
    said: list[Move | ResidencyFact | Trait | Use] = [*moves, *one.residency, *one.traits, *one.uses]
    claims = [move for move in moves if move.claimed_us]
    return (
        not one.derived
        and all(each.index == _NOWHERE for each in said)
        and all(move.claimed_us == _NOWHERE for move in claims)
        and (text.count(_PLACE), text.count(_CLAIMED)) == (len(said), len(claims))
    )


def _rest(one: Move | ResidencyFact | Trait | Use) -> tuple[Any, ...]:
    return msgspec.structs.astuple(one)[2:]


def _move(index: int, time_us: int, claimed_us: int, rest: tuple[Any, ...]) -> Move:
    if rest[_CLAIMED_AT]:
        rest = (*rest[:_CLAIMED_AT], claimed_us, *rest[_CLAIMED_AT + 1 :])
    return Move(index, time_us, *rest)


_CLAIMED_AT: Final = Move.__struct_fields__.index("claimed_us") - 2
