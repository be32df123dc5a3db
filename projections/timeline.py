"""A timeline: when an order's verdict changed over the life of a log, and which entry did it.

The verdict is looked at along a chain of moments and sizes, both rising: after each entry, as of the second
by which it was recorded, and whenever time alone may change it. What time may change is listed nowhere: the
judgment's own comparisons say it (`watched`), so that no new rule can be forgotten here.

Two things spare judgments, and neither skips a change:

- Entries of one kind by one poster that only ever add to, or only ever take from, what a judgment rests on (a
  thousand erasures, say) make a run. Within a run each single ground (`Seen.grounds`) comes or goes once at
  most, so where two moments have the same grounds, everything between has them too.
- Between entries time is looked at only where a comparison turns.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from projections.moments import DAY_S, SECOND_US
from projections.order import Order, deadline_at
from projections.verdict import Judgment
from projections.watched import Watch

# Each event of these touches records in one way; its store, residency and the like are part of its manner.
PLAIN_KINDS: Final = frozenset(
    f"writ.data.{name}.v1" for name in ("held", "collected", "copied", "deleted", "accessed")
)

# What events of one manner may differ in. Each piece of evidence has a hash of its own.
_OWN: Final = frozenset({"records", "artefacts", "evidence", "actor", "actor_country"})


class Step(Struct, frozen=True):
    """An entry that may change something: an event, as of the second (Unix) by which it was recorded.

    Events of equal `manner`, if it is not empty, differ in nothing but the records that they name.
    """

    index: int
    as_of: int
    type: str
    by: str
    manner: str = ""


class Seen(Struct, frozen=True):
    """What a judgment says. `grounds` is all that it rests on; `turn` the next moment at which time alone may
    make it another (None: never)."""

    status: str
    version: int
    verdict: str
    obligations: tuple[tuple[str, str], ...]
    grounds: frozenset[str] = frozenset()
    turn: int | None = None

    @property
    def words(self) -> tuple[object, ...]:
        return self.status, self.version, self.verdict, self.obligations


class Change(Struct, frozen=True, omit_defaults=True):
    """The verdict from `as_of` and `size` on, and what made it so: an entry, or (-1) the passing of time.

    `obligations` are those whose verdict is another than before. `type` is the event's and `by` its poster's
    name; where time passed `type` may say what did: `deadline` (`by` is the obligation), `effective`.
    """

    as_of: int
    size: int
    status: str
    version: int
    verdict: str
    obligations: dict[str, str]
    entry: int = -1
    type: str = ""
    by: str = ""


class Timeline(Struct, frozen=True):
    """The changes up to `as_of` and `size`. `complete` is false when the walk was ended early; another one
    can go on from there. `judgments` says what it cost."""

    changes: tuple[Change, ...]
    as_of: int
    size: int
    complete: bool
    judgments: int


class Place(Struct, frozen=True, order=True):
    """A link of the chain."""

    as_of: int
    size: int


Look = Callable[[Place], Seen]
"""What is seen at a place."""


def walk(
    look: Look,
    steps: Sequence[Step],
    begin: Place,
    end: int,
    *,
    cause: Step | None = None,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Timeline:
    """The changes from `begin` to the moment `end`. `steps` are all events from `begin.size` on, in order.

    What holds at `begin` is the first change if its `cause` is given; else it is known, from an earlier walk
    that ended there. `may_go_on` is asked between links of the chain; one is always passed.
    """
    going = _Walk(look)
    at, seen, taken = begin, going.look(begin), 0
    if cause is not None:
        going.note(None, seen, begin, cause)
    while at == begin or may_go_on():
        following = steps[taken].as_of if taken < len(steps) else end + 1
        if seen.turn is not None and seen.turn <= min(end, following):
            place = Place(seen.turn, at.size)
            after = going.look(place)
            going.note(seen, after, place, None)
            at, seen = place, after
        elif following <= end:
            run = list(_run(steps, taken, seen.turn, end))
            at, seen = going.pass_run(at, seen, run)
            taken += len(run)
        else:
            return Timeline(tuple(going.changes), end, at.size, True, going.judgments)
    return Timeline(tuple(going.changes), at.as_of, at.size, False, going.judgments)


def step_of(index: int, time_us: int, line: bytes) -> Step:
    """An event's step, from its entry's place, its recorded time and its line."""
    event = msgspec.json.decode(line)
    kind, by = event["type"], event["source"]
    if kind not in PLAIN_KINDS:
        return Step(index, -(-time_us // SECOND_US), kind, by)
    manner = {name: said for name, said in event["data"].items() if name not in _OWN}
    return Step(index, -(-time_us // SECOND_US), kind, by, repr((kind, by, sorted(manner.items()))))


def see(judgment: Judgment, version: int, watch: Watch) -> Seen:
    """What a judgment says that was made as of a watched moment."""
    return Seen(
        judgment.status,
        version,
        judgment.verdict,
        tuple((one.obligation, one.verdict) for one in judgment.findings),
        frozenset(_grounds(judgment)),
        watch.turn,
    )


def explained(change: Change, versions: Sequence[Order]) -> Change:
    """What passed, where only time did: see `Change`. `versions` are the order's."""
    if change.entry >= 0:
        return change
    order = next((one for one in versions if one.version == change.version), versions[-1])
    for obligation in order.obligations:
        if deadline_at(order, obligation) + 1 == change.as_of:
            return msgspec.structs.replace(change, type="deadline", by=obligation.id)
    return msgspec.structs.replace(change, type="effective") if order.effective_s == change.as_of else change


def _grounds(judgment: Judgment) -> Iterator[str]:
    for one in judgment.findings:
        yield from (f"{one.obligation} {said}" for said in (one.evidence, one.word))
        yield from (f"{one.obligation} count {name}" for name, number in one.counts.items() if number)
        yield from (f"{one.obligation} gap {gap.rule} {gap.subject}" for gap in one.gaps)
        yield from (f"{one.obligation} exception {said.rule} {said.store}" for said in one.irregularities)


def change(before: Seen | None, after: Seen, place: Place, step: Step | None) -> Change:
    """What became another between two looks, and the entry that made it so; None: time did."""
    known = {} if before is None else dict(before.obligations)
    changed = {name: said for name, said in after.obligations if known.get(name) != said}
    said = (after.status, after.version, after.verdict, changed)
    return Change(place.as_of, place.size, *said, *(() if step is None else (step.index, step.type, step.by)))


class _Walk:
    def __init__(self, look: Look) -> None:
        self._look = look
        self.judgments = 0
        self.changes: list[Change] = []

    def look(self, place: Place) -> Seen:
        self.judgments += 1
        return self._look(place)

    def note(self, before: Seen | None, after: Seen, place: Place, step: Step | None) -> None:
        """Keep the change, if it is one."""
        if before is not None and before.words == after.words:
            return
        self.changes.append(change(before, after, place, step))

    def pass_run(self, at: Place, seen: Seen, run: Sequence[Step]) -> tuple[Place, Seen]:
        """Go through a run, to its end."""
        last = _place(run[-1], at)
        after = self.look(last)
        self._between(seen, run, after, at)
        return last, after

    def _between(self, before: Seen, run: Sequence[Step], after: Seen, at: Place) -> None:
        """Note the changes within a run whose ends are known."""
        if len(run) == 1:
            self.note(before, after, _place(run[0], at), run[0])
        elif (before.words, before.grounds) != (after.words, after.grounds):
            half = len(run) // 2
            middle = self.look(_place(run[half - 1], at))
            self._between(before, run[:half], middle, at)
            self._between(middle, run[half:], after, at)


def _run(steps: Sequence[Step], begin: int, turn: int | None, end: int) -> Iterator[Step]:
    """The step at `begin`, and those behind it that go on in its manner before time changes anything.

    Less than a day's: what these events themselves let expire, they let expire in days.
    """
    first = steps[begin]
    yield first
    latest = min(end, first.as_of + DAY_S - 1, end if turn is None else turn - 1)
    for at in range(begin + 1, len(steps) if first.manner else 0):
        step = steps[at]
        if step.manner != first.manner or step.as_of > latest:
            return
        yield step


def _place(step: Step, at: Place) -> Place:
    return Place(max(step.as_of, at.as_of), step.index + 1)
