"""Who may post what: one table, and the question that admission and replay ask of it.

A role says what the log accepts. It does not say what a reader believes: that, the order decides.
"""

from typing import Final

from projections.events import EVENT_TYPES
from projections.refused import Refused

_OWN: Final = frozenset({"controller", "processor"})
_ADMIN: Final = frozenset({"admin"})

# The gateway's key has no row: it carries the events of tokens, in the tokens' roles. `reader` posts nothing.
ROLES: Final[dict[str, frozenset[str]]] = {
    "writ.log.created.v1": _ADMIN,
    "writ.key.registered.v1": _ADMIN,
    "writ.key.revoked.v1": _ADMIN,
    "writ.token.registered.v1": _ADMIN,
    "writ.token.revoked.v1": _ADMIN,
    "writ.checkpoint.anchored.v1": frozenset({"operator"}),
    "writ.store.registered.v1": _OWN,
    "writ.store.retired.v1": _OWN,
    "writ.blinding.destroyed.v1": _OWN,
    "writ.processing.declared.v1": _OWN,
    "writ.data.held.v1": _OWN,
    "writ.data.collected.v1": _OWN,
    "writ.residency.asserted.v1": _OWN | {"authority", "auditor"},
    "writ.data.derived.v1": _OWN,
    "writ.data.copied.v1": _OWN,
    "writ.data.accessed.v1": _OWN,
    "writ.objection.raised.v1": _OWN,
    # A recipient speaks of its own erasures, done or failed.
    "writ.data.deleted.v1": _OWN | {"recipient"},
    "writ.deletion.failed.v1": _OWN | {"recipient"},
    "writ.deletion.verified.v1": _OWN | {"auditor"},
    "writ.data.reappeared.v1": _OWN,
    "writ.order.issued.v1": frozenset({"authority"}),
    "writ.inventory.begun.v1": _OWN | {"auditor"},
    "writ.inventory.attested.v1": _OWN | {"auditor"},
    "writ.collector.attested.v1": _OWN,
    # Everybody may own up to his mistake.
    "writ.event.corrected.v1": _OWN | {"admin", "recipient", "authority", "auditor"},
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
