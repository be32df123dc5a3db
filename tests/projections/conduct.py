"""What a story tells of conduct: enquiries, services, attestations, payments. For tests of obligations."""

from typing import Any

from projections import events as ev
from projections.finding import Finding
from projections.order import Deadline, Obligation, Penalty, Scope
from tests.projections.logbuilder import CONTROLLER, rfc3339
from tests.projections.story import (
    ASSESSOR,
    AUTHORITY,
    COMPANY,
    DAY_S,
    ORDER,
    SHA,
    START_S,
    WITNESS,
    Story,
    handle,
)

PAST = 40  # days; the deadline is day 30


def obliged(kind: Any, **how: Any) -> Obligation:
    """An obligation of this type about residents of GB, due on day 30."""
    return Obligation(
        deadline=how.pop("deadline", Deadline(at="2026-01-31T00:00:00Z")),
        id=how.pop("id", kind.replace("_", "-")),
        scope=how.pop("scope", Scope(residency=("GB",))),
        type=kind,
        **how,
    )


def at_day(story: Story, day: float) -> Story:
    """Let the log's clock go on to a day."""
    story.log.now_us = (START_S + int(day * DAY_S)) * 1_000_000
    return story


def day(number: float) -> str:
    """The time at which a day begins, as events write it."""
    return rfc3339((START_S + int(number * DAY_S)) * 1_000_000)


def witnessed(story: Story) -> Story:
    """Let the witness prove that what was posted so far exists by now."""
    story.log.anchor(WITNESS)
    return story


def finding(story: Story, days: float = PAST, obligation: int = 0) -> Finding:
    """The finding on one obligation of the last order."""
    return story.judge(days).findings[obligation]


def rules(found: Finding) -> list[str]:
    """The gaps, by rule."""
    return [gap.rule for gap in found.gaps]


def listed(found: Finding) -> list[tuple[str, int, int]]:
    """The exceptions: rule, entry and days late."""
    return [(one.rule, one.index, one.days_late) for one in found.irregularities]


def counted(found: Finding) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: count for name, count in found.counts.items() if count}


def attest(
    story: Story,
    obligation: str,
    *,
    by: str = COMPANY,
    oath: Any = "none",
    log_size: int | None = None,
    report: bool = False,
    order: str = ORDER,
) -> int:
    """Somebody vouches for an obligation, over the log as it stands."""
    committed: dict[str, Any] = {"report_sha256": SHA} if report else {}
    return story.post(
        ev.ComplianceAttested(
            controller=CONTROLLER,
            log_size=story.log.size if log_size is None else log_size,
            oath=oath,
            obligation=obligation,
            order=order,
            signatory_role="chief_executive",
            **committed,
        ),
        by=by,
    )


def reject(story: Story, obligation: str, by: str = ASSESSOR) -> int:
    """Somebody does not accept it."""
    return story.post(
        ev.ComplianceRejected(
            controller=CONTROLLER,
            ground="insufficient",
            log_size=story.log.size,
            obligation=obligation,
            order=ORDER,
        ),
        by=by,
    )


def enquire(
    story: Story, request: str, *records: int, due: float = 30, right: Any = "15", by: str = COMPANY
) -> int:
    """A data subject asks."""
    about: dict[str, Any] = {"records": tuple(handle(n) for n in sorted(records))} if records else {}
    return story.post(
        ev.EnquiryReceived(controller=CONTROLLER, due_at=day(due), request=request, right=right, **about),
        by=by,
    )


def answer(story: Story, request: str, outcome: Any = "fulfilled", **how: Any) -> int:
    """He is answered."""
    return story.post(ev.EnquiryAnswered(controller=CONTROLLER, outcome=outcome, request=request), **how)


def demand(story: Story, request: str, *, optional: bool = False) -> int:
    """He is asked for a photo first."""
    return story.post(
        ev.EnquiryIdentityDemanded(
            controller=CONTROLLER, ground="routine", items=("photo",), optional=optional, request=request
        )
    )


def extend(story: Story, request: str, due: float, **how: Any) -> int:
    """He is put off."""
    return story.post(
        ev.EnquiryExtended(controller=CONTROLLER, due_at=day(due), ground="complexity", request=request),
        **how,
    )


def abandon(story: Story, request: str) -> int:
    """He gives up."""
    return story.post(ev.EnquiryAbandoned(controller=CONTROLLER, request=request))


def offer(story: Story, territory: str = "GB", service: str = "search", **how: Any) -> int:
    """A service is offered somewhere."""
    return story.post(ev.ServiceOffered(controller=CONTROLLER, service=service, territory=territory), **how)


def withdraw(story: Story, territory: str = "GB", service: str = "search", **how: Any) -> int:
    """A service is withdrawn from somewhere."""
    return story.post(ev.ServiceWithdrawn(controller=CONTROLLER, service=service, territory=territory), **how)


def pay(
    story: Story, amount_minor: int, *, by: str = COMPANY, currency: str = "GBP", order: str = ORDER
) -> int:
    """Somebody says that so much was paid."""
    return story.post(
        ev.PenaltyPaid(amount_minor=amount_minor, controller=CONTROLLER, currency=currency, order=order),
        by=by,
    )


def turn(story: Story, kind: type[Any], effective_day: float, by: str = AUTHORITY) -> int:
    """An event of the order's life."""
    return story.post(
        kind(controller=CONTROLLER, effective_at=day(effective_day), instrument_sha256=SHA, order=ORDER),
        by=by,
    )


def fine(amount_minor: int, per: Any = "once", currency: str = "GBP") -> Penalty:
    """An amount of money."""
    return Penalty(amount_minor=amount_minor, currency=currency, per=per)
