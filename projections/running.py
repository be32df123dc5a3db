"""Running: the sums of one order's walks, kept from one judgment to the next.

A sum over a million records is a tree of sums, whose leaves are the records whose handles begin with the same
three digits: sixteen buckets of the set digest. A leaf holds until something changes that it rests on, and
then it alone is summed again, with what stands above it:

- what the log says of one of its records, or of what that was derived from (`Roll.affected`);
- time, at the first moment that a comparison made for it would tell apart (`watched`);
- the clock, where a new anchor proves more of an entry about which it asked in vain.

What else a walk can see is the order, its life, and little of the docket (`Case.on_records`). Where any of
that is another than before, all is summed anew.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from projections.case import Case, Known
from projections.clock import Clock
from projections.docket import IssuedOrder
from projections.lines import FANOUT, LEAVES, leaf_of
from projections.order import Obligation
from projections.roll import Roll, Touched
from projections.sums import Sums
from projections.survey import Survey, Visit
from projections.walking import leaf
from projections.watched import Watch, watched
from signing.timestamp import Seen

Leaf = Callable[[int], Sums | None]
Summing = Callable[[Leaf, Sequence[int]], Iterable[Sums | None]]
"""Asks for the leaves of some parts, in their sequence."""


class Running:
    """The kept sums of one order. `touch` it with all that the roll takes."""

    def __init__(self, roll: Roll, summing: Summing = map) -> None:
        self._roll = roll
        self._summing = summing
        self._handles: set[str] = set()
        self._derivations: set[int] = set()
        self._trees: dict[tuple[str, Visit], _Tree] = {}
        self._narrow: Case | None = None
        self._clock = Clock((), ())
        self.proved: dict[int, Seen | None] = {}
        """What anchors prove, by their entry, to whoever believes whom the order names."""

    def touch(self, touched: Touched) -> None:
        """Know that these records, and these derivations, are others than before."""
        self._handles.update(touched[0])
        self._derivations.update(touched[1])

    def case(self, issued: IssuedOrder, *, as_of: int, size: int, known: Known | None = None) -> Case:
        """The order at a moment, over all that is folded. What was kept serves moments after the last one."""
        fold, before = self._roll.fold, self._narrow
        if before is None or issued != before.issued:
            self.proved.clear()
        state = (fold.holdings, fold.docket, fold.edges)
        case = Case(*state, issued, as_of=as_of, size=size, running=self, known=known)
        self._watch = Watch(as_of)
        narrow = case.narrowed(watched(self._watch))
        _warm(narrow)
        assert self._watch.turn is None, "the moment would have to be asked about by each leaf"
        if before is None or as_of < before.as_of or not _alike(before, narrow):
            self._trees.clear()
        else:
            narrow.go_on_from(before)
            case.go_on_from(before)
            self._mark(narrow, case.clock)
        self._narrow, self._clock = narrow, case.clock
        self._handles.clear()
        self._derivations.clear()
        return case

    def _mark(self, narrow: Case, clock: Clock) -> None:
        """Have those leaves summed again that an entry since has touched, or that a new anchor proves."""
        touched = set(self._handles)
        for follower in narrow.followers:
            follower.grow(narrow)
            touched |= self._roll.affected(self._handles, self._derivations, follower)
        parts = set(map(leaf_of, touched))
        proved = _proved_anew(self._clock, clock)
        for tree in self._trees.values():
            tree.mark(parts)
            tree.mark(tree.asking(*proved))

    def walk(self, obligation: Obligation, visit: Visit) -> Survey:
        """The sum of a walk, of which only those leaves are walked that don't hold any more."""
        narrow, watch = self._narrow, self._watch
        assert narrow is not None, "a case was asked for"
        watch.turn = None
        survey = Survey(narrow, obligation, self._clock)
        tree = self._trees.get((obligation.id, visit))
        if tree is None or _over(tree.until, watch.moment):
            tree = self._trees[obligation.id, visit] = _Tree()
        tree.until = _earlier(tree.until, watch.turn)
        tree.mark(tree.turning(watch.moment))
        whole = tree.sum(self._roll.inhabited, partial(self._leaf, survey, visit), self._summing)
        if whole is not None:
            # A copy: whoever concludes from it may count more.
            survey.take(Sums.joined([whole]))
        return survey

    def _leaf(self, survey: Survey, visit: Visit, number: int) -> Sums | None:
        handles = self._roll.parts[number]
        if not handles:
            return None
        held, self._watch.turn = self._roll.fold.holdings, None
        part = leaf(survey, visit, ((handle, held[handle]) for handle in handles))
        part.turn = self._watch.turn
        return part


class _Tree:
    """One walk's sums. Level 0 are the leaves, the last level is the whole."""

    def __init__(self) -> None:
        self.until: int | None = None
        self._stale: set[int] | None = None  # all
        self._levels: list[list[Sums | None]] = []
        size = LEAVES
        while size:
            self._levels.append([None] * size)
            size //= FANOUT

    def mark(self, parts: Iterable[int]) -> None:
        """Have these summed again."""
        if self._stale is not None:
            self._stale.update(parts)

    def turning(self, moment: int) -> Iterator[int]:
        """The leaves that time has made others by then."""
        return self._those(lambda part: _over(part.turn, moment))

    def asking(self, first: int, last: int) -> Iterator[int]:
        """The leaves that asked the clock about any of these entries in vain, maybe."""
        return self._those(
            lambda part: part.asked is not None and part.asked[0] <= last and first <= part.asked[1]
        )

    def sum(self, everybody: Callable[[], Sequence[int]], ask: Leaf, summing: Summing) -> Sums | None:
        """The whole, after the leaves that were marked have been asked for again; first of `everybody`."""
        stale = everybody() if self._stale is None else sorted(self._stale)
        for number, part in zip(stale, summing(ask, stale), strict=True):
            self._levels[0][number] = part
        above: Iterable[int] = stale
        for below, level in pairwise(self._levels):
            above = sorted({index // FANOUT for index in above})
            for index in above:
                parts = below[index * FANOUT : (index + 1) * FANOUT]
                level[index] = Sums.joined(parts) if any(parts) else None
        self._stale = set()
        return self._levels[-1][0]

    def _those(self, has: Callable[[Sums], bool]) -> Iterator[int]:
        found = [0]
        for level in reversed(self._levels):
            found = [index for index in found if (part := level[index]) is not None and has(part)]
            if level is not self._levels[0]:
                found = [index * FANOUT + child for index in found for child in range(FANOUT)]
        return iter(found)


def _warm(narrow: Case) -> None:
    """Work out now what all leaves share, or it would count as asked for by the first of them."""
    _ = (
        narrow.life,
        narrow.authority,
        narrow.first_issued,
        narrow.assessors,
        narrow.discredited,
        narrow.stores,
    )


def _alike(before: Case, now: Case) -> bool:
    """Whether a record adds to both what it adds to one, if the log says nothing new of it."""
    ours, theirs = before.docket, now.docket
    known = len(ours.posters)
    return (
        before.issued == now.issued
        and before.life == now.life
        and ours.posters == theirs.posters[:known]
        and all(
            getattr(ours, name) == getattr(theirs, name)
            for name in ours.__struct_fields__
            if name != "posters"
        )
    )


def _proved_anew(before: Clock, now: Clock) -> tuple[int, int]:
    """The first and the last entry of which `now` proves another time; (0, -1) if of none."""
    if before == now:
        return 0, -1
    sizes = sorted({0, *before.sizes, *now.sizes})
    spans = [(begin, end - 1) for begin, end in pairwise(sizes)]
    changed = [(begin, end) for begin, end in spans if before.proven(begin) != now.proven(begin)]
    return (changed[0][0], changed[-1][1]) if changed else (0, -1)


def _over(until: int | None, moment: int) -> bool:
    return until is not None and until <= moment


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
