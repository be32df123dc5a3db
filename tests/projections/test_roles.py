"""The table of who may post what."""

from typing import get_args

import pytest

from projections import vocabulary as v
from projections.events import EVENT_TYPES
from projections.roles import ROLES, check_role

OWN = {
    "store.registered", "store.retired", "blinding.destroyed", "processing.declared", "data.held",
    "data.collected", "residency.asserted", "data.derived", "data.copied", "data.accessed",
    "objection.raised", "data.deleted", "deletion.failed", "deletion.verified", "data.reappeared",
    "inventory.begun", "inventory.attested", "collector.attested", "event.corrected",
}  # fmt: skip
# The other way round than the code has it: what each role may post.
MAY_POST = {
    "operator": {"checkpoint.anchored"},
    "admin": {
        "log.created", "key.registered", "key.revoked", "token.registered", "token.revoked", "event.corrected"
    },
    "controller": OWN,
    "processor": OWN,
    "recipient": {"data.deleted", "deletion.failed", "event.corrected"},
    "authority": {"order.issued", "residency.asserted", "event.corrected"},
    "auditor": {
        "inventory.begun", "inventory.attested", "residency.asserted", "deletion.verified", "event.corrected"
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
    assert set(get_args(v.KeyRole)) | set(get_args(v.TokenRole)) == set(get_args(v.Role))
