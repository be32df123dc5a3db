"""Sharing: who else has the data: disclosures and what recipients say of them, backups.

A part of the docket. Kept as posted: what a notice, an answer or an expiry is worth is decided
where it is judged (`recipients`, `backups`). Which records a disclosure was of, their holdings say.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import Struct, UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.series import Series

AnswerKind = Literal["notified", "acknowledged", "unreachable"]


class Disclosure(Struct, frozen=True, array_like=True):
    """Records went to somebody else. A large disclosure takes several events under one id."""

    index: int
    time_us: int
    by: int
    disclosure: str
    recipient: str
    country: str
    public: bool


class Answer(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What was said about a disclosure's recipient, or by it. `claimed_us`: when the poster says that was."""

    index: int
    time_us: int
    by: int
    kind: AnswerKind
    disclosure: str
    claimed_us: int
    outcome: str = ""
    justification: str = ""


class Backup(Struct, frozen=True, array_like=True):
    """A backup of what a store held at `as_of_us`, kept until `expires_us`, both as its maker says."""

    index: int
    time_us: int
    by: int
    store: str
    backup: str
    as_of_us: int
    expires_us: int


class Expiry(Struct, frozen=True, array_like=True):
    """Somebody says that a backup is gone."""

    index: int
    time_us: int
    by: int
    store: str
    backup: str


class Restore(Struct, frozen=True, array_like=True):
    """A store was restored from a backup, with the erasures made since, or without them."""

    index: int
    time_us: int
    by: int
    store: str
    backup: str
    reapplied: bool


class Sharing(Struct, frozen=True):
    """State after some number of entries. Series are in log order."""

    disclosures: Series[Disclosure] = Series()
    answers: Series[Answer] = Series()
    backups: Series[Backup] = Series()
    expiries: Series[Expiry] = Series()
    restores: Series[Restore] = Series()


def _disclosed(state: Sharing, fact: Fact, by: int) -> Sharing:
    data: ev.DataDisclosed = fact.event.data
    one = Disclosure(fact.index, fact.time_us, by, data.disclosure, data.recipient, data.country, data.public)
    return msgspec.structs.replace(state, disclosures=state.disclosures.grown(one))


def _notified(state: Sharing, fact: Fact, by: int) -> Sharing:
    return _answered(state, fact, by, "notified")


def _acknowledged(state: Sharing, fact: Fact, by: int) -> Sharing:
    data: ev.RecipientAcknowledged = fact.event.data
    return _answered(state, fact, by, "acknowledged", _word(data.outcome), _word(data.justification))


def _unreachable(state: Sharing, fact: Fact, by: int) -> Sharing:
    data: ev.RecipientUnreachable = fact.event.data
    return _answered(state, fact, by, "unreachable", "", _word(data.justification))


def _answered(state: Sharing, fact: Fact, by: int, kind: AnswerKind, *more: str) -> Sharing:
    claimed_us = ev.time_us(fact.event)
    one = Answer(fact.index, fact.time_us, by, kind, fact.event.data.disclosure, claimed_us, *more)
    return msgspec.structs.replace(state, answers=state.answers.grown(one))


def _word(value: str | UnsetType) -> str:
    return "" if isinstance(value, UnsetType) else value


def _backed_up(state: Sharing, fact: Fact, by: int) -> Sharing:
    data: ev.BackupCreated = fact.event.data
    one = Backup(
        fact.index,
        fact.time_us,
        by,
        data.store,
        data.backup,
        ev.rfc3339_us(data.as_of),
        ev.rfc3339_us(data.expires_at),
    )
    return msgspec.structs.replace(state, backups=state.backups.grown(one))


def _expired(state: Sharing, fact: Fact, by: int) -> Sharing:
    data: ev.BackupExpired = fact.event.data
    one = Expiry(fact.index, fact.time_us, by, data.store, data.backup)
    return msgspec.structs.replace(state, expiries=state.expiries.grown(one))


def _restored(state: Sharing, fact: Fact, by: int) -> Sharing:
    data: ev.BackupRestored = fact.event.data
    one = Restore(fact.index, fact.time_us, by, data.store, data.backup, data.erasures_reapplied)
    return msgspec.structs.replace(state, restores=state.restores.grown(one))


STEPS: dict[type[Any], Callable[[Sharing, Fact, int], Sharing]] = {
    ev.DataDisclosed: _disclosed,
    ev.RecipientNotified: _notified,
    ev.RecipientAcknowledged: _acknowledged,
    ev.RecipientUnreachable: _unreachable,
    ev.BackupCreated: _backed_up,
    ev.BackupExpired: _expired,
    ev.BackupRestored: _restored,
}
