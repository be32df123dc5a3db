"""What a witness has cosigned, on disk.

A witness's whole worth is a memory that never goes back: what it cosigned is durable before anybody sees the
cosignature, in the same transaction that held the request against it. Its clock never goes back either.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, NamedTuple

from ledger.durable import at_once, open_memory
from ledger.failure import Failure
from ledger.witness_logs import Watch
from signing.checkpoint import Checkpoint, read_foreign_checkpoint
from signing.cosignature import cosign, verify_cosignature
from signing.errors import FormatError
from signing.keys import COSIGNATURE, Signer
from signing.note import (
    Note,
    add_signatures,
    format_note,
    format_signature_line,
    parse_note,
    signatures_of,
)
from signing.witness import (
    AddCheckpoint,
    Cosignable,
    Refusal,
    Watched,
    decide,
    parse_add_checkpoint,
)

TEXT: Final = "text/plain"
SIZE: Final = "text/x.tlog.size"

Outcome = Literal[
    "cosigned", "refreshed", "malformed", "unsigned", "unknown", "conflict", "inconsistent", "limited",
    "too-large", "too-slow", "busy",
]  # fmt: skip
_OUTCOMES: Final[dict[int, Outcome]] = {
    400: "malformed", 403: "unsigned", 404: "unknown", 409: "conflict", 422: "inconsistent"
}  # fmt: skip

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS checkpoints (
    origin_hash TEXT PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL,
    root BLOB NOT NULL, note BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), time_s INTEGER NOT NULL);
"""
_LAST: Final = "SELECT origin, size, root FROM checkpoints WHERE origin_hash = ?"
_LAST_NOTE: Final = "SELECT note FROM checkpoints WHERE origin_hash = ?"
_ALL: Final = "SELECT origin, size, note FROM checkpoints"
_REMEMBER: Final = (
    "INSERT OR REPLACE INTO checkpoints (origin_hash, origin, size, root, note) VALUES (?, ?, ?, ?, ?)"
)
_TIME: Final = "SELECT time_s FROM clock"
_SET_TIME: Final = "INSERT OR REPLACE INTO clock (one, time_s) VALUES (1, ?)"


class Reply(NamedTuple):
    """What is answered, and what it is to those who count and log it."""

    status: int
    body: bytes
    content_type: str = TEXT
    outcome: Outcome = "cosigned"
    origin: str = ""
    """Of a log that is watched; else empty, for anybody can send any."""
    size: int | None = None
    time_s: int | None = None
    wait_s: int | None = None


class Cosigned(NamedTuple):
    """The last cosignature for a log."""

    origin: str
    size: int
    time_s: int


class Memory:
    """The file. Any number of processes may share it."""

    def __init__(self, path: Path) -> None:
        remedy = "restore nothing older in its place: a witness that forgets must go on under a new key"
        self._db = open_memory(path, _SCHEMA, what="a witness's memory", remedy=remedy)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add_checkpoint(self, raw: bytes, watch: Watch, signer: Signer, now_s: int) -> Reply:
        """Answer a request; a cosignature is returned only after what it covers is durable."""
        try:
            request = parse_add_checkpoint(raw)
            origin = read_foreign_checkpoint(request.note.text).origin
        except FormatError as error:
            return Reply(400, f"{error}\n".encode(), outcome="malformed")
        log = watch.find(origin)
        if log is None:
            outcome = decide(None, request, None)
            assert isinstance(outcome, Refusal)
            return _refusal(outcome, "")
        with at_once(self._db):
            return self._answer(request, log, watch, signer, now_s)

    def checkpoint(self, origin_hash: str) -> Reply:
        """The last checkpoint cosigned for the log whose origin has this hash."""
        row = self._db.execute(_LAST_NOTE, (origin_hash,)).fetchone()
        return Reply(404, b"no checkpoint was cosigned\n") if row is None else Reply(200, row[0])

    def cosigned(self, signer: Signer) -> list[Cosigned]:
        """The last cosignature of each log."""
        return [
            Cosigned(origin, size, _time_of(parse_note(note), signer))
            for origin, size, note in self._db.execute(_ALL)
        ]

    def time_s(self) -> int:
        """The latest time that was ever signed; 0 at first."""
        row = self._db.execute(_TIME).fetchone()
        return 0 if row is None else int(row[0])

    def _answer(
        self, request: AddCheckpoint, log: Watched, watch: Watch, signer: Signer, now_s: int
    ) -> Reply:
        outcome = decide(self._last(log.origin), request, log)
        wait_s = watch.take(log.origin, outcome)
        if wait_s:
            why = f"{log.origin} has asked too often: again in {wait_s} s\n".encode()
            return Reply(429, why, outcome="limited", origin=log.origin, wait_s=wait_s)
        if isinstance(outcome, Refusal):
            return _refusal(outcome, log.origin)
        # A crash before the commit leaves the older checkpoint and no cosignature; after it, a checkpoint
        # whose cosignature nobody has, which the log gets by asking again with its new size.
        return self._cosign(outcome, log, signer, now_s)

    def _last(self, origin: str) -> Checkpoint | None:
        row = self._db.execute(_LAST, (origin_hash(origin),)).fetchone()
        return None if row is None else Checkpoint(*row)

    def _cosign(self, outcome: Cosignable, log: Watched, signer: Signer, now_s: int) -> Reply:
        checkpoint, note = outcome.checkpoint, outcome.note
        time_s = max(now_s, self.time_s())
        signature = cosign(note.text, signer, time_s)
        # Signatures that nobody here verified are left out of what is shown later.
        verified = tuple(line for key in log.keys for line in signatures_of(note, key))
        shown = add_signatures(Note(note.text, verified), signature)
        origin, size = checkpoint.origin, checkpoint.size
        self._db.execute(_REMEMBER, (origin_hash(origin), origin, size, checkpoint.root, format_note(shown)))
        self._db.execute(_SET_TIME, (time_s,))
        word: Outcome = "refreshed" if outcome.is_refresh else "cosigned"
        body = format_signature_line(signature).encode()
        return Reply(200, body, outcome=word, origin=origin, size=size, time_s=time_s)


def _time_of(note: Note, signer: Signer) -> int:
    """When this witness cosigned the note; 0 where the key is a new one."""
    lines = signatures_of(note, signer.verifier)
    return verify_cosignature(note.text, lines[-1], signer.verifier) if lines else 0


def _refusal(refusal: Refusal, origin: str) -> Reply:
    outcome = _OUTCOMES[refusal.status]
    if refusal.status == 409:
        return Reply(409, f"{refusal.size}\n".encode(), SIZE, outcome, origin)
    return Reply(refusal.status, f"{refusal.reason}\n".encode(), TEXT, outcome, origin)


def require_cosigner(signer: Signer) -> None:
    """Return only if this is a witness's key."""
    if signer.verifier.algorithm != COSIGNATURE:
        raise Failure(
            f"the key of {signer.verifier.name} is not a witness's key",
            "make one with `writ keygen NAME --witness`",
        )


def origin_hash(origin: str) -> str:
    """What stands for a log in a witness's paths (C2SP tlog-witness)."""
    return sha256(origin.encode()).hexdigest()
