"""A poster's memory of its own source log, on disk.

A poster that forgets what it signed can be made to sign two histories. So each source log has a folder:

    state.json    size and frontier that the log has acknowledged, the last note, the last checkpoint verified
    pending       the submission that was signed and may have been sent: on disk before the first byte leaves
    receipts/     SIZE.note and SIZE.tlog-proof: what the log acknowledged, and its proof
    lock          held by the one process that may sign

After a crash the very same pending bytes are sent again, so a retry can never sign another history. The size
in `state.json` never decreases.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import msgspec

from ledger.durable import remove_durably, replace_all_durably, replace_durably, sync_folder
from ledger.failure import Failure
from signing.errors import FormatError
from signing.merkle import EMPTY_RANGE, CompactRange, decode_frontier, encode_frontier
from signing.note import format_note
from signing.submission import Submission, format_submission, parse_submission


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of events being posted: where it began in the source log tells how much of it is in."""

    sha256: str
    lines: int
    begun_at: int

    def done(self, size: int) -> int:
        """How many of the file's lines a source log of this size holds."""
        return min(self.lines, size - self.begun_at)


class SourceState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the log acknowledged of one source log, and what its poster verified of the log."""

    log: str
    source: str
    size: int = 0
    frontier: str = ""
    note: str | None = None
    checkpoint: str | None = None
    job: Job | None = None

    def range(self) -> CompactRange:
        """The frontier as a value."""
        return decode_frontier(self.size, self.frontier) if self.size else EMPTY_RANGE


class SourceFolder:
    """The folder of one source log, held by this process alone from `open` to `close`."""

    def __init__(self, path: Path, lock: int, state: SourceState, pending: Submission | None) -> None:
        self.path = path
        self.state = state
        self.pending = pending
        self._lock = lock

    @classmethod
    def open(cls, root: Path, log_vkey: str, source: str) -> SourceFolder:
        """Take the folder of a source log under `root`, making it at first; one process at a time has it."""
        path = folder_path(root, log_vkey, source)
        (path / "receipts").mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _take_lock(path)
        try:
            state = _read_state(path, SourceState(log=log_vkey, source=source))
            return cls(path, lock, state, _read_pending(path, state))
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def __enter__(self) -> SourceFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write_pending(self, submission: Submission) -> bytes:
        """Keep a submission before it is sent, and return the bytes to send."""
        raw = format_submission(submission)
        # Durable before the first byte leaves. A crash from here on is answered by sending these bytes again.
        replace_durably(self.path / "pending", raw)
        self.pending = submission
        return raw

    def drop_pending(self) -> None:
        """Forget a submission that the log has definitely refused."""
        self.pending = None
        remove_durably(self.path / "pending")

    def accept(self, frontier: CompactRange, receipt: bytes, checkpoint: str) -> None:
        """Record that the pending submission is in the log, with its receipt and the checkpoint verified."""
        assert self.pending is not None, "only a submission that was written down can be accepted"
        note = format_note(self.pending.note)
        # Receipts first: a crash before the state is replaced repeats the submission, for the same receipt.
        files = {f"{frontier.end}.note": note, f"{frontier.end}.tlog-proof": receipt}
        replace_all_durably(self.path / "receipts", files, mode=0o644)
        self._replace_state(size=frontier.end, frontier=encode_frontier(frontier), note=note.decode(),
                            checkpoint=checkpoint)  # fmt: skip
        # A crash here leaves a pending submission that ends at the state's size: `open` knows it for settled.
        (self.path / "pending").unlink()
        self.pending = None

    def adopt(self, note: str, frontier: CompactRange) -> None:
        """Go on from a later state of the source log, which this poster's key signed elsewhere."""
        job = self.state.job
        if job is not None:
            # The lines that came from elsewhere are not lines of the file.
            job = msgspec.structs.replace(job, begun_at=job.begun_at + frontier.end - self.state.size)
        self._replace_state(size=frontier.end, frontier=encode_frontier(frontier), note=note, job=job)

    def see_checkpoint(self, checkpoint: str) -> None:
        """Remember a checkpoint that was verified and found consistent with the one before."""
        if checkpoint != self.state.checkpoint:
            self._replace_state(checkpoint=checkpoint)

    def begin_job(self, sha256: str, lines: int) -> int:
        """Begin posting a file, or go on with it; return how many of its lines are in already."""
        job = self.state.job
        if job is not None and job.sha256 == sha256:
            return job.done(self.state.size)
        if job is not None and 0 < job.done(self.state.size) < job.lines:
            raise Failure(
                f"another file is unfinished: {job.done(self.state.size)} of {job.lines} events of the file "
                f"with SHA-256 {job.sha256} are in {self.state.source}",
                "post that file again to finish it, or give --abandon to leave its rest unposted",
            )
        self._replace_state(job=Job(sha256=sha256, lines=lines, begun_at=self.state.size))
        return 0

    def abandon_job(self) -> None:
        """Forget an unfinished file; what is in the log stays there."""
        self._replace_state(job=None)

    def _replace_state(self, **changes: object) -> None:
        state: SourceState = msgspec.structs.replace(self.state, **changes)
        assert state.size >= self.state.size, "a source log never shrinks"
        replace_durably(self.path / "state.json", msgspec.json.format(msgspec.json.encode(state)) + b"\n")
        self.state = state


def folder_path(root: Path, log_vkey: str, source: str) -> Path:
    """Where a source log's state is kept: below the log's name and key id, so that no two logs share one."""
    name, key_id, _ = log_vkey.split("+", 2)
    return root / f"{quote(name, safe='')}+{key_id}" / quote(source, safe="")


def _take_lock(path: Path) -> int:
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Failure(
            f"another process is posting to this source log ({path})",
            "wait for it, or post under another source below the key's name (--source)",
        ) from None
    sync_folder(path)
    return descriptor


def _read_state(path: Path, fresh: SourceState) -> SourceState:
    try:
        raw = (path / "state.json").read_bytes()
    except FileNotFoundError:
        return fresh
    try:
        state = msgspec.json.decode(raw, type=SourceState)
        state.range()
    except (msgspec.MsgspecError, FormatError) as error:
        raise Failure(
            f"{path / 'state.json'} is damaged: {error}",
            "restore it from a copy; without it the client can't tell an older history from a newer one",
        ) from error
    if (state.log, state.source) != (fresh.log, fresh.source):
        raise Failure(
            f"{path / 'state.json'} belongs to {state.source} in {state.log}", "give another --state"
        )
    return state


def _read_pending(path: Path, state: SourceState) -> Submission | None:
    try:
        submission = parse_submission((path / "pending").read_bytes())
    except FileNotFoundError:
        return None
    # Written by replacement, so whole; one that ends at or below the state was settled before a crash.
    return submission if submission.text.size > state.size else None
