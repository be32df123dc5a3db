"""Generated histories of conduct: what is offered, asked, vouched for and paid under an order."""

from typing import Any

from hypothesis import strategies as st

from projections import events as ev
from projections.order import Deadline, Obligation, Order, Penalty, Scope
from tests.projections.laws.histories import TURNS, Step, Steps, moments, oracle_of
from tests.projections.laws.oracle_probes import erased_under
from tests.projections.laws.worlds import (
    DEADLINE,
    FACES,
    INDEX,
    OTHER_AUTHORITY,
    PEOPLE,
    PROCESSOR,
    STRANGER,
    World,
    digest,
    handles,
    make_order,
)
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, SHA, START_S, handle

DAY_S = 86_400
REQUESTS = ("r-1", "r-2")


def conduct_moments(world: World) -> list[int]:
    """Moments worth judging at: as in other histories, and once the longest time for an answer is over."""
    now = world.now_us // 1_000_000
    return sorted({*moments(world), max(now, START_S) + DAY_S, START_S + 5 * DAY_S, START_S + 120 * DAY_S})


# --- Turns


def _id_of(world: World, number: int) -> str:
    assert world.chosen is not None
    obligations = world.chosen.obligations
    return obligations[number % len(obligations)].id


def vouch(world: World, by: str, number: int, oath: str, beyond: int, report: bool) -> None:
    """Somebody vouches for an obligation, over so many entries more than there are."""
    committed: dict[str, Any] = {"report_sha256": SHA} if report else {}
    world.say(
        by, ev.ComplianceAttested, log_size=max(0, world.size + beyond), oath=oath,
        obligation=_id_of(world, number), order=ORDER, signatory_role="officer", **committed,
    )  # fmt: skip


def reject(world: World, by: str, number: int) -> None:
    """Somebody does not accept that an obligation was carried out."""
    world.say(
        by, ev.ComplianceRejected, ground="insufficient", log_size=world.size,
        obligation=_id_of(world, number), order=ORDER,
    )  # fmt: skip


def behave(world: World, oath: str, by: str) -> None:
    """Everybody does what an order may ask."""
    for number in range(3):
        world.say(COMPANY, ev.ServiceWithdrawn, service=f"s-{number}", territory="GB")
    for fact in list(oracle_of(world, make_order(plain("erase"))).told(ev.EnquiryReceived)):
        world.say(COMPANY, ev.EnquiryAnswered, request=fact.event.data.request, outcome="fulfilled")
    world.say(COMPANY, ev.PenaltyPaid, amount_minor=1_000, currency="GBP", order=ORDER)
    world.say(AUTHORITY, ev.PenaltyPaid, amount_minor=1_000, currency="GBP", order=ORDER)
    TURNS["finish"](world, by, "purge")
    assert world.chosen is not None
    for number in range(len(world.chosen.obligations)):
        vouch(world, COMPANY, number, oath, 0, True)
        vouch(world, ASSESSOR, number, oath, 0, True)
    world.anchor()


TURNS |= {"vouch": vouch, "reject": reject, "behave": behave}

# --- Strategies


def _step(name: str, *args: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(*args).map(lambda found: Step(name, found))


def _said(kind: Any, by: st.SearchStrategy[str], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.tuples(by, st.fixed_dictionaries(fields)).map(lambda one: Step("say", (one[0], kind, one[1])))


_company = st.just(COMPANY)
_own = st.sampled_from((COMPANY, COMPANY, PROCESSOR))
_people = st.sets(st.sampled_from(PEOPLE), min_size=1, max_size=2).map(lambda found: tuple(sorted(found)))
_store = st.sampled_from((FACES, INDEX))
_number = st.integers(0, 8)
_oath = st.sampled_from(("none", "declaration", "sworn"))
DATA = (
    _step("hold", _people, _store, st.sampled_from(("GB", "GB", "FR", "", None))),
    _step("collect", _people, _store, st.sampled_from(("GB", "FR"))),
    _step("erase", _people, _store),
    _step("erase", _people, _store),
    _step("look", _store, st.sampled_from(((), (), (1,))), st.sampled_from((COMPANY, ASSESSOR))),
)
TIME = (_step("anchor"), _step("wait", st.integers(1, 60)), _step("wait", st.integers(1, 60)))
_territory = st.sampled_from(("GB", "GB", "GB-SCT", "FR"))
_service = st.sampled_from(("s-0", "s-0", "s-1"))
SERVICES = (
    _said(ev.ServiceOffered, _own, service=_service, territory=_territory),
    _said(ev.ServiceWithdrawn, _own, service=_service, territory=_territory),
)
_request = st.sampled_from(REQUESTS)
_due = st.sampled_from(
    (*(f"2026-01-0{day}T00:00:00Z" for day in range(1, 10)), "2026-02-10T12:00:00Z", "2026-07-01T00:00:00Z")
)
_right = st.sampled_from(("15", "15", "17"))
ENQUIRIES = (
    _said(ev.EnquiryReceived, _own, request=_request, due_at=_due, right=_right),
    _said(ev.EnquiryReceived, _own, request=_request, due_at=_due, right=_right,
          records=_people.map(handles)),
    _said(ev.EnquiryReceived, _own, request=_request, due_at=_due, right=_right,
          records=_people.map(handles)),
    _said(ev.EnquiryIdentityDemanded, _own, request=_request, ground=st.just("routine"),
          items=st.just(("photo",)), optional=st.booleans()),
    _said(ev.EnquiryExtended, _own, request=_request, due_at=_due, ground=st.just("complexity")),
    _said(ev.EnquiryAnswered, _own, request=_request,
          outcome=st.sampled_from(("fulfilled", "partial", "refused", "no_match"))),
    _said(ev.EnquiryAnswered, _own, request=_request, outcome=st.just("fulfilled")),
    _said(ev.EnquiryAbandoned, _own, request=_request),
)  # fmt: skip
WORDS = (
    _step("vouch", st.sampled_from((COMPANY, COMPANY, ASSESSOR, ASSESSOR, STRANGER, PROCESSOR)), _number,
          _oath, st.sampled_from((0, 0, 0, 0, -1, -2, -4, 1, 2, -99)), st.booleans()),
    _step("vouch", st.sampled_from((COMPANY, ASSESSOR)), _number, _oath, st.just(0), st.booleans()),
    _step("reject", st.sampled_from((ASSESSOR, AUTHORITY, STRANGER, OTHER_AUTHORITY)), _number),
)  # fmt: skip
_currency = st.sampled_from(("GBP", "GBP", "EUR"))
_amount = st.sampled_from((40, 60, 100, 500))
MONEY = (
    _said(ev.PenaltyPaid, st.sampled_from((COMPANY, AUTHORITY, OTHER_AUTHORITY)), amount_minor=_amount,
          currency=_currency, order=st.just(ORDER)),
    _said(ev.PenaltyAccrued, st.sampled_from((AUTHORITY, OTHER_AUTHORITY)), amount_minor=_amount,
          currency=_currency, order=st.just(ORDER)),
)  # fmt: skip
_sample = st.sampled_from(("sample-1", "sample-2"))
_looker = st.sampled_from((COMPANY, ASSESSOR, ASSESSOR, STRANGER))
_bad = st.sampled_from((0, 0, 1))
_aim = st.sampled_from(("exact", "exact", "exact", "less", "more", "recently"))
PROBES = (
    st.tuples(_looker, _store, _bad, st.sampled_from((0, 1, 2, 2)), _aim).map(lambda one: Step("probe", one)),
    _said(ev.SampleRequested, _looker, n=st.just(5), order=st.just(ORDER), sample=_sample,
          population_digest=st.just(digest(frozenset())[1])),
    _said(ev.SampleAttested, _looker, sample=_sample, failures=_bad, control_checked=st.just(2),
          control_found=st.sampled_from((2, 2, 1, 0))),
)  # fmt: skip


def probe(world: World, by: str, store: str, found: int, control: int, aim: str = "exact") -> None:
    """Somebody looks for what was erased, for less or more, or for what was erased a while ago; and for two
    that must be there."""
    assert world.chosen is not None
    issued = any(getattr(fact.event.data, "order", None) == world.chosen for fact in world.facts)
    size = world.size if aim != "recently" else max(0, world.size - 3)
    people = erased_under(oracle_of(world, world.chosen), store, size) if issued else frozenset()
    if aim == "less":
        people = frozenset(sorted(people)[1:])
    elif aim == "more":
        people |= {handle(999)}
    count, seen = digest(people)
    world.found[seen] = people
    world.say(
        by, ev.ProbeAttested, store=store, order=ORDER, found=min(found, count), checked_count=count,
        control_checked=2, checked_digest=seen, control_found=control,
    )  # fmt: skip


TURNS["probe"] = probe
_moment = st.integers(1, 9).map(lambda day: f"2026-01-0{day}") | st.integers(1, 9).map(
    lambda day: f"2026-01-0{day}T14:00:00Z"
)
LIFE = tuple(
    _said(kind, st.sampled_from((AUTHORITY, AUTHORITY, OTHER_AUTHORITY)), order=st.just(ORDER),
          instrument_sha256=st.just(SHA), effective_at=_moment)
    for kind in (
        ev.OrderServed, ev.OrderAppealed, ev.OrderStayed, ev.OrderStayLifted, ev.OrderStayLifted,
        ev.OrderSetAside, ev.OrderReinstated, ev.OrderReinstated, ev.OrderRevoked, ev.OrderDischarged,
    )
)  # fmt: skip
APPEALS = (
    _said(ev.OrderAppealed, st.sampled_from((COMPANY, COMPANY, AUTHORITY)), order=st.just(ORDER),
          instrument_sha256=st.just(SHA), effective_at=_moment),
)  # fmt: skip


# What a history is about: what may happen there besides the rest, and which obligations it is judged by.
_Kinds = tuple[tuple[str, ...], ...]
THEMES: dict[str, tuple[tuple[st.SearchStrategy[Step], ...], _Kinds]] = {
    "services": (
        SERVICES,
        (("cease_offering",), ("cease_offering", "attest"), ("cease_offering", "cease_collecting")),
    ),
    "enquiries": (
        (*ENQUIRIES, *DATA),
        (("answer_subjects",), ("answer_subjects", "erase"), ("answer_subjects", "attest")),
    ),
    "words": (WORDS, (("appoint_representative",), ("publish",))),
    "attests": (WORDS, (("attest",), ("publish", "attest"), ("erase", "attest"))),
    "assesses": (WORDS, (("independent_assessment",), ("publish", "independent_assessment"))),
    "money": (MONEY, (("pay",), ("pay", "pay"), ("pay", "cease_offering"))),
    "looks": (
        (*PROBES, *DATA),
        (("erase",), ("erase", "independent_assessment"), ("erase", "erase", "attest")),
    ),
}


def plain(kind: Any, **how: Any) -> Obligation:
    """An obligation of this type about residents of GB, due within three days."""
    said: dict[str, Any] = {"deadline": Deadline(at=DEADLINE), "scope": Scope(residency=("GB",))}
    return Obligation(**(said | {"id": kind, "type": kind} | how))


@st.composite
def obligations(draw: st.DrawFn, kinds: tuple[str, ...]) -> tuple[Obligation, ...]:
    """Obligations of these types, each of which may hang on those before it."""
    made: list[Obligation] = []
    for number, kind in enumerate(kinds):
        before = tuple(sorted(one.id for one in made))
        how: dict[str, Any] = {
            "depends_on": draw(st.sampled_from((before, before, before[:1], ()))),
            "oath": draw(st.sampled_from(("none", "none", "none", "declaration", "sworn"))),
            "min_evidence": draw(st.sampled_from(("E0", "E0", "E0", "E0", "E1", "E3"))),
            "independent": draw(st.sampled_from((False, False, False, False, True))),
            "scope": draw(_scope),
        }
        if kind == "erase":
            how["include"] = draw(st.sampled_from(((), ("backups", "copies", "derived", "recipients"))))
        if draw(st.integers(0, 3)) == 3:
            how["recurrence"] = draw(st.sampled_from(("P1D", "P2D", "P1M")))
        per: Any = draw(st.sampled_from(("once", "day", "day", "day")))
        if kind == "pay" or draw(st.booleans()):
            how["penalty"] = Penalty(amount_minor=100, currency=draw(_currency), per=per)
        at = draw(st.sampled_from((DEADLINE, "2026-01-01", "2026-01-02T06:00:00Z")))
        name = f"{kind[:9]}-{number}".replace("_", "-")
        made.append(plain(kind, id=name, deadline=Deadline(at=at), **how))
    return tuple(made)


_scope = st.builds(
    Scope,
    residency=st.sampled_from((("GB",), ("GB",), ("GB",), ("GB-SCT",), ("GB", "GB-SCT"), ())),
    unknown_residency=st.sampled_from(("in_scope", "in_scope", "report", "out_of_scope")),
    stores=st.sampled_from(((), (), (), (FACES,))),
)


@st.composite
def conduct_histories(draw: st.DrawFn, *, theme: str = "", most: int = 16) -> tuple[Order, Steps]:
    """An order, and a history in which it is issued sooner or later; of any theme, if none is given."""
    effective = draw(st.sampled_from(("2026-01-01", "2026-01-02", "2026-01-03T06:00:00Z")))
    dates: dict[str, Any] = {"effective": effective}
    if draw(st.booleans()):
        dates["appeal_expires"] = draw(st.sampled_from(("2026-01-02", "2026-01-04T00:00:00Z")))
    special, many = THEMES[theme or draw(st.sampled_from(sorted(THEMES)))]
    kinds = draw(st.sampled_from(many))
    chosen = make_order(*draw(obligations(kinds)), **dates)
    groups = (*(special,) * 6, TIME, TIME, TIME, WORDS, LIFE, APPEALS)
    step = st.sampled_from(groups).flatmap(lambda group: st.one_of(*group))
    before = draw(st.lists(step, max_size=5))
    after = draw(st.lists(step, min_size=draw(st.integers(0, most // 2)), max_size=most))
    steps = [*before, Step("order"), *after]
    if draw(st.booleans()):
        steps.append(Step("behave", (draw(_oath), draw(st.sampled_from((COMPANY, ASSESSOR))))))
        steps += draw(st.lists(step, max_size=2))
    if draw(st.integers(0, 7)) == 7:
        steps.append(
            Step("steal", (draw(st.sampled_from((COMPANY, PROCESSOR, ASSESSOR))), draw(st.integers(0, 40))))
        )
    return chosen, steps
