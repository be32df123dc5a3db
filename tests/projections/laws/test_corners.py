"""Corners that chance seldom finds: short histories, each of which turns on one rule, judged by both.

Beside each stands the verdict on the erasure ten days after the deadline; the oracle must say the same, then
and at every other moment, with the same counts.
"""

from itertools import product
from typing import Any

import pytest

from projections import events as ev
from projections.order import Scope
from projections.status import status_at
from projections.verdict import EVALUATORS
from tests.projections.laws.comparing import case_of, compare, folded
from tests.projections.laws.histories import Step, Steps, oracle_of, tell
from tests.projections.laws.oracle_life import status
from tests.projections.laws.worlds import (
    DEADLINE_S,
    FACE,
    FACES,
    INDEX,
    OTHER_AUTHORITY,
    PROCESSOR,
    RECIPIENT,
    VAULT,
    cease,
    erase,
    handles,
    make_order,
)
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, SHA, START_S

LATER = DEADLINE_S + 10 * 86_400
ORDERED = Step("order")
HELD, GONE = Step("hold", ((1, 2), FACES)), Step("erase", ((1, 2), FACES))
LOOKED = [Step("look", (store, (), ASSESSOR)) for store in (FACES, INDEX, VAULT)]
OWN_LOOKS = [Step("look", (store, (), COMPANY)) for store in (FACES, INDEX, VAULT)]
AT_ORDER = Scope(residency=("GB",), residency_when="at_order")
FIRST = handles((1,))


def said(by: str, kind: Any, **fields: Any) -> Step:
    return Step("say", (by, kind, fields))


def backup(as_of: str, expires_at: str) -> Step:
    return said(COMPANY, ev.BackupCreated, backup="b-1", store=FACES, as_of=as_of, expires_at=expires_at)


def exempted(by: str, **what: Any) -> Step:
    named = {"ground": "legal_duty", "obligation": "erase", "order": ORDER}
    return said(by, ev.ExemptionGranted, **named, **what)


def preserved(by: str, until: str) -> Step:
    return said(by, ev.HoldPlaced, basis="court_order", hold="h-1", records=handles((1,)), until=until)


def disclosed(person: int = 1) -> Step:
    where = {"country": "US", "disclosure": "d-1", "public": False, "recipient": RECIPIENT}
    return said(COMPANY, ev.DataDisclosed, **where, records=handles((person,)))


def used(person: int = 1) -> Step:
    how = {"actor": "a-1", "actor_country": "US", "purpose": "search"}
    return said(COMPANY, ev.DataAccessed, **how, records=handles((person,)))


NOTIFIED = said(COMPANY, ev.RecipientNotified, disclosure="d-1")
PART = Step("erase", ((2,), FACES))
CORNERS: dict[str, tuple[str, Steps]] = {
    "all is well": ("carried_out", [HELD, ORDERED, GONE, *LOOKED]),
    "looked into before the last erasure": ("cannot_be_proved", [HELD, ORDERED, PART, *LOOKED, GONE]),
    "used after the erasure": ("cannot_be_proved", [HELD, ORDERED, GONE, *LOOKED, used()]),
    "used after the erasure, and looked into since": ("carried_out", [HELD, ORDERED, GONE, used(), *LOOKED]),
    "looked into before the order": ("cannot_be_proved", [HELD, GONE, *LOOKED, ORDERED]),
    "found again, by name": (
        "breached",
        [HELD, ORDERED, GONE, *LOOKED, Step("look", (FACES, (1,), ASSESSOR, "all"))],
    ),
    "found again by the holder": (
        "breached",
        [HELD, ORDERED, GONE, Step("look", (FACES, (1,), COMPANY, "all"))],
    ),
    "found again, and somebody else named": (
        "cannot_be_proved",
        [HELD, ORDERED, GONE, *LOOKED, Step("look", (FACES, (1,), ASSESSOR, "wrong"))],
    ),
    "found again, owned up to, and erased again": (
        "cannot_be_proved",
        [
            HELD,
            ORDERED,
            GONE,
            *LOOKED,
            Step("look", (FACES, (1,), ASSESSOR, "all")),
            Step("reappear", ((1,), FACES, "unknown")),
            GONE,
            *OWN_LOOKS,
        ],
    ),
    "found again, erased again, and looked into": (
        "carried_out",
        [
            HELD,
            ORDERED,
            GONE,
            *LOOKED,
            Step("look", (FACES, (1,), ASSESSOR, "all")),
            Step("reappear", ((1,), FACES, "unknown")),
            GONE,
            *LOOKED,
        ],
    ),
    "found by somebody without an outbox": (
        "breached",
        [HELD, ORDERED, GONE, *LOOKED, Step("reconcile", (FACES, 1, 0, (2, 900), ASSESSOR, "all"))],
    ),
    "missing, and not found": (
        "breached",
        [HELD, ORDERED, Step("look", (FACES, (2,), ASSESSOR, "all"))],
    ),
    "an assessor's difference outlives the controller's looks": (
        "cannot_be_proved",
        [HELD, ORDERED, Step("look", (FACES, (3,), ASSESSOR)), GONE, *OWN_LOOKS],
    ),
    "erased, and collected again": (
        "breached",
        [HELD, ORDERED, GONE, *LOOKED, Step("collect", ((1,), FACES))],
    ),
    "erased twice, after a second life": (
        "carried_out",
        [HELD, ORDERED, GONE, Step("reappear", ((1,), FACES, "restore")), GONE, *LOOKED],
    ),
    "erased by a stranger": (
        "breached",
        [HELD, ORDERED, Step("erase", ((1, 2), FACES, "purge", PROCESSOR)), *LOOKED],
    ),
    "a versioned store cleared": (
        "breached",
        [Step("hold", ((1,), VAULT)), ORDERED, Step("erase", ((1,), VAULT, "clear")), *LOOKED],
    ),
    "what was never there is erased": (
        "cannot_be_proved",
        [ORDERED, HELD, GONE, Step("erase", ((3,), FACES)), *LOOKED],
    ),
    "said to have moved after the order": (
        "breached",
        [HELD, ORDERED, PART, Step("reside", ((1,), "FR", "declared")), *LOOKED],
    ),
    "exempt": ("carried_out", [HELD, ORDERED, exempted(AUTHORITY, records=FIRST), PART, *LOOKED]),
    "exempt by another authority": (
        "breached",
        [HELD, ORDERED, exempted(OTHER_AUTHORITY, records=FIRST), PART, *LOOKED],
    ),
    "a class exempt that is not all that it is": (
        "breached",
        [
            HELD,
            Step("hold", ((1,), FACES, None, "", FACE)),
            ORDERED,
            exempted(AUTHORITY, category_class=FACE),
            PART,
            *LOOKED,
        ],
    ),
    "preserved by the authority": (
        "carried_out",
        [HELD, ORDERED, preserved(AUTHORITY, "2027-01-01"), PART, *LOOKED],
    ),
    "preserved until a day that is over": (
        "breached",
        [HELD, ORDERED, preserved(AUTHORITY, "2026-01-05"), PART, *LOOKED],
    ),
    "preserved, and released": (
        "breached",
        [
            HELD,
            ORDERED,
            preserved(AUTHORITY, "2027-01-01"),
            said(AUTHORITY, ev.HoldReleased, hold="h-1"),
            PART,
            *LOOKED,
        ],
    ),
    "preserved by the controller itself": (
        "breached",
        [HELD, ORDERED, preserved(COMPANY, "2027-01-01"), PART, *LOOKED],
    ),
    "in a backup": (
        "breached",
        [HELD, backup("2025-12-31T00:00:00Z", "2026-03-01T00:00:00Z"), ORDERED, GONE, *LOOKED],
    ),
    "in a backup that is said to be older than its entry": (
        "breached",
        [HELD, ORDERED, GONE, backup("2025-12-31T00:00:00Z", "2026-03-01T00:00:00Z"), *LOOKED],
    ),
    "in a backup that expired": (
        "carried_out",
        [HELD, backup("2025-12-31T00:00:00Z", "2026-01-10T00:00:00Z"), ORDERED, GONE, *LOOKED],
    ),
    "restored, and not looked into since": (
        "cannot_be_proved",
        [
            HELD,
            ORDERED,
            GONE,
            *LOOKED,
            said(COMPANY, ev.BackupRestored, backup="b-1", store=FACES, erasures_reapplied=False),
        ],
    ),
    "a recipient who keeps silent": (
        "cannot_be_proved",
        [HELD, disclosed(), ORDERED, GONE, NOTIFIED, *LOOKED],
    ),
    "a recipient who answers": (
        "carried_out",
        [
            HELD,
            disclosed(),
            ORDERED,
            GONE,
            NOTIFIED,
            said(RECIPIENT, ev.RecipientAcknowledged, disclosure="d-1"),
            *LOOKED,
        ],
    ),
    "somebody who answers in his place": (
        "cannot_be_proved",
        [
            HELD,
            disclosed(),
            ORDERED,
            GONE,
            NOTIFIED,
            said(COMPANY, ev.RecipientAcknowledged, disclosure="d-1"),
            *LOOKED,
        ],
    ),
    "a recipient who is gone": (
        "carried_out",
        [
            HELD,
            disclosed(),
            ORDERED,
            GONE,
            said(COMPANY, ev.RecipientUnreachable, disclosure="d-1", justification="dissolved"),
            *LOOKED,
        ],
    ),
    "what was disclosed was had": ("cannot_be_proved", [HELD, ORDERED, disclosed(3), GONE, *LOOKED]),
    "a stranger's word makes no copy, out of scope neither": (
        "carried_out",
        [Step("hold", ((1,), FACES, "FR")), ORDERED, Step("erase", ((1,), INDEX, "purge", COMPANY)), *LOOKED],
    ),
    "a template outlives its image": (
        "breached",
        [HELD, Step("derive", ((101,), (1,))), ORDERED, GONE, *LOOKED],
    ),
    "nothing in scope, and nobody said why": ("cannot_be_proved", [ORDERED, *LOOKED]),
    "nothing in scope by residency": (
        "carried_out",
        [Step("hold", ((1,), FACES, "FR")), ORDERED, *LOOKED],
    ),
    "another place on a weak basis": (
        "breached",
        [Step("hold", ((1,), FACES, "FR", "ip")), ORDERED, *LOOKED],
    ),
    "an undeclared store": ("breached", [Step("hold", ((1,), "attic")), ORDERED, *LOOKED]),
    "a key that was stolen before it erased": (
        "breached",
        [HELD, ORDERED, GONE, *LOOKED, Step("steal", (COMPANY, 1))],
    ),
}


@pytest.mark.parametrize("name", CORNERS)
@pytest.mark.parametrize("scope", [Scope(residency=("GB",)), AT_ORDER], ids=["ever", "at_order"])
def test_both_say_the_same(name: str, scope: Scope) -> None:
    verdict, steps = CORNERS[name]
    order = make_order(erase(scope=scope), cease(scope=scope))
    compare(order, steps)
    world = tell(order, steps)
    fold = folded(world)
    issued = next(one for one in fold.docket.orders if one.order == order)
    assert EVALUATORS["erase"](case_of(fold, issued, world, LATER), order.obligations[0]).verdict == verdict


TURNS = (
    ev.OrderAppealed,
    ev.OrderStayed,
    ev.OrderStayLifted,
    ev.OrderSetAside,
    ev.OrderReinstated,
    ev.OrderRevoked,
    ev.OrderDischarged,
)
SUSPENDING = [kind for kind in TURNS if kind not in (ev.OrderStayLifted, ev.OrderReinstated)]


@pytest.mark.parametrize("kind", SUSPENDING)
@pytest.mark.parametrize("back", [ev.OrderStayLifted, ev.OrderReinstated, None])
def test_what_is_collected_while_the_order_is_not_in_force(kind: Any, back: Any) -> None:
    """Both hear the same turns, and the same collections are prohibited."""
    turn = {"order": ORDER, "instrument_sha256": SHA}
    steps = [ORDERED, said(AUTHORITY, kind, **turn, effective_at="2026-01-02")]
    if back is not None:
        steps.append(said(AUTHORITY, back, **turn, effective_at="2026-01-03"))
    for person in (1, 2, 3):
        steps += [Step("collect", ((person,), FACES)), Step("wait", (24,))]
    steps.append(Step("account", (0, 80, "c-1", False, ())))
    verdicts = compare(make_order(erase(), cease()), steps)
    assert verdicts["cease_collecting breached"] > 0


@pytest.mark.parametrize("days", [(2, 3, 4), (4, 3, 2), (3, 3, 3)])
def test_every_three_turns_of_an_orders_life(days: tuple[int, int, int]) -> None:
    """Both call the order's status the same before and after each turn, in whatever sequence they come."""
    order = make_order(erase(), cease())
    turn = {"order": ORDER, "instrument_sha256": SHA}
    for kinds in product(TURNS, repeat=3):
        said_on = zip(kinds, days, strict=True)
        steps = [said(AUTHORITY, kind, **turn, effective_at=f"2026-01-0{day}") for kind, day in said_on]
        world = tell(order, [ORDERED, *steps])
        fold = folded(world)
        for day in range(5):
            as_of = START_S + day * 86_400 + 3_600
            case = case_of(fold, fold.docket.orders[0], world, as_of)
            assert status_at(case) == status(oracle_of(world, order, as_of)), (kinds, day)
