"""Attesting: an assessor's signature on a statement, and what he left unchecked, as he posts them.

The service keeps what it can know to be genuine: the signature of a key that is registered as an auditor's,
on a statement about this log as it was. Whether the log gives that statement, the export finds out, which
replays; whose signature counts, the order says.
"""

from typing import Final

import msgspec
from msgspec import Struct

from ledger.problems import Refused
from projections.registry import Key, Registry
from projections.statement import Statement, parse_statement
from signing.attestation import (
    Attestation,
    checked,
    format_attestation,
    parse_attestation,
    statement_hash,
)
from signing.checkpoint import Checkpoint, verify_checkpoint
from signing.encoding import encode_base64
from signing.errors import FormatError, ProofError
from signing.keys import Signer, VerifierKey
from signing.note import Note, format_note, parse_note, sign_note, verify_note

MAX_BYTES: Final = 1 << 20
MAX_ATTESTATIONS: Final = 90
"""Of one statement: a note has at most 100 signatures."""


class Deposit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is posted: three notes, as their text."""

    attestation: str
    checkpoint: str = ""
    """The log's, of the size that the statement is about, with cosignatures; where the assessor has it."""
    statement: str


class Attested(Struct, frozen=True, kw_only=True):
    """A deposit that was read: the statement, and who attests it."""

    statement: Statement
    note: Note
    attestation: Attestation
    attestation_note: Note
    checkpoint: Note | None


class StatementRow(Struct, frozen=True, kw_only=True):
    """A statement that somebody attested."""

    hash: bytes
    order: str
    size: int
    as_of: int
    text: str


class AttestationRow(Struct, frozen=True, kw_only=True):
    """An assessor's signature on a statement. `attestation` and `checkpoint` are notes; the latter may be
    empty."""

    hash: bytes
    name: str
    key_id: bytes
    signature: bytes
    attestation: bytes
    checkpoint: bytes


def attest(statement: Statement, text: str, signer: Signer, unchecked: tuple[str, ...]) -> tuple[Note, Note]:
    """Sign a statement and what was left unchecked. FormatError where that is not in the vocabulary, or names
    a store of which the statement knows nothing."""
    items = tuple(sorted(set(unchecked)))
    attestation = checked(Attestation(statement.log.origin, statement_hash(text), items))
    stores = {f"store:{look.store}" for one in statement.obligations for look in one.stores}
    for item in items:
        if item.startswith("store:") and item not in stores:
            raise FormatError(f"{item}: the statement has no such store, but {', '.join(sorted(stores))}")
    return sign_note(text, signer), sign_note(format_attestation(attestation), signer)


def open_deposit(body: bytes) -> Attested | Refused:
    """Read what was posted."""
    if len(body) > MAX_BYTES:
        return Refused(problem="too-large", detail=f"an attestation has at most {MAX_BYTES:,} bytes")
    field = None
    try:
        deposit = msgspec.json.decode(body, type=Deposit)
        field = "statement"
        note = parse_note(deposit.statement.encode())
        statement = parse_statement(note.text)
        field = "attestation"
        attestation_note = parse_note(deposit.attestation.encode())
        attestation = parse_attestation(attestation_note.text)
        field = "checkpoint"
        checkpoint = parse_note(deposit.checkpoint.encode()) if deposit.checkpoint else None
    except (ValueError, RecursionError) as error:
        return Refused(problem="malformed", detail=str(error), field=field)
    return Attested(
        statement=statement,
        note=note,
        attestation=attestation,
        attestation_note=attestation_note,
        checkpoint=checkpoint,
    )


def admit(
    attested: Attested, registry: Registry, log: VerifierKey, had: Checkpoint | None
) -> AttestationRow | Refused:
    """The row to keep. `had`: the log's checkpoint of the size that the statement is about, if it had one."""
    said = attested.statement.log
    if said.origin != log.name:
        detail = f"the statement is about the log {said.origin}"
        return Refused(problem="wrong-log", detail=detail, field="statement")
    if had is None or said.root != encode_base64(had.root):
        detail = f"the log never had the root that the statement names at {said.size} entries"
        return Refused(problem="unknown-checkpoint", detail=detail, field="statement")
    about = attested.attestation
    if (about.log, about.statement) != (log.name, statement_hash(attested.note.text)):
        detail = "it is about another statement, or another log"
        return Refused(problem="wrong-log", detail=detail, field="attestation")
    key = _signer(attested, registry)
    if isinstance(key, Refused):
        return key
    refused = _check_signatures(attested, key.verifier, log, had)
    if refused is not None:
        return refused
    return AttestationRow(
        hash=about.statement,
        name=key.name,
        key_id=key.verifier.key_id,
        signature=verify_note(attested.note, key.verifier).signature,
        attestation=format_note(attested.attestation_note),
        checkpoint=b"" if attested.checkpoint is None else format_note(attested.checkpoint),
    )


def statement_row(attested: Attested) -> StatementRow:
    """The statement's own row."""
    said = attested.statement
    return StatementRow(
        hash=attested.attestation.statement,
        order=said.order.id,
        size=said.log.size,
        as_of=said.as_of,
        text=attested.note.text,
    )


def _signer(attested: Attested, registry: Registry) -> Key | Refused:
    """The one key that signed the attestation, if it is an auditor's and valid."""
    field = "attestation"
    if len(attested.attestation_note.signatures) != 1:
        detail = "one assessor signs an attestation: it has other signatures too"
        return Refused(problem="malformed", detail=detail, field=field)
    line = attested.attestation_note.signatures[0]
    key = registry.key(line.name, line.key_id)
    if key is None:
        detail = f"{line.name[:255]} is not registered with this key"
        return Refused(problem="unknown-key", detail=detail, field=field)
    if key.role != "auditor":
        detail = f"{key.name} has the role {key.role}: only an auditor attests statements"
        return Refused(problem="not-allowed", detail=detail, field=field)
    if key.revoked is not None:
        detail = f"the key of {key.name} was revoked by entry {key.revoked.index}"
        return Refused(problem="revoked", detail=detail, field=field)
    return key


def _check_signatures(
    attested: Attested, key: VerifierKey, log: VerifierKey, had: Checkpoint
) -> Refused | None:
    field = "attestation"
    try:
        verify_note(attested.attestation_note, key)
        field = "statement"
        verify_note(attested.note, key)
        field = "checkpoint"
        if attested.checkpoint is not None and verify_checkpoint(attested.checkpoint, log) != had:
            detail = "it is of another size than the statement is about"
            return Refused(problem="wrong-log", detail=detail, field=field)
    except (ProofError, FormatError) as error:
        return Refused(problem="bad-signature", detail=str(error), field=field)
    return None
