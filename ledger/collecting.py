"""Collecting: what assessors posted of a statement, put into the bundle that is made of it.

The service keeps signatures of auditors without asking whether anybody will believe them. All of them go into
the bundle, in the sequence of names and keys; whose count, the order says.
"""

from collections.abc import Iterator

from msgspec import Struct

from ledger.attesting import AttestationRow, StatementRow
from projections.statement import Statement, parse_statement
from signing.cosignature import verify_cosignature
from signing.errors import ProofError
from signing.keys import VerifierKey
from signing.note import Note, NoteSignature, add_signatures, parse_note, signatures_of
from signing.policy import Policy


class Collected(Struct, frozen=True):
    """An attested statement, and all that assessors posted of it."""

    row: StatementRow
    signed: tuple[AttestationRow, ...]

    @property
    def statement(self) -> Statement:
        """The statement, read."""
        return parse_statement(self.row.text)

    @property
    def note(self) -> Note:
        """The statement's text with each assessor's signature."""
        lines = (NoteSignature(one.name, one.key_id, one.signature) for one in self.signed)
        return Note(self.row.text, tuple(lines))

    @property
    def members(self) -> dict[str, bytes]:
        """What each left unchecked, as a bundle has it."""
        return {f"attestation/{number}": one.attestation for number, one in enumerate(self.signed)}


def take_cosignatures(checkpoint: Note, policy: Policy, collected: Collected) -> Note:
    """The checkpoint with the cosignatures that assessors had it with: of each witness of the order the
    earliest, since a note has room for a hundred. What does not verify is left out."""
    for witness in policy.witnesses:
        found = sorted(_cosignatures(checkpoint, witness.key, collected), key=lambda one: one[0])
        checkpoint = add_signatures(checkpoint, *(line for _, line in found[:1]))
    return checkpoint


def _cosignatures(
    checkpoint: Note, witness: VerifierKey, collected: Collected
) -> Iterator[tuple[int, NoteSignature]]:
    for one in collected.signed:
        for line in signatures_of(parse_note(one.checkpoint), witness) if one.checkpoint else ():
            try:
                yield verify_cosignature(checkpoint.text, line, witness), line
            except ProofError:
                continue
