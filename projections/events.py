"""Events: CloudEvents 1.0 in structured JSON, one on a line, in one canonical form.

    {"data":{"controller":"clearview",…,"store":"people"},"id":"e-1","source":"crawler.clearview.example/7",
     "specversion":"1.0","time":"2022-05-18T09:00:00Z","type":"writ.data.held.v1"}

Attributes and fields stand sorted in the structs, so encoding one gives RFC 8785 bytes, and a line is
canonical exactly when its struct encodes to it again. Spec: docs/spec/events.md.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from projections import vocabulary as v
from projections.diagnosis import diagnose
from projections.events_data import (
    DataAccessed,
    DataCollected,
    DataCopied,
    DataDeleted,
    DataDerived,
    DataHeld,
    DataReappeared,
    DeletionFailed,
    DeletionVerified,
    ResidencyAsserted,
)
from projections.events_evidence import EvidenceErased, EvidenceErasureRequested, EvidenceKept
from projections.events_log import (
    BlindingDestroyed,
    CheckpointAnchored,
    CheckpointTimestamped,
    EventCorrected,
    KeyRegistered,
    KeyRevoked,
    LogCreated,
    ProcessingDeclared,
    StoreRegistered,
    StoreRetired,
    TokenRegistered,
    TokenRevoked,
)
from projections.events_order import (
    ComplianceAttested,
    ComplianceRejected,
    ExemptionGranted,
    HoldPlaced,
    HoldReleased,
    OrderAppealed,
    OrderDischarged,
    OrderEvent,
    OrderIssued,
    OrderReinstated,
    OrderRevoked,
    OrderServed,
    OrderSetAside,
    OrderStayed,
    OrderStayLifted,
    OrderVaried,
    PenaltyAccrued,
    PenaltyImposed,
    PenaltyPaid,
)
from projections.events_proof import (
    CollectorAttested,
    InventoryAttested,
    InventoryBegun,
    ProbeAttested,
    SampleAttested,
    SampleRequested,
)
from projections.events_sharing import (
    BackupCreated,
    BackupExpired,
    BackupRestored,
    DataDisclosed,
    DataMatched,
    RecipientAcknowledged,
    RecipientNotified,
    RecipientUnreachable,
    ServiceOffered,
    ServiceWithdrawn,
)
from projections.events_subject import (
    ConsentGiven,
    ConsentWithdrawn,
    DataRestricted,
    DataUnrestricted,
    EnquiryAbandoned,
    EnquiryAnswered,
    EnquiryExtended,
    EnquiryIdentityDemanded,
    EnquiryReceived,
    ObjectionRaised,
    ObjectionRefused,
    ObjectionUpheld,
    RetentionExpired,
    SuppressionAdded,
    SuppressionHit,
    SuppressionRemoved,
)
from projections.moments import rfc3339_us
from projections.vocabulary import Data
from signing.submission import MAX_EVENT_BYTES

__all__ = [
    "EVENT_TYPES",
    "MAX_EVENT_BYTES",
    "TYPE_OF",
    "UPCASTERS",
    "BackupCreated",
    "BackupExpired",
    "BackupRestored",
    "BlindingDestroyed",
    "CheckpointAnchored",
    "CheckpointTimestamped",
    "CollectorAttested",
    "ComplianceAttested",
    "ComplianceRejected",
    "ConsentGiven",
    "ConsentWithdrawn",
    "Data",
    "DataAccessed",
    "DataCollected",
    "DataCopied",
    "DataDeleted",
    "DataDerived",
    "DataDisclosed",
    "DataHeld",
    "DataMatched",
    "DataReappeared",
    "DataRestricted",
    "DataUnrestricted",
    "DeletionFailed",
    "DeletionVerified",
    "EnquiryAbandoned",
    "EnquiryAnswered",
    "EnquiryExtended",
    "EnquiryIdentityDemanded",
    "EnquiryReceived",
    "Event",
    "EventCorrected",
    "EvidenceErased",
    "EvidenceErasureRequested",
    "EvidenceKept",
    "ExemptionGranted",
    "HoldPlaced",
    "HoldReleased",
    "InventoryAttested",
    "InventoryBegun",
    "KeyRegistered",
    "KeyRevoked",
    "LogCreated",
    "ObjectionRaised",
    "ObjectionRefused",
    "ObjectionUpheld",
    "OrderAppealed",
    "OrderDischarged",
    "OrderEvent",
    "OrderIssued",
    "OrderReinstated",
    "OrderRevoked",
    "OrderServed",
    "OrderSetAside",
    "OrderStayLifted",
    "OrderStayed",
    "OrderVaried",
    "PenaltyAccrued",
    "PenaltyImposed",
    "PenaltyPaid",
    "ProbeAttested",
    "ProcessingDeclared",
    "RecipientAcknowledged",
    "RecipientNotified",
    "RecipientUnreachable",
    "ResidencyAsserted",
    "RetentionExpired",
    "SampleAttested",
    "SampleRequested",
    "ServiceOffered",
    "ServiceWithdrawn",
    "StoreRegistered",
    "StoreRetired",
    "SuppressionAdded",
    "SuppressionHit",
    "SuppressionRemoved",
    "TokenRegistered",
    "TokenRevoked",
    "decode_event",
    "decode_trusted",
    "encode_event",
    "make_event",
    "rfc3339_us",
    "time_us",
    "upcast",
]

D = TypeVar("D", bound=Data)

EVENT_TYPES: Final[dict[str, type[Data]]] = {
    "writ.log.created.v1": LogCreated,
    "writ.key.registered.v1": KeyRegistered,
    "writ.key.revoked.v1": KeyRevoked,
    "writ.token.registered.v1": TokenRegistered,
    "writ.token.revoked.v1": TokenRevoked,
    "writ.checkpoint.anchored.v1": CheckpointAnchored,
    "writ.checkpoint.timestamped.v1": CheckpointTimestamped,
    "writ.store.registered.v1": StoreRegistered,
    "writ.store.retired.v1": StoreRetired,
    "writ.blinding.destroyed.v1": BlindingDestroyed,
    "writ.processing.declared.v1": ProcessingDeclared,
    "writ.event.corrected.v1": EventCorrected,
    "writ.data.held.v1": DataHeld,
    "writ.data.collected.v1": DataCollected,
    "writ.residency.asserted.v1": ResidencyAsserted,
    "writ.data.copied.v1": DataCopied,
    "writ.data.derived.v1": DataDerived,
    "writ.data.accessed.v1": DataAccessed,
    "writ.data.deleted.v1": DataDeleted,
    "writ.deletion.failed.v1": DeletionFailed,
    "writ.deletion.verified.v1": DeletionVerified,
    "writ.data.reappeared.v1": DataReappeared,
    "writ.data.matched.v1": DataMatched,
    "writ.data.disclosed.v1": DataDisclosed,
    "writ.recipient.notified.v1": RecipientNotified,
    "writ.recipient.acknowledged.v1": RecipientAcknowledged,
    "writ.recipient.unreachable.v1": RecipientUnreachable,
    "writ.service.offered.v1": ServiceOffered,
    "writ.service.withdrawn.v1": ServiceWithdrawn,
    "writ.backup.created.v1": BackupCreated,
    "writ.backup.expired.v1": BackupExpired,
    "writ.backup.restored.v1": BackupRestored,
    "writ.consent.given.v1": ConsentGiven,
    "writ.consent.withdrawn.v1": ConsentWithdrawn,
    "writ.enquiry.received.v1": EnquiryReceived,
    "writ.enquiry.identity_demanded.v1": EnquiryIdentityDemanded,
    "writ.enquiry.extended.v1": EnquiryExtended,
    "writ.enquiry.answered.v1": EnquiryAnswered,
    "writ.enquiry.abandoned.v1": EnquiryAbandoned,
    "writ.objection.raised.v1": ObjectionRaised,
    "writ.objection.upheld.v1": ObjectionUpheld,
    "writ.objection.refused.v1": ObjectionRefused,
    "writ.data.restricted.v1": DataRestricted,
    "writ.data.unrestricted.v1": DataUnrestricted,
    "writ.retention.expired.v1": RetentionExpired,
    "writ.suppression.added.v1": SuppressionAdded,
    "writ.suppression.hit.v1": SuppressionHit,
    "writ.suppression.removed.v1": SuppressionRemoved,
    "writ.hold.placed.v1": HoldPlaced,
    "writ.hold.released.v1": HoldReleased,
    "writ.order.issued.v1": OrderIssued,
    "writ.order.served.v1": OrderServed,
    "writ.order.varied.v1": OrderVaried,
    "writ.order.appealed.v1": OrderAppealed,
    "writ.order.stayed.v1": OrderStayed,
    "writ.order.stay_lifted.v1": OrderStayLifted,
    "writ.order.set_aside.v1": OrderSetAside,
    "writ.order.reinstated.v1": OrderReinstated,
    "writ.order.revoked.v1": OrderRevoked,
    "writ.order.discharged.v1": OrderDischarged,
    "writ.exemption.granted.v1": ExemptionGranted,
    "writ.compliance.attested.v1": ComplianceAttested,
    "writ.compliance.rejected.v1": ComplianceRejected,
    "writ.penalty.imposed.v1": PenaltyImposed,
    "writ.penalty.accrued.v1": PenaltyAccrued,
    "writ.penalty.paid.v1": PenaltyPaid,
    "writ.inventory.begun.v1": InventoryBegun,
    "writ.inventory.attested.v1": InventoryAttested,
    "writ.probe.attested.v1": ProbeAttested,
    "writ.sample.requested.v1": SampleRequested,
    "writ.sample.attested.v1": SampleAttested,
    "writ.collector.attested.v1": CollectorAttested,
    "writ.evidence.kept.v1": EvidenceKept,
    "writ.evidence.erasure_requested.v1": EvidenceErasureRequested,
    "writ.evidence.erased.v1": EvidenceErased,
}
TYPE_OF: Final[dict[type[Data], str]] = {data: name for name, data in EVENT_TYPES.items()}

# A published type never changes: lines of it stand in logs, signed. What it lacks comes as a new type with
# the next number, and here a function that makes the newer data of the older. Folds know the newest alone.
UPCASTERS: Final[dict[type[Data], Callable[[Any], Data]]] = {}


class Event(Struct, Generic[D], frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One event. `source` is the source log it stands in or, in the gateway's log, the token's name."""

    causationid: v.Id | UnsetType = UNSET
    correlationid: v.Id | UnsetType = UNSET
    data: D
    datacontenttype: Literal["application/json"] | UnsetType = UNSET
    id: v.EventId
    source: v.KeyName
    specversion: Literal["1.0"] = "1.0"
    time: v.Timestamp
    type: str

    def __post_init__(self) -> None:
        try:
            _parse_time(self.time)
        except ValueError:
            v.check_time(self.time, "time")


# Asked of every event; the bare call is a quarter of `check_time`.
_parse_time: Final = datetime.fromisoformat
_encoder: Final = msgspec.json.Encoder()
# Decoders by the type's bytes, as they stand at the end of a canonical line.
_decoders: Final[dict[bytes, msgspec.json.Decoder[Event[Any]]]] = {
    name.encode(): msgspec.json.Decoder(Event[data])  # type: ignore[valid-type]
    for name, data in EVENT_TYPES.items()
}


def decode_event(line: bytes) -> Event[Any]:
    """Parse one event line (without its newline), accepting only the exact bytes `encode_event` writes.

    A line of an older version of its type is read as the newest (`upcast`).

    Raises FormatError with the reason and the remedy: an EventError, which names the field, or TooLargeError.
    """
    decoder = _decoders.get(_type_bytes(line))
    # No string may hold an escaped character, which also keeps `$` in a pattern from meeting a newline.
    if decoder is not None and len(line) <= MAX_EVENT_BYTES and b"\\" not in line:
        try:
            event = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        else:
            if _encoder.encode(event) == line:
                return upcast(event)
    raise diagnose(line, _decoders)


def decode_trusted(line: bytes) -> Event[Any]:
    """Parse a line that `decode_event` accepted before, in another process say: no need to ask it again."""
    return upcast(_decoders[_type_bytes(line)].decode(line))


def upcast(event: Event[Any]) -> Event[Any]:
    """The event as the newest version of its type says it. `type` stays as posted: roles go by it."""
    data: Data = event.data
    while (newer := UPCASTERS.get(type(data))) is not None:
        data = newer(data)
    return event if data is event.data else msgspec.structs.replace(event, data=data)


def encode_event(event: Event[Any]) -> bytes:
    """The event's canonical line, without a newline. Whether it keeps the patterns, `decode_event` says."""
    return _encoder.encode(event)


def make_event(
    data: D,
    *,
    id: str,
    source: str,
    time: str,
    correlationid: str | UnsetType = UNSET,
    causationid: str | UnsetType = UNSET,
) -> Event[D]:
    """An event around its data, whose struct decides the type."""
    return Event(
        data=data,
        id=id,
        source=source,
        time=time,
        correlationid=correlationid,
        causationid=causationid,
        type=TYPE_OF[type(data)],
    )


def time_us(event: Event[Any]) -> int:
    """Unix microseconds of the time that the event's poster claims."""
    return rfc3339_us(event.time)


def _type_bytes(line: bytes) -> bytes:
    """The type's name where a canonical line has it: "type" sorts last, so a quote and a brace end it."""
    return line[line.rfind(b'"', 0, -2) + 1 : -2]
