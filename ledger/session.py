"""One connection's view of a log: the state at its head, and the transaction that carries it on.

What a transaction makes is adopted only after its commit. Whoever uses a session throws it away, connection
and memory and all, after any failure: the next one reads everything back.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import asyncpg
import msgspec
import structlog

from ledger import store
from ledger.admission import Arrival
from ledger.failure import Failure
from ledger.gateway import DoorDraft, EventKey, OwnPost, Placed, TokenPost
from ledger.intake import Waiting
from ledger.keyfiles import LogKeys
from ledger.objections import Contradicted, Objection
from ledger.problems import Refused
from ledger.reading import read_hash_tiles
from ledger.released import Forked, Record
from ledger.releasing import Commit, InDoor, Outcome, Ticket
from ledger.resume import Inconsistent, catch_up, resume
from ledger.sealing import Draft, LogState, Memory, Sealed, TokenRow
from signing.checkpoint import Checkpoint
from signing.keys import Signer, SigningKey
from signing.merkle import CompactRange
from signing.submission import Submission
from signing.tiles import root_from_tiles, tiles_for_root

CONNECT_TIMEOUT_S: Final = 5.0
_MAX_REMEMBERED: Final = 100_000
_PARTITION_MARGIN: Final = 1_000_000
# Beyond this, COPY saves more than its round trips cost.
_MAX_ENTRIES_AT_ONCE: Final = 500
_SETTINGS: Final = {
    "application_name": "writ append",
    # An acknowledged event is on the disk, whatever the server's default.
    "synchronous_commit": "on",
    # A process that hangs inside a transaction would keep all others from the head.
    "idle_in_transaction_session_timeout": "30s",
}

_log = structlog.get_logger(__name__)


class Doubt(msgspec.Struct):
    """The last commit that was tried for a batch, and whose outcome nobody has heard yet."""

    commit: Commit | None = None


class Session:
    """Appends to one log over one connection."""

    def __init__(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        log: str,
        keys: LogKeys,
        record: Record,
        now_us: Callable[[], int],
    ) -> None:
        self.state: LogState | None = None
        self._connection = connection
        self._log = log
        self._origin = keys.log.verifier.name
        self._keys = keys
        self._record = record
        self._now_us = now_us
        self._trusted: Checkpoint | None = None
        self._met: tuple[Objection, ...] = ()
        self._sources: dict[str, CompactRange] = {}
        self._roots: dict[int, bytes] = {}
        self._grown: dict[int, bytes] = {}
        self._room = 0

    @classmethod
    async def open(
        cls, dsn: str, log: str, keys: LogKeys, record: Record, now_us: Callable[[], int]
    ) -> "Session":
        """Connect to the database; nothing is read yet."""
        connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S, server_settings=_SETTINGS)
        return cls(connection, log, keys, record, now_us)

    def abort(self) -> None:
        """Break the connection; the server undoes what was not committed."""
        self._connection.terminate()

    async def close(self) -> None:
        """Take leave of the server."""
        await self._connection.close(timeout=CONNECT_TIMEOUT_S)

    async def transact(self, batch: list[Waiting], doubt: Doubt) -> Commit:
        """Write a batch in one transaction, unless an earlier try that is in doubt did so already."""
        await self._make_room()
        return await self._transact_at_once(batch, doubt) or await self._transact_locked(batch, doubt)

    async def _transact_at_once(self, batch: list[Waiting], doubt: Doubt) -> Commit | None:
        """Write a small batch in one round trip, if the log is still as this session left it.

        The head's lock comes and goes with the statement, which writes nothing when another process has moved
        the head. The same holds of a statement that arrives after its session was given up.
        """
        state = self.state
        if (
            state is None
            or doubt.commit is not None
            or sum(waiting.entries for waiting in batch) > _MAX_ENTRIES_AT_ONCE
            or not self._is_known_to_continue()
        ):
            return None
        commit = await self._draft(batch, state)
        if commit.sealed is None:
            # To say what the log holds, or that it refuses something, takes its head as it is now.
            return None
        doubt.commit = commit
        if not await store.insert_commit(self._connection, self._log, commit.sealed):
            doubt.commit = None
            return None
        self._adopt(commit.sealed)
        return commit

    async def _transact_locked(self, batch: list[Waiting], doubt: Doubt) -> Commit:
        # Not asyncpg's `transaction()`: after a failure it waits for a ROLLBACK that may never be answered.
        await self._connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        state = await self._lock()
        # A try in doubt holds the lock until it is settled. With the lock ours, it is there or it never was,
        # or it has not begun: then it comes too late, for a batch let in again moves the head.
        settled = doubt.commit if await self._has(doubt.commit) else None
        commit = settled or await self._draft(batch, state)
        if settled is None and commit.sealed is not None:
            doubt.commit = commit
            await store.copy_commit(self._connection, self._log, commit.sealed)
        await self._connection.execute("COMMIT")
        # Durable from here. A crash now loses the answers alone: the same bytes again get the same receipts.
        self.state = state
        if settled is None and commit.sealed is not None:
            self._adopt(commit.sealed)
        return commit

    async def _lock(self) -> LogState:
        """Lock the head; return the state at it, which continues the checkpoint released last."""
        head = await store.lock_head(self._connection, self._log)
        state = self.state
        if state is None:
            state = await resume(self._connection, self._log, self._origin, head)
        elif state.head != head:
            if head.size <= state.head.size:
                raise Inconsistent(
                    self._log, f"its head went back from size {state.head.size} to {head.size}"
                )
            # Another process has written, and any source log may have grown.
            self._sources = {}
            state = await catch_up(self._connection, self._log, state, head)
        await self._check_record(state)
        await self._check_objections(state)
        return state

    async def _check_record(self, state: LogState) -> None:
        """Return only if the log, as stored, continues the checkpoint that was released last."""
        released = self._record.read()
        if released is None or self._is_trusted(released):
            return
        stored = Checkpoint(self._origin, state.head.size, state.head.root)
        if released.size > stored.size or released.root != await self._root_at(released.size, state):
            raise Forked(released, stored)
        self._trusted = released

    def _is_trusted(self, released: Checkpoint) -> bool:
        """Whether this session has compared it with the log, or grown the log through it."""
        return released == self._trusted or self._grown.get(released.size) == released.root

    def _is_known_to_continue(self) -> bool:
        """Whether the two checks around this would find nothing."""
        released = self._record.read()
        is_trusted = released is None or self._is_trusted(released)
        return is_trusted and self._record.objections.read() == self._met

    async def _check_objections(self, state: LogState) -> None:
        """Return only if the log, as stored, holds all that witnesses were found to have cosigned."""
        objections = self._record.objections.read()
        if objections == self._met:
            return
        for objection in objections:
            size, shown = state.head.size, objection.shown_size
            if objection.forbids(size, await self._root_at(shown, state) if 0 < shown <= size else None):
                raise Contradicted(objection, size)
        self._met = objections

    async def _root_at(self, size: int, state: LogState) -> bytes:
        if size == state.head.size:
            return state.head.root
        tiles = await read_hash_tiles(self._connection, self._log, tiles_for_root(size), state)
        return root_from_tiles(size, tiles)

    async def _has(self, commit: Commit | None) -> bool:
        if commit is None:
            return False
        roots = await store.read_roots(self._connection, self._log, [commit.checkpoint.size])
        return roots.get(commit.checkpoint.size) == commit.checkpoint.root

    async def _draft(self, batch: list[Waiting], state: LogState) -> Commit:
        """Admit each in turn: those that posters signed first, then what the service signs for."""
        memory = await self._recall(batch)
        known = await self._recall_tokens(batch)
        draft = Draft(state, memory, self._now_us())
        outcomes: dict[int, Outcome] = {}
        for position, waiting in enumerate(batch):
            if isinstance(waiting.work, Arrival):
                outcomes[position] = draft.add(waiting.work)
        outcomes |= await self._pass_door(draft, self._keys.operator, batch, OwnPost, {})
        outcomes |= await self._pass_door(draft, self._keys.gateway, batch, TokenPost, known)
        sealed = None if draft.is_empty else draft.seal()
        head = state.head if sealed is None else sealed.after.head
        tickets = [Ticket(waiting, outcomes.get(position)) for position, waiting in enumerate(batch)]
        return Commit(Checkpoint(self._origin, head.size, head.root), sealed, tickets)

    async def _pass_door(
        self,
        draft: Draft,
        signer: Signer,
        batch: list[Waiting],
        kind: type[OwnPost] | type[TokenPost],
        known: dict[EventKey, TokenRow],
    ) -> dict[int, Outcome]:
        """Put the posts of one kind into a submission that the service signs."""
        door = DoorDraft(draft, signer, known)
        placed: dict[int, Placed | Refused] = {}
        for position, waiting in enumerate(batch):
            if isinstance(waiting.work, kind):
                placed[position] = door.add(waiting.work)
        if door.index is not None:
            head = draft.before
            seen = Checkpoint(self._origin, head.size, head.root) if head.size else None
            try:
                signed = await _sign(door, signer, self._origin, seen)
            except Failure as error:
                _log.error("signing_failed", log=self._log, key=signer.verifier.name, error=str(error))
                refused = Refused(problem="unavailable", detail="the service cannot sign for this now")
                return dict.fromkeys(placed, refused)
            door.enter(*signed)
        return {
            position: outcome if isinstance(outcome, Refused) else InDoor(outcome, door.index)
            for position, outcome in placed.items()
        }

    async def _recall(self, batch: list[Waiting]) -> Memory:
        """Fetch those source logs and checkpoints of which this batch speaks and which nobody remembers."""
        texts = [w.work.submission.text for w in batch if isinstance(w.work, Arrival)]
        sources = {text.origin for text in texts}
        sources |= {self._keys.operator.verifier.name for w in batch if isinstance(w.work, OwnPost)}
        sources |= {self._keys.gateway.verifier.name for w in batch if isinstance(w.work, TokenPost)}
        if unknown := sources - self._sources.keys():
            # Only those that are there: anybody can speak of a source log that is not.
            self._sources |= await store.read_sources(self._connection, self._log, unknown)
        if unseen := {text.seen_size for text in texts if text.seen_size} - self._roots.keys():
            self._roots |= await store.read_roots(self._connection, self._log, unseen)
        return Memory(self._sources, self._roots)

    async def _recall_tokens(self, batch: list[Waiting]) -> dict[EventKey, TokenRow]:
        keys = [key for waiting in batch if isinstance(waiting.work, TokenPost) for key in waiting.work.keys]
        return await store.read_token_events(self._connection, self._log, keys) if keys else {}

    def _adopt(self, sealed: Sealed) -> None:
        """Go on from a commit that is durable."""
        self.state = sealed.after
        # All three may be forgotten at any time: they are read back when they are spoken of.
        if len(self._sources) > _MAX_REMEMBERED:
            self._sources = {}
        if len(self._roots) > _MAX_REMEMBERED:
            self._roots = {}
        if len(self._grown) > _MAX_REMEMBERED:
            self._grown = {}
        self._sources |= sealed.sources
        self._roots[sealed.after.head.size] = self._grown[sealed.after.head.size] = sealed.after.head.root

    async def _make_room(self) -> None:
        """See that partitions are there long before they are needed."""
        size = 0 if self.state is None else self.state.head.size
        if self._room == 0:
            size = (await store.read_head(self._connection, self._log)).size
        if size + _PARTITION_MARGIN > self._room:
            self._room = await store.add_partitions(self._connection, size + 2 * _PARTITION_MARGIN)


async def _sign(
    door: DoorDraft, signer: Signer, log: str, seen: Checkpoint | None
) -> tuple[Submission, CompactRange]:
    if isinstance(signer, SigningKey):
        return door.sign(log, seen)
    return await asyncio.to_thread(door.sign, log, seen)
