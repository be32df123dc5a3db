"""What a controller's systems, an auditor and an authority do, as events, for tests."""

import base64
import hashlib

import msgspec

from projections import events as ev
from signing.encoding import encode_base64
from signing.setdigest import digest_of
from tests.projections.logbuilder import ADMIN, GATEWAY, LogBuilder

CRAWLER = "crawler.clearview.example"
TOKEN = "crm.clearview.example"
SECRET_SHA256 = hashlib.sha256(b"secret").hexdigest()
WITNESS = "witness.example/w1"


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


def begun() -> LogBuilder:
    """Entries: 0-1 log.created, 2-3 the crawler's key, 4-5 its store, 6-9 three collections, 10-11
    an anchor."""
    log = LogBuilder()
    log.register(CRAWLER, "controller")
    log.post(CRAWLER, store())
    log.post(CRAWLER, collected(1), collected(2), collected(3))
    log.anchor(WITNESS)
    return log


def gateway(log: LogBuilder, *, source: str = TOKEN) -> None:
    log.post_events(GATEWAY, log.event(collected(4), source), source=GATEWAY)


def register_token(log: LogBuilder, role: str = "controller") -> None:
    said = {"controller": "clearview", "name": TOKEN, "role": role, "secret_sha256": SECRET_SHA256}
    log.post(ADMIN, msgspec.convert(said, ev.TokenRegistered))


def revoke_token(log: LogBuilder, role: str = "controller") -> None:
    said = {"controller": "clearview", "name": TOKEN, "role": role, "secret_sha256": SECRET_SHA256}
    log.post(ADMIN, msgspec.convert(said, ev.TokenRevoked))
