"""Examples of events about records. Beside each stands who posts it."""

from typing import Final

from projections import events as ev
from projections import specimens as sp
from projections.vocabulary import Evidence

DATA: Final[tuple[tuple[str, ev.Data], ...]] = (
    (
        sp.CONTROLLER,
        ev.DataHeld(
            as_of="2022-05-17T00:00:00Z",
            categories=("user.biometric", "user.content.self_image"),
            controller="clearview",
            minor="unknown",
            records=sp.RECORDS,
            residency=("GB",),
            residency_basis="metadata",
            special_category=True,
            store="images",
        ),
    ),
    (
        sp.CONTROLLER,
        ev.DataCollected(
            activity="face-search",
            categories=("user.content.self_image",),
            controller="clearview",
            minor="unknown",
            records=sp.RECORDS,
            source_kind="social_media",
            special_category=True,
            store="images",
        ),
    ),
    (
        sp.AUDITOR,
        ev.ResidencyAsserted(
            basis="registration",
            confidence_pct=100,
            controller="clearview",
            records=sp.RECORDS,
            residency=("GB-SCT", "IE"),
        ),
    ),
    (
        sp.CONTROLLER,
        ev.DataDerived(
            artefacts=sp.TEMPLATES,
            controller="clearview",
            kind="template",
            lineage="each",
            records=sp.RECORDS,
            store="templates",
        ),
    ),
    (
        sp.CONTROLLER,
        ev.DataCopied(controller="clearview", from_store="images", records=sp.RECORDS, to_store="replica"),
    ),
    (
        sp.CONTROLLER,
        ev.DataAccessed(
            actor="customer-17",
            actor_country="US",
            controller="clearview",
            purpose="face-search",
            records=sp.RECORDS,
        ),
    ),
    (
        sp.CONTROLLER,
        ev.ObjectionRaised(
            controller="clearview", ground="particular_situation", records=sp.RECORDS, request="dsr-2022-81"
        ),
    ),
    (
        sp.CONTROLLER,
        ev.DataDeleted(
            cause="order",
            cause_ref=sp.ORDER.id,
            controller="clearview",
            evidence=(Evidence(kind="receipt", sha256=sp.sha256("receipt")),),
            irrecoverable=True,
            method="purge",
            records=sp.RECORDS,
            store="images",
        ),
    ),
    (
        sp.CONTROLLER,
        ev.DeletionFailed(controller="clearview", error="locked", records=sp.RECORDS, store="archive"),
    ),
    (
        sp.CONTROLLER,
        ev.DeletionVerified(
            controller="clearview", method="negative_read", records=sp.RECORDS, store="images"
        ),
    ),
    (
        sp.CONTROLLER,
        ev.DataReappeared(cause="restore", controller="clearview", records=sp.RECORDS, store="images"),
    ),
)
