"""Held: what a reader has in hand from the time when something was posted — a submission, or a receipt.

An operator who cuts off the end of a poster's source log leaves no trace in the log. Who posted it can show.
"""

from msgspec import Struct

from projections.runners.offline import Replayed
from signing.encoding import encode_base64
from signing.errors import FormatError, ProofError
from signing.keys import VerifierKey
from signing.merkle import leaf_hash, leaf_hashes_of, range_of
from signing.note import Note, parse_note
from signing.submission import check_root, parse_submission, parse_submission_text
from signing.tlog_proof import TlogProof, parse_proof, verify_proof


class Held(Struct, frozen=True):
    """One file: a submission's note, with or without its lines, or a receipt."""

    name: str
    note: Note | None = None
    receipt: TlogProof | None = None


def parse_held(name: str, raw: bytes) -> Held:
    """Read a submission, its note alone, or a receipt; FormatError when it is none of these."""
    try:
        if raw.startswith(b"c2sp.org/tlog-proof"):
            return Held(name, receipt=parse_proof(raw))
        if raw.count(b"\n\n") == 1:
            note = parse_note(raw)
            parse_submission_text(note.text)
            return Held(name, note=note)
        submission = parse_submission(raw)
    except FormatError as error:
        raise FormatError(f"{name}: neither a submission nor a receipt: {error}") from error
    if submission.text.base == 0:
        check_root(submission.text, range_of(0, []), range_of(0, leaf_hashes_of(submission.lines)))
    return Held(name, note=submission.note)


def watched(held: tuple[Held, ...]) -> frozenset[str]:
    """The note texts to look for."""
    return frozenset(one.note.text for one in held if one.note is not None)


def check_held(held: tuple[Held, ...], replayed: Replayed, log_key: VerifierKey) -> list[str]:
    """Where in the log each stands, in words; ProofError names one that the log does not have."""
    return [
        _check_note(one.name, one.note, replayed)
        if one.note is not None
        else _check_receipt(one, replayed, log_key)
        for one in held
    ]


def _check_note(name: str, note: Note, replayed: Replayed) -> str:
    text = parse_submission_text(note.text)
    index = replayed.audit.found.get(note.text)
    if index is None:
        raise ProofError(
            f"{name}: this submission to the source log {text.origin} (its events {text.base} to "
            f"{text.size - 1}) "
            "is not in the log: it was left out"
        )
    return f"{name}: stands in the log as entry {index}, with the events that its poster signed"


def _check_receipt(one: Held, replayed: Replayed, log_key: VerifierKey) -> str:
    receipt = one.receipt
    assert receipt is not None
    size = replayed.audited.checkpoint.size
    if receipt.index >= size:
        raise ProofError(
            f"{one.name}: the receipt is for entry {receipt.index}, and this log ends after {size} entries: "
            "the end was cut off, or the bundle is older than the receipt"
        )
    leaf = leaf_hash(replayed.tiles.entry(receipt.index))
    try:
        promised = verify_proof(receipt, leaf, log_key)
    except ProofError as error:
        raise ProofError(
            f"{one.name}: entry {receipt.index} is not what the receipt promises: {error}"
        ) from error
    if promised.size > size:
        raise ProofError(
            f"{one.name}: the receipt's checkpoint counts {promised.size} entries, and this log ends after "
            f"{size}: the end was cut off, or the bundle is older than the receipt"
        )
    if replayed.audit.history.root_at(promised.size) != promised.root:
        raise ProofError(
            f"{one.name}: the receipt's checkpoint of {promised.size} entries has the root "
            f"{encode_base64(promised.root)}, which this log never had: two histories were shown"
        )
    return f"{one.name}: entry {receipt.index} is in the log as the receipt promises"
