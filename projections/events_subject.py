"""Events of data subjects' rights: consent, enquiries, objections, restriction, retention, suppression.

What is asked and what is done about it. The person is nowhere: a request has a registered id, and records are
handles.
"""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from projections import vocabulary as v
from projections.vocabulary import Data


class ConsentGiven(Data, frozen=True, kw_only=True):
    """The subjects of the records consented to an activity (GDPR Art. 7)."""

    activity: v.Id
    controller: v.Id
    records: v.Handles

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class ConsentWithdrawn(Data, frozen=True, kw_only=True):
    """The subjects of the records no longer consent to an activity (GDPR Art. 7(3))."""

    activity: v.Id
    controller: v.Id
    records: v.Handles

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class EnquiryReceived(Data, frozen=True, kw_only=True):
    """A data subject exercises a right, one of GDPR Art. 15 to 22. An answer is due by `due_at` (Art. 12(3)).

    `records` are those that the request is about, where they are known.
    """

    controller: v.Id
    due_at: v.Timestamp
    records: v.Handles | UnsetType = UNSET
    request: v.Id
    right: v.Right

    def __post_init__(self) -> None:
        v.check_time(self.due_at, "due_at")
        if not isinstance(self.records, UnsetType):
            v.check_handle_set(self.records)


class EnquiryIdentityDemanded(Data, frozen=True, kw_only=True):
    """The subject was asked to prove who he is (GDPR Art. 12(6)): with what, why, and whether he must.

    Each further thing that is asked for may keep somebody from asking.
    """

    controller: v.Id
    ground: v.DemandGround
    items: Annotated[
        tuple[v.DemandedItem, ...],
        Meta(min_length=1, max_length=v.MAX_LIST),
    ]
    optional: bool
    request: v.Id

    def __post_init__(self) -> None:
        v.check_sorted(self.items, "items")


class EnquiryExtended(Data, frozen=True, kw_only=True):
    """The answer is put off to `due_at`, and the subject was told why (GDPR Art. 12(3))."""

    controller: v.Id
    due_at: v.Timestamp
    ground: v.ExtensionGround
    request: v.Id

    def __post_init__(self) -> None:
        v.check_time(self.due_at, "due_at")


class EnquiryAnswered(Data, frozen=True, kw_only=True):
    """The request was answered: how, and where it was not fulfilled on what ground (GDPR Art. 12(4), (5))."""

    controller: v.Id
    ground: v.AnswerGround | UnsetType = UNSET
    outcome: v.AnswerOutcome
    request: v.Id


class EnquiryAbandoned(Data, frozen=True, kw_only=True):
    """The subject did not go on with the request."""

    controller: v.Id
    request: v.Id


class ObjectionRaised(Data, frozen=True, kw_only=True):
    """A data subject objects to the processing of the records (GDPR Art. 21)."""

    controller: v.Id
    ground: v.ObjectionGround
    records: v.Handles
    request: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class ObjectionUpheld(Data, frozen=True, kw_only=True):
    """An objection holds: the records are no longer to be processed (GDPR Art. 21(1), (3))."""

    controller: v.Id
    ground: v.ObjectionGround
    records: v.Handles
    request: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class ObjectionRefused(Data, frozen=True, kw_only=True):
    """An objection was refused, on what ground (GDPR Art. 21(1), (6))."""

    controller: v.Id
    ground: v.RefusalGround
    records: v.Handles
    request: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class DataRestricted(Data, frozen=True, kw_only=True):
    """The records are kept in a store and not to be used (GDPR Art. 18)."""

    controller: v.Id
    records: v.Handles
    store: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class DataUnrestricted(Data, frozen=True, kw_only=True):
    """A restriction ends: the records in a store may be used again (GDPR Art. 18(3))."""

    controller: v.Id
    records: v.Handles
    store: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class RetentionExpired(Data, frozen=True, kw_only=True):
    """By a rule of the controller's own, the records are no longer to be kept (GDPR Art. 5(1)(e)).

    This erases nothing.
    """

    controller: v.Id
    records: v.Handles
    rule: v.Id

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)


class SuppressionAdded(Data, frozen=True, kw_only=True):
    """Tokens by which somebody is recognised, so that nothing is collected of him again (GDPR Art. 21(3)).

    A suppression list is data kept about people who wanted none kept: it has a purpose, and may have an end.
    """

    controller: v.Id
    purpose: v.Id
    tokens: v.Handles
    until: v.Timestamp | UnsetType = UNSET

    def __post_init__(self) -> None:
        v.check_handle_set(self.tokens, "tokens")
        v.check_time(self.until, "until")


class SuppressionHit(Data, frozen=True, kw_only=True):
    """Something met tokens of the suppression list and was left alone."""

    controller: v.Id
    purpose: v.Id
    tokens: v.Handles

    def __post_init__(self) -> None:
        v.check_handle_set(self.tokens, "tokens")


class SuppressionRemoved(Data, frozen=True, kw_only=True):
    """Tokens left the suppression list."""

    controller: v.Id
    purpose: v.Id
    tokens: v.Handles

    def __post_init__(self) -> None:
        v.check_handle_set(self.tokens, "tokens")
