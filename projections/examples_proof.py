"""Examples of events that speak for an order's being carried out. Beside each stands who posts it."""

import hashlib
from typing import Final

from projections import events as ev
from projections import specimens as sp

_NONCE: Final = bytes(range(32))

DATA: Final[tuple[tuple[str, ev.Data], ...]] = (
    (sp.CONTROLLER, ev.InventoryBegun(controller="clearview", inventory="inv-2022-12", store="images")),
    (
        sp.AUDITOR,
        ev.InventoryAttested(
            begun_root=sp.hash_of("root"),
            begun_size=98_231,
            controller="clearview",
            count=2,
            digest=sp.set_digest(sp.RECORDS),
            inventory="inv-2022-12",
            method="reconcile",
            orphans=sp.RECORDS[:1],
            store="images",
        ),
    ),
    (
        sp.CONTROLLER,
        ev.CollectorAttested(
            collector="crawler-eu",
            config_sha256=sp.sha256("configuration"),
            controller="clearview",
            exclusions=("GB", "IE"),
            from_="2022-05-18T00:00:00Z",
            running=True,
            to="2022-05-19T00:00:00Z",
        ),
    ),
    (
        sp.AUDITOR,
        ev.ProbeAttested(
            checked_count=2,
            checked_digest=sp.set_digest(sp.RECORDS),
            control_checked=20,
            control_found=20,
            controller="clearview",
            found=0,
            order=sp.ORDER.id,
            store="images",
        ),
    ),
    (
        sp.AUDITOR,
        ev.SampleRequested(
            controller="clearview",
            log_size=98_231,
            n=300,
            nonce_sha256=hashlib.sha256(_NONCE).hexdigest(),
            order=sp.ORDER.id,
            population_digest=sp.set_digest(sp.RECORDS),
            sample="sample-2022-12",
            store="images",
        ),
    ),
    (
        sp.AUDITOR,
        ev.SampleAttested(
            control_checked=20,
            control_found=20,
            controller="clearview",
            failed=sp.RECORDS[:1],
            failures=1,
            n=300,
            nonce=_NONCE.hex(),
            sample="sample-2022-12",
        ),
    ),
)
