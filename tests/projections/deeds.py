"""What a controller's systems, an auditor and an authority do, as events, for tests."""

import base64
import hashlib

import msgspec

from projections import events as ev
from signing.encoding import encode_base64
from signing.setdigest import digest_of
from tests.projections.logbuilder import (
    LogBuilder,
)

CRAWLER = "crawler.clearview.example"


def handle(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()[:32]


def store(name: str = "people") -> ev.StoreRegistered:
    return ev.StoreRegistered(
        blinding_commitment=base64.b64encode(bytes(32)).decode(),
        controller="clearview",
        country="US",
        kind="live",
        namespace="people",
        object_locked=False,
        operator_key=CRAWLER,
        store=name,
        versioned=False,
    )


def collected(*numbers: int) -> ev.DataCollected:
    return ev.DataCollected(
        activity="scrape",
        categories=("user.biometric",),
        controller="clearview",
        minor="unknown",
        records=tuple(sorted(map(handle, numbers))),
        source_kind="public_web",
        special_category=True,
        store="people",
    )


def deleted(*numbers: int) -> ev.DataDeleted:
    return ev.DataDeleted(
        cause="order",
        controller="clearview",
        irrecoverable=True,
        method="purge",
        records=tuple(sorted(map(handle, numbers))),
        store="people",
    )


def held(*numbers: int) -> ev.DataHeld:
    return ev.DataHeld(
        as_of="2026-01-01T00:00:00Z",
        categories=("user.biometric",),
        controller="clearview",
        minor="unknown",
        records=tuple(sorted(map(handle, numbers))),
        residency=("GB",),
        residency_basis="registration",
        special_category=True,
        store="people",
    )


def erased(*numbers: int) -> ev.DataDeleted:
    return msgspec.structs.replace(deleted(*numbers), cause_ref="ico.example/en-2026-1")


def looked(log: LogBuilder, who: str, count: int = 0) -> None:
    """An inventory that finds nothing."""
    log.post(who, ev.InventoryBegun(controller="clearview", inventory=f"i-{who}", store="people"))
    digest = encode_base64(digest_of(f"{handle(at)}".encode() for at in range(count)).digest)
    log.post(
        who,
        ev.InventoryAttested(
            controller="clearview",
            count=count,
            digest=digest,
            inventory=f"i-{who}",
            method="quiescent",
            store="people",
        ),
    )
