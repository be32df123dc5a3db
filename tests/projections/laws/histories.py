"""Generated histories: what may happen in a small world, one step after another.

A history is a list of steps, so hypothesis can leave steps out and make them simpler. Half of the histories
end well, up to the last few steps: else hardly any would be carried out.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from projections import events as ev
from projections.order import Obligation, Order, Scope
from tests.projections.laws.oracle import Oracle
from tests.projections.laws.worlds import (
    ARTEFACTS,
    ATTIC,
    DEADLINE_S,
    FACE,
    FACES,
    HOUR_S,
    IMAGE,
    INDEX,
    OTHER_AUTHORITY,
    PEOPLE,
    PROCESSOR,
    RECIPIENT,
    STRANGER,
    VAULT,
    World,
    cease,
    erase,
    handles,
    make_order,
)
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, START_S

Steps = list["Step"]


class Step(NamedTuple):
    """One thing that happens: the name of a world's method, or of a turn below, and its arguments."""

    name: str
    args: tuple[Any, ...] = ()

    def play(self, world: World) -> None:
        """Let it happen."""
        turn: Callable[..., Any] | None = TURNS.get(self.name)
        if turn is not None:
            turn(world, *self.args)
        else:
            getattr(world, self.name)(*self.args)


def tell(chosen: Order, steps: Steps) -> World:
    """A world in which all this has happened, under this order."""
    world = World(chosen=chosen)
    for step in steps:
        step.play(world)
    return world


def oracle_of(world: World, order: Order, as_of: int | None = None) -> Oracle:
    """The oracle on a world as it stood at a moment, or as it stands."""
    size = world.size if as_of is None else world.size_at(as_of)
    moment = world.now_us // 1_000_000 if as_of is None else as_of
    return Oracle(world.facts[:size], order, moment, found=world.found, proved=world.proved)


def moments(world: World) -> list[int]:
    """Moments worth judging at: around the deadline, now, and much later."""
    now = world.now_us // 1_000_000
    return [
        START_S + 30 * HOUR_S,
        DEADLINE_S,
        DEADLINE_S + 1,
        now + 1,
        max(now, DEADLINE_S) + 30 * 24 * HOUR_S,
    ]


# --- Turns: steps that depend on what has happened.


def look(world: World, store: str, wrong: tuple[int, ...], by: str, naming: str = "") -> None:
    """Look into a store, and be wrong about some handles."""
    live = oracle_of(world, make_order(erase())).live_in(store)
    found = live ^ frozenset(handles(wrong))
    world.look(store, found, by, difference(found, live, naming))


def reconcile(
    world: World, store: str, named: int, seen: int, wrong: tuple[int, ...], by: str, naming: str = ""
) -> None:
    """Look into a store as it was some entries ago, and name a size from some entries ago."""
    live = oracle_of(world, make_order(erase())).live_in(store, world.size - seen)
    found = live ^ frozenset(handles(wrong))
    world.reconcile(store, found, world.size - named, by, difference(found, live, naming))


def difference(found: frozenset[str], live: frozenset[str], naming: str) -> dict[str, Any]:
    """What is named of a difference: nothing, all of it, or something else."""
    came, went = found - live, live - found
    if naming == "wrong":
        came, went = came ^ frozenset(handles((3,))), went - frozenset(handles((3,)))
    named = {"orphans": tuple(sorted(came)), "missing": tuple(sorted(went))}
    return {name: people for name, people in named.items() if people and naming}


def finish(world: World, by: str, method: str) -> None:
    """Everybody does what an order may ask."""
    blank = oracle_of(world, make_order(erase()))
    for store in (FACES, INDEX, VAULT):
        for handle in sorted(blank.live_in(store)):
            world.erase((int(handle[3:], 16),), store, method)
    world.anchor()
    for store in (FACES, INDEX, VAULT):
        look(world, store, (), by)
    hours = (world.now_us // 1_000_000 - START_S) // HOUR_S + 1
    for collector in ("c-1", "c-2"):
        world.stand_still(0, hours, collector=collector)
    for one in sorted({f.event.data.disclosure for f in blank.told(ev.DataDisclosed)}):
        world.say(COMPANY, ev.RecipientNotified, disclosure=one)
        world.say(RECIPIENT, ev.RecipientAcknowledged, disclosure=one, outcome="erased")


def tell_event(world: World, by: str, kind: Any, fields: dict[str, Any]) -> None:
    """Somebody says something."""
    world.say(by, kind, **fields)


def order(world: World) -> None:
    """The order is issued."""
    assert world.chosen is not None
    world.issue(world.chosen)


TURNS: dict[str, Callable[..., Any]] = {
    "look": look, "reconcile": reconcile, "finish": finish, "say": tell_event, "order": order,
}  # fmt: skip

# --- Strategies

_people = st.sets(st.sampled_from(PEOPLE), min_size=1, max_size=3).map(lambda found: tuple(sorted(found)))
_any = st.sets(st.sampled_from((*PEOPLE, *ARTEFACTS)), min_size=1, max_size=4).map(
    lambda found: tuple(sorted(found))
)
_made = st.sampled_from([(101,), (102,), (101, 102), (101, 4)])
_store = st.sampled_from((FACES, INDEX, VAULT))
_any_store = st.sampled_from((FACES, FACES, FACES, INDEX, INDEX, VAULT, VAULT, ATTIC))
_code = st.sampled_from(("GB", "GB", "GB-SCT", "FR", "FR", "", None))
_basis = st.sampled_from(("declared", "registration", "declared", "ip", "authority"))
_bases = st.sampled_from(("declared", "registration", "authority", "ip"))
_method = st.sampled_from(("purge", "purge", "purge", "clear", "soft", "crypto_erase", "destroy", "retrain"))
_auditor = st.sampled_from((COMPANY, ASSESSOR, ASSESSOR, STRANGER, PROCESSOR))
_category = st.sampled_from((IMAGE, IMAGE, FACE))


def _step(name: str, *args: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(*args).map(lambda found: Step(name, found))


def _said(kind: Any, by: st.SearchStrategy[str], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(by, st.fixed_dictionaries(fields)).map(lambda one: Step("say", (one[0], kind, one[1])))


_handles = _any.map(handles)
_anybody = st.sampled_from((COMPANY, ASSESSOR, AUTHORITY, OTHER_AUTHORITY))
DATA = (
    _step("hold", _people, _any_store, _code, _basis, _category),
    _step("collect", _people, _any_store, _code, _basis, _category),
    _step("copy", _any, st.just(FACES), st.sampled_from((INDEX, VAULT))),
    _step("derive", _made, _people | st.just(())),
    _step("erase", _any, _any_store, _method),
    _step("erase", _any, _any_store, st.just("purge"), st.sampled_from((COMPANY, PROCESSOR)), st.booleans()),
    _step("reappear", _any, _any_store, st.sampled_from(("restore", "resync", "recollected", "unknown"))),
    _step("fail", _any, _store),
    _said(ev.DeletionVerified, st.sampled_from((COMPANY, ASSESSOR)), method=st.just("negative_read"),
          records=_handles, store=_store),
    _said(ev.DataAccessed, st.just(COMPANY), actor=st.just("a-1"), actor_country=st.just("US"),
          purpose=st.just("search"), records=_handles),
    _step("reside", _any, _code.map(lambda code: code or ""), _bases, _anybody),
)  # fmt: skip
_naming = st.sampled_from(("", "all", "all", "wrong"))
LOOKS = (
    _step("look", _store, st.sampled_from(((), (), (), (1,), (2, 101), (1, 900))), _auditor, _naming),
    _step(
        "reconcile",
        _store,
        st.integers(0, 4),
        st.integers(0, 3),
        st.sampled_from(((), (), (1,))),
        _auditor,
        _naming,
    ),
    _step("anchor"),
    _step("wait", st.integers(1, 60)),
)
COLLECTORS = (
    st.tuples(
        st.integers(-10, 90), st.integers(1, 100), st.sampled_from(("c-1", "c-1", "c-2")), st.booleans(),
        st.sampled_from(((), ("FR",), ("FR", "GB"), ("GB",))),
    ).map(lambda one: Step("account", one)),
)  # fmt: skip
TURNS["account"] = lambda world, start, hours, collector, running, exclusions: world.stand_still(
    start, start + hours, collector=collector, running=running, exclusions=exclusions
)
_disclosure = st.sampled_from(("d-1", "d-2"))
RECIPIENTS = (
    _said(ev.DataDisclosed, st.just(COMPANY), country=st.just("US"), disclosure=_disclosure,
          public=st.just(False), recipient=st.sampled_from((RECIPIENT, PROCESSOR)), records=_handles),
    _said(ev.RecipientNotified, st.just(COMPANY), disclosure=_disclosure),
    _said(ev.RecipientAcknowledged, st.sampled_from((RECIPIENT, PROCESSOR, COMPANY)), disclosure=_disclosure,
          outcome=st.just("erased")),
    _said(ev.RecipientUnreachable, st.just(COMPANY), disclosure=_disclosure),
    _said(ev.RecipientUnreachable, st.just(COMPANY), disclosure=_disclosure,
          justification=st.just("dissolved")),
)  # fmt: skip
_day = st.integers(1, 9).map(lambda day: f"2026-01-0{day}T00:00:00Z")
_backup = st.sampled_from(("b-1", "b-2"))
BACKUPS = (
    _said(ev.BackupCreated, st.sampled_from((COMPANY, PROCESSOR)), backup=_backup, store=_store,
          as_of=st.sampled_from(("2025-12-20T00:00:00Z", "2026-01-01T12:00:00Z")),
          expires_at=_day.map(lambda day: day.replace("-01-01T", "-02-01T"))
          | st.just("2026-01-20T00:00:00Z")),
    _said(ev.BackupExpired, st.sampled_from((COMPANY, PROCESSOR)), backup=_backup, store=_store),
    _said(ev.BackupRestored, st.just(COMPANY), backup=_backup, store=_store,
          erasures_reapplied=st.booleans()),
)  # fmt: skip
_speaker = st.sampled_from((AUTHORITY, AUTHORITY, OTHER_AUTHORITY))
_hold = st.sampled_from(("h-1", "h-2"))
RELIEF = (
    _said(ev.ExemptionGranted, _speaker, ground=st.just("legal_duty"), order=st.just(ORDER), records=_handles,
          obligation=st.sampled_from(("erase", "cease_collecting"))),
    _said(ev.ExemptionGranted, _speaker, ground=st.just("legal_duty"), obligation=st.just("erase"),
          order=st.just(ORDER), category_class=st.sampled_from((FACE, "user.content"))),
    _said(ev.HoldPlaced, _anybody | st.just(AUTHORITY), basis=st.just("court_order"), hold=_hold,
          records=_handles, until=st.sampled_from(("2026-01-03", "2026-01-04", "2027-01-01"))),
    _said(ev.HoldReleased, st.sampled_from((AUTHORITY, COMPANY)), hold=_hold),
)  # fmt: skip
LIFE = tuple(
    _said(kind, _speaker, order=st.just(ORDER), instrument_sha256=st.just("0" * 64), effective_at=_day)
    for kind in (
        ev.OrderAppealed, ev.OrderStayed, ev.OrderStayLifted, ev.OrderSetAside, ev.OrderReinstated,
        ev.OrderRevoked, ev.OrderDischarged,
    )
)  # fmt: skip

_scope = st.builds(
    Scope,
    residency=st.sampled_from((("GB",), ("GB",), ("GB",), ("GB-SCT",), ())),
    residency_when=st.sampled_from(("ever", "ever", "at_collection", "at_order")),
    unknown_residency=st.sampled_from(("in_scope", "in_scope", "report", "out_of_scope")),
    stores=st.sampled_from(((), (), (), (FACES,), (FACES, INDEX))),
)
_include = st.sets(st.sampled_from(("backups", "copies", "derived", "recipients"))).map(
    lambda found: tuple(sorted(found))
)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """An order to erase, and to collect no more."""
    scope = draw(_scope)
    first: Obligation = erase(
        scope=scope,
        include=draw(_include),
        independent=draw(st.sampled_from((False, False, True))),
        min_evidence=draw(st.sampled_from(("E0", "E1", "E2", "E3"))),
        min_method=draw(st.sampled_from(("clear", "purge", "purge"))),
    )
    effective = draw(st.sampled_from(("2026-01-01", "2026-01-02")))
    return make_order(first, cease(scope=scope), effective=effective)


@st.composite
def histories(draw: st.DrawFn, *, most: int = 14) -> tuple[Order, Steps]:
    """An order, and a history in which it is issued sooner or later."""
    chosen = draw(orders())
    step = st.one_of(*DATA, *DATA, *LOOKS, *LOOKS, *COLLECTORS, *RECIPIENTS, *BACKUPS, *RELIEF, *LIFE)
    before = draw(st.lists(step, max_size=4))
    after = draw(st.lists(step, max_size=most))
    steps = [*before, Step("order"), *after]
    if draw(st.booleans()):
        steps.append(Step("finish", (draw(_auditor), draw(st.sampled_from(("purge", "crypto_erase"))))))
        steps += draw(st.lists(step, max_size=2))
    if draw(st.integers(0, 7)) == 7:
        steps.append(
            Step("steal", (draw(st.sampled_from((COMPANY, PROCESSOR, ASSESSOR))), draw(st.integers(0, 40))))
        )
    return chosen, steps
