"""Examples of events about the log itself. Beside each stands who posts it."""

from typing import Final

from projections import events as ev
from projections import specimens as sp
from projections.vocabulary import Evidence
from signing.encoding import encode_base64
from signing.note import format_note

DATA: Final[tuple[tuple[str, ev.Data], ...]] = (
    (
        sp.ADMIN,
        ev.LogCreated(
            admin_vkey=sp.vkey(sp.ADMIN),
            controller="clearview",
            gateway_vkey=sp.vkey(f"{sp.ORIGIN}/gateway"),
            log_vkey=sp.vkey(sp.ORIGIN),
            operator_vkey=sp.vkey(f"{sp.ORIGIN}/operator"),
            origin=sp.ORIGIN,
            public_reading=False,
        ),
    ),
    (
        sp.ADMIN,
        ev.KeyRegistered(
            controller="clearview",
            country="US",
            name=sp.CONTROLLER,
            role="controller",
            vkey=sp.vkey(sp.CONTROLLER),
        ),
    ),
    (
        sp.ADMIN,
        ev.KeyRevoked(
            compromised_since="2022-05-17T22:00:00Z",
            controller="clearview",
            name=sp.CONTROLLER,
            reason="compromised",
            role="controller",
            vkey=sp.vkey(sp.CONTROLLER),
        ),
    ),
    (
        sp.ADMIN,
        ev.TokenRegistered(
            controller="clearview",
            name=sp.RECIPIENT,
            role="recipient",
            secret_sha256=sp.sha256("secret"),
        ),
    ),
    (
        sp.ADMIN,
        ev.TokenRevoked(
            controller="clearview",
            name=sp.RECIPIENT,
            reason="superseded",
            role="recipient",
            secret_sha256=sp.sha256("secret"),
        ),
    ),
    (f"{sp.ORIGIN}/operator", ev.CheckpointAnchored(controller="clearview", note=sp.cosigned_note())),
    (
        f"{sp.ORIGIN}/operator",
        ev.CheckpointTimestamped(
            controller="clearview",
            note=encode_base64(format_note(sp.checkpoint_note())),
            response=sp.TIMESTAMP_RESPONSE,
        ),
    ),
    (
        sp.CONTROLLER,
        ev.StoreRegistered(
            backup_retention_days=30,
            blinding_commitment=sp.COMMITMENT,
            controller="clearview",
            country="US",
            kind="live",
            namespace="people",
            object_locked=False,
            operator_key=sp.CONTROLLER,
            store="images",
            versioned=False,
        ),
    ),
    (sp.CONTROLLER, ev.StoreRetired(controller="clearview", store="images")),
    (
        sp.CONTROLLER,
        ev.BlindingDestroyed(
            blinding_commitment=sp.COMMITMENT,
            controller="clearview",
            evidence=(Evidence(kind="custody", sha256=sp.sha256("record of destruction")),),
        ),
    ),
    (
        sp.CONTROLLER,
        ev.ProcessingDeclared(
            activity="face-search",
            art9_condition="none",
            controller="clearview",
            lawful_basis="6(1)(f)",
            purposes=("face-search", "product-improvement"),
            retention_days=3650,
        ),
    ),
    (sp.CONTROLLER, ev.EventCorrected(controller="clearview", corrects=41, reason="wrong_store")),
)
