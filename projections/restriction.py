"""Restriction: whether a copy's use is restricted, and on whose word (GDPR Art. 18)."""

from projections.case import Case
from projections.holdings import Holding, Use
from projections.lives import Copy


def restriction_of(case: Case, holding: Holding, store: str, copy: Copy) -> Use | None:
    """The restriction that stands for a live copy; None when it may be used.

    Only the store's own operator restricts in it (else `restriction.foreign`), under a key that nobody had
    stolen. Anybody's word that it was lifted is an admission. A new life of the copy begins unrestricted.
    """
    standing: Use | None = None
    for use in holding.uses:
        if use.store != store or not copy.begun < use.index < case.size:
            continue
        if use.kind == "restricted" and restricts(case, use):
            standing = standing or use
        elif use.kind == "unrestricted":
            standing = None
    return standing


def restricts(case: Case, use: Use) -> bool:
    """Whether the word of whoever posted this restriction has any effect in the store."""
    declared = case.stores.get(use.store)
    return (
        declared is not None
        and case.name_of(use.by) == declared.operator_key
        and case.believes(use.by, use.time_us)
    )
