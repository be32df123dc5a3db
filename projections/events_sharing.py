"""Events of who else has the data: searches, disclosures and their recipients, backups, services offered."""

from msgspec import UNSET, UnsetType

from projections import vocabulary as v
from projections.moments import rfc3339_us
from projections.vocabulary import Data, FieldError


class DataMatched(Data, frozen=True, kw_only=True):
    """Somebody searched with a probe image, and the records were the candidates.

    The probe is one of the event's thousand handles. `actor` is a handle or a registered id, never a name.
    """

    actor: v.Id
    actor_country: v.Country
    controller: v.Id
    probe: v.OneHandle
    records: v.Handles

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)
        if len(self.records) >= v.MAX_HANDLES:
            raise FieldError("records", f"more than {v.MAX_HANDLES:,} handles with `probe`: split the event")


class DataDisclosed(Data, frozen=True, kw_only=True):
    """Records were disclosed to a recipient, or made public (GDPR Art. 17(2), 19).

    A disclosure's id is named again by whatever is said of it later. A large one may take several events.
    """

    controller: v.Id
    country: v.Country
    disclosure: v.Id
    public: bool
    recipient: v.KeyName
    records: v.Handles

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class RecipientNotified(Data, frozen=True, kw_only=True):
    """The recipient of a disclosure was told that the records are to be erased (GDPR Art. 19)."""

    controller: v.Id
    disclosure: v.Id


class RecipientAcknowledged(Data, frozen=True, kw_only=True):
    """The recipient answers for what was disclosed to it: what became of it, or why it is kept."""

    controller: v.Id
    disclosure: v.Id
    justification: v.Justification | UnsetType = UNSET
    outcome: v.RecipientOutcome | UnsetType = UNSET


class RecipientUnreachable(Data, frozen=True, kw_only=True):
    """The recipient of a disclosure can't be told, and why it need not be (GDPR Art. 19)."""

    controller: v.Id
    disclosure: v.Id
    justification: v.Justification | UnsetType = UNSET


class BackupCreated(Data, frozen=True, kw_only=True):
    """A backup holds what a store held at `as_of`, and does so until `expires_at`: copies with a clock."""

    as_of: v.Timestamp
    backup: v.Id
    controller: v.Id
    expires_at: v.Timestamp
    store: v.Id

    def __post_init__(self) -> None:
        v.check_time(self.as_of, "as_of")
        v.check_time(self.expires_at, "expires_at")
        if rfc3339_us(self.as_of) >= rfc3339_us(self.expires_at):
            raise FieldError(
                "expires_at", "is not after `as_of`: give the time until which the backup is kept"
            )


class BackupExpired(Data, frozen=True, kw_only=True):
    """A backup is gone, and what it held with it."""

    backup: v.Id
    controller: v.Id
    store: v.Id


class BackupRestored(Data, frozen=True, kw_only=True):
    """A store was restored from a backup, and the erasures made since were applied again, or not."""

    backup: v.Id
    controller: v.Id
    erasures_reapplied: bool
    store: v.Id


class ServiceOffered(Data, frozen=True, kw_only=True):
    """A service is offered in a territory from here on."""

    controller: v.Id
    service: v.Id
    territory: v.Territory

    def __post_init__(self) -> None:
        v.check_territory(self.territory, "territory")


class ServiceWithdrawn(Data, frozen=True, kw_only=True):
    """A service is no longer offered in a territory."""

    controller: v.Id
    service: v.Id
    territory: v.Territory

    def __post_init__(self) -> None:
        v.check_territory(self.territory, "territory")
