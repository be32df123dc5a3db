"""What an erasure says in the ledger: of which store, on what grounds, with which evidence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar
from uuid import uuid4

from msgspec import UNSET, Struct, UnsetType

from ledger.durable import replace_durably
from projections.events import DataDeleted, DeletionFailed, decode_event, encode_event, make_event
from projections.vocabulary import MAX_HANDLES, Data, DeletionError, ErasureCause, ErasureMethod, Evidence
from signing.handle import NativeId, handle

_SALT_BYTES: Final = 16

Keep = Callable[[bytes], Evidence]
"""Keeps a receipt outside of the ledger, durably, and returns what the event commits to."""

T = TypeVar("T")


class Holding(Struct, frozen=True, kw_only=True):
    """A data store as the ledger knows it, and the key that blinds its ids, which goes nowhere."""

    controller: str
    store: str
    namespace: str
    source: str
    """The source log of the outbox by which its events go."""
    key: bytes

    def __repr__(self) -> str:
        # A log of what went wrong is no place for a key.
        return f"Holding({self.store} of {self.controller}, namespace {self.namespace}, as {self.source})"

    def handle(self, native_id: NativeId) -> str:
        """A record's name in the ledger."""
        return handle(self.key, self.namespace, native_id)


class Grounds(Struct, frozen=True, kw_only=True):
    """Why records are erased and how, in the words of `data.deleted`."""

    cause: ErasureCause
    cause_ref: str | None = None
    method: ErasureMethod
    irrecoverable: bool = True


def erased_line(
    holding: Holding, grounds: Grounds, handles: Sequence[str], evidence: Evidence, id: str | None = None
) -> bytes:
    """The event that says that records are gone."""
    cause_ref: str | UnsetType = UNSET if grounds.cause_ref is None else grounds.cause_ref
    data = DataDeleted(
        cause=grounds.cause,
        cause_ref=cause_ref,
        controller=holding.controller,
        evidence=(evidence,),
        irrecoverable=grounds.irrecoverable,
        method=grounds.method,
        records=tuple(sorted(handles)),
        store=holding.store,
    )
    return _line(holding, data, id)


def failed_line(
    holding: Holding, error: DeletionError, handles: Sequence[str], id: str | None = None
) -> bytes:
    """The event that says that records were to be erased and are there."""
    data = DeletionFailed(
        controller=holding.controller, error=error, records=tuple(sorted(handles)), store=holding.store
    )
    return _line(holding, data, id)


def keep_in(folder: Path) -> Keep:
    """Keep receipts as files that are named for their hash."""

    def keep(receipt: bytes) -> Evidence:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        digest = sha256(receipt).hexdigest()
        replace_durably(folder / f"{digest}.json", receipt)
        return Evidence(kind="receipt", sha256=digest)

    return keep


def receipt(holding: Holding, told: Mapping[str, object]) -> bytes:
    """What the store told of an erasure, salted: nobody finds out by trying what a hash commits to."""
    salted = {"salt": os.urandom(_SALT_BYTES).hex(), "store": holding.store, "written": now(), **told}
    return json.dumps(salted, sort_keys=True, indent=1).encode() + b"\n"


def in_events(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split what is told into what one event each may tell."""
    for at in range(0, len(values), MAX_HANDLES):
        yield values[at : at + MAX_HANDLES]


def now() -> str:
    """The time for an event, in whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(holding: Holding, data: Data, id: str | None) -> bytes:
    line = encode_event(make_event(data, id=id or uuid4().hex, source=holding.source, time=now()))
    decode_event(line)  # says which field is wrong, before anything is erased for good
    return line
