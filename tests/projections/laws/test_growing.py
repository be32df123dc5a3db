"""A judgment takes as long as its log is, whatever is in it: lines are counted that it runs, not seconds."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from projections import events as ev
from projections.case import Case
from projections.docket import IssuedOrder
from projections.fold import Fold
from projections.order import Obligation, Scope
from projections.runners.shelf import Shelving
from projections.verdict import judge
from tests.projections.laws.record_histories import TYPES, obligation
from tests.projections.laws.worlds import FACES, PROCESSOR, RECIPIENT, World, cease, erase, make_order
from tests.projections.logbuilder import rfc3339
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, handle

FEW, TIMES = 60, 4
# Of what grows as the square, four times as much takes sixteen times as many.
MOST = 1.5 * TIMES
Shape = Callable[[World, int], None]


def used_after_erasures(world: World, n: int) -> None:
    for _ in range(n):
        world.collect((1,), FACES)
        world.erase((1,), FACES)
        world.say(COMPANY, ev.DataAccessed, actor="a-1", actor_country="US", purpose="search", records=one(1))


def looked_for_after_erasures(world: World, n: int) -> None:
    for _ in range(n):
        world.collect((1,), FACES)
        world.erase((1,), FACES)
        world.say(COMPANY, ev.DeletionVerified, method="negative_read", records=one(1), store=FACES)


def allowed_one_by_one(world: World, n: int) -> None:
    for k in range(n):
        world.say(
            AUTHORITY, ev.ExemptionGranted, ground="legal_duty", order=ORDER, records=one(k),
            obligation="cease_using",
        )  # fmt: skip
        world.say(COMPANY, ev.DataAccessed, actor="a-1", actor_country="US", purpose="search", records=one(k))


def backed_up_again_and_again(world: World, n: int) -> None:
    for k in range(n):
        world.collect((k,), FACES)
        world.say(
            COMPANY, ev.BackupCreated, backup=f"b-{k}", store=FACES, as_of=rfc3339(world.now_us),
            expires_at="2027-01-01T00:00:00Z",
        )  # fmt: skip
    for k in range(n):
        world.erase((k,), FACES)


def backups_gone(world: World, n: int) -> None:
    for k in range(n):
        world.say(
            COMPANY, ev.BackupCreated, backup=f"b-{k}", store=FACES, as_of=rfc3339(world.now_us),
            expires_at="2027-01-01T00:00:00Z",
        )  # fmt: skip
        world.say(COMPANY, ev.BackupExpired, backup=f"b-{k}", store=FACES)
        world.say(COMPANY, ev.BackupRestored, backup=f"b-{k}", store=FACES, erasures_reapplied=True)


def stores_looked_into(world: World, n: int) -> None:
    plain = {"kind": "live", "country": "US", "versioned": False, "object_locked": False}
    for k in range(n):
        world.say(
            COMPANY, ev.StoreRegistered, store=f"s-{k}", namespace=f"s-{k}", operator_key=COMPANY,
            blinding_commitment="A" * 43 + "=", **plain,
        )  # fmt: skip
        world.look(f"s-{k}", frozenset(), ASSESSOR)


def collectors(world: World, n: int) -> None:
    for k in range(n):
        world.stand_still(0, 20, collector=f"c-{k}")


def in_force_off_and_on(world: World, n: int) -> None:
    how = {"order": ORDER, "instrument_sha256": "0" * 64}
    for k in range(n):
        world.wait(1)
        kind = ev.OrderStayLifted if k % 2 else ev.OrderStayed
        world.say(AUTHORITY, kind, effective_at=rfc3339(world.now_us // 1_000_000 * 1_000_000), **how)
        world.stand_still(k - 1, k + 1)


def declared_again_and_again(world: World, n: int) -> None:
    for k in range(n):
        world.say(
            COMPANY, ev.ProcessingDeclared, activity="search", lawful_basis="consent", purposes=("search",),
            retention_days=30,
        )  # fmt: skip
        world.collect((k,), FACES)


def disclosed_under_one_id(world: World, n: int) -> None:
    for k in range(n):
        world.hold((k,), FACES)
        world.say(
            COMPANY, ev.DataDisclosed, country="US", disclosure="d-1", public=False, recipient=RECIPIENT,
            records=one(k),
        )  # fmt: skip
        world.say(PROCESSOR, ev.RecipientAcknowledged, disclosure="d-1", outcome="erased")


SHAPES: tuple[Shape, ...] = (
    used_after_erasures, looked_for_after_erasures, allowed_one_by_one, backed_up_again_and_again,
    backups_gone, stores_looked_into, collectors, in_force_off_and_on, declared_again_and_again,
    disclosed_under_one_id,
)  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_four_times_the_log_takes_no_sixteen_times_the_work(shape: Shape) -> None:
    few, many = (lines_run(judgment_of(shape, n)) for n in (FEW, FEW * TIMES))
    assert many < MOST * few


def test_what_is_told_of_one_record_is_put_away_before_it_is_long() -> None:
    """Else each entry copies all before it, which no line shows."""
    world = World()
    for _ in range(500):
        world.collect((1,), FACES)
    whole, parts, shelving = Fold.empty(), Fold.empty(), Shelving(100)
    for fact in world.facts:
        whole.take(fact)
        parts.take(fact)
        shelving.after_one(parts.holdings)
        assert sum(len(moves) for held in parts.holdings.values() for moves in held.copies.values()) <= 100
    assert shelving.at_the_end(parts.holdings, {}) is None
    assert parts.holdings == whole.holdings


def test_lines_are_counted() -> None:
    def squared() -> None:
        for _ in range(30):
            for _ in range(30):
                pass

    assert 900 < lines_run(squared) < 2_000


def judgment_of(shape: Shape, n: int) -> Callable[[], object]:
    """The judgment on such a log, under an order of all that records are asked about."""
    asked: list[Obligation] = [erase(scope=Scope()), cease(), *map(obligation, TYPES)]
    world = World(chosen=make_order(*asked))
    assert world.chosen is not None
    world.issue(world.chosen)
    shape(world, n)
    fold = Fold.empty()
    for fact in world.facts:
        fold.take(fact)
    issued: IssuedOrder = fold.docket.orders[0]
    as_of = world.now_us // 1_000_000 + 10 * 86_400
    case = Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=world.size)
    return lambda: judge(case)


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python a piece of work runs through."""
    count, before = 0, sys.gettrace()

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def one(number: int) -> tuple[str, ...]:
    return (handle(number),)
