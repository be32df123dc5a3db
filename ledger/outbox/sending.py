"""What sends an outbox's events: in order, in batches, once, for as long as it takes.

Each round is: take what waits in the stores' own outboxes, post what waits here, let go of what is in. Every
step may be cut off by a kill and is repeated: an event is known by its id, a submission by its bytes, and how
many events are in the log by the source log's size.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from ledger.client import MAX_LINES, PostedElsewhere, Poster, batches
from ledger.durable import alone
from ledger.failure import Failure
from ledger.outbox.store import Outbox
from ledger.remote import RefusedByService, RemoteLog, Unreachable
from ledger.source_state import SourceFolder, folder_path
from projections.events import decode_event
from signing.keys import Signer, is_within

SENDING: Final = "sending"
PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 30.0


class Feed(Protocol):
    """Where events come from into an outbox: a store's own outbox, say."""

    name: str

    async def take(self, outbox: Outbox) -> int:
        """Take what waits there, and return how many events that were; a `Failure` says why it can't."""


@asynccontextmanager
async def open_sender(outbox: Outbox, log: RemoteLog, signer: Signer) -> AsyncIterator[Sender]:
    """Take the outbox's source log: one process at a time sends, while any number put."""
    if not is_within(outbox.source, signer.verifier.name):
        raise Failure(
            f"the key {signer.verifier.name} does not sign for {outbox.source}",
            "give the key of whoever this outbox posts for",
        )
    folder = open_source(outbox)
    try:
        outbox.forget_troubles()
        yield Sender(outbox, Poster(log, signer, folder, alone=True))
    finally:
        folder.close()


@asynccontextmanager
async def sending(
    outbox: Outbox, log: RemoteLog, signer: Signer, feeds: Sequence[Feed] = ()
) -> AsyncIterator[Sender]:
    """Send in the background of the block, also what others put meanwhile; what is not in at its end waits.

    The outbox is this task's own: whoever puts within the same process opens it once more.
    """
    async with open_sender(outbox, log, signer) as sender:
        task = asyncio.create_task(sender.send_on(feeds))
        try:
            yield sender
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def open_source(outbox: Outbox) -> SourceFolder:
    """The folder of the outbox's source log, held by this process alone."""
    return SourceFolder.open(outbox.folder / "source", outbox.log, outbox.source)


def is_sending(outbox: Outbox) -> bool:
    """Whether a process has taken the outbox's source log."""
    lock = folder_path(outbox.folder / "source", outbox.log, outbox.source) / "lock"
    try:
        with alone(lock, "is sending"):
            return False
    except Failure:
        return True
    except FileNotFoundError:
        return False


class Sender:
    """Sends what waits in an outbox."""

    def __init__(self, outbox: Outbox, poster: Poster) -> None:
        self.outbox = outbox
        self._poster = poster
        self._is_settled = False

    async def send_all(self) -> int:
        """Post everything that waits; returns how many events got into the log."""
        before = self.outbox.status().in_log
        while True:
            try:
                if not await self._send_batch():
                    break
            except PostedElsewhere as elsewhere:
                await self._recognise(elsewhere)
            except Failure as failure:
                self.outbox.note_trouble(SENDING, failure)
                raise
        self.outbox.note_trouble(SENDING, None)
        return self.outbox.status().in_log - before

    async def take(self, feed: Feed) -> int | None:
        """What a feed gave; None where it can't, which is noted."""
        try:
            taken = await feed.take(self.outbox)
        except Failure as failure:
            self.outbox.note_trouble(feed.name, failure)
            return None
        self.outbox.note_trouble(feed.name, None)
        return taken

    async def send_on(self, feeds: Sequence[Feed] = ()) -> None:
        """Send what waits and what is put, until cancelled. Outages and refusals are kept for `status`.

        Ends by itself only where going on would be wrong: a dishonest log, an outbox that is not whole.
        """
        pause_s = PAUSE_S
        while True:
            moved = [await self.take(feed) for feed in feeds]
            moved.append(await self._send())
            if any(moved):
                pause_s = PAUSE_S
                continue
            # What fails is tried less and less often; what is merely idle, soon.
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2) if None in moved else PAUSE_S
            await asyncio.sleep(pause_s)

    async def _send(self) -> int | None:
        """What got into the log; None where the service is away or refuses it."""
        try:
            return await self.send_all()
        except (Unreachable, RefusedByService):
            return None

    async def _send_batch(self) -> bool:
        """Post the next events, if any wait."""
        folder = self._poster.folder
        if not self._is_settled or folder.pending is not None:
            # What a crash or an outage left is sent first, the same bytes, whether it got in or not.
            await self._poster.settle()
            self._is_settled = True
        self.outbox.settle(folder.state.range())
        batch = next(batches(self.outbox.next_lines(folder.state.size, MAX_LINES)), None)
        if batch is None:
            return False
        try:
            await self._poster.post(batch)
        except RefusedByService as refused:
            if not refused.event:
                raise _named(refused, batch) from refused
            # One is refused, and those before it are not to wait with it.
            await self._poster.post(batch[: refused.event])
        return True

    async def _recognise(self, elsewhere: PostedElsewhere) -> None:
        """Go on from a later state of the source log if what was posted are the very events that wait here.

        So it is where a copy of this folder has sent them, or this one was restored to an earlier moment.
        """
        folder = self._poster.folder
        if self.outbox.extend(folder.state.range(), elsewhere.frontier.end) != elsewhere.frontier:
            failure = Failure(
                f"{self.outbox.source} has events in the log that are not this outbox's",
                "nothing more was sent; give each outbox a source of its own (--source)",
            )
            self.outbox.note_trouble(SENDING, failure)
            raise failure from elsewhere
        await asyncio.to_thread(folder.adopt, elsewhere.note, elsewhere.frontier)


def _named(refused: RefusedByService, batch: Sequence[bytes]) -> RefusedByService:
    """The refusal, with the event's id where it is about the first one."""
    if refused.event is None:
        return refused
    id = decode_event(batch[0]).id
    leave_out = f"leave it out for good: writ outbox DIR set-aside {id}"
    remedy = f"{refused.remedy}; or {leave_out}" if refused.remedy else leave_out
    return RefusedByService(refused.status, f"event {id}: {refused}", remedy, 0)
