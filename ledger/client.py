"""The poster's client: signs, submits, retries safely, and believes nothing that it can't check.

A poster keeps its source log's state on disk (`source_state`). Each submission is written there before it
is sent, and sent again, the same bytes, until the log has answered; so neither a crash nor a lost reply signs
two histories. Each receipt is checked against the log's vkey, and each checkpoint against the one before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec

from ledger.failure import Failure
from ledger.remote import (
    SIZE_CONFLICT,
    Answer,
    Dishonest,
    FalseReceipt,
    RefusedByService,
    RemoteLog,
    RolledBack,
    read_problem,
    refusal,
)
from ledger.source_state import SourceFolder, SourceState
from signing.checkpoint import Checkpoint, open_checkpoint
from signing.entry import parse_entry
from signing.errors import FormatError, ProofError
from signing.keys import Signer, VerifierKey, format_vkey
from signing.merkle import CompactRange, decode_frontier, leaf_hash, leaf_hashes_of, range_of, root_of
from signing.note import format_note, parse_note, verify_note
from signing.submission import Submission, check_root, make_submission, parse_submission_text
from signing.tlog_proof import parse_proof, verify_proof

# A submission stays well below what the service takes, so that one lost reply costs little to send again.
MAX_LINES = 1000
MAX_BYTES = 2 << 20
# How often a submission is signed anew because the same key posted from elsewhere.
MAX_ADOPTIONS = 5

Progress = Callable[[int], None]


class Receipt(msgspec.Struct, frozen=True):
    """The log's proof that it holds a submission, checked."""

    index: int
    time_us: int
    source_size: int
    checkpoint: Checkpoint
    proof: bytes


@asynccontextmanager
async def open_session(timeout_s: float = 60.0) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP session that gives up on a silent peer; repeating a request is `RemoteLog`'s business."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


class PostedElsewhere(Failure):
    """The same key signed a later state of the source log than its poster knows, who writes it alone."""

    def __init__(self, source: str, note: str, frontier: CompactRange) -> None:
        super().__init__(
            f"{source} has {frontier.end} events, and some of them were posted from elsewhere",
            "give each process a source of its own below the key's name (--source)",
        )
        self.note = note
        self.frontier = frontier


@asynccontextmanager
async def open_poster(
    log: RemoteLog, signer: Signer, state: Path, source: str | None = None
) -> AsyncIterator[Poster]:
    """Open a source log for posting: take its folder, check the log's growth, settle what a crash left."""
    folder = SourceFolder.open(state, format_vkey(log.key), source or signer.verifier.name)
    try:
        poster = Poster(log, signer, folder)
        await poster.settle()
        yield poster
    finally:
        folder.close()


class Poster:
    """Posts to one source log. Calls are served one after another: each submission extends the one before.

    Where the same key posted from elsewhere it goes on from there; `alone`, it raises `PostedElsewhere`.
    """

    def __init__(self, log: RemoteLog, signer: Signer, folder: SourceFolder, *, alone: bool = False) -> None:
        self.log = log
        self.folder = folder
        self._signer = signer
        self._alone = alone
        self._turn = asyncio.Lock()

    @property
    def key(self) -> VerifierKey:
        """The key that signs this source log."""
        return self._signer.verifier

    @property
    def seen(self) -> Checkpoint | None:
        """The last checkpoint of the log that this poster verified."""
        note = self.folder.state.checkpoint
        return None if note is None else open_checkpoint(note.encode(), self.log.key)[0]

    async def settle(self) -> Receipt | None:
        """Check that the log continues what it showed before, then send again what a crash left pending."""
        async with self._turn:
            await self._check_growth()
            pending = self.folder.pending
            return None if pending is None else await self._deliver(pending)

    async def post(self, lines: Sequence[bytes], progress: Progress | None = None) -> list[Receipt]:
        """Sign and post event lines, in as many submissions as they need; return the checked receipts."""
        receipts: list[Receipt] = []
        posted = 0
        async with self._turn:
            for batch in batches(lines):
                try:
                    receipts.append(await self._deliver(self._sign(batch)))
                except RefusedByService as error:
                    if error.event is not None:
                        error.event += posted
                    raise
                posted += len(batch)
                if progress is not None:
                    progress(len(batch))
        return receipts

    async def _check_growth(self) -> None:
        now, _, raw = await self.log.checkpoint()
        seen = self.seen
        if seen is not None:
            await self.log.require_growth(seen, now)
        await asyncio.to_thread(self.folder.see_checkpoint, raw)

    def _sign(self, lines: Sequence[bytes]) -> Submission:
        state = self.folder.state
        return make_submission(
            self._signer, state.source, state.range(), self.log.key.name, self.seen, lines
        )[0]

    async def _deliver(self, submission: Submission) -> Receipt:
        for _ in range(MAX_ADOPTIONS):
            raw = await asyncio.to_thread(self.folder.write_pending, submission)
            answer = await self.log.submit(raw)
            if answer.status == 200:
                return await self._accept(submission, answer.body)
            # Definitely not in the log: a later submission may take its place.
            await asyncio.to_thread(self.folder.drop_pending)
            if read_problem(answer).type != SIZE_CONFLICT:
                raise refusal(answer, f"the submission to {self.folder.state.source}")
            note, frontier = later_state(answer, self.folder.state, self._signer.verifier)
            if self._alone:
                raise PostedElsewhere(self.folder.state.source, note, frontier)
            await asyncio.to_thread(self.folder.adopt, note, frontier)
            submission = self._sign(submission.lines)
        raise Failure(
            f"the same key keeps posting to {self.folder.state.source} from elsewhere",
            "give each process a source of its own below the key's name (--source)",
        )

    async def _accept(self, submission: Submission, raw: bytes) -> Receipt:
        receipt = check_receipt(raw, submission, self.log.key)
        added = range_of(submission.text.base, leaf_hashes_of(submission.lines))
        frontier = check_root(submission.text, self.folder.state.range(), added)
        newest = format_note(parse_proof(raw).checkpoint).decode()
        seen = self.seen
        if seen is not None and receipt.checkpoint.size < seen.size:
            # The receipt of a retry is as old as the commit it proves; what was seen since must continue it.
            await self.log.require_growth(receipt.checkpoint, seen)
            newest = self.folder.state.checkpoint or newest
        elif seen is not None:
            await self.log.require_growth(seen, receipt.checkpoint)
        await asyncio.to_thread(self.folder.accept, frontier, raw, newest)
        return receipt


def check_receipt(raw: bytes, submission: Submission, log_key: VerifierKey) -> Receipt:
    """Return a receipt only if it proves that the log with this key holds this very submission."""
    try:
        proof = parse_proof(raw)
        # The header line travels as extra data: with our own note it makes the entry, and so the leaf.
        whole = (proof.extra or b"") + format_note(submission.note)
        entry = parse_entry(whole)
        checkpoint = verify_proof(proof, leaf_hash(whole), log_key)
        # A note has several lines, so this is no event; but an entry may lie about where it stands.
        if entry.index != proof.index:
            raise ProofError(f"the entry at index {proof.index} calls itself {entry.index}")
        if checkpoint.size <= entry.index + len(submission.lines):
            raise ProofError(f"its checkpoint of size {checkpoint.size} leaves out the submission's events")
    except (FormatError, ProofError) as error:
        raise FalseReceipt(
            f"the receipt of {log_key.name} does not prove the submission to {submission.text.origin} "
            f"that ends at {submission.text.size}: {error}",
            "keep the answer and the state folder, and show both to the authority",
        ) from error
    return Receipt(proof.index, entry.time_us, submission.text.size, checkpoint, raw)


def later_state(answer: Answer, state: SourceState, key: VerifierKey) -> tuple[str, CompactRange]:
    """Return the later state of a source log that a size conflict shows, only if `key` signed it."""
    problem = read_problem(answer)
    try:
        if problem.note is None or problem.frontier is None:
            raise RolledBack(*_rolled_back(state, 0)) if state.size else ProofError("it shows no note")
        note = parse_note(problem.note.encode())
        text = parse_submission_text(note.text)
        verify_note(note, key)
        frontier = decode_frontier(text.size, problem.frontier)
        if (text.origin, text.log) != (state.source, state.log.split("+", 1)[0]):
            raise ProofError(f"its note is of {text.origin} in {text.log}")
        if root_of(frontier) != text.root:
            raise ProofError("its frontier does not give the root that was signed")
        if text.size == state.size:
            raise ProofError(f"it refuses size {state.size} and shows a note of that size")
    except (FormatError, ProofError) as error:
        if isinstance(error, Dishonest):
            raise
        raise Dishonest(
            f"the log's state of {state.source} can't be believed: {error}",
            "nothing was posted; show the answer to the log's administrator, and keep the state folder",
        ) from error
    if text.size < state.size:
        raise RolledBack(*_rolled_back(state, text.size))
    return problem.note, frontier


def batches(lines: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Split event lines into what one submission each may hold, by number and by bytes."""
    batch: list[bytes] = []
    size_bytes = 0
    for line in lines:
        if batch and (len(batch) == MAX_LINES or size_bytes + len(line) >= MAX_BYTES):
            yield tuple(batch)
            batch, size_bytes = [], 0
        batch.append(line)
        size_bytes += len(line) + 1
    if batch:
        yield tuple(batch)


def _rolled_back(state: SourceState, size: int) -> tuple[str, str]:
    return (
        f"the log shows {size} events of {state.source}, but it gave receipts for {state.size}",
        "stop posting: the receipts in the state folder prove what the log lost; show them to the authority",
    )
