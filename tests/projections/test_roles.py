"""The table of who may post what."""

from typing import get_args

import pytest

from ledger import cli_key
from projections import vocabulary as v
from projections.events import EVENT_TYPES
from projections.roles import ROLES, check_role

OWN = {
    "store.registered", "store.retired", "blinding.destroyed", "processing.declared", "consent.given",
    "consent.withdrawn", "data.held", "data.collected", "residency.asserted", "data.copied", "data.derived",
    "data.accessed", "data.matched", "data.disclosed", "recipient.notified", "recipient.unreachable",
    "service.offered", "service.withdrawn", "enquiry.received", "enquiry.identity_demanded",
    "enquiry.extended", "enquiry.answered", "enquiry.abandoned", "objection.raised", "objection.upheld",
    "objection.refused", "data.restricted", "data.unrestricted", "retention.expired", "data.deleted",
    "deletion.failed", "deletion.verified", "data.reappeared", "backup.created", "backup.expired",
    "backup.restored", "hold.placed", "hold.released", "suppression.added", "suppression.hit",
    "suppression.removed", "inventory.begun", "inventory.attested", "probe.attested", "sample.requested",
    "sample.attested", "collector.attested", "compliance.attested", "event.corrected",
    "evidence.kept", "evidence.erasure_requested", "evidence.erased",
}  # fmt: skip
KEEPING = {"evidence.kept", "evidence.erasure_requested", "evidence.erased"}
# The other way round than the code has it: what each role may post.
MAY_POST = {
    "operator": {"checkpoint.anchored", "checkpoint.timestamped"},
    "admin": {
        "log.created", "key.registered", "key.revoked", "token.registered", "token.revoked", "event.corrected"
    },
    "controller": OWN | {"order.appealed", "penalty.paid"},
    "processor": OWN,
    "recipient": KEEPING | {"recipient.acknowledged", "data.deleted", "deletion.failed", "event.corrected"},
    "authority": KEEPING | {
        "order.issued", "order.served", "order.varied", "order.appealed", "order.stayed", "order.stay_lifted",
        "order.set_aside", "order.reinstated", "order.revoked", "order.discharged", "exemption.granted",
        "hold.placed", "hold.released", "penalty.imposed", "penalty.accrued", "penalty.paid",
        "compliance.rejected", "residency.asserted", "event.corrected",
    },
    "auditor": KEEPING | {
        "inventory.begun", "inventory.attested", "probe.attested", "sample.requested", "sample.attested",
        "compliance.attested", "compliance.rejected", "residency.asserted", "deletion.verified",
        "event.corrected",
    },
    "gateway": set[str](),
    "reader": set[str](),
}  # fmt: skip


@pytest.mark.parametrize("role", get_args(v.Role))
def test_each_role_posts_its_own(role: str) -> None:
    for event_type in EVENT_TYPES:
        refused = check_role(role, event_type)
        short = event_type.removeprefix("writ.").removesuffix(".v1")
        assert (refused is None) == (short in MAY_POST[role])
        if refused is not None:
            assert refused.problem == "not-allowed"
            assert refused.field == "type"
            assert all(allowed in refused.detail for allowed in ROLES[event_type])


def test_every_type_has_a_row_of_known_roles() -> None:
    assert ROLES.keys() == EVENT_TYPES.keys()
    assert frozenset().union(*ROLES.values()) < set(get_args(v.Role))
    assert set(get_args(v.KeyRole)) == set(cli_key.ROLES), "what `writ key register` takes"
    assert set(get_args(v.KeyRole)) | set(get_args(v.TokenRole)) == set(get_args(v.Role))
