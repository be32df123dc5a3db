"""Sampling: who is drawn from what an order erased, the same for whoever draws, and what it shows.

    seed   SHA-256("writ/sample/v1\\n" ‖ nonce ‖ cosignature)
    draw   the n handles h whose SHA-256(seed ‖ h) is smallest

The nonce is the requester's, committed to before; the cosignature is a witness's first after the request. So
neither he nor the operator can choose the draw, and the company can't know it before it was looked for. Spec:
docs/spec/sample.md.
"""

import heapq
from collections.abc import Iterable
from hashlib import sha256
from math import exp, fsum, lgamma, log, log1p
from typing import Final

from msgspec import Struct

from projections.docket import Anchor
from projections.order import Trust
from signing.cosignature import verify_cosignature
from signing.errors import FormatError, ProofError
from signing.note import Note, signatures_of, verify_note
from signing.policy import PolicyWitness

NONCE_BYTES: Final = 32
COSIGNATURE_BYTES: Final = 72
CONFIDENCE: Final = 0.95
_DOMAIN: Final = b"writ/sample/v1\n"
_HALVINGS: Final = 60


class Cosigned(Struct, frozen=True, order=True):
    """A witness's cosignature of an anchored checkpoint: time (seconds), whose, and its 72 bytes."""

    time_s: int
    witness: str
    signature: bytes
    anchor: int
    """The entry that it stands in."""


def first_cosignature(anchors: Iterable[Anchor], trust: Trust, requested: int) -> Cosigned | None:
    """The cosignature that a sample requested at entry `requested` takes its seed from, or None.

    It stands in the first anchor behind the request that covers it and that one of the order's witnesses
    cosigned, and is the earliest there: the sequence in which the operator wrote the lines changes nothing.
    """
    for anchor in sorted(anchors, key=lambda one: one.index):
        if anchor.index > requested and anchor.size > requested and not anchor.response:
            found = _cosignatures(anchor.note, trust, anchor.index)
            if found:
                return min(found)
    return None


def seed_of(nonce: bytes, cosignature: bytes) -> bytes:
    """The seed of a draw. FormatError: one of the two has not its length."""
    if len(nonce) != NONCE_BYTES:
        raise FormatError(f"nonce has {len(nonce)} bytes, not {NONCE_BYTES}")
    if len(cosignature) != COSIGNATURE_BYTES:
        raise FormatError(f"cosignature has {len(cosignature)} bytes, not {COSIGNATURE_BYTES}")
    return sha256(_DOMAIN + nonce + cosignature).digest()


def draw(seed: bytes, population: Iterable[str], n: int) -> tuple[str, ...]:
    """The handles drawn, sorted; all of them where there are no more than `n`."""
    smallest = heapq.nsmallest(n, ((_rank(seed, handle), handle) for handle in population))
    return tuple(sorted(handle for _, handle in smallest))


def rule_of_three(n: int) -> float:
    """Roughly the rate of failures that none in `n` rules out, at 95 %."""
    return min(1.0, 3 / n)


def upper_bound(n: int, failures: int) -> float:
    """The greatest rate of failures that so many in `n` leave possible, at 95 %: the exact binomial bound.

    One-sided (Clopper and Pearson): at this rate, so few failures or fewer come once in twenty samples. A
    sample is drawn without putting back, which can only make the true bound smaller.
    """
    if failures >= n:
        return 1.0
    low, high = failures / n, 1.0
    for _ in range(_HALVINGS):
        rate = (low + high) / 2
        low, high = (rate, high) if _at_most(n, failures, rate) > 1 - CONFIDENCE else (low, rate)
    return high


def _cosignatures(note: Note, trust: Trust, anchor: int) -> list[Cosigned]:
    policy = trust.policy()
    try:
        for one in policy.logs:
            verify_note(note, one.key)
    except ProofError:
        return []
    found = []
    for statement in policy.statements:
        if not isinstance(statement, PolicyWitness):
            continue
        for line in signatures_of(note, statement.key):
            try:
                time_s = verify_cosignature(note.text, line, statement.key)
            except ProofError:
                continue
            found.append(Cosigned(time_s, statement.key.name, line.signature, anchor))
    return found


def _rank(seed: bytes, handle: str) -> bytes:
    return sha256(seed + bytes.fromhex(handle)).digest()


def _at_most(n: int, failures: int, rate: float) -> float:
    """The chance of at most so many failures in `n`, each at this rate (0 < rate < 1)."""
    yes, no = log(rate), log1p(-rate)
    return fsum(
        exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * yes + (n - k) * no)
        for k in range(failures + 1)
    )
