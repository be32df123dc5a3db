"""A moment that is watched: which later moment would have been told apart from it?

A judgment is a pure function of its moment and looks at it by comparing it only. So until the first later
moment at which one of the comparisons made would have come out otherwise, the judgment stays what it is.
"""

from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import Any


class Watch:
    """Remembers the first moment after `moment` that a comparison made so far would tell apart from it."""

    def __init__(self, moment: int) -> None:
        self.moment = moment
        self.turn: int | None = None

    def see(self, turn: int) -> None:
        """A comparison would come out otherwise from `turn` on, or at any time from the next moment on."""
        turn = max(turn, self.moment + 1)
        self.turn = turn if self.turn is None else min(turn, self.turn)


def watched(watch: Watch) -> "Watched":
    """The watch's moment, as a number that reports what it is compared with."""
    return Watched.line(watch, 1, 0)


class Watched(int):
    """`factor` × moment + `offset`. Sums and multiples stay watched; any other number made of it is plain,
    and the watch is told when it changes."""

    _watch: Watch
    _factor: int
    _offset: int

    @classmethod
    def line(cls, watch: Watch, factor: int, offset: int) -> "Watched":
        """The watched number on this line."""
        number = cls(factor * watch.moment + offset)
        number._watch, number._factor, number._offset = watch, factor, offset
        return number

    @property
    def watch(self) -> Watch:
        """Who is told."""
        return self._watch

    def __hash__(self) -> int:
        # Among others it is found or not found without being compared.
        return hash(self._given_up())

    def __lt__(self, other: object) -> Any:
        return self._compare(lt, other, 0)

    def __ge__(self, other: object) -> Any:
        return self._compare(ge, other, 0)

    def __gt__(self, other: object) -> Any:
        return self._compare(gt, other, 1)

    def __le__(self, other: object) -> Any:
        return self._compare(le, other, 1)

    def __eq__(self, other: object) -> Any:
        return self._compare(eq, other, 0, 1)

    def __ne__(self, other: object) -> Any:
        return self._compare(ne, other, 0, 1)

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __add__(self, other: int) -> int:
        return self._moved(other, 1)

    def __radd__(self, other: int) -> int:
        return self._moved(other, 1)

    def __sub__(self, other: int) -> int:
        return self._moved(other, -1)

    def __neg__(self) -> int:
        return Watched.line(self._watch, -self._factor, -self._offset)

    def __rsub__(self, other: int) -> int:
        return -self + other

    def __mul__(self, other: int) -> int:
        if isinstance(other, Watched):
            return self._given_up() * other._given_up()
        if other == 0:
            return self._given_up() * other
        return Watched.line(self._watch, self._factor * other, self._offset * other)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> int:
        if isinstance(other, Watched):
            return self._given_up() // other._given_up()
        if other <= 0:
            return self._given_up() // other
        quotient = int(self) // other
        # It leaves the quotient's span at its upper end when it rises, else at its lower.
        self._cross((quotient + 1) * other if self._factor > 0 else quotient * other)
        return quotient

    def _given_up(self) -> int:
        """The plain number; what is made of it may be another at the next moment."""
        self._watch.see(self._watch.moment + 1)
        return int(self)

    def _moved(self, other: int, sign: int) -> int:
        if not isinstance(other, Watched):
            return Watched.line(self._watch, self._factor, self._offset + sign * other)
        if other._watch is not self._watch:
            return self._given_up() + sign * other._given_up()
        factor, offset = self._factor + sign * other._factor, self._offset + sign * other._offset
        return Watched.line(self._watch, factor, offset) if factor else offset

    def _compare(self, operator: Callable[[int, Any], bool], other: object, *bounds: int) -> Any:
        if isinstance(other, Watched):
            return operator(self - other, 0)
        if not isinstance(other, int):
            self._given_up()
        else:
            for beyond in bounds:
                self._cross(int(other) + beyond)
        return operator(int(self), other)

    def _cross(self, bound: int) -> None:
        """Tell the watch when this number is first on the other side of `bound`: at or above it, or below."""
        if self._factor > 0 and int(self) < bound:
            self._watch.see(-(-(bound - self._offset) // self._factor))
        elif self._factor < 0 and int(self) >= bound:
            self._watch.see((self._offset - bound) // -self._factor + 1)


def _giving_up(name: str) -> Callable[..., Any]:
    """What an integer does by this name, of which the watch knows nothing more."""
    plain: Callable[..., Any] = getattr(int, name)

    def done(*operands: object) -> Any:
        return plain(*(one._given_up() if isinstance(one, Watched) else one for one in operands))

    return done


for _name in (
    "__abs__", "__and__", "__ceil__", "__divmod__", "__float__", "__floor__", "__format__", "__invert__",
    "__lshift__", "__mod__", "__or__", "__pow__", "__rand__", "__rdivmod__", "__rfloordiv__", "__rlshift__",
    "__rmod__", "__ror__", "__round__", "__rpow__", "__rrshift__", "__rshift__", "__rtruediv__", "__rxor__",
    "__str__", "__truediv__", "__trunc__", "__xor__", "bit_count", "bit_length", "to_bytes",
):  # fmt: skip
    setattr(Watched, _name, _giving_up(_name))
