"""What is done with records and who is told of it, told into a `Story`."""

from typing import Any

from projections import events as ev
from tests.projections.logbuilder import CONTROLLER, rfc3339
from tests.projections.story import AUTHORITY, COMPANY, DAY_S, ORDER, START_S, Story, handle

POLICE = "police.example"
FAR = "2027-01-01T00:00:00Z"


def day(days: float) -> str:
    """The moment so many days after the order took effect."""
    return rfc3339((START_S + int(days * DAY_S)) * 1_000_000)


def wait(story: Story, days: float) -> None:
    """Let the log's clock run on."""
    story.log.now_us += int(days * DAY_S) * 1_000_000


def disclose(
    story: Story, *numbers: int, name: str = "d-1", recipient: str = POLICE, public: bool = False
) -> int:
    return story.post(
        ev.DataDisclosed(
            controller=CONTROLLER,
            country="US",
            disclosure=name,
            public=public,
            recipient=recipient,
            records=tuple(handle(n) for n in sorted(numbers)),
        )
    )


def notify(story: Story, name: str = "d-1", *, by: str = COMPANY, time: str | None = None) -> int:
    return story.post(ev.RecipientNotified(controller=CONTROLLER, disclosure=name), by=by, time=time)


def acknowledge(story: Story, name: str = "d-1", *, by: str = POLICE, **how: Any) -> int:
    return story.post(ev.RecipientAcknowledged(controller=CONTROLLER, disclosure=name, **how), by=by)


def give_up(story: Story, name: str = "d-1", **how: Any) -> int:
    return story.post(ev.RecipientUnreachable(controller=CONTROLLER, disclosure=name, **how))


def back_up(story: Story, as_of: str, expires_at: str, *, name: str = "b-1", store: str = "faces") -> int:
    return story.post(
        ev.BackupCreated(as_of=as_of, backup=name, controller=CONTROLLER, expires_at=expires_at, store=store)
    )


def expire(story: Story, *, name: str = "b-1", store: str = "faces", by: str = COMPANY) -> int:
    return story.post(ev.BackupExpired(backup=name, controller=CONTROLLER, store=store), by=by)


def restore(story: Story, *, reapplied: bool, name: str = "b-1", store: str = "faces") -> int:
    return story.post(
        ev.BackupRestored(backup=name, controller=CONTROLLER, erasures_reapplied=reapplied, store=store)
    )


def access(story: Story, *numbers: int) -> int:
    records = tuple(handle(n) for n in sorted(numbers))
    return story.post(
        ev.DataAccessed(
            actor="agent-1", actor_country="US", controller=CONTROLLER, purpose="search", records=records
        )
    )


def match(story: Story, *numbers: int) -> int:
    records = tuple(handle(n) for n in sorted(numbers))
    return story.post(
        ev.DataMatched(
            actor="agent-1", actor_country="US", controller=CONTROLLER, probe=handle(999), records=records
        )
    )


def verify_gone(story: Story, *numbers: int, store: str = "faces", by: str = COMPANY) -> int:
    records = tuple(handle(n) for n in sorted(numbers))
    return story.post(
        ev.DeletionVerified(controller=CONTROLLER, method="negative_read", records=records, store=store),
        by=by,
    )


def restrict(
    story: Story, *numbers: int, store: str = "faces", by: str = COMPANY, time: str | None = None
) -> int:
    records = tuple(handle(n) for n in sorted(numbers))
    return story.post(
        ev.DataRestricted(controller=CONTROLLER, records=records, store=store), by=by, time=time
    )


def unrestrict(story: Story, *numbers: int, store: str = "faces") -> int:
    records = tuple(handle(n) for n in sorted(numbers))
    return story.post(ev.DataUnrestricted(controller=CONTROLLER, records=records, store=store))


def exempt(story: Story, *numbers: int, obligation: str = "erase", by: str = AUTHORITY, **how: Any) -> int:
    if numbers:
        how = {"records": tuple(handle(n) for n in sorted(numbers))} | how
    granted = ev.ExemptionGranted(
        controller=CONTROLLER, ground="legal_duty", obligation=obligation, order=ORDER, **how
    )
    return story.post(granted, by=by)


def place_hold(story: Story, *numbers: int, until: str = "2027-01-01", by: str = AUTHORITY) -> int:
    records = tuple(handle(n) for n in sorted(numbers))
    return story.post(
        ev.HoldPlaced(basis="investigation", controller=CONTROLLER, hold="h-1", records=records, until=until),
        by=by,
    )
