"""Generated histories for the obligations about records that are not simply to erase them.

To what happens in every small world these add uses, restrictions by the right and the wrong posters, and
terms that are declared, shortened and over. Half of them end well, up to the last few steps.
"""

from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET

from projections import events as ev
from projections.order import Deadline, Obligation, Order, Scope
from tests.projections.laws import histories as common
from tests.projections.laws.histories import Step, Steps, look, oracle_of
from tests.projections.laws.oracle_terms import term_us
from tests.projections.laws.worlds import (
    ATTIC,
    DEADLINE,
    FACE,
    FACES,
    HOUR_S,
    IMAGE,
    INDEX,
    OTHER_AUTHORITY,
    PROCESSOR,
    RECIPIENT,
    STORES,
    VAULT,
    World,
    erase,
    handles,
    make_order,
)
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, START_S

TYPES: tuple[Any, ...] = ("cease_using", "erase_derived", "limit_retention", "notify_recipients", "restrict")


def obligation(type: Any, **how: Any) -> Obligation:
    """One of these about residents of GB, within three days; its id is its type."""
    return Obligation(**({"deadline": Deadline(at=DEADLINE), "id": type, "type": type} | how))


def comply(world: World, by: str, method: str) -> None:
    """Everybody does what these obligations ask: what was made or is over is erased, the rest restricted."""
    blank = oracle_of(world, make_order(erase()))
    made = {one for f in blank.told(ev.DataDerived) for one in f.event.data.artefacts}
    asked = world.chosen.obligations if world.chosen else ()
    days = next((one.retention_days for one in asked if one.type == "limit_retention"), UNSET)
    for store in STORES:
        operator = str(STORES[store]["operator_key"])
        for handle in sorted(blank.live_in(store)):
            end_us = term_us(blank, handle, days)
            if store == INDEX or handle in made or end_us is None or end_us <= world.now_us:
                world.erase((int(handle[3:], 16),), store, method)
            else:
                world.say(operator, ev.DataRestricted, records=(handle,), store=store)
    gone = [f.event.data for f in blank.told(ev.DataDisclosed)]
    for one, recipient in sorted({(data.disclosure, data.recipient) for data in gone}):
        world.say(COMPANY, ev.RecipientNotified, disclosure=one)
        world.say(recipient, ev.RecipientAcknowledged, disclosure=one, outcome="erased")
    world.anchor()
    for store in STORES:
        look(world, store, (), by)
    hours = (world.now_us // 1_000_000 - START_S) // HOUR_S + 1
    for collector in ("c-1", "c-2"):
        world.stand_still(0, hours, collector=collector)


common.TURNS["comply"] = comply

# --- Strategies

_owner = st.sampled_from((COMPANY, COMPANY, PROCESSOR))
_store = st.sampled_from((*(FACES,) * 4, *(INDEX,) * 2, *(VAULT,) * 2, ATTIC))
_handles = common._any.map(handles)
_activity = st.sampled_from(("search", "search", "archive"))
_day = st.integers(2, 9).map(lambda day: f"2026-01-0{day}T00:00:00Z")
_actor = {"actor": st.just("a-1"), "actor_country": st.just("US")}
USES = (
    common._said(ev.DataAccessed, _owner, purpose=st.just("search"), records=_handles, **_actor),
    common._said(ev.DataMatched, _owner, probe=st.just(handles((9,))), records=_handles, **_actor),
)
RESTRICTIONS = (
    common._said(ev.DataRestricted, _owner, records=_handles, store=_store),
    common._said(ev.DataRestricted, _owner, records=_handles, store=_store),
    common._said(ev.DataUnrestricted, _owner, records=_handles, store=_store),
)
_declaration = {"activity": _activity, "lawful_basis": st.just("consent"), "purposes": st.just(("search",))}
_collection = {
    "activity": _activity,
    "categories": st.sampled_from(((IMAGE,), (FACE,), (FACE, IMAGE))),
    "minor": st.just("unknown"),
    "records": common._people.map(handles),
    "source_kind": st.just("public_web"),
    "special_category": st.just(True),
    "store": _store,
}
_resident = {"residency": st.sampled_from((("GB",), ("GB",), ("FR",), ())), "residency_basis": common._basis}
TERMS = (
    common._said(ev.ProcessingDeclared, _owner, **_declaration),
    common._said(
        ev.ProcessingDeclared, _owner, **_declaration, retention_days=st.sampled_from((0, 1, 2, 3, 30, 400))
    ),
    common._said(ev.DataCollected, _owner, **_collection, **_resident),
    common._said(
        ev.DataCollected, _owner, **_collection, **_resident,
        retention_until=_day | st.just("2027-01-01T00:00:00Z"),
    ),
    common._said(ev.RetentionExpired, _owner, records=_handles, rule=st.just("r-1")),
)  # fmt: skip
_exemption = {"ground": st.just("legal_duty"), "obligation": st.sampled_from(TYPES), "order": st.just(ORDER)}
_speaker = st.sampled_from((AUTHORITY, AUTHORITY, OTHER_AUTHORITY))
RELIEF = (
    common._said(ev.ExemptionGranted, _speaker, **_exemption, records=_handles),
    common._said(
        ev.ExemptionGranted, _speaker, **_exemption, category_class=st.sampled_from((FACE, "user.content"))
    ),
    *common.RELIEF[2:],
)
ANSWERS = (
    *common.RECIPIENTS,
    common._said(
        ev.RecipientAcknowledged, st.sampled_from((RECIPIENT, COMPANY)),
        disclosure=common._disclosure, justification=st.just("dissolved"),
    ),
)  # fmt: skip
_levels = {
    "cease_using": ("E0", "E0", "E0", "E0", "E1"),
    "erase_derived": ("E0", "E0", "E1", "E2", "E3"),
    "limit_retention": ("E0", "E0", "E1", "E2", "E3"),
    "notify_recipients": ("E0", "E0", "E1", "E1", "E2"),
    "restrict": ("E0", "E0", "E0", "E0", "E1"),
}


FOCUS = {
    "cease_using": (*USES * 4, *RESTRICTIONS, *common.COLLECTORS, *RELIEF),
    "erase_derived": (*common.DATA[2:6], *common.BACKUPS, *common.RELIEF[2:], *common.LOOKS),
    "limit_retention": (*TERMS, *TERMS, *common.DATA[2:6], *RELIEF),
    "notify_recipients": (*ANSWERS, *ANSWERS, *common.LOOKS[1:]),
    "restrict": (*RESTRICTIONS, *RESTRICTIONS, *USES, *RELIEF, *common.LOOKS),
}
_present = common._step("hold", common._people, common._store, *map(st.just, ("GB", "declared")))
OPENING = {
    "cease_using": (_present, common.COLLECTORS[0]),
    "erase_derived": (_present, common.DATA[3]),
    "limit_retention": TERMS[1:3],
    "notify_recipients": (_present, ANSWERS[0]),
    "restrict": (_present, RESTRICTIONS[0]),
}
BESIDE = (
    *common.DATA, *common.LOOKS, *common.COLLECTORS, *common.RECIPIENTS, *common.BACKUPS, *RELIEF,
    *common.LIFE[::3], *TERMS, *RESTRICTIONS,
)  # fmt: skip


def _asked(draw: st.DrawFn, type: Any, scope: Scope) -> Obligation:
    how: dict[str, Any] = {}
    if type == "limit_retention" and draw(st.integers(0, 2)) == 2:
        how["retention_days"] = draw(st.sampled_from((0, 1, 3, 30)))
    return obligation(
        type,
        **how,
        scope=scope,
        include=draw(common._include | st.just(("backups", "copies", "derived", "recipients"))),
        independent=type in ("erase_derived", "limit_retention") and draw(st.integers(0, 3)) == 3,
        min_evidence=draw(st.sampled_from(_levels[type])),
        min_method=draw(st.sampled_from(("clear", "purge", "purge"))),
    )


@st.composite
def histories(draw: st.DrawFn, *, first: str = "", most: int = 14) -> tuple[Order, Steps]:
    """An order of one or two of these obligations, and a history in which it is issued sooner or later.

    What the first one is about happens more often; it is `first` if that is given.
    """
    scope = draw(common._scope)
    beside = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True))
    types = [first, *(one for one in beside[1:] if one != first)] if first else beside
    order = make_order(
        *(_asked(draw, type, scope) for type in types),
        effective=draw(st.sampled_from(("2026-01-01", "2026-01-02"))),
    )
    step = st.one_of(*BESIDE, *FOCUS[types[0]] * 4)
    begun = st.one_of(*common.DATA[:4], *TERMS, *ANSWERS[:1])
    steps = [draw(one) for one in OPENING[types[0]]] + draw(st.lists(begun, max_size=3))
    steps += [*draw(st.lists(step, max_size=2)), Step("order")]
    steps += draw(st.lists(step, max_size=most))
    if draw(st.booleans()):
        steps += [Step("wait", (hours,)) for hours in draw(st.lists(st.sampled_from((10, 80)), max_size=1))]
        steps.append(Step("comply", (draw(common._auditor), draw(st.sampled_from(("purge", "destroy"))))))
        steps += draw(st.just([]) | st.lists(step, max_size=2))
    if draw(st.integers(0, 7)) == 7:
        stolen = st.sampled_from((COMPANY, PROCESSOR, ASSESSOR, RECIPIENT, AUTHORITY))
        steps.append(Step("steal", (draw(stolen), draw(st.integers(0, 40)))))
    return order, steps
