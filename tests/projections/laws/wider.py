"""Wider histories: beside what the oracle knows, all else that is told, however fast; and narrower scopes.

There is no second opinion on these: they are judged in one way and in another.
"""

from random import Random
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from projections import events as ev
from projections.order import Order, Penalty
from projections.vocabulary import Evidence
from signing.encoding import encode_base64
from tests.projections.laws import histories as common
from tests.projections.laws.histories import TURNS, Step, Steps
from tests.projections.laws.worlds import (
    FACE,
    FACES,
    HOUR_US,
    IMAGE,
    INDEX,
    OTHER_AUTHORITY,
    STORES,
    VAULT,
    World,
    handles,
)
from tests.projections.story import AUTHORITY, COMPANY, ORDER, SHA

# What is told of people by their numbers, of each of a crowd in an entry of its own.
ACTS = frozenset(
    {"hold", "collect", "copy", "erase", "fail", "reappear", "reside", "own", "certify", "regain"}
)
SECOND_US = 1_000_000
COMMITMENT = encode_base64(bytes(32))


def pace(world: World, apart_us: int, claimed_us: int) -> None:
    """From now on things are said so fast, and claimed to be so old."""
    world.apart_us, world.claimed_us = apart_us, claimed_us


def round_off(world: World) -> None:
    """The clock strikes a whole second."""
    world.now_us += -world.now_us % SECOND_US


def own(world: World, people: tuple[int, ...], store: str, how: dict[str, Any]) -> None:
    """A collection with all that may be said of it."""
    world.say(
        COMPANY, ev.DataCollected, records=handles(people), store=store, special_category=True,
        residency=("GB",), residency_basis="declared", **how,
    )  # fmt: skip


def certify(world: World, people: tuple[int, ...], store: str, kinds: tuple[Any, ...]) -> None:
    """An erasure with evidence."""
    world.say(
        str(STORES[store]["operator_key"]), ev.DataDeleted, cause="order", cause_ref=ORDER, store=store,
        method="destroy", irrecoverable=True, records=handles(people),
        evidence=tuple(Evidence(kind=kind, sha256=SHA) for kind in kinds),
    )  # fmt: skip


def keep_backups(world: World, store: str, days: int) -> None:
    """Another store, which keeps its backups for some days."""
    if store not in STORES:
        world.say(
            COMPANY, ev.StoreRegistered, store=store, namespace=store, kind="model", country="US",
            operator_key=COMPANY, versioned=False, object_locked=days > 1, backup_retention_days=days,
            blinding_commitment=COMMITMENT,
        )  # fmt: skip


def vary(world: World, version: int) -> None:
    """Another version of the order, which nobody is judged by here."""
    if world.chosen is not None:
        varied = replace(world.chosen, version=version)
        world.say(AUTHORITY, ev.OrderVaried, order=varied, effective_at="2026-01-02", instrument_sha256=SHA)


TURNS |= {
    "pace": pace, "round": round_off, "own": own, "certify": certify, "keep": keep_backups, "vary": vary,
}  # fmt: skip

_store = st.sampled_from((FACES, FACES, INDEX, VAULT))
_how = st.fixed_dictionaries(
    {
        "activity": st.sampled_from(("search", "archive")),
        "categories": st.sampled_from(((IMAGE,), (FACE,), (FACE, IMAGE))),
        "minor": st.sampled_from(("yes", "no", "unknown")),
        "source_kind": st.sampled_from(("public_web", "broker")),
    }
)
_records = common._any.map(handles)
MORE = (
    common._step("pace", st.sampled_from((0, 0, 1, 999_999, SECOND_US)), st.sampled_from((0, 1, HOUR_US))),
    common._step("round"),
    common._step("own", common._people, _store, _how),
    common._step("certify", common._any, _store, st.sampled_from((("custody",), ("custody", "receipt"), ()))),
    common._step("keep", st.sampled_from(("model", "tape")), st.integers(1, 3)),
    common._step("vary", st.integers(2, 4)),
    common._said(ev.StoreRetired, st.just(COMPANY), store=_store),
    common._said(ev.BlindingDestroyed, st.just(COMPANY), blinding_commitment=st.just(COMMITMENT)),
    common._said(ev.EventCorrected, st.just(COMPANY), corrects=st.integers(0, 9), reason=st.just("other")),
    common._said(ev.ConsentWithdrawn, st.just(COMPANY), activity=st.just("search"), records=_records),
    common._said(ev.ObjectionUpheld, st.just(COMPANY), request=st.just("r-1"), records=_records,
                 ground=st.just("own_situation")),
    common._said(ev.EnquiryReceived, st.just(COMPANY), request=st.sampled_from(("r-1", "r-2")),
                 right=st.sampled_from(("15", "17")), due_at=st.just("2026-01-20T00:00:00Z"),
                 records=_records),
    common._said(ev.OrderServed, st.sampled_from((AUTHORITY, OTHER_AUTHORITY)), order=st.just(ORDER),
                 instrument_sha256=st.just("0" * 64), effective_at=common._day),
)  # fmt: skip
_narrower = st.fixed_dictionaries(
    {},
    optional={
        "categories": st.sampled_from(((FACE,), ("user.content",))),
        "collected_from": st.sampled_from(("2026-01-01", "2026-01-02", "2026-01-01T00:00:05Z")),
        "collected_to": st.sampled_from(("2026-01-01", "2026-01-03", "2026-01-01T00:00:09Z")),
        "minors": st.just("only"),
        "residency_bases": st.sampled_from(((), ("declared",), ("authority", "ip"))),
        "source_kinds": st.sampled_from((("public_web",), ("broker",))),
    },
)


@st.composite
def wider(draw: st.DrawFn, histories: st.SearchStrategy[tuple[Order, Steps]]) -> tuple[Order, Steps]:
    """A history with more in it, of an order that may ask for less."""
    order, steps = draw(histories)
    found = list(steps)
    for step in draw(st.lists(st.one_of(*MORE), max_size=8)):
        found.insert(draw(st.integers(0, len(found))), step)
    penalty = Penalty(amount_minor=5, currency="EUR", per="day")
    obligations = [
        replace(
            one,
            scope=replace(one.scope, **draw(_narrower)),
            min_evidence=draw(st.sampled_from(("E0", "E4"))),
            **({"penalty": penalty} if draw(st.booleans()) else {}),
        )
        for one in order.obligations
    ]
    return replace(order, obligations=tuple(obligations)), found


def mixed(steps: Steps, size: int, random: Random) -> Steps:
    """The same history of each person and more like him, in three leaves. What is told of people one after
    another is told of each in this sequence; whose turn it is, chance says."""
    found: Steps = []
    crowd: dict[int, Steps] = {}
    for step in [*steps, Step("end")]:
        people = step.args[0] if step.args else None
        if step.name in ACTS and isinstance(people, tuple) and all(type(one) is int for one in people):
            for one in (
                person + 0x1000 * (n // 3) + 0x10 * (n % 3) for person in people for n in range(size)
            ):
                crowd.setdefault(one, []).append(Step(step.name, ((one,), *step.args[1:])))
            continue
        while crowd:
            turn = random.choice(list(crowd))
            found.append(crowd[turn].pop(0))
            if not crowd[turn]:
                del crowd[turn]
        found.append(step)
    return found[:-1]
