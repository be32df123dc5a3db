"""Bundles of one record, as an operator hands them out: for tests of what is said and proved about it."""

from pathlib import Path

from projections.runners.record import Record, format_record
from projections.statement import Log
from signing.encoding import encode_base64
from signing.keys import COSIGNATURE
from signing.note import format_note, sign_note
from tests.projections.deeds import handle
from tests.projections.evidence import WITNESS, Evidence
from tests.projections.logbuilder import OPERATOR, LogBuilder, key_of, vkey_of

Files = dict[str, bytes]
WHO = handle(3)
REGISTERING = (b"writ.key.", b"writ.token.", b"writ.log.created")


def entries_with(log: LogBuilder, *what: bytes) -> list[int]:
    """The events whose line has one of these in it."""
    found = [at for at, row in enumerate(log.rows) if any(one in row.body for one in what)]
    return [at for at in found if log.rows[at].kind == "event"]


def said(evidence: Evidence, entries: list[int], signer: str = OPERATOR) -> bytes:
    """What an operator signs."""
    checkpoint = evidence.log.checkpoint()
    log = Log(checkpoint.origin, encode_base64(checkpoint.root), checkpoint.size)
    return format_note(sign_note(format_record(Record(tuple(entries), WHO, log)), key_of(signer)))


def bundle(evidence: Evidence) -> Files:
    """What an honest operator hands out about `WHO`."""
    entries = entries_with(evidence.log, WHO.encode())
    files = {
        "README.txt": b"read me",
        "record": said(evidence, entries),
        "checkpoint": evidence.log.checkpoint_note(None, *evidence.witnesses),
    }
    for index in sorted({*entries, *entries_with(evidence.log, *REGISTERING)}):
        files |= evidence.proofs(index)
    return files


def policy(folder: Path, *lines: str) -> str:
    """A reader's policy: the one witness, unless told otherwise."""
    path = folder / "policy"
    path.write_text("\n".join(lines or (f"witness w1 {vkey_of(WITNESS, COSIGNATURE)}", "quorum w1")) + "\n")
    return str(path)
