"""Events about evidence that is kept outside the ledger, where it can be erased: certificates, logs, reports.

The ledger holds a salted hash of each piece and nothing else, so that no piece can be guessed from it once
its key is gone. Spec: docs/spec/evidence.md.
"""

from msgspec import UNSET, UnsetType

from projections import vocabulary as v
from projections.vocabulary import Data, FieldError


class EvidenceKept(Data, frozen=True, kw_only=True):
    """Pieces of evidence went into their keeper's vault, all under one key: an order's, or a record's.

    Each is named by its salted hash (docs/spec/evidence.md): whoever is handed a piece and its salt can tell
    that it is the one.
    """

    controller: v.Id
    evidence: v.EvidenceList
    order: v.OrderId | UnsetType = UNSET
    records: v.Handles | UnsetType = UNSET

    def __post_init__(self) -> None:
        v.check_evidence(self.evidence)
        if not isinstance(self.records, UnsetType):
            v.check_handle_set(self.records)
        if (self.records is UNSET) == (self.order is UNSET):
            raise FieldError("records", "give either `records`, or the `order` that the evidence is about")


class EvidenceErasureRequested(Data, frozen=True, kw_only=True):
    """Pieces of evidence are to be erased. Stands in the log before the first key is destroyed.

    One erasure takes several events where it has more pieces than an event can name.
    """

    cause: v.ErasureCause
    cause_ref: v.Reference | UnsetType = UNSET
    controller: v.Id
    erasure: v.Id
    evidence: v.EvidenceList

    def __post_init__(self) -> None:
        v.check_evidence(self.evidence)


class EvidenceErased(Data, frozen=True, kw_only=True):
    """Pieces of evidence are gone: nobody can open their hashes any more, their keeper included.

    Everything that was proved with the ledger is proved as before, since it holds hashes alone.
    """

    controller: v.Id
    erasure: v.Id
    evidence: v.EvidenceList
    method: v.ErasureMethod

    def __post_init__(self) -> None:
        v.check_evidence(self.evidence)
