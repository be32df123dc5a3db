"""Fingerprints: the keys that a verdict rests on, in a form that two people can compare over a telephone.

    printf %s 'ico.example+5d9e4f1b+AWp…' | sha256sum | cut -c1-32

The first 128 bits of the SHA-256 of the public key as it is written: enough that nobody makes another key
with the same ones.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from msgspec import Struct

from projections.case import Case
from projections.events_log import LogCreated
from signing.keys import format_vkey

DIGITS: Final = 32


class Fingerprint(Struct, frozen=True):
    """A key, and who says that it counts."""

    role: str
    vkey: str
    digits: str
    named_by: str


def fingerprints(case: Case, created: LogCreated | None) -> tuple[Fingerprint, ...]:
    """The keys behind the verdict on an order."""
    keys = tuple(Fingerprint(role, vkey, fingerprint(vkey), by) for role, vkey, by in _keys(case, created))
    return keys + tuple(
        Fingerprint("time-stamps", "a root certificate, in the order", _grouped(root), "the order")
        for root in case.order.trust.roots
    )


def fingerprint(vkey: str) -> str:
    """The digits, in groups of four."""
    return _grouped(vkey.encode())


def _grouped(raw: bytes) -> str:
    digits = sha256(raw).hexdigest()[:DIGITS]
    return " ".join(digits[at : at + 4] for at in range(0, DIGITS, 4))


def _keys(case: Case, created: LogCreated | None) -> Iterator[tuple[str, str, str]]:
    trust = case.order.trust
    signer = case.docket.posters[case.issued.by].vkey
    yield "authority", signer or "", "nobody here: compare it with the one that the authority publishes"
    yield "log", trust.log_vkey, "the order"
    yield from (("assessor", vkey, "the order") for vkey in trust.assessors)
    yield from (("witness", format_vkey(one.key), "the order") for one in trust.policy().witnesses)
    if created is not None:
        yield "operator", created.operator_vkey, "the log itself (entry 1)"
        yield "administrator", created.admin_vkey, "the log itself (entry 1)"
