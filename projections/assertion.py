"""Assertions: what stands behind an erasure, whoever has looked into the store since."""

from projections.case import Case
from projections.finding import Level
from projections.holdings import Move


def asserted(case: Case, erasure: Move) -> Level:
    """E1 by a receipt, or by a processor's own signature: the controller answers for it and did not write it.

    What a token brought is attributed, not signed.
    """
    poster = case.docket.posters[erasure.by]
    signed = poster.role == "processor" and poster.vkey is not None
    return "E1" if erasure.evidence or signed else "E0"


def in_custody(erasure: Move) -> bool:
    """A key destroyed before witnesses, or a medium: what a certificate of custody can attest."""
    return erasure.custody and erasure.method in ("crypto_erase", "destroy")
