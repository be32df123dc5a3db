"""Events about records: held, collected, derived, copied, used, erased, come back.

`records` are opaque handles, sorted and distinct; what is said of them is said of every one of them.
"""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from projections import vocabulary as v
from projections.vocabulary import Data, FieldError

Categories = Annotated[tuple[v.Category, ...], Meta(min_length=1, max_length=v.MAX_LIST)]
Residency = Annotated[
    tuple[v.Territory, ...], Meta(max_length=v.MAX_LIST, description="codes, sorted; empty: unknown")
]


class DataHeld(Data, frozen=True, kw_only=True):
    """The opening balance: the records were there when the ledger began. Says nothing of their collection."""

    as_of: v.Timestamp
    categories: Categories
    controller: v.Id
    minor: v.Minor
    records: v.Handles
    residency: Residency | UnsetType = UNSET
    residency_basis: v.ResidencyBasis | UnsetType = UNSET
    special_category: bool
    store: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)
        v.check_sorted(self.categories, "categories")
        v.check_time(self.as_of, "as_of")
        _check_residency(self.residency, self.residency_basis)


class DataCollected(Data, frozen=True, kw_only=True):
    """Records came into a store from outside, for a declared activity."""

    activity: v.Id
    categories: Categories
    controller: v.Id
    minor: v.Minor
    records: v.Handles
    residency: Residency | UnsetType = UNSET
    residency_basis: v.ResidencyBasis | UnsetType = UNSET
    retention_until: v.Timestamp | UnsetType = UNSET
    source_kind: v.SourceKind
    special_category: bool
    store: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)
        v.check_sorted(self.categories, "categories")
        v.check_time(self.retention_until, "retention_until")
        _check_residency(self.residency, self.residency_basis)


class ResidencyAsserted(Data, frozen=True, kw_only=True):
    """Where the data subjects reside, on what basis and how surely. An empty list: looked for, not known."""

    basis: v.ResidencyBasis
    confidence_pct: v.Percent
    controller: v.Id
    records: v.Handles
    residency: Residency

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)
        v.check_territories(self.residency, "residency")


class DataDerived(Data, frozen=True, kw_only=True):
    """New artefacts were made from records: templates and models outlive images.

    Lineage `each`: artefact i came from record i, and a record may repeat. Lineage `all`: every artefact came
    from all the records, which are sorted and distinct, or too many to list and given by a set digest.
    """

    artefacts: v.Handles
    controller: v.Id
    inputs_digest: v.Hash | UnsetType = UNSET
    kind: v.ArtefactKind
    lineage: v.Lineage
    records: v.PairedHandles | UnsetType = UNSET
    store: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.artefacts, "artefacts")
        if isinstance(self.records, UnsetType):
            self._check_digest()
            return
        if self.inputs_digest is not UNSET:
            raise FieldError("inputs_digest", "stands beside `records`: give one of the two")
        if len(self.artefacts) + len(self.records) > v.MAX_HANDLES:
            raise FieldError(
                "records", f"more than {v.MAX_HANDLES:,} handles with `artefacts`: split the event"
            )
        if self.lineage == "all":
            v.check_handle_set(self.records)
        else:
            v.check_handles(self.records)
            if len(self.records) != len(self.artefacts):
                raise FieldError(
                    "records", "lineage `each` pairs every artefact with one record: match their numbers"
                )

    def _check_digest(self) -> None:
        if self.inputs_digest is UNSET:
            raise FieldError("records", "missing: give the inputs as `records`, or as `inputs_digest`")
        if self.lineage == "each":
            raise FieldError(
                "inputs_digest", "can't be paired with artefacts: give `records`, or lineage `all`"
            )


class DataCopied(Data, frozen=True, kw_only=True):
    """Records were copied to another store: copies are what is erased."""

    controller: v.Id
    from_store: v.Id
    records: v.Handles
    to_store: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)
        if self.from_store == self.to_store:
            raise FieldError("to_store", "is the store copied from: a store holds one copy of a record")


class DataAccessed(Data, frozen=True, kw_only=True):
    """Somebody used records. `actor` is a handle or a registered id, never a name."""

    actor: v.Id
    actor_country: v.Country
    controller: v.Id
    purpose: v.Id
    records: v.Handles

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class DataDeleted(Data, frozen=True, kw_only=True):
    """Records or artefacts were erased from a store: how, why, and whether for good.

    `cause_ref` names the order, or the request, objection or retention rule.
    """

    artefacts: v.Handles | UnsetType = UNSET
    cause: v.ErasureCause
    cause_ref: v.Reference | UnsetType = UNSET
    controller: v.Id
    evidence: v.EvidenceList | UnsetType = UNSET
    irrecoverable: bool
    method: v.ErasureMethod
    records: v.Handles | UnsetType = UNSET
    store: v.Id

    def __post_init__(self) -> None:
        if not isinstance(self.records, UnsetType):
            v.check_handle_set(self.records)
        if not isinstance(self.artefacts, UnsetType):
            v.check_handle_set(self.artefacts, "artefacts")
        if (self.records is UNSET) == (self.artefacts is UNSET):
            raise FieldError("records", "give either `records` or `artefacts`")
        if self.method == "soft" and self.irrecoverable:
            raise FieldError(
                "irrecoverable", "a soft deletion can be undone: give false, or the method that can't"
            )
        v.check_evidence(self.evidence)


class DeletionFailed(Data, frozen=True, kw_only=True):
    """An erasure was tried and failed."""

    controller: v.Id
    error: v.DeletionError
    records: v.Handles
    store: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class DeletionVerified(Data, frozen=True, kw_only=True):
    """The holder looked into the store afterwards and did not find the records (a list, or a set digest)."""

    controller: v.Id
    digest: v.Hash | UnsetType = UNSET
    evidence: v.EvidenceList | UnsetType = UNSET
    method: v.VerificationMethod
    records: v.Handles | UnsetType = UNSET
    store: v.Id

    def __post_init__(self) -> None:
        if not isinstance(self.records, UnsetType):
            v.check_handle_set(self.records)
        if (self.records is UNSET) == (self.digest is UNSET):
            raise FieldError("records", "give either `records`, or the `digest` of their set")
        v.check_evidence(self.evidence)


class DataReappeared(Data, frozen=True, kw_only=True):
    """Erased records are back in a store."""

    cause: v.ReappearanceCause
    controller: v.Id
    records: v.Handles
    store: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


def _check_residency(residency: tuple[str, ...] | UnsetType, basis: str | UnsetType) -> None:
    if (residency is UNSET) != (basis is UNSET):
        raise FieldError(
            "residency_basis", "`residency` and `residency_basis` come together: give both or neither"
        )
    if not isinstance(residency, UnsetType):
        v.check_territories(residency, "residency")
