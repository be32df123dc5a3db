"""Who may post what: one table, and the question that admission and replay ask of it.

A role says what the log accepts. It does not say what a reader believes: that, the order decides.
"""

from typing import Final

from projections.events import EVENT_TYPES
from projections.refused import Refused

_OWN: Final = frozenset({"controller", "processor"})
_ADMIN: Final = frozenset({"admin"})
_AUTHORITY: Final = frozenset({"authority"})
# Whoever may commit to a document may keep it, and erase it again.
_KEEPERS: Final = _OWN | {"recipient", "authority", "auditor"}

# The gateway's key has no row: it carries the events of tokens, in the tokens' roles. `reader` posts nothing.
ROLES: Final[dict[str, frozenset[str]]] = {
    "writ.log.created.v1": _ADMIN,
    "writ.key.registered.v1": _ADMIN,
    "writ.key.revoked.v1": _ADMIN,
    "writ.token.registered.v1": _ADMIN,
    "writ.token.revoked.v1": _ADMIN,
    "writ.checkpoint.anchored.v1": frozenset({"operator"}),
    "writ.checkpoint.timestamped.v1": frozenset({"operator"}),
    "writ.store.registered.v1": _OWN,
    "writ.store.retired.v1": _OWN,
    "writ.blinding.destroyed.v1": _OWN,
    "writ.processing.declared.v1": _OWN,
    # Everybody may own up to his mistake.
    "writ.event.corrected.v1": _OWN | {"admin", "recipient", "authority", "auditor"},
    "writ.data.held.v1": _OWN,
    "writ.data.collected.v1": _OWN,
    "writ.residency.asserted.v1": _OWN | {"authority", "auditor"},
    "writ.data.copied.v1": _OWN,
    "writ.data.derived.v1": _OWN,
    "writ.data.accessed.v1": _OWN,
    # A recipient speaks of its own erasures, done or failed.
    "writ.data.deleted.v1": _OWN | {"recipient"},
    "writ.deletion.failed.v1": _OWN | {"recipient"},
    "writ.deletion.verified.v1": _OWN | {"auditor"},
    "writ.data.reappeared.v1": _OWN,
    "writ.data.matched.v1": _OWN,
    "writ.data.disclosed.v1": _OWN,
    "writ.recipient.notified.v1": _OWN,
    # Only the recipient can: what the controller heard from it is no acknowledgement.
    "writ.recipient.acknowledged.v1": frozenset({"recipient"}),
    "writ.recipient.unreachable.v1": _OWN,
    "writ.service.offered.v1": _OWN,
    "writ.service.withdrawn.v1": _OWN,
    "writ.backup.created.v1": _OWN,
    "writ.backup.expired.v1": _OWN,
    "writ.backup.restored.v1": _OWN,
    "writ.consent.given.v1": _OWN,
    "writ.consent.withdrawn.v1": _OWN,
    "writ.enquiry.received.v1": _OWN,
    "writ.enquiry.identity_demanded.v1": _OWN,
    "writ.enquiry.extended.v1": _OWN,
    "writ.enquiry.answered.v1": _OWN,
    "writ.enquiry.abandoned.v1": _OWN,
    "writ.objection.raised.v1": _OWN,
    "writ.objection.upheld.v1": _OWN,
    "writ.objection.refused.v1": _OWN,
    "writ.data.restricted.v1": _OWN,
    "writ.data.unrestricted.v1": _OWN,
    "writ.retention.expired.v1": _OWN,
    "writ.suppression.added.v1": _OWN,
    "writ.suppression.hit.v1": _OWN,
    "writ.suppression.removed.v1": _OWN,
    # Anybody's hold is on record; an order makes way for its authority's alone.
    "writ.hold.placed.v1": _OWN | _AUTHORITY,
    "writ.hold.released.v1": _OWN | _AUTHORITY,
    "writ.order.issued.v1": _AUTHORITY,
    "writ.order.served.v1": _AUTHORITY,
    "writ.order.varied.v1": _AUTHORITY,
    # Who appeals may say so; what follows from it, the court decides and the authority posts.
    "writ.order.appealed.v1": _AUTHORITY | {"controller"},
    "writ.order.stayed.v1": _AUTHORITY,
    "writ.order.stay_lifted.v1": _AUTHORITY,
    "writ.order.set_aside.v1": _AUTHORITY,
    "writ.order.reinstated.v1": _AUTHORITY,
    "writ.order.revoked.v1": _AUTHORITY,
    "writ.order.discharged.v1": _AUTHORITY,
    "writ.exemption.granted.v1": _AUTHORITY,
    # An assessor accepts what he assessed by the same event; rejecting is not the controller's.
    "writ.compliance.attested.v1": _OWN | {"auditor"},
    "writ.compliance.rejected.v1": _AUTHORITY | {"auditor"},
    "writ.penalty.imposed.v1": _AUTHORITY,
    "writ.penalty.accrued.v1": _AUTHORITY,
    # Who pays says so, and the authority may confirm it.
    "writ.penalty.paid.v1": _AUTHORITY | {"controller"},
    "writ.inventory.begun.v1": _OWN | {"auditor"},
    "writ.inventory.attested.v1": _OWN | {"auditor"},
    "writ.probe.attested.v1": _OWN | {"auditor"},
    "writ.sample.requested.v1": _OWN | {"auditor"},
    "writ.sample.attested.v1": _OWN | {"auditor"},
    "writ.collector.attested.v1": _OWN,
    "writ.evidence.kept.v1": _KEEPERS,
    "writ.evidence.erasure_requested.v1": _KEEPERS,
    "writ.evidence.erased.v1": _KEEPERS,
}
assert ROLES.keys() == EVENT_TYPES.keys(), "every type of event has its row"

# One look-up an event: this is asked of every line posted and of every line replayed.
_ALLOWED: Final = frozenset((role, name) for name, roles in ROLES.items() for role in roles)


def check_role(role: str, event_type: str) -> Refused | None:
    """None when the role may post this type of event, else why not."""
    if (role, event_type) in _ALLOWED:
        return None
    allowed = ", ".join(sorted(ROLES[event_type]))
    return Refused("not-allowed", f"the role {role} may not post {event_type}: it takes {allowed}", "type")
