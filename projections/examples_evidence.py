"""Examples of events of evidence outside the ledger. Beside each stands who posts it."""

from typing import Final

from projections import events as ev
from projections import specimens as sp
from projections.vocabulary import Evidence
from signing.evidence import evidence_hash

_SALT: Final = bytes(range(32))
_PIECES: Final = (Evidence(kind="certificate", sha256=evidence_hash(_SALT, b"certificate of destruction\n")),)

DATA: Final[tuple[tuple[str, ev.Data], ...]] = (
    (sp.CONTROLLER, ev.EvidenceKept(controller="clearview", evidence=_PIECES, order=sp.ORDER.id)),
    (
        sp.CONTROLLER,
        ev.EvidenceErasureRequested(
            cause="request",
            cause_ref="dsr-2022-81",
            controller="clearview",
            erasure="vault-2023-1",
            evidence=_PIECES,
        ),
    ),
    (
        sp.CONTROLLER,
        ev.EvidenceErased(
            controller="clearview",
            erasure="vault-2023-1",
            evidence=_PIECES,
            method="crypto_erase",
        ),
    ),
)
