"""Assessed: which assessors signed a statement, and what each of them says that he did not check.

Whose signature counts, and how many it takes, the order says. What an assessor left unchecked stands in a
note of his own, an attestation, since a statement's text is the same for everybody. Where it is missing, that
is said.
"""

from collections.abc import Iterator

from projections.order import Order, name_in
from projections.runners import wording
from projections.runners.outcome import Assessor, Outcome
from projections.runners.source import MAX_ATTESTATIONS, Source
from signing.attestation import Attestation, open_attestation, statement_hash
from signing.errors import FormatError, ProofError
from signing.keys import VerifierKey, format_vkey, parse_vkey
from signing.note import Note, parse_note, signatures_of, verify_note


def tell_assessors(outcome: Outcome, order: Order, note: Note, source: Source) -> list[VerifierKey]:
    """Put into the outcome who signed the statement, and what he did not check. ProofError when a signature
    in an assessor's name is false."""
    signed = assessors_of(order, note)
    unchecked = _unchecked(outcome, order, note, source)
    for key in signed:
        left = unchecked.get(key.name)
        outcome.assessors.append(Assessor(key.name, format_vkey(key), None if left is None else sorted(left)))
        outcome.attested.append(f"the assessor {key.name}, named in the order, who signed the statement")
        outcome.not_proven.append(wording.unchecked_line(key.name, left))
    outcome.assessors_needed = order.trust.quorum_of_assessors
    if order.trust.quorum_of_assessors > 1:
        outcome.attested.append(quorum_line(order, len(signed)))
    return signed


def assessors_of(order: Order, note: Note) -> list[VerifierKey]:
    """The order's assessors who signed the statement, each once, under whichever of his keys; ProofError when
    a signature in their name is false."""
    signed: dict[str, VerifierKey] = {}
    for vkey in order.trust.assessors:
        key = parse_vkey(vkey)
        if signatures_of(note, key):
            verify_note(note, key)
            signed.setdefault(key.name, key)
    return list(signed.values())


def quorum_line(order: Order, signed: int) -> str:
    """How many of the assessors signed, and how many the order asks for."""
    named = len(set(map(name_in, order.trust.assessors)))
    needed = order.trust.quorum_of_assessors
    asked = "1 is" if needed == 1 else f"{needed} are"
    return f"{signed} of the {named} assessors that the order names signed; {asked} needed"


def _unchecked(outcome: Outcome, order: Order, note: Note, source: Source) -> dict[str, set[str]]:
    """What each assessor says that he did not check, by his name. Others' attestations have no effect."""
    said: dict[str, set[str]] = {}
    keys = [parse_vkey(vkey) for vkey in order.trust.assessors]
    for path, attestation_note in _attestations(source):
        key = next((key for key in keys if signatures_of(attestation_note, key)), None)
        if key is None:
            names = ", ".join(line.name for line in attestation_note.signatures)
            outcome.exceptions.append(f"{path} is signed by {names}, whom the order does not name: no effect")
            continue
        attestation = _open(path, attestation_note, key, statement_hash(note.text))
        said.setdefault(key.name, set()).update(attestation.unchecked)
    return said


def _attestations(source: Source) -> Iterator[tuple[str, Note]]:
    for number in range(MAX_ATTESTATIONS):
        path = f"attestation/{number}"
        if not source.has(path):
            return
        try:
            yield path, parse_note(source.read(path))
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from error


def _open(path: str, note: Note, key: VerifierKey, statement: bytes) -> Attestation:
    try:
        return open_attestation(note, key, statement)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    except ProofError as error:
        raise ProofError(f"{path}: {error}") from error
