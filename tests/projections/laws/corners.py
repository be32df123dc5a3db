"""What corners of the obligations about records are told with: steps, and what a corner is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from projections import events as ev
from projections.order import Scope
from tests.projections.laws.histories import Step, Steps
from tests.projections.laws.test_corners import disclosed, said, used
from tests.projections.laws.worlds import ATTIC, FACES, IMAGE, INDEX, RECIPIENT, VAULT, handles
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, SHA

DONE, OPEN, BROKEN = "carried_out", "cannot_be_proved", "breached"
NOTHING: Mapping[str, Any] = MappingProxyType({})
REPORTED = Scope(residency=("GB",), unknown_residency="report")
NOWHERE = Scope(residency=("GB",), stores=("nowhere",))
ONLY_VAULT = Scope(residency=("GB",), stores=(VAULT,))
LATE = Step("wait", (80,))
ANCHORED = Step("anchor")
UNKNOWN = Step("hold", ((1,), FACES, ""))
ABROAD = Step("hold", ((3,), FACES, "FR"))
UNDECLARED = Step("copy", ((1,), FACES, ATTIC))
GONE, BACK = Step("erase", ((1, 2), FACES)), Step("reappear", ((1,), FACES, "resync"))
WRONG_LOOK = Step("look", (FACES, (3,), ASSESSOR))
OWN = [Step("look", (store, (), COMPANY)) for store in (FACES, INDEX, VAULT)]
DISCLOSED, USED = disclosed(), used()
ANSWERED = said(RECIPIENT, ev.RecipientAcknowledged, disclosure="d-1", outcome="erased")
GIVEN_UP = said(COMPANY, ev.RecipientUnreachable, disclosure="d-1", justification="dissolved")


def stayed(kind: Any, day: int) -> Step:
    turn = {"order": ORDER, "instrument_sha256": SHA, "effective_at": f"2026-01-0{day}"}
    return said(AUTHORITY, kind, **turn)


def accounted(name: str = "c-1") -> Steps:
    """A program accounts for all the time until the moment judged."""
    return [Step("wait", (300,)), Step("account", (0, 300, name, False, ()))]


def freed(person: int = 1) -> Step:
    return said(COMPANY, ev.DataUnrestricted, records=handles((person,)), store=FACES)


def kept(*people: int, by: str = COMPANY, store: str = FACES) -> Step:
    return said(by, ev.DataRestricted, records=handles(people), store=store)


def declared(days: int | None = None) -> Step:
    how: dict[str, Any] = {} if days is None else {"retention_days": days}
    named = {"activity": "search", "lawful_basis": "consent", "purposes": ("search",)}
    return said(COMPANY, ev.ProcessingDeclared, **named, **how)


def gathered(*people: int, until: int = 0, store: str = FACES) -> Step:
    """A collection, to be kept until a day of January 2026, or for as long as its activity says."""
    how: dict[str, Any] = {"retention_until": f"2026-01-{until:02}T00:00:00Z"} if until else {}
    data = {"categories": (IMAGE,), "minor": "unknown", "special_category": True, "store": store}
    home = {"residency": ("GB",), "residency_basis": "declared"}
    named = {"activity": "search", "source_kind": "public_web", "records": handles(people)}
    return said(COMPANY, ev.DataCollected, **named, **data, **home, **how)


def expired(*people: int) -> Step:
    return said(COMPANY, ev.RetentionExpired, records=handles(people), rule="r-1")


def allowed(by: str, type: str, **what: Any) -> Step:
    """Somebody exempts from this obligation."""
    return said(by, ev.ExemptionGranted, ground="legal_duty", obligation=type, order=ORDER, **what)


class Corner(NamedTuple):
    """A history, what is asked, and the verdict ten days after the deadline."""

    verdict: str
    steps: Steps
    how: Mapping[str, Any] = NOTHING
