"""Proofs: single events of a log, each with all that shows where it stands and under whose note.

They stand in a bundle as `proof/<index>/…` (`docs/spec/bundle.md`). What proves nothing is a ProofError; what
is proved is that the event is the log's, not that it is true, nor that no other was left out.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from projections.events import Event, decode_event
from projections.runners.source import Source, ZipSource
from signing.checkpoint import verify_checkpoint
from signing.entry import Entry, Kind, parse_entry
from signing.errors import FormatError, ProofError
from signing.keys import VerifierKey
from signing.merkle import leaf_hash, verify_inclusion
from signing.note import Note
from signing.submission import parse_submission_note
from signing.tlog_proof import parse_proof, verify_proof


class Proved(Struct, frozen=True):
    """An event that the bundle proves to stand in the log under a submission's note, recorded at `time_us`.
    Who signed that is open."""

    index: int
    time_us: int
    event: Event  # type: ignore[type-arg]
    note: Note


def indexes(source: ZipSource) -> list[int]:
    """The entries that a bundle proves, in log order."""
    return sorted({int(path.split("/")[1]) for path in source.paths if path.startswith("proof/")})


def read_event(source: Source, index: int) -> Proved:
    """What a proof is about; whether it proves that is checked once the log's key is known."""
    event = _entry(source, f"proof/{index}/event", "event")
    submission = _entry(source, f"proof/{index}/submission", "submission")
    with told_of(f"proof/{index}"):
        note, _ = parse_submission_note(submission.body)
        return Proved(index, event.time_us, decode_event(event.body), note)


def check_event(source: Source, index: int, log_key: VerifierKey, checkpoint: Note) -> None:
    """Both entries stand in the log, and the event under the submission's root."""
    place = f"proof/{index}"
    event, submission = source.read(f"{place}/event"), source.read(f"{place}/submission")
    head = _entry(source, f"{place}/submission", "submission")
    line = _entry(source, f"{place}/event", "event").body
    for name, raw, at in (("event", event, index), ("submission", submission, head.index)):
        with told_of(f"{place}/{name}.tlog-proof") as path:
            proof = parse_proof(source.read(path))
            if proof.index != at or proof.checkpoint.text != checkpoint.text:
                raise ProofError("not a proof of this entry under this checkpoint")
            verify_proof(proof, leaf_hash(raw), log_key)
    with told_of(f"{place}/submission"):
        note, text = parse_submission_note(head.body)
    with told_of(f"{place}/source.tlog-proof") as path:
        proof = parse_proof(source.read(path))
        if proof.checkpoint != note or text.log != verify_checkpoint(checkpoint, log_key).origin:
            raise ProofError("not a proof under this submission, or it is for another log")
        if not text.base <= proof.index < text.size or index != head.index + 1 + proof.index - text.base:
            raise ProofError("the event does not stand where its submission has it")
        verify_inclusion(leaf_hash(line), proof.index, text.size, proof.hashes, text.root)


@contextmanager
def told_of(path: str) -> Iterator[str]:
    """What is wrong with a file is said with its path."""
    try:
        yield path
    except (FormatError, ProofError) as error:
        raise type(error)(str(error) if str(error).startswith(path) else f"{path}: {error}") from error


def _entry(source: Source, path: str, kind: Kind) -> Entry:
    with told_of(path):
        entry = parse_entry(source.read(path))
        if entry.kind != kind:
            raise ProofError(f"the entry there calls itself a {entry.kind}")
        return entry
