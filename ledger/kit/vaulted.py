"""Receipts in a vault, where they can be erased in their turn, with the order or record they belong to."""

from __future__ import annotations

from ledger.failure import Failure
from ledger.kit.deeds import Keep
from ledger.vault.announcing import speaker
from ledger.vault.vault import Vault
from projections.vocabulary import Evidence


def keep_in_vault(vault: Vault, subject: str) -> Keep:
    """Keep receipts in an open vault under the key of `order:…` or `record:…`; the next `settle` says so.

    A receipt that is sealed and of which the erasure's event does not speak, after a kill, is evidence of
    nothing.
    """
    identity = vault.memory.identity
    if identity is None:
        raise Failure("the vault belongs to no log yet", "keep a first file there with `writ vault keep`")

    def keep(receipt: bytes) -> Evidence:
        # Not by way of a file: a kill would leave that, and whatever erases the receipt would not find it.
        (evidence,) = vault.keep([receipt], "receipt", subject, speaker(identity.source))
        return evidence

    return keep
