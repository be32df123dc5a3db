"""However a log is folded, the same rows, digests and verdicts come out."""

from collections.abc import Sequence

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections import docket_rows, holdings
from projections.case import Case
from projections.docket import Docket, Edge
from projections.fact import Fact
from projections.fold import Fold
from projections.holdings import Holdings
from projections.order import Order
from projections.runners.shelf import Shelf
from projections.standing import QUESTIONS, ask, view_of
from projections.verdict import Judgment, judge
from projections.watched import Watch, watched
from tests.projections.laws import record_histories
from tests.projections.laws.histories import Steps, histories, tell
from tests.projections.laws.worlds import World, handles
from tests.projections.restarted import read_back, restarted

CI = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
Rows = tuple[list[bytes], list[bytes]]


def rows_of(state: Docket, edges: dict[int, Edge], held: Holdings) -> Rows:
    return sorted(holdings.rows(held)), sorted(docket_rows.rows(state, edges))


def judged(fold: Fold, world: World, order: Order) -> Judgment:
    issued = next(one for one in fold.docket.orders if one.order == order)
    as_of = world.now_us // 1_000_000 + 86_400 * 4
    return judge(Case(fold.held, fold.docket, fold.edges, issued, as_of=as_of, size=world.size))


def answered(fold: Fold, world: World) -> list[object]:
    """All standing questions; of each answer all that a reader is told."""
    view = view_of(fold, as_of=world.now_us // 1_000_000 + 86_400 * 400, size=world.size)
    answers = [ask(view, name) for name in QUESTIONS]
    return [(one.rows, one.members(), one.digest()) for one in answers]


def one_pass(facts: list[Fact]) -> Fold:
    fold = Fold.empty()
    for fact in facts:
        fold.take(fact)
    return fold


def chunked(facts: list[Fact], cuts: list[int]) -> Fold:
    """Fold chunk by chunk as the live runner does: read the rows that a chunk names, write them back."""
    written: dict[str, bytes] = {}
    fold = Fold.empty()
    for begin, end in zip([0, *cuts], [*cuts, len(facts)], strict=True):
        chunk = facts[begin:end]
        touched = {handle for fact in chunk for handle in holdings.keys(fact.event)}
        prior = {handle: holdings.decode_row(written[handle]) for handle in touched & written.keys()}
        fold = Fold(read_back(fold.docket), fold.edges, prior)
        for fact in chunk:
            fold.take(fact)
        written |= {handle: holdings.encode_row(held) for handle, held in fold.holdings.items()}
    return Fold(
        fold.docket, fold.edges, {handle: holdings.decode_row(row) for handle, row in written.items()}
    )


def partitioned(facts: list[Fact], parts: int) -> list[Fold]:
    """Fold by handle: every part sees the whole log and keeps its own handles' state alone."""
    folds = [Fold.empty() for _ in range(parts)]
    for fact in facts:
        for number, fold in enumerate(folds):
            fold.take(fact)
            for handle in holdings.keys(fact.event):
                if int(handle, 16) % parts != number:
                    del fold.holdings[handle]
    return folds


def shelved(facts: list[Fact], cuts: list[int], *, halved: bool = False) -> Fold:
    """Fold stretch by stretch, each put away before the next begins with nothing."""
    fold, shelf = Fold.empty(), Shelf()
    shelf.halved = halved
    for begin, end in zip([0, *cuts], [*cuts, len(facts)], strict=True):
        for fact in facts[begin:end]:
            fold.take(fact)
        shelf.put_away(fold.holdings)
    fold.put_away = shelf
    return fold


@st.composite
def cut_histories(draw: st.DrawFn) -> tuple[Order, World, list[int]]:
    order, steps = draw(histories())
    world = tell(order, steps)
    cuts = draw(st.lists(st.integers(0, world.size), max_size=6))
    return order, world, sorted(cuts)


@given(cut_histories())
@CI
def test_in_chunks_with_restarts_between_them(history: tuple[Order, World, list[int]]) -> None:
    order, world, cuts = history
    whole, parts = one_pass(world.facts), chunked(world.facts, cuts)
    assert rows_of(parts.docket, parts.edges, parts.holdings) == rows_of(
        whole.docket, whole.edges, whole.holdings
    )
    assert parts.digests() == whole.digests()
    assert judged(parts, world, order) == judged(whole, world, order)


@given(cut_histories())
@CI
def test_put_away_and_read_part_by_part(history: tuple[Order, World, list[int]]) -> None:
    order, world, cuts = history
    whole, parts = one_pass(world.facts), shelved(world.facts, cuts)
    assert dict(parts.held) == whole.holdings
    assert len(parts.held) == len(whole.holdings)
    assert parts.digests() == whole.digests()
    assert judged(parts, world, order) == judged(whole, world, order)
    assert answered(parts, world) == answered(whole, world)


@given(cut_histories())
@settings(CI, max_examples=5)
def test_put_away_and_read_by_two_processes(history: tuple[Order, World, list[int]]) -> None:
    """Nothing that is told on the way is lost: whom a count counts, and when the verdict may be another."""
    order, world, cuts = history
    whole, parts = one_pass(world.facts), shelved(world.facts, cuts, halved=True)
    assert parts.digests() == whole.digests()
    assert judged(parts, world, order) == judged(whole, world, order)
    assert told(parts, world, order) == told(whole, world, order)


def told(fold: Fold, world: World, order: Order) -> tuple[list[tuple[object, ...]], int | None]:
    """All that is counted, and the next moment at which time alone may change the verdict."""
    issued = next(one for one in fold.docket.orders if one.order == order)
    watch = Watch(world.now_us // 1_000_000)
    heard: list[tuple[object, ...]] = []

    def listen(name: str, handles: Sequence[str], store: str, entry: int) -> None:
        heard.extend((name, handle, store, entry) for handle in handles)

    case = Case(fold.held, fold.docket, fold.edges, issued, as_of=watched(watch), size=world.size)
    judge(case)
    plain = Case(fold.held, fold.docket, fold.edges, issued, as_of=watch.moment, size=world.size)
    judge(plain.listened(listen))
    return sorted(heard, key=repr), watch.turn


@given(record_histories.histories(), st.integers(0, 12))
@CI
def test_what_is_asked_of_records_is_found_part_by_part(history: tuple[Order, Steps], cut: int) -> None:
    order, steps = history
    world = tell(order, steps)
    whole, parts = one_pass(world.facts), shelved(world.facts, [min(cut, len(world.facts))])
    assert judged(parts, world, order) == judged(whole, world, order)
    assert answered(parts, world) == answered(whole, world)


@given(histories(), st.integers(2, 4))
@CI
def test_in_partitions_by_handle(history: tuple[Order, Steps], parts: int) -> None:
    order, steps = history
    world = tell(order, steps)
    whole, folds = one_pass(world.facts), partitioned(world.facts, parts)
    assert {one.digests()[0] for one in folds} == {whole.digests()[0]}
    held = {handle: state for fold in folds for handle, state in fold.holdings.items()}
    assert sum(len(fold.holdings) for fold in folds) == len(held)
    merged = Fold(folds[0].docket, folds[0].edges, held)
    assert merged.digests() == whole.digests()
    assert judged(merged, world, order) == judged(whole, world, order)


@given(histories())
@CI
def test_state_outlives_the_process(history: tuple[Order, Steps]) -> None:
    order, steps = history
    world = tell(order, steps)
    fold = one_pass(world.facts)
    again = restarted(fold)
    assert (again.docket, again.edges, again.holdings) == (fold.docket, fold.edges, fold.holdings)
    assert again.digests() == fold.digests()


@given(histories())
@CI
def test_another_sequence_is_another_state(history: tuple[Order, Steps]) -> None:
    """A swap of two facts does not go unseen."""
    order, steps = history
    world = tell(order, steps)
    world.hold((1,), "faces")
    world.erase((1,), "faces")
    swapped = [*world.facts[:-2], world.facts[-1], world.facts[-2]]
    renumbered = [msgspec.structs.replace(fact, index=at) for at, fact in enumerate(swapped)]
    assert one_pass(renumbered).digests() != one_pass(world.facts).digests()
    assert handles((1,))[0] in one_pass(renumbered).holdings
