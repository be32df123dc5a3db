"""Reconciling: whether a store's set was, at some size of a span of the log, the one that somebody found.

An auditor without an outbox knows the log's size before he looked, and not the moment of his look in it. What
he finds differs from the ledger at that size by what came and went meanwhile, and that is on record:
each difference is explained where his set is the ledger's at some size between there and his attestation.

What is not on record, he may name by its handles. He has named all of it, and nothing else, where the
ledger's set with what he names gives the digest of what he found.

All that is asked of a log is asked together: one pass over the records, and one more for what was named over
a span, at the sizes at which the numbers fit.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from projections.changing import Changing, Joined, Nodes, Step
from projections.docket import Docket, Store
from projections.holdings import Holding, Move
from projections.lives import is_live, read_copy
from signing.setdigest import SetDigest

if TYPE_CHECKING:
    from projections.case import Case

Groups = Iterable[tuple[Holding, Sequence[str]]]


class Named(Struct, frozen=True):
    """What somebody says that he found beyond the ledger's set, and that he found missing of it."""

    orphans: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.orphans or self.missing)

    @property
    def more(self) -> int:
        """How many more he found than the ledger has."""
        return len(self.orphans) - len(self.missing)

    def within(self, digits: frozenset[int]) -> tuple[list[bytes], list[bytes]]:
        """Both, as lines of a set: those that begin with some two digits."""
        orphans, missing = (
            [handle.encode() for handle in handles if int(handle[:2], 16) in digits]
            for handles in (self.orphans, self.missing)
        )
        return orphans, missing

    @property
    def digits(self) -> frozenset[int]:
        """With which two digits they begin."""
        return frozenset(int(handle[:2], 16) for handle in (*self.orphans, *self.missing))


NOTHING = Named()


class Glance(Struct, frozen=True):
    """What somebody found in a store, at some size from `first` to `last`."""

    store: str
    seen: SetDigest
    first: int
    last: int
    named: Named = NOTHING


class Compared(Struct, frozen=True):
    """The ledger's own set at the first size; whether it was what he found at any, and else whether it was so
    but for what he names."""

    ledger: SetDigest
    agrees: bool
    explained: bool


def live_lines(
    groups: Groups, store: tuple[str, Store | None], docket: Docket, gone: Mapping[int, int], size: int
) -> Iterator[bytes]:
    """The ledger's own set for a store at `size`: the handles of its live copies.

    `gone` are the discredited posters (`docket.discredited`).
    """
    name, declared = store
    for holding, handles in groups:
        moves = holding.copies.get(name)
        if moves is not None and is_live(moves, declared, docket, gone, size):
            for handle in handles:
                yield handle.encode()


def compare(case: "Case", glances: Iterable[Glance]) -> dict[Glance, Compared]:
    """What each comes to. The ledger's own set has the handles whose copies are live in the store."""
    by_store: defaultdict[str, list[Glance]] = defaultdict(list)
    for glance in glances:
        by_store[glance.store].append(glance)
    spans = [_Spans(some) for some in by_store.values()]
    found: dict[Glance, Compared] = {}
    asked = []
    for one, answers in zip(spans, _ask(case, [one.question for one in spans]), strict=True):
        found.update(one.judge(answers))
        asked += [_Places(one.glances, places)] if (places := one.candidates) else []
    for place, answers in zip(asked, _ask(case, [one.question for one in asked]), strict=True):
        for glance in place.judge(answers):
            found[glance] = Compared(found[glance].ledger, agrees=False, explained=True)
    return found


class _Question(Struct, frozen=True):
    """At which sizes a store's set is asked for: at these, sorted, and wherever it changes in these spans.
    And what it would be at some of the sizes with what is named."""

    store: str
    sizes: list[int]
    spans: list[tuple[int, int]]
    named: dict[int, list[Named]]

    @property
    def last(self) -> int:
        return max([*self.sizes[-1:], *(last for _, last in self.spans)])

    def place(self, size: int) -> int | None:
        """Where a change to be seen from `size` on is first asked about."""
        at = bisect_left(self.spans, (size, -1))
        around = self.spans[max(at - 1, 0) : at + 1]
        places = [max(first, size) for first, last in around if size <= last]
        at = bisect_left(self.sizes, size)
        return min([*places, *self.sizes[at : at + 1]], default=None)


class _Answers(Struct):
    """The parts' answers: the steps at each size, and for what is named there, by its number, the nodes with
    it; None where it does not fit."""

    steps: defaultdict[int, list[Step]]
    named: dict[tuple[int, int], Nodes | None]


def _ask(case: "Case", questions: list[_Question]) -> list[_Answers]:
    """One pass over the records for all questions."""
    if not questions:
        return []
    docket, gone = case.docket, case.discredited
    parts = list(case.each(lambda groups: [_part(one, docket, gone, groups) for one in questions]))
    return [_joined(one, part) for one, part in zip(questions, zip(*parts, strict=True), strict=True)]


_Part = tuple[list[Step], list[tuple[tuple[int, int], Nodes | None]], frozenset[int]]
"""The steps of a part; what is named there, by its size and number; and whose digits are the part's own."""


def _part(question: _Question, docket: Docket, gone: Mapping[int, int], groups: Groups) -> _Part:
    changes: defaultdict[int, list[bytes]] = defaultdict(list)
    declared, last = docket.stores.get(question.store), question.last
    digits: set[str] = set()
    for holding, handles in groups:
        if question.named:
            digits.update(handle[:2] for handle in handles)
        moves = holding.copies.get(question.store)
        if moves is not None:
            lines = [handle.encode() for handle in handles]
            for place in _turns(question, moves, declared, docket, gone, last):
                changes[place] += lines
    kept, own = Changing(), frozenset(int(one, 16) for one in digits)
    steps, named = [], []
    for size in sorted(changes.keys() | question.named.keys()):
        if size in changes:
            steps.append((size, *kept.change(changes[size])))
        for number, one in enumerate(question.named.get(size, ())):
            comes, goes = one.within(own)
            if comes or goes:
                named.append(((size, number), kept.with_difference(comes, goes)))
    return steps, named, own


def _turns(
    question: _Question,
    moves: tuple[Move, ...],
    declared: Store | None,
    docket: Docket,
    gone: Mapping[int, int],
    last: int,
) -> set[int]:
    """Where a copy comes into the set or leaves it, as far as that is asked about."""
    copy = read_copy(moves, declared, docket, gone, last)
    turns: set[int] = set()
    indexes = [index for life in copy.ended for index in life]
    if copy.state == "live":
        indexes.append(copy.begun)
    for index in indexes:
        place = question.place(index + 1)
        if place is not None:
            turns ^= {place}
    return turns


def _joined(question: _Question, parts: Sequence[_Part]) -> _Answers:
    answers = _Answers(defaultdict(list), {})
    owned = frozenset[int]().union(*(own for _, _, own in parts))
    for size, some in question.named.items():
        for number, one in enumerate(some):
            # Where no record begins, nothing is that could be missing.
            answers.named[size, number] = Changing().with_difference(*one.within(one.digits - owned))
    for steps, named, _ in parts:
        for step in steps:
            answers.steps[step[0]].append(step)
        for key, nodes in named:
            before = answers.named[key]
            answers.named[key] = None if before is None or nodes is None else before | nodes
    return answers


class _Spans:
    """Glances at one store, asked about for the first time."""

    def __init__(self, glances: list[Glance]) -> None:
        self.glances = sorted(glances, key=lambda one: (one.first, one.last))
        self.candidates: dict[Glance, list[int]] = {}
        """The sizes at which the numbers of what was named over a span fit."""
        self._exact: defaultdict[int, list[Glance]] = defaultdict(list)
        for one in self.glances:
            if one.named and one.first == one.last:
                self._exact[one.first].append(one)

    @property
    def question(self) -> _Question:
        return _Question(
            self.glances[0].store,
            sorted({one.first for one in self.glances}),
            _merged((one.first, one.last) for one in self.glances if one.first < one.last),
            {size: [one.named for one in some] for size, some in self._exact.items()},
        )

    def judge(self, answers: _Answers) -> Iterator[tuple[Glance, Compared]]:
        """In the log's sequence: each glance is open from its first size to its last."""
        joined, coming = Joined(), list(reversed(self.glances))
        firsts: dict[Glance, SetDigest] = {}
        agreeing, explained = set(), set()
        opened: list[Glance] = []
        for size in sorted({*answers.steps, *(one.first for one in self.glances)}):
            for _, more, new in answers.steps.get(size, ()):
                joined.take(more, new)
            digest = None
            opened = [one for one in opened if size <= one.last]
            while coming and coming[-1].first <= size:
                digest = digest or joined.digest()
                opened.append(coming.pop())
                firsts[opened[-1]] = SetDigest(joined.count, digest)
            for one in opened:
                if one.seen.count == joined.count and one not in agreeing:
                    digest = digest or joined.digest()
                    agreeing.update([one] if one.seen.digest == digest else [])
                if one.named and one.first < one.last and joined.count + one.named.more == one.seen.count:
                    self.candidates.setdefault(one, []).append(size)
            for number, one in enumerate(self._exact.get(size, ())):
                explained.update([one] if _is(joined, one, answers.named[size, number]) else [])
        for one in agreeing:
            self.candidates.pop(one, None)
        for one, ledger in firsts.items():
            yield one, Compared(ledger, one in agreeing, one in explained)


class _Places:
    """What was named over spans, asked about at the sizes at which the numbers fit."""

    def __init__(self, glances: list[Glance], candidates: Mapping[Glance, list[int]]) -> None:
        self._at: defaultdict[int, list[Glance]] = defaultdict(list)
        for glance, sizes in candidates.items():
            for size in sizes:
                self._at[size].append(glance)
        self._store = glances[0].store

    @property
    def question(self) -> _Question:
        named = {size: [one.named for one in some] for size, some in self._at.items()}
        return _Question(self._store, sorted(self._at), [], named)

    def judge(self, answers: _Answers) -> Iterator[Glance]:
        """Those of which what is named is all of the difference, and nothing else."""
        joined = Joined()
        for size in sorted(self._at):
            for _, more, new in answers.steps.get(size, ()):
                joined.take(more, new)
            for number, one in enumerate(self._at[size]):
                if _is(joined, one, answers.named[size, number]):
                    yield one


def _is(joined: Joined, glance: Glance, nodes: Nodes | None) -> bool:
    fits = nodes is not None and joined.count + glance.named.more == glance.seen.count
    return fits and joined.digest(nodes or {}) == glance.seen.digest


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same sizes in spans that have none in common, sorted."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found
