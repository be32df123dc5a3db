"""Events about the log itself: who may post in it, its clock, the stores and activities it speaks of."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from projections import vocabulary as v
from projections.vocabulary import Data, FieldError
from signing.keys import is_within


class LogCreated(Data, frozen=True, kw_only=True):
    """Where trust in a log starts: its origin, its controller and the keys that run it. Always entry 1."""

    admin_vkey: v.Vkey
    controller: v.Id
    gateway_vkey: v.Vkey
    log_vkey: v.Vkey
    operator_vkey: v.Vkey
    origin: v.KeyName
    public_reading: bool

    def __post_init__(self) -> None:
        names = {"log_vkey": "", "operator_vkey": "/operator", "gateway_vkey": "/gateway"}
        for field, suffix in names.items():
            key = v.check_vkey(getattr(self, field), field)
            if key.name != self.origin + suffix:
                raise FieldError(field, f"is named {key.name}: this key's name is {self.origin}{suffix}")
        admin = v.check_vkey(self.admin_vkey, "admin_vkey")
        if is_within(admin.name, self.origin) or is_within(self.origin, admin.name):
            raise FieldError(
                "admin_vkey", f"is named {admin.name}, a path under or above the origin: give it another"
            )
        if admin.public == v.check_vkey(self.log_vkey, "log_vkey").public:
            raise FieldError("admin_vkey", "is the log's own key: make the administrator a key of its own")


class KeyRegistered(Data, frozen=True, kw_only=True):
    """From here on a key may post in one role. The same name with another key id is a rotation by overlap."""

    controller: v.Id
    country: v.Country | UnsetType = UNSET
    name: v.KeyName
    role: v.KeyRole
    vkey: v.Vkey

    def __post_init__(self) -> None:
        _check_key_name(self.vkey, self.name)


class KeyRevoked(Data, frozen=True, kw_only=True):
    """From here on a key may not post. Name, role and vkey repeat the registration that ends.

    What it posted stays valid up to here or, if that is earlier, up to `compromised_since`.
    """

    compromised_since: v.Timestamp | UnsetType = UNSET
    controller: v.Id
    name: v.KeyName
    reason: v.RevocationReason | UnsetType = UNSET
    role: v.KeyRole
    vkey: v.Vkey

    def __post_init__(self) -> None:
        _check_key_name(self.vkey, self.name)
        v.check_time(self.compromised_since, "compromised_since")


class TokenRegistered(Data, frozen=True, kw_only=True):
    """From here on the bearer of a secret may post or read in one role. The log holds the secret's hash."""

    controller: v.Id
    country: v.Country | UnsetType = UNSET
    name: v.KeyName
    role: v.TokenRole
    secret_sha256: v.Sha256


class TokenRevoked(Data, frozen=True, kw_only=True):
    """From here on a token is worth nothing. Name, role and hash repeat the registration that ends."""

    compromised_since: v.Timestamp | UnsetType = UNSET
    controller: v.Id
    name: v.KeyName
    reason: v.RevocationReason | UnsetType = UNSET
    role: v.TokenRole
    secret_sha256: v.Sha256

    def __post_init__(self) -> None:
        v.check_time(self.compromised_since, "compromised_since")


class CheckpointAnchored(Data, frozen=True, kw_only=True):
    """A checkpoint of this log with its witnesses' cosignatures: a clock that is not the operator's."""

    controller: v.Id
    note: v.Base64


class CheckpointTimestamped(Data, frozen=True, kw_only=True):
    """A checkpoint of this log and a time-stamp authority's answer (RFC 3161) about its text: a second clock.

    `response` is the whole DER TimeStampResp. Its imprint is the SHA-256 of the note's text, last newline
    included: the bytes that the log's key signed.
    """

    controller: v.Id
    note: Annotated[v.Base64, Meta(max_length=8_192)]
    response: Annotated[v.Base64, Meta(max_length=32_768)]


class StoreRegistered(Data, frozen=True, kw_only=True):
    """A place where records are kept, and the one poster (key or token) whose erasures there count.

    `blinding_commitment` commits to the key that makes the handles of its records, in `namespace`. In a store
    that is versioned or whose objects are locked, a deletion leaves a copy behind.
    """

    backup_retention_days: v.Days | UnsetType = UNSET
    blinding_commitment: v.Hash
    controller: v.Id
    country: v.Country
    kind: v.StoreKind
    namespace: v.Id
    object_locked: bool
    operator_key: v.KeyName
    store: v.Id
    versioned: bool


class StoreRetired(Data, frozen=True, kw_only=True):
    """A store is no longer used. This erases nothing: its live copies stay in scope."""

    controller: v.Id
    store: v.Id


class BlindingDestroyed(Data, frozen=True, kw_only=True):
    """A blinding key is gone, so that handles made with it can be linked to nobody any more."""

    blinding_commitment: v.Hash
    controller: v.Id
    evidence: v.EvidenceList | UnsetType = UNSET

    def __post_init__(self) -> None:
        v.check_evidence(self.evidence)


class ProcessingDeclared(Data, frozen=True, kw_only=True):
    """An activity, its purposes and its lawful basis. `dpia` is the hash of the impact assessment."""

    activity: v.Id
    art9_condition: v.Art9Condition | UnsetType = UNSET
    controller: v.Id
    dpia: v.Sha256 | UnsetType = UNSET
    lawful_basis: v.LawfulBasis
    purposes: Annotated[tuple[v.Id, ...], Meta(min_length=1, max_length=v.MAX_LIST)]
    retention_days: v.Days | UnsetType = UNSET

    def __post_init__(self) -> None:
        v.check_sorted(self.purposes, "purposes")


class EventCorrected(Data, frozen=True, kw_only=True):
    """The event at index `corrects` was wrong. It is listed beside that event; no fold undoes the event."""

    controller: v.Id
    corrects: v.Count
    reason: v.CorrectionReason


def _check_key_name(vkey: str, name: str) -> None:
    key = v.check_vkey(vkey, "vkey")
    if key.name != name:
        raise FieldError("name", f"{name} is not the vkey's name: give {key.name}")
