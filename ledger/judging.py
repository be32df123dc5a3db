"""Judging: what the projector's process says of an order: its verdict, who is counted, and how it came so.

Everything here runs in that process, over the state that it keeps.
"""

import time
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import asyncpg
import msgspec
from msgspec import Struct

from ledger.kept import keep, queried
from projections import store
from projections.beside import Conflict, Correction, beside
from projections.case import Case
from projections.finding import Irregularity
from projections.members import list_members
from projections.moments import SECOND_US
from projections.runners import live
from projections.statement import Log, Statement, make_statement
from projections.stating import find_order
from projections.tally import Member
from projections.timeline import Change, Place, Seen, Step, explained, see, step_of, walk
from projections.verdict import Judgment, headline, judge
from projections.watched import Watch, watched
from signing.encoding import encode_base64
from signing.entry import parse_entry

# How many members are worked out at once: a walk costs the same for few and for many.
READ_AHEAD: Final = 200_000
# How long a timeline may keep the process from folding; whoever asked goes on from where it stopped.
PATIENCE_S: Final = 5.0


class Asked(Struct, frozen=True):
    """As of which moment and over how many entries an order is to be judged.

    Where one is left out the other decides: the entries recorded by that moment, or the moment at which the
    last of these entries was recorded. Where both are, it is now.
    """

    now: int
    as_of: int | None = None
    size: int | None = None


class OrderStatus(Struct, frozen=True):
    """An order's verdict as it stands, every exception listed, and what stands beside it. `statement` is
    provisional, unsigned, and without state digests: what is to be proved is exported."""

    headline: str
    statement: Statement
    exceptions: tuple[tuple[str, tuple[Irregularity, ...]], ...]
    conflicts: tuple[Conflict, ...] = ()
    corrections: tuple[Correction, ...] = ()


class Wanted(Struct, frozen=True):
    """Whom to list: those that an obligation counts under a name, so many of them beyond `after`.

    No obligation: the first that has such a count.
    """

    count: str
    obligation: str
    after: Member | None
    limit: int


class MembersPage(Struct, frozen=True):
    """Some of those whom an obligation counts under one name. `counted` is how many there are in all."""

    members: tuple[Member, ...]
    obligation: str
    counted: int
    place: Place
    is_last: bool


class NoSuchCount(Struct, frozen=True):
    """There is nothing to list: what there would be."""

    counts: dict[str, tuple[str, ...]]


class OrderTimeline(Struct, frozen=True):
    """How an order's verdict changed, up to `as_of` and `size`; `complete` if that is the `end` asked for."""

    order: str
    end: str
    as_of: int
    size: int
    complete: bool
    judgments: int
    changes: tuple[Change, ...]


def status(dsn: str, log: str, order: str, asked: Asked, rules: str) -> OrderStatus | None:
    """The verdict on an order; None when the log has no such order."""
    case = case_of(dsn, log, order, asked)
    if case is None:
        return None
    judgment = judge(case)
    size = case.size

    async def identity(conn: asyncpg.Connection) -> Log:
        origin = await conn.fetchval(store.ORIGIN, log)
        return Log(origin, encode_base64(await live.root_at(conn, log, size)), size)

    stands = beside(case, judgment)
    return OrderStatus(
        headline(judgment),
        make_statement(case, judgment, log=queried(dsn, identity), states=(), rules=rules, provisional=True),
        tuple(_exceptions(judgment)),
        stands.conflicts,
        stands.corrections,
    )


def members(dsn: str, log: str, order: str, asked: Asked, wanted: Wanted) -> MembersPage | NoSuchCount | None:
    """Whom an obligation counts under a name."""
    case = case_of(dsn, log, order, asked)
    if case is None:
        return None
    found = _count(case, wanted)
    if isinstance(found, NoSuchCount):
        return found
    obligation, counted = found
    key = (log, case.size, case.as_of, case.issued.index, obligation, wanted.count)
    listed, is_all = _ahead(case, key, obligation, wanted)
    upto = wanted.limit
    while 0 < upto < len(listed) and listed[upto] == listed[upto - 1]:
        upto += 1  # who is counted more than once stands on one page
    is_last = upto >= len(listed) and is_all
    return MembersPage(tuple(listed[:upto]), obligation, counted, Place(case.as_of, case.size), is_last)


def timeline(dsn: str, log: str, order: str, end: int, begin: Place | None) -> OrderTimeline | None:
    """How an order's verdict changed up to the moment `end`; `begin`: where an earlier walk stopped."""
    kept = keep(dsn, log)
    fold, size = kept.fold, kept.size
    versions = [one for one in fold.docket.orders if one.order.id == order]
    if not versions:
        return None
    first = min(one.index for one in versions)
    steps = queried(dsn, lambda conn: _steps(conn, log, first if begin is None else begin.size, size, end))
    cause = None
    if begin is None:
        if not steps:
            return OrderTimeline(order, moment_of(end), end, first, True, 0, ())
        (cause, *steps) = steps
        begin = Place(cause.as_of, cause.index + 1)

    def look(place: Place) -> Seen:
        watch = Watch(place.as_of)
        issued = find_order(fold, order, None, None, as_of=watched(watch), size=place.size)
        assert issued is not None, "one version is in the log"
        case = kept.case_anew(issued, as_of=watched(watch), size=place.size)
        return see(judge(case), issued.order.version, watch)

    give_up_at = time.monotonic() + PATIENCE_S
    found = walk(look, steps, begin, end, cause=cause, may_go_on=lambda: time.monotonic() < give_up_at)
    changes = tuple(explained(one, [version.order for version in versions]) for one in found.changes)
    return OrderTimeline(
        order, moment_of(end), found.as_of, found.size, found.complete, found.judgments, changes
    )


def case_of(dsn: str, log: str, order: str, asked: Asked) -> Case | None:
    """The order at the place asked for. Where its own entry does not count there, it counts alone: that an
    order is known at all waits for nothing."""
    kept = keep(dsn, log)
    fold, asked = kept.fold, msgspec.structs.replace(asked, now=kept.moment(asked.now))
    place = queried(dsn, lambda conn: _place(conn, log, asked, kept.size))
    # Whether its key is the authority's, only a reader can say.
    issued = find_order(fold, order, None, None, as_of=place.as_of, size=place.size)
    if issued is None:
        return None
    return kept.case(issued, as_of=place.as_of, size=max(place.size, issued.index + 1))


def moment_of(seconds: int) -> str:
    """Unix seconds as a request writes a moment."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


# Between calls: the last count listed, as worked out from some member on, and whether to the end.
_listed: dict[tuple[object, ...], tuple[Member | None, list[Member], bool]] = {}


def _exceptions(judgment: Judgment) -> Iterator[tuple[str, tuple[Irregularity, ...]]]:
    """Those of the order's own life, under no obligation's name, if there are any; then each obligation's."""
    if judgment.irregularities:
        yield "", judgment.irregularities
    yield from ((one.obligation, one.irregularities) for one in judgment.findings)


async def _place(conn: asyncpg.Connection, log: str, asked: Asked, folded_size: int) -> Place:
    if asked.size is not None:
        size = min(asked.size, folded_size)
        if asked.as_of is not None or size == 0:
            return Place(asked.now if asked.as_of is None else asked.as_of, size)
        ((_, raw),) = await store.entries(conn, log, size - 1, size)
        return Place(-(-parse_entry(raw).time_us // SECOND_US), size)
    as_of = asked.now if asked.as_of is None else asked.as_of
    return Place(as_of, await store.size_at(conn, log, as_of * SECOND_US, folded_size))


def _count(case: Case, wanted: Wanted) -> tuple[str, int] | NoSuchCount:
    """The obligation whose count it is, and the count."""
    counts = {
        # An amount of money is nobody's count.
        one.obligation: {name: n for name, n in one.counts.items() if not name.endswith("_minor")}
        for one in judge(case).findings
    }
    for one, found in counts.items():
        if wanted.count in found and wanted.obligation in ("", one):
            return one, found[wanted.count]
    return NoSuchCount({one: tuple(found) for one, found in counts.items()})


def _ahead(case: Case, key: tuple[object, ...], obligation: str, wanted: Wanted) -> tuple[list[Member], bool]:
    """The members beyond `after`, from the last walk if it went that far; and whether these are all."""
    after = wanted.after
    if key in _listed:
        begun, listed, is_all = _listed[key]
        if begun is None or (after is not None and after >= begun):
            beyond = listed[0 if after is None else bisect_right(listed, after) :]
            if is_all or len(beyond) > wanted.limit:
                return beyond, is_all
    (asked,) = (one for one in case.order.obligations if one.id == obligation)
    page = list_members(case, asked, wanted.count, after, max(wanted.limit, READ_AHEAD))
    _listed.clear()
    _listed[key] = (after, page.members(), page.is_last())
    return page.members(), page.is_last()


async def _steps(conn: asyncpg.Connection, log: str, begin: int, end: int, upto_s: int) -> list[Step]:
    """The events of the entries [begin, end) that were recorded by then."""
    steps: list[Step] = []
    async with conn.transaction(readonly=True):
        async for _, raw in conn.cursor(store.ENTRIES, log, begin, end, prefetch=2_000):
            entry = parse_entry(raw)
            if entry.kind == "event" and entry.time_us <= upto_s * SECOND_US:
                steps.append(step_of(entry.index, entry.time_us, entry.body))
    return steps
