"""One documented example of every event, whole: as it would stand in a log.

The keys are made for these pages: the seed of each is the SHA-256 of its name. Handles are those of native
ids 1 to 4 under the blinding key of bytes 00 to 1f.
"""

import hashlib
from typing import Any, Final

from projections import events as ev
from projections.order import Deadline, Obligation, Order, Scope, Trust
from projections.vocabulary import Evidence
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.cosignature import cosign
from signing.encoding import encode_base64
from signing.handle import blinding_commitment, handle
from signing.keys import COSIGNATURE, ED25519, SigningKey, format_vkey
from signing.note import add_signatures, format_note
from signing.setdigest import copies_digest

ORIGIN: Final = "ledger.example/clearview"
ADMIN: Final = "admin.example"
CONTROLLER: Final = "crawler.clearview.example"
AUTHORITY: Final = "ico.example"
AUDITOR: Final = "auditor.example"
WITNESS: Final = "witness.example/w1"
RECIPIENT: Final = "shop.clearview.example"

_TIME: Final = "2022-05-18T09:00:00Z"
_TIME_S: Final = 1_652_864_400
_BLINDING_KEY: Final = bytes(range(32))


def signing_key(name: str, algorithm: int = ED25519) -> SigningKey:
    """The key that has this name in the examples."""
    return SigningKey(name, algorithm, hashlib.sha256(name.encode()).digest())


def vkey(name: str, algorithm: int = ED25519) -> str:
    """Its public half."""
    return format_vkey(signing_key(name, algorithm).verifier)


def example_order() -> Order:
    """An order of two obligations: erase what concerns residents of GB, and collect no more of it."""
    scope = Scope(categories=("user.biometric", "user.content.self_image"), residency=("GB",))
    return Order(
        appeal_expires="2022-06-15",
        controllers=("clearview",),
        country="GB",
        effective="2022-05-18",
        id=f"{AUTHORITY}/en-2022-1",
        instrument_sha256=_sha256("enforcement notice"),
        issued="2022-05-18",
        legal_basis="dpa2018.s149",
        obligations=(
            Obligation(
                deadline=Deadline(anchor="appeal_expires", duration="P3M"),
                id="cease",
                scope=scope,
                type="cease_collecting",
            ),
            Obligation(
                deadline=Deadline(anchor="appeal_expires", duration="P6M"),
                id="erase",
                min_evidence="E2",
                scope=scope,
                type="erase",
            ),
        ),
        served="2022-05-18",
        trust=Trust(
            assessors=(vkey(AUDITOR),),
            log_vkey=vkey(ORIGIN),
            witnesses=(f"witness w1 {vkey(WITNESS, COSIGNATURE)}", "quorum w1"),
        ),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hash(text: str) -> str:
    return encode_base64(hashlib.sha256(text.encode()).digest())


def _set_digest(handles: tuple[str, ...]) -> str:
    return encode_base64(copies_digest(handle.encode() for handle in handles))


def _cosigned_note() -> str:
    note = sign_checkpoint(Checkpoint(ORIGIN, 98_231, hashlib.sha256(b"root").digest()), signing_key(ORIGIN))
    cosigned = add_signatures(note, cosign(note.text, signing_key(WITNESS, COSIGNATURE), _TIME_S))
    return encode_base64(format_note(cosigned))


_records: Final = tuple(sorted(handle(_BLINDING_KEY, "people", number) for number in (1, 2)))
_templates: Final = tuple(sorted(handle(_BLINDING_KEY, "templates", number) for number in (3, 4)))
_commitment: Final = encode_base64(blinding_commitment(_BLINDING_KEY))
_order: Final = example_order()

# Who posts each example: the name of a key, or of a token at the gateway.
_DATA: Final[tuple[tuple[str, ev.Data], ...]] = (
    (
        ADMIN,
        ev.LogCreated(
            admin_vkey=vkey(ADMIN),
            controller="clearview",
            gateway_vkey=vkey(f"{ORIGIN}/gateway"),
            log_vkey=vkey(ORIGIN),
            operator_vkey=vkey(f"{ORIGIN}/operator"),
            origin=ORIGIN,
            public_reading=False,
        ),
    ),
    (
        ADMIN,
        ev.KeyRegistered(
            controller="clearview", country="US", name=CONTROLLER, role="controller", vkey=vkey(CONTROLLER)
        ),
    ),
    (
        ADMIN,
        ev.KeyRevoked(
            compromised_since="2022-05-17T22:00:00Z",
            controller="clearview",
            name=CONTROLLER,
            reason="compromised",
            role="controller",
            vkey=vkey(CONTROLLER),
        ),
    ),
    (
        ADMIN,
        ev.TokenRegistered(
            controller="clearview",
            name=RECIPIENT,
            role="recipient",
            secret_sha256=_sha256("secret"),
        ),
    ),
    (
        ADMIN,
        ev.TokenRevoked(
            controller="clearview",
            name=RECIPIENT,
            reason="superseded",
            role="recipient",
            secret_sha256=_sha256("secret"),
        ),
    ),
    (f"{ORIGIN}/operator", ev.CheckpointAnchored(controller="clearview", note=_cosigned_note())),
    (
        CONTROLLER,
        ev.StoreRegistered(
            backup_retention_days=30,
            blinding_commitment=_commitment,
            controller="clearview",
            country="US",
            kind="live",
            namespace="people",
            object_locked=False,
            operator_key=CONTROLLER,
            store="images",
            versioned=False,
        ),
    ),
    (CONTROLLER, ev.StoreRetired(controller="clearview", store="images")),
    (
        CONTROLLER,
        ev.BlindingDestroyed(
            blinding_commitment=_commitment,
            controller="clearview",
            evidence=(Evidence(kind="custody", sha256=_sha256("record of destruction")),),
        ),
    ),
    (
        CONTROLLER,
        ev.ProcessingDeclared(
            activity="face-search",
            art9_condition="none",
            controller="clearview",
            lawful_basis="6(1)(f)",
            purposes=("face-search", "product-improvement"),
            retention_days=3650,
        ),
    ),
    (
        CONTROLLER,
        ev.DataHeld(
            as_of="2022-05-17T00:00:00Z",
            categories=("user.biometric", "user.content.self_image"),
            controller="clearview",
            minor="unknown",
            records=_records,
            residency=("GB",),
            residency_basis="metadata",
            special_category=True,
            store="images",
        ),
    ),
    (
        CONTROLLER,
        ev.DataCollected(
            activity="face-search",
            categories=("user.content.self_image",),
            controller="clearview",
            minor="unknown",
            records=_records,
            source_kind="social_media",
            special_category=True,
            store="images",
        ),
    ),
    (
        AUDITOR,
        ev.ResidencyAsserted(
            basis="registration",
            confidence_pct=100,
            controller="clearview",
            records=_records,
            residency=("GB-SCT", "IE"),
        ),
    ),
    (
        CONTROLLER,
        ev.DataDerived(
            artefacts=_templates,
            controller="clearview",
            kind="template",
            lineage="each",
            records=_records,
            store="templates",
        ),
    ),
    (
        CONTROLLER,
        ev.DataCopied(controller="clearview", from_store="images", records=_records, to_store="replica"),
    ),
    (
        CONTROLLER,
        ev.DataAccessed(
            actor="customer-17",
            actor_country="US",
            controller="clearview",
            purpose="face-search",
            records=_records,
        ),
    ),
    (
        CONTROLLER,
        ev.ObjectionRaised(
            controller="clearview", ground="particular_situation", records=_records, request="dsr-2022-81"
        ),
    ),
    (
        CONTROLLER,
        ev.DataDeleted(
            cause="order",
            cause_ref=_order.id,
            controller="clearview",
            evidence=(Evidence(kind="receipt", sha256=_sha256("receipt")),),
            irrecoverable=True,
            method="purge",
            records=_records,
            store="images",
        ),
    ),
    (
        CONTROLLER,
        ev.DeletionFailed(controller="clearview", error="locked", records=_records, store="archive"),
    ),
    (
        CONTROLLER,
        ev.DeletionVerified(controller="clearview", method="negative_read", records=_records, store="images"),
    ),
    (
        CONTROLLER,
        ev.DataReappeared(cause="restore", controller="clearview", records=_records, store="images"),
    ),
    (
        AUTHORITY,
        ev.OrderIssued(
            controller="clearview",
            effective_at=_order.effective,
            instrument_sha256=_order.instrument_sha256,
            order=_order,
        ),
    ),
    (CONTROLLER, ev.InventoryBegun(controller="clearview", inventory="inv-2022-12", store="images")),
    (
        AUDITOR,
        ev.InventoryAttested(
            begun_root=_hash("root"),
            begun_size=98_231,
            controller="clearview",
            count=2,
            digest=_set_digest(_records),
            inventory="inv-2022-12",
            method="reconcile",
            orphans=_records[:1],
            store="images",
        ),
    ),
    (
        CONTROLLER,
        ev.CollectorAttested(
            collector="crawler-eu",
            config_sha256=_sha256("configuration"),
            controller="clearview",
            exclusions=("GB", "IE"),
            from_="2022-05-18T00:00:00Z",
            running=True,
            to="2022-05-19T00:00:00Z",
        ),
    ),
    (CONTROLLER, ev.EventCorrected(controller="clearview", corrects=41, reason="wrong_store")),
)


def _example(poster: str, data: ev.Data) -> ev.Event[Any]:
    name = ev.TYPE_OF[type(data)].split(".")
    return ev.make_event(data, id=f"{name[1]}-{name[2]}-1", source=poster, time=_TIME)


EXAMPLES: Final[dict[str, ev.Event[Any]]] = {
    ev.TYPE_OF[type(data)]: _example(poster, data) for poster, data in _DATA
}
